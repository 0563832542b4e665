//! A client that sends what it is told to, and the server of a sample, polled by hand.

use nix::sys::memfd::{MFdFlags, memfd_create};
use os::Received;
use pci::contract::Sample;
use pci::contract::register::{ADDRESS, COMMAND, LENGTH, STATUS};
use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use vfio_user::Server;

pub const EVENT_TRIGGER: u32 = 4 | 32;

pub struct Raw {
    server: Server<Sample>,
    stream: UnixStream,
    id: u16,
    _dir: tempfile::TempDir,
}

/// A request of the server's for memory.
pub struct Asked {
    id: u16,
    command: u16,
    pub address: u64,
    pub count: u64,
}

pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

pub fn access(region: u32, offset: u64, count: u32) -> Vec<u8> {
    [&offset.to_ne_bytes()[..], &region.to_ne_bytes(), &count.to_ne_bytes()].concat()
}

pub fn mapping(flags: u32, offset: u64, address: u64, len: u64) -> Vec<u8> {
    let numbers = [offset, address, len].map(u64::to_ne_bytes).concat();
    [words(&[32, flags]), numbers].concat()
}

pub fn version(descriptors: u32) -> Vec<u8> {
    let text = format!("{{\"capabilities\":{{\"max_msg_fds\":{descriptors},\"max_data_xfer_size\":1048576}}}}\0");
    [&[0, 0, 1, 0], text.as_bytes()].concat()
}

pub fn header(id: u16, command: u16, size: u32, flags: u32) -> Vec<u8> {
    let head = [id.to_ne_bytes(), command.to_ne_bytes()].concat();
    [head, words(&[size, flags, 0])].concat()
}

pub fn memfd(len: u64) -> OwnedFd {
    sized(MFdFlags::MFD_ALLOW_SEALING, len)
}

pub fn unsealed_memfd(len: u64) -> OwnedFd {
    sized(MFdFlags::empty(), len)
}

fn sized(flags: MFdFlags, len: u64) -> OwnedFd {
    let file = std::fs::File::from(memfd_create(c"guest", flags).unwrap());
    file.set_len(len).unwrap();
    file.into()
}

pub fn poke(file: &OwnedFd, at: u64, bytes: &[u8]) {
    std::fs::File::from(file.try_clone().unwrap()).write_all_at(bytes, at).unwrap();
}

impl Asked {
    /// The next message of the server, which must be a request for memory.
    pub fn receive(mut client: &UnixStream) -> Asked {
        let mut bytes = [0; 32];
        client.read_exact(&mut bytes).unwrap();
        let number = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
        let (id, command) = (u16::from_ne_bytes([bytes[0], bytes[1]]), u16::from_ne_bytes([bytes[2], bytes[3]]));
        assert_eq!((command, bytes[8]), (11, 0), "DMA_READ");
        Asked { id, command, address: number(16), count: number(24) }
    }

    pub fn answer(&self, mut client: &UnixStream, bytes: &[u8]) {
        let head = header(self.id, self.command, 32 + bytes.len() as u32, 1);
        let numbers = [self.address, self.count].map(u64::to_ne_bytes).concat();
        client.write_all(&[head, numbers, bytes.to_vec()].concat()).unwrap();
    }
}

pub fn send(client: &UnixStream, command: u16, id: u16, payload: &[u8], fds: &[BorrowedFd<'_>]) {
    let whole = [header(id, command, 16 + payload.len() as u32, 0), payload.to_vec()].concat();
    assert_eq!(os::send_with(client.as_fd(), &[IoSlice::new(&whole)], fds).unwrap(), Some(whole.len()));
}

impl Raw {
    /// A connection on which nothing has been said.
    pub fn new() -> Raw {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let server = Server::bind(&path, Sample::default()).unwrap();
        Raw::on(server, dir)
    }

    fn on(mut server: Server<Sample>, dir: tempfile::TempDir) -> Raw {
        let stream = UnixStream::connect(server.path()).unwrap();
        server.poll(1);
        assert!(server.has_client());
        Raw { server, stream, id: 1000, _dir: dir }
    }

    /// One on which the version is agreed.
    pub fn connected() -> Raw {
        let mut raw = Raw::new();
        raw.ask(1, &version(8), &[]).unwrap();
        raw
    }

    /// The same, where the server waits so long for memory.
    pub fn with_patience(patience: Duration) -> Raw {
        let dir = tempfile::tempdir().unwrap();
        let mut server = Server::bind(&dir.path().join("s"), Sample::default()).unwrap();
        server.set_patience(patience);
        let mut raw = Raw::on(server, dir);
        raw.ask(1, &version(8), &[]).unwrap();
        raw
    }

    /// Goes, and comes again.
    pub fn connect_again(&mut self) {
        self.stream = UnixStream::connect(self.server.path()).unwrap();
        self.server.poll(1);
        assert!(self.server.has_client(), "who is there already is gone");
        self.ask(1, &version(8), &[]).unwrap();
    }

    pub fn is_connected(&self) -> bool {
        self.server.has_client()
    }

    pub fn sees_end(&self) -> bool {
        let mut byte = [0];
        matches!(os::receive(self.stream.as_fd(), &mut byte), Ok(Received::Closed) | Err(_))
    }

    pub fn poll(&mut self) -> usize {
        self.server.poll(1)
    }

    pub fn poll_at(&mut self, now: u64) -> usize {
        self.server.poll(now)
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        assert_eq!(os::send_with(self.stream.as_fd(), &[IoSlice::new(bytes)], &[]).unwrap(), Some(bytes.len()));
    }

    pub fn send(&mut self, command: u16, id: u16, payload: &[u8], fds: &[BorrowedFd<'_>]) {
        send(&self.stream, command, id, payload, fds);
    }

    pub fn client(&self) -> &UnixStream {
        &self.stream
    }

    /// Polls the server while the client does something on a thread of its own.
    pub fn poll_and<R: Send>(&mut self, client: impl FnOnce(&UnixStream) -> R + Send) -> R {
        let (stream, server) = (&self.stream, &mut self.server);
        std::thread::scope(|threads| {
            let thread = threads.spawn(move || client(stream));
            for _ in 0..3 {
                server.poll(1);
            }
            while !thread.is_finished() {
                server.poll(1);
            }
            server.poll(1);
            thread.join().unwrap()
        })
    }

    pub fn post(&mut self, command: u16, payload: &[u8]) {
        self.bytes(&[header(1, command, 16 + payload.len() as u32, 16), payload.to_vec()].concat());
    }

    /// Exactly so many bytes; the server is polled until they are there.
    fn take(&mut self, len: usize) -> Vec<u8> {
        let (mut bytes, mut got, start) = (vec![0; len], 0, Instant::now());
        while got < len {
            match os::receive(self.stream.as_fd(), &mut bytes[got..]).unwrap() {
                Received::Bytes(n) => got += n,
                Received::Empty => drop(self.server.poll(1_000)),
                Received::Closed => panic!("the server closed"),
            }
            assert!(start.elapsed() < Duration::from_secs(5), "no answer");
        }
        bytes
    }

    /// The header's id, command, flags and error, and the payload.
    fn message(&mut self) -> (u16, u16, u32, i32, Vec<u8>) {
        let head = self.take(16);
        let word = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
        let half = |at: usize| u16::from_ne_bytes([head[at], head[at + 1]]);
        let payload = self.take(word(4) as usize - 16);
        (half(0), half(2), word(8), word(12) as i32, payload)
    }

    /// The answer to `id`, which must be the next message.
    pub fn reply_to(&mut self, id: u16) -> Result<Vec<u8>, i32> {
        let (got, _, flags, errno, payload) = self.message();
        assert_eq!((got, flags & 15), (id, 1));
        if flags & 32 != 0 { Err(errno) } else { Ok(payload) }
    }

    pub fn ask(&mut self, command: u16, payload: &[u8], fds: &[BorrowedFd<'_>]) -> Result<Vec<u8>, i32> {
        self.id += 1;
        let id = self.id;
        self.send(command, id, payload, fds);
        self.reply_to(id)
    }

    pub fn map(&mut self, flags: u32, offset: u64, address: u64, len: u64, file: Option<&OwnedFd>) -> Result<(), i32> {
        let fds: Vec<_> = file.iter().map(|file| file.as_fd()).collect();
        self.ask(2, &mapping(flags, offset, address, len), &fds).map(drop)
    }

    pub fn unmap(&mut self, flags: u32, address: u64, len: u64) -> Result<(), i32> {
        let payload = [words(&[24, flags]), [address, len].map(u64::to_ne_bytes).concat()].concat();
        let reply = self.ask(3, &payload, &[])?;
        assert_eq!(reply, payload, "what was asked comes back");
        Ok(())
    }

    pub fn read(&mut self, region: u32, offset: u64, count: u32) -> Result<Vec<u8>, i32> {
        let reply = self.ask(9, &access(region, offset, count), &[])?;
        assert_eq!(reply[..16], access(region, offset, count));
        Ok(reply[16..].to_vec())
    }

    /// Writes a register of BAR 0.
    pub fn write(&mut self, at: u32, bytes: &[u8]) {
        let head = access(0, at.into(), bytes.len() as u32);
        assert_eq!(self.ask(10, &[head.clone(), bytes.to_vec()].concat(), &[]).unwrap(), head);
    }

    pub fn register(&mut self, at: u32) -> u32 {
        u32::from_le_bytes(self.read(0, at.into(), 4).unwrap().try_into().unwrap())
    }

    /// Orders something of the sample. The last write is not answered, so that the model may ask for memory first.
    pub fn start(&mut self, address: u64, len: u32, command: u32) {
        self.write(ADDRESS, &address.to_le_bytes());
        self.write(LENGTH, &len.to_le_bytes());
        self.post(10, &[access(0, COMMAND.into(), 4), command.to_le_bytes().to_vec()].concat());
    }

    pub fn status(&mut self) -> u32 {
        for _ in 0..100 {
            match self.register(STATUS) {
                0 => drop(self.poll()),
                status => return status,
            }
        }
        panic!("it does not end");
    }

    pub fn order(&mut self, address: u64, len: u32, command: u32) -> u32 {
        self.start(address, len, command);
        self.status()
    }
}
