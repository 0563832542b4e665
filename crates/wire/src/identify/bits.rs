//! Bits of Identify Controller fields. NVMe Base 2.0c 5.17.2.1.

/// CMIC: the subsystem may have more than one port.
pub const CMIC_MULTI_PORT: u8 = 1 << 0;
/// CMIC: the subsystem may have more than one controller.
pub const CMIC_MULTI_CTRL: u8 = 1 << 1;
/// CMIC: asymmetric namespace access reporting.
pub const CMIC_ANA: u8 = 1 << 3;

/// CTRATT: 128-bit host identifier.
pub const CTRATT_HOSTID_128: u32 = 1 << 0;
/// CTRATT: traffic based keep alive.
pub const CTRATT_TBKAS: u32 = 1 << 6;
/// CTRATT: extended LBA formats.
pub const CTRATT_ELBAS: u32 = 1 << 15;

/// CNTRLTYPE: I/O controller.
pub const CNTRLTYPE_IO: u8 = 1;
/// CNTRLTYPE: discovery controller.
pub const CNTRLTYPE_DISCOVERY: u8 = 2;
/// CNTRLTYPE: administrative controller.
pub const CNTRLTYPE_ADMIN: u8 = 3;

/// OACS: Security Send and Receive.
pub const OACS_SECURITY: u16 = 1 << 0;
/// OACS: Format NVM.
pub const OACS_FORMAT: u16 = 1 << 1;
/// OACS: firmware download and commit.
pub const OACS_FIRMWARE: u16 = 1 << 2;
/// OACS: namespace management.
pub const OACS_NS_MANAGEMENT: u16 = 1 << 3;

/// FRMW: slot 1 is read only.
pub const FRMW_SLOT1_RO: u8 = 1 << 0;
/// FRMW: one firmware slot (bits 3:1).
pub const FRMW_ONE_SLOT: u8 = 1 << 1;

/// LPA: SMART log per namespace.
pub const LPA_SMART_PER_NS: u8 = 1 << 0;
/// LPA: commands supported and effects log.
pub const LPA_EFFECTS: u8 = 1 << 1;
/// LPA: Get Log Page takes 32-bit lengths and offsets.
pub const LPA_EXTENDED: u8 = 1 << 2;
/// LPA: supported log pages (00h), feature identifiers effects (12h) and the like.
pub const LPA_MISC: u8 = 1 << 5;

/// ONCS: Compare.
pub const ONCS_COMPARE: u16 = 1 << 0;
/// ONCS: Write Uncorrectable.
pub const ONCS_WRITE_UNCORRECTABLE: u16 = 1 << 1;
/// ONCS: Dataset Management.
pub const ONCS_DSM: u16 = 1 << 2;
/// ONCS: Write Zeroes.
pub const ONCS_WRITE_ZEROES: u16 = 1 << 3;
/// ONCS: Save and Select fields of Features.
pub const ONCS_SAVE_SELECT: u16 = 1 << 4;
/// ONCS: reservations.
pub const ONCS_RESERVATIONS: u16 = 1 << 5;
/// ONCS: timestamp feature.
pub const ONCS_TIMESTAMP: u16 = 1 << 6;
/// ONCS: Verify.
pub const ONCS_VERIFY: u16 = 1 << 7;
/// ONCS: Copy.
pub const ONCS_COPY: u16 = 1 << 8;

/// FUSES: Compare and Write.
pub const FUSES_COMPARE_WRITE: u16 = 1 << 0;

/// VWC: there is a volatile write cache.
pub const VWC_PRESENT: u8 = 1 << 0;
/// VWC bits 2:1 = 10b: Flush with NSID FFFFFFFFh is not supported.
pub const VWC_FLUSH_ALL_NO: u8 = 2 << 1;
/// VWC bits 2:1 = 11b: Flush with NSID FFFFFFFFh flushes all.
pub const VWC_FLUSH_ALL_YES: u8 = 3 << 1;

/// SGLS bits 1:0: SGLs are supported, any alignment.
pub const SGLS_SUPPORTED: u32 = 1;
/// SGLS: keyed data block descriptors.
pub const SGLS_KEYED: u32 = 1 << 2;
/// SGLS: the address field of a data block may be an offset (in-capsule data).
pub const SGLS_OFFSET: u32 = 1 << 20;
/// SGLS: transport data block descriptors.
pub const SGLS_TRANSPORT: u32 = 1 << 21;

/// FCATT: static controller model.
pub const FCATT_STATIC: u8 = 1 << 0;
/// OFCS: Disconnect.
pub const OFCS_DISCONNECT: u16 = 1 << 0;
/// DCTYPE: direct discovery controller.
pub const DCTYPE_DDC: u8 = 1;
/// DCTYPE: central discovery controller.
pub const DCTYPE_CDC: u8 = 2;
