//! Block devices as the data path sees them, and the one list of those that exist.
//!
//! - Owns: [`Registry`], the names of all devices of the process, and who uses which.
//! - In: devices made by the `bdev_*` subsystems; operations from the exchange machine, one [`Channel`] a core.
//! - Out: exactly one [`Done`] for each submitted operation, with the memory that was lent to it.
//! - Limits: a channel is opened for a depth and allocates nothing up to it. Beyond, it may allocate; it never refuses.
//! - Not done: partial completion, metadata, zones, multipath.
//!
//! The contract that every module keeps is in [`Channel`], and [`contract`] tests it.
#![forbid(unsafe_code)]

mod channel;
pub mod contract;
pub mod identity;
mod info;
mod made;
mod meter;
mod random;
mod registry;
mod wanted;

pub use channel::{Channel, Done, Op, Provisioned, RANGE_BYTES, Range, Status};
pub use info::{Features, Info, is_block_size};
pub use made::{Gone, Made};
pub use meter::Meter;
pub use random::Random;
pub use registry::{Bdev, Error, Event, Registry, Watcher};
pub use wanted::Wanted;
