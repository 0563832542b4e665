//! A SCSI initiator over FCP or iSCSI: enough to find disks, to look at them, and to load and verify them.

mod cdb;
mod disk;
mod path;
mod queue;

/// How often a command is tried past unit attentions.
const TRIES: usize = 8;

pub use cdb::Cdb;
pub use disk::{Disk, Inquiry, Target};
pub(crate) use queue::completion;
pub use queue::{Answer, ScsiQueue, Transfer};
