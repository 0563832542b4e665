//! The other side of a connection, for tests: a scripted peer, and a small target with faults to plant.
#![expect(dead_code, reason = "each test file uses a part of it")]

pub mod target;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use wire::IntoBytes;
use wire::nvme::{Cqe, Status};
use wire::tcp::{CapsuleCmd, CapsuleResp, CommonHeader, Framing, ICReq, ICResp, Sender};

/// A PDU from the host.
#[derive(Debug, Clone)]
pub struct Pdu {
    pub ch: CommonHeader,
    /// The header, without digest.
    pub header: Vec<u8>,
    pub data: Vec<u8>,
}

impl Pdu {
    pub fn command(&self) -> CapsuleCmd {
        assert_eq!(self.ch.kind, wire::tcp::PduType::CAPSULE_CMD, "{self:?}");
        wire::read(&self.header).unwrap()
    }

    pub fn cid(&self) -> u16 {
        self.command().sqe.cid.get()
    }
}

/// The controller's end.
pub struct Peer {
    pub stream: TcpStream,
    pub to: Framing,
    pub from: Framing,
}

impl Peer {
    pub fn new(stream: TcpStream) -> Peer {
        stream.set_nodelay(true).unwrap();
        Peer { stream, to: Framing::PLAIN, from: Framing::PLAIN }
    }

    /// Takes ICReq, gives ICResp: digests as asked for.
    pub fn negotiate(&mut self, cpda: u8, maxh2cdata: u32) -> ICReq {
        let request: ICReq = wire::read(&self.read().unwrap().header).unwrap();
        request.check().unwrap();
        let answer = ICResp::new(cpda, request.hdgst(), request.ddgst(), maxh2cdata);
        self.send(answer.as_bytes());
        let framing = |pda| Framing { hdgst: request.hdgst(), ddgst: request.ddgst(), pda, max_data: u32::MAX };
        (self.to, self.from) = (framing(request.hpda), framing(cpda));
        request
    }

    /// The next PDU, digests checked; none when the host has ended.
    pub fn read(&mut self) -> Option<Pdu> {
        let mut header = vec![0; 8];
        self.stream.read_exact(&mut header).ok()?;
        let ch: CommonHeader = wire::read(&header).unwrap();
        let layout =
            ch.layout(Sender::Host, &self.from).unwrap_or_else(|f| panic!("the host's header is wrong: {ch:?} {f:?}"));
        let mut rest = vec![0; layout.total as usize - 8];
        self.stream.read_exact(&mut rest).ok()?;
        header.extend(rest);
        let (h, d, n) = (usize::from(layout.header), layout.data_offset as usize, layout.data as usize);
        let digest = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        assert!(!layout.hdgst || digest(h) == crc32c::crc32c(&header[..h]), "the host's header digest");
        assert!(!layout.ddgst || digest(d + n) == crc32c::crc32c(&header[d..d + n]), "the host's data digest");
        let data = header[d..d + n].to_vec();
        header.truncate(h);
        Some(Pdu { ch, header, data })
    }

    pub fn send(&mut self, bytes: &[u8]) {
        // A host that has left is the test's business, not ours.
        let _ = self.stream.write_all(bytes);
    }

    /// Header, digest, padding, data, digest.
    pub fn send_pdu(&mut self, header: &[u8], data: &[u8]) {
        self.send(&self.framed(header, data));
    }

    pub fn framed(&self, header: &[u8], data: &[u8]) -> Vec<u8> {
        let mut out = header.to_vec();
        if self.to.hdgst {
            out.extend(crc32c::crc32c(header).to_le_bytes());
        }
        if !data.is_empty() {
            out.resize(usize::from(self.to.pdo(header.len() as u8)), 0);
            out.extend(data);
            if self.to.ddgst {
                out.extend(crc32c::crc32c(data).to_le_bytes());
            }
        }
        out
    }

    pub fn respond(&mut self, cqe: Cqe) {
        let pdu = CapsuleResp::new(&self.to, cqe).to_bytes();
        self.send_pdu(&pdu, &[]);
    }

    pub fn success(&mut self, cid: u16) {
        self.respond(Cqe::new(cid, Status::SUCCESS));
    }
}

/// A listener that runs a script on its first connection.
pub fn script(body: impl FnOnce(Peer) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || body(Peer::new(listener.accept().unwrap().0)));
    (address, thread)
}
