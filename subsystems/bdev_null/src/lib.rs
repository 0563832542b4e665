//! `bdev_null`: devices that keep nothing, for measuring everything else.
//!
//! - Owns: the size of its devices, and one region of zeroes that all of them lend.
//! - In: operations; `bdev_null_create`, `bdev_null_delete`, `bdev_null_resize`.
//! - Out: endings, always as the result of the submit; reads of zeroes, lent up to 1 MiB.
//! - Limits: blocks of 512 bytes to 64 KiB; a device can be made larger, not smaller.
//! - Not done: metadata, protection information.
#![forbid(unsafe_code)]

mod device;
mod subsystem;

pub use device::{Null, Shape, ZEROES};
pub use subsystem::NullSubsystem;
