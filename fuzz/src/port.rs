//! `port`: the TCP port with the NVMe core behind it, over sockets, against hosts that say what the input says.
//!
//! Input: a script. Of each step the first byte says what happens, the second to which connection and how the bytes are
//! cut; then what that takes. What comes back must be PDUs of the standard, with right digests.

mod replies;

use crate::host;
use crate::input::Input;
use crate::target::{IN_CAPSULE, LISTENER, MS, Target};
use nvmf::{Address, Origin};
use nvmf_tcp::{Accepted, Options, TcpPort};
use replies::{Asked, Replies};
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use wire::tcp::{CapsuleCmd, Framing, H2CData, ICReq};
use wire::{IntoBytes, U32};

/// Connections at a time.
const CONNECTIONS: usize = 3;
/// Attempts to write to a target that does not read.
const PATIENCE: usize = 12;

/// A host's end.
struct Host {
    socket: UnixStream,
    framing: Framing,
    replies: Replies,
    /// It reads what the target sends.
    reads: bool,
    /// It was stopped in the middle of a PDU.
    broken: bool,
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let options = Options { depth: 16, in_capsule_data_size: IN_CAPSULE, c2h_success: data.len().is_multiple_of(2) };
    let mut target = Target::new(vec![TcpPort::new(options).expect("descriptors")]);
    let mut hosts: [Option<Host>; CONNECTIONS] = Default::default();
    let mut input = Input(data);
    let mut cid = 0;
    while !input.is_empty() {
        cid += 1;
        step(&mut target, &mut hosts, &mut input, cid);
        hosts.iter_mut().flatten().filter(|host| host.reads).for_each(Host::read);
    }
    for mut host in hosts.into_iter().flatten() {
        host.read();
        settle(&mut target);
        host.read();
    }
    settle(&mut target);
    target.assert_empty();
    assert_eq!(target.cores[0].port().connections(), 0, "all connections end");
}

fn step(target: &mut Target<TcpPort>, hosts: &mut [Option<Host>], input: &mut Input, cid: u16) {
    let (what, place) = (input.u8(), input.u8());
    let slot = &mut hosts[usize::from(place & 3) % CONNECTIONS];
    let cut = usize::from(place >> 2) * if what & 0x40 != 0 { 97 } else { 1 };
    match (what % 16, slot.as_mut()) {
        (0, None) => *slot = Some(connect(target)),
        (0, Some(_)) => *slot = None,
        (1, Some(host)) => host.reads = !host.reads,
        (2, Some(host)) => {
            let _ = host.socket.shutdown(Shutdown::Write);
        }
        (3, _) => target.wait(input.pick(&[1, 2, 100, 1000, 3000, 11_000, 31_000]) * MS),
        (4, _) => target.meddle(input),
        (_, None) => {}
        (5, Some(host)) => {
            let len = usize::from(input.u8());
            host.replies.lose_track();
            host.write(target, input.bytes(len), cut);
        }
        (6, Some(host)) => {
            let pdu = host.icreq(input);
            host.write(target, &pdu, cut);
        }
        (7 | 8, Some(host)) => {
            if let Some(pdu) = host.data(input) {
                host.write(target, &pdu, cut);
            }
        }
        (_, Some(host)) => {
            let command = host::command(input, cid);
            let pdu = host.capsule(&command, input);
            host.replies.expect(&command);
            host.write(target, &pdu, cut);
        }
    }
    if what & 0x80 == 0 {
        settle(target);
    }
}

/// Runs until nothing happens, falls asleep as a core does, and looks once more. Awake, the port looks at connections that
/// were silent only now and then.
fn settle(target: &mut Target<TcpPort>) {
    target.run(16);
    target.cores[0].port_mut().is_pending();
    target.run(16);
}

fn connect(target: &mut Target<TcpPort>) -> Host {
    let (ours, theirs) = UnixStream::pair().expect("descriptors");
    [&ours, &theirs].iter().for_each(|socket| socket.set_nonblocking(true).expect("a socket"));
    let address = |text: &str| Address::Ip(text.parse().expect("an address"));
    let origin = Origin { listener: LISTENER, local: address("192.0.2.1:4420"), peer: address("192.0.2.9:50000") };
    // The port asks nothing of a stream that only TCP has.
    let socket = TcpStream::from(OwnedFd::from(theirs));
    let now = target.now;
    target.cores[0].port_mut().adopt(Accepted { socket, origin }, now);
    Host { socket: ours, framing: Framing::PLAIN, replies: Replies::default(), reads: true, broken: false }
}

impl Host {
    fn icreq(&mut self, input: &mut Input) -> Vec<u8> {
        let how = input.u8();
        let (hdgst, ddgst, hpda) = (how & 1 != 0, how & 2 != 0, if how & 4 != 0 { input.u8() } else { 0 });
        let mut request = ICReq::new(hpda, hdgst, ddgst, u32::from(how >> 4));
        if how & 8 != 0 {
            request.pfv = input.u16().into();
        }
        self.framing = Framing { hdgst, ddgst, pda: 0, max_data: u32::MAX };
        self.replies.negotiate(hdgst, ddgst, hpda);
        request.as_bytes().to_vec()
    }

    fn capsule(&mut self, command: &host::Command, input: &mut Input) -> Vec<u8> {
        let inline = &command.payload[..command.inline as usize];
        let head = CapsuleCmd::new(&self.framing, command.sqe, command.inline).to_bytes();
        self.frame(&head, inline, input)
    }

    /// The answer to an R2T, or to none.
    fn data(&mut self, input: &mut Input) -> Option<Vec<u8>> {
        let how = input.u8();
        let invented = Asked { cid: 1, ttag: 0, offset: 0, len: 4096 };
        let Asked { cid, ttag, offset, len } = match self.replies.asked.pop_front() {
            Some(asked) => asked,
            None if how & 1 != 0 => invented,
            None => return None,
        };
        let part = if how & 2 != 0 { 1 + u32::from(input.u16()) % len.max(1) } else { len }.min(len);
        if part < len && how & 4 == 0 {
            self.replies.asked.push_front(Asked { cid, ttag, offset: offset + part, len: len - part });
        }
        let last = (part == len) ^ (how & 8 != 0);
        let mut pdu = H2CData::new(&self.framing, cid, ttag, offset, part, last);
        match how >> 4 {
            1 => pdu.cccid = input.u16().into(),
            2 => pdu.ttag = input.u16().into(),
            3 => pdu.datao = U32::new(input.u32()),
            4 => pdu.datal = U32::new(input.u32()),
            _ => {}
        }
        Some(self.frame(&pdu.to_bytes(), &vec![how; part as usize], input))
    }

    /// A header with digest, padding, data and data digest; bytes of the header may be changed.
    fn frame(&mut self, head: &[u8], data: &[u8], input: &mut Input) -> Vec<u8> {
        let mut pdu = head.to_vec();
        let spoil = input.u8();
        if spoil & 0xe0 == 0xe0 {
            let at = usize::from(spoil & 7);
            pdu[at] = input.u8();
            self.replies.lose_track();
        }
        if self.framing.hdgst {
            let digest = crc32c::crc32c(&pdu) ^ u32::from(spoil == 0x81);
            pdu.extend(digest.to_le_bytes());
        }
        pdu.extend(data);
        if self.framing.ddgst && !data.is_empty() {
            let digest = crc32c::crc32c(data) ^ u32::from(spoil == 0x82);
            pdu.extend(digest.to_le_bytes());
        }
        pdu
    }

    /// Sends, in one or two pieces, the target turning in between.
    fn write(&mut self, target: &mut Target<TcpPort>, bytes: &[u8], cut: usize) {
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        self.write_piece(target, first);
        if cut > 0 {
            settle(target);
        }
        self.write_piece(target, second);
    }

    fn write_piece(&mut self, target: &mut Target<TcpPort>, mut bytes: &[u8]) {
        for _ in 0..PATIENCE {
            if bytes.is_empty() || self.broken {
                return;
            }
            match self.socket.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => settle(target),
                Err(_) => break,
            }
        }
        self.broken = true;
    }

    fn read(&mut self) {
        self.replies.read(&mut self.socket);
    }
}
