//! Commands that read and write the RISC's memory and the flash.

use super::super::flash::SECTOR;
use super::super::{Behind, Chip};
use super::Reply;
use pci::Bus;
use wire::isp::mailbox::{A64, FlashAccess, Mailboxes, Status, pair};
use wire::isp::regs::FLASH_WINDOW;

/// Most words of one command: 4 MiB.
const MOST_WORDS: u32 = 1 << 20;
/// Words that are copied at a time.
const CHUNK: u32 = 1024;

/// The words of a command: where in the adapter, where in the host.
struct Span {
    at: u32,
    words: u32,
    host: u64,
}

impl Span {
    fn of(mailboxes: &Mailboxes) -> Result<Self, Reply> {
        let (at, words, host) = (pair(mailboxes, 8, 1), pair(mailboxes, 4, 5), A64::get(mailboxes));
        let ends = at.checked_add(words).is_some() && host.checked_add(u64::from(words) * 4).is_some();
        match words <= MOST_WORDS && ends {
            true => Ok(Self { at, words, host }),
            false => Err(Reply::status(Status::PARAMETER_ERROR)),
        }
    }

    /// Pieces: address in the adapter, in the host, words.
    fn pieces(&self) -> impl Iterator<Item = (u32, u64, usize)> + use<> {
        let (at, host, words) = (self.at, self.host, self.words);
        (0..words).step_by(CHUNK as usize).map(move |done| {
            let words = CHUNK.min(words - done);
            (at + done, host + u64::from(done) * 4, words as usize)
        })
    }
}

impl<F: Behind> Chip<F> {
    /// 0Bh: into memory, or programs the flash.
    pub(super) fn load_ram(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Result<Reply, Reply> {
        let mut bytes = [0; CHUNK as usize * 4];
        for (at, host, words) in Span::of(mailboxes)?.pieces() {
            let bytes = &mut bytes[..words * 4];
            bus.read(host, bytes)?;
            if !self.store(at, bytes) {
                return Err(Reply::status(Status::PARAMETER_ERROR));
            }
        }
        Ok(Reply::ok())
    }

    fn store(&mut self, at: u32, bytes: &[u8]) -> bool {
        let Some(word) = at.checked_sub(FLASH_WINDOW) else { return self.ram.load(at, bytes) };
        let words = bytes.as_chunks::<4>().0;
        (word..).zip(words).all(|(n, bytes)| self.flash.program(n, u32::from_le_bytes(*bytes)))
    }

    /// 0Ch: from memory, or from the flash.
    pub(super) fn dump_ram(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Result<Reply, Reply> {
        for (at, host, words) in Span::of(mailboxes)?.pieces() {
            let bytes: Vec<u8> = (at..).take(words).flat_map(|n| self.word(n).to_le_bytes()).collect();
            bus.write(host, &bytes)?;
        }
        Ok(Reply::ok())
    }

    fn word(&self, at: u32) -> u32 {
        match at.checked_sub(FLASH_WINDOW) {
            Some(word) => self.flash.word(word),
            None => self.ram.word(at),
        }
    }

    /// 05h: dumps the MPI's memory, which is empty.
    pub(super) fn mpi_ram(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Result<Reply, Reply> {
        for (_, host, words) in Span::of(mailboxes)?.pieces() {
            bus.write(host, &[0; CHUNK as usize * 4][..words * 4])?;
        }
        Ok(Reply::ok())
    }

    /// 0Dh.
    pub(super) fn write_ram_word(&mut self, mailboxes: &Mailboxes) -> Reply {
        match self.store(pair(mailboxes, 8, 1), &pair(mailboxes, 3, 2).to_le_bytes()) {
            true => Reply::ok(),
            false => Reply::status(Status::PARAMETER_ERROR),
        }
    }

    /// 0Fh.
    pub(super) fn read_ram_word(&self, mailboxes: &Mailboxes) -> Reply {
        let word = self.word(pair(mailboxes, 8, 1));
        Reply::ok().with(2, word as u16).with(3, (word >> 16) as u16)
    }

    /// 3Eh.
    pub(super) fn flash_access(&mut self, mailboxes: &Mailboxes) -> Reply {
        match FlashAccess(mailboxes[1]) {
            FlashAccess::PROTECT => self.flash.set_writable(false),
            FlashAccess::UNPROTECT => self.flash.set_writable(true),
            FlashAccess::LOCK => self.flash.set_locked(true),
            FlashAccess::UNLOCK => self.flash.set_locked(false),
            FlashAccess::SECTOR_SIZE => return Reply::ok().with(1, (SECTOR / 4) as u16),
            FlashAccess::ERASE if self.erase(mailboxes) => {}
            FlashAccess::ERASE => return Reply::error(Status::COMMAND_ERROR, 0),
            _ => return Reply::status(Status::PARAMETER_ERROR),
        }
        Reply::ok()
    }

    /// Drivers give addresses in the window, or from the flash's start.
    fn erase(&mut self, mailboxes: &Mailboxes) -> bool {
        let word = |at: u32| at.checked_sub(FLASH_WINDOW).unwrap_or(at);
        self.flash.erase(word(pair(mailboxes, 3, 2)), word(pair(mailboxes, 5, 4)))
    }
}
