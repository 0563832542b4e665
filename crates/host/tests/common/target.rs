//! A small target: one namespace in memory, a discovery log; a hook sees every write and may do wrong.

use super::{Pdu, Peer};
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use wire::fabrics::{Connect, DISCOVERY_NQN, FcType, Nqn, PropertyGet, PropertySet};
use wire::identify::{self, DescriptorWriter, LbaFormat, NsList};
use wire::log::{DiscoveryEntry, DiscoveryHeader, Subtype, TrType};
use wire::nvm::Rw;
use wire::nvme::{AdminOpcode, Cns, Cqe, GetLogPage, Identify, NvmOpcode, Property, Sqe, Status};
use wire::tcp::{C2HData, R2T};
use wire::{FromZeros, IntoBytes, U16, U32, U64};

pub const NQN: &str = "nqn.2014-08.org.example:fake";
pub const BLOCK: usize = 512;
pub const BLOCKS: u64 = 256;

/// What to do with a write.
pub enum Deed {
    /// What is right.
    Write,
    /// Acknowledge and forget it.
    Forget,
    /// Write only so many bytes of it.
    Tear(usize),
    /// Write it to this block.
    Elsewhere(u64),
    /// Write it and close the connection without an answer.
    Hang,
    /// Close the connection before anything of it is written.
    Drop,
}

pub type Hook = Box<dyn FnMut(u64, &mut Vec<u8>) -> Deed + Send>;

pub struct Store {
    pub disk: Vec<u8>,
    pub hook: Hook,
    /// Generation of the discovery log, and how often it still changes when it is read.
    pub genctr: u64,
    pub changes: u32,
    pub records: usize,
    pub connects: u32,
}

pub fn start(hook: Hook) -> (SocketAddr, Arc<Mutex<Store>>) {
    let store = Store { disk: vec![0; BLOCK * BLOCKS as usize], hook, genctr: 7, changes: 0, records: 3, connects: 0 };
    let store = Arc::new(Mutex::new(store));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = store.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let store = shared.clone();
            std::thread::spawn(move || serve(Peer::new(stream.unwrap()), &store));
        }
    });
    (address, store)
}

struct Served<'a> {
    peer: Peer,
    store: &'a Mutex<Store>,
    cc: u32,
    admin: bool,
    nqn: String,
    /// Commands that came while another one's data was awaited.
    waiting: VecDeque<Pdu>,
}

fn serve(mut peer: Peer, store: &Mutex<Store>) {
    peer.negotiate(0, 4096);
    let mut s = Served { peer, store, cc: 0, admin: false, nqn: String::new(), waiting: VecDeque::new() };
    while let Some(pdu) = s.waiting.pop_front().or_else(|| s.peer.read()) {
        if pdu.ch.kind != wire::tcp::PduType::CAPSULE_CMD || !s.command(&pdu) {
            return;
        }
    }
}

impl Served<'_> {
    fn command(&mut self, pdu: &Pdu) -> bool {
        let sqe = pdu.command().sqe;
        match FcType::of(&sqe) {
            Some(kind) => self.fabrics(kind, &sqe, pdu),
            None if self.admin => self.admin(&sqe),
            None => return self.nvm(&sqe, pdu),
        }
        true
    }

    fn fabrics(&mut self, kind: FcType, sqe: &Sqe, pdu: &Pdu) {
        let cqe = Cqe::new(sqe.cid.get(), Status::SUCCESS);
        let answer = match kind {
            FcType::CONNECT => {
                self.admin = Connect::of(sqe).qid.get() == 0;
                let data: &wire::fabrics::ConnectData = wire::parse(&pdu.data).unwrap();
                self.nqn = data.subnqn.text().unwrap().to_owned();
                self.store.lock().unwrap().connects += 1;
                cqe.with_dw0(1)
            }
            FcType::PROPERTY_SET => {
                self.cc = PropertySet::of(sqe).value.get() as u32;
                cqe
            }
            _ => cqe.with_value(match PropertyGet::of(sqe).property() {
                Property::CAP => 0x0000_0020_0101_003f,
                Property::VS => 0x0001_0400,
                Property::CSTS => u64::from(self.cc & 1) | if self.cc >> 14 & 3 != 0 { 8 } else { 0 },
                _ => 0,
            }),
        };
        self.peer.respond(answer);
    }

    fn admin(&mut self, sqe: &Sqe) {
        let cid = sqe.cid.get();
        match AdminOpcode(sqe.opcode) {
            AdminOpcode::ASYNC_EVENT_REQUEST => {}
            AdminOpcode::IDENTIFY => {
                let data = self.identify(&Identify::of(sqe), sqe.nsid.get());
                self.give(cid, &data);
            }
            AdminOpcode::GET_LOG_PAGE => {
                let wanted = GetLogPage::of(sqe);
                let log = self.discovery_log();
                let at = wanted.offset as usize;
                self.give(cid, &log[at..at + wanted.bytes as usize]);
            }
            AdminOpcode::SET_FEATURES => self.peer.respond(Cqe::new(cid, Status::SUCCESS).with_dw0(sqe.cdw11.get())),
            _ => self.peer.success(cid),
        }
    }

    fn identify(&self, what: &Identify, after: u32) -> Vec<u8> {
        match what.cns {
            Cns::CONTROLLER => {
                let mut id = identify::Controller::new_zeroed();
                (id.cntlid, id.ver, id.sgls) = (U16::new(1), U32::new(0x0001_0400), U32::new(1));
                (id.ioccsz, id.iorcsz, id.sqes, id.cqes) = (U32::new(4 + 512 / 16), U32::new(1), 0x66, 0x44);
                id.subnqn = Nqn::new(&self.nqn).unwrap();
                id.cntrltype = if self.nqn == DISCOVERY_NQN { 2 } else { 1 };
                id.as_bytes().to_vec()
            }
            Cns::NAMESPACE => {
                let mut ns = identify::Namespace::new_zeroed();
                (ns.nsze, ns.lbaf[0]) = (U64::new(BLOCKS), LbaFormat::new(9));
                ns.as_bytes().to_vec()
            }
            Cns::ACTIVE_NAMESPACES => NsList::after(after, 1..2).as_bytes().to_vec(),
            _ => DescriptorWriter::default().uuid(&[9; 16]).finish().to_vec(),
        }
    }

    fn discovery_log(&self) -> Vec<u8> {
        let mut store = self.store.lock().unwrap();
        if store.changes > 0 {
            store.changes -= 1;
            store.genctr += 1;
        }
        let mut log = DiscoveryHeader::new(store.genctr, store.records as u64).as_bytes().to_vec();
        for i in 0..store.records {
            let mut e = DiscoveryEntry::new_zeroed();
            (e.trtype, e.subtype) = (TrType::TCP, Subtype::NVM);
            e.subnqn = Nqn::new(&format!("{NQN}{i}")).unwrap();
            log.extend(e.as_bytes());
        }
        log
    }

    fn give(&mut self, cid: u16, data: &[u8]) {
        let pdu = C2HData::new(&self.peer.to, cid, 0, data.len() as u32, true, true);
        self.peer.send_pdu(&pdu.to_bytes(), data);
    }

    fn nvm(&mut self, sqe: &Sqe, pdu: &Pdu) -> bool {
        let (rw, cid) = (Rw::of(sqe), sqe.cid.get());
        let (at, bytes) = (rw.slba as usize * BLOCK, rw.nlb() as usize * BLOCK);
        match NvmOpcode(sqe.opcode) {
            NvmOpcode::READ => {
                let data = self.store.lock().unwrap().disk[at..at + bytes].to_vec();
                self.give(cid, &data);
                true
            }
            NvmOpcode::WRITE => {
                let data = if pdu.data.is_empty() { self.fetch(cid, bytes) } else { Some(pdu.data.clone()) };
                data.is_some_and(|data| self.write(cid, rw.slba, data))
            }
            _ => {
                self.peer.success(cid);
                true
            }
        }
    }

    fn fetch(&mut self, cid: u16, bytes: usize) -> Option<Vec<u8>> {
        let r2t = R2T::new(&self.peer.to, cid, 5, 0, bytes as u32).to_bytes();
        self.peer.send_pdu(&r2t, &[]);
        let mut data = Vec::new();
        while data.len() < bytes {
            let pdu = self.peer.read()?;
            match pdu.ch.kind {
                wire::tcp::PduType::H2C_DATA => data.extend(pdu.data),
                _ => self.waiting.push_back(pdu),
            }
        }
        Some(data)
    }

    fn write(&mut self, cid: u16, lba: u64, mut data: Vec<u8>) -> bool {
        let mut store = self.store.lock().unwrap();
        let deed = (store.hook)(lba, &mut data);
        let (mut lba, mut count) = (lba, data.len());
        match deed {
            Deed::Forget | Deed::Drop => count = 0,
            Deed::Tear(n) => count = n,
            Deed::Elsewhere(other) => lba = other,
            Deed::Write | Deed::Hang => {}
        }
        let at = lba as usize * BLOCK;
        store.disk[at..at + count].copy_from_slice(&data[..count]);
        drop(store);
        if matches!(deed, Deed::Hang | Deed::Drop) {
            return false;
        }
        self.peer.success(cid);
        true
    }
}
