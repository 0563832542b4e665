//! Fields of the admin commands, read from or put into a [`Sqe`]. NVMe Base 2.0c 5 (sections on each type).

use super::{AdminOpcode, Cns, Csi, FeatureId, LogId, Sqe};
use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Identify (5.17): dwords 10, 11 and 14.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identify {
    /// What is asked for.
    pub cns: Cns,
    /// Controller identifier, for the CNS values that use it.
    pub cntid: u16,
    /// CNS specific identifier.
    pub cnssid: u16,
    /// Command set, for the CNS values that use it.
    pub csi: Csi,
    /// UUID index (vendor data).
    pub uuid_index: u8,
}

impl Identify {
    /// Reads the command's dwords.
    pub const fn of(sqe: &Sqe) -> Self {
        let (d10, d11) = (sqe.cdw10.get(), sqe.cdw11.get());
        Self {
            cns: Cns(d10 as u8),
            cntid: (d10 >> 16) as u16,
            cnssid: d11 as u16,
            csi: Csi((d11 >> 24) as u8),
            uuid_index: (sqe.cdw14.get() & 0x7f) as u8,
        }
    }

    /// An Identify command without data pointer and CID.
    pub fn sqe(cns: Cns, nsid: u32, csi: Csi) -> Sqe {
        let mut sqe = Sqe::new(AdminOpcode::IDENTIFY.0, nsid);
        sqe.cdw10 = U32::new(cns.0 as u32);
        sqe.cdw11 = U32::new((csi.0 as u32) << 24);
        sqe
    }
}

/// Get Log Page (5.16): dwords 10 to 14.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetLogPage {
    /// Which page.
    pub lid: LogId,
    /// Log specific parameter (7 bits).
    pub lsp: u8,
    /// Retain Asynchronous Event: reading does not clear the event.
    pub rae: bool,
    /// Length in bytes: 4 * (NUMD + 1). A full 32-bit NUMD gives 2^34, hence 64 bits.
    pub bytes: u64,
    /// Log specific identifier.
    pub lsi: u16,
    /// Offset in bytes (or an index when `ot`).
    pub offset: u64,
    /// Offset Type: the offset is an index.
    pub ot: bool,
    /// Command set.
    pub csi: Csi,
    /// UUID index.
    pub uuid_index: u8,
}

impl GetLogPage {
    /// Reads the command's dwords.
    pub const fn of(sqe: &Sqe) -> Self {
        let (d10, d11, d14) = (sqe.cdw10.get(), sqe.cdw11.get(), sqe.cdw14.get());
        let numd_z = (d10 >> 16) as u64 | ((d11 & 0xffff) as u64) << 16;
        Self {
            lid: LogId(d10 as u8),
            lsp: (d10 >> 8) as u8 & 0x7f,
            rae: d10 & 1 << 15 != 0,
            bytes: (numd_z + 1) * 4,
            lsi: (d11 >> 16) as u16,
            offset: sqe.cdw12.get() as u64 | (sqe.cdw13.get() as u64) << 32,
            ot: d14 & 1 << 23 != 0,
            csi: Csi((d14 >> 24) as u8),
            uuid_index: (d14 & 0x7f) as u8,
        }
    }

    /// A command for `bytes` (a multiple of 4, at least 4) at `offset`, without data pointer and CID.
    pub fn sqe(lid: LogId, nsid: u32, bytes: u32, offset: u64, rae: bool) -> Sqe {
        let numd_z = (bytes / 4).saturating_sub(1);
        let mut sqe = Sqe::new(AdminOpcode::GET_LOG_PAGE.0, nsid);
        sqe.cdw10 = U32::new(lid.0 as u32 | (rae as u32) << 15 | (numd_z & 0xffff) << 16);
        sqe.cdw11 = U32::new(numd_z >> 16);
        sqe.cdw12 = U32::new(offset as u32);
        sqe.cdw13 = U32::new((offset >> 32) as u32);
        sqe
    }
}

open_enum! {
    /// SEL of Get Features (5.15): which value is wanted.
    pub enum Select: u8 {
        CURRENT = 0,
        DEFAULT = 1,
        SAVED = 2,
        SUPPORTED_CAPABILITIES = 3,
    }
}

/// Get Features (5.15) and Set Features (5.27): dwords 10 to 15.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// Which feature.
    pub fid: FeatureId,
    /// Get only: which value.
    pub sel: Select,
    /// Set only: keep over resets.
    pub save: bool,
    /// Dword 11: the value, for most features.
    pub dw11: u32,
    /// Dword 12.
    pub dw12: u32,
    /// UUID index.
    pub uuid_index: u8,
}

impl Features {
    /// Reads the command's dwords.
    pub const fn of(sqe: &Sqe) -> Self {
        let d10 = sqe.cdw10.get();
        Self {
            fid: FeatureId(d10 as u8),
            sel: Select((d10 >> 8) as u8 & 7),
            save: d10 >> 31 != 0,
            dw11: sqe.cdw11.get(),
            dw12: sqe.cdw12.get(),
            uuid_index: (sqe.cdw14.get() & 0x7f) as u8,
        }
    }

    /// Set Features without data.
    pub fn set(fid: FeatureId, nsid: u32, dw11: u32) -> Sqe {
        let mut sqe = Sqe::new(AdminOpcode::SET_FEATURES.0, nsid);
        sqe.cdw10 = U32::new(fid.0 as u32);
        sqe.cdw11 = U32::new(dw11);
        sqe
    }

    /// Get Features.
    pub fn get(fid: FeatureId, nsid: u32, sel: Select) -> Sqe {
        let mut sqe = Sqe::new(AdminOpcode::GET_FEATURES.0, nsid);
        sqe.cdw10 = U32::new(fid.0 as u32 | ((sel.0 & 7) as u32) << 8);
        sqe
    }
}

/// Dword 0 of Get Features with SEL = 3: what can be done with a feature (5.15).
pub mod capability {
    /// The value can be saved.
    pub const SAVEABLE: u32 = 1;
    /// The feature is per namespace.
    pub const NAMESPACE_SPECIFIC: u32 = 1 << 1;
    /// The value can be changed.
    pub const CHANGEABLE: u32 = 1 << 2;
}

bitfield! {
    /// Number of Queues (5.27.1.5): dword 11 of the request and dword 0 of the answer; both counts zero-based and
    /// without the admin queue. FFFFh is not allowed in a request.
    pub struct QueueCount(u32) {
        flags {}
        fields {
            /// I/O submission queues, zero-based.
            nsq_z, with_nsq_z: u16 = 0, 16;
            /// I/O completion queues, zero-based.
            ncq_z, with_ncq_z: u16 = 16, 16;
        }
    }
}

/// Timestamp feature data (5.27.1.13): 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Timestamp {
    /// Milliseconds since 1970-01-01 00:00 UTC: 48 bits, little-endian.
    pub ms: [u8; 6],
    /// Get only: bit 0 SYNCH (the clock may have stood still), bits 3:1 ORIGIN (1 for "set by the host").
    pub attributes: u8,
    /// Reserved.
    pub rsvd: u8,
}
assert_size!(Timestamp = 8);

impl Timestamp {
    /// From a count of milliseconds; its low 48 bits count.
    pub const fn new(ms: u64, origin: u8) -> Self {
        let b = ms.to_le_bytes();
        Self { ms: [b[0], b[1], b[2], b[3], b[4], b[5]], attributes: (origin & 7) << 1, rsvd: 0 }
    }

    /// Milliseconds since 1970.
    pub const fn millis(&self) -> u64 {
        let b = &self.ms;
        u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], 0, 0])
    }
}

/// Abort (5.1): dword 10.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abort {
    /// Queue of the command to abort.
    pub sqid: u16,
    /// Identifier of the command to abort.
    pub cid: u16,
}

impl Abort {
    /// Dword 0 of the completion when the command was *not* aborted (bit 0 set), and when it was.
    pub const NOT_ABORTED: u32 = 1;
    /// Dword 0 when the command was aborted.
    pub const ABORTED: u32 = 0;

    /// Reads the command's dword.
    pub const fn of(sqe: &Sqe) -> Self {
        let d10 = sqe.cdw10.get();
        Self { sqid: d10 as u16, cid: (d10 >> 16) as u16 }
    }

    /// An Abort command.
    pub fn sqe(self) -> Sqe {
        let mut sqe = Sqe::new(AdminOpcode::ABORT.0, 0);
        sqe.cdw10 = U32::new(self.sqid as u32 | (self.cid as u32) << 16);
        sqe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identify_fields() {
        let sqe = Identify::sqe(Cns::NAMESPACE_CSI, 3, Csi::ZONED);
        let id = Identify::of(&sqe);
        assert_eq!((id.cns, id.csi, sqe.nsid.get()), (Cns::NAMESPACE_CSI, Csi::ZONED, 3));
        let mut sqe = sqe;
        sqe.cdw10 = U32::new(0x1234_0013);
        sqe.cdw11 = U32::new(0x0100_abcd);
        sqe.cdw14 = U32::new(0xffff_ffff);
        let id = Identify::of(&sqe);
        assert_eq!((id.cns, id.cntid, id.cnssid), (Cns::SUBSYSTEM_CONTROLLERS, 0x1234, 0xabcd));
        assert_eq!((id.csi, id.uuid_index), (Csi::KEY_VALUE, 0x7f));
    }

    #[test]
    fn log_page_length_and_offset() {
        let sqe = GetLogPage::sqe(LogId::DISCOVERY, 0, 0x0008_0000, 0x1_0000_0400, true);
        assert_eq!((sqe.cdw10.get(), sqe.cdw11.get()), (0xffff_8070, 0x0001));
        let log = GetLogPage::of(&sqe);
        assert_eq!((log.lid, log.bytes, log.offset), (LogId::DISCOVERY, 0x0008_0000, 0x1_0000_0400));
        assert!(log.rae && log.lsp == 0 && !log.ot);
        let mut sqe = sqe;
        sqe.cdw10 = U32::new(0xffff_7f02);
        sqe.cdw11 = U32::new(0x5555_ffff);
        sqe.cdw14 = U32::new(0x0280_0003);
        let log = GetLogPage::of(&sqe);
        assert_eq!((log.lsp, log.rae, log.lsi, log.bytes), (0x7f, false, 0x5555, 1 << 34));
        assert_eq!((log.ot, log.csi, log.uuid_index), (true, Csi::ZONED, 3));
    }

    #[test]
    fn features_fields() {
        let mut sqe = Features::set(FeatureId::NUMBER_OF_QUEUES, 0, 0x0007_0007);
        let f = Features::of(&sqe);
        assert_eq!((f.fid, f.dw11, f.save), (FeatureId::NUMBER_OF_QUEUES, 0x0007_0007, false));
        let q = QueueCount(f.dw11);
        assert_eq!((q.nsq_z(), q.ncq_z()), (7, 7));
        sqe.cdw10 = U32::new(0x8000_0006);
        assert!(Features::of(&sqe).save);
        let sqe = Features::get(FeatureId::TIMESTAMP, 0, Select::SUPPORTED_CAPABILITIES);
        assert_eq!(sqe.cdw10.get(), 0x30e);
        assert_eq!(Features::of(&sqe).sel, Select::SUPPORTED_CAPABILITIES);
    }

    #[test]
    fn timestamp_bytes() {
        let t = Timestamp::new(0x0102_0304_0506, 1);
        assert_eq!(t.as_bytes(), &[6, 5, 4, 3, 2, 1, 2, 0]);
        assert_eq!(t.millis(), 0x0102_0304_0506);
        assert_eq!(Timestamp::new(u64::MAX, 0).millis(), (1 << 48) - 1);
    }

    #[test]
    fn abort_fields() {
        let abort = Abort { sqid: 2, cid: 0x4001 };
        assert_eq!(abort.sqe().cdw10.get(), 0x4001_0002);
        assert_eq!(Abort::of(&abort.sqe()), abort);
    }
}
