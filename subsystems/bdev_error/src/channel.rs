//! One core's queue into a device that goes wrong on demand.

use crate::{Injection, Kind, Rules};
use bdev::{Channel, Done, Gone, Op, Status};
use dma::Data;
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// How often a sleeping core looks whether what is pending was resumed.
const LOOK_NS: Tick = 1_000_000;

/// A byte of the data of an operation that is below, and what it is changed by: of a read when it comes back, of a write back to what
/// it was.
#[derive(Clone, Copy)]
struct Change {
    tag: Tag,
    offset: u64,
    value: u8,
}

pub struct Queue {
    base: Box<dyn Channel>,
    rules: Arc<Rules>,
    gone: Gone,
    below: u64,
    changes: Vec<Change>,
    pending: VecDeque<(Tag, Op, Data)>,
    ended: VecDeque<Done>,
    resumes: u64,
    now: Tick,
}

impl Queue {
    pub fn new(base: Box<dyn Channel>, rules: Arc<Rules>, gone: Gone, depth: u32) -> Self {
        let room = depth as usize;
        let resumes = rules.resumes();
        Self {
            base,
            rules,
            gone,
            below: 0,
            changes: Vec::with_capacity(room),
            pending: VecDeque::with_capacity(room),
            ended: VecDeque::with_capacity(room),
            resumes,
            now: 0,
        }
    }

    /// Gives an operation to the device below.
    fn pass(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        self.below += 1;
        let done = self.base.submit(tag, op, data)?;
        Some(self.home(done))
    }

    /// An operation is back from below.
    fn home(&mut self, mut done: Done) -> Done {
        self.below -= 1;
        if let Some(place) = self.changes.iter().position(|change| change.tag == done.tag) {
            apply(self.changes.swap_remove(place), &mut done.data);
        }
        done
    }

    fn corrupt(&mut self, tag: Tag, op: Op, mut data: Data, injection: Injection) -> Option<Done> {
        let change = Change { tag, offset: injection.corrupt_offset, value: injection.corrupt_value };
        if let Op::Write { .. } = op {
            apply(change, &mut data);
        }
        if matches!(op, Op::Read { .. } | Op::Write { .. }) {
            self.changes.push(change);
        }
        self.pass(tag, op, data)
    }

    /// Sends on what is pending, if that was asked for.
    fn resume(&mut self) {
        let resumes = self.rules.resumes();
        let wanted = std::mem::replace(&mut self.resumes, resumes) != resumes;
        while let Some((tag, op, data)) = if wanted || self.gone.is_set() { self.pending.pop_front() } else { None } {
            let done = if self.gone.is_set() {
                Some(Done { tag, status: Status::Removed, data })
            } else {
                self.pass(tag, op, data)
            };
            self.ended.extend(done);
        }
    }

    fn abort(&mut self, place: usize) {
        if let Some((tag, _, data)) = self.pending.remove(place) {
            self.ended.push_back(Done { tag, status: Status::Aborted, data });
        }
    }
}

fn apply(change: Change, data: &mut Data) {
    let offset = usize::try_from(change.offset).unwrap_or(usize::MAX);
    if let Some(byte) = data.bytes_mut().get_mut(offset) {
        *byte ^= change.value;
    }
}

fn failure(op: Op) -> Status {
    match op {
        Op::Read { .. } | Op::Provisioning { .. } => Status::ReadError,
        Op::Write { .. } | Op::Flush | Op::WriteZeroes { .. } | Op::Unmap { .. } => Status::WriteError,
    }
}

impl Channel for Queue {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        if self.gone.is_set() {
            return Some(Done { tag, status: Status::Removed, data });
        }
        let Some(injection) = self.rules.of(op).and_then(|rule| rule.strike(self.below)) else {
            return self.pass(tag, op, data);
        };
        let status = match injection.kind {
            Kind::Failure => failure(op),
            Kind::Nomem => Status::Busy,
            Kind::NvmeFailure => Status::Nvme { sct: injection.sct, sc: injection.sc },
            Kind::CorruptData => return self.corrupt(tag, op, data, injection),
            Kind::Pending => {
                self.pending.push_back((tag, op, data));
                return None;
            }
        };
        Some(Done { tag, status, data })
    }

    fn lend(&mut self, op: Op) -> Option<Data> {
        if self.gone.is_set() || self.rules.read.is_on() {
            return None;
        }
        self.base.lend(op)
    }

    fn cancel(&mut self, tag: Tag) {
        match self.pending.iter().position(|(pending, ..)| *pending == tag) {
            Some(place) => self.abort(place),
            None => self.base.cancel(tag),
        }
    }

    fn reset(&mut self) {
        while !self.pending.is_empty() {
            self.abort(0);
        }
        self.base.reset();
    }

    fn turn(&mut self, now: Tick) {
        self.now = now;
        self.base.turn(now);
        self.resume();
    }

    fn next(&mut self) -> Option<Done> {
        if let Some(done) = self.ended.pop_front() {
            return Some(done);
        }
        let done = self.base.next()?;
        Some(self.home(done))
    }

    fn bell(&mut self) {
        self.base.bell();
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.base.fd()
    }

    fn deadline(&self) -> Option<Tick> {
        let ended = (!self.ended.is_empty()).then_some(0);
        let pending = (!self.pending.is_empty()).then_some(self.now + LOOK_NS);
        ended.into_iter().chain(pending).chain(self.base.deadline()).min()
    }
}
