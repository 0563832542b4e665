//! One core's queue into a block device.

use dma::Data;
use ring::{Tag, Tick};
use std::os::fd::BorrowedFd;

/// A block operation. Blocks are the device's own, counted from 0; the caller has checked the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Fills the data with `blocks` from `block` on.
    Read {
        /// First block.
        block: u64,
        /// How many.
        blocks: u32,
    },
    /// Writes the data to `blocks` from `block` on.
    Write {
        /// First block.
        block: u64,
        /// How many.
        blocks: u32,
        /// Done only when the blocks are on the medium (force unit access).
        fua: bool,
    },
    /// Done when every write that was done before is on the medium. No data.
    Flush,
    /// Makes the blocks read as zeroes. No data.
    WriteZeroes {
        /// First block.
        block: u64,
        /// How many.
        blocks: u64,
        /// The device may give their space back.
        unmap: bool,
        /// Done only when this is on the medium.
        fua: bool,
    },
    /// Gives the space of `ranges` back. The data holds that many [`Range`]s.
    Unmap {
        /// How many ranges the data holds.
        ranges: u32,
    },
    /// Says how blocks are provisioned: the data gets one [`Provisioned`]. Devices that keep no account of it say
    /// [`Status::Unsupported`].
    Provisioning {
        /// First block.
        block: u64,
        /// How many are asked for; not 0.
        blocks: u64,
    },
}

/// Bytes of one [`Range`] in the data of [`Op::Unmap`].
pub const RANGE_BYTES: usize = 16;

/// A range of blocks in the data of [`Op::Unmap`]: two little-endian 64-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First block.
    pub block: u64,
    /// How many.
    pub blocks: u64,
}

impl Range {
    /// Reads the `index`th range of `bytes`; the caller knows that it is there.
    pub fn read(bytes: &[u8], index: usize) -> Self {
        let at = index * RANGE_BYTES;
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Self { block: word(at), blocks: word(at + 8) }
    }

    /// Writes the `index`th range of `bytes`; the caller knows that there is room.
    pub fn write(self, bytes: &mut [u8], index: usize) {
        let at = index * RANGE_BYTES;
        bytes[at..at + 8].copy_from_slice(&self.block.to_le_bytes());
        bytes[at + 8..at + 16].copy_from_slice(&self.blocks.to_le_bytes());
    }
}

/// The answer to [`Op::Provisioning`]: two little-endian 64-bit numbers, of [`RANGE_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// So many blocks from the first one on are alike: at least one, at most those that were asked for. Those behind them
    /// may be so too.
    pub blocks: u64,
    /// They have space; else they read as blocks that were given back do.
    pub mapped: bool,
}

impl Provisioned {
    /// Reads it; the caller knows that it is there.
    pub fn read(bytes: &[u8]) -> Self {
        let Range { block, blocks } = Range::read(bytes, 0);
        Self { blocks, mapped: block != 0 }
    }

    /// Writes it; the caller knows that there is room.
    pub fn write(self, bytes: &mut [u8]) {
        Range { block: self.mapped.into(), blocks: self.blocks }.write(bytes, 0);
    }
}

/// How an operation ended. Command sets turn it into their own status, each in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done as asked.
    Ok,
    /// Ended early because of [`Channel::cancel`] or [`Channel::reset`]; blocks written are undefined.
    Aborted,
    /// The device cannot do this operation.
    Unsupported,
    /// The device takes no writes.
    ReadOnly,
    /// The medium could not be read.
    ReadError,
    /// The medium could not be written.
    WriteError,
    /// No space is left below a thin device.
    NoSpace,
    /// Too little memory or too many operations below; a later try may do.
    Busy,
    /// The device is going or gone.
    Removed,
    /// A status injected by a test device: NVMe status code type and status code.
    Nvme {
        /// Status code type.
        sct: u8,
        /// Status code.
        sc: u8,
    },
}

/// A finished operation: its memory comes home.
#[derive(Debug)]
pub struct Done {
    /// The name under which it was submitted.
    pub tag: Tag,
    /// How it ended.
    pub status: Status,
    /// What was lent to it; [`Data::empty`] when nothing was.
    pub data: Data,
}

/// One core's queue into a block device.
///
/// For each [`submit`](Self::submit) exactly one [`Done`] comes: as its result, or later from [`next`](Self::next).
/// Until then the channel owns the data. Nobody takes data from its holder: [`cancel`](Self::cancel) only hurries.
/// A channel is made, used and dropped on one core; it is dropped only when nothing is in flight.
pub trait Channel {
    /// Starts an operation. A device that is done at once says so by returning the ending.
    fn submit(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done>;

    /// For a device in RAM: the memory of a read, to be sent from where it is. `None`: submit it.
    /// A loan ends when the exchange does; the device outlives it because its channel does.
    fn lend(&mut self, op: Op) -> Option<Data> {
        let _ = op;
        None
    }

    /// For a device in RAM: a write of bytes that lie in the port's own memory, done at once. `None`: submit it.
    fn write_now(&mut self, op: Op, bytes: &[u8]) -> Option<Status> {
        let _ = (op, bytes);
        None
    }

    /// Hurries an operation along. Its one ending still comes, as [`Status::Aborted`] or as it would have been.
    fn cancel(&mut self, tag: Tag);

    /// Hurries everything that is in flight.
    fn reset(&mut self);

    /// Begins a turn of the core, while anything is in flight: looks what has finished. `now` dates what is submitted
    /// until the next one.
    fn turn(&mut self, now: Tick);

    /// The next finished operation.
    fn next(&mut self) -> Option<Done>;

    /// Ends a turn: hands what was submitted to the device, all at once.
    fn bell(&mut self);

    /// A descriptor that is readable when [`turn`](Self::turn) would find something; a sleeping core waits on it.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// When [`turn`](Self::turn) should be called although no descriptor said so.
    fn deadline(&self) -> Option<Tick> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_survives_its_bytes() {
        let mut bytes = [0; 2 * RANGE_BYTES];
        let range = Range { block: u64::MAX - 1, blocks: 7 };
        range.write(&mut bytes, 1);
        assert_eq!((Range::read(&bytes, 1), Range::read(&bytes, 0).blocks), (range, 0));
    }
}
