//! INQUIRY data: standard (SPC-4 6.6.2), and vital product data (SPC-4 7.8, SBC-3 6.6).

use crate::be::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// PERIPHERAL QUALIFIER 000b, device type 00h: a direct access block device is there.
pub const PERIPHERAL_DISK: u8 = 0x00;
/// PERIPHERAL QUALIFIER 011b, device type 1Fh: nothing is there, nor can be.
pub const PERIPHERAL_NONE: u8 = 0x7f;
/// PERIPHERAL QUALIFIER 000b, device type 1Eh: a well known logical unit.
pub const PERIPHERAL_WELL_KNOWN: u8 = 0x1e;
/// VERSION: SPC-4.
pub const VERSION_SPC4: u8 = 0x06;

/// Version descriptors (SPC-4 6.6.2, table 147): SAM-5, SPC-4, SBC-3, FCP-4, no version claimed.
pub mod version {
    /// SAM-5.
    pub const SAM_5: u16 = 0x00a0;
    /// SPC-4.
    pub const SPC_4: u16 = 0x0460;
    /// SBC-3.
    pub const SBC_3: u16 = 0x04c0;
    /// FCP-4.
    pub const FCP_4: u16 = 0x0a40;
    /// iSCSI (no version claimed).
    pub const ISCSI: u16 = 0x0960;
}

/// Standard INQUIRY data up to the version descriptors (SPC-4 table 142).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Standard {
    /// PERIPHERAL QUALIFIER and PERIPHERAL DEVICE TYPE.
    pub peripheral: u8,
    /// RMB in bit 7.
    pub removable: u8,
    /// VERSION.
    pub version: u8,
    /// NORMACA, HISUP, RESPONSE DATA FORMAT.
    pub format: u8,
    /// ADDITIONAL LENGTH: bytes behind this one.
    pub additional: u8,
    /// SCCS, TPGS, 3PC, PROTECT.
    pub flags5: u8,
    /// ENCSERV, MULTIP.
    pub flags6: u8,
    /// CMDQUE.
    pub flags7: u8,
    /// T10 VENDOR IDENTIFICATION.
    pub vendor: [u8; 8],
    /// PRODUCT IDENTIFICATION.
    pub product: [u8; 16],
    /// PRODUCT REVISION LEVEL.
    pub revision: [u8; 4],
    /// Vendor specific and obsolete.
    pub reserved: [u8; 22],
    /// VERSION DESCRIPTORs.
    pub versions: [U16; 8],
    /// Reserved.
    pub reserved74: [u8; 22],
}
assert_size!(Standard = 96);
assert_offset!(Standard: vendor = 8, product = 16, revision = 32, versions = 58);

impl Standard {
    /// HISUP, and response data format 2.
    pub const FORMAT: u8 = 0x12;
    /// RMB in byte 1.
    pub const RMB: u8 = 0x80;
    /// TPGS 11b in byte 5: implicit and explicit asymmetric access.
    pub const TPGS_BOTH: u8 = 0x30;
    /// 3PC in byte 5: third-party copies.
    pub const THIRD_PARTY_COPY: u8 = 0x08;
    /// MULTIP in byte 6: several ports.
    pub const MULTIP: u8 = 0x10;
    /// CMDQUE in byte 7.
    pub const CMDQUE: u8 = 0x02;

    /// Data that says that nothing is at this LUN, or something of type `peripheral`.
    pub fn new(peripheral: u8) -> Self {
        let mut data = Self::new_zeroed();
        data.peripheral = peripheral;
        data.version = VERSION_SPC4;
        data.format = Self::FORMAT;
        data.additional = (size_of::<Self>() - 5) as u8;
        data.flags7 = Self::CMDQUE;
        (data.vendor, data.product, data.revision) = ([b' '; 8], [b' '; 16], [b' '; 4]);
        data
    }
}

open_enum! {
    /// VPD page codes (SPC-4 7.8.1, SBC-3 6.6.1).
    pub enum VpdPage: u8 {
        /// Supported VPD Pages.
        SUPPORTED = 0x00,
        /// Unit Serial Number.
        SERIAL = 0x80,
        /// Device Identification.
        IDENTIFICATION = 0x83,
        /// Extended INQUIRY Data.
        EXTENDED = 0x86,
        /// Mode Page Policy.
        MODE_PAGE_POLICY = 0x87,
        /// SCSI Ports.
        PORTS = 0x88,
        /// Third-Party Copy.
        THIRD_PARTY_COPY = 0x8f,
        /// Block Limits.
        BLOCK_LIMITS = 0xb0,
        /// Block Device Characteristics.
        BLOCK_CHARACTERISTICS = 0xb1,
        /// Logical Block Provisioning.
        PROVISIONING = 0xb2,
        /// Referrals.
        REFERRALS = 0xb3,
    }
}

/// Header of each VPD page (SPC-4 7.8.1).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct VpdHeader {
    /// As in standard data.
    pub peripheral: u8,
    /// PAGE CODE.
    pub page: u8,
    /// PAGE LENGTH: bytes that follow.
    pub length: U16,
}
assert_size!(VpdHeader = 4);

/// Header of a designation descriptor (SPC-4 7.8.6.1).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Designator {
    /// PROTOCOL IDENTIFIER, CODE SET.
    pub code_set: u8,
    /// PIV, ASSOCIATION, DESIGNATOR TYPE.
    pub kind: u8,
    /// Reserved.
    pub reserved: u8,
    /// DESIGNATOR LENGTH: bytes that follow.
    pub length: u8,
}
assert_size!(Designator = 4);

impl Designator {
    /// CODE SET: binary.
    pub const BINARY: u8 = 1;
    /// CODE SET: ASCII.
    pub const ASCII: u8 = 2;
    /// CODE SET: UTF-8.
    pub const UTF_8: u8 = 3;
    /// DESIGNATOR TYPE: T10 vendor identification (SPC-4 7.8.6.4).
    pub const T10_VENDOR: u8 = 1;
    /// DESIGNATOR TYPE: EUI-64 based (SPC-4 7.8.6.5).
    pub const EUI64: u8 = 2;
    /// DESIGNATOR TYPE: NAA (SPC-4 7.8.6.6).
    pub const NAA: u8 = 3;
    /// DESIGNATOR TYPE: relative target port identifier (SPC-4 7.8.6.7).
    pub const RELATIVE_PORT: u8 = 4;
    /// DESIGNATOR TYPE: target port group (SPC-4 7.8.6.8).
    pub const PORT_GROUP: u8 = 5;
    /// DESIGNATOR TYPE: SCSI name string (SPC-4 7.8.6.11).
    pub const NAME_STRING: u8 = 8;
    /// DESIGNATOR TYPE: UUID (SPC-5 7.7.6.12).
    pub const UUID: u8 = 10;
    /// ASSOCIATION: the logical unit.
    pub const OF_UNIT: u8 = 0x00;
    /// ASSOCIATION: the target port.
    pub const OF_PORT: u8 = 0x10;
    /// ASSOCIATION: the target device.
    pub const OF_DEVICE: u8 = 0x20;
    /// PIV: the protocol identifier means something.
    pub const PIV: u8 = 0x80;
    /// PROTOCOL IDENTIFIER 0h in the upper half: Fibre Channel.
    pub const FIBRE_CHANNEL: u8 = 0x00;
    /// PROTOCOL IDENTIFIER 5h in the upper half: iSCSI.
    pub const ISCSI: u8 = 0x50;
}

/// Extended INQUIRY Data VPD page (SPC-4 7.8.7).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Extended {
    /// The page's header.
    pub header: VpdHeader,
    /// ACTIVATE MICROCODE, SPT, GRD_CHK, APP_CHK, REF_CHK.
    pub checks: u8,
    /// UASK_SUP, GROUP_SUP, PRIOR_SUP, HEADSUP, ORDSUP, SIMPSUP.
    pub attributes: u8,
    /// WU_SUP, CRD_SUP, NV_SUP, V_SUP.
    pub cache: u8,
    /// P_I_I_SUP, LUICLR.
    pub nexus: u8,
    /// The rest, of which nothing is set.
    pub rest: [u8; 56],
}
assert_size!(Extended = 64);

impl Extended {
    /// V_SUP: there is a volatile cache.
    pub const V_SUP: u8 = 0x01;
    /// Where MAXIMUM SUPPORTED SENSE DATA LENGTH stands in the rest (byte 13 of the page).
    pub const SENSE_LENGTH_AT: usize = 5;
    /// HEADSUP, ORDSUP, SIMPSUP.
    pub const ALL_ATTRIBUTES: u8 = 0x07;
    /// LUICLR: REPORTED LUNS DATA HAS CHANGED is told once to a nexus, not once for each logical unit.
    pub const LUICLR: u8 = 0x01;
}

/// Mode page policy descriptor (SPC-4 7.8.9).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PagePolicy {
    /// POLICY PAGE CODE.
    pub page: u8,
    /// POLICY SUBPAGE CODE.
    pub subpage: u8,
    /// MLUS, MODE PAGE POLICY.
    pub policy: u8,
    /// Reserved.
    pub reserved: u8,
}
assert_size!(PagePolicy = 4);

impl PagePolicy {
    /// All pages and subpages have one set of values for all nexuses of this logical unit.
    pub const ALL_SHARED: Self = Self { page: 0x3f, subpage: 0xff, policy: 0, reserved: 0 };
}

/// SCSI port designation descriptor without a TransportID (SPC-4 7.8.15); designation descriptors follow.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PortDesignation {
    /// Reserved.
    pub reserved: U16,
    /// RELATIVE PORT IDENTIFIER.
    pub relative: U16,
    /// Reserved.
    pub reserved4: U16,
    /// INITIATOR PORT TRANSPORTID LENGTH.
    pub transport_id: U16,
    /// Reserved.
    pub reserved8: U16,
    /// TARGET PORT DESCRIPTORS LENGTH: bytes that follow.
    pub length: U16,
}
assert_size!(PortDesignation = 12);

/// Referrals VPD page (SBC-3 6.6.5).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Referrals {
    /// The page's header.
    pub header: VpdHeader,
    /// Reserved.
    pub reserved: U32,
    /// USER DATA SEGMENT SIZE.
    pub segment_size: U32,
    /// USER DATA SEGMENT MULTIPLIER.
    pub multiplier: U32,
}
assert_size!(Referrals = 16);

/// Block Limits VPD page (SBC-3 6.6.3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BlockLimits {
    /// The page's header.
    pub header: VpdHeader,
    /// WSNZ in bit 0: WRITE SAME wants a number of blocks.
    pub wsnz: u8,
    /// MAXIMUM COMPARE AND WRITE LENGTH; 0: none.
    pub max_compare_and_write: u8,
    /// OPTIMAL TRANSFER LENGTH GRANULARITY in blocks.
    pub granularity: U16,
    /// MAXIMUM TRANSFER LENGTH in blocks.
    pub max_transfer: U32,
    /// OPTIMAL TRANSFER LENGTH in blocks.
    pub optimal_transfer: U32,
    /// MAXIMUM PREFETCH LENGTH in blocks.
    pub max_prefetch: U32,
    /// MAXIMUM UNMAP LBA COUNT.
    pub max_unmap_blocks: U32,
    /// MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT.
    pub max_unmap_descriptors: U32,
    /// OPTIMAL UNMAP GRANULARITY in blocks.
    pub unmap_granularity: U32,
    /// UGAVALID in bit 31, UNMAP GRANULARITY ALIGNMENT.
    pub unmap_alignment: U32,
    /// MAXIMUM WRITE SAME LENGTH in blocks.
    pub max_write_same: U64,
    /// Atomic lengths (SBC-4): MAXIMUM ATOMIC TRANSFER LENGTH in blocks, and four more numbers of which nothing is set.
    pub rest: [u8; 20],
}
assert_size!(BlockLimits = 64);
assert_offset!(BlockLimits: max_transfer = 8, max_unmap_blocks = 20, max_write_same = 36);

/// Block Device Characteristics VPD page (SBC-3 6.6.2).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BlockCharacteristics {
    /// The page's header.
    pub header: VpdHeader,
    /// MEDIUM ROTATION RATE; 1: it does not rotate.
    pub rotation: U16,
    /// PRODUCT TYPE.
    pub product: u8,
    /// WABEREQ, WACEREQ, NOMINAL FORM FACTOR.
    pub form: u8,
    /// FUAB, VBULS and the rest.
    pub rest: [u8; 56],
}
assert_size!(BlockCharacteristics = 64);

impl BlockCharacteristics {
    /// WABEREQ 01b: after a block erase reads end well.
    pub const WABEREQ_READABLE: u8 = 0x40;
}

/// Logical Block Provisioning VPD page, without a provisioning group descriptor (SBC-3 6.6.4).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Provisioning {
    /// The page's header.
    pub header: VpdHeader,
    /// THRESHOLD EXPONENT; 0: no thresholds.
    pub threshold: u8,
    /// LBPU, LBPWS, LBPWS10, LBPRZ, ANC_SUP, DP.
    pub flags: u8,
    /// PROVISIONING TYPE.
    pub kind: u8,
    /// Reserved.
    pub reserved: u8,
}
assert_size!(Provisioning = 8);

impl Provisioning {
    /// LBPU: UNMAP.
    pub const LBPU: u8 = 0x80;
    /// LBPWS: WRITE SAME (16) with UNMAP.
    pub const LBPWS: u8 = 0x40;
    /// LBPWS10: WRITE SAME (10) with UNMAP.
    pub const LBPWS10: u8 = 0x20;
    /// LBPRZ 001b: unmapped blocks read as zeroes.
    pub const LBPRZ: u8 = 0x04;
    /// PROVISIONING TYPE: fully provisioned, or not said.
    pub const FULL: u8 = 0;
    /// PROVISIONING TYPE: thin.
    pub const THIN: u8 = 2;
}
