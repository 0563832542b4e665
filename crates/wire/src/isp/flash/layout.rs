//! Where what lies in the flash: the layout table, the descriptor table, the status of images.

use super::{FLT_BYTES, FLT_VERSION, sum16, sum32};
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Head of the layout table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FltHeader {
    /// [`FLT_VERSION`].
    pub version: U16,
    /// Bytes of the regions that follow.
    pub length: U16,
    /// Makes [`sum16`] over head and regions 0.
    pub checksum: U16,
    /// 0.
    pub reserved_6: U16,
}
assert_size!(FltHeader = 8);
assert_offset!(FltHeader: length = 2, checksum = 4);

/// A region in the layout table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FltRegion {
    /// See [`Region`].
    pub code: U16,
    /// Attributes.
    pub attribute: u8,
    /// 0.
    pub reserved_3: u8,
    /// Bytes.
    pub size: U32,
    /// First byte.
    pub start: U32,
    /// Last byte.
    pub end: U32,
}
assert_size!(FltRegion = 16);
assert_offset!(FltRegion: attribute = 2, size = 4, start = 8, end = 12);

impl FltRegion {
    /// The entry of a region.
    pub fn of(code: Region, start: u32, size: u32) -> Self {
        let end = start.wrapping_add(size).wrapping_sub(1);
        Self {
            code: U16::new(code.0),
            size: U32::new(size),
            start: U32::new(start),
            end: U32::new(end),
            ..Self::new_zeroed()
        }
    }
}

open_enum! {
    /// What a region is.
    pub enum Region: u16 {
        /// Firmware.
        FIRMWARE = 0x01,
        /// Firmware, second image.
        FIRMWARE_SECONDARY = 0x02,
        /// Boot code.
        BOOT = 0x07,
        /// Boot code, second image.
        BOOT_SECONDARY = 0x09,
        /// VPD of port 0.
        VPD_0 = 0x14,
        /// NVRAM of port 0.
        NVRAM_0 = 0x15,
        /// VPD of port 1.
        VPD_1 = 0x16,
        /// NVRAM of port 1.
        NVRAM_1 = 0x17,
        /// Flash descriptor.
        FDT = 0x1a,
        /// The layout table itself.
        FLT = 0x1c,
        /// Event log of port 0.
        EVENT_LOG_0 = 0x1d,
        /// Event log of port 1.
        EVENT_LOG_1 = 0x1f,
        /// NVMe parameters.
        NVME_PARAMETERS = 0x21,
        /// Virtual ports of port 0.
        NPIV_0 = 0x29,
        /// Virtual ports of port 1.
        NPIV_1 = 0x2a,
        /// Firmware of last resort.
        GOLDEN_FIRMWARE = 0x2f,
        /// VPD of port 0, second copy.
        VPD_0_SECONDARY = 0x50,
        /// VPD of port 1, second copy.
        VPD_1_SECONDARY = 0x52,
        /// FCP priorities of port 0.
        FCP_PRIORITY_0 = 0x87,
        /// FCP priorities of port 1.
        FCP_PRIORITY_1 = 0x88,
        /// Which firmware image is active, first.
        IMAGE_STATUS = 0x95,
        /// Which firmware image is active, second.
        IMAGE_STATUS_SECONDARY = 0x96,
        /// VPD of port 2.
        VPD_2 = 0xd4,
        /// NVRAM of port 2.
        NVRAM_2 = 0xd5,
        /// VPD of port 3.
        VPD_3 = 0xd6,
        /// NVRAM of port 3.
        NVRAM_3 = 0xd7,
        /// VPD of port 2, second copy.
        VPD_2_SECONDARY = 0xd8,
        /// VPD of port 3, second copy.
        VPD_3_SECONDARY = 0xda,
    }
}

impl Region {
    /// Where the VPD of a port is; the port is its interrupt pin less one.
    pub const fn vpd(port: u8) -> Option<Self> {
        match port {
            0 => Some(Self::VPD_0),
            1 => Some(Self::VPD_1),
            2 => Some(Self::VPD_2),
            3 => Some(Self::VPD_3),
            _ => None,
        }
    }

    /// Where the NVRAM of a port is.
    pub const fn nvram(port: u8) -> Option<Self> {
        match port {
            0 => Some(Self::NVRAM_0),
            1 => Some(Self::NVRAM_1),
            2 => Some(Self::NVRAM_2),
            3 => Some(Self::NVRAM_3),
            _ => None,
        }
    }
}

/// Regions of a layout table; `None` when it is none or damaged.
pub fn regions(table: &[u8]) -> Option<&[FltRegion]> {
    let head: &FltHeader = crate::parse(table)?;
    let whole = table.get(..size_of::<FltHeader>() + usize::from(head.length.get()))?;
    let valid = head.version.get() == FLT_VERSION
        && whole.len() <= FLT_BYTES
        && whole.len().is_multiple_of(2)
        && sum16(whole) == 0;
    valid.then(|| crate::parse_each(&whole[size_of::<FltHeader>()..]))
}

/// Flash descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Fdt {
    /// "QLID".
    pub signature: [u8; 4],
    /// Version; 1.
    pub version: U16,
    /// Bytes.
    pub length: U16,
    /// Makes [`sum16`] over all of it 0.
    pub checksum: U16,
    /// 0.
    pub reserved_10: U16,
    /// Text.
    pub model: [u8; 16],
    /// Manufacturer of the flash part.
    pub manufacturer: U16,
    /// The flash part.
    pub device: U16,
    /// Flags.
    pub flags: u8,
    /// Command that erases a block.
    pub erase_command: u8,
    /// Command that erases an alternative block.
    pub alternate_erase: u8,
    /// Command that lets it be written.
    pub write_enable: u8,
    /// Bits of it.
    pub write_enable_bits: u8,
    /// Command that writes the status.
    pub write_status: u8,
    /// Command that takes the protection off a sector.
    pub unprotect_sector: u8,
    /// Command that reads the part's id.
    pub read_id: u8,
    /// Bytes of a block.
    pub block_size: U32,
    /// Bytes of an alternative block.
    pub alternate_block_size: U32,
    /// Bytes of the flash.
    pub flash_size: U32,
    /// Data of the write enable command.
    pub write_enable_data: U32,
    /// Bytes of address of the id command.
    pub read_id_address_length: u8,
    /// Bits that protect it again.
    pub write_disable_bits: u8,
    /// Bytes of the part's id.
    pub device_id_length: u8,
    /// Command that erases all.
    pub chip_erase: u8,
    /// Timeout of reads of the id.
    pub read_id_timeout: U16,
    /// Command that protects a sector.
    pub protect_sector: u8,
    /// 0.
    pub reserved_63: [u8; 65],
}
assert_size!(Fdt = 128);
assert_offset!(Fdt: version = 4, length = 6, checksum = 8, model = 12, manufacturer = 28, device = 30, flags = 32, erase_command = 33);
assert_offset!(Fdt: alternate_erase = 34, write_enable = 35, write_enable_bits = 36, write_status = 37, unprotect_sector = 38, read_id = 39);
assert_offset!(Fdt: block_size = 40, alternate_block_size = 44, flash_size = 48, write_enable_data = 52, read_id_address_length = 56);
assert_offset!(Fdt: write_disable_bits = 57, device_id_length = 58, chip_erase = 59, read_id_timeout = 60, protect_sector = 62);
/// [`Fdt::signature`].
pub const FDT_SIGNATURE: [u8; 4] = *b"QLID";

impl Fdt {
    /// Whether signature and checksum are right.
    pub fn is_valid(&self) -> bool {
        self.signature == FDT_SIGNATURE && sum16(self.as_bytes()) == 0
    }

    /// Puts the checksum right.
    pub fn seal(&mut self) {
        self.checksum = U16::new(0);
        self.checksum = U16::new(sum16(self.as_bytes()).wrapping_neg());
    }
}

/// Which of two firmware images is active.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ImageStatus {
    /// Bit 0: active.
    pub mask: u8,
    /// Counts; the newer wins.
    pub generation: U16,
    /// Version, major.
    pub major: u8,
    /// Version, minor.
    pub minor: u8,
    /// Which parts.
    pub bitmap: u8,
    /// 0.
    pub reserved_6: U16,
    /// Makes [`sum32`] over all of it 0.
    pub checksum: U32,
    /// [`IMAGE_SIGNATURE`].
    pub signature: U32,
}
assert_size!(ImageStatus = 16);
assert_offset!(ImageStatus: generation = 1, major = 3, minor = 4, bitmap = 5, reserved_6 = 6, checksum = 8, signature = 12);
/// [`ImageStatus::signature`] of the ISP27xx.
pub const IMAGE_SIGNATURE: u32 = 0xface_fade;

impl ImageStatus {
    /// Whether signature and checksum are right.
    pub fn is_valid(&self) -> bool {
        self.signature.get() == IMAGE_SIGNATURE && sum32(self.as_bytes()) == 0
    }

    /// Whether its image is active.
    pub const fn is_active(&self) -> bool {
        self.mask & 1 != 0
    }

    /// Puts signature and checksum right.
    pub fn seal(&mut self) {
        self.signature = U32::new(IMAGE_SIGNATURE);
        self.checksum = U32::new(0);
        self.checksum = U32::new(sum32(self.as_bytes()).wrapping_neg());
    }
}
