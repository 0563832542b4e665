//! Memory that mailbox commands point to. There is one command at a time, so one piece of memory does.

use dma::{Arena, Region};
use std::sync::Arc;

/// Bytes: the most that a firmware fragment has.
pub(crate) const SCRATCH_BYTES: usize = 256 << 10;

/// The memory of the command under way.
pub(crate) struct Scratch(Region);

impl Scratch {
    pub fn new(arena: &Arc<Arena>) -> Result<Self, dma::Error> {
        arena.region(SCRATCH_BYTES).map(Self)
    }

    /// Where it is, for the chip.
    pub fn address(&self) -> u64 {
        self.0.address(0)
    }

    pub fn read(&self, at: usize, to: &mut [u8]) {
        self.0.read(at, to);
    }

    pub fn write(&self, at: usize, from: &[u8]) {
        self.0.write(at, from);
    }

    pub fn zero(&self, length: usize) {
        self.0.zero(0, length);
    }
}
