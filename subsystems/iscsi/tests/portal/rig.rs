//! Two cores with one disk in memory, and a listener.

use bdev::{Bdev, Meter};
use bdev_malloc::{Malloc, Shape};
use dma::{Arena, Backing, Class, Options as ArenaOptions, Pool};
use iscsi::directory::Denied;
use iscsi::{AuthPolicy, Credentials, Directory, Options, Portal, TargetInfo, TargetRecord, Visitor};
use iscsi_target::{CorePoller, Door, IscsiPort, ListenPoller, Order, Registry, SessionReport, Settings};
use reactor::Poller;
use ring::{Sender, mailbox};
use scsi::{
    Config, Core, Device, Identity, IscsiName, LogicalUnitView, MapView, Message, Network, NodeView, PortName,
    PortView, Rule, Who,
};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::sync_channel;

pub const TARGET: &str = "iqn.2026-11.test:disk";
pub const SECOND: u64 = 1_000_000_000;
pub const BLOCKS: u64 = 16_384;

/// Knows one target.
pub struct OneTarget(pub Options);

impl Directory for OneTarget {
    fn options(&self) -> Options {
        self.0
    }

    fn discovery(&self, _portal: &Portal) -> AuthPolicy {
        AuthPolicy::default()
    }

    fn target(&self, name: &str, _visitor: &Visitor<'_>) -> Result<TargetInfo, Denied> {
        if name == TARGET { Ok(TargetInfo::default()) } else { Err(Denied::NotFound) }
    }

    fn targets(&self, visitor: &Visitor<'_>) -> Vec<TargetRecord> {
        vec![TargetRecord { name: TARGET.into(), portals: vec![(visitor.portal.address, visitor.portal.group)] }]
    }

    fn credentials(&self, _group: u32, _user: &str) -> Option<Credentials> {
        None
    }
}

pub struct Rig {
    pub cores: Vec<CorePoller>,
    mail: Vec<Sender<Message>>,
    doors: Arc<[Door]>,
    pub registry: Arc<Registry>,
    listener: ListenPoller,
    pub address: SocketAddr,
    pub now: u64,
    /// The cores' turns may not allocate.
    pub frugal: bool,
}

pub fn options() -> Options {
    Options {
        queue_depth: 16,
        max_connections: 4,
        first_burst_length: 8192,
        max_burst_length: 16_384,
        ..Options::default()
    }
}

fn port_view() -> PortView {
    let name = IscsiName::new(TARGET).unwrap();
    PortView { name: PortName::IscsiTarget { name, group: 1 }, relative: 1, group: 1 }
}

impl Rig {
    pub fn new() -> Self {
        Self::with(options(), Settings::default())
    }

    pub fn with(options: Options, settings: Settings) -> Self {
        const HOMES: usize = 2;
        let arena = Arena::new(ArenaOptions { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
        let (doors, inboxes): (Vec<_>, Vec<_>) = (0..HOMES)
            .map(|_| {
                let (orders, inbox) = mailbox(256, || {});
                (Door { orders, load: Arc::new(AtomicUsize::new(0)) }, inbox)
            })
            .unzip();
        let doors: Arc<[Door]> = doors.into();
        let registry = Arc::new(Registry::new(HOMES, settings.sessions));
        let device = Arc::new(Device::default());
        let mut mail = Vec::new();
        let directory = Arc::new(OneTarget(options));
        let cores = inboxes.into_iter().enumerate().map(|(home, inbox)| {
            let classes =
                [Class { size: 4096, count: 32 }, Class { size: 65_536, count: 16 }, Class { size: 1 << 20, count: 4 }];
            let pool = Pool::new(&arena, &classes).unwrap();
            let (sender, messages) = mailbox(64, || {});
            mail.push(sender);
            let load = doors[home].load.clone();
            let port = IscsiPort::new(settings, directory.clone(), registry.clone(), doors.clone(), home).unwrap();
            let config = Config { core: home, max_transfer: 1 << 20, channel_depth: 256, device: device.clone() };
            CorePoller::new(Core::new(config, port, pool, messages), inbox, load).unwrap()
        });
        let cores: Vec<CorePoller> = cores.collect();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let listener = ListenPoller::new(1, socket, doors.clone());
        let mut rig = Self { cores, mail, doors, registry, listener, address, now: 1, frugal: false };
        rig.put_disk(&arena);
        rig
    }

    fn put_disk(&mut self, arena: &Arc<Arena>) {
        let shape = Shape {
            name: "Malloc0".into(),
            uuid: uuid::Uuid::from_u128(7),
            block_size: 512,
            physical_block_size: 512,
            blocks: BLOCKS,
            optimal_io_boundary: 0,
        };
        let device: Arc<dyn Bdev> = Arc::new(Malloc::new(shape, arena.region(BLOCKS as usize * 512).unwrap()));
        let info = device.info();
        let identity = Identity::of(info.uuid);
        let meters = self.cores.iter().map(|_| Meter::default()).collect();
        let unit = Arc::new(LogicalUnitView { id: 1, device, info, meters, identity, shared: Arc::default() });
        let map = MapView {
            ports: vec![port_view()],
            initiators: vec![Rule { allow: true, who: Who::All }],
            networks: vec![Network::Any],
            luns: vec![(0, 1)],
        };
        let node = Arc::new(NodeView {
            id: 1,
            name: TARGET.into(),
            alias: String::new(),
            access: Default::default(),
            queue_depth: 64,
            maps: vec![map],
        });
        let (ack, answers) = sync_channel(16);
        let all: Arc<[_]> = self.mail.iter().cloned().map(Some).collect();
        for (own, mail) in self.mail.iter().enumerate() {
            assert!(mail.send(Message::Homes { own, all: all.clone(), ack: ack.clone() }).is_ok());
            assert!(mail.send(Message::LogicalUnit { view: unit.clone(), ack: ack.clone() }).is_ok());
            assert!(mail.send(Message::Node { view: node.clone(), ack: ack.clone() }).is_ok());
        }
        self.turns(4);
        assert_eq!(answers.try_iter().filter(Result::is_ok).count(), 3 * self.mail.len());
    }

    /// One turn of everyone; 10 microseconds pass.
    pub fn turn(&mut self) {
        self.now += 10_000;
        let now = self.now;
        // As on cores that sleep between turns: nobody is asked who was not told to have something.
        self.listener.wake();
        self.listener.poll(now);
        for core in &mut self.cores {
            core.wake();
            if self.frugal {
                frugal::without_allocation(|| core.poll(now));
            } else {
                core.poll(now);
            }
        }
    }

    pub fn turns(&mut self, count: usize) {
        (0..count).for_each(|_| self.turn());
    }

    /// Time passes.
    pub fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 4 {
            self.now += SECOND / 4;
            self.turn();
        }
    }

    /// Sessions, connections and open commands of the ports; exchanges, bytes out and waiting of the groups.
    pub fn census(&self) -> [usize; 6] {
        let mut sum = [0; 6];
        for core in &self.cores {
            let (sessions, commands) = core.core().port().census();
            let (exchanges, out, waiting) = core.core().census();
            let own = [sessions, core.core().port().connections(), commands, exchanges, out, waiting];
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        sum
    }

    /// Everything is home: no session, connection, command, buffer.
    pub fn settle(&mut self) {
        for _ in 0..2_000 {
            if self.census() == [0; 6] && self.registry.count() == 0 {
                return;
            }
            self.turn();
        }
        panic!("something is left: {:?}, {} in the registry", self.census(), self.registry.count());
    }

    pub fn order(&mut self, order: impl Fn() -> Order) {
        self.doors.iter().for_each(|door| assert!(door.orders.send(order()).is_ok()));
        self.turn();
    }

    pub fn report(&mut self) -> Vec<SessionReport> {
        let (to, from) = sync_channel(8);
        self.order(|| Order::Report(to.clone()));
        from.try_iter().flatten().collect()
    }

    /// Asks all cores to stop in an orderly way.
    pub fn drain(&mut self) {
        let (ack, _answers) = sync_channel(8);
        for mail in &self.mail {
            assert!(mail.send(Message::Drain { ack: ack.clone() }).is_ok());
        }
        self.turns(2);
    }
}
