//! What is in the adapter's flash: layout table, flash descriptor, NVRAM, VPD, firmware.
//!
//! All is little-endian but the firmware image, which is big-endian words of 32 bits.

mod image;
mod layout;
mod nvram;
mod vpd;

pub use image::*;
pub use layout::*;
pub use nvram::*;
pub use vpd::*;

use zerocopy::byteorder::little_endian::{U16, U32};

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

/// Sum of 16-bit words modulo 65,536; a byte left over does not count.
pub fn sum16(bytes: &[u8]) -> u16 {
    crate::parse_each::<U16>(bytes).iter().fold(0, |sum, word| sum.wrapping_add(word.get()))
}

/// Sum of 32-bit words modulo 2^32; what is left over does not count.
pub fn sum32(bytes: &[u8]) -> u32 {
    crate::parse_each::<U32>(bytes).iter().fold(0, |sum, word| sum.wrapping_add(word.get()))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use zerocopy::{FromBytes, FromZeros, IntoBytes};

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
