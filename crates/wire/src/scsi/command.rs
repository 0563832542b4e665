//! What each command asks for (SPC-4 6, SBC-3 5), read once and for good.

use super::table::{self, Row};

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
    /// MODE SELECT (SPC-4 6.9, 6.10).
    ModeSelect {
        /// The ten-byte one.
        long: bool,
        /// PF: pages as the standard has them.
        page_format: bool,
        /// SP: save them.
        save: bool,
        /// Parameter list length.
        length: u16,
    },
    /// LOG SELECT (SPC-4 6.7).
    LogSelect {
        /// PCR: parameter code reset.
        reset: bool,
        /// SP: save.
        save: bool,
        /// PC.
        control: u8,
        /// PAGE CODE.
        page: u8,
        /// SUBPAGE CODE.
        subpage: u8,
        /// Parameter list length.
        length: u16,
    },
    /// LOG SENSE (SPC-4 6.8).
    LogSense {
        /// SP: save.
        save: bool,
        /// PC.
        control: u8,
        /// PAGE CODE.
        page: u8,
        /// SUBPAGE CODE.
        subpage: u8,
        /// PARAMETER POINTER: the first parameter that is wanted.
        pointer: u16,
        /// Allocation length.
        allocation: u32,
    },
    /// RECEIVE DIAGNOSTIC RESULTS (SPC-4 6.32).
    ReceiveDiagnostic {
        /// PCV: the page code counts.
        valid: bool,
        /// PAGE CODE.
        page: u8,
        /// Allocation length.
        allocation: u32,
    },
    /// SEND DIAGNOSTIC (SPC-4 6.42).
    SendDiagnostic {
        /// SELF-TEST CODE.
        code: u8,
        /// PF: page format.
        page_format: bool,
        /// SELFTEST: the default one.
        self_test: bool,
        /// DEVOFFL or UNITOFFL: other initiators may be disturbed.
        offline: bool,
        /// Parameter list length.
        length: u16,
    },
    /// READ DEFECT DATA (10), (12) (SBC-3 5.17, 5.18).
    ReadDefectData {
        /// The twelve-byte one.
        long: bool,
        /// REQ_PLIST.
        primary: bool,
        /// REQ_GLIST.
        grown: bool,
        /// DEFECT LIST FORMAT.
        format: u8,
        /// ADDRESS DESCRIPTOR INDEX, of the twelve-byte one.
        index: u32,
        /// Allocation length.
        allocation: u32,
    },
    /// WRITE AND VERIFY (10), (12), (16) (SBC-3 5.36 and on).
    WriteVerify {
        /// Which blocks.
        extent: Extent,
        /// With what.
        check: ByteCheck,
    },
    /// WRITE ATOMIC (16) (SBC-4 5.46): the extent, and BOUNDARY.
    WriteAtomic {
        /// Which blocks.
        extent: Extent,
        /// ATOMIC BOUNDARY, in blocks; 0: none.
        boundary: u16,
    },
    /// ORWRITE (16) (SBC-3 5.6).
    OrWrite(Extent),
    /// COMPARE AND WRITE (SBC-3 5.2).
    CompareAndWrite(Extent),
    /// PRE-FETCH (10), (16) (SBC-3 5.9, 5.10).
    PreFetch {
        /// Which blocks; none: all from the first on.
        extent: Extent,
        /// IMMED.
        immed: bool,
    },
    /// GET LBA STATUS (SBC-3 5.5).
    GetLbaStatus {
        /// STARTING LOGICAL BLOCK ADDRESS.
        lba: u64,
        /// Allocation length.
        allocation: u32,
    },
    /// SANITIZE (SBC-3 5.24).
    Sanitize {
        /// What is to be done.
        action: u8,
        /// IMMED.
        immed: bool,
        /// ZNR: zoned no reset.
        znr: bool,
        /// AUSE: allow unrestricted sanitize exit.
        unrestricted: bool,
        /// Parameter list length.
        length: u16,
    },
    /// RESERVE (6), (10) (SPC-2 7.21, 7.22).
    Reserve(Reserve),
    /// RELEASE (6), (10) (SPC-2 7.16, 7.17).
    Release(Reserve),
    /// PERSISTENT RESERVE IN (SPC-4 6.15).
    PersistentReserveIn {
        /// SERVICE ACTION.
        action: u8,
        /// Allocation length.
        allocation: u32,
    },
    /// PERSISTENT RESERVE OUT (SPC-4 6.16).
    PersistentReserveOut {
        /// SERVICE ACTION.
        action: u8,
        /// SCOPE.
        scope: u8,
        /// TYPE.
        kind: u8,
        /// Parameter list length.
        length: u32,
    },
    /// EXTENDED COPY (LID1), (LID4) (SPC-4 6.4, 6.5).
    ExtendedCopy {
        /// The list identifier has four bytes.
        lid4: bool,
        /// Parameter list length.
        length: u32,
    },
    /// POPULATE TOKEN (SBC-3 5.8).
    PopulateToken {
        /// LIST IDENTIFIER.
        list: u32,
        /// Parameter list length.
        length: u32,
    },
    /// WRITE USING TOKEN (SBC-3 5.49).
    WriteUsingToken {
        /// LIST IDENTIFIER.
        list: u32,
        /// Parameter list length.
        length: u32,
    },
    /// COPY OPERATION ABORT (SPC-4 6.3).
    CopyAbort {
        /// LIST IDENTIFIER.
        list: u32,
    },
    /// The commands that ask for copies (SPC-4 6.17 and on): RECEIVE COPY STATUS, DATA, OPERATING PARAMETERS, FAILURE DETAILS,
    /// RECEIVE ROD TOKEN INFORMATION, REPORT ALL ROD TOKENS.
    ReceiveCopy {
        /// SERVICE ACTION.
        action: u8,
        /// LIST IDENTIFIER, of one byte or four by the action.
        list: u32,
        /// Allocation length.
        allocation: u32,
    },
    /// SET TARGET PORT GROUPS (SPC-4 6.45).
    SetTargetPortGroups {
        /// Parameter list length.
        length: u32,
    },
    /// REPORT TIMESTAMP (SPC-4 6.39).
    ReportTimestamp {
        /// Allocation length.
        allocation: u32,
    },
    /// SET TIMESTAMP (SPC-4 6.46).
    SetTimestamp {
        /// Parameter list length.
        length: u32,
    },
}

/// What RESERVE and RELEASE say beyond their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The ten-byte one.
    pub long: bool,
    /// 3RDPTY.
    pub third_party: bool,
    /// LONGID, of the ten-byte one.
    pub long_id: bool,
    /// EXTENT: obsolete.
    pub extent: bool,
    /// Parameter list length.
    pub length: u16,
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
            Self::LogSense { allocation, .. }
            | Self::ReceiveDiagnostic { allocation, .. }
            | Self::ReadDefectData { allocation, .. }
            | Self::GetLbaStatus { allocation, .. }
            | Self::PersistentReserveIn { allocation, .. }
            | Self::ReceiveCopy { allocation, .. }
            | Self::ReportTimestamp { allocation } => Some(allocation),
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
