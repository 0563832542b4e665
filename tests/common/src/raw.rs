//! A connection on which anything can be sent: PDUs that are right, and PDUs that are not.

use crate::{LIMIT, NQN, Target};
use host::Identity;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;
use wire::IntoBytes;
use wire::fabrics::{Connect, ConnectData, Nqn, PropertyGet, PropertySet};
use wire::limits::CNTLID_DYNAMIC;
use wire::nvme::{Cc, Cqe, Csts, Property, SglDescriptor, Sqe};
use wire::tcp::{
    C2HData, CapsuleCmd, CapsuleResp, CommonHeader, Fault, Framing, H2CData, ICReq, ICResp, PduType, R2T, TermReq,
    flags,
};

/// The host that [`Raw`] says it is.
pub const HOST_NQN: &str = "nqn.2026-11.org.example:raw";

/// What came.
#[derive(Debug)]
pub enum Got {
    /// CapsuleResp.
    Answer(Cqe),
    /// C2HData: flags, header, data.
    Data(u8, C2HData, Vec<u8>),
    /// R2T.
    R2t(R2T),
    /// ICResp.
    Init(Box<ICResp>),
    /// C2HTermReq.
    Term(Fault),
    /// The connection is closed or reset.
    Closed,
    /// Nothing within the time limit.
    Nothing,
}

/// See the module.
pub struct Raw {
    stream: TcpStream,
    to: Framing,
    from: Framing,
    cid: u16,
    /// MAXH2CDATA of ICResp.
    pub maxh2cdata: u32,
}

impl Raw {
    /// A TCP connection, nothing sent.
    ///
    /// # Panics
    /// If there is none.
    pub fn dial(port: u16) -> Raw {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the target listens");
        stream.set_nodelay(true).expect("a TCP socket");
        stream.set_read_timeout(Some(LIMIT)).expect("a TCP socket");
        stream.set_write_timeout(Some(LIMIT)).expect("a TCP socket");
        Raw { stream, to: Framing::PLAIN, from: Framing::PLAIN, cid: 0x100, maxh2cdata: 0 }
    }

    /// A connection that is ready for capsules, with these digests.
    ///
    /// # Panics
    /// If the target does not agree.
    pub fn ready(port: u16, hdgst: bool, ddgst: bool) -> Raw {
        let mut raw = Raw::dial(port);
        raw.send(ICReq::new(0, hdgst, ddgst, 1).as_bytes());
        let Got::Init(answer) = raw.next() else { panic!("no ICResp") };
        assert_eq!((answer.hdgst(), answer.ddgst()), (hdgst, ddgst));
        raw.to = Framing { hdgst, ddgst, pda: answer.cpda, max_data: u32::MAX };
        raw.from = Framing { hdgst, ddgst, pda: 0, max_data: u32::MAX };
        raw.maxh2cdata = answer.maxh2cdata.get();
        raw
    }

    /// A connected and enabled admin queue of [`NQN`] and its controller identifier.
    ///
    /// # Panics
    /// If the target refuses.
    pub fn admin(target: &Target) -> (Raw, u16) {
        let mut raw = Raw::ready(target.setup().port(), false, false);
        let answer = raw.connect(Connect::new(0, 32, 0), &Raw::connect_data(CNTLID_DYNAMIC));
        assert!(answer.status().is_success(), "Connect: {answer:?}");
        raw.enable();
        (raw, answer.dw0.get() as u16)
    }

    /// I/O queue `qid` of 16 entries of that controller.
    ///
    /// # Panics
    /// If the target refuses.
    pub fn io(target: &Target, cntlid: u16, qid: u16) -> Raw {
        Raw::io_with(target, cntlid, qid, 16, (false, false))
    }

    /// I/O queue `qid` with so many entries and these digests.
    ///
    /// # Panics
    /// If the target refuses.
    pub fn io_with(target: &Target, cntlid: u16, qid: u16, entries: u16, digests: (bool, bool)) -> Raw {
        let mut raw = Raw::ready(target.setup().port(), digests.0, digests.1);
        let answer = raw.connect(Connect::new(qid, entries, 0), &Raw::connect_data(cntlid));
        assert!(answer.status().is_success(), "Connect of queue {qid}: {answer:?}");
        raw
    }

    /// Data of a Connect to [`NQN`] as [`HOST_NQN`].
    ///
    /// # Panics
    /// Never: the names are right.
    pub fn connect_data(cntlid: u16) -> ConnectData {
        let id = Identity::new(Some(HOST_NQN), None).expect("a name").id;
        ConnectData::new(id, cntlid, Nqn::new(NQN).expect("a name"), Nqn::new(HOST_NQN).expect("a name"))
    }

    /// Sends a Connect and waits for its answer.
    pub fn connect(&mut self, command: Connect, data: &ConnectData) -> Cqe {
        self.command(command.into_sqe(), data.as_bytes())
    }

    /// Sets CC.EN.
    ///
    /// # Panics
    /// If that fails.
    pub fn enable(&mut self) {
        let cc = Cc::default().with_en(true).with_iosqes(6).with_iocqes(4);
        let answer = self.command(PropertySet::sqe(Property::CC, u64::from(cc.0)), &[]);
        assert!(answer.status().is_success(), "CC.EN: {answer:?}");
    }

    /// Waits until CSTS.RDY is so: what a host does before it changes CC.EN again (NVMe Base 2.0c 3.1.3.5).
    ///
    /// # Panics
    /// If it does not become so.
    pub fn wait_ready(&mut self, ready: bool) {
        crate::until(&format!("CSTS.RDY is {ready}"), || {
            let answer = self.command_as_is(PropertyGet::sqe(Property::CSTS), &[]);
            (Csts(answer.dw0.get()).rdy() == ready).then_some(())
        });
    }

    /// Sends bytes as they are. That the peer has gone is no error here: what it said is still to be read.
    pub fn send(&mut self, bytes: &[u8]) {
        // A target may close before it has read all; the caller looks at what it answered.
        let _ = self.stream.write_all(bytes);
    }

    /// No more is sent.
    pub fn finish(&mut self) {
        // It may be closed by the other side already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Another command identifier.
    pub fn next_cid(&mut self) -> u16 {
        self.cid += 1;
        self.cid
    }

    /// A capsule as it goes over the wire. CID and data pointer are the caller's.
    pub fn capsule(&self, sqe: Sqe, data: &[u8]) -> Vec<u8> {
        let capsule = CapsuleCmd::new(&self.to, sqe, data.len() as u32);
        self.pdu(&capsule.to_bytes(), capsule.ch.pdo, data)
    }

    /// H2CData as it goes over the wire.
    pub fn h2c(&self, cid: u16, ttag: u16, at: u32, data: &[u8], last: bool) -> Vec<u8> {
        let header = H2CData::new(&self.to, cid, ttag, at, data.len() as u32, last);
        self.pdu(&header.to_bytes(), header.ch.pdo, data)
    }

    fn pdu(&self, header: &[u8], pdo: u8, data: &[u8]) -> Vec<u8> {
        let mut pdu = header.to_vec();
        if self.to.hdgst {
            pdu.extend(crc32c::crc32c(header).to_le_bytes());
        }
        if data.is_empty() {
            return pdu;
        }
        pdu.resize(usize::from(pdo), 0);
        pdu.extend(data);
        if self.to.ddgst {
            pdu.extend(crc32c::crc32c(data).to_le_bytes());
        }
        pdu
    }

    /// Sends a command under a new CID: its data in the capsule, or with a transport SGL of `bytes` when there are none.
    /// Returns the CID.
    pub fn start(&mut self, mut sqe: Sqe, data: &[u8], bytes: u32) -> u16 {
        let cid = self.next_cid();
        sqe.cid = cid.into();
        sqe.dptr = if data.is_empty() {
            SglDescriptor::transport(bytes)
        } else {
            SglDescriptor::in_capsule(0, data.len() as u32)
        };
        let pdu = self.capsule(sqe, data);
        self.send(&pdu);
        cid
    }

    /// Sends a command with its data in the capsule and waits for its answer.
    ///
    /// # Panics
    /// If something else comes.
    pub fn command(&mut self, sqe: Sqe, data: &[u8]) -> Cqe {
        let cid = self.start(sqe, data, 0);
        self.answer(cid)
    }

    /// Sends a command whose data pointer stays as it is, and waits for its answer.
    ///
    /// # Panics
    /// If something else comes.
    pub fn command_as_is(&mut self, mut sqe: Sqe, data: &[u8]) -> Cqe {
        let cid = self.next_cid();
        sqe.cid = cid.into();
        let pdu = self.capsule(sqe, data);
        self.send(&pdu);
        self.answer(cid)
    }

    /// A command that reads `bytes`: all its data, which must come in order and with success.
    ///
    /// # Panics
    /// If something else comes.
    pub fn read(&mut self, sqe: Sqe, bytes: u32) -> Vec<u8> {
        let cid = self.start(sqe, &[], bytes);
        let mut all = Vec::new();
        loop {
            let Got::Data(flags, header, data) = self.next() else { panic!("no data for command {cid:#x}") };
            assert_eq!((header.cccid.get(), header.datao.get() as usize), (cid, all.len()));
            all.extend(data);
            if flags & flags::LAST_PDU == 0 {
                continue;
            }
            if flags & flags::SUCCESS == 0 {
                assert!(self.answer(cid).status().is_success());
            }
            return all;
        }
    }

    /// The answer to the command with this CID, which must be what comes next.
    ///
    /// # Panics
    /// If something else comes.
    pub fn answer(&mut self, cid: u16) -> Cqe {
        match self.next() {
            Got::Answer(cqe) if cqe.cid.get() == cid => cqe,
            other => panic!("no answer to command {cid:#x} but {other:?}"),
        }
    }

    /// The R2T for the command with this CID, which must be what comes next.
    ///
    /// # Panics
    /// If something else comes.
    pub fn r2t(&mut self, cid: u16) -> R2T {
        match self.next() {
            Got::R2t(r2t) if r2t.cccid.get() == cid => r2t,
            other => panic!("no R2T for command {cid:#x} but {other:?}"),
        }
    }

    /// The connection ends: with the fault that the target reports, if it does.
    ///
    /// # Panics
    /// If it does not end.
    pub fn fate(&mut self) -> Option<Fault> {
        let mut fault = None;
        loop {
            match self.next() {
                Got::Closed => return fault,
                Got::Term(found) => {
                    fault = Some(found);
                    // What a host does then (NVMe/TCP 3.5.1); the target waits for it, with a limit.
                    self.finish();
                }
                Got::Nothing => panic!("the connection does not end"),
                _ => {}
            }
        }
    }

    /// The next PDU, within the usual limit.
    #[expect(clippy::should_implement_trait, reason = "no iterator: it never ends")]
    pub fn next(&mut self) -> Got {
        self.next_within(LIMIT)
    }

    /// The next PDU, within this limit.
    ///
    /// # Panics
    /// If the target sends what is no PDU.
    pub fn next_within(&mut self, limit: Duration) -> Got {
        self.stream.set_read_timeout(Some(limit)).expect("a TCP socket");
        let mut head = [0u8; 8];
        match self.stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Got::Nothing,
            Err(_) => return Got::Closed,
        }
        let ch: CommonHeader = wire::read(&head).expect("8 bytes");
        let mut pdu = head.to_vec();
        pdu.resize(ch.plen.get() as usize, 0);
        if self.stream.read_exact(&mut pdu[8..]).is_err() {
            return Got::Closed;
        }
        self.check_digests(&ch, &pdu);
        match ch.kind {
            PduType::IC_RESP => Got::Init(Box::new(wire::read(&pdu).expect("128 bytes"))),
            PduType::CAPSULE_RESP => Got::Answer(wire::read::<CapsuleResp>(&pdu).expect("24 bytes").cqe),
            PduType::R2T => Got::R2t(wire::read(&pdu).expect("24 bytes")),
            PduType::C2H_TERM_REQ => Got::Term(wire::read::<TermReq>(&pdu).expect("24 bytes").fault()),
            PduType::C2H_DATA => {
                let header: C2HData = wire::read(&pdu).expect("24 bytes");
                let at = usize::from(ch.pdo);
                let data = pdu[at..at + header.datal.get() as usize].to_vec();
                Got::Data(ch.flags, header, data)
            }
            other => panic!("the target sent {other:?}"),
        }
    }

    fn check_digests(&self, ch: &CommonHeader, pdu: &[u8]) {
        if !ch.kind.framed() {
            return;
        }
        let digest = |at: usize| u32::from_le_bytes(pdu[at..at + 4].try_into().expect("4 bytes"));
        let hlen = usize::from(ch.hlen);
        if self.from.hdgst {
            assert_eq!(digest(hlen), crc32c::crc32c(&pdu[..hlen]), "header digest of {:?}", ch.kind);
        }
        if self.from.ddgst && ch.kind == PduType::C2H_DATA {
            let end = pdu.len() - 4;
            assert_eq!(digest(end), crc32c::crc32c(&pdu[usize::from(ch.pdo)..end]), "data digest");
        }
    }
}
