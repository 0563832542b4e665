//! What is in the adapter's flash: layout table, flash descriptor, NVRAM, VPD, firmware.
//!
//! All is little-endian but the firmware image, which is big-endian words of 32 bits.

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of the flash of ISP2031 and ISP27xx.
pub const FLASH_BYTES: u32 = 0x100_0000;
/// Where the layout table is (ISP2031, ISP27xx).
pub const FLT_ADDRESS: u32 = 0x3f_1000;
/// Most bytes of a layout table, its head included.
pub const FLT_BYTES: usize = 4088;
/// Version of a layout table.
pub const FLT_VERSION: u16 = 1;
/// Most regions of a layout table.
pub const MAX_REGIONS: usize = 255;
/// Bytes of NVRAM of a port.
pub const NVRAM_BYTES: usize = 512;
/// Bytes of VPD of a port.
pub const VPD_BYTES: usize = 512;
/// Dword address at which firmware is loaded.
pub const FIRMWARE_ADDRESS: u32 = 0x10_0000;

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

/// Settings of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Nvram {
    /// "ISP ".
    pub signature: [u8; 4],
    /// At least 1.
    pub version: U16,
    /// 0.
    pub reserved_6: U16,
    /// Version of the control block; what follows goes there.
    pub icb_version: U16,
    /// 0.
    pub reserved_10: U16,
    /// Receive data field size.
    pub frame_payload: U16,
    /// Most commands at a time.
    pub execution_throttle: U16,
    /// Count of exchanges.
    pub exchange_count: U16,
    /// 0.
    pub reserved_18: U16,
    /// Port name.
    pub port_name: [u8; 8],
    /// Node name.
    pub node_name: [u8; 8],
    /// How often a login is tried.
    pub login_retries: U16,
    /// 0.
    pub reserved_38: U16,
    /// How long a response interrupt may wait, in 100 us.
    pub interrupt_delay: U16,
    /// How long a login may last, in s.
    pub login_timeout: U16,
    /// See [`Options1`](super::icb::Options1).
    pub options_1: U32,
    /// See [`Options2`](super::icb::Options2).
    pub options_2: U32,
    /// See [`Options3`](super::icb::Options3).
    pub options_3: U32,
    /// 0.
    pub reserved_56: [u8; 8],
    /// MAC address of a converged adapter.
    pub mac: [u8; 6],
    /// 0.
    pub reserved_70: [u8; 58],
    /// Extended control block, unless its first 2 bytes are 0.
    pub extended_icb: [u8; 64],
    /// Lowest speed: 2 to 5, else none.
    pub min_speed: u8,
    /// 0.
    pub reserved_193: [u8; 63],
    /// See [`HostOptions`].
    pub host: U32,
    /// Port name with [`HostOptions::alternate_names`].
    pub alternate_port_name: [u8; 8],
    /// Node name with [`HostOptions::alternate_names`].
    pub alternate_node_name: [u8; 8],
    /// Targets to boot from.
    pub boot: [u8; 48],
    /// Parameters of EFI.
    pub efi: U32,
    /// How long a scan waits for the loop, in s.
    pub reset_delay: u8,
    /// 0.
    pub reserved_329: [u8; 7],
    /// Most logical units of a target.
    pub max_luns: U16,
    /// 0.
    pub reserved_338: U16,
    /// How long a port may be gone, in s.
    pub port_down_retry: U16,
    /// How long the link may be down, in s; 0: default.
    pub link_down_timeout: U16,
    /// 0.
    pub reserved_344: [u8; 62],
    /// See [`Features`].
    pub features: U16,
    /// 0.
    pub reserved_408: [u8; 72],
    /// Model, ASCII, padded by zeroes.
    pub model: [u8; 16],
    /// 0.
    pub reserved_496: [u8; 8],
    /// PCI subsystem vendor.
    pub subsystem_vendor: U16,
    /// PCI subsystem.
    pub subsystem_device: U16,
    /// Makes [`sum32`] over all of it 0.
    pub checksum: U32,
}
assert_size!(Nvram = NVRAM_BYTES);
assert_offset!(Nvram: version = 4, icb_version = 8, frame_payload = 12, execution_throttle = 14, exchange_count = 16, port_name = 20);
assert_offset!(Nvram: node_name = 28, login_retries = 36, interrupt_delay = 40, login_timeout = 42, options_1 = 44, options_2 = 48);
assert_offset!(Nvram: options_3 = 52, mac = 64, extended_icb = 128, min_speed = 192, host = 256, alternate_port_name = 260);
assert_offset!(Nvram: alternate_node_name = 268, boot = 276, efi = 324, reset_delay = 328, max_luns = 336, port_down_retry = 340);
assert_offset!(Nvram: link_down_timeout = 342, features = 406, model = 480, subsystem_vendor = 504, subsystem_device = 506, checksum = 508);
/// [`Nvram::signature`].
pub const NVRAM_SIGNATURE: [u8; 4] = *b"ISP ";

impl Nvram {
    /// Whether signature, version and checksum are right.
    pub fn is_valid(&self) -> bool {
        self.signature == NVRAM_SIGNATURE && self.version.get() >= 1 && sum32(self.as_bytes()) == 0
    }

    /// Puts the checksum right.
    pub fn seal(&mut self) {
        self.checksum = U32::new(0);
        self.checksum = U32::new(sum32(self.as_bytes()).wrapping_neg());
    }

    /// What adapters leave the factory with, but for names and model. The checksum is still to be made.
    pub fn defaults() -> Self {
        Self {
            signature: NVRAM_SIGNATURE,
            version: U16::new(1),
            icb_version: U16::new(1),
            frame_payload: U16::new(2048),
            execution_throttle: U16::new(u16::MAX),
            login_retries: U16::new(8),
            options_1: U32::new(0x6006),
            options_2: U32::new(0x1020),
            options_3: U32::new(0x4000),
            host: U32::new(HostOptions(0).with_lip_full_login(true).with_target_reset(true).0),
            reset_delay: 5,
            max_luns: U16::new(128),
            port_down_retry: U16::new(30),
            ..Self::new_zeroed()
        }
    }
}

bitfield! {
    /// [`Nvram::host`].
    pub struct HostOptions(u32) {
        flags {
            /// No serdes: drivers do not take such a port.
            disable_serdes, with_disable_serdes = 5;
            /// Full login after LIP.
            lip_full_login, with_lip_full_login = 10;
            /// Target reset.
            target_reset, with_target_reset = 11;
            /// The alternative names are to be used.
            alternate_names, with_alternate_names = 15;
        }
        fields {}
    }
}

bitfield! {
    /// [`Nvram::features`].
    pub struct Features(u16) {
        flags {
            /// Long range.
            long_range, with_long_range = 0;
            /// A port with both is an FCP target rather than an NVMe subsystem.
            fcp_preferred, with_fcp_preferred = 6;
            /// No congestion management.
            scm_disable, with_scm_disable = 7;
        }
        fields {
            /// Distance of the long range.
            distance, with_distance: u8 = 2, 4;
        }
    }
}

/// Tag of a VPD: identifier string.
pub const VPD_IDENTIFIER: u8 = 0x82;
/// Tag of a VPD: fields.
pub const VPD_FIELDS: u8 = 0x90;
/// Tag of a VPD: fields that can be written.
pub const VPD_WRITABLE: u8 = 0x91;
/// Tag of a VPD: its end.
pub const VPD_END: u8 = 0x78;

/// The identifier string of a VPD.
pub fn vpd_identifier(vpd: &[u8]) -> Option<&[u8]> {
    vpd_resources(vpd).find(|(tag, _)| *tag == VPD_IDENTIFIER).map(|(_, data)| data)
}

/// A field of a VPD by its keyword, such as `SN`.
pub fn vpd_field(vpd: &[u8], keyword: [u8; 2]) -> Option<&[u8]> {
    let lists = vpd_resources(vpd).filter(|(tag, _)| matches!(*tag, VPD_FIELDS | VPD_WRITABLE));
    lists.flat_map(|(_, data)| vpd_fields(data)).find(|(key, _)| *key == keyword).map(|(_, data)| data)
}

/// Tags and contents of a VPD up to its end.
fn vpd_resources(vpd: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = vpd;
    core::iter::from_fn(move || {
        let (&[tag, low, high], tail) = rest.split_first_chunk()?;
        if tag == VPD_END {
            return None;
        }
        let (data, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
        rest = tail;
        Some((tag, data))
    })
}

fn vpd_fields(list: &[u8]) -> impl Iterator<Item = ([u8; 2], &[u8])> {
    let mut rest = list;
    core::iter::from_fn(move || {
        let (&[a, b, length], tail) = rest.split_first_chunk()?;
        let (data, tail) = tail.split_at_checked(usize::from(length))?;
        rest = tail;
        Some(([a, b], data))
    })
}

/// Sum of 16-bit words modulo 65,536; a byte left over does not count.
pub fn sum16(bytes: &[u8]) -> u16 {
    crate::parse_each::<U16>(bytes).iter().fold(0, |sum, word| sum.wrapping_add(word.get()))
}

/// Sum of 32-bit words modulo 2^32; what is left over does not count.
pub fn sum32(bytes: &[u8]) -> u32 {
    crate::parse_each::<U32>(bytes).iter().fold(0, |sum, word| sum.wrapping_add(word.get()))
}

/// Head of a segment of a firmware image, in the flash or in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SegmentHeader {
    /// Code.
    pub reserved_0: [BigU32; 2],
    /// Where in the RISC's memory it goes, as a dword address. Of a dump template: dwords of the whole section; 0 or FFFFFFFFh: there is none.
    pub address: BigU32,
    /// Dwords, this head included.
    pub length: BigU32,
    /// Major, minor, sub-minor version, attributes: not all 0 and not all ones.
    pub version: [BigU32; 4],
    /// Code.
    pub reserved_32: BigU32,
    /// Attributes: see [`SEGMENT_TWO_TEMPLATES`].
    pub attributes: BigU32,
}
assert_size!(SegmentHeader = 40);
assert_offset!(SegmentHeader: address = 8, length = 12, version = 16, attributes = 36);
/// A word of a firmware image.
pub type BigU32 = zerocopy::byteorder::big_endian::U32;
/// [`SegmentHeader::attributes`]: two dump templates follow, not one.
pub const SEGMENT_TWO_TEMPLATES: u32 = 1 << 9;
/// Segments of code in an image; dump templates follow them.
pub const SEGMENTS: usize = 2;

impl SegmentHeader {
    /// Whether an image can start so: there is a version, and a length that has room for the head.
    pub fn is_valid(&self) -> bool {
        let all = |word: u32| self.version.iter().all(|v| v.get() == word);
        !all(0) && !all(u32::MAX) && self.length.get() as usize >= size_of::<Self>() / 4
    }

    /// Bytes of the segment.
    pub fn bytes(&self) -> u64 {
        u64::from(self.length.get()) * 4
    }
}

/// Words of the section of a dump template before the template itself; one word follows it.
pub const TEMPLATE_HEAD_WORDS: usize = 7;
/// Words of a section that are not template.
pub const TEMPLATE_EXTRA_WORDS: usize = 8;

/// Head of a dump template.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Template {
    /// [`TEMPLATE_TYPE`].
    pub template_type: U32,
    /// Where its entries start.
    pub entry_offset: U32,
    /// Bytes of all of it.
    pub size: U32,
    /// Scratch.
    pub scratch: U32,
    /// Count of entries.
    pub entries: U32,
    /// Version.
    pub version: U32,
    /// When a dump was taken.
    pub timestamp: U32,
    /// Makes [`template_sum`] FFFFFFFFh.
    pub checksum: U32,
    /// 0.
    pub reserved_32: U32,
    /// For the driver.
    pub driver: [U32; 3],
    /// For the driver.
    pub saved: [U32; 16],
    /// 0.
    pub reserved_112: [U32; 8],
    /// Version of the firmware.
    pub firmware_version: [U32; 5],
}
assert_size!(Template = 164);
assert_offset!(Template: entry_offset = 4, size = 8, scratch = 12, entries = 16, version = 20, timestamp = 24, checksum = 28);
assert_offset!(Template: driver = 36, saved = 48, reserved_112 = 112, firmware_version = 144);
/// [`Template::template_type`].
pub const TEMPLATE_TYPE: u32 = 99;

/// An entry of a dump template.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TemplateEntry {
    /// What to capture; [`TEMPLATE_END`]: no more.
    pub entry_type: U32,
    /// Bytes.
    pub size: U32,
    /// 0.
    pub reserved_8: U32,
    /// When to capture it.
    pub capture_flags: u8,
    /// 0.
    pub reserved_13: [u8; 2],
    /// For the driver.
    pub driver_flags: u8,
}
assert_size!(TemplateEntry = 16);
assert_offset!(TemplateEntry: size = 4, capture_flags = 12, driver_flags = 15);
/// [`TemplateEntry::entry_type`] of the last entry.
pub const TEMPLATE_END: u32 = 255;

/// Sum of a template's words, with what does not fit into 32 bits added again: FFFFFFFFh when it is whole.
pub fn template_sum(template: &[u8]) -> u32 {
    let sum: u64 = crate::parse_each::<U32>(template).iter().map(|word| u64::from(word.get())).sum();
    (sum as u32).wrapping_add((sum >> 32) as u32)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn nvram_is_sealed_by_its_checksum() {
        let mut nvram = Nvram::defaults();
        nvram.port_name = [0x21, 0, 0, 0x24, 0xff, 1, 2, 3];
        assert!(!nvram.is_valid());
        nvram.seal();
        assert!(nvram.is_valid());
        nvram.port_name[7] = 4;
        assert!(!nvram.is_valid());
        assert_eq!(nvram.as_bytes()[256..260], [0, 0xc, 0, 0]);
        assert!(!Nvram::read_from_bytes(&[0xff; 512]).unwrap().is_valid());
    }

    #[test]
    fn a_table_of_regions() {
        let list =
            [FltRegion::of(Region::FIRMWARE, 0x8_0000, 0x8_0000), FltRegion::of(Region::NVRAM_1, 0x40_0200, 512)];
        let mut head = FltHeader { version: U16::new(1), length: U16::new(32), ..FltHeader::new_zeroed() };
        let sum = sum16(head.as_bytes()).wrapping_add(sum16(list.as_bytes()));
        head.checksum = U16::new(sum.wrapping_neg());
        let mut table = [head.as_bytes(), list.as_bytes(), &[0xff; 16]].concat();
        assert_eq!(regions(&table).unwrap(), list);
        assert_eq!(list[1].end.get(), 0x40_03ff);
        assert_eq!(regions(&table[..39]), None);
        table[9] ^= 1;
        assert_eq!(regions(&table), None);
        assert_eq!(regions(&[0xff; 4088]), None);
    }

    #[test]
    fn vpd_fields_are_found() {
        let mut vpd = std::vec![VPD_IDENTIFIER, 3, 0];
        vpd.extend(b"HBA");
        vpd.extend([VPD_FIELDS, 11, 0]);
        vpd.extend(b"PN\x03ABCSN\x021");
        vpd.extend(*b"2");
        vpd.push(VPD_END);
        vpd.resize(512, 0xff);
        assert_eq!(vpd_identifier(&vpd), Some(&b"HBA"[..]));
        assert_eq!(vpd_field(&vpd, *b"SN"), Some(&b"12"[..]));
        assert_eq!(vpd_field(&vpd, *b"XX"), None);
        assert_eq!(vpd_field(&[0xff; 512], *b"SN"), None);
    }

    #[test]
    fn other_seals() {
        let mut fdt = Fdt { signature: FDT_SIGNATURE, ..Fdt::new_zeroed() };
        fdt.seal();
        assert!(fdt.is_valid());
        let mut image = ImageStatus { mask: 1, ..ImageStatus::new_zeroed() };
        image.seal();
        assert!(image.is_valid() && image.is_active());
        assert_eq!(template_sum(&[0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0]), 1);
        assert!(!SegmentHeader::read_from_bytes(&[0xff; 40]).unwrap().is_valid());
    }
}
