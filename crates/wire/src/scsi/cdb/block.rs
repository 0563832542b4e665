//! Commands of block devices (SBC-3 5).

use super::{Cdb, extent6, extent10, extent12, extent16, flag, u16_at, u32_at, u64_at};
use crate::scsi::{ByteCheck, Command, Extent};

pub(in crate::scsi) fn start_stop(cdb: &Cdb) -> Command {
    Command::StartStopUnit {
        immed: flag(cdb[1], 0),
        power: cdb[4] >> 4,
        no_flush: flag(cdb[4], 2),
        load_eject: flag(cdb[4], 1),
        start: flag(cdb[4], 0),
    }
}

pub(in crate::scsi) fn prevent_allow(cdb: &Cdb) -> Command {
    Command::PreventAllow { prevent: cdb[4] & 3 }
}

pub(in crate::scsi) fn read_capacity10(_: &Cdb) -> Command {
    Command::ReadCapacity10
}

pub(in crate::scsi) fn read_capacity16(cdb: &Cdb) -> Command {
    Command::ReadCapacity16 { allocation: u32_at(cdb, 10) }
}

pub(in crate::scsi) fn read6(cdb: &Cdb) -> Command {
    Command::Read(extent6(cdb))
}

pub(in crate::scsi) fn read10(cdb: &Cdb) -> Command {
    Command::Read(extent10(cdb))
}

pub(in crate::scsi) fn read12(cdb: &Cdb) -> Command {
    Command::Read(extent12(cdb))
}

pub(in crate::scsi) fn read16(cdb: &Cdb) -> Command {
    Command::Read(extent16(cdb))
}

pub(in crate::scsi) fn write6(cdb: &Cdb) -> Command {
    Command::Write(extent6(cdb))
}

pub(in crate::scsi) fn write10(cdb: &Cdb) -> Command {
    Command::Write(extent10(cdb))
}

pub(in crate::scsi) fn write12(cdb: &Cdb) -> Command {
    Command::Write(extent12(cdb))
}

pub(in crate::scsi) fn write16(cdb: &Cdb) -> Command {
    Command::Write(extent16(cdb))
}

fn verify(cdb: &Cdb, extent: Extent) -> Command {
    let check = match cdb[1] >> 1 & 3 {
        0 => ByteCheck::Medium,
        1 => ByteCheck::Compare,
        2 => ByteCheck::Reserved,
        _ => ByteCheck::CompareOne,
    };
    // Bit 3 is no FUA here.
    Command::Verify { extent: Extent { fua: false, ..extent }, check }
}

pub(in crate::scsi) fn verify10(cdb: &Cdb) -> Command {
    verify(cdb, extent10(cdb))
}

pub(in crate::scsi) fn verify12(cdb: &Cdb) -> Command {
    verify(cdb, extent12(cdb))
}

pub(in crate::scsi) fn verify16(cdb: &Cdb) -> Command {
    verify(cdb, extent16(cdb))
}

fn synchronize_cache(cdb: &Cdb, extent: Extent) -> Command {
    let extent = Extent { protect: 0, dpo: false, fua: false, ..extent };
    Command::SynchronizeCache { extent, immed: flag(cdb[1], 1) }
}

pub(in crate::scsi) fn synchronize_cache10(cdb: &Cdb) -> Command {
    synchronize_cache(cdb, extent10(cdb))
}

pub(in crate::scsi) fn synchronize_cache16(cdb: &Cdb) -> Command {
    synchronize_cache(cdb, extent16(cdb))
}

fn write_same(cdb: &Cdb, extent: Extent, no_data: bool) -> Command {
    // Bit 4 is ANCHOR, bit 3 UNMAP: neither DPO nor FUA.
    let extent = Extent { dpo: false, fua: false, ..extent };
    Command::WriteSame { extent, unmap: flag(cdb[1], 3), anchor: flag(cdb[1], 4), no_data }
}

pub(in crate::scsi) fn write_same10(cdb: &Cdb) -> Command {
    write_same(cdb, extent10(cdb), false)
}

pub(in crate::scsi) fn write_same16(cdb: &Cdb) -> Command {
    write_same(cdb, extent16(cdb), flag(cdb[1], 0))
}

pub(in crate::scsi) fn unmap(cdb: &Cdb) -> Command {
    Command::Unmap { anchor: flag(cdb[1], 0), length: u16_at(cdb, 7) }
}

fn write_verify(cdb: &Cdb, extent: Extent) -> Command {
    let Command::Verify { extent, check } = verify(cdb, extent) else { unreachable!("verify reads a verify") };
    Command::WriteVerify { extent, check }
}

pub(in crate::scsi) fn write_verify10(cdb: &Cdb) -> Command {
    write_verify(cdb, extent10(cdb))
}

pub(in crate::scsi) fn write_verify12(cdb: &Cdb) -> Command {
    write_verify(cdb, extent12(cdb))
}

pub(in crate::scsi) fn write_verify16(cdb: &Cdb) -> Command {
    write_verify(cdb, extent16(cdb))
}

pub(in crate::scsi) fn write_atomic16(cdb: &Cdb) -> Command {
    let extent = Extent { blocks: u16_at(cdb, 12).into(), ..extent16(cdb) };
    Command::WriteAtomic { extent, boundary: u16_at(cdb, 10) }
}

pub(in crate::scsi) fn or_write16(cdb: &Cdb) -> Command {
    Command::OrWrite(extent16(cdb))
}

pub(in crate::scsi) fn compare_and_write(cdb: &Cdb) -> Command {
    Command::CompareAndWrite(Extent { blocks: cdb[13].into(), ..extent16(cdb) })
}

fn pre_fetch(cdb: &Cdb, extent: Extent) -> Command {
    let extent = Extent { protect: 0, dpo: false, fua: false, ..extent };
    Command::PreFetch { extent, immed: flag(cdb[1], 1) }
}

pub(in crate::scsi) fn pre_fetch10(cdb: &Cdb) -> Command {
    pre_fetch(cdb, extent10(cdb))
}

pub(in crate::scsi) fn pre_fetch16(cdb: &Cdb) -> Command {
    pre_fetch(cdb, extent16(cdb))
}

pub(in crate::scsi) fn get_lba_status(cdb: &Cdb) -> Command {
    Command::GetLbaStatus { lba: u64_at(cdb, 2), allocation: u32_at(cdb, 10) }
}

pub(in crate::scsi) fn sanitize(cdb: &Cdb) -> Command {
    Command::Sanitize {
        action: cdb[1] & 0x1f,
        immed: flag(cdb[1], 7),
        znr: flag(cdb[1], 6),
        unrestricted: flag(cdb[1], 5),
        length: u16_at(cdb, 7),
    }
}

pub(in crate::scsi) fn read_defect_data10(cdb: &Cdb) -> Command {
    Command::ReadDefectData {
        long: false,
        primary: flag(cdb[2], 4),
        grown: flag(cdb[2], 3),
        format: cdb[2] & 7,
        index: 0,
        allocation: u16_at(cdb, 7).into(),
    }
}

pub(in crate::scsi) fn read_defect_data12(cdb: &Cdb) -> Command {
    Command::ReadDefectData {
        long: true,
        primary: flag(cdb[1], 4),
        grown: flag(cdb[1], 3),
        format: cdb[1] & 7,
        index: u32_at(cdb, 2),
        allocation: u32_at(cdb, 6),
    }
}
