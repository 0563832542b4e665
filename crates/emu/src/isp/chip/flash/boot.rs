//! Boot code that boots nothing: the head that programs look for versions in. PCI Firmware Specification 3.x, 5.1.

use wire::isp::regs::VENDOR;

/// The smallest image.
const BYTES: usize = 512;
/// Where its PCI data structure is.
const DATA: usize = 0x1c;
/// Minor and major version.
const VERSION: [u8; 2] = [0, 1];
/// Returns to who called it (x86).
const RETURN: u8 = 0xcb;

/// An image for PC BIOS, the only one.
pub fn image(device: u16) -> [u8; BYTES] {
    let mut image = [0; BYTES];
    image[..4].copy_from_slice(&[0x55, 0xaa, 1, RETURN]);
    image[0x18..0x1a].copy_from_slice(&(DATA as u16).to_le_bytes());
    let data = &mut image[DATA..];
    data[..4].copy_from_slice(b"PCIR");
    data[4..6].copy_from_slice(&VENDOR.to_le_bytes());
    data[6..8].copy_from_slice(&device.to_le_bytes());
    data[0x0a] = 0x18;
    data[0x0d..0x10].copy_from_slice(&[0x00, 0x04, 0x0c]);
    data[0x10] = 1; // of 512 bytes
    data[0x12..0x14].copy_from_slice(&VERSION);
    data[0x15] = 0x80; // the last image
    image[BYTES - 1] = image.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
    image
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_driver_finds_its_version() {
        let image = super::image(0x2261);
        let data = usize::from(image[0x18]);
        assert_eq!((&image[..2], &image[data..data + 8]), (&[0x55, 0xaa][..], &b"PCIR\x77\x10\x61\x22"[..]));
        assert_eq!(image[data + 0x15] & 0x80, 0x80);
        assert_eq!(image.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0);
    }
}
