//! A firmware image that does nothing but be one: in the flash, or as a file.

use crate::isp::chip::ram::CHECKED;
use wire::isp::flash::{
    BigU32, FIRMWARE_ADDRESS, TEMPLATE_END, TEMPLATE_EXTRA_WORDS, TEMPLATE_HEAD_WORDS, TEMPLATE_TYPE, Template,
    TemplateEntry, template_sum,
};
use wire::{FromZeros, IntoBytes, U32};

/// Words of a segment.
const SEGMENT_WORDS: usize = 16;
/// Where the second segment goes.
const SECOND: u32 = 0x20_0000;

/// The bytes of a firmware file (`ql2700_fw.bin`) that the model takes: two segments whose checksums the ROM verifies, and the
/// smallest dump template. Tiny, because drivers read it from the flash word by word.
pub fn synthetic_firmware(version: [u16; 3]) -> Vec<u8> {
    let mut image = segment(FIRMWARE_ADDRESS, version, SECOND);
    image.extend(segment(SECOND, version, 0));
    image.extend(template_section(version));
    image
}

/// A segment, the sum of whose words is 0.
fn segment(address: u32, version: [u16; 3], next: u32) -> Vec<u8> {
    let mut words = [0u32; SEGMENT_WORDS];
    (words[2], words[3]) = (address, SEGMENT_WORDS as u32);
    let [major, minor, sub] = version.map(u32::from);
    (words[4], words[5], words[6]) = (major, minor, sub);
    // An image whose version is 0.0.0 with no attributes would count as none.
    words[7] = 1;
    (words[8], words[10]) = (CHECKED, next);
    words[15] = words.iter().fold(0u32, |sum, word| sum.wrapping_add(*word)).wrapping_neg();
    big_endian(&words)
}

fn big_endian(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| BigU32::new(*word).to_bytes()).collect()
}

/// The section of a template with one entry, which is the end. Its head is big-endian, the template itself is not.
fn template_section(version: [u16; 3]) -> Vec<u8> {
    let size = size_of::<Template>() + size_of::<TemplateEntry>();
    let mut head = [0; TEMPLATE_HEAD_WORDS];
    head[2] = (size / 4 + TEMPLATE_EXTRA_WORDS) as u32;
    let mut section = big_endian(&head);
    section.extend(template(size as u32, version));
    section.extend([0; 4]);
    section
}

fn template(size: u32, version: [u16; 3]) -> Vec<u8> {
    let word = U32::new;
    let mut template = Template {
        template_type: word(TEMPLATE_TYPE),
        entry_offset: word(size_of::<Template>() as u32),
        size: word(size),
        entries: word(1),
        version: word(1),
        ..Template::new_zeroed()
    };
    for (to, from) in template.firmware_version.iter_mut().zip(version) {
        *to = word(u32::from(from));
    }
    let entry = TemplateEntry {
        entry_type: word(TEMPLATE_END),
        size: word(size_of::<TemplateEntry>() as u32),
        ..TemplateEntry::new_zeroed()
    };
    template.checksum = word(!template_sum(&[template.as_bytes(), entry.as_bytes()].concat()));
    [template.as_bytes(), entry.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isp::chip::ram::Ram;
    use wire::isp::flash::{SEGMENTS, SegmentHeader};

    fn load(image: &[u8]) -> Ram {
        let (mut ram, mut rest) = (Ram::default(), image);
        for _ in 0..SEGMENTS {
            let header: SegmentHeader = wire::read(rest).unwrap();
            assert!(header.is_valid());
            let (segment, tail) = rest.split_at(header.bytes() as usize);
            let mut words = segment.to_vec();
            wire::isp::swap_words(&mut words);
            assert!(ram.load(header.address.get(), &words));
            rest = tail;
        }
        ram
    }

    #[test]
    fn the_rom_takes_it_and_nothing_else() {
        let image = synthetic_firmware([9, 8, 7]);
        let good = load(&image);
        assert!(good.is_firmware(FIRMWARE_ADDRESS));
        assert!(!good.is_firmware(FIRMWARE_ADDRESS + 1));
        assert!(!Ram::default().is_firmware(FIRMWARE_ADDRESS));
        // A bit anywhere in the code of either segment.
        for at in [5 * 4 + 3, 12 * 4, 64 + 6 * 4 + 3, 64 + 15 * 4] {
            let mut bad = image.clone();
            bad[at] ^= 0x10;
            assert!(!load(&bad).is_firmware(FIRMWARE_ADDRESS), "{at}");
        }
    }

    /// What drivers check of a template.
    #[test]
    fn the_template_is_whole() {
        let image = synthetic_firmware([9, 8, 7]);
        let section = &image[2 * 4 * SEGMENT_WORDS..];
        assert_eq!(section.len(), 4 * 53);
        assert_eq!(section[8..12], [0, 0, 0, 53]);
        let template = &section[28..28 + 180];
        assert_eq!(template[..4], [99, 0, 0, 0]);
        assert_eq!(template_sum(template), u32::MAX);
        assert_eq!(template[164..168], [255, 0, 0, 0]);
    }
}
