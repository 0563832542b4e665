//! Command descriptor blocks (SPC-4 4.2.5, SBC-3 5): what each command asks for, read once and for good.

use super::table::{self, Row};
use crate::be::{U16, U32, U64};
use crate::parse;

/// Bytes of the longest CDB that is read here.
pub const CDB_BYTES: usize = 16;

/// Blocks that a command means, and how it wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First block (LBA).
    pub lba: u64,
    /// How many.
    pub blocks: u32,
    /// RDPROTECT, WRPROTECT or VRPROTECT.
    pub protect: u8,
    /// Disable page out: a hint.
    pub dpo: bool,
    /// Force unit access.
    pub fua: bool,
}

impl Extent {
    /// The block behind the last; `None` when that is no number.
    pub fn end(&self) -> Option<u64> {
        self.lba.checked_add(self.blocks.into())
    }
}

/// BYTCHK of VERIFY (SBC-3 5.29).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteCheck {
    /// 00b: the medium alone.
    Medium,
    /// 01b: with the data, block by block.
    Compare,
    /// 10b: reserved.
    Reserved,
    /// 11b: each block with the one that is sent.
    CompareOne,
}

/// What a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// TEST UNIT READY (SPC-4 6.47).
    TestUnitReady,
    /// REQUEST SENSE (SPC-4 6.39).
    RequestSense {
        /// DESC: descriptor format.
        descriptor: bool,
        /// Allocation length.
        allocation: u32,
    },
    /// INQUIRY (SPC-4 6.6).
    Inquiry {
        /// EVPD: vital product data.
        vpd: bool,
        /// PAGE CODE.
        page: u8,
        /// Allocation length.
        allocation: u32,
    },
    /// MODE SENSE (SPC-4 6.11, 6.12).
    ModeSense {
        /// The ten-byte one.
        long: bool,
        /// LLBAA: long block descriptors are welcome.
        llbaa: bool,
        /// DBD: no block descriptor.
        dbd: bool,
        /// PC: current, changeable, default or saved values.
        control: u8,
        /// PAGE CODE.
        page: u8,
        /// SUBPAGE CODE.
        subpage: u8,
        /// Allocation length.
        allocation: u32,
    },
    /// START STOP UNIT (SBC-3 5.25).
    StartStopUnit {
        /// IMMED.
        immed: bool,
        /// POWER CONDITION.
        power: u8,
        /// NO_FLUSH.
        no_flush: bool,
        /// LOEJ: load or eject.
        load_eject: bool,
        /// START.
        start: bool,
    },
    /// PREVENT ALLOW MEDIUM REMOVAL (SBC-3 5.13).
    PreventAllow {
        /// PREVENT.
        prevent: u8,
    },
    /// READ CAPACITY (10) (SBC-3 5.15).
    ReadCapacity10,
    /// READ CAPACITY (16) (SBC-3 5.16).
    ReadCapacity16 {
        /// Allocation length.
        allocation: u32,
    },
    /// READ (6), (10), (12), (16) (SBC-3 5.7 and on).
    Read(Extent),
    /// WRITE (6), (10), (12), (16) (SBC-3 5.32 and on).
    Write(Extent),
    /// VERIFY (10), (12), (16) (SBC-3 5.29 and on).
    Verify {
        /// Which blocks.
        extent: Extent,
        /// With what.
        check: ByteCheck,
    },
    /// SYNCHRONIZE CACHE (10), (16) (SBC-3 5.26).
    SynchronizeCache {
        /// Which blocks; none: all from the first on.
        extent: Extent,
        /// IMMED.
        immed: bool,
    },
    /// WRITE SAME (10), (16) (SBC-3 5.45).
    WriteSame {
        /// Which blocks.
        extent: Extent,
        /// UNMAP.
        unmap: bool,
        /// ANCHOR.
        anchor: bool,
        /// NDOB: no data comes, the blocks become zeroes.
        no_data: bool,
    },
    /// UNMAP (SBC-3 5.28).
    Unmap {
        /// ANCHOR.
        anchor: bool,
        /// Parameter list length.
        length: u16,
    },
    /// REPORT LUNS (SPC-4 6.33).
    ReportLuns {
        /// SELECT REPORT.
        select: u8,
        /// Allocation length.
        allocation: u32,
    },
    /// REPORT TARGET PORT GROUPS (SPC-4 6.36).
    ReportTargetPortGroups {
        /// PARAMETER DATA FORMAT.
        format: u8,
        /// Allocation length.
        allocation: u32,
    },
    /// REPORT SUPPORTED OPERATION CODES (SPC-4 6.34).
    ReportOpcodes {
        /// RCTD: with time-outs.
        timeouts: bool,
        /// REPORTING OPTIONS.
        options: u8,
        /// REQUESTED OPERATION CODE.
        opcode: u8,
        /// REQUESTED SERVICE ACTION.
        action: u16,
        /// Allocation length.
        allocation: u32,
    },
    /// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-4 6.35).
    ReportFunctions {
        /// REPD: extended.
        extended: bool,
        /// Allocation length.
        allocation: u32,
    },
}

/// Why a CDB says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CdbError {
    /// There is no such operation code here.
    Opcode,
    /// There is no such service action of this operation code.
    ServiceAction,
    /// It is shorter than its operation code says.
    Short,
    /// NACA is set in its control byte, which stands there.
    Naca(u8),
}

impl Command {
    /// Reads a CDB.
    ///
    /// # Errors
    /// Only as the table and the length say; what the fields hold is for the device server to judge.
    #[inline]
    pub fn parse(cdb: &[u8]) -> Result<Self, CdbError> {
        let row = table::find(cdb)?;
        let bytes: &[u8; CDB_BYTES] = match cdb.first_chunk() {
            Some(whole) => whole,
            None => return Self::parse_short(row, cdb),
        };
        Self::of(row, bytes)
    }

    #[inline]
    fn of(row: &Row, cdb: &[u8; CDB_BYTES]) -> Result<Self, CdbError> {
        let control = row.len - 1;
        if cdb[usize::from(control) % CDB_BYTES] & NACA != 0 {
            return Err(CdbError::Naca(control));
        }
        Ok((row.read)(cdb))
    }

    #[cold]
    fn parse_short(row: &Row, cdb: &[u8]) -> Result<Self, CdbError> {
        if cdb.len() < usize::from(row.len) {
            return Err(CdbError::Short);
        }
        let mut padded = [0; CDB_BYTES];
        padded[..cdb.len()].copy_from_slice(cdb);
        Self::of(row, &padded)
    }
}

impl Command {
    /// How many bytes the initiator has room for, of a command that brings back parameter data.
    pub fn allocation(&self) -> Option<u32> {
        match *self {
            Self::ReadCapacity10 => Some(8),
            Self::RequestSense { allocation, .. }
            | Self::Inquiry { allocation, .. }
            | Self::ModeSense { allocation, .. }
            | Self::ReadCapacity16 { allocation }
            | Self::ReportLuns { allocation, .. }
            | Self::ReportTargetPortGroups { allocation, .. }
            | Self::ReportOpcodes { allocation, .. }
            | Self::ReportFunctions { allocation, .. } => Some(allocation),
            _ => None,
        }
    }
}

/// NACA of the control byte (SAM-5 5.2).
const NACA: u8 = 0x04;

type Cdb = [u8; CDB_BYTES];

fn u16_at(cdb: &Cdb, at: usize) -> u16 {
    parse::<U16>(&cdb[at..]).map_or(0, |n| n.get())
}

fn u32_at(cdb: &Cdb, at: usize) -> u32 {
    parse::<U32>(&cdb[at..]).map_or(0, |n| n.get())
}

fn u64_at(cdb: &Cdb, at: usize) -> u64 {
    parse::<U64>(&cdb[at..]).map_or(0, |n| n.get())
}

fn flag(byte: u8, bit: u32) -> bool {
    byte >> bit & 1 != 0
}

fn extent6(cdb: &Cdb) -> Extent {
    let lba = u32_at(cdb, 0) & 0x1f_ffff;
    let blocks = if cdb[4] == 0 { 256 } else { cdb[4].into() };
    Extent { lba: lba.into(), blocks, protect: 0, dpo: false, fua: false }
}

fn extent(cdb: &Cdb, lba: u64, blocks: u32) -> Extent {
    Extent { lba, blocks, protect: cdb[1] >> 5, dpo: flag(cdb[1], 4), fua: flag(cdb[1], 3) }
}

fn extent10(cdb: &Cdb) -> Extent {
    extent(cdb, u32_at(cdb, 2).into(), u16_at(cdb, 7).into())
}

fn extent12(cdb: &Cdb) -> Extent {
    extent(cdb, u32_at(cdb, 2).into(), u32_at(cdb, 6))
}

fn extent16(cdb: &Cdb) -> Extent {
    extent(cdb, u64_at(cdb, 2), u32_at(cdb, 10))
}

pub(super) fn test_unit_ready(_: &Cdb) -> Command {
    Command::TestUnitReady
}

pub(super) fn request_sense(cdb: &Cdb) -> Command {
    Command::RequestSense { descriptor: flag(cdb[1], 0), allocation: cdb[4].into() }
}

pub(super) fn inquiry(cdb: &Cdb) -> Command {
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

pub(super) fn mode_sense6(cdb: &Cdb) -> Command {
    mode_sense(cdb, false, cdb[4].into())
}

pub(super) fn mode_sense10(cdb: &Cdb) -> Command {
    mode_sense(cdb, true, u16_at(cdb, 7).into())
}

pub(super) fn start_stop(cdb: &Cdb) -> Command {
    Command::StartStopUnit {
        immed: flag(cdb[1], 0),
        power: cdb[4] >> 4,
        no_flush: flag(cdb[4], 2),
        load_eject: flag(cdb[4], 1),
        start: flag(cdb[4], 0),
    }
}

pub(super) fn prevent_allow(cdb: &Cdb) -> Command {
    Command::PreventAllow { prevent: cdb[4] & 3 }
}

pub(super) fn read_capacity10(_: &Cdb) -> Command {
    Command::ReadCapacity10
}

pub(super) fn read_capacity16(cdb: &Cdb) -> Command {
    Command::ReadCapacity16 { allocation: u32_at(cdb, 10) }
}

pub(super) fn read6(cdb: &Cdb) -> Command {
    Command::Read(extent6(cdb))
}

pub(super) fn read10(cdb: &Cdb) -> Command {
    Command::Read(extent10(cdb))
}

pub(super) fn read12(cdb: &Cdb) -> Command {
    Command::Read(extent12(cdb))
}

pub(super) fn read16(cdb: &Cdb) -> Command {
    Command::Read(extent16(cdb))
}

pub(super) fn write6(cdb: &Cdb) -> Command {
    Command::Write(extent6(cdb))
}

pub(super) fn write10(cdb: &Cdb) -> Command {
    Command::Write(extent10(cdb))
}

pub(super) fn write12(cdb: &Cdb) -> Command {
    Command::Write(extent12(cdb))
}

pub(super) fn write16(cdb: &Cdb) -> Command {
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

pub(super) fn verify10(cdb: &Cdb) -> Command {
    verify(cdb, extent10(cdb))
}

pub(super) fn verify12(cdb: &Cdb) -> Command {
    verify(cdb, extent12(cdb))
}

pub(super) fn verify16(cdb: &Cdb) -> Command {
    verify(cdb, extent16(cdb))
}

fn synchronize_cache(cdb: &Cdb, extent: Extent) -> Command {
    let extent = Extent { protect: 0, dpo: false, fua: false, ..extent };
    Command::SynchronizeCache { extent, immed: flag(cdb[1], 1) }
}

pub(super) fn synchronize_cache10(cdb: &Cdb) -> Command {
    synchronize_cache(cdb, extent10(cdb))
}

pub(super) fn synchronize_cache16(cdb: &Cdb) -> Command {
    synchronize_cache(cdb, extent16(cdb))
}

fn write_same(cdb: &Cdb, extent: Extent, no_data: bool) -> Command {
    // Bit 4 is ANCHOR, bit 3 UNMAP: neither DPO nor FUA.
    let extent = Extent { dpo: false, fua: false, ..extent };
    Command::WriteSame { extent, unmap: flag(cdb[1], 3), anchor: flag(cdb[1], 4), no_data }
}

pub(super) fn write_same10(cdb: &Cdb) -> Command {
    write_same(cdb, extent10(cdb), false)
}

pub(super) fn write_same16(cdb: &Cdb) -> Command {
    write_same(cdb, extent16(cdb), flag(cdb[1], 0))
}

pub(super) fn unmap(cdb: &Cdb) -> Command {
    Command::Unmap { anchor: flag(cdb[1], 0), length: u16_at(cdb, 7) }
}

pub(super) fn report_luns(cdb: &Cdb) -> Command {
    Command::ReportLuns { select: cdb[2], allocation: u32_at(cdb, 6) }
}

pub(super) fn report_target_port_groups(cdb: &Cdb) -> Command {
    Command::ReportTargetPortGroups { format: cdb[1] >> 5, allocation: u32_at(cdb, 6) }
}

pub(super) fn report_opcodes(cdb: &Cdb) -> Command {
    Command::ReportOpcodes {
        timeouts: flag(cdb[2], 7),
        options: cdb[2] & 7,
        opcode: cdb[3],
        action: u16_at(cdb, 4),
        allocation: u32_at(cdb, 6),
    }
}

pub(super) fn report_functions(cdb: &Cdb) -> Command {
    Command::ReportFunctions { extended: flag(cdb[2], 7), allocation: u32_at(cdb, 6) }
}
