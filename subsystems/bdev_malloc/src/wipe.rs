//! Clearing blocks, a part at a time.

use bdev::{Op, Range, Status};
use dma::{Data, Region};
use ring::Tag;

/// A write zeroes or an unmap that is under way.
pub struct Wipe {
    pub tag: Tag,
    pub op: Op,
    pub data: Data,
    /// Which range is next.
    range: u32,
    /// How many blocks of it are done.
    done: u64,
}

impl Wipe {
    pub fn new(tag: Tag, op: Op, data: Data) -> Self {
        Self { tag, op, data, range: 0, done: 0 }
    }

    /// Clears at most `budget` bytes and returns what is left of that; the wipe is over when something is left.
    pub fn step(&mut self, region: &Region, shift: u32, mut budget: usize) -> usize {
        while budget > 0 {
            let Some(Range { block, blocks }) = self.current() else { return budget };
            let part = (blocks - self.done).min((budget >> shift).max(1) as u64);
            region.zero(((block + self.done) << shift) as usize, (part << shift) as usize);
            budget = budget.saturating_sub((part << shift) as usize);
            self.done += part;
            if self.done == blocks {
                (self.range, self.done) = (self.range + 1, 0);
            }
        }
        0
    }

    pub fn is_over(&self) -> bool {
        self.current().is_none()
    }

    fn current(&self) -> Option<Range> {
        match self.op {
            Op::WriteZeroes { block, blocks, .. } => (self.range == 0).then_some(Range { block, blocks }),
            Op::Unmap { ranges } => (self.range < ranges).then(|| Range::read(self.data.bytes(), self.range as usize)),
            Op::Read { .. } | Op::Write { .. } | Op::Flush | Op::Provisioning { .. } => None,
        }
    }

    pub fn end(self, status: Status) -> bdev::Done {
        bdev::Done { tag: self.tag, status, data: self.data }
    }
}
