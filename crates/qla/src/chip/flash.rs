//! Reading the flash: by the ROM or the firmware into memory (mailbox command 0Ch), and where that is refused, by registers.

use super::{Bar0, Fault, Scratch, Words};
use ring::Tick;
use wire::isp::mailbox::{Command, Status};
use wire::isp::regs::{FLASH_DEAD, FLASH_FLAG, FLASH_WINDOW};

const MS: Tick = 1_000_000;

/// Bytes that one command reads.
const BURST: usize = 4096;
/// Starts of ranges that the command takes.
const BURST_ALIGNMENT: u32 = 0x100;
/// For one word by registers.
const WORD: Tick = 300 * MS;
/// Words by registers in a poll at most.
const WORDS: usize = 512;
/// No table or image is larger.
pub(crate) const MOST: usize = 16 << 20;

/// What a read needs next.
pub(crate) enum Need {
    /// This command is to be sent.
    Command(Words),
    /// Time: it reads by registers.
    Time,
    /// Nothing: all is there.
    Nothing,
}

/// A range of the flash being read.
#[derive(Debug)]
pub(crate) struct FlashRead {
    /// Byte address of the start.
    at: u32,
    length: usize,
    bytes: Vec<u8>,
    /// The command was refused: word by word.
    slow: bool,
    /// A word is under way since then.
    word_until: Option<Tick>,
}

impl FlashRead {
    /// The range is rounded up to whole words.
    pub fn new(at: u32, length: usize) -> Self {
        let length = length.min(MOST).next_multiple_of(4);
        let slow = !at.is_multiple_of(BURST_ALIGNMENT);
        Self { at, length, bytes: Vec::with_capacity(length), slow, word_until: None }
    }

    /// What was read.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Where the range goes on, as a dword address of the flash window.
    fn address(&self) -> u32 {
        FLASH_WINDOW.wrapping_add(self.at.wrapping_add(self.bytes.len() as u32) / 4)
    }

    /// What it needs to go on.
    pub fn need(&mut self, bar0: &Bar0, scratch: &Scratch, now: Tick) -> Need {
        if self.slow {
            self.words(bar0, now);
        }
        let left = self.length - self.bytes.len();
        match (left, self.slow) {
            (0, _) => Need::Nothing,
            (_, true) => Need::Time,
            _ => Need::Command(read_ram(self.address(), scratch.address(), left.min(BURST) / 4)),
        }
    }

    /// The answer to the command that it needed.
    pub fn replied(&mut self, words: &Words, scratch: &Scratch) {
        if words.status() != Status::COMPLETE {
            self.slow = true;
            return;
        }
        let piece = (self.length - self.bytes.len()).min(BURST);
        let start = self.bytes.len();
        self.bytes.resize(start + piece, 0);
        scratch.read(0, &mut self.bytes[start..]);
    }

    /// Reads words by registers, as long as they come at once.
    fn words(&mut self, bar0: &Bar0, now: Tick) {
        for _ in 0..WORDS {
            if self.bytes.len() == self.length {
                return;
            }
            let until = match self.word_until {
                Some(until) => until,
                None => {
                    bar0.set_flash_address(self.address() & !FLASH_FLAG);
                    *self.word_until.insert(now + WORD)
                }
            };
            let word = match bar0.flash_address() & FLASH_FLAG {
                0 if now < until => return,
                0 => FLASH_DEAD,
                _ => bar0.flash_data(),
            };
            self.word_until = None;
            self.bytes.extend_from_slice(&word.to_le_bytes());
            if word == FLASH_DEAD && now >= until {
                // A flash that does not answer will not for the other words, either.
                let rest = self.length - self.bytes.len();
                self.bytes.extend(std::iter::repeat_n(0xff, rest));
            }
        }
    }
}

/// Mailbox command 0Ch: dwords of RISC memory, or of the flash window, to our memory.
fn read_ram(from: u32, to: u64, dwords: usize) -> Words {
    ram(Command::DUMP_RAM, from, to, dwords)
}

/// Mailbox command 0Bh: dwords of our memory to RISC memory.
pub(crate) fn load_ram(to: u32, from: u64, dwords: usize) -> Words {
    ram(Command::LOAD_RAM, to, from, dwords)
}

fn ram(command: Command, risc: u32, memory: u64, dwords: usize) -> Words {
    Words::new(command).with_address(memory).with_pair(8, 1, risc).with_pair(4, 5, dwords as u32)
}

/// The answer to [`load_ram`].
pub(crate) fn loaded(words: Words) -> Result<(), Fault> {
    words.done(Command::LOAD_RAM).map(|_| ())
}
