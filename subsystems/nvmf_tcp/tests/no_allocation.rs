//! The whole data plane of a core, from bytes to bytes: once its queues are connected it neither allocates nor frees.
//!
//! The core runs on the test's own thread, whose allocator is watched; the host is another thread and does verified I/O
//! over the loopback.

use bdev::{Bdev, Meter};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Pool};
use host::{Address, Controller, LinkOptions, Options, Payload, Queue, Slot};
use nvmf::{Config, ControllerIds, Core, ListenerView, Message, NamespaceView, SubsystemView, TransportView, Trtype};
use nvmf_tcp::{CorePoller, Door, ListenPoller, TcpPort};
use reactor::Reactor;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use wire::IntoBytes;
use wire::nvm::{Dsm, DsmRange, Rw};
use wire::nvme::{NvmOpcode, Sqe};

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;

const NQN: &str = "nqn.2026-11.org.qfc:frugal";
const BLOCK: u32 = 512;
const LIMIT: Duration = Duration::from_secs(60);

/// Where the host is: connecting and warming up, at its I/O, leaving, gone.
const BEGIN: u8 = 0;
const BUSY: u8 = 1;
const END: u8 = 2;
const GONE: u8 = 3;

#[test]
fn a_connected_core_neither_allocates_nor_frees() {
    let (mut reactor, port) = core();
    let phase = AtomicU8::new(BEGIN);
    std::thread::scope(|scope| {
        let host = scope.spawn(|| {
            let left = Leaving(&phase);
            io(port, &phase);
            drop(left);
        });
        turn_until(&mut reactor, &phase, BUSY);
        frugal::without_allocation(|| turn_until(&mut reactor, &phase, END));
        turn_until(&mut reactor, &phase, GONE);
        host.join().expect("the host is content");
    });
}

/// Says that the host has gone, also when it panicked.
struct Leaving<'a>(&'a AtomicU8);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.store(GONE, SeqCst);
    }
}

fn turn_until(reactor: &mut Reactor, phase: &AtomicU8, wanted: u8) {
    let begin = Instant::now();
    while phase.load(SeqCst) < wanted {
        reactor.turn();
        assert!(begin.elapsed() < LIMIT, "the host does not get on");
    }
}

/// The host: two queues without digests and two with, commands of all kinds and sizes, several at once.
fn io(port: u16, phase: &AtomicU8) {
    let plain = LinkOptions::default();
    let digests = LinkOptions { hdgst: true, ddgst: true, hpda: 3, ..LinkOptions::default() };
    let mut hosts: Vec<(Controller, Vec<Queue>)> = [plain, digests]
        .map(|link| {
            let address = Address::new("127.0.0.1", port, NQN).expect("an address");
            let options = Options { link, ..Options::default() };
            let controller = Controller::connect(&address, &options).unwrap_or_else(|error| panic!("{error}"));
            let queue = |qid| controller.io_queue(qid, 33, 128 << 10).unwrap_or_else(|error| panic!("{error}"));
            let queues = vec![queue(1), queue(2)];
            (controller, queues)
        })
        .into();
    hosts.iter_mut().flat_map(|(_, queues)| queues).for_each(|queue| rounds(queue, 2));
    phase.store(BUSY, SeqCst);
    hosts.iter_mut().flat_map(|(_, queues)| queues).for_each(|queue| rounds(queue, 12));
    // An admin command belongs to it as well.
    hosts.iter_mut().for_each(|(controller, _)| assert!(controller.csts().expect("a property").rdy()));
    phase.store(END, SeqCst);
}

fn rounds(queue: &mut Queue, count: u64) {
    for round in 0..count {
        let writes = start(queue, round, true);
        finish(queue, writes, round, true);
        let reads = start(queue, round, false);
        finish(queue, reads, round, false);
        others(queue);
    }
}

/// Sixteen commands at once, from one block (in the capsule) to 128 KiB (by R2T), each in a place of its own.
fn start(queue: &mut Queue, round: u64, write: bool) -> Vec<(Slot, u64, u32)> {
    let mut started = Vec::new();
    for number in 0..16 {
        let nlb = [1, 8, 9, 64, 256][number as usize % 5];
        let (slot, slba) = (queue.take().expect("a free slot"), number * 256);
        let opcode = if write { NvmOpcode::WRITE } else { NvmOpcode::READ };
        let bytes = nlb * BLOCK;
        if write {
            fill(&mut queue.buffer_mut(slot)[..bytes as usize], round, slba);
        }
        let payload = if write { Payload::Write(bytes) } else { Payload::Read(bytes) };
        queue.start(slot, Rw::sqe(opcode, 1, slba, nlb, 0), payload);
        started.push((slot, slba, nlb));
    }
    started
}

fn finish(queue: &mut Queue, started: Vec<(Slot, u64, u32)>, round: u64, write: bool) {
    for (slot, slba, nlb) in started {
        let cqe = queue.wait_for(slot, "a command", LIMIT).unwrap_or_else(|error| panic!("{error}"));
        assert!(cqe.status().is_success(), "{cqe:?}");
        let bytes = (nlb * BLOCK) as usize;
        if !write {
            let mut expected = vec![0; bytes];
            fill(&mut expected, round, slba);
            assert!(queue.buffer(slot)[..bytes] == expected, "round {round}, block {slba}");
        }
        queue.give(slot);
    }
}

fn fill(bytes: &mut [u8], round: u64, slba: u64) {
    for (at, chunk) in bytes.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&((round << 48) ^ (slba << 24) ^ at as u64).to_le_bytes());
    }
}

/// Flush, Write Zeroes, Deallocate, and commands that fail.
fn others(queue: &mut Queue) {
    let mut one = |sqe: Sqe, payload: Payload, data: &[u8], good: bool| {
        let slot = queue.take().expect("a free slot");
        queue.buffer_mut(slot)[..data.len()].copy_from_slice(data);
        queue.start(slot, sqe, payload);
        let cqe = queue.wait_for(slot, "a command", LIMIT).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cqe.status().is_success(), good, "{cqe:?}");
        queue.give(slot);
    };
    one(Sqe::new(NvmOpcode::FLUSH.0, 1), Payload::None, &[], true);
    one(Rw::sqe(NvmOpcode::WRITE_ZEROES, 1, 5000, 8, 0), Payload::None, &[], true);
    one(Dsm::sqe(1, 1, Dsm::AD), Payload::Write(16), DsmRange::new(5000, 8).as_bytes(), true);
    one(Rw::sqe(NvmOpcode::COMPARE, 1, 5000, 1, 0), Payload::Write(BLOCK), &[0; BLOCK as usize], true);
    one(Rw::sqe(NvmOpcode::COMPARE, 1, 5000, 1, 0), Payload::Write(BLOCK), &[1; BLOCK as usize], false);
    one(Rw::sqe(NvmOpcode::READ, 1, u64::MAX >> 1, 1, 0), Payload::Read(BLOCK), &[], false);
    one(Rw::sqe(NvmOpcode::READ, 9, 0, 1, 0), Payload::Read(BLOCK), &[], false);
    one(Sqe::new(0x7e, 1), Payload::None, &[], false);
}

/// A core with everything but a control plane, and the port that it listens on.
fn core() -> (Reactor, u16) {
    let backing = Backing::Ordinary;
    let arena = Arena::new(dma::Options { backing, single_file: false, reserve: 0 }).expect("memory");
    let mut reactor = Reactor::new(reactor::Options::default()).expect("descriptors");
    let classes =
        [Class { size: 4096, count: 128 }, Class { size: 32768, count: 32 }, Class { size: 131_072, count: 48 }];
    let pool = Pool::new(&arena, &classes).expect("memory");
    let (sender, mailbox) = ring::mailbox(64, || {});
    let (hand_in, handed_in) = ring::mailbox(64, || {});
    let config = Config { home: 0, homes: 1, core: 0, transport: transport(), channel_depth: 1024 };
    let options = nvmf_tcp::Options { depth: 128, in_capsule_data_size: 4096, c2h_success: true };
    let core = Core::new(config, TcpPort::new(options).expect("descriptors"), pool, mailbox, vec![sender.clone()]);
    let load = Arc::new(0.into());
    reactor.add(Box::new(CorePoller::new(core, handed_in, Arc::clone(&load)).expect("descriptors")));
    let socket: TcpListener = os::listen(([127, 0, 0, 1], 0).into(), 16).expect("a port is free");
    let port = socket.local_addr().expect("an address").port();
    let doors: Arc<[Door]> = Arc::new([Door { hand_in, load }]);
    reactor.add(Box::new(ListenPoller::new(0, socket, doors, None)));
    let (ack, acked) = sync_channel(1);
    sender.send(Message::Subsystem { view: Arc::new(subsystem(&arena, port)), ack }).expect("room");
    while acked.try_recv().is_err() {
        reactor.turn();
    }
    (reactor, port)
}

fn transport() -> TransportView {
    TransportView {
        trtype: Trtype::Tcp,
        max_queue_depth: 128,
        max_io_qpairs_per_ctrlr: 127,
        in_capsule_data_size: 4096,
        max_io_size: 131_072,
        max_aq_depth: 128,
        kas: 100,
        min_kato_ms: 10_000,
    }
}

fn subsystem(arena: &Arc<Arena>, port: u16) -> SubsystemView {
    let bytes = 4 << 20;
    let shape = Shape {
        name: "malloc0".into(),
        uuid: "6d3f0f80-9f5f-4a3c-8d9b-0f4b7f1d2c12".parse().expect("a UUID"),
        block_size: BLOCK,
        physical_block_size: BLOCK,
        blocks: bytes / u64::from(BLOCK),
        optimal_io_boundary: 0,
    };
    let device: Arc<dyn Bdev> = Arc::new(Malloc::new(shape, arena.region(bytes as usize).expect("memory")));
    let info = device.info();
    let (uuid, nguid) = (info.uuid, info.nguid());
    let meters: Arc<[Meter]> = Arc::new([Meter::default()]);
    let namespace = NamespaceView { nsid: 1, device, info, meters, uuid, nguid, eui64: [0; 8] };
    let (traddr, trsvcid) = ("127.0.0.1".into(), port.to_string());
    SubsystemView {
        id: 1,
        nqn: NQN.into(),
        discovery: false,
        serial: "FRUGAL".into(),
        model: "qfc".into(),
        allow_any_host: true,
        hosts: Vec::new(),
        listeners: vec![ListenerView { id: 0, trtype: Trtype::Tcp, adrfam: 1, traddr, trsvcid }],
        any_listener: false,
        max_namespaces: 32,
        min_cntlid: 1,
        max_cntlid: 0xffef,
        cntlids: ControllerIds::new(1, 0xffef),
        namespaces: vec![namespace],
    }
}
