//! What runs on a reactor.

use ring::Tick;
use std::os::fd::BorrowedFd;

/// Something that a core looks at once a turn.
pub trait Poller {
    /// What it is, for `thread_get_pollers`.
    fn name(&self) -> &str;

    /// Does what there is to do, a bounded amount, without blocking; returns how many things were done, 0 for nothing.
    fn poll(&mut self, now: Tick) -> usize;

    /// When it must be polled again if nothing else happens. Asked before the core sleeps, after it has made itself
    /// wakeable: whoever puts work into a queue and then calls [`crate::Waker::wake`] is either seen here or wakes the core.
    /// So this must look at such queues.
    fn wake(&mut self) -> Wake;

    /// A descriptor that is readable as long as it should be polled (level-triggered). The same for the poller's life.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// When a poller must run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// At once: there is work, or it cannot tell.
    Ready,
    /// At that time at the latest, or when its descriptor is readable or someone wakes the core.
    At(Tick),
    /// When its descriptor is readable or someone wakes the core.
    Event,
}

impl Wake {
    /// The earlier of two.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Ready, _) | (_, Self::Ready) => Self::Ready,
            (Self::At(a), Self::At(b)) => Self::At(a.min(b)),
            (Self::At(a), Self::Event) | (Self::Event, Self::At(a)) => Self::At(a),
            (Self::Event, Self::Event) => Self::Event,
        }
    }
}

/// Names a poller on its reactor. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PollerId(pub(crate) u64);
