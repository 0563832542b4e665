//! Closures to run at a time, for control work.

use crate::Reactor;
use ring::Tick;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

pub(crate) type Job = Box<dyn FnOnce(&mut Reactor)>;

struct Timer {
    at: Tick,
    turn: u64,
    job: Job,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.turn).cmp(&(other.at, other.turn))
    }
}

/// The timers of one core, earliest first; those of one time in the order in which they were set.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    turn: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Tick, job: Job) {
        self.turn += 1;
        self.heap.push(Reverse(Timer { at, turn: self.turn, job }));
    }

    pub(crate) fn due(&mut self, now: Tick) -> Option<Job> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(timer)| timer.job)
    }

    pub(crate) fn next(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse(timer)| timer.at)
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}
