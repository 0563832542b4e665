//! The flash: its contents, how registers reach it, and who may write it.
//!
//! It behaves as NOR flash: writing clears bits, erasing sets them. What a host writes lasts as long as the model.

mod boot;
mod firmware;
mod image;

pub use firmware::synthetic_firmware;

use super::identity::Identity;
use std::collections::BTreeMap;
use wire::isp::flash::FLASH_BYTES;
use wire::isp::regs::{FLASH_COMMANDS, FLASH_FLAG, FLASH_WINDOW};

const PAGE: u32 = 4096;
/// Bytes that an erase takes at least.
pub const SECTOR: u32 = 64 << 10;
const WORDS: u32 = FLASH_BYTES / 4;

/// Flash memory and the two registers before it.
pub struct Flash {
    pages: BTreeMap<u32, Box<[u8; PAGE as usize]>>,
    address: u32,
    data: u32,
    unprotected: bool,
    /// Holder of the semaphore; there is only this function.
    locked: bool,
}

impl Flash {
    /// With all that an adapter leaves the factory with.
    pub fn new(identity: &Identity) -> Self {
        let mut flash = Self { pages: BTreeMap::new(), address: 0, data: 0, unprotected: false, locked: false };
        image::fill(&mut flash, identity);
        flash
    }

    /// Registers and protection as after a reset; contents stay.
    pub fn reset(&mut self) {
        (self.address, self.data, self.unprotected, self.locked) = (0, 0, false, false);
    }

    /// A byte; all ones beyond the end.
    fn byte(&self, at: u32) -> u8 {
        self.pages.get(&(at / PAGE)).map_or(0xff, |page| page[(at % PAGE) as usize])
    }

    /// A word by its number; all ones beyond the end.
    pub fn word(&self, word: u32) -> u32 {
        if word >= WORDS {
            return u32::MAX;
        }
        u32::from_le_bytes(std::array::from_fn(|n| self.byte(word * 4 + n as u32)))
    }

    /// Puts contents in, whatever was there.
    fn put(&mut self, at: u32, bytes: &[u8]) {
        for (at, byte) in (at..FLASH_BYTES).zip(bytes) {
            self.page(at)[(at % PAGE) as usize] = *byte;
        }
    }

    fn page(&mut self, at: u32) -> &mut [u8; PAGE as usize] {
        self.pages.entry(at / PAGE).or_insert_with(|| Box::new([0xff; PAGE as usize]))
    }

    /// Programs a word: bits can only be cleared. False: protected, or not there.
    pub fn program(&mut self, word: u32, value: u32) -> bool {
        let may = self.unprotected && word < WORDS;
        if may && value != u32::MAX {
            let new = (self.word(word) & value).to_le_bytes();
            self.put(word * 4, &new);
        }
        may
    }

    /// Erases all sectors that hold words `first` to `last`. False: protected, or not there.
    pub fn erase(&mut self, first: u32, last: u32) -> bool {
        if !self.unprotected || first > last || last >= WORDS {
            return false;
        }
        let from = first * 4 / SECTOR * SECTOR / PAGE;
        let to = (last * 4 / SECTOR + 1) * SECTOR / PAGE;
        self.pages.retain(|page, _| !(from..to).contains(page));
        true
    }

    /// Lets it be written, or not.
    pub fn set_writable(&mut self, writable: bool) {
        self.unprotected = writable;
    }

    /// Takes the semaphore, or gives it back; always granted.
    pub fn set_locked(&mut self, locked: bool) {
        self.locked = locked;
    }

    /// What register flash_addr reads as: a read is done at once (flag 1), so is a write (flag 0).
    pub fn address(&self) -> u32 {
        self.address
    }

    /// What register flash_data reads as.
    pub fn data(&self) -> u32 {
        self.data
    }

    /// The host writes register flash_data.
    pub fn set_data(&mut self, data: u32) {
        self.data = data;
    }

    /// The host writes register flash_addr; `enabled`: ctrl_status lets the flash be written.
    pub fn set_address(&mut self, address: u32, enabled: bool) {
        self.address = address ^ FLASH_FLAG;
        let at = address & !FLASH_FLAG;
        if address & FLASH_FLAG == 0 {
            self.data = self.peek(at);
        } else if enabled && at >= FLASH_WINDOW {
            let was = std::mem::replace(&mut self.unprotected, true);
            self.program(at - FLASH_WINDOW, self.data);
            self.unprotected = was;
        }
    }

    /// A word of the window; of the part's own commands only its id is known.
    fn peek(&self, at: u32) -> u32 {
        match at {
            FLASH_COMMANDS.. if at - FLASH_COMMANDS == 0x9f || at - FLASH_COMMANDS == 0x3ab => image::PART_ID,
            FLASH_COMMANDS.. => 0,
            FLASH_WINDOW.. => self.word(at - FLASH_WINDOW),
            _ => 0,
        }
    }
}
