//! Far side, home and core, turn by turn, each timed.

use dma::Arena;
use fc::{Fc4, Names, Queue, Wake};
use ring::Tick;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::fc::Wwn;

use crate::disk::{BLOCK, BLOCKS};
use crate::model::Model;
use crate::null::Null;

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

/// All but the core.
pub trait Side {
    /// Has a command sent that moves a block, in the next turn.
    fn start(&mut self, unit: &[u8], write: bool, now: Tick);
    /// Gives the far side its time.
    fn poll_far(&mut self, speech: &dyn Speech, now: Tick);
    /// Gives the home core's part of the driver its time.
    fn poll_home(&mut self, now: Tick);
    /// Commands that were started and are not over, and all that are over.
    fn counts(&self) -> (usize, u64);
    /// Doorbells and all register accesses so far, if they are counted.
    fn registers(&self) -> Option<(u64, u64)>;
    /// Begins a command or a link service request of the set-up.
    fn ask(&mut self, what: Ask<'_>, now: Tick);
    /// Its answer.
    fn answer(&mut self) -> Option<Vec<u8>>;
}

/// What the set-up asks.
pub enum Ask<'a> {
    Command(&'a [u8], Option<&'a [u8]>),
    Service(&'a [u8]),
}

/// What the far side is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Null,
    Model,
}

thread_local! {
    static WAY: Cell<Way> = const { Cell::new(Way::Null) };
}

/// The way of the benches that are made from now on.
pub fn set_way(way: Way) {
    WAY.set(way);
}

/// Nanoseconds for each I/O, of each part; and what else was seen.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    pub far: f64,
    pub home: f64,
    pub core: f64,
    pub batch: f64,
    pub doorbells: Option<f64>,
    pub accesses: Option<f64>,
}

impl Spent {
    /// The driver and what it serves.
    pub fn near(&self) -> f64 {
        self.home + self.core
    }
}

pub struct Bench {
    side: Box<dyn Side>,
    core: Box<dyn Served>,
    speech: Box<dyn Speech>,
    now: Tick,
    seed: u64,
    context: u64,
}

#[derive(Default)]
struct Sums {
    far: Duration,
    home: Duration,
    core: Duration,
    turns: u32,
}

impl Bench {
    /// Both sides, logged in; `core` makes what serves the queue.
    pub fn new(
        arena: &Arc<Arena>,
        fc4: Fc4,
        core: impl FnOnce(Box<dyn Queue>) -> Box<dyn Served>,
        speech: Box<dyn Speech>,
    ) -> Self {
        let (seed, context) = (0x9e37_79b9_7f4a_7c15, 0);
        if WAY.get() == Way::Null {
            let (side, queue) = Null::new(arena, fc4);
            let mut bench = Self { side: Box::new(side), core: core(queue), speech, now: MS, seed, context };
            (0..8).for_each(|_| bench.turn());
            return bench;
        }
        let (side, queue) = Model::new(arena, fc4);
        let core = core(queue);
        let (side, core, now) = side.log_in(core);
        let mut bench = Self { side: Box::new(side), core, speech, now, seed, context };
        (0..8).for_each(|_| bench.turn());
        bench
    }

    fn turn(&mut self) {
        self.now += 1_000;
        self.side.poll_far(&*self.speech, self.now);
        self.side.poll_home(self.now);
        self.core.poll(self.now);
    }

    fn ask(&mut self, what: Ask<'_>) -> Vec<u8> {
        self.side.ask(what, self.now);
        for _ in 0..10_000 {
            self.turn();
            if let Some(answer) = self.side.answer() {
                return answer;
            }
        }
        panic!("a request is not answered");
    }

    /// One command, its response.
    pub fn command(&mut self, unit: &[u8], out: Option<&[u8]>) -> Vec<u8> {
        self.ask(Ask::Command(unit, out))
    }

    /// One link service request, its answer.
    pub fn link_service(&mut self, request: &[u8]) -> Vec<u8> {
        self.ask(Ask::Service(request))
    }

    /// Keeps `depth` commands open for that long.
    pub fn run(&mut self, write: bool, depth: usize, length: Duration) -> Spent {
        let clock = clock();
        // The first part warms up.
        self.keep(write, depth, length / 5);
        let before = self.side.registers();
        let (sums, over) = self.keep(write, depth, length);
        let after = self.side.registers();
        for _ in 0..100_000 {
            if self.side.counts().0 == 0 {
                break;
            }
            self.turn();
        }
        (0..4).for_each(|_| self.turn());
        assert_eq!(self.side.counts().0, 0, "commands that do not end");
        // A round in which the machine did something else.
        let over = over.max(1) as f64;
        let each = |sum: Duration| (sum.as_nanos() as f64 - clock * f64::from(sums.turns)) / over;
        let counted = after.zip(before);
        Spent {
            far: each(sums.far),
            home: each(sums.home),
            core: each(sums.core),
            batch: over / f64::from(sums.turns),
            doorbells: counted.map(|(after, before)| (after.0 - before.0) as f64 / over),
            accesses: counted.map(|(after, before)| (after.1 - before.1) as f64 / over),
        }
    }

    fn keep(&mut self, write: bool, depth: usize, length: Duration) -> (Sums, u64) {
        let (mut sums, before) = (Sums::default(), self.side.counts().1);
        let begin = Instant::now();
        let mut last = begin;
        while last - begin < length {
            self.now += 1_000;
            for _ in self.side.counts().0..depth {
                self.context += 1;
                let block = next(&mut self.seed) % BLOCKS;
                let (unit, len) = self.speech.unit(write, block, self.context);
                self.side.start(&unit[..len], write, self.now);
            }
            self.side.poll_far(&*self.speech, self.now);
            let far = Instant::now();
            self.side.poll_home(self.now);
            let home = Instant::now();
            self.core.poll(self.now);
            let core = Instant::now();
            sums.far += far - last;
            sums.home += home - far;
            sums.core += core - home;
            sums.turns += 1;
            last = core;
        }
        (sums, self.side.counts().1 - before)
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

const _: () = assert!(BLOCK == 4096);
