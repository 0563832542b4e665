//! What the model hosts ask for, and what they are told.

use bdev::{RANGE_BYTES, Range, Status};

/// Bytes of a block of the soft disks.
pub const BLOCK: u32 = 512;

/// What a command wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A reply.
    Nothing,
    /// Blocks.
    Read,
    /// To write blocks.
    Write,
    /// A flush.
    Flush,
    /// Zeroes.
    Zeroes,
    /// To give blocks back, planned as an operation at once.
    Unmap,
    /// The same, but the command set looks at the ranges first.
    UnmapTaken,
    /// To compare blocks.
    Compare,
    /// Bytes that the command set writes.
    Answer,
    /// To give bytes to the command set, which replies at once.
    Take,
    /// To give bytes to the command set, which answers later.
    TakeControl,
    /// An answer that comes later.
    Control,
    /// An answer that comes some time or never.
    Park,
    /// To abort the command that has this identifier on the same queue.
    Abort {
        /// The identifier.
        victim: u32,
    },
}

/// A command of a model host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its queue.
    pub queue: u32,
    /// Its identifier, which the host uses again as soon as it has the reply.
    pub id: u32,
    /// A number that no other command has.
    pub serial: u64,
    /// What it wants.
    pub kind: Kind,
    /// Which disk.
    pub disk: usize,
    /// First block.
    pub block: u64,
    /// How many.
    pub blocks: u32,
}

impl Command {
    /// Bytes that the host sends.
    pub fn sends(&self) -> u32 {
        match self.kind {
            Kind::Write | Kind::Compare | Kind::Take | Kind::TakeControl => self.blocks * BLOCK,
            Kind::Unmap | Kind::UnmapTaken => RANGE_BYTES as u32,
            _ => 0,
        }
    }

    /// Bytes that the host gets if all goes well.
    pub fn gets(&self) -> u32 {
        match self.kind {
            Kind::Read | Kind::Answer => self.blocks * BLOCK,
            _ => 0,
        }
    }

    /// What it leaves in `block` of its range, if it changes blocks.
    pub fn leaves(&self, block: u64) -> Option<u64> {
        match self.kind {
            Kind::Write => Some(stamp(self.serial, block)),
            Kind::Zeroes | Kind::Unmap | Kind::UnmapTaken => Some(0),
            _ => None,
        }
    }

    /// Its blocks.
    pub fn range(&self) -> std::ops::Range<u64> {
        self.block..self.block + u64::from(self.blocks)
    }

    /// Writes what the host sends. `compared` says what it believes to be in a block.
    pub fn fill(&self, data: &mut [u8], mut compared: impl FnMut(u64) -> u64) {
        match self.kind {
            Kind::Unmap | Kind::UnmapTaken => {
                Range { block: self.block, blocks: u64::from(self.blocks) }.write(data, 0);
            }
            Kind::Compare => self.each_block(data, |block, bytes| paint(bytes, compared(block))),
            _ => self.each_block(data, |block, bytes| paint(bytes, stamp(self.serial, block))),
        }
    }

    fn each_block(&self, data: &mut [u8], mut what: impl FnMut(u64, &mut [u8])) {
        for (block, bytes) in self.range().zip(data.chunks_mut(BLOCK as usize)) {
            what(block, bytes);
        }
    }
}

/// What a write leaves in a block: it names both.
pub fn stamp(serial: u64, block: u64) -> u64 {
    serial << 16 | block
}

/// Fills a block with a stamp.
pub fn paint(bytes: &mut [u8], stamp: u64) {
    for word in bytes.chunks_exact_mut(8) {
        word.copy_from_slice(&stamp.to_le_bytes());
    }
}

/// The stamp of a block, or nothing if it is torn.
pub fn stamp_of(bytes: &[u8]) -> Option<u64> {
    let first: [u8; 8] = bytes[..8].try_into().ok()?;
    bytes.chunks_exact(8).all(|word| word == first).then(|| u64::from_le_bytes(first))
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The disk is done.
    Done(Status),
    /// A difference was found.
    Miscompare,
    /// The host's data did not come.
    FetchFailed,
    /// Aborted.
    Aborted,
    /// The command set answered; for an abort: whether it aborted.
    Answered(bool),
}

/// A reply to a model host. It names the command, so that one that goes astray is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The command's number.
    pub serial: u64,
    /// How it ended.
    pub ending: Ending,
}
