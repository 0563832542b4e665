//! `vfio_user`: what a client may send to the server of a virtual adapter: messages of any content, with descriptors of any kind, cut
//! anywhere, while a small model reads and writes what was mapped. Input: steps of a byte (what) and what that step needs; see [`Run::step`].

use crate::input::Input;
use nix::sys::memfd::{MFdFlags, memfd_create};
use pci::contract::register::{ADDRESS, COMMAND, LENGTH, SCRATCH, STATUS, SUM};
use pci::contract::{IDENTITY, Sample};
use std::fs::File;
use std::io::IoSlice;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use vfio_user::Server;
use vfio_user::server::STALL;

/// Bytes of each file of the client's memory.
const FILE: u64 = 16384;

struct Run {
    server: Server<Sample>,
    client: UnixStream,
    sealed: File,
    /// A file that the client makes shorter and longer.
    loose: File,
    now: u64,
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let before = descriptors();
    let mut run = Run::new();
    let mut input = Input(data);
    while !input.is_empty() {
        run.step(&mut input);
    }
    run.last();
    drop(run);
    assert_eq!(descriptors(), before, "a descriptor is left");
}

/// Those of the client's memory, which is what a server is lent. Other kinds are made by other targets, too, and inputs of those may be
/// read by other threads of the process meanwhile.
fn descriptors() -> usize {
    let Ok(all) = std::fs::read_dir("/proc/self/fd") else { return 0 };
    let links = all.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("/memfd:fuzz")).count()
}

fn memfd(flags: MFdFlags) -> File {
    let file = File::from(memfd_create(c"fuzz", flags).expect("a memfd"));
    file.set_len(FILE).expect("memory");
    file
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn message(command: u16, id: u16, flags: u32, payload: &[u8]) -> Vec<u8> {
    let head = u32::from(command) << 16 | u32::from(id);
    [words(&[head, 16 + payload.len() as u32, flags, 0]), payload.to_vec()].concat()
}

fn access(region: u32, offset: u64, bytes: &[u8]) -> Vec<u8> {
    [&offset.to_ne_bytes()[..], &words(&[region, bytes.len() as u32]), bytes].concat()
}

impl Run {
    fn new() -> Run {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("qfc-fuzz-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path: PathBuf = std::env::temp_dir().join(name);
        let mut server = Server::bind(&path, Sample::default()).expect("a socket");
        server.set_patience(Duration::ZERO);
        let client = connect(&mut server);
        Run { server, client, sealed: memfd(MFdFlags::MFD_ALLOW_SEALING), loose: memfd(MFdFlags::empty()), now: 1 }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.u8() % 10 {
            0 => self.any_message(input),
            1 => {
                let len = input.u8().into();
                self.send(input.bytes(len), &[]);
            }
            2 => self.poll(),
            3 => self.again(),
            4 => self.now += u64::from(input.u8()) * (STALL / 64),
            5 => {
                let _ = self.loose.set_len(u64::from(input.u8() % 5) * 4096);
            }
            6 => self.map(input),
            7 => self.order(input),
            8 => self.read(),
            _ => self.send(&message(8, 2, 0, &words(&[20, 36, 2, input.u8().into(), 1])), &self.files(0x31)),
        }
    }

    /// Command, flags, descriptors, length, payload.
    fn any_message(&mut self, input: &mut Input<'_>) {
        let (command, flags, kinds, len) = (input.u8() % 20, input.u8(), input.u8(), input.u8());
        let payload = input.array::<255>();
        let bytes = message(command.into(), 1, flags.into(), &payload[..len.into()]);
        self.send(&bytes, &self.files(kinds));
    }

    /// Mostly right ones: flags, place in the file, address and length in pages, descriptors.
    fn map(&mut self, input: &mut Input<'_>) {
        let [flags, offset, address, len, kinds] = input.array();
        let numbers = [offset % 8, address % 32, len % 8].map(|pages| (u64::from(pages) * 4096).to_ne_bytes()).concat();
        let command = if flags & 0x80 == 0 { 2 } else { 3 };
        let payload = match command {
            2 => [words(&[32, u32::from(flags & 7)]), numbers].concat(),
            _ => [words(&[24, u32::from(flags & 3)]), numbers[8..].to_vec()].concat(),
        };
        self.send(&message(command, 3, 0, &payload), &self.files(kinds));
    }

    /// The model reads or writes memory, or fires a vector: address in half pages, length, what.
    fn order(&mut self, input: &mut Input<'_>) {
        let [address, len, what] = input.array();
        let address = u64::from(address) * 2048 + 2000;
        let command = if what < 0xC0 { 1 + u32::from(what & 1) } else { 0x100 + u32::from(what & 7) };
        for (at, value) in
            [(ADDRESS, address as u32), (ADDRESS + 4, 0), (LENGTH, u32::from(len) * 16), (COMMAND, command)]
        {
            self.send(&message(10, 4, 16, &access(0, at.into(), &value.to_le_bytes())), &[]);
        }
    }

    /// Some descriptors: their number and kind.
    fn files(&self, kinds: u8) -> Vec<OwnedFd> {
        let one = || -> OwnedFd {
            match kinds & 15 {
                0 | 4.. => self.sealed.try_clone().expect("a descriptor").into(),
                1 => os::EventFd::new().expect("a descriptor").into_fd(),
                2 => self.loose.try_clone().expect("a descriptor").into(),
                3 => std::io::pipe().expect("a pipe").1.into(),
            }
        };
        (0..kinds >> 4 & 3).map(|_| one()).collect()
    }

    /// What does not fit is not sent, and nobody minds a connection that is broken.
    fn send(&self, bytes: &[u8], files: &[OwnedFd]) {
        let fds: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        if !bytes.is_empty() {
            let _ = os::send_with(self.client.as_fd(), &[IoSlice::new(bytes)], &fds);
        }
    }

    fn poll(&mut self) {
        self.server.poll(self.now);
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        let _ = os::receive(self.client.as_fd(), &mut bytes);
    }

    /// The client goes, with whatever it has not read, and one comes that knows its version.
    fn again(&mut self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let seen = (0..1000).any(|_| {
            self.poll();
            !self.server.has_client()
        });
        assert!(seen, "a client that is gone is seen");
        self.client = connect(&mut self.server);
    }

    /// Whatever came before: the next client finds a fresh device that works.
    fn last(&mut self) {
        self.poll();
        self.again();
        assert_eq!(self.ask(9, &access_read(7, 0, 4))[16..], IDENTITY.to_le_bytes());
        assert_eq!(self.register(SCRATCH), 0);
        let file = memfd(MFdFlags::MFD_ALLOW_SEALING);
        file.write_all_at(&[2; 100], 50).expect("memory");
        let map = [words(&[32, 3]), [0, 1 << 20, FILE].map(u64::to_ne_bytes).concat()].concat();
        self.send(&message(2, 9, 0, &map), &[file.into()]);
        self.reply();
        for (at, value) in [(ADDRESS, 1u32 << 20), (LENGTH, 1000), (COMMAND, 1)] {
            self.ask(10, &access(0, at.into(), &value.to_le_bytes()));
        }
        assert_eq!((self.register(STATUS), self.register(SUM)), (1, 200));
    }

    fn register(&mut self, at: u32) -> u32 {
        let reply = self.ask(9, &access_read(0, at.into(), 4));
        u32::from_le_bytes(reply[16..].try_into().expect("four bytes"))
    }

    fn ask(&mut self, command: u16, payload: &[u8]) -> Vec<u8> {
        self.send(&message(command, 9, 0, payload), &[]);
        self.reply()
    }

    /// The payload of the answer, which must be no refusal.
    fn reply(&mut self) -> Vec<u8> {
        self.poll();
        let mut bytes = [0; 256];
        let Ok(os::Received::Bytes(n)) = os::receive(self.client.as_fd(), &mut bytes) else { panic!("no answer") };
        assert!(n >= 16 && bytes[8..12] == 1u32.to_ne_bytes() && bytes[4..8] == (n as u32).to_ne_bytes(), "{bytes:?}");
        bytes[16..n].to_vec()
    }
}

fn access_read(region: u32, offset: u64, count: u32) -> Vec<u8> {
    [&offset.to_ne_bytes()[..], &words(&[region, count])].concat()
}

fn connect(server: &mut Server<Sample>) -> UnixStream {
    let client = UnixStream::connect(server.path()).expect("it listens");
    server.poll(1);
    assert!(server.has_client());
    let version = message(1, 1, 0, &[0, 0, 1, 0]);
    let _ = os::send_with(client.as_fd(), &[IoSlice::new(&version)], &[]);
    server.poll(1);
    let _ = os::receive(client.as_fd(), &mut [0; 512]);
    client
}
