//! Both ends of a link, and what is behind the target's: run turn by turn, each part timed.

use dma::{Arena, Class, Data, Pool};
use fc::fc2::{Direction, Payload};
use fc::{
    Config, Fc4, Frames, Names, Node, NodeEvent, Peer, Port, PortKey, Queue, RingLink, Service, SessionId, SoftPort,
    Wake, ring_links,
};
use ring::Tick;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wire::fc::Wwn;

use crate::disk::{BLOCK, BLOCKS};

/// As the software ports and switches of the program have them.
const RING: usize = 512;
const FRAMES: usize = 8192;

pub const MS: Tick = 1_000_000;

pub const HOST: Names = names(1);
pub const TARGET: Names = names(2);

const fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0000 | n), port: Wwn(0x2100_0024_ff00_0000 | n) }
}

/// A wake as a reactor's that does not sleep: nobody sleeps here.
pub fn nobody() -> Wake {
    Arc::new(|| {})
}

/// The core of the target.
pub trait Served {
    fn poll(&mut self, now: Tick);
}

/// What a host sends and expects.
pub trait Speech: Send {
    /// The command IU for one block.
    fn unit(&mut self, write: bool, block: u64, context: u64) -> ([u8; 96], usize);
    /// Whether a response says success.
    fn is_good(&self, response: &[u8]) -> bool;
}

/// Nanoseconds for each I/O, of each part.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    pub host: f64,
    pub node: f64,
    pub core: f64,
}

impl Spent {
    pub fn target(&self) -> f64 {
        self.node + self.core
    }
}

/// The initiator.
pub struct Host {
    node: Node<RingLink>,
    pool: Pool,
    session: Option<SessionId>,
    /// The last response and its data, for what is asked one at a time.
    last: Option<(u64, Vec<u8>)>,
    reply: Option<Vec<u8>>,
    /// Responses are looked at as those of reads and writes.
    measuring: bool,
    open: usize,
    over: u64,
    context: u64,
}

pub struct Bench {
    pub host: Host,
    target: Node<RingLink>,
    _port: Arc<SoftPort>,
    core: Box<dyn Served>,
    speech: Box<dyn Speech>,
    now: Tick,
    seed: u64,
}

/// What a turn's parts took.
#[derive(Default)]
struct Sums {
    host: Duration,
    node: Duration,
    core: Duration,
    turns: u32,
}

impl Bench {
    /// Both ends, logged in; `core` makes what serves the queue.
    pub fn new(
        arena: &Arc<Arena>,
        fc4: Fc4,
        core: impl FnOnce(Box<dyn Queue>) -> Box<dyn Served>,
        speech: Box<dyn Speech>,
    ) -> Self {
        let [one, two] = ring_links(RING, [nobody(), nobody()]);
        let frames = Frames::new(FRAMES);
        let (node, _) = Node::new(Config::initiator(HOST, frames.clone()), one, nobody());
        let (target, port) = Node::new(Config::new(TARGET, frames), two, nobody());
        let service = Service { fc4, discovery: false };
        let mut queues = port.attach(service, vec![nobody()]).expect("a lane");
        let pool = Pool::new(arena, &[Class { size: BLOCK, count: 256 }]).expect("memory");
        let (session, last, reply) = (None, None, None);
        let host = Host { node, pool, session, last, reply, measuring: false, open: 0, over: 0, context: 0 };
        let core = core(queues.remove(0));
        let mut bench = Self { host, target, _port: port, core, speech, now: 1, seed: 0x9e37_79b9_7f4a_7c15 };
        bench.pass(100);
        bench.host.node.login(PortKey::PHYSICAL, Peer::Name(TARGET.port), fc4);
        bench.pass(3_000);
        assert!(bench.host.session.is_some(), "logged in");
        bench
    }

    fn turn(&mut self) {
        self.now += 1_000;
        self.host.poll(self.now, &*self.speech);
        self.target.poll(self.now);
        self.core.poll(self.now);
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + ms * MS;
        while self.now < end {
            self.now += 99_000;
            self.turn();
        }
    }

    /// One command, its response.
    pub fn command(&mut self, unit: &[u8], out: Option<&[u8]>) -> Vec<u8> {
        let data = match out {
            None => Direction::None,
            Some(bytes) => {
                let mut data = self.host.pool.take(bytes.len() as u32).expect("memory");
                data.bytes_mut().copy_from_slice(bytes);
                Direction::Out(data)
            }
        };
        let context = self.host.send(unit, data, self.now);
        for _ in 0..1_000 {
            self.turn();
            if let Some((of, response)) = self.host.last.take()
                && of == context
            {
                return response;
            }
        }
        panic!("a command does not end");
    }

    /// One link service request, its answer.
    pub fn link_service(&mut self, request: &[u8]) -> Vec<u8> {
        let session = self.host.session.expect("logged in");
        self.host.node.ls(session, request, 5_000 * MS, 0, self.now).expect("sent");
        for _ in 0..1_000 {
            self.turn();
            if let Some(reply) = self.host.reply.take() {
                return reply;
            }
        }
        panic!("a link service request is not answered");
    }

    /// Writes each block once, so that the device's memory is there.
    pub fn fill(&mut self) {
        self.host.measuring = true;
        for block in 0..BLOCKS {
            self.host.start(&mut *self.speech, true, block, self.now);
            while self.host.open > 0 {
                self.turn();
            }
        }
        self.host.measuring = false;
    }

    /// Keeps `depth` commands open for that long.
    pub fn run(&mut self, write: bool, depth: usize, length: Duration) -> Spent {
        self.host.measuring = true;
        let clock = clock();
        // The first part warms up.
        self.keep(write, depth, length / 5);
        let (sums, over) = self.keep(write, depth, length);
        while self.host.open > 0 {
            self.turn();
        }
        // The target hears that its last responses left.
        (0..4).for_each(|_| self.turn());
        self.host.measuring = false;
        let each = |sum: Duration| (sum.as_nanos() as f64 - clock * f64::from(sums.turns)) / over as f64;
        Spent { host: each(sums.host), node: each(sums.node), core: each(sums.core) }
    }

    /// The same with the initiator on a thread of its own, both in real time and neither ever asleep: I/Os a second.
    pub fn run_pair(&mut self, write: bool, depth: usize, length: Duration) -> f64 {
        self.host.measuring = true;
        let (begin, start, stop) = (Instant::now(), self.now, AtomicBool::new(false));
        let clock = || start + begin.elapsed().as_nanos() as Tick;
        let Self { host, target, core, speech, seed, .. } = self;
        let mut keep = |length: Duration, depth: usize| {
            let (begin, before) = (Instant::now(), host.over);
            while begin.elapsed() < length && (depth > 0 || host.open > 0) {
                let now = clock();
                while host.open < depth {
                    host.start(&mut **speech, write, next(seed) % BLOCKS, now);
                }
                host.poll(now, &**speech);
            }
            (host.over - before) as f64 / begin.elapsed().as_secs_f64()
        };
        let rate = std::thread::scope(|scope| {
            let initiator = scope.spawn(|| {
                let _end = Stop(&stop);
                keep(length / 5, depth);
                let rate = keep(length, depth);
                keep(Duration::from_secs(10), 0);
                rate
            });
            while !stop.load(Ordering::Relaxed) {
                let now = clock();
                target.poll(now);
                core.poll(now);
            }
            initiator.join().expect("the initiator's checks")
        });
        self.now = clock();
        (0..4).for_each(|_| self.turn());
        self.host.measuring = false;
        rate
    }

    fn keep(&mut self, write: bool, depth: usize, length: Duration) -> (Sums, u64) {
        let (mut sums, before) = (Sums::default(), self.host.over);
        let begin = Instant::now();
        let mut last = begin;
        while last - begin < length {
            self.now += 1_000;
            while self.host.open < depth {
                self.host.start(&mut *self.speech, write, next(&mut self.seed) % BLOCKS, self.now);
            }
            self.host.poll(self.now, &*self.speech);
            let host = Instant::now();
            self.target.poll(self.now);
            let node = Instant::now();
            self.core.poll(self.now);
            let core = Instant::now();
            sums.host += host - last;
            sums.node += node - host;
            sums.core += core - node;
            sums.turns += 1;
            last = core;
        }
        (sums, self.host.over - before)
    }
}

/// Says that a thread ended, however it did.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A xorshift: any number.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Nanoseconds that reading the clock takes, when nobody interrupts it.
fn clock() -> f64 {
    let once = |_| {
        let begin = Instant::now();
        for _ in 0..1_000 {
            std::hint::black_box(Instant::now());
        }
        begin.elapsed().as_nanos() as f64 / 1_001.0
    };
    (0..10).map(once).fold(f64::INFINITY, f64::min)
}

impl Host {
    #[inline]
    fn start(&mut self, speech: &mut dyn Speech, write: bool, block: u64, now: Tick) {
        let (unit, len) = speech.unit(write, block, self.context + 1);
        let data: Data = self.pool.take(BLOCK).expect("memory for all that are open");
        let data = if write { Direction::Out(data) } else { Direction::In(data) };
        self.send(&unit[..len], data, now);
        self.open += 1;
    }

    #[inline]
    fn send(&mut self, unit: &[u8], data: Direction, now: Tick) -> u64 {
        self.context += 1;
        let session = self.session.expect("logged in");
        let sent = self.node.command(session, unit, data, 60_000 * MS, self.context, now);
        assert!(sent.is_ok(), "an exchange is free");
        self.context
    }

    fn poll(&mut self, now: Tick, speech: &dyn Speech) {
        self.node.poll(now);
        while let Some(event) = self.node.next_event() {
            match event {
                NodeEvent::Ended { context, data, result, received, sent, .. } => {
                    self.pool.give(data);
                    self.ended(context, result.expect("a response"), received + sent, speech);
                }
                NodeEvent::SessionUp { info, .. } => self.session = Some(info.id),
                NodeEvent::LoginFailed { reason, .. } => panic!("{reason}"),
                NodeEvent::SessionDown { .. } => panic!("the session ended"),
                NodeEvent::LsReply { result, .. } => {
                    let payload = result.expect("an answer");
                    self.reply = Some(payload.bytes().to_vec());
                    self.node.recycle(payload);
                }
                _ => {}
            }
        }
    }

    #[inline]
    fn ended(&mut self, context: u64, response: Payload, moved: u32, speech: &dyn Speech) {
        if self.measuring {
            assert!(moved == BLOCK && speech.is_good(response.bytes()), "{moved} bytes: {:?}", response.bytes());
            self.open -= 1;
            self.over += 1;
        } else {
            self.last = Some((context, response.bytes().to_vec()));
        }
        self.node.recycle(response);
    }
}
