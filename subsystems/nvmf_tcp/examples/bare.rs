//! The data plane alone: one core, one listener, a RAM disk and a null disk, no control plane. For profiling.
//! `bare [port] [core]` serves nqn.2026-11.org.qfc:bench-malloc until it is ended.

use bdev::{Bdev, Meter};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Pool};
use nvmf::{Config, ControllerIds, Core, ListenerView, Message, NamespaceView, SubsystemView, TransportView, Trtype};
use nvmf_tcp::{CorePoller, Door, ListenPoller, Options, TcpPort};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u16>().expect("a number"));
    let (port, core) = (args.next().unwrap_or(4430), args.next().unwrap_or(0));
    os::pin_to_core(core as usize).expect("the core is there");
    let arena =
        Arena::new(dma::Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).expect("memory");
    let mut reactor = reactor::Reactor::new(reactor::Options::default()).expect("descriptors");
    let classes =
        [Class { size: 4096, count: 512 }, Class { size: 32768, count: 64 }, Class { size: 131072, count: 96 }];
    let pool = Pool::new(&arena, &classes).expect("memory");
    let transport = TransportView {
        trtype: Trtype::Tcp,
        max_queue_depth: 128,
        max_io_qpairs_per_ctrlr: 127,
        in_capsule_data_size: 4096,
        max_io_size: 131072,
        max_aq_depth: 128,
        kas: 100,
        min_kato_ms: 10000,
    };
    let (sender, mailbox) = ring::mailbox(64, || {});
    let (hand_in, handed_in) = ring::mailbox(64, || {});
    let config = Config { home: 0, homes: 1, core: 0, transport, channel_depth: 1024 };
    let options = Options { depth: 128, in_capsule_data_size: 4096, c2h_success: true };
    let tcp = TcpPort::new(options).expect("descriptors");
    let core = Core::new(config, tcp, pool, mailbox, vec![sender.clone()]);
    let load = Arc::new(0.into());
    reactor.add(Box::new(CorePoller::new(core, handed_in, Arc::clone(&load)).expect("descriptors")));
    let socket = os::listen(([127, 0, 0, 1], port).into(), 64).expect("the port is free");
    let doors: Arc<[Door]> = Arc::new([Door { hand_in, load }]);
    reactor.add(Box::new(ListenPoller::new(0, socket, doors, None)));
    let (ack, acked) = sync_channel(1);
    let view = Arc::new(subsystem(&arena, port));
    sender.send(Message::Subsystem { view, ack }).expect("room");
    while acked.try_recv().is_err() {
        reactor.turn();
    }
    println!("serving on port {port}");
    reactor.run();
}

fn subsystem(arena: &Arc<Arena>, port: u16) -> SubsystemView {
    let shape = Shape {
        name: "malloc0".into(),
        uuid: "6d3f0f80-9f5f-4a3c-8d9b-0f4b7f1d2c11".parse().expect("a UUID"),
        block_size: 4096,
        physical_block_size: 4096,
        blocks: (256 << 20) / 4096,
        optimal_io_boundary: 0,
    };
    let device: Arc<dyn Bdev> = Arc::new(Malloc::new(shape, arena.region(256 << 20).expect("memory")));
    let info = device.info();
    let (uuid, nguid) = (info.uuid, info.nguid());
    let meters: Arc<[Meter]> = Arc::new([Meter::default()]);
    let namespace = NamespaceView { nsid: 1, device, info, meters, uuid, nguid, eui64: [0; 8] };
    let listener =
        ListenerView { id: 0, trtype: Trtype::Tcp, adrfam: 1, traddr: "127.0.0.1".into(), trsvcid: port.to_string() };
    SubsystemView {
        id: 1,
        nqn: "nqn.2026-11.org.qfc:bench-malloc".into(),
        discovery: false,
        serial: "BENCH".into(),
        model: "qfc".into(),
        allow_any_host: true,
        hosts: Vec::new(),
        listeners: vec![listener],
        any_listener: false,
        max_namespaces: 32,
        min_cntlid: 1,
        max_cntlid: 0xffef,
        cntlids: ControllerIds::new(1, 0xffef),
        namespaces: vec![namespace],
    }
}
