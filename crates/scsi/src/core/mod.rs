//! One core's part of the device server.

mod machine;
mod scsi;

pub use machine::{Config, Core};
pub use scsi::Scsi;
