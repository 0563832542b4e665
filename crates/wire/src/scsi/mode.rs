//! Mode parameters (SPC-4 7.5, SBC-3 6.5).

use crate::be::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Mode parameter header of the six-byte commands (SPC-4 7.5.5).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Header6 {
    /// MODE DATA LENGTH: bytes that follow.
    pub length: u8,
    /// MEDIUM TYPE.
    pub medium: u8,
    /// DEVICE-SPECIFIC PARAMETER.
    pub device: u8,
    /// BLOCK DESCRIPTOR LENGTH.
    pub descriptors: u8,
}
assert_size!(Header6 = 4);

/// Mode parameter header of the ten-byte commands (SPC-4 7.5.5).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Header10 {
    /// MODE DATA LENGTH: bytes that follow.
    pub length: U16,
    /// MEDIUM TYPE.
    pub medium: u8,
    /// DEVICE-SPECIFIC PARAMETER.
    pub device: u8,
    /// LONGLBA in bit 0.
    pub longlba: u8,
    /// Reserved.
    pub reserved: u8,
    /// BLOCK DESCRIPTOR LENGTH.
    pub descriptors: U16,
}
assert_size!(Header10 = 8);

/// WP of the device-specific parameter of a disk (SBC-3 6.5.1).
pub const DEVICE_WP: u8 = 0x80;
/// DPOFUA of it: both bits are taken.
pub const DEVICE_DPOFUA: u8 = 0x10;

/// Short LBA mode parameter block descriptor (SBC-3 6.5.2.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ShortDescriptor {
    /// NUMBER OF LOGICAL BLOCKS; all ones: more than fits.
    pub blocks: U32,
    /// Reserved in the first byte, LOGICAL BLOCK LENGTH.
    pub block_bytes: U32,
}
assert_size!(ShortDescriptor = 8);

/// Long LBA mode parameter block descriptor (SBC-3 6.5.2.3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LongDescriptor {
    /// NUMBER OF LOGICAL BLOCKS.
    pub blocks: U64,
    /// Reserved.
    pub reserved: U32,
    /// LOGICAL BLOCK LENGTH.
    pub block_bytes: U32,
}
assert_size!(LongDescriptor = 16);

open_enum! {
    /// Mode page codes (SBC-3 6.5.1).
    pub enum ModePage: u8 {
        /// Read-Write Error Recovery.
        ERROR_RECOVERY = 0x01,
        /// Caching.
        CACHING = 0x08,
        /// Control.
        CONTROL = 0x0a,
        /// Informational Exceptions Control.
        EXCEPTIONS = 0x1c,
        /// All pages.
        ALL = 0x3f,
    }
}

/// SPF of a page's first byte: a subpage, with a longer header.
pub const SPF: u8 = 0x40;
/// PS of a page's first byte: it can be saved. Reserved in what is selected.
pub const PS: u8 = 0x80;
/// SUBPAGE CODE of the Control Extension mode page, under [`ModePage::CONTROL`].
pub const CONTROL_EXTENSION: u8 = 0x01;

/// Header of a subpage (SPC-4 7.5.7).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SubpageHeader {
    /// PS, SPF, PAGE CODE.
    pub page: u8,
    /// SUBPAGE CODE.
    pub subpage: u8,
    /// PAGE LENGTH: bytes that follow.
    pub length: U16,
}
assert_size!(SubpageHeader = 4);

/// Read-Write Error Recovery mode page (SBC-3 6.5.7).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ErrorRecovery {
    /// PS, SPF, PAGE CODE.
    pub page: u8,
    /// PAGE LENGTH.
    pub length: u8,
    /// AWRE, ARRE, TB, RC, EER, PER, DTE, DCR, and the rest, of which nothing is set.
    pub rest: [u8; 10],
}
assert_size!(ErrorRecovery = 12);

/// Control Extension mode page (SPC-4 7.5.9).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ControlExtension {
    /// The page's header.
    pub header: SubpageHeader,
    /// TCMOS, SCSIP, IALUAE.
    pub flags4: u8,
    /// INITIAL COMMAND PRIORITY.
    pub priority: u8,
    /// MAXIMUM SENSE DATA LENGTH; 0: not limited.
    pub most_sense: u8,
    /// Reserved.
    pub reserved: [u8; 25],
}
assert_size!(ControlExtension = 32);

impl ControlExtension {
    /// TCMOS: the clock may be set by other means than SET TIMESTAMP.
    pub const TCMOS: u8 = 0x04;
    /// SCSIP: SET TIMESTAMP goes before other means.
    pub const SCSIP: u8 = 0x02;
    /// IALUAE: implicit changes of asymmetric access are enabled.
    pub const IALUAE: u8 = 0x01;
}

/// Caching mode page (SBC-3 6.5.5).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Caching {
    /// PS, SPF, PAGE CODE.
    pub page: u8,
    /// PAGE LENGTH.
    pub length: u8,
    /// IC, ABPF, CAP, DISC, SIZE, WCE, MF, RCD.
    pub flags: u8,
    /// The rest, of which nothing is set.
    pub rest: [u8; 17],
}
assert_size!(Caching = 20);

impl Caching {
    /// WCE: there is a volatile write cache.
    pub const WCE: u8 = 0x04;
}

/// Control mode page (SPC-4 7.5.8).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Control {
    /// PS, SPF, PAGE CODE.
    pub page: u8,
    /// PAGE LENGTH.
    pub length: u8,
    /// TST, TMF_ONLY, DPICZ, D_SENSE, GLTSD, RLEC.
    pub flags2: u8,
    /// QUEUE ALGORITHM MODIFIER, NUAR, QERR.
    pub queueing: u8,
    /// VS, RAC, UA_INTLCK_CTRL, SWP.
    pub flags4: u8,
    /// ATO, TAS, ATMPE, RWWP, AUTOLOAD MODE.
    pub flags5: u8,
    /// Obsolete.
    pub obsolete: U16,
    /// BUSY TIMEOUT PERIOD in 100 ms; all ones: no limit.
    pub busy_timeout: U16,
    /// EXTENDED SELF-TEST COMPLETION TIME in seconds.
    pub self_test: U16,
}
assert_size!(Control = 12);

impl Control {
    /// GLTSD: log parameters are not saved by themselves.
    pub const GLTSD: u8 = 0x02;
    /// TST 001b: a task set for each I_T nexus.
    pub const TST_PER_NEXUS: u8 = 0x20;
    /// D_SENSE: descriptor format sense data.
    pub const D_SENSE: u8 = 0x04;
    /// QUEUE ALGORITHM MODIFIER 1h: simple commands in any order.
    pub const UNRESTRICTED: u8 = 0x10;
    /// SWP: software write protect.
    pub const SWP: u8 = 0x08;
    /// TAS: commands that another nexus aborted end with TASK ABORTED.
    pub const TAS: u8 = 0x40;
}

/// Informational Exceptions Control mode page (SPC-4 7.5.11, SBC-3 6.5.8).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Exceptions {
    /// PS, SPF, PAGE CODE.
    pub page: u8,
    /// PAGE LENGTH.
    pub length: u8,
    /// PERF, EBF, EWASC, DEXCPT, TEST, EBACKERR, LOGERR.
    pub flags: u8,
    /// MRIE.
    pub method: u8,
    /// INTERVAL TIMER.
    pub interval: U32,
    /// REPORT COUNT.
    pub count: U32,
}
assert_size!(Exceptions = 12);

impl Exceptions {
    /// EWASC: warnings are reported.
    pub const EWASC: u8 = 0x10;
    /// DEXCPT: none are reported.
    pub const DEXCPT: u8 = 0x08;
    /// TEST: one is reported that is none.
    pub const TEST: u8 = 0x04;
    /// MRIE 0h: none are reported.
    pub const NO_REPORTING: u8 = 0x0;
    /// MRIE 2h: by a unit attention.
    pub const UNIT_ATTENTION: u8 = 0x2;
    /// MRIE 6h: only when asked (REQUEST SENSE).
    pub const ON_REQUEST: u8 = 0x6;
}
