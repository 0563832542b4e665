//! A core's loop as a value: pollers, timers, an inbox, a clock, and how it idles.
//!
//! - Owns: the pollers of one core and the order in which they run; the core's inbox; its sleep.
//! - In: [`Poller`]s and closures, by [`Reactor::add`] on the core or through a [`Handle`] from any thread.
//! - Out: busy and idle time, turns, sleeps, runs of each poller, readable from any thread ([`Handle::stats`]).
//! - Limits: an inbox holds [`INBOX`] jobs; a full one refuses. A poller has at most one descriptor (it may be an epoll).
//! - Not done: moving pollers between cores, priorities, futures.
//!
//! A reactor is no thread: [`Cores`] runs one on each of some pinned threads, a test calls [`Reactor::turn`] on as many
//! as it likes with a [`Clock::manual`].
#![forbid(unsafe_code)]

mod clock;
mod cores;
mod handle;
mod idle;
mod limit;
mod poller;
mod reactor;
mod stats;
mod timers;

pub use clock::{Clock, Hand};
pub use cores::{Cores, StartError};
pub use handle::{CallError, Full, Handle, INBOX, Waker};
pub use idle::Idle;
pub use limit::RateLimit;
/// For [`log_limited!`].
pub use log;
pub use poller::{Poller, PollerId, Wake};
pub use reactor::{Options, Reactor};
pub use ring::Tick;
pub use stats::{PollerStats, Stats};
