//! `bdev_uring` and `bdev_aio`: block devices on a file or a block device of the system, through io_uring.
//!
//! - Owns: the open file of each device; one ring for each channel.
//! - In: operations; `bdev_uring_{create,rescan,delete}` and, for configurations made for it, `bdev_aio_{create,rescan,delete}`, which
//!   make the same device under SPDK's other name.
//! - Out: endings, when the kernel has completed an operation, as often as it takes (short reads and writes are continued).
//! - Durability: a flush is `fdatasync`, submitted when the flush is, so it covers every write that was done before, of any channel.
//!   Force unit access is `RWF_DSYNC`; after a clearing it is an `fdatasync` of its own.
//! - Unmap is `FALLOC_FL_PUNCH_HOLE`, write zeroes `FALLOC_FL_ZERO_RANGE`, both by the ring, whose own threads do what blocks:
//!   never the core. A block device takes the same calls (it discards if it guarantees zeroes), so what is given back always reads as
//!   zeroes. Where they do not exist, zeroes are written and unmap is not offered.
//! - Identity: the UUID that was given, else one made from this machine's id and the file's canonical path (see `identity.rs`).
//! - Limits: direct I/O where the alignment that it needs is known and fits the block size, else through the page cache, with a line in
//!   the log. 1,024 operations per channel are below at once; more wait.
//! - Not done: making files, BLKDISCARD on devices that do not guarantee zeroes afterwards, noticing hot removal before an operation
//!   fails.
#![forbid(unsafe_code)]

mod channel;
mod disk;
mod errno;
mod identity;
mod job;
#[cfg(test)]
mod medium;
mod open;
mod queue;
mod subsystem;

pub use disk::Disk;
pub use open::{OpenError, Product, Setup, ZEROES};
pub use subsystem::UringSubsystem;
