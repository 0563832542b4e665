//! One operation: which calls of the kernel it takes, one after another.

use crate::queue::Ring;
use bdev::{Op, Range, Status};
use dma::{Data, Region};
use ring::Tag;

const KEEP_SIZE: i32 = libc::FALLOC_FL_KEEP_SIZE;
const PUNCH: i32 = libc::FALLOC_FL_PUNCH_HOLE | KEEP_SIZE;
const ZERO: i32 = libc::FALLOC_FL_ZERO_RANGE | KEEP_SIZE;

/// What the kernel is doing for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A read or write.
    Move,
    /// An fallocate.
    Allocate,
    /// An fdatasync.
    Sync,
}

/// What all jobs of a channel share.
pub struct Means {
    pub shift: u32,
    /// What is written where zeroes cannot be had otherwise.
    pub zeroes: Region,
    /// Whether fallocate zeroes; false once it said that it cannot.
    pub allocates: bool,
}

/// An operation under way.
pub struct Job {
    pub tag: Tag,
    pub op: Op,
    pub call: Call,
    pub cancelled: bool,
    /// Bytes moved or cleared, or ranges given back.
    done: u64,
    synced: bool,
}

impl Job {
    pub fn new(tag: Tag, op: Op) -> Self {
        Self { tag, op, call: Call::Move, cancelled: false, done: 0, synced: false }
    }

    /// Makes the next call for it, under `token`; or gives the data back when there is none: it is done.
    pub fn call(&mut self, ring: &mut impl Ring, means: &Means, data: Data, token: u64) -> Result<(), Data> {
        let (done, part, all) = (self.done, self.done as u32..data.len(), u64::from(data.len()));
        match self.op {
            Op::Read { block, .. } if done < all => {
                self.call = Call::Move;
                ring.read((block << means.shift) + done, data, part, token);
            }
            Op::Write { block, fua, .. } if done < all => {
                self.call = Call::Move;
                ring.write((block << means.shift) + done, data, part, fua, token);
            }
            Op::WriteZeroes { block, blocks, unmap, .. } if done < blocks << means.shift => {
                let (at, left) = ((block << means.shift) + done, (blocks << means.shift) - done);
                self.clear(ring, means, at, left, unmap, token);
            }
            Op::Unmap { ranges } if done < u64::from(ranges) => {
                self.call = Call::Allocate;
                let Range { block, blocks } = Range::read(data.bytes(), done as usize);
                if blocks == 0 {
                    self.done += 1;
                    return self.call(ring, means, data, token);
                }
                ring.fallocate(PUNCH, block << means.shift, blocks << means.shift, data, token);
            }
            Op::Flush | Op::WriteZeroes { fua: true, .. } if !self.synced => {
                self.call = Call::Sync;
                ring.datasync(token);
            }
            _ => return Err(data),
        }
        Ok(())
    }

    fn clear(&mut self, ring: &mut impl Ring, means: &Means, at: u64, left: u64, unmap: bool, token: u64) {
        if means.allocates {
            self.call = Call::Allocate;
            return ring.fallocate(if unmap { PUNCH } else { ZERO }, at, left, Data::empty(), token);
        }
        self.call = Call::Move;
        let len = left.min(means.zeroes.len() as u64) as u32;
        ring.write(at, means.zeroes.lend(0, len), 0..len, false, token);
    }

    /// Whether everything is done, the data having `len` bytes.
    pub fn is_over(&self, len: u32, shift: u32) -> bool {
        match self.op {
            Op::Read { .. } | Op::Write { .. } => self.done == u64::from(len),
            Op::WriteZeroes { blocks, fua, .. } => self.done == blocks << shift && (self.synced || !fua),
            Op::Unmap { ranges } => self.done == u64::from(ranges),
            Op::Flush => self.synced,
            Op::Provisioning { .. } => true,
        }
    }

    /// Notes that the call succeeded with `moved`, as the kernel counts.
    ///
    /// # Errors
    /// The medium ended too early.
    pub fn progress(&mut self, moved: u32, shift: u32) -> Result<(), Status> {
        match (self.call, self.op) {
            (Call::Move, op) if moved == 0 => return Err(crate::errno::medium(op)),
            (Call::Move, _) => self.done += u64::from(moved),
            (Call::Allocate, Op::WriteZeroes { blocks, .. }) => self.done = blocks << shift,
            (Call::Allocate, _) => self.done += 1,
            (Call::Sync, _) => self.synced = true,
        }
        Ok(())
    }
}
