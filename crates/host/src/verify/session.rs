//! One connection's life of a verification: commands out, data checked as it comes back.

use super::model::Model;
use super::pattern;
use super::report::{Finding, Report};
use crate::{Completion, Error, Io, Queue, Random, Result, Slot, Volume};
use std::time::{Duration, Instant};
use wire::nvme::{Status, sct};

/// What a slot's command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Read { unit: u64 },
    Write { unit: u64 },
    Flush,
}

/// What to do with the connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    /// Write and read at random until then.
    Load { until: Instant, reads: u8, flush_every: u64 },
    /// Read all that was written, once.
    Sweep { name: &'static str },
}

pub(super) struct Session<'a> {
    pub volume: Volume,
    pub queues: Vec<Queue>,
    pub model: &'a mut Model,
    pub report: &'a mut Report,
    pub random: &'a mut Random,
    ops: Vec<Vec<Op>>,
    /// Units with a command outstanding: never two on one.
    busy: Vec<bool>,
    next: u64,
    until_flush: u64,
}

impl<'a> Session<'a> {
    pub fn new(
        volume: Volume,
        queues: Vec<Queue>,
        model: &'a mut Model,
        report: &'a mut Report,
        random: &'a mut Random,
    ) -> Session<'a> {
        let units = model.subject.blocks / u64::from(model.subject.io_blocks);
        let ops = queues.iter().map(|_| vec![Op::Flush; 4096]).collect();
        Session {
            volume,
            queues,
            model,
            report,
            random,
            ops,
            busy: vec![false; units as usize],
            next: 0,
            until_flush: 0,
        }
    }

    /// Runs a phase to its end, all commands done.
    pub fn run(&mut self, phase: Phase, progress: &mut dyn FnMut(&Report)) -> Result<()> {
        self.next = 0;
        let mut told = Instant::now();
        let mut ticked = Instant::now();
        loop {
            let mut moved = 0;
            for q in 0..self.queues.len() {
                moved += self.turn(q, phase)?;
            }
            if ticked.elapsed() > Duration::from_millis(100) {
                self.volume.tick()?;
                ticked = Instant::now();
            }
            if told.elapsed() > Duration::from_secs(1) {
                progress(self.report);
                told = Instant::now();
            }
            if self.over(phase) {
                return Ok(());
            }
            if moved == 0 {
                self.queues[0].wait(Duration::from_micros(200))?;
            }
        }
    }

    fn over(&self, phase: Phase) -> bool {
        let more = match phase {
            Phase::Load { until, .. } => Instant::now() < until,
            Phase::Sweep { .. } => self.next < self.busy.len() as u64,
        };
        !more && self.queues.iter().all(|q| q.outstanding() == 0)
    }

    fn turn(&mut self, q: usize, phase: Phase) -> Result<usize> {
        let mut moved = self.queues[q].poll()?;
        while let Some(done) = self.queues[q].next_done() {
            self.finish(q, done, phase)?;
            self.queues[q].give(done.slot);
        }
        while let Some(op) = self.choose(phase) {
            let Some(slot) = self.queues[q].take() else {
                self.put_back(op);
                break;
            };
            self.start(q, slot, op)?;
            moved += 1;
        }
        Ok(moved)
    }

    /// The next command; its unit is marked busy.
    fn choose(&mut self, phase: Phase) -> Option<Op> {
        match phase {
            Phase::Load { until, reads, flush_every } if Instant::now() < until => self.choose_load(reads, flush_every),
            Phase::Load { .. } => None,
            Phase::Sweep { .. } => self.choose_sweep(),
        }
    }

    fn choose_load(&mut self, reads: u8, flush_every: u64) -> Option<Op> {
        if flush_every > 0 && self.until_flush >= flush_every {
            self.until_flush = 0;
            return Some(Op::Flush);
        }
        for _ in 0..8 {
            let unit = self.random.below(self.busy.len() as u64);
            if self.busy[unit as usize] {
                continue;
            }
            self.busy[unit as usize] = true;
            if self.written(unit) && self.random.chance(reads) {
                return Some(Op::Read { unit });
            }
            self.until_flush += 1;
            return Some(Op::Write { unit });
        }
        None
    }

    fn choose_sweep(&mut self) -> Option<Op> {
        while self.next < self.busy.len() as u64 {
            let unit = self.next;
            self.next += 1;
            if self.written(unit) {
                return Some(Op::Read { unit });
            }
        }
        None
    }

    /// There was no free slot after all.
    fn put_back(&mut self, op: Op) {
        match op {
            Op::Read { unit } | Op::Write { unit } => {
                self.busy[unit as usize] = false;
                self.next = self.next.min(unit);
            }
            Op::Flush => self.until_flush = u64::MAX / 2,
        }
    }

    fn blocks(&self) -> u32 {
        self.model.subject.io_blocks
    }

    fn first(&self, unit: u64) -> u64 {
        unit * u64::from(self.blocks())
    }

    fn written(&self, unit: u64) -> bool {
        let first = self.first(unit);
        (first..first + u64::from(self.blocks())).any(|lba| self.model.written(lba))
    }

    fn start(&mut self, q: usize, slot: Slot, op: Op) -> Result<()> {
        let (nsid, blocks) = (self.model.subject.nsid, self.blocks());
        let bytes = blocks * self.model.subject.block;
        self.ops[q][slot.index()] = op;
        let io = match op {
            Op::Flush => Io::Flush,
            Op::Read { unit } => {
                // What is not overwritten by the target must not look right.
                self.queues[q].buffer_mut(slot)[..bytes as usize].fill(0xee);
                Io::Read { block: self.first(unit), blocks }
            }
            Op::Write { unit } => {
                let first = self.first(unit);
                self.model.begin(first, blocks).map_err(Error::Local)?;
                self.fill(q, slot, first);
                Io::Write { block: first, blocks }
            }
        };
        self.queues[q].start_io(slot, nsid, io, bytes);
        Ok(())
    }

    fn fill(&mut self, q: usize, slot: Slot, first: u64) {
        let block = self.model.subject.block as usize;
        let count = self.blocks() as usize;
        let buffer = &mut self.queues[q].buffer_mut(slot)[..block * count];
        for (lba, bytes) in (first..).zip(buffer.chunks_exact_mut(block)) {
            pattern::write(bytes, self.model.stamp(lba), self.model.allowed(lba).1);
        }
    }

    fn finish(&mut self, q: usize, done: Completion, phase: Phase) -> Result<()> {
        let op = self.ops[q][done.slot.index()];
        if let Op::Read { unit } | Op::Write { unit } = op {
            self.busy[unit as usize] = false;
        }
        let status = done.cqe.status();
        if !status.is_success() {
            self.failed(op, status, phase);
            return Ok(());
        }
        match op {
            Op::Flush => self.report.flushes += 1,
            Op::Write { unit } => {
                self.report.writes += 1;
                let (first, blocks) = (self.first(unit), self.blocks());
                self.model.acknowledge(first, blocks).map_err(Error::Local)?;
            }
            Op::Read { unit } => {
                self.report.reads += 1;
                self.check(q, done.slot, unit, phase);
            }
        }
        Ok(())
    }

    /// A command that the controller gave up because it goes down may be repeated; anything else is a finding.
    fn failed(&mut self, op: Op, status: Status, phase: Phase) {
        let going = status.sct() == sct::PATH
            || status.is(Status::ABORTED_SQ_DELETION)
            || status.is(Status::ABORTED_BY_REQUEST);
        if going || !status.dnr() {
            self.report.retryable_errors += 1;
            if let (Op::Read { unit }, Phase::Sweep { .. }) = (op, phase) {
                self.next = self.next.min(unit);
            }
        } else {
            let name = match op {
                Op::Read { .. } => "Read",
                Op::Write { .. } => "Write",
                Op::Flush => "Flush",
            };
            *self.report.errors.entry(format!("{name}: {status:?}")).or_default() += 1;
        }
    }

    fn check(&mut self, q: usize, slot: Slot, unit: u64, phase: Phase) {
        let during = match phase {
            Phase::Load { .. } => "read",
            Phase::Sweep { name } => name,
        };
        let block = self.model.subject.block as usize;
        let first = self.first(unit);
        let bytes = &self.queues[q].buffer(slot)[..block * self.model.subject.io_blocks as usize];
        for (lba, bytes) in (first..).zip(bytes.chunks_exact(block)) {
            let (low, high) = self.model.allowed(lba);
            self.report.blocks_checked += 1;
            match pattern::check(bytes, self.model.stamp(lba), low, high) {
                pattern::Verdict::Good { generation } => self.model.saw(lba, generation),
                verdict => self.report.find(Finding { lba, during, reconnects: self.report.reconnects, verdict }),
            }
        }
    }
}
