//! The RISC's memory: what was loaded into it, and whether that is firmware.

use std::collections::BTreeMap;
use wire::IntoBytes;
use wire::isp::flash::SegmentHeader;

const PAGE_WORDS: u32 = 1024;
/// Most pages: 32 MiB.
const PAGES: usize = 8192;
/// In a synthetic segment, word 8: the words of the segment add up to 0, and word 10 is the address of the next one.
pub const CHECKED: u32 = u32::from_be_bytes(*b"qfcS");

/// Memory by dword address. What was never written reads as zeroes and is known not to have been loaded.
#[derive(Default)]
pub struct Ram {
    pages: BTreeMap<u32, Box<[u32; PAGE_WORDS as usize]>>,
}

impl Ram {
    /// All of it is lost.
    pub fn clear(&mut self) {
        self.pages.clear();
    }

    /// A word.
    pub fn word(&self, at: u32) -> u32 {
        self.pages.get(&(at / PAGE_WORDS)).map_or(0, |page| page[(at % PAGE_WORDS) as usize])
    }

    /// Writes a word; false: so much memory there is not.
    pub fn set(&mut self, at: u32, word: u32) -> bool {
        let full = self.pages.len() >= PAGES;
        let number = at / PAGE_WORDS;
        if full && !self.pages.contains_key(&number) {
            return false;
        }
        let page = self.pages.entry(number).or_insert_with(|| Box::new([0; PAGE_WORDS as usize]));
        page[(at % PAGE_WORDS) as usize] = word;
        true
    }

    /// Writes words; false: not all.
    pub fn load(&mut self, at: u32, bytes: &[u8]) -> bool {
        let words = bytes.as_chunks::<4>().0;
        (0..).zip(words).all(|(n, word)| self.set(at.wrapping_add(n), u32::from_le_bytes(*word)))
    }

    /// Whether a segment of firmware starts there, all of it loaded. The sum is only looked at for segments that are marked
    /// [`CHECKED`]: by what rule QLogic's own are checked is not known.
    pub fn is_firmware(&self, at: u32) -> bool {
        let mut next = Some(at);
        // Each segment names the next; a chain that goes on for ever is none.
        for _ in 0..8 {
            let Some(segment) = next else { return true };
            match self.segment(segment) {
                Some(following) => next = following,
                None => return false,
            }
        }
        false
    }

    /// Checks one segment; the address of the next one to check, if there is one.
    fn segment(&self, at: u32) -> Option<Option<u32>> {
        let length = self.header(at)?.length.get();
        let checked = self.word(at.wrapping_add(8)) == CHECKED;
        if !self.is_loaded(at, length) {
            return None;
        }
        if !checked {
            return Some(None);
        }
        let sum = (0..length).fold(0u32, |sum, n| sum.wrapping_add(self.word(at.wrapping_add(n))));
        let next = self.word(at.wrapping_add(10));
        (sum == 0).then_some((next != 0).then_some(next))
    }

    fn header(&self, at: u32) -> Option<SegmentHeader> {
        let words: [[u8; 4]; 10] = std::array::from_fn(|n| self.word(at.wrapping_add(n as u32)).to_be_bytes());
        let header: SegmentHeader = wire::read(words.as_bytes())?;
        (header.is_valid() && header.address.get() == at).then_some(header)
    }

    /// Whether all pages of a range were written to.
    fn is_loaded(&self, at: u32, words: u32) -> bool {
        let Some(last) = at.checked_add(words - 1) else { return false };
        let pages = (last / PAGE_WORDS - at / PAGE_WORDS + 1) as usize;
        self.pages.range(at / PAGE_WORDS..=last / PAGE_WORDS).count() == pages
    }
}
