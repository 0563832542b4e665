//! What a host hears: PDUs of the standard, and nothing that it did not ask for.

use crate::host::Command;
use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::os::unix::net::UnixStream;
use wire::tcp::{C2HData, CommonHeader, Framing, Layout, PduType, R2T, Sender};

/// An R2T, or what is left of it.
pub struct Asked {
    pub cid: u16,
    pub ttag: u16,
    pub offset: u32,
    pub len: u32,
}

/// The receiving half of a host.
#[derive(Default)]
pub struct Replies {
    bytes: Vec<u8>,
    /// Digests and alignment, once the target agreed to them.
    agreed: Option<Framing>,
    wanted: Option<Framing>,
    /// The most data that each command may get.
    room: HashMap<u16, u32>,
    /// R2Ts without an answer yet.
    pub asked: VecDeque<Asked>,
    over: bool,
    /// The target may have heard other commands than those that are known here.
    loose: bool,
    /// It may even have heard another ICReq.
    deaf: bool,
}

impl Replies {
    /// What ICReq asks for. Only the first one counts.
    pub fn negotiate(&mut self, hdgst: bool, ddgst: bool, pda: u8) {
        self.wanted.get_or_insert(Framing { hdgst, ddgst, pda, max_data: u32::MAX });
    }

    /// Bytes were sent that may be anything.
    pub fn lose_track(&mut self) {
        self.loose = true;
        self.deaf |= self.agreed.is_none();
    }

    /// A command was sent.
    pub fn expect(&mut self, command: &Command) {
        let room = self.room.entry(command.sqe.cid.get()).or_default();
        *room = command.room().max(*room);
    }

    /// Takes what is there.
    pub fn read(&mut self, socket: &mut UnixStream) {
        let mut buffer = [0; 65536];
        while let Ok(bytes @ 1..) = socket.read(&mut buffer) {
            self.bytes.extend_from_slice(&buffer[..bytes]);
        }
        if self.deaf {
            return self.bytes.clear();
        }
        let mut at = 0;
        while let Some(total) = self.pdu(at) {
            at += total;
        }
        self.bytes.drain(..at);
    }

    fn pdu(&mut self, at: usize) -> Option<usize> {
        let pdu = &self.bytes[at..];
        let common: CommonHeader = wire::read(pdu.get(..8)?).expect("eight bytes");
        assert!(!self.over, "{:?} after a terminate request", common.kind);
        let framing = self.agreed.unwrap_or(Framing::PLAIN);
        let layout = common.layout(Sender::Controller, &framing).expect("a PDU of the standard");
        let pdu = pdu.get(..layout.total as usize)?.to_vec();
        check_digests(&pdu, &layout);
        match common.kind {
            PduType::IC_RESP => {
                assert!(self.agreed.is_none(), "one ICResp");
                self.agreed = Some(self.wanted.expect("after ICReq"));
            }
            PduType::C2H_TERM_REQ => self.over = true,
            _ => assert!(self.agreed.is_some(), "{:?} before ICResp", common.kind),
        }
        self.note(common.kind, &pdu, &layout);
        Some(pdu.len())
    }

    fn note(&mut self, kind: PduType, pdu: &[u8], layout: &Layout) {
        if kind == PduType::R2T {
            let r2t: R2T = wire::read(&pdu[..24]).expect("24 bytes");
            assert!(r2t.r2tl.get() > 0, "an R2T asks for something");
            let (cid, ttag) = (r2t.cccid.get(), r2t.ttag.get());
            self.asked.push_back(Asked { cid, ttag, offset: r2t.r2to.get(), len: r2t.r2tl.get() });
        }
        if kind == PduType::C2H_DATA {
            let data: C2HData = wire::read(&pdu[..24]).expect("24 bytes");
            assert_eq!(data.datal.get(), layout.data);
            let room = self.room.get(&data.cccid.get()).copied().unwrap_or(0);
            let end = data.datao.get() + data.datal.get();
            assert!(end <= room || self.loose, "{end} bytes for a host that has room for {room}");
        }
    }
}

fn check_digests(pdu: &[u8], layout: &Layout) {
    let is = |at: usize, of: &[u8]| assert_eq!(pdu[at..at + 4], crc32c::crc32c(of).to_le_bytes(), "a right digest");
    let header = layout.header as usize;
    if layout.hdgst {
        is(header, &pdu[..header]);
    }
    if layout.ddgst {
        is(pdu.len() - 4, &pdu[layout.data_offset as usize..pdu.len() - 4]);
    }
}
