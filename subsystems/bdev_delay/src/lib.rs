//! `bdev_delay`: a device in front of another that makes reads and writes take longer, for tests.
//!
//! - Owns: the latencies of its devices, and on each core the endings that it holds back.
//! - In: operations; `bdev_delay_create`, `bdev_delay_delete`, `bdev_delay_update_latency`.
//! - Out: the same operations to the device below; their endings, later. One in a hundred takes the p99 latency, the others the
//!   average one; which, is decided by a seed. As with SPDK, the latency counts from the ending below, and only reads and writes
//!   are delayed.
//! - Limits: what ended below while the core was asleep is dated at the next turn. What is cancelled while it is held back ends as
//!   aborted although the device below has done it. Nothing is lent.
//! - Not done: a distribution other than two values.
#![forbid(unsafe_code)]

mod channel;
mod device;
mod subsystem;

pub use device::{Delay, Kind, Latencies};
pub use subsystem::DelaySubsystem;
