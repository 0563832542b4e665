//! An NVMe core behind the link.

use crate::bench::{Bench, MS, Served, Speech, TARGET};
use crate::disk;
use dma::{Arena, Class, Pool};
use fc::{Fc4, Queue};
use nvmf::{Config, ControllerIds, Core, ListenerView, Message, NamespaceView, SubsystemView, TransportView, Trtype};
use nvmf_fc::{FcNvmePort, Mail, Note, Options};
use ring::{Tick, mailbox};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use wire::fabrics::{Connect, ConnectData, Nqn, PropertySet};
use wire::fcnvme::{CmndIu, CreateAssociation, CreateConnection, Ersp, LsCommand, LsReply, RSP};
use wire::fcp::Direction;
use wire::nvm::Rw;
use wire::nvme::{NvmOpcode, Property, SglDescriptor, Sqe};
use wire::{IntoBytes, U16};

const NQN: &str = "nqn.2026-11.org.qfc:fc";
const HOST: &str = "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff";
const LISTENER: u32 = 7;
/// Of an I/O queue.
const ENTRIES: u16 = 256;

struct Nvme(Core<FcNvmePort>);

impl Served for Nvme {
    #[inline]
    fn poll(&mut self, now: Tick) {
        self.0.poll(now);
    }
}

/// A connection of the host, and the sequence number of its next command.
#[derive(Clone, Default)]
struct Connection(Arc<(AtomicU64, AtomicU32)>);

impl Connection {
    fn set(&self, connection: u64) {
        self.0.0.store(connection, Ordering::Relaxed);
        self.0.1.store(1, Ordering::Relaxed);
    }

    #[inline]
    fn iu(&self, mut sqe: Sqe, cid: u16, direction: Direction, len: u32) -> CmndIu {
        let (connection, csn) = (self.0.0.load(Ordering::Relaxed), self.0.1.load(Ordering::Relaxed));
        self.0.1.store(csn.wrapping_add(1), Ordering::Relaxed);
        sqe.cid = U16::new(cid);
        sqe.dptr = SglDescriptor::transport(len);
        CmndIu::new(connection, csn, direction, len, sqe, false)
    }
}

impl Speech for Connection {
    #[inline]
    fn unit(&mut self, write: bool, block: u64, context: u64) -> ([u8; 96], usize) {
        let (opcode, direction) =
            if write { (NvmOpcode::WRITE, Direction::Write) } else { (NvmOpcode::READ, Direction::Read) };
        let unit = self.iu(Rw::sqe(opcode, 1, block, 1, 0), context as u16, direction, disk::BLOCK);
        (unit.to_bytes(), 96)
    }

    #[inline]
    fn is_good(&self, response: &[u8]) -> bool {
        response == RSP
            || Ersp::parse(response).is_some_and(|ersp| ersp.result.0 == 0 && ersp.cqe.status().is_success())
    }
}

/// A bench with that kind of device.
pub fn bench(kind: &str) -> Bench {
    let (arena, io) = (disk::arena(), Connection::default());
    let mut bench = Bench::new(&arena, Fc4::Nvme, |queue| core(&arena, kind, queue), Box::new(io.clone()));
    let admin = Connection::default();
    let association = associate(&mut bench, &admin);
    let cntlid = connect(&mut bench, &admin, 0, 32, 0xffff);
    let enable = admin.iu(PropertySet::sqe(Property::CC, 0x0046_0001), 2, Direction::None, 0);
    bench.command(&enable.to_bytes(), None);
    let request = CreateConnection::new(association, 1, ENTRIES, 200);
    let reply = bench.link_service(&request.to_bytes());
    match LsReply::parse(&reply, LsCommand::CREATE_CONNECTION).expect("a connection") {
        LsReply::Connection { connection_id } => io.set(connection_id),
        other => panic!("{other:?}"),
    }
    connect(&mut bench, &io, 1, ENTRIES, cntlid);
    bench
}

fn nqn(name: &str) -> Nqn {
    Nqn::new(name).expect("a name")
}

fn associate(bench: &mut Bench, admin: &Connection) -> u64 {
    let request = CreateAssociation::new(nqn(HOST), [7; 16], nqn(NQN), 32, 8);
    let reply = bench.link_service(&request.to_bytes());
    match LsReply::parse(&reply, LsCommand::CREATE_ASSOCIATION).expect("an association") {
        LsReply::Association { association_id, connection_id } => {
            admin.set(connection_id);
            association_id
        }
        other => panic!("{other:?}"),
    }
}

fn connect(bench: &mut Bench, on: &Connection, qid: u16, entries: u16, cntlid: u16) -> u16 {
    let data = ConnectData::new([7; 16], cntlid, nqn(NQN), nqn(HOST));
    let unit = on.iu(Connect::new(qid, entries, 0).into_sqe(), 1, Direction::Write, 1024);
    let response = bench.command(&unit.to_bytes(), Some(data.as_bytes()));
    let cqe = Ersp::parse(&response).expect("the longer response").cqe;
    assert!(cqe.status().is_success(), "{cqe:?}");
    cqe.dw0.get() as u16
}

fn core(arena: &Arc<Arena>, kind: &str, queue: Box<dyn Queue>) -> Box<dyn Served> {
    let classes = [Class { size: 8192, count: 1024 }, Class { size: 65_536, count: 8 }];
    let pool = Pool::new(arena, &classes).expect("memory");
    let (mail, inbox) = mailbox(64, || {});
    let (notes, note_box) = mailbox(64, || {});
    let config = Config { home: 0, homes: 1, core: 0, transport: transport(), channel_depth: 1024 };
    let options = Options { admin_entries: 32, io_entries: ENTRIES.into(), io_queues: 8, secret: [1, 2] };
    let port = FcNvmePort::new(options, Mail::new(0, note_box, vec![notes.clone()]));
    let mut core = Core::new(config, port, pool, inbox, vec![mail.clone()]);
    let (ack, answers) = sync_channel(1);
    assert!(mail.send(Message::Subsystem { view: Arc::new(subsystem(kind, arena)), ack }).is_ok());
    assert!(notes.send(Note::Adopt { lane: 0, listener: LISTENER, queue }).is_ok());
    core.poll(MS);
    assert_eq!(answers.try_iter().filter(Result::is_ok).count(), 1);
    Box::new(Nvme(core))
}

fn transport() -> TransportView {
    TransportView {
        trtype: Trtype::Fc,
        max_queue_depth: ENTRIES,
        max_io_qpairs_per_ctrlr: 8,
        in_capsule_data_size: 0,
        max_io_size: 65_536,
        max_aq_depth: 32,
        kas: 1,
        min_kato_ms: 0,
    }
}

fn subsystem(kind: &str, arena: &Arc<Arena>) -> SubsystemView {
    let device = disk::device(kind, arena);
    let info = device.info();
    let (uuid, nguid, meters) = (info.uuid, info.nguid(), (0..2).map(|_| bdev::Meter::default()).collect());
    let namespace = NamespaceView { nsid: 1, device, info, meters, uuid, nguid, eui64: [1; 8] };
    let (traddr, trsvcid) = (TARGET.to_string(), "none".to_owned());
    SubsystemView {
        id: 1,
        nqn: NQN.into(),
        discovery: false,
        serial: "FC".into(),
        model: "qfc".into(),
        allow_any_host: true,
        hosts: Vec::new(),
        listeners: vec![ListenerView { id: LISTENER, trtype: Trtype::Fc, adrfam: 4, traddr, trsvcid }],
        any_listener: false,
        max_namespaces: 32,
        min_cntlid: 1,
        max_cntlid: 0xffef,
        cntlids: ControllerIds::new(1, 0xffef),
        namespaces: vec![namespace],
    }
}
