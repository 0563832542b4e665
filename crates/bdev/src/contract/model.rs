//! What each block may hold, given which operations ended and which overlapped.

use super::Memory;
use crate::Op;
use crate::random::mix;
use crate::{RANGE_BYTES, Range as Extent};
use std::ops::Range;

/// What a block may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Zeroes,
    /// The pattern of that write.
    Written(u32),
    Anything,
}

/// A write to one block that has ended, while others to it had not.
struct Ended {
    content: Content,
    begun: u64,
    ended: u64,
}

struct Block {
    may_hold: Vec<Content>,
    /// Writes in flight.
    pending: u32,
    /// Counts starts and ends of writes.
    changes: u64,
    /// Writes that have ended since nothing was pending last.
    epoch: Vec<Ended>,
}

/// What an operation will do to blocks, and when it began.
#[derive(Default)]
pub struct Effect {
    begun: u64,
    blocks: Vec<(usize, Content)>,
}

/// What was known of a block when a read of it began: its count of changes, if no write was pending.
pub type Sight = Vec<Option<u64>>;

/// A block that does not hold what it should.
pub struct Mismatch {
    pub block: u64,
    pub found: String,
    pub expected: String,
}

/// The window of blocks `first .. first + len` of a device.
pub struct Model {
    pub first: u64,
    block_size: usize,
    keeps: bool,
    unmap_zeroes: bool,
    blocks: Vec<Block>,
    generation: u32,
    time: u64,
    pub compared: u64,
}

impl Model {
    pub fn new(first: u64, len: u64, block_size: u32, memory: Memory, unmap_zeroes: bool) -> Self {
        let start = if memory == Memory::Unknown { Content::Anything } else { Content::Zeroes };
        let block = || Block { may_hold: vec![start], pending: 0, changes: 0, epoch: Vec::new() };
        Self {
            first,
            block_size: block_size as usize,
            keeps: memory != Memory::None,
            unmap_zeroes,
            blocks: (0..len).map(|_| block()).collect(),
            generation: 0,
            time: 0,
            compared: 0,
        }
    }

    pub fn len(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// Fills the data of a write with a pattern that no other write has, and returns what it will do.
    pub fn write(&mut self, block: u64, data: &mut [u8]) -> Effect {
        self.generation += 1;
        for (n, bytes) in data.chunks_exact_mut(self.block_size).enumerate() {
            fill(bytes, self.generation, block + n as u64);
        }
        let blocks = (data.len() / self.block_size) as u64;
        self.begin(self.places(block, blocks), Content::Written(self.generation))
    }

    /// What an operation other than a write will do.
    pub fn other(&mut self, op: Op, data: &[u8]) -> Effect {
        match op {
            Op::WriteZeroes { block, blocks, .. } => self.begin(self.places(block, blocks), Content::Zeroes),
            Op::Unmap { ranges } => {
                debug_assert_eq!(data.len(), ranges as usize * RANGE_BYTES);
                let extents = (0..ranges as usize).map(|n| Extent::read(data, n));
                let places: Vec<usize> = extents.flat_map(|e| self.places(e.block, e.blocks)).collect();
                self.begin(places, if self.unmap_zeroes { Content::Zeroes } else { Content::Anything })
            }
            Op::Read { .. } | Op::Write { .. } | Op::Flush | Op::Provisioning { .. } => Effect::default(),
        }
    }

    /// An operation ended. One that failed may have done anything to its blocks.
    pub fn end(&mut self, effect: Effect, ok: bool) {
        self.time += 1;
        for (place, content) in effect.blocks {
            let block = &mut self.blocks[place];
            let content = if ok { content } else { Content::Anything };
            block.epoch.push(Ended { content, begun: effect.begun, ended: self.time });
            block.pending -= 1;
            block.changes += 1;
            if block.pending == 0 {
                block.settle();
            }
        }
    }

    /// What is known of blocks as a read of them begins.
    pub fn look(&self, block: u64, blocks: u64) -> Sight {
        let known = |place: usize| (self.blocks[place].pending == 0).then_some(self.blocks[place].changes);
        self.places(block, blocks).map(known).collect()
    }

    /// Compares what a read returned, as far as no write came between.
    pub fn compare(&mut self, first: u64, sight: &Sight, data: &[u8]) -> Result<(), Mismatch> {
        for (n, (seen, bytes)) in sight.iter().zip(data.chunks_exact(self.block_size)).enumerate() {
            let number = first + n as u64;
            let block = &self.blocks[(number - self.first) as usize];
            if *seen != Some(block.changes) {
                continue;
            }
            self.compared += 1;
            let holds = |content: &Content| holds(*content, number, bytes);
            let good = if self.keeps { block.may_hold.iter().any(holds) } else { holds(&Content::Zeroes) };
            if !good {
                let expected = format!("{:?}", block.may_hold);
                return Err(Mismatch { block: number, found: describe(bytes), expected });
            }
        }
        Ok(())
    }

    fn places(&self, block: u64, blocks: u64) -> Range<usize> {
        let start = (block - self.first) as usize;
        start..start + blocks as usize
    }

    fn begin(&mut self, places: impl IntoIterator<Item = usize>, content: Content) -> Effect {
        self.time += 1;
        let blocks: Vec<_> = places.into_iter().map(|place| (place, content)).collect();
        for (place, _) in &blocks {
            self.blocks[*place].pending += 1;
            self.blocks[*place].changes += 1;
        }
        Effect { begun: self.time, blocks }
    }
}

impl Block {
    /// Nothing is pending any more: what may it hold? All but what ended before another began.
    fn settle(&mut self) {
        let epoch = std::mem::take(&mut self.epoch);
        let last = epoch.iter().map(|write| write.begun).max().unwrap_or_default();
        self.may_hold = epoch.iter().filter(|write| write.ended > last).map(|write| write.content).collect();
    }
}

fn holds(content: Content, block: u64, bytes: &[u8]) -> bool {
    match content {
        Content::Anything => true,
        Content::Zeroes => bytes.iter().all(|byte| *byte == 0),
        Content::Written(generation) => words(bytes).enumerate().all(|(n, word)| word == pattern(generation, block, n)),
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")))
}

/// The first word names the write and the block, so that a wrong block can be told; the others are noise that depends on them.
fn pattern(generation: u32, block: u64, word: usize) -> u64 {
    let name = (u64::from(generation) << 32) | (block & 0xFFFF_FFFF);
    if word == 0 { name } else { mix(name).wrapping_add(word as u64) }
}

fn fill(bytes: &mut [u8], generation: u32, block: u64) {
    for (n, word) in bytes.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&pattern(generation, block, n).to_le_bytes());
    }
}

fn describe(bytes: &[u8]) -> String {
    let name = words(bytes).next().unwrap_or_default();
    let (generation, block) = ((name >> 32) as u32, name & 0xFFFF_FFFF);
    if holds(Content::Zeroes, 0, bytes) {
        "zeroes".to_owned()
    } else if generation != 0 && holds(Content::Written(generation), block, bytes) {
        format!("write {generation} of block {block}")
    } else {
        format!("something torn or foreign that begins {:02x?}", &bytes[..16])
    }
}
