//! What a core counts of itself. The core alone writes; anyone reads.

use crate::PollerId;
use ::stats::Counter;
use std::sync::{Arc, Mutex, PoisonError};

/// Counters of one core.
#[derive(Default)]
pub struct Stats {
    /// Nanoseconds of turns in which something was done.
    pub busy: Counter,
    /// Nanoseconds of turns in which nothing was done, sleep included.
    pub idle: Counter,
    /// Turns.
    pub turns: Counter,
    /// Turns that ended in a sleep.
    pub sleeps: Counter,
    /// Jobs taken from the inbox.
    pub jobs: Counter,
    pub(crate) pollers: Mutex<Vec<(PollerId, Arc<PollerStats>)>>,
}

/// Counters of one poller.
#[derive(Default)]
pub struct PollerStats {
    /// Its name.
    pub name: String,
    /// How often it was polled.
    pub runs: Counter,
    /// How often it did something.
    pub busy: Counter,
}

impl Stats {
    /// The pollers that are there now, in the order in which they run.
    pub fn pollers(&self) -> Vec<(u64, Arc<PollerStats>)> {
        let pollers = self.pollers.lock().unwrap_or_else(PoisonError::into_inner);
        pollers.iter().map(|(id, stats)| (id.0, stats.clone())).collect()
    }
}
