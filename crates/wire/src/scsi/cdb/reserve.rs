//! Reservations (SPC-2 7.16 and on, SPC-4 6.15, 6.16).

use super::{Cdb, Reserve, flag, u16_at, u32_at};
use crate::scsi::Command;

fn short(cdb: &Cdb) -> Reserve {
    let length = u16_at(cdb, 3);
    Reserve { long: false, third_party: flag(cdb[1], 4), long_id: false, extent: flag(cdb[1], 0), length }
}

fn long(cdb: &Cdb) -> Reserve {
    Reserve {
        long: true,
        third_party: flag(cdb[1], 4),
        long_id: flag(cdb[1], 1),
        extent: flag(cdb[1], 0),
        length: u16_at(cdb, 7),
    }
}

pub(in crate::scsi) fn reserve6(cdb: &Cdb) -> Command {
    Command::Reserve(short(cdb))
}

pub(in crate::scsi) fn reserve10(cdb: &Cdb) -> Command {
    Command::Reserve(long(cdb))
}

pub(in crate::scsi) fn release6(cdb: &Cdb) -> Command {
    Command::Release(short(cdb))
}

pub(in crate::scsi) fn release10(cdb: &Cdb) -> Command {
    Command::Release(long(cdb))
}

pub(in crate::scsi) fn persistent_reserve_in(cdb: &Cdb) -> Command {
    Command::PersistentReserveIn { action: cdb[1] & 0x1f, allocation: u16_at(cdb, 7).into() }
}

pub(in crate::scsi) fn persistent_reserve_out(cdb: &Cdb) -> Command {
    Command::PersistentReserveOut {
        action: cdb[1] & 0x1f,
        scope: cdb[2] >> 4,
        kind: cdb[2] & 0x0f,
        length: u32_at(cdb, 5),
    }
}
