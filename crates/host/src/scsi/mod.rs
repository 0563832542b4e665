//! A SCSI initiator over FCP: enough to find disks, to look at them, and to load and verify them.

mod cdb;
mod disk;
mod queue;

pub use cdb::Cdb;
pub use disk::{Disk, Inquiry, Target};
pub use queue::{Answer, ScsiQueue, Transfer};
