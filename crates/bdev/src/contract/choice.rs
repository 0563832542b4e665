//! Which operation comes next, and what it is given.

use super::driver::Driver;
use super::model::{Effect, Sight};
use crate::{Op, RANGE_BYTES, Range};
use dma::Data;

/// Most blocks of one read or write.
pub const MOST_BLOCKS: u64 = 8;
/// Most ranges of one unmap.
const MOST_RANGES: u64 = 3;

impl Driver<'_> {
    /// Memory for an operation, filled, and what the model says of it.
    pub(super) fn prepare(&mut self, op: Op) -> (Data, Effect, Sight) {
        let block_size = self.info.block_size;
        match op {
            Op::Read { block, blocks } => {
                let mut data = self.take(blocks * block_size);
                data.bytes_mut().fill(0xA5);
                (data, Effect::default(), self.model.look(block, blocks.into()))
            }
            Op::Write { block, blocks, .. } => {
                let mut data = self.take(blocks * block_size);
                let effect = self.model.write(block, data.bytes_mut());
                (data, effect, Sight::new())
            }
            Op::Unmap { ranges } => {
                let mut data = self.take(ranges * RANGE_BYTES as u32);
                for n in 0..ranges as usize {
                    let (block, blocks) = self.extent(self.model.len() / 4);
                    Range { block, blocks }.write(data.bytes_mut(), n);
                }
                let effect = self.model.other(op, data.bytes());
                (data, effect, Sight::new())
            }
            Op::Provisioning { .. } => (self.take(RANGE_BYTES as u32), Effect::default(), Sight::new()),
            Op::WriteZeroes { .. } | Op::Flush => (Data::empty(), self.model.other(op, &[]), Sight::new()),
        }
    }

    fn take(&mut self, len: u32) -> Data {
        self.pool.take(len).expect("as many pieces as operations")
    }

    pub(super) fn choose(&mut self) -> Op {
        let features = self.info.features;
        let (block, blocks) = self.extent(MOST_BLOCKS);
        let fua = self.random.one_in(4);
        match self.random.below(20) {
            0..8 if features.write => Op::Write { block, blocks: blocks as u32, fua },
            8 if features.write => Op::Flush,
            9 if features.write_zeroes => Op::WriteZeroes { block, blocks, unmap: self.random.one_in(2), fua },
            10 if features.unmap => Op::Unmap { ranges: 1 + self.random.below(MOST_RANGES) as u32 },
            _ => Op::Read { block, blocks: blocks as u32 },
        }
    }

    fn extent(&mut self, most: u64) -> (u64, u64) {
        let blocks = 1 + self.random.below(most.min(self.model.len()));
        (self.model.first + self.random.below(self.model.len() - blocks + 1), blocks)
    }
}
