//! One connection of an initiator that says exactly what the test wants.

use crate::rig::{Rig, TARGET};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use wire::iscsi::{AsyncEvent, Bhs, Opcode, RESERVED_TAG, RejectReason, padding};

/// A PDU of the target.
#[derive(Clone, Debug)]
pub struct Pdu {
    pub bytes: [u8; 48],
    pub data: Vec<u8>,
}

impl Pdu {
    pub fn opcode(&self) -> Opcode {
        Opcode(self.bytes[0] & 0x3f)
    }

    pub fn u32(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    pub fn itt(&self) -> u32 {
        self.u32(16)
    }

    pub fn status(&self) -> u8 {
        self.bytes[3]
    }

    /// Sense key and code of a SCSI Response.
    pub fn sense(&self) -> (u8, u16) {
        assert_eq!(self.opcode(), Opcode::SCSI_RESPONSE, "{self:?}");
        let sense = &self.data[2..];
        (sense[2] & 0xf, u16::from_be_bytes([sense[12], sense[13]]))
    }

    pub fn reject(&self) -> RejectReason {
        assert_eq!(self.opcode(), Opcode::REJECT, "{self:?}");
        assert_eq!(self.data.len(), 48);
        RejectReason(self.bytes[2])
    }

    pub fn event(&self) -> AsyncEvent {
        assert_eq!(self.opcode(), Opcode::ASYNC_MESSAGE, "{self:?}");
        AsyncEvent(self.bytes[36])
    }
}

/// How to log in.
#[derive(Clone)]
pub struct How {
    pub isid: u8,
    pub tsih: u16,
    pub cid: u16,
    pub cmd_sn: u32,
    pub keys: Vec<(&'static str, String)>,
}

impl Default for How {
    fn default() -> Self {
        Self { isid: 1, tsih: 0, cid: 0, cmd_sn: 100, keys: Vec::new() }
    }
}

impl How {
    pub fn key(mut self, key: &'static str, value: impl ToString) -> Self {
        self.keys.push((key, value.to_string()));
        self
    }
}

pub struct Initiator {
    socket: TcpStream,
    received: Vec<u8>,
    closed: bool,
    pub header_digest: bool,
    pub data_digest: bool,
    pub cmd_sn: u32,
    pub exp_stat_sn: u32,
    pub max_cmd_sn: u32,
    pub tsih: u16,
    next_itt: u32,
}

impl Initiator {
    pub fn connect(rig: &mut Rig) -> Self {
        let socket = TcpStream::connect(rig.address).unwrap();
        // The listener must not have too many that wait.
        rig.turn();
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            received: Vec::new(),
            closed: false,
            header_digest: false,
            data_digest: false,
            cmd_sn: 100,
            exp_stat_sn: 0,
            max_cmd_sn: 0,
            tsih: 0,
            next_itt: 1,
        }
    }

    /// Logged in, the power-on told.
    pub fn ready(rig: &mut Rig, how: How) -> Self {
        let mut initiator = Self::login(rig, how);
        let response = initiator.command(rig, &[0; 6], 0, 0);
        assert_eq!(response.status(), 2, "the power-on");
        initiator
    }

    pub fn login(rig: &mut Rig, how: How) -> Self {
        let mut initiator = Self::connect(rig);
        let answer = initiator.try_login(rig, how).expect("an answer");
        assert_eq!(&answer.bytes[36..38], &[0, 0], "{answer:?}");
        initiator
    }

    /// The login in one request; the last response.
    pub fn try_login(&mut self, rig: &mut Rig, how: How) -> Option<Pdu> {
        let mut text = Vec::new();
        let name = format!("iqn.2026-11.test:i{}", how.isid);
        let discovery = how.keys.iter().any(|(key, _)| *key == "SessionType");
        let mut keys = vec![("InitiatorName", name)];
        if !discovery {
            keys.push(("SessionType", "Normal".into()));
            keys.push(("TargetName", TARGET.into()));
        }
        let digest = |kind: &str| how.keys.iter().any(|(key, value)| *key == kind && value == "CRC32C");
        let (header_digest, data_digest) = (digest("HeaderDigest"), digest("DataDigest"));
        keys.extend(how.keys);
        for (key, value) in keys {
            text.extend(format!("{key}={value}\0").bytes());
        }
        let mut bhs = [0; 48];
        (bhs[0], bhs[1]) = (0x43, 0x87);
        bhs[8..14].copy_from_slice(&[0x80, 0, 0, 0, 0, how.isid]);
        bhs[14..16].copy_from_slice(&how.tsih.to_be_bytes());
        bhs[20..22].copy_from_slice(&how.cid.to_be_bytes());
        bhs[24..28].copy_from_slice(&how.cmd_sn.to_be_bytes());
        self.cmd_sn = how.cmd_sn;
        self.send(bhs, &text);
        let mut answer = self.receive(rig)?;
        assert_eq!(answer.opcode(), Opcode::LOGIN_RESPONSE, "{answer:?}");
        while answer.bytes[1] & 0x80 == 0 && answer.bytes[36] == 0 {
            // The target wants something that we did not name: yes to all.
            bhs[28..32].copy_from_slice(&self.exp_stat_sn.to_be_bytes());
            let pairs = answer.data.split(|byte| *byte == 0).filter(|pair| !pair.is_empty());
            let key = |pair: &&[u8]| pair.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec();
            let named = |pair: &&[u8]| text.windows(key(pair).len()).any(|at| at == key(pair));
            let declared = |pair: &&[u8]| pair.starts_with(b"Target") || pair.starts_with(b"MaxRecv");
            let agreed: Vec<&[u8]> = pairs.filter(|pair| !named(pair) && !declared(pair)).collect();
            let yes: Vec<u8> = agreed.into_iter().flat_map(|pair| pair.iter().copied().chain([0])).collect();
            self.send(bhs, &yes);
            answer = self.receive(rig)?;
        }
        self.tsih = u16::from_be_bytes([answer.bytes[14], answer.bytes[15]]);
        (self.header_digest, self.data_digest) = (header_digest, data_digest);
        Some(answer)
    }

    pub fn itt(&mut self) -> u32 {
        self.next_itt += 1;
        self.next_itt
    }

    /// Sends a PDU; its data segment length is filled in.
    pub fn send(&mut self, mut bhs: [u8; 48], data: &[u8]) {
        bhs[5..8].copy_from_slice(&(data.len() as u32).to_be_bytes()[1..]);
        let mut bytes = bhs.to_vec();
        if self.header_digest {
            bytes.extend(crc32c::crc32c(&bhs).to_le_bytes());
        }
        bytes.extend(data);
        bytes.resize(bytes.len() + padding(data.len() as u32), 0);
        if self.data_digest && !data.is_empty() {
            let from = bytes.len() - data.len().next_multiple_of(4);
            let crc = crc32c::crc32c(&bytes[from..]);
            bytes.extend(crc.to_le_bytes());
        }
        self.send_bytes(&bytes);
    }

    pub fn send_bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("send less at once"),
                Err(_) => return,
            }
        }
    }

    /// A request with the next command number (or without one, if immediate) and a tag.
    pub fn request(&mut self, opcode: u8, flags: u8) -> ([u8; 48], u32) {
        let itt = self.itt();
        let mut bhs = [0; 48];
        (bhs[0], bhs[1]) = (opcode, flags);
        bhs[16..20].copy_from_slice(&itt.to_be_bytes());
        bhs[24..28].copy_from_slice(&self.cmd_sn.to_be_bytes());
        bhs[28..32].copy_from_slice(&self.exp_stat_sn.to_be_bytes());
        if opcode & 0x40 == 0 {
            self.cmd_sn = self.cmd_sn.wrapping_add(1);
        }
        (bhs, itt)
    }

    /// A SCSI Command: `flags` are F, R, W.
    pub fn scsi(&mut self, cdb: &[u8], flags: u8, expected: u32) -> ([u8; 48], u32) {
        let (mut bhs, itt) = self.request(0x01, flags | 1);
        bhs[20..24].copy_from_slice(&expected.to_be_bytes());
        bhs[32..32 + cdb.len()].copy_from_slice(cdb);
        (bhs, itt)
    }

    /// Runs a command without data from us to its response; Data-In is dropped.
    pub fn command(&mut self, rig: &mut Rig, cdb: &[u8], flags: u8, expected: u32) -> Pdu {
        let (bhs, itt) = self.scsi(cdb, 0x80 | flags, expected);
        self.send(bhs, &[]);
        loop {
            let pdu = self.receive(rig).expect("a response");
            let over = pdu.opcode() == Opcode::SCSI_RESPONSE || pdu.bytes[1] & 1 != 0;
            if pdu.itt() == itt && over {
                return pdu;
            }
        }
    }

    /// Reads blocks by one READ (10); what came, checked.
    pub fn read(&mut self, rig: &mut Rig, lba: u32, blocks: u16) -> Vec<u8> {
        let expected = u32::from(blocks) * 512;
        let (bhs, itt) = self.scsi(&cdb10(0x28, lba, blocks), 0x80 | 0x40, expected);
        self.send(bhs, &[]);
        let mut all = Vec::new();
        for data_sn in 0.. {
            let pdu = self.receive(rig).expect("data");
            assert_eq!((pdu.opcode(), pdu.itt()), (Opcode::DATA_IN, itt), "{pdu:?}");
            assert_eq!((pdu.u32(36), pdu.u32(40) as usize), (data_sn, all.len()));
            all.extend(&pdu.data);
            if pdu.bytes[1] & 1 != 0 {
                assert_eq!((pdu.bytes[1], pdu.status(), all.len()), (0x81, 0, expected as usize));
                return all;
            }
        }
        unreachable!()
    }

    /// A Data-Out.
    pub fn data_out(&mut self, itt: u32, ttt: u32, numbers: (u32, u32), data: &[u8], last: bool) {
        let mut bhs = [0; 48];
        (bhs[0], bhs[1]) = (0x05, if last { 0x80 } else { 0 });
        bhs[16..20].copy_from_slice(&itt.to_be_bytes());
        bhs[20..24].copy_from_slice(&ttt.to_be_bytes());
        bhs[28..32].copy_from_slice(&self.exp_stat_sn.to_be_bytes());
        bhs[36..40].copy_from_slice(&numbers.0.to_be_bytes());
        bhs[40..44].copy_from_slice(&numbers.1.to_be_bytes());
        self.send(bhs, data);
    }

    /// Answers R2Ts with pieces of `data` until the response comes; it, and how many R2Ts there were.
    pub fn serve(&mut self, rig: &mut Rig, itt: u32, data: &[u8], piece: usize) -> (Pdu, u32) {
        let mut r2ts = 0;
        loop {
            let pdu = self.receive(rig).expect("an R2T or a response");
            assert_eq!(pdu.itt(), itt, "{pdu:?}");
            if pdu.opcode() != Opcode::R2T {
                return (pdu, r2ts);
            }
            assert_eq!(pdu.u32(36), r2ts, "R2TSN");
            r2ts += 1;
            let (from, len) = (pdu.u32(40) as usize, pdu.u32(44) as usize);
            let wanted = &data[from..from + len];
            let count = wanted.chunks(piece).count();
            for (n, chunk) in wanted.chunks(piece).enumerate() {
                let at = (from + n * piece) as u32;
                self.data_out(itt, pdu.u32(20), (n as u32, at), chunk, n + 1 == count);
                rig.turn();
            }
        }
    }

    /// A task management function; the response.
    pub fn function(&mut self, rig: &mut Rig, opcode: u8, function: u8, tag: u32, number: u32) -> u32 {
        let (mut bhs, itt) = self.request(opcode, 0x80 | function);
        bhs[20..24].copy_from_slice(&tag.to_be_bytes());
        bhs[32..36].copy_from_slice(&number.to_be_bytes());
        self.send(bhs, &[]);
        rig.turn();
        itt
    }

    pub fn ping(&mut self, rig: &mut Rig, immediate: bool) -> Pdu {
        let (mut bhs, itt) = self.request(if immediate { 0x40 } else { 0 }, 0x80);
        bhs[20..24].copy_from_slice(&RESERVED_TAG.to_be_bytes());
        self.send(bhs, b"hello");
        let pdu = self.receive(rig).expect("an answer");
        assert_eq!((pdu.opcode(), pdu.itt(), &pdu.data[..]), (Opcode::NOP_IN, itt, &b"hello"[..]), "{pdu:?}");
        pdu
    }

    pub fn logout(&mut self, rig: &mut Rig) {
        let (bhs, itt) = self.request(0x46, 0x80);
        self.send(bhs, &[]);
        loop {
            let pdu = self.receive(rig).expect("an answer");
            if pdu.opcode() == Opcode::LOGOUT_RESPONSE {
                assert_eq!((pdu.itt(), pdu.bytes[2]), (itt, 0));
                return self.gone(rig);
            }
        }
    }

    /// The target ends the connection, perhaps after some words.
    pub fn gone(&mut self, rig: &mut Rig) {
        while let Some(pdu) = self.receive(rig) {
            assert!(matches!(pdu.opcode(), Opcode::ASYNC_MESSAGE | Opcode::REJECT), "{pdu:?}");
        }
        assert!(self.closed);
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    /// The next PDU; `None` when the target closed the connection, or nothing comes.
    pub fn receive(&mut self, rig: &mut Rig) -> Option<Pdu> {
        for _ in 0..300 {
            if let Some(pdu) = self.cut() {
                return Some(pdu);
            }
            if self.closed {
                return None;
            }
            rig.turn();
            self.fill();
        }
        None
    }

    /// Nothing comes, and the connection stays.
    pub fn silence(&mut self, rig: &mut Rig) {
        let pdu = self.receive(rig);
        assert!(pdu.is_none() && !self.closed, "{pdu:?}");
    }

    fn fill(&mut self) {
        let mut buffer = [0; 65_536];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return self.closed = true,
                Ok(n) => self.received.extend(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.closed = true,
            }
        }
    }

    fn cut(&mut self) -> Option<Pdu> {
        let bytes: [u8; 48] = *self.received.first_chunk()?;
        let bhs: &Bhs = wire::parse(&bytes)?;
        assert_eq!(bhs.total_ahs_length, 0);
        let len = bhs.layout().data as usize;
        let data_at = if self.header_digest { 52 } else { 48 };
        let whole = len.next_multiple_of(4);
        let total = data_at + whole + if self.data_digest && len > 0 { 4 } else { 0 };
        if self.received.len() < total {
            return None;
        }
        let rest = self.received.split_off(total);
        let pdu = std::mem::replace(&mut self.received, rest);
        let crc = |at: usize| u32::from_le_bytes(pdu[at..at + 4].try_into().unwrap());
        if self.header_digest {
            assert_eq!(crc(48), crc32c::crc32c(&bytes), "header digest");
        }
        if self.data_digest && len > 0 {
            assert_eq!(crc(data_at + whole), crc32c::crc32c(&pdu[data_at..data_at + whole]), "data digest");
        }
        let pdu = Pdu { bytes, data: pdu[data_at..data_at + len].to_vec() };
        self.note_numbers(&pdu);
        Some(pdu)
    }

    /// Status numbers rise by one; the window never goes back.
    fn note_numbers(&mut self, pdu: &Pdu) {
        let max = pdu.u32(32);
        assert!(self.max_cmd_sn == 0 || max.wrapping_sub(self.max_cmd_sn) < 1 << 31, "MaxCmdSN went back: {pdu:?}");
        self.max_cmd_sn = max;
        let takes = match pdu.opcode() {
            Opcode::R2T => false,
            Opcode::DATA_IN => pdu.bytes[1] & 1 != 0,
            Opcode::NOP_IN => pdu.itt() != RESERVED_TAG,
            _ => true,
        };
        if !takes {
            return;
        }
        if self.exp_stat_sn != 0 {
            assert_eq!(pdu.u32(24), self.exp_stat_sn, "StatSN: {pdu:?}");
        }
        self.exp_stat_sn = pdu.u32(24).wrapping_add(1);
    }
}

pub fn cdb10(opcode: u8, lba: u32, blocks: u16) -> [u8; 10] {
    let mut cdb = [0; 10];
    cdb[0] = opcode;
    cdb[2..6].copy_from_slice(&lba.to_be_bytes());
    cdb[7..9].copy_from_slice(&blocks.to_be_bytes());
    cdb
}

/// `len` bytes that differ from place to place and from `seed` to `seed`.
pub fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|place| (place as u8).wrapping_mul(31).wrapping_add((place >> 8) as u8) ^ seed).collect()
}
