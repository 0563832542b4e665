//! `bdev_error`: a device in front of another that goes wrong on demand, for tests.
//!
//! - Owns: one [`Rule`] for each of read, write, unmap and flush; on each core the operations that are held as pending.
//! - In: operations; `bdev_error_create`, `_delete`, `_inject_error`, `_resume_pending`.
//! - Out: the operations to the device below, unless a rule says otherwise for the next `num` of its kind while at least
//!   `queue_depth` operations of the same channel are below.
//! - Limits: what is pending waits until it is resumed, or ends as aborted when it is cancelled or reset; a sleeping core notices a
//!   resume after a millisecond. A corrupted write has one byte changed on its way and changed back in the caller's memory.
//! - Not done: rules for write zeroes (SPDK has none either); saving rules, which are for the moment.
#![forbid(unsafe_code)]

mod channel;
mod device;
mod rules;
mod subsystem;

pub use device::ErrorDevice;
pub use rules::{Injection, Kind, Rule, Rules};
pub use subsystem::ErrorSubsystem;
