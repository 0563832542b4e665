//! What other commands bring back or take along: capacity, logical units, port groups, operation codes, ranges to unmap.

use crate::be::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// READ CAPACITY (10) data (SBC-3 5.15.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Capacity10 {
    /// RETURNED LOGICAL BLOCK ADDRESS: the last block; all ones: ask with the longer command.
    pub last: U32,
    /// LOGICAL BLOCK LENGTH.
    pub block_bytes: U32,
}
assert_size!(Capacity10 = 8);

/// READ CAPACITY (16) data (SBC-3 5.16.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Capacity16 {
    /// RETURNED LOGICAL BLOCK ADDRESS: the last block.
    pub last: U64,
    /// LOGICAL BLOCK LENGTH.
    pub block_bytes: U32,
    /// RC BASIS, P_TYPE, PROT_EN.
    pub protection: u8,
    /// P_I_EXPONENT, LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT.
    pub exponent: u8,
    /// LBPME, LBPRZ, LOWEST ALIGNED LOGICAL BLOCK ADDRESS.
    pub provisioning: U16,
    /// Reserved.
    pub reserved: [u8; 16],
}
assert_size!(Capacity16 = 32);

impl Capacity16 {
    /// LBPME: blocks can be unmapped.
    pub const LBPME: u16 = 0x8000;
    /// LBPRZ: and then read as zeroes.
    pub const LBPRZ: u16 = 0x4000;
}

/// Header of REPORT LUNS data (SPC-4 6.33); a [`U64`]'s worth of LUN follows for each.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LunList {
    /// LUN LIST LENGTH in bytes.
    pub length: U32,
    /// Reserved.
    pub reserved: U32,
}
assert_size!(LunList = 8);

/// SELECT REPORT of REPORT LUNS (SPC-4 6.33).
pub mod select {
    /// All but well known ones.
    pub const LOGICAL_UNITS: u8 = 0x00;
    /// Well known ones only.
    pub const WELL_KNOWN: u8 = 0x01;
    /// All.
    pub const ALL: u8 = 0x02;
}

/// Target port group descriptor (SPC-4 6.36, table 290); a [`PortDescriptor`] for each port follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PortGroup {
    /// PREF, ASYMMETRIC ACCESS STATE.
    pub state: u8,
    /// T_SUP, O_SUP, LBD_SUP, U_SUP, S_SUP, AN_SUP, AO_SUP.
    pub supported: u8,
    /// TARGET PORT GROUP.
    pub group: U16,
    /// Reserved.
    pub reserved: u8,
    /// STATUS CODE.
    pub status: u8,
    /// Vendor specific.
    pub vendor: u8,
    /// TARGET PORT COUNT.
    pub ports: u8,
}
assert_size!(PortGroup = 8);

impl PortGroup {
    /// ASYMMETRIC ACCESS STATE: active/optimized.
    pub const ACTIVE_OPTIMIZED: u8 = 0;
    /// AO_SUP: that state is supported.
    pub const AO_SUP: u8 = 0x01;
    /// AN_SUP: active/non-optimized is.
    pub const AN_SUP: u8 = 0x02;
    /// S_SUP: standby is.
    pub const S_SUP: u8 = 0x04;
    /// U_SUP: unavailable is.
    pub const U_SUP: u8 = 0x08;
    /// T_SUP: transitioning is told.
    pub const T_SUP: u8 = 0x80;
}

/// Set target port group descriptor (SPC-4 6.45, table 319), behind four reserved bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SetPortGroup {
    /// ASYMMETRIC ACCESS STATE.
    pub state: u8,
    /// Reserved.
    pub reserved: u8,
    /// TARGET PORT GROUP.
    pub group: U16,
}
assert_size!(SetPortGroup = 4);

/// REPORT TIMESTAMP data (SPC-4 6.39).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Timestamp {
    /// TIMESTAMP PARAMETER DATA LENGTH: bytes that follow.
    pub length: U16,
    /// TIMESTAMP ORIGIN.
    pub origin: u8,
    /// Reserved.
    pub reserved: u8,
    /// TIMESTAMP: milliseconds since 1970.
    pub time: [u8; 6],
    /// Reserved.
    pub reserved10: [u8; 2],
}
assert_size!(Timestamp = 12);

/// Target port descriptor (SPC-4 6.36, table 293).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PortDescriptor {
    /// Obsolete.
    pub obsolete: U16,
    /// RELATIVE TARGET PORT IDENTIFIER.
    pub relative: U16,
}
assert_size!(PortDescriptor = 4);

/// Command descriptor of REPORT SUPPORTED OPERATION CODES, all_commands format (SPC-4 6.34.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OpcodeDescriptor {
    /// OPERATION CODE.
    pub opcode: u8,
    /// Reserved.
    pub reserved: u8,
    /// SERVICE ACTION.
    pub action: U16,
    /// Reserved.
    pub reserved4: u8,
    /// CTDP, SERVACTV.
    pub flags: u8,
    /// CDB LENGTH.
    pub len: U16,
}
assert_size!(OpcodeDescriptor = 8);

impl OpcodeDescriptor {
    /// SERVACTV: the service action means something.
    pub const SERVACTV: u8 = 0x01;
    /// CTDP: a time-outs descriptor follows.
    pub const CTDP: u8 = 0x02;
}

/// Command timeouts descriptor (SPC-4 6.34.4).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Timeouts {
    /// DESCRIPTOR LENGTH: bytes that follow.
    pub length: U16,
    /// Reserved.
    pub reserved: u8,
    /// Command specific.
    pub specific: u8,
    /// NOMINAL COMMAND PROCESSING TIMEOUT in seconds; 0: not said.
    pub nominal: U32,
    /// RECOMMENDED COMMAND TIMEOUT in seconds; 0: not said.
    pub recommended: U32,
}
assert_size!(Timeouts = 12);

/// UNMAP parameter list header (SBC-3 5.28.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct UnmapHeader {
    /// UNMAP DATA LENGTH: bytes that follow.
    pub length: U16,
    /// UNMAP BLOCK DESCRIPTOR DATA LENGTH.
    pub descriptors: U16,
    /// Reserved.
    pub reserved: U32,
}
assert_size!(UnmapHeader = 8);

/// UNMAP block descriptor (SBC-3 5.28.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct UnmapDescriptor {
    /// UNMAP LOGICAL BLOCK ADDRESS.
    pub lba: U64,
    /// NUMBER OF LOGICAL BLOCKS.
    pub blocks: U32,
    /// Reserved.
    pub reserved: U32,
}
assert_size!(UnmapDescriptor = 16);

/// Header of the data of GET LBA STATUS (SBC-3 5.5.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LbaStatusHeader {
    /// PARAMETER DATA LENGTH: bytes behind this field.
    pub length: U32,
    /// Reserved.
    pub reserved: [u8; 4],
}
assert_size!(LbaStatusHeader = 8);

/// LBA status descriptor (SBC-3 5.5.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LbaStatusDescriptor {
    /// LBA STATUS LOGICAL BLOCK ADDRESS.
    pub lba: U64,
    /// NUMBER OF LOGICAL BLOCKS.
    pub blocks: U32,
    /// PROVISIONING STATUS.
    pub status: u8,
    /// Reserved.
    pub reserved: [u8; 3],
}
assert_size!(LbaStatusDescriptor = 16);

impl LbaStatusDescriptor {
    /// Mapped, or nobody knows.
    pub const MAPPED: u8 = 0;
    /// Deallocated.
    pub const DEALLOCATED: u8 = 1;
}

impl UnmapDescriptor {
    /// The block behind the last; `None` when that is no number.
    pub fn end(&self) -> Option<u64> {
        self.lba.get().checked_add(self.blocks.get().into())
    }
}
