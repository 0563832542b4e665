//! A SCSI core behind the link.

use crate::bench::{Bench, HOST, MS, Served, Speech, TARGET};
use crate::disk;
use bdev::Meter;
use dma::{Arena, Class, Pool};
use fc::{Fc4, Queue};
use fcp::{FcpPort, NewLane};
use ring::{Tick, mailbox};
use scsi::{Config, Core, Identity, LogicalUnitView, MapView, Message, NodeView, PortName, PortView, Rule, Who};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use wire::fcp::{Cmnd, Direction, Rsp};

/// Commands open at once; also the node's queue depth.
const COMMANDS: usize = 256;

struct Fcp(Core<FcpPort>);

impl Served for Fcp {
    #[inline]
    fn poll(&mut self, now: Tick) {
        self.0.poll(now);
    }
}

struct Sd;

impl Speech for Sd {
    /// READ (10) or WRITE (10), as Linux sends it.
    #[inline]
    fn unit(&mut self, write: bool, block: u64, _context: u64) -> ([u8; 96], usize) {
        let [a, b, c, d] = (block as u32).to_be_bytes();
        let cdb = [if write { 0x2a } else { 0x28 }, 0, a, b, c, d, 0, 0, 1, 0];
        let direction = if write { Direction::Write } else { Direction::Read };
        let unit = Cmnd::simple([0; 8], &cdb, direction, disk::BLOCK);
        let mut bytes = [0; 96];
        bytes[..unit.len()].copy_from_slice(&unit);
        (bytes, unit.len())
    }

    #[inline]
    fn is_good(&self, response: &[u8]) -> bool {
        Rsp::parse(response).is_some_and(|rsp| rsp.status == 0 && rsp.code.is_none())
    }
}

/// A bench with that kind of device.
pub fn bench(kind: &str) -> Bench {
    let arena = disk::arena();
    let mut bench = Bench::new(&arena, Fc4::Fcp, |queue| core(&arena, kind, queue), Box::new(Sd));
    // The power-on is told once.
    let ready = Cmnd::simple([0; 8], &[0; 6], Direction::None, 0);
    bench.command(&ready, None);
    let response = bench.command(&ready, None);
    assert!(Sd.is_good(&response), "the unit is ready");
    bench
}

fn core(arena: &Arc<Arena>, kind: &str, queue: Box<dyn Queue>) -> Box<dyn Served> {
    let classes = [Class { size: 4096, count: 1024 }, Class { size: 65_536, count: 8 }];
    let pool = Pool::new(arena, &classes).expect("memory");
    let (mail, inbox) = mailbox(8, || {});
    let config = Config { core: 0, max_transfer: 65_536, channel_depth: 1024, device: Arc::default() };
    let mut core = Core::new(config, FcpPort::new(COMMANDS), pool, inbox);
    let name = PortName::Fc { wwnn: TARGET.node.0, wwpn: TARGET.port.0 };
    let port = PortView { name, relative: 1, group: 1 };
    core.port_mut().adopt(NewLane { number: 1, queue, port });
    let device = disk::device(kind, arena);
    let info = device.info();
    let identity = Identity::of(info.uuid);
    let unit =
        LogicalUnitView { id: 1, device, info, meters: [Meter::default()].into(), identity, shared: Arc::default() };
    let initiators = vec![Rule { allow: true, who: Who::Wwpn(HOST.port.0) }];
    let maps = vec![MapView { ports: vec![port], initiators, networks: Vec::new(), luns: vec![(0, 1)] }];
    let node = NodeView {
        id: 1,
        name: "n".into(),
        alias: String::new(),
        access: Default::default(),
        queue_depth: COMMANDS as _,
        maps,
    };
    let (ack, answers) = sync_channel(2);
    assert!(mail.send(Message::LogicalUnit { view: Arc::new(unit), ack: ack.clone() }).is_ok());
    assert!(mail.send(Message::Node { view: Arc::new(node), ack }).is_ok());
    core.poll(MS);
    assert_eq!(answers.try_iter().filter(Result::is_ok).count(), 2);
    Box::new(Fcp(core))
}
