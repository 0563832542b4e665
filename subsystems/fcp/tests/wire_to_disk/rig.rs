//! Both ends of a point-to-point link, and the SCSI core behind one.

use bdev::{Bdev, Meter};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Data, Options, Pool};
use fc::fc2::Direction;
use fc::{
    Config, Fc4, Frames, Names, Node, NodeEvent, Peer, Port, PortKey, RingLink, Service, SessionId, Wake, Xid,
    ring_links,
};
use fcp::{FcpPort, NewLane};
use ring::mailbox;
use scsi::{
    Config as CoreConfig, Core, Identity, LogicalUnitView, MapView, Message, NodeView, PortName, PortView, Rule, Who,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use wire::fc::Wwn;
use wire::fcp::{Residual, Rsp, RspCode};

pub const MS: u64 = 1_000_000;
const BYTES: u32 = 1 << 20;

fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0000 | n), port: Wwn(0x2100_0024_ff00_0000 | n) }
}

/// How a command ended.
#[derive(Debug)]
pub struct End {
    pub status: u8,
    pub code: Option<RspCode>,
    pub residual: Residual,
    pub sense: Vec<u8>,
    pub data: Vec<u8>,
}

pub struct Rig {
    initiator: Node<RingLink>,
    target: Node<RingLink>,
    port: Arc<fc::SoftPort>,
    core: Core<FcpPort>,
    pool: Pool,
    session: Option<SessionId>,
    open: HashMap<u64, Xid>,
    ended: HashMap<u64, Option<End>>,
    next: u64,
    pub now: u64,
    /// The core's turns may not allocate.
    pub watch_core: bool,
}

pub fn pattern(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|place| (place as u8).wrapping_mul(31).wrapping_add((place >> 8) as u8) ^ seed).collect()
}

fn arena() -> Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

fn nobody() -> Wake {
    Arc::new(|| {})
}

impl Rig {
    /// Logged in, the power-on told.
    pub fn new() -> Self {
        let arena = arena();
        let [one, two] = ring_links(64, [nobody(), nobody()]);
        let frames = Frames::new(1024);
        let (initiator, _) = Node::new(Config::initiator(names(1), frames.clone()), one, nobody());
        let (target, port) = Node::new(Config::new(names(2), frames), two, nobody());
        let view =
            PortView { name: PortName::Fc { wwnn: names(2).node.0, wwpn: names(2).port.0 }, relative: 1, group: 1 };
        let mut queues = port.attach(Service { fc4: Fc4::Fcp, discovery: false }, vec![nobody()]).unwrap();
        let mut rig = Self {
            initiator,
            target,
            port,
            core: core(&arena, view, queues.remove(0)),
            pool: Pool::new(&arena, &[Class { size: BYTES, count: 4 }]).unwrap(),
            session: None,
            open: HashMap::new(),
            ended: HashMap::new(),
            next: 1,
            now: 1,
            watch_core: false,
        };
        rig.run(100);
        rig.login(Fc4::Fcp);
        let ready = wire::fcp::Cmnd::simple([0; 8], &[0; 6], wire::fcp::Direction::None, 0);
        assert_eq!(rig.command(&ready, None, 0).status, 2, "the power-on");
        rig
    }

    pub fn login(&mut self, fc4: Fc4) {
        self.session = None;
        self.initiator.login(PortKey::PHYSICAL, Peer::Name(names(2).port), fc4);
        for _ in 0..2_000 {
            self.run(1);
            if self.session.is_some() {
                return;
            }
        }
        panic!("no session: {:?}", self.port.status());
    }

    pub fn logout(&mut self) {
        self.initiator.logout(self.session.expect("logged in"));
    }

    pub fn set_link(&mut self, up: bool) {
        self.port.set_up(up);
    }

    /// One turn of everyone; 10 microseconds pass.
    pub fn turn(&mut self) {
        self.now += 10_000;
        self.initiator.poll(self.now);
        self.target.poll(self.now);
        let (core, now) = (&mut self.core, self.now);
        if self.watch_core {
            frugal::without_allocation(|| core.poll(now));
        } else {
            core.poll(now);
        }
        while let Some(event) = self.initiator.next_event() {
            self.on_event(event);
        }
    }

    fn on_event(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::SessionUp { info, .. } => self.session = Some(info.id),
            NodeEvent::LoginFailed { reason, .. } => panic!("{reason}"),
            NodeEvent::Ended { context, data, result, received, .. } => {
                let end = result.ok().map(|payload| {
                    let rsp = Rsp::parse(payload.bytes()).expect("an FCP_RSP");
                    let end = End {
                        status: rsp.status,
                        code: rsp.code,
                        residual: rsp.residual,
                        sense: rsp.sense.to_vec(),
                        data: if data.is_empty() { Vec::new() } else { data.bytes()[..received as usize].to_vec() },
                    };
                    self.initiator.recycle(payload);
                    end
                });
                self.pool.give(data);
                self.open.remove(&context);
                self.ended.insert(context, end);
            }
            _ => {}
        }
    }

    /// Time passes, a turn in each 100 microseconds.
    pub fn run(&mut self, ms: u64) {
        let end = self.now + ms * MS;
        while self.now < end {
            self.now += 90_000;
            self.turn();
        }
    }

    /// Starts a command; its name.
    pub fn start(&mut self, iu: &[u8], out: Option<&[u8]>, into: u32) -> u64 {
        let context = self.next;
        self.next += 1;
        let data = match (out, into) {
            (Some(bytes), _) => {
                let mut data = self.pool.take(bytes.len() as u32).unwrap();
                data.bytes_mut().copy_from_slice(bytes);
                Direction::Out(data)
            }
            (None, 0) => Direction::None,
            (None, into) => Direction::In(self.pool.take(into).unwrap()),
        };
        let session = self.session.expect("logged in");
        let sent = self.initiator.command(session, iu, data, 60_000 * MS, context, self.now);
        let xid = sent.map_err(|(why, data)| (why, self.pool.give(into_data(data)))).unwrap();
        self.open.insert(context, xid);
        context
    }

    /// Until it has ended; `None`: without a response.
    pub fn until_ended(&mut self, context: u64) -> Option<End> {
        for _ in 0..100_000 {
            self.turn();
            if let Some(end) = self.ended.remove(&context) {
                return end;
            }
        }
        panic!("command {context} does not end");
    }

    pub fn command(&mut self, iu: &[u8], out: Option<&[u8]>, into: u32) -> End {
        let context = self.start(iu, out, into);
        let end = self.until_ended(context).expect("a response");
        // The target hears that its response left.
        (0..4).for_each(|_| self.turn());
        end
    }

    pub fn abort(&mut self, context: u64) {
        if let Some(xid) = self.open.get(&context) {
            self.initiator.abort(*xid, self.now);
        }
    }

    pub fn nexuses(&self) -> usize {
        self.core.port().census().0
    }

    /// No exchange, no buffer and no command is left on the target.
    #[track_caller]
    pub fn assert_empty(&self) {
        assert_eq!((self.core.census(), self.core.port().census().1), ((0, 0, 0), 0));
    }
}

fn into_data(direction: Direction) -> Data {
    direction.into_data()
}

fn core(arena: &Arc<Arena>, port: PortView, queue: Box<dyn fc::Queue>) -> Core<FcpPort> {
    let classes = [Class { size: 4096, count: 16 }, Class { size: BYTES, count: 4 }];
    let pool = Pool::new(arena, &classes).unwrap();
    let (mail, inbox) = mailbox(8, || {});
    let config = CoreConfig { core: 0, max_transfer: BYTES, channel_depth: 64, device: Arc::default() };
    let mut core = Core::new(config, FcpPort::new(256), pool, inbox);
    core.port_mut().adopt(NewLane { number: 1, queue, port });
    let shape = Shape {
        name: "Malloc0".into(),
        uuid: uuid::Uuid::from_u128(7),
        block_size: 512,
        physical_block_size: 512,
        blocks: 4096,
        optimal_io_boundary: 0,
    };
    let device: Arc<dyn Bdev> = Arc::new(Malloc::new(shape, arena.region(4096 * 512).unwrap()));
    let info = device.info();
    let identity = Identity::of(info.uuid);
    let unit =
        LogicalUnitView { id: 1, device, info, meters: [Meter::default()].into(), identity, shared: Arc::default() };
    let map = MapView {
        ports: vec![port],
        initiators: vec![Rule { allow: true, who: Who::Wwpn(names(1).port.0) }],
        networks: Vec::new(),
        luns: vec![(0, 1)],
    };
    let node = NodeView {
        id: 1,
        name: "n".into(),
        alias: String::new(),
        access: Default::default(),
        queue_depth: 16,
        maps: vec![map],
    };
    let (ack, answers) = sync_channel(2);
    assert!(mail.send(Message::LogicalUnit { view: Arc::new(unit), ack: ack.clone() }).is_ok());
    assert!(mail.send(Message::Node { view: Arc::new(node), ack }).is_ok());
    core.poll(1);
    assert_eq!(answers.try_iter().collect::<Vec<_>>(), [Ok(()), Ok(())]);
    core
}
