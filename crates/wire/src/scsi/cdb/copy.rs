//! Third-party copies (SPC-4 6.3 to 6.5, 6.17 to 6.21; SBC-3 5.8, 5.49).

use super::{Cdb, u32_at};
use crate::scsi::Command;

pub(in crate::scsi) fn extended_copy1(cdb: &Cdb) -> Command {
    Command::ExtendedCopy { lid4: false, length: u32_at(cdb, 10) }
}

pub(in crate::scsi) fn extended_copy4(cdb: &Cdb) -> Command {
    Command::ExtendedCopy { lid4: true, length: u32_at(cdb, 10) }
}

pub(in crate::scsi) fn populate_token(cdb: &Cdb) -> Command {
    Command::PopulateToken { list: u32_at(cdb, 6), length: u32_at(cdb, 10) }
}

pub(in crate::scsi) fn write_using_token(cdb: &Cdb) -> Command {
    Command::WriteUsingToken { list: u32_at(cdb, 6), length: u32_at(cdb, 10) }
}

pub(in crate::scsi) fn copy_abort(cdb: &Cdb) -> Command {
    Command::CopyAbort { list: u32_at(cdb, 2) }
}

/// The list identifier stands in byte 2.
pub(in crate::scsi) fn receive_copy1(cdb: &Cdb) -> Command {
    Command::ReceiveCopy { action: cdb[1] & 0x1f, list: cdb[2].into(), allocation: u32_at(cdb, 10) }
}

/// The list identifier stands in bytes 2 to 5.
pub(in crate::scsi) fn receive_copy4(cdb: &Cdb) -> Command {
    Command::ReceiveCopy { action: cdb[1] & 0x1f, list: u32_at(cdb, 2), allocation: u32_at(cdb, 10) }
}

/// There is no list identifier.
pub(in crate::scsi) fn report_rod_tokens(cdb: &Cdb) -> Command {
    Command::ReceiveCopy { action: cdb[1] & 0x1f, list: 0, allocation: u32_at(cdb, 10) }
}
