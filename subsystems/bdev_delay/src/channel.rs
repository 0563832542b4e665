//! One core's queue into a delaying device.

use crate::{Kind, Latencies};
use bdev::{Channel, Done, Gone, Op, Random, Status};
use dma::Data;
use ring::{Tag, Tick};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// An ending that is held back until `due`.
struct Held {
    due: Tick,
    /// Keeps those of one due time in order.
    order: u64,
    done: Done,
}

impl Held {
    fn key(&self) -> Reverse<(Tick, u64)> {
        Reverse((self.due, self.order))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Held {}

/// How an operation that is below will be treated when it ends there.
#[derive(Clone, Copy, Default)]
struct Plan {
    tag: Option<Tag>,
    kind: Option<Kind>,
    hurried: bool,
}

pub struct Queue {
    base: Box<dyn Channel>,
    latencies: Arc<Latencies>,
    gone: Gone,
    random: Random,
    /// By the index of the tag.
    plans: Vec<Plan>,
    /// Ended below as part of a submit: it is dated at the next turn, which alone knows the time.
    fresh: Vec<Done>,
    held: BinaryHeap<Held>,
    order: u64,
    now: Tick,
}

impl Queue {
    pub fn new(base: Box<dyn Channel>, latencies: Arc<Latencies>, gone: Gone, depth: u32, seed: u64) -> Self {
        let room = depth as usize;
        Self {
            base,
            latencies,
            gone,
            random: Random::new(seed),
            plans: vec![Plan::default(); room],
            fresh: Vec::with_capacity(room),
            held: BinaryHeap::with_capacity(room),
            order: 0,
            now: 0,
        }
    }

    fn plan(&mut self, tag: Tag, op: Op) {
        let rare = self.random.one_in(100);
        let kind = match op {
            Op::Read { .. } => Some(if rare { Kind::P99Read } else { Kind::AvgRead }),
            Op::Write { .. } => Some(if rare { Kind::P99Write } else { Kind::AvgWrite }),
            Op::Flush | Op::WriteZeroes { .. } | Op::Unmap { .. } | Op::Provisioning { .. } => None,
        };
        if tag.index() >= self.plans.len() {
            // The table of tags grew, because a queue was opened.
            self.plans.resize(tag.index() + 1, Plan::default());
        }
        self.plans[tag.index()] = Plan { tag: Some(tag), kind, hurried: false };
    }

    fn hold(&mut self, done: Done) {
        let Plan { kind, hurried, .. } = self.plans[done.tag.index()];
        let us = kind.map_or(0, |kind| self.latencies.get(kind));
        let wait = if hurried { 0 } else { us.saturating_mul(1000) };
        self.push(self.now.saturating_add(wait), done);
    }

    fn push(&mut self, due: Tick, done: Done) {
        self.order += 1;
        self.held.push(Held { due, order: self.order, done });
    }

    /// Makes what is held back and `which` says due at once, as aborted.
    fn release(&mut self, which: impl Fn(&Done) -> bool) {
        self.fresh.iter_mut().filter(|done| which(done)).for_each(abort);
        // The same memory before and after: nothing is allocated.
        let mut list = std::mem::take(&mut self.held).into_vec();
        list.iter_mut().filter(|held| which(&held.done)).for_each(|held| {
            abort(&mut held.done);
            held.due = 0;
        });
        self.held = BinaryHeap::from(list);
    }
}

fn abort(done: &mut Done) {
    if done.status == Status::Ok {
        done.status = Status::Aborted;
    }
}

impl Channel for Queue {
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        if self.gone.is_set() {
            return Some(Done { tag, status: Status::Removed, data });
        }
        self.plan(tag, op);
        let done = self.base.submit(tag, op, data)?;
        if self.plans[tag.index()].kind.is_none() {
            return Some(done);
        }
        self.fresh.push(done);
        None
    }

    fn cancel(&mut self, tag: Tag) {
        if let Some(plan) = self.plans.get_mut(tag.index()).filter(|plan| plan.tag == Some(tag)) {
            plan.hurried = true;
        }
        self.base.cancel(tag);
        self.release(|done| done.tag == tag);
    }

    fn reset(&mut self) {
        self.plans.iter_mut().for_each(|plan| plan.hurried = true);
        self.base.reset();
        self.release(|_| true);
    }

    fn turn(&mut self, now: Tick) {
        self.now = now;
        self.base.turn(now);
        while let Some(done) = self.base.next() {
            self.hold(done);
        }
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.drain(..).for_each(|done| self.hold(done));
        self.fresh = fresh;
    }

    fn next(&mut self) -> Option<Done> {
        let due = self.held.peek().is_some_and(|held| held.due <= self.now);
        if due { self.held.pop().map(|held| held.done) } else { None }
    }

    fn bell(&mut self) {
        self.base.bell();
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.base.fd()
    }

    fn deadline(&self) -> Option<Tick> {
        let undated = (!self.fresh.is_empty()).then_some(0);
        let held = self.held.peek().map(|held| held.due);
        undated.into_iter().chain(held).chain(self.base.deadline()).min()
    }
}
