//! `bdev_malloc`: block devices in RAM.
//!
//! - Owns: the memory of its devices, a [`dma::Region`] each, shared by the channels of all cores.
//! - In: operations; `bdev_malloc_create`, `bdev_malloc_delete`.
//! - Out: endings, almost always as the result of the submit; loans of the memory itself for reads.
//! - Limits: blocks of 512 bytes to 64 KiB; as large as the arena can be. Overlapping I/O gives mixed blocks only for blocks above
//!   4 KiB, which therefore are not lent. Clearing more than a MiB is done in parts, turn by turn.
//! - Not done: metadata, protection information, placing memory on a NUMA node, giving pages back on unmap.
#![forbid(unsafe_code)]

mod channel;
mod device;
mod subsystem;
mod wipe;

pub use device::{Malloc, Shape};
pub use subsystem::MallocSubsystem;
