//! Commands that ask for and change what is said of a device (SPC-4 6).

use super::{Cdb, flag, u16_at, u32_at};
use crate::scsi::Command;

pub(in crate::scsi) fn test_unit_ready(_: &Cdb) -> Command {
    Command::TestUnitReady
}

pub(in crate::scsi) fn request_sense(cdb: &Cdb) -> Command {
    Command::RequestSense { descriptor: flag(cdb[1], 0), allocation: cdb[4].into() }
}

pub(in crate::scsi) fn inquiry(cdb: &Cdb) -> Command {
    Command::Inquiry { vpd: flag(cdb[1], 0), page: cdb[2], allocation: u16_at(cdb, 3).into() }
}

fn mode_sense(cdb: &Cdb, long: bool, allocation: u32) -> Command {
    Command::ModeSense {
        long,
        llbaa: long && flag(cdb[1], 4),
        dbd: flag(cdb[1], 3),
        control: cdb[2] >> 6,
        page: cdb[2] & 0x3f,
        subpage: cdb[3],
        allocation,
    }
}

pub(in crate::scsi) fn mode_sense6(cdb: &Cdb) -> Command {
    mode_sense(cdb, false, cdb[4].into())
}

pub(in crate::scsi) fn mode_sense10(cdb: &Cdb) -> Command {
    mode_sense(cdb, true, u16_at(cdb, 7).into())
}

pub(in crate::scsi) fn report_luns(cdb: &Cdb) -> Command {
    Command::ReportLuns { select: cdb[2], allocation: u32_at(cdb, 6) }
}

pub(in crate::scsi) fn report_target_port_groups(cdb: &Cdb) -> Command {
    Command::ReportTargetPortGroups { format: cdb[1] >> 5, allocation: u32_at(cdb, 6) }
}

pub(in crate::scsi) fn report_opcodes(cdb: &Cdb) -> Command {
    Command::ReportOpcodes {
        timeouts: flag(cdb[2], 7),
        options: cdb[2] & 7,
        opcode: cdb[3],
        action: u16_at(cdb, 4),
        allocation: u32_at(cdb, 6),
    }
}

pub(in crate::scsi) fn report_functions(cdb: &Cdb) -> Command {
    Command::ReportFunctions { extended: flag(cdb[2], 7), allocation: u32_at(cdb, 6) }
}

pub(in crate::scsi) fn mode_select6(cdb: &Cdb) -> Command {
    mode_select(cdb, false, cdb[4].into())
}

pub(in crate::scsi) fn mode_select10(cdb: &Cdb) -> Command {
    mode_select(cdb, true, u16_at(cdb, 7))
}

fn mode_select(cdb: &Cdb, long: bool, length: u16) -> Command {
    Command::ModeSelect { long, page_format: flag(cdb[1], 4), save: flag(cdb[1], 0), length }
}

pub(in crate::scsi) fn log_select(cdb: &Cdb) -> Command {
    Command::LogSelect {
        reset: flag(cdb[1], 1),
        save: flag(cdb[1], 0),
        control: cdb[2] >> 6,
        page: cdb[2] & 0x3f,
        subpage: cdb[3],
        length: u16_at(cdb, 7),
    }
}

pub(in crate::scsi) fn log_sense(cdb: &Cdb) -> Command {
    Command::LogSense {
        save: flag(cdb[1], 0),
        control: cdb[2] >> 6,
        page: cdb[2] & 0x3f,
        subpage: cdb[3],
        pointer: u16_at(cdb, 5),
        allocation: u16_at(cdb, 7).into(),
    }
}

pub(in crate::scsi) fn receive_diagnostic(cdb: &Cdb) -> Command {
    Command::ReceiveDiagnostic { valid: flag(cdb[1], 0), page: cdb[2], allocation: u16_at(cdb, 3).into() }
}

pub(in crate::scsi) fn send_diagnostic(cdb: &Cdb) -> Command {
    Command::SendDiagnostic {
        code: cdb[1] >> 5,
        page_format: flag(cdb[1], 4),
        self_test: flag(cdb[1], 2),
        offline: cdb[1] & 3 != 0,
        length: u16_at(cdb, 3),
    }
}

pub(in crate::scsi) fn set_target_port_groups(cdb: &Cdb) -> Command {
    Command::SetTargetPortGroups { length: u32_at(cdb, 6) }
}

pub(in crate::scsi) fn report_timestamp(cdb: &Cdb) -> Command {
    Command::ReportTimestamp { allocation: u32_at(cdb, 6) }
}

pub(in crate::scsi) fn set_timestamp(cdb: &Cdb) -> Command {
    Command::SetTimestamp { length: u32_at(cdb, 6) }
}
