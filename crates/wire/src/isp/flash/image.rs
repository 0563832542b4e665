//! A firmware image, in the flash or in a file.

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

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
