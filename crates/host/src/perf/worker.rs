//! One thread of a load: its queues, each kept at its depth.

use super::Job;
use crate::{Error, Io, Namespace, Queue, Random, Result, Slot};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What the threads of a run share.
#[derive(Debug)]
pub(super) struct Shared {
    pub stop: AtomicBool,
    /// The warm-up is over.
    pub measure: AtomicBool,
    pub failed: AtomicBool,
    /// Commands done, by thread.
    pub counts: Vec<stats::Counter>,
}

/// What one thread measured.
#[derive(Debug)]
pub(super) struct Part {
    pub reads: stats::Snapshot,
    pub writes: stats::Snapshot,
    pub time: Duration,
}

/// Places of the commands: random, or one after the other.
struct Places {
    random: Random,
    reads: u8,
    units: u64,
    sequential: bool,
    next: u64,
}

impl Places {
    #[inline]
    fn next(&mut self) -> (u64, bool) {
        let read = match self.reads {
            100 => true,
            0 => false,
            percent => self.random.chance(percent),
        };
        if !self.sequential {
            return (self.random.below(self.units), read);
        }
        let unit = self.next;
        self.next = if unit + 1 == self.units { 0 } else { unit + 1 };
        (unit, read)
    }
}

pub(super) struct Worker {
    index: usize,
    queues: Vec<Queue>,
    /// Start time and direction of the command in each slot of each queue.
    started: Vec<Vec<(Instant, bool)>>,
    shared: Arc<Shared>,
    places: Places,
    depth: u16,
    io_bytes: u32,
    io_blocks: u32,
    nsid: u32,
    reads: stats::Histogram,
    writes: stats::Histogram,
    /// When measuring began.
    since: Option<Instant>,
}

impl Worker {
    pub fn new(index: usize, mut queues: Vec<Queue>, job: &Job, namespace: &Namespace, shared: Arc<Shared>) -> Worker {
        let units = namespace.bytes() / u64::from(job.io_bytes);
        let mut random = Random::new(job.seed.wrapping_add(index as u64));
        fill(&mut queues, &mut random);
        let started = queues.iter().map(|_| vec![(Instant::now(), true); usize::from(job.depth)]).collect();
        let share = units / u64::from(super::threads(job)) * index as u64;
        let places = Places {
            random,
            reads: job.workload.reads(job.mix),
            units,
            sequential: !job.workload.random(),
            next: share,
        };
        let io_blocks = job.io_bytes / namespace.block;
        let (depth, io_bytes, nsid) = (job.depth, job.io_bytes, job.nsid);
        let (reads, writes) = (stats::Histogram::new(), stats::Histogram::new());
        Worker { index, queues, started, shared, places, depth, io_bytes, io_blocks, nsid, reads, writes, since: None }
    }

    pub fn run(&mut self) -> Result<Part> {
        let result = self.work();
        if result.is_err() {
            self.shared.failed.store(true, Relaxed);
        }
        result
    }

    fn work(&mut self) -> Result<Part> {
        for q in 0..self.queues.len() {
            for _ in 0..self.depth {
                let slot = self.queues[q].take().expect("the queue has that many slots");
                self.start(q, slot, Instant::now());
            }
        }
        while !self.shared.stop.load(Relaxed) {
            self.turn()?;
        }
        let time = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        let (reads, writes) = (self.reads.snapshot(), self.writes.snapshot());
        self.drain()?;
        Ok(Part { reads, writes, time })
    }

    fn turn(&mut self) -> Result<()> {
        if self.since.is_none() && self.shared.measure.load(Relaxed) {
            self.since = Some(Instant::now());
        }
        for q in 0..self.queues.len() {
            if self.queues[q].poll()? == 0 {
                continue;
            }
            let now = Instant::now();
            while let Some(done) = self.queues[q].next_done() {
                self.finish(q, done, now)?;
                self.start(q, done.slot, now);
            }
        }
        Ok(())
    }

    #[inline]
    fn start(&mut self, q: usize, slot: Slot, now: Instant) {
        let (unit, read) = self.places.next();
        let (block, blocks) = (unit * u64::from(self.io_blocks), self.io_blocks);
        let io = if read { Io::Read { block, blocks } } else { Io::Write { block, blocks } };
        self.started[q][slot.index()] = (now, read);
        self.queues[q].start_io(slot, self.nsid, io, self.io_bytes);
    }

    #[inline]
    fn finish(&mut self, q: usize, done: crate::Completion, now: Instant) -> Result<()> {
        let (started, read) = self.started[q][done.slot.index()];
        let status = done.cqe.status();
        if !status.is_success() {
            return Err(Error::Status { command: if read { "Read" } else { "Write" }.to_owned(), status });
        }
        if self.since.is_some_and(|since| started >= since) {
            let histogram = if read { &self.reads } else { &self.writes };
            histogram.record((now - started).as_nanos() as u64);
        }
        self.shared.counts[self.index].add(1);
        Ok(())
    }

    /// Lets outstanding commands end, so that the target sees an orderly leave.
    fn drain(&mut self) -> Result<()> {
        let begin = Instant::now();
        for queue in &mut self.queues {
            while queue.outstanding() > 0 && begin.elapsed() < Duration::from_secs(10) {
                queue.poll()?;
                while queue.next_done().is_some() {}
            }
        }
        Ok(())
    }
}

/// Data that compresses badly, once for all.
fn fill(queues: &mut [Queue], random: &mut Random) {
    for queue in queues {
        let slots: Vec<Slot> = std::iter::from_fn(|| queue.take()).collect();
        for slot in slots.iter().rev() {
            for word in queue.buffer_mut(*slot).chunks_exact_mut(8) {
                word.copy_from_slice(&random.next_u64().to_le_bytes());
            }
            queue.give(*slot);
        }
    }
}
