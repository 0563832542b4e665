//! SCSI: command descriptor blocks, sense data, and what the data of commands looks like.
//!
//! Sources: SCSI Architecture Model 5 (SAM-5), SCSI Primary Commands 4 (SPC-4; SPC-5 where it adds fields), SCSI Block
//! Commands 3 (SBC-3; SBC-4 where it adds fields). All numbers are big-endian: the integers of this module are
//! those of [`crate::be`]. Each part names its section.

mod cdb;
mod command;
pub mod copy;
pub mod inquiry;
mod lun;
pub mod mode;
pub mod report;
pub mod reservation;
mod sense;
mod table;
#[cfg(test)]
mod tests;

pub use command::{ByteCheck, CDB_BYTES, CdbError, Command, Extent, Reserve};
pub use lun::{MOST_FLAT, REPORT_LUNS_LUN, parse_lun, to_lun};
pub use sense::{Asc, Field, Key, SENSE_DESCRIPTOR_BYTES, SENSE_FIXED_BYTES, Sense, Status};
pub use table::{Row, TABLE, rows};
