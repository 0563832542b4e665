//! Parameter data of third-party copies: lists of what to copy, tokens, and what is said of copies (SPC-4 6.4 to 6.5, 6.17 to
//! 6.24, 7.8.17; SBC-3 5.8, 5.49, 6.6.6).

use crate::be::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Descriptor type code (SPC-4 6.4.6.1).
    pub enum Descriptor: u8 {
        /// Segment: from blocks to blocks.
        BLOCK_TO_BLOCK = 0x02,
        /// Segment: from blocks to blocks, in bytes.
        BLOCK_TO_BLOCK_OFFSET = 0x0a,
        /// Copy source or destination, by a designator of its Device Identification page.
        IDENTIFICATION = 0xe4,
        /// The header of a list whose identifier has four bytes.
        HEADER = 0xff,
    }
}

open_enum! {
    /// LIST ID USAGE (SPC-4 6.4.3.2).
    pub enum ListIdUsage: u8 {
        /// Results are kept for who asks.
        HOLD = 0,
        /// Results need not be kept.
        DISCARD = 2,
        /// The list has no identifier.
        NONE = 3,
    }
}

/// Header of an EXTENDED COPY (LID1) parameter list (SPC-4 6.5.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Lid1Header {
    /// LIST IDENTIFIER.
    pub list: u8,
    /// STR, LIST ID USAGE, PRIORITY.
    pub flags: u8,
    /// CSCD DESCRIPTOR LIST LENGTH.
    pub cscds: U16,
    /// Reserved.
    pub reserved: [u8; 4],
    /// SEGMENT DESCRIPTOR LIST LENGTH.
    pub segments: U32,
    /// INLINE DATA LENGTH.
    pub inline: U32,
}
assert_size!(Lid1Header = 16);

/// Header of an EXTENDED COPY (LID4) parameter list (SPC-4 6.4.3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Lid4Header {
    /// PARAMETER LIST FORMAT: [`Lid4Header::FORMAT`].
    pub format: u8,
    /// STR, LIST ID USAGE, PRIORITY.
    pub flags: u8,
    /// HEADER CSCD DESCRIPTOR LIST LENGTH: [`Lid4Header::HEADER_LENGTH`].
    pub header_length: U16,
    /// Reserved.
    pub reserved4: [u8; 11],
    /// G_SENSE, IMMED.
    pub flags15: u8,
    /// HEADER CSCD DESCRIPTOR TYPE CODE: [`Descriptor::HEADER`].
    pub kind: u8,
    /// Reserved.
    pub reserved17: [u8; 3],
    /// LIST IDENTIFIER.
    pub list: U32,
    /// Reserved.
    pub reserved24: [u8; 18],
    /// CSCD DESCRIPTOR LIST LENGTH.
    pub cscds: U16,
    /// SEGMENT DESCRIPTOR LIST LENGTH.
    pub segments: U16,
    /// INLINE DATA LENGTH.
    pub inline: U16,
}
assert_size!(Lid4Header = 48);

impl Lid4Header {
    /// The one format that there is.
    pub const FORMAT: u8 = 1;
    /// The one length that there is.
    pub const HEADER_LENGTH: u16 = 0x20;
    /// G_SENSE: sense data also of a copy that went well.
    pub const G_SENSE: u8 = 0x02;
}

/// LIST ID USAGE in the second byte of either header.
pub fn list_id_usage(flags: u8) -> ListIdUsage {
    ListIdUsage(flags >> 3 & 3)
}

/// Identification CSCD descriptor (SPC-4 6.4.5.6).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Cscd {
    /// DESCRIPTOR TYPE CODE: [`Descriptor::IDENTIFICATION`].
    pub kind: u8,
    /// LU ID TYPE (ignored for this type), PERIPHERAL DEVICE TYPE.
    pub device: u8,
    /// RELATIVE INITIATOR PORT IDENTIFIER.
    pub initiator: U16,
    /// CODE SET.
    pub code_set: u8,
    /// ASSOCIATION, DESIGNATOR TYPE.
    pub designator_kind: u8,
    /// Reserved.
    pub reserved: u8,
    /// DESIGNATOR LENGTH.
    pub length: u8,
    /// DESIGNATOR.
    pub designator: [u8; 20],
    /// PAD.
    pub pad: u8,
    /// DISK BLOCK LENGTH.
    pub block_bytes: [u8; 3],
}
assert_size!(Cscd = 32);

impl Cscd {
    /// The designator, as long as it says.
    pub fn name(&self) -> Option<&[u8]> {
        self.designator.get(..usize::from(self.length))
    }

    /// DISK BLOCK LENGTH.
    pub fn block_length(&self) -> u32 {
        let [high, middle, low] = self.block_bytes;
        u32::from_be_bytes([0, high, middle, low])
    }
}

/// CSCD DESCRIPTOR ID that means the logical unit which got the command (SPC-4 6.4.6.1).
pub const THIS_UNIT: u16 = 0xffff;

/// What all segment descriptors begin with (SPC-4 6.4.6.1).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SegmentHeader {
    /// DESCRIPTOR TYPE CODE.
    pub kind: u8,
    /// DC, CAT.
    pub flags: u8,
    /// DESCRIPTOR LENGTH: bytes that follow this field.
    pub length: U16,
    /// SOURCE CSCD DESCRIPTOR ID.
    pub source: U16,
    /// DESTINATION CSCD DESCRIPTOR ID.
    pub destination: U16,
}
assert_size!(SegmentHeader = 8);

impl SegmentHeader {
    /// DC: the count is of blocks of the destination.
    pub const DC: u8 = 0x02;
    /// CAT.
    pub const CAT: u8 = 0x01;
}

/// Block device to block device segment (SPC-4 6.4.6.3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BlockSegment {
    /// What all have.
    pub header: SegmentHeader,
    /// Reserved.
    pub reserved: [u8; 2],
    /// BLOCK DEVICE NUMBER OF BLOCKS.
    pub blocks: U16,
    /// SOURCE BLOCK DEVICE LOGICAL BLOCK ADDRESS.
    pub from: U64,
    /// DESTINATION BLOCK DEVICE LOGICAL BLOCK ADDRESS.
    pub to: U64,
}
assert_size!(BlockSegment = 28);

/// Block device to block device with offset segment (SPC-4 6.4.6.11).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OffsetSegment {
    /// What all have.
    pub header: SegmentHeader,
    /// NUMBER OF BYTES.
    pub bytes: U32,
    /// SOURCE BLOCK DEVICE LOGICAL BLOCK ADDRESS.
    pub from: U64,
    /// DESTINATION BLOCK DEVICE LOGICAL BLOCK ADDRESS.
    pub to: U64,
    /// SOURCE BLOCK DEVICE BYTE OFFSET.
    pub from_offset: U16,
    /// DESTINATION BLOCK DEVICE BYTE OFFSET.
    pub to_offset: U16,
}
assert_size!(OffsetSegment = 32);

/// Block device range descriptor (SBC-3 5.8.3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BlockRange {
    /// LOGICAL BLOCK ADDRESS.
    pub lba: U64,
    /// NUMBER OF LOGICAL BLOCKS.
    pub blocks: U32,
    /// Reserved.
    pub reserved: U32,
}
assert_size!(BlockRange = 16);

/// Header of a POPULATE TOKEN parameter list (SBC-3 5.8.2); ranges follow.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PopulateHeader {
    /// POPULATE TOKEN DATA LENGTH: bytes that follow this field.
    pub length: U16,
    /// RTV, IMMED.
    pub flags: u8,
    /// Reserved.
    pub reserved3: u8,
    /// INACTIVITY TIMEOUT, in seconds; 0: the usual one.
    pub timeout: U32,
    /// ROD TYPE, if RTV.
    pub kind: U32,
    /// Reserved.
    pub reserved12: [u8; 2],
    /// BLOCK DEVICE RANGE DESCRIPTOR LENGTH.
    pub ranges: U16,
}
assert_size!(PopulateHeader = 16);

impl PopulateHeader {
    /// RTV: ROD TYPE counts.
    pub const RTV: u8 = 0x02;
}

/// Bytes of a token that is made here, and of what WRITE USING TOKEN brings.
pub const TOKEN_BYTES: usize = 512;
/// TOKEN LENGTH of such a token: bytes that follow the field.
pub const TOKEN_LENGTH: u16 = 0x1f8;
/// Bytes of a token that a management list has (SPC-4 6.20).
pub const MANAGEMENT_BYTES: usize = 96;

/// Header of a WRITE USING TOKEN parameter list (SBC-3 5.49.2); ranges follow.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct UseHeader {
    /// WRITE USING TOKEN DATA LENGTH: bytes that follow this field.
    pub length: U16,
    /// DEL_TKN, IMMED.
    pub flags: u8,
    /// Reserved.
    pub reserved3: [u8; 5],
    /// OFFSET INTO ROD, in blocks of the token's maker.
    pub offset: U64,
    /// ROD TOKEN.
    pub token: [u8; TOKEN_BYTES],
    /// Reserved.
    pub reserved528: [u8; 6],
    /// BLOCK DEVICE RANGE DESCRIPTOR LENGTH.
    pub ranges: U16,
}
assert_size!(UseHeader = 536);

impl UseHeader {
    /// DEL_TKN: the token is used for the last time.
    pub const DEL_TKN: u8 = 0x02;
}

open_enum! {
    /// ROD type (SPC-4 5.16.6.2, SBC-3 4.25).
    pub enum RodType: u32 {
        /// Point in time copy, change vulnerable: what is written to its blocks makes it invalid.
        POINT_IN_TIME_VULNERABLE = 0x0080_0001,
        /// Zeroes, as many as are wanted.
        BLOCK_ZERO = 0xffff_0001,
    }
}

/// ROD token (SPC-4 5.16.6.5).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Token {
    /// ROD TYPE.
    pub kind: U32,
    /// Reserved.
    pub reserved4: [u8; 2],
    /// ROD TOKEN LENGTH: [`TOKEN_LENGTH`].
    pub length: U16,
    /// COPY MANAGER ROD TOKEN IDENTIFIER.
    pub id: U64,
    /// CREATOR LOGICAL UNIT DESCRIPTOR.
    pub creator: Cscd,
    /// NUMBER OF BYTES REPRESENTED, the upper half.
    pub bytes_high: U64,
    /// NUMBER OF BYTES REPRESENTED, the lower half.
    pub bytes: U64,
    /// ROD TOKEN TYPE SPECIFIC DATA.
    pub specific: [u8; 32],
    /// Device type specific data: of a disk LOGICAL BLOCK LENGTH IN BYTES and what stands behind it in READ CAPACITY (16).
    pub block_bytes: U32,
    /// The rest of it.
    pub device: [u8; 28],
    /// TARGET DEVICE DESCRIPTOR and EXTENDED ROD TOKEN DATA: here a number that nobody can guess, then zeroes.
    pub secret: [u8; 384],
}
assert_size!(Token = 512);

/// RECEIVE COPY STATUS (LID1) data (SPC-4 6.18).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct StatusLid1 {
    /// AVAILABLE DATA: bytes that follow this field.
    pub available: U32,
    /// HDD (bit 7: held data was discarded), COPY OPERATION STATUS.
    pub status: u8,
    /// SEGMENTS PROCESSED.
    pub segments: U16,
    /// TRANSFER COUNT UNITS.
    pub units: u8,
    /// TRANSFER COUNT.
    pub count: U32,
}
assert_size!(StatusLid1 = 12);

/// RECEIVE COPY STATUS (LID4) data, and the first part of RECEIVE ROD TOKEN INFORMATION data (SPC-4 6.17, 6.19); sense data
/// follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct StatusLid4 {
    /// AVAILABLE DATA: bytes that follow this field.
    pub available: U32,
    /// RESPONSE TO SERVICE ACTION.
    pub action: u8,
    /// HDD, COPY OPERATION STATUS.
    pub status: u8,
    /// OPERATION COUNTER.
    pub operations: U16,
    /// ESTIMATED STATUS UPDATE DELAY in milliseconds; all ones: unknown.
    pub delay: U32,
    /// EXTENDED COPY COMPLETION STATUS.
    pub completion: u8,
    /// LENGTH OF THE SENSE DATA FIELD.
    pub sense_room: u8,
    /// SENSE DATA LENGTH.
    pub sense_length: u8,
    /// TRANSFER COUNT UNITS.
    pub units: u8,
    /// TRANSFER COUNT.
    pub count: U64,
    /// SEGMENTS PROCESSED.
    pub segments: U16,
    /// Reserved.
    pub reserved: [u8; 6],
}
assert_size!(StatusLid4 = 32);

open_enum! {
    /// COPY OPERATION STATUS (SPC-4 6.17, table 215; the first three also of LID1, table 217).
    pub enum CopyStatus: u8 {
        /// Of LID1: on its way.
        IN_PROGRESS = 0x00,
        /// Done.
        DONE = 0x01,
        /// Ended with an error.
        FAILED = 0x02,
        /// Of LID4: on its way, and its command with it.
        IN_FOREGROUND = 0x11,
        /// Ended by COPY OPERATION ABORT, or a task management function.
        ABORTED = 0x60,
    }
}

open_enum! {
    /// TRANSFER COUNT UNITS (SPC-4 6.17, table 216).
    pub enum CountUnits: u8 {
        /// Bytes.
        BYTES = 0x00,
        /// 1,048,576 bytes.
        MEBIBYTES = 0x02,
        /// Logical blocks.
        BLOCKS = 0xf1,
    }
}

/// RECEIVE COPY FAILURE DETAILS data (SPC-4 6.22); sense data follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FailureDetails {
    /// AVAILABLE DATA: bytes that follow this field.
    pub available: U32,
    /// Reserved.
    pub reserved: [u8; 52],
    /// EXTENDED COPY COMPLETION STATUS.
    pub status: u8,
    /// Reserved.
    pub reserved57: u8,
    /// SENSE DATA LENGTH.
    pub sense_length: U16,
}
assert_size!(FailureDetails = 60);

/// RECEIVE COPY OPERATING PARAMETERS data (SPC-4 6.21); descriptor type codes follow, rising.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OperatingParameters {
    /// AVAILABLE DATA: bytes that follow this field.
    pub available: U32,
    /// SNLID: lists without identifier are taken.
    pub snlid: u8,
    /// Reserved.
    pub reserved5: [u8; 3],
    /// MAXIMUM CSCD DESCRIPTOR COUNT.
    pub cscds: U16,
    /// MAXIMUM SEGMENT DESCRIPTOR COUNT.
    pub segments: U16,
    /// MAXIMUM DESCRIPTOR LIST LENGTH.
    pub list: U32,
    /// MAXIMUM SEGMENT LENGTH in bytes.
    pub segment: U32,
    /// MAXIMUM INLINE DATA LENGTH.
    pub inline: U32,
    /// HELD DATA LIMIT.
    pub held: U32,
    /// MAXIMUM STREAM DEVICE TRANSFER SIZE.
    pub stream: U32,
    /// Reserved.
    pub reserved32: [u8; 2],
    /// TOTAL CONCURRENT COPIES.
    pub total: U16,
    /// MAXIMUM CONCURRENT COPIES.
    pub concurrent: u8,
    /// DATA SEGMENT GRANULARITY, as a power of two.
    pub granularity: u8,
    /// INLINE DATA GRANULARITY.
    pub inline_granularity: u8,
    /// HELD DATA GRANULARITY.
    pub held_granularity: u8,
    /// Reserved.
    pub reserved40: [u8; 3],
    /// IMPLEMENTED DESCRIPTOR LIST LENGTH.
    pub kinds: u8,
}
assert_size!(OperatingParameters = 44);

/// Block Device ROD Token Limits (SBC-3 6.6.6.3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RodLimits {
    /// Third-party copy descriptor type 0000h.
    pub kind: U16,
    /// Bytes that follow this field.
    pub length: U16,
    /// Vendor specific.
    pub vendor: [u8; 6],
    /// MAXIMUM RANGE DESCRIPTORS.
    pub ranges: U16,
    /// MAXIMUM INACTIVITY TIMEOUT in seconds.
    pub max_timeout: U32,
    /// DEFAULT INACTIVITY TIMEOUT in seconds.
    pub timeout: U32,
    /// MAXIMUM TOKEN TRANSFER SIZE in blocks.
    pub max_transfer: U64,
    /// OPTIMAL TRANSFER COUNT in blocks.
    pub optimal: U64,
}
assert_size!(RodLimits = 36);

/// Parameter Data third-party copy descriptor (SPC-4 7.8.17.5).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ParameterLimits {
    /// Third-party copy descriptor type 0004h.
    pub kind: U16,
    /// Bytes that follow this field.
    pub length: U16,
    /// Reserved.
    pub reserved: [u8; 4],
    /// MAXIMUM CSCD DESCRIPTOR COUNT.
    pub cscds: U16,
    /// MAXIMUM SEGMENT DESCRIPTOR COUNT.
    pub segments: U16,
    /// MAXIMUM DESCRIPTOR LIST LENGTH.
    pub list: U32,
    /// MAXIMUM INLINE DATA LENGTH.
    pub inline: U32,
    /// Reserved.
    pub reserved20: [u8; 12],
}
assert_size!(ParameterLimits = 32);

/// ROD Token Features, with the one descriptor of block devices (SPC-4 7.8.17.8).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RodFeatures {
    /// Third-party copy descriptor type 0106h.
    pub kind: U16,
    /// Bytes that follow this field.
    pub length: U16,
    /// REMOTE TOKENS.
    pub remote: u8,
    /// Reserved.
    pub reserved5: [u8; 11],
    /// MINIMUM TOKEN LIFETIME in seconds.
    pub min_life: U32,
    /// MAXIMUM TOKEN LIFETIME in seconds.
    pub max_life: U32,
    /// MAXIMUM TOKEN INACTIVITY TIMEOUT in seconds.
    pub max_timeout: U32,
    /// Reserved.
    pub reserved28: [u8; 18],
    /// ROD DEVICE TYPE SPECIFIC FEATURES DESCRIPTORS LENGTH.
    pub features: U16,
    /// DESCRIPTOR FORMAT, PERIPHERAL DEVICE TYPE.
    pub device: u8,
    /// Reserved.
    pub reserved49: u8,
    /// Bytes that follow this field.
    pub device_length: U16,
    /// Reserved.
    pub reserved52: [u8; 2],
    /// OPTIMAL BLOCK ROD LENGTH GRANULARITY.
    pub granularity: U16,
    /// MAXIMUM BYTES IN BLOCK ROD.
    pub max_bytes: U64,
    /// OPTIMAL BYTES IN BLOCK ROD TRANSFER.
    pub optimal_bytes: U64,
    /// OPTIMAL BYTES TO TOKEN PER SEGMENT.
    pub optimal_to: U64,
    /// OPTIMAL BYTES FROM TOKEN PER SEGMENT.
    pub optimal_from: U64,
    /// Reserved.
    pub reserved88: [u8; 8],
}
assert_size!(RodFeatures = 96);

/// ROD type descriptor of the Supported ROD Token and ROD Types descriptor (SPC-4 7.8.17.9).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RodTypeDescriptor {
    /// ROD TYPE.
    pub kind: U32,
    /// ECPY_INT, TOKEN_IN, TOKEN_OUT.
    pub flags: u8,
    /// Reserved.
    pub reserved5: u8,
    /// PREFERENCE INDICATOR.
    pub preference: U16,
    /// Reserved.
    pub reserved8: [u8; 56],
}
assert_size!(RodTypeDescriptor = 64);

impl RodTypeDescriptor {
    /// TOKEN_IN: such tokens are taken.
    pub const TOKEN_IN: u8 = 0x02;
    /// TOKEN_OUT: such tokens are made.
    pub const TOKEN_OUT: u8 = 0x01;
}

/// General Copy Operations (SPC-4 7.8.17.13).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct GeneralLimits {
    /// Third-party copy descriptor type 8001h.
    pub kind: U16,
    /// Bytes that follow this field.
    pub length: U16,
    /// TOTAL CONCURRENT COPIES.
    pub total: U32,
    /// MAXIMUM IDENTIFIED CONCURRENT COPIES.
    pub identified: U32,
    /// MAXIMUM SEGMENT LENGTH in bytes.
    pub segment: U32,
    /// DATA SEGMENT GRANULARITY, as a power of two.
    pub granularity: u8,
    /// INLINE DATA GRANULARITY.
    pub inline_granularity: u8,
    /// Reserved.
    pub reserved: [u8; 18],
}
assert_size!(GeneralLimits = 36);
