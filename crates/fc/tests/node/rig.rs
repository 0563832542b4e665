//! Nodes, a bare peer and a switch on rings, in virtual time.

use fc::fc2::{Fc2, Limits, Payload, Route, Upcall};
use fc::{
    Arrival, Config, Fc4, Frames, Link, Names, Node, NodeEvent, Port, Queue, RingLink, Service, SoftPort, Wake, Xid,
    ring_links,
};
use ring::Tick;
use std::sync::Arc;
use wire::fc::els::{Command, Login};
use wire::fc::{PortId, RCtl, Type, Wwn};

pub const MS: Tick = 1_000_000;

pub fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_0000_0000 | n), port: Wwn(0x2100_0024_0000_0000 | n) }
}

/// One pool for all on a test's links: frames move from hand to hand as they are.
pub fn frames() -> Frames {
    thread_local!(static POOL: Frames = Frames::new(1024));
    POOL.with(Clone::clone)
}

pub fn nobody() -> Wake {
    Arc::new(|| {})
}

pub fn link() -> [RingLink; 2] {
    ring_links(64, [nobody(), nobody()])
}

/// A node, its port, and what it told.
pub struct Station {
    pub node: Node<Box<dyn Link>>,
    pub port: Arc<SoftPort>,
    pub events: Vec<NodeEvent>,
    pub queues: Vec<Box<dyn Queue>>,
    pub arrivals: Vec<(usize, Arrival)>,
    /// Queues are not read: their rings fill up.
    pub deaf: bool,
}

impl Station {
    pub fn new(config: Config, link: impl Link + 'static) -> Self {
        let (node, port) = Node::new(config, Box::new(link) as Box<dyn Link>, nobody());
        Self { node, port, events: Vec::new(), queues: Vec::new(), arrivals: Vec::new(), deaf: false }
    }

    pub fn initiator(n: u64, link: impl Link + 'static) -> Self {
        Self::new(Config::initiator(names(n), frames()), link)
    }

    pub fn target(n: u64, link: impl Link + 'static, services: &[(Fc4, usize)]) -> Self {
        let mut station = Self::new(Config::new(names(n), frames()), link);
        for (fc4, lanes) in services {
            station.serve(*fc4, *lanes);
        }
        station
    }

    pub fn serve(&mut self, fc4: Fc4, lanes: usize) {
        let service = Service { fc4, discovery: fc4 == Fc4::Nvme };
        let wakers = (0..lanes).map(|_| nobody()).collect();
        self.queues.extend(self.port.attach(service, wakers).unwrap());
    }

    /// The names of the arrivals, in order, and forgets them.
    pub fn heard(&mut self) -> Vec<(usize, Arrival)> {
        std::mem::take(&mut self.arrivals)
    }

    fn step(&mut self, now: Tick) -> usize {
        let mut work = self.node.poll(now);
        while let Some(event) = self.node.next_event() {
            self.events.push(event);
            work += 1;
        }
        if !self.deaf {
            for (place, queue) in self.queues.iter_mut().enumerate() {
                while let Some(arrival) = queue.next(now) {
                    self.arrivals.push((place, arrival));
                    work += 1;
                }
                queue.flush();
            }
        }
        work
    }
}

/// Anything that is polled.
pub trait Party {
    fn turn(&mut self, now: Tick) -> usize;
}

impl Party for Station {
    fn turn(&mut self, now: Tick) -> usize {
        self.step(now)
    }
}

/// A peer made of the exchange engine alone: it says what a test wants it to say.
pub struct Bare {
    pub link: RingLink,
    pub fc2: Fc2,
    pub upcalls: Vec<Upcall>,
    /// Answers FLOGI as an N_Port of these names.
    pub flogi: Option<Names>,
}

impl Bare {
    pub fn new(link: RingLink) -> Self {
        let fc2 = Fc2::new(Limits::default(), frames());
        Self { link, fc2, upcalls: Vec::new(), flogi: None }
    }

    pub fn els(&mut self, local: u32, remote: u32, payload: &[u8], context: u64, now: Tick) {
        let route = Route { local: PortId(local), remote: PortId(remote), max_payload: 2112 };
        self.fc2.request(route, RCtl::ELS_REQUEST, Type::ELS, payload, 2_000 * MS, context, now).unwrap();
    }

    pub fn command(&mut self, local: u32, remote: u32, fc4: Fc4, iu: &[u8], context: u64, now: Tick) -> Xid {
        let route = Route { local: PortId(local), remote: PortId(remote), max_payload: 2112 };
        let none = fc::fc2::Direction::None;
        self.fc2.command(route, fc4, iu, none, 60_000 * MS, context, now).unwrap()
    }

    /// The reply to a request of ours.
    pub fn reply(&mut self, wanted: u64) -> Option<Vec<u8>> {
        let is = |upcall: &Upcall| matches!(upcall, Upcall::Reply { context, .. } if *context == wanted);
        let place = self.upcalls.iter().position(is)?;
        match self.upcalls.remove(place) {
            Upcall::Reply { result, .. } => result.ok().map(|payload| payload.bytes().to_vec()),
            _ => unreachable!(),
        }
    }

    /// Requests of the other side by their ELS command.
    pub fn asked(&self, command: Command) -> usize {
        let is =
            |upcall: &&Upcall| matches!(upcall, Upcall::Request { payload, .. } if payload.bytes()[0] == command.0);
        self.upcalls.iter().filter(is).count()
    }

    fn answer_flogi(&mut self, xid: Xid, payload: Payload) {
        if let Some(names) = self.flogi {
            let accept = Login::fabric(Command::LS_ACC, names.port, names.node, 2112, false);
            self.fc2.answer(xid, 2112, &accept.to_bytes());
        }
        self.fc2.recycle(payload);
    }
}

impl Party for Bare {
    fn turn(&mut self, now: Tick) -> usize {
        while self.link.event(now).is_some() {}
        let mut work = 0;
        while let Some(frame) = self.link.receive(now) {
            self.fc2.arrive(frame, now);
            work += 1;
        }
        self.fc2.turn(now);
        while let Some(upcall) = self.fc2.next() {
            match upcall {
                Upcall::Request { xid, payload, .. } if payload.bytes()[0] == Command::FLOGI.0 => {
                    self.answer_flogi(xid, payload);
                }
                upcall => self.upcalls.push(upcall),
            }
            work += 1;
        }
        while self.link.room() > 0 {
            let Some(frame) = self.fc2.next_frame(now) else { break };
            self.link.send(frame);
            work += 1;
        }
        self.link.flush(now);
        work
    }
}

/// Virtual time.
pub struct Clock(pub Tick);

impl Clock {
    /// Polls until nobody does anything in this moment.
    pub fn settle(&mut self, parties: &mut [&mut dyn Party]) {
        for _ in 0..10_000 {
            let work: usize = parties.iter_mut().map(|party| party.turn(self.0)).sum();
            if work == 0 {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Lets time pass in small steps.
    pub fn run(&mut self, ms: u64, parties: &mut [&mut dyn Party]) {
        for _ in 0..ms.div_ceil(5) {
            self.settle(parties);
            self.0 += 5 * MS;
        }
        self.settle(parties);
    }
}

/// The state of a port, as its node shows it after one more poll.
pub fn shown(station: &mut Station, now: Tick) -> fc::PortStatus {
    station.node.poll(now);
    station.port.shown()
}

/// Keeps what is logged, for the tests that look at it.
pub mod logged {
    use std::sync::{Mutex, Once};

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    static ONCE: Once = Once::new();

    struct Keeper;

    impl log::Log for Keeper {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            LINES.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
        }
        fn flush(&self) {}
    }

    pub fn start() {
        ONCE.call_once(|| {
            log::set_logger(&Keeper).unwrap();
            log::set_max_level(log::LevelFilter::Info);
        });
    }

    /// How many lines are exactly this, or begin with it when it ends in `*`.
    pub fn count(line: &str) -> usize {
        let is = |logged: &&String| match line.strip_suffix('*') {
            Some(start) => logged.starts_with(start),
            None => *logged == line,
        };
        LINES.lock().unwrap().iter().filter(is).count()
    }
}
