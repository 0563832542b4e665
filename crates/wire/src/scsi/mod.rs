//! SCSI: command descriptor blocks, sense data, and what the data of commands looks like.
//!
//! Sources: SCSI Architecture Model 5 (SAM-5), SCSI Primary Commands 4 (SPC-4; SPC-5 where it adds fields), SCSI Block
//! Commands 3 (SBC-3; SBC-4 where it adds fields). All numbers are big-endian: the integers of this module are
//! those of [`crate::be`]. Each part names its section.

mod sense;

pub use crate::be::{U16, U32, U64};
pub use sense::{Asc, Key, SENSE_FIXED_BYTES, Status};
