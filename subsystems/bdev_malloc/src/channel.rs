//! One core's queue into a device in RAM.

use crate::wipe::Wipe;
use bdev::{Channel, Done, Gone, Op, Provisioned, Status};
use dma::{Data, Region};
use ring::{Tag, Tick};
use std::collections::VecDeque;

/// Bytes that are cleared at once; a longer clearing goes on in later turns, so that it does not hold up the core.
const WIPE_BYTES: usize = 1 << 20;
/// Bytes that are looked at for one question.
const LOOK_BYTES: u64 = 64 << 10;
static ZEROES: [u8; 4096] = [0; 4096];
/// Blocks above this size are not lent: a send that stops inside one could later go on with newer bytes.
const LEND_BLOCK: u32 = 4096;

/// One core's queue. Nothing stays in it but long clearings.
pub struct Queue {
    region: Region,
    gone: Gone,
    shift: u32,
    wipes: VecDeque<Wipe>,
    ended: VecDeque<Done>,
}

impl Queue {
    pub fn new(region: Region, block_size: u32, gone: Gone, depth: u32) -> Self {
        let room = depth as usize;
        Self {
            region,
            gone,
            shift: block_size.trailing_zeros(),
            wipes: VecDeque::with_capacity(room),
            ended: VecDeque::with_capacity(room),
        }
    }

    #[inline]
    fn at(&self, block: u64) -> usize {
        (block << self.shift) as usize
    }

    /// A block of zeroes counts as given back: it reads as such, and nobody can tell the difference (SBC-3 4.7.4.6).
    fn look(&self, block: u64, blocks: u64) -> Provisioned {
        let most = blocks.min((LOOK_BYTES >> self.shift).max(1));
        let is_zero = |block: u64| {
            let part = ZEROES.len().min(1 << self.shift);
            (0..1 << self.shift).step_by(part).all(|at| self.region.eq(self.at(block) + at, &ZEROES[..part]))
        };
        let first = is_zero(block);
        let alike = (1..most).take_while(|more| is_zero(block + more) == first).count();
        Provisioned { blocks: 1 + alike as u64, mapped: !first }
    }

    fn wipe(&mut self, tag: Tag, op: Op, data: Data) -> Option<Done> {
        let mut wipe = Wipe::new(tag, op, data);
        wipe.step(&self.region, self.shift, WIPE_BYTES);
        if wipe.is_over() {
            return Some(wipe.end(Status::Ok));
        }
        self.wipes.push_back(wipe);
        None
    }
}

impl Channel for Queue {
    fn submit(&mut self, tag: Tag, op: Op, mut data: Data) -> Option<Done> {
        if self.gone.is_set() {
            return Some(Done { tag, status: Status::Removed, data });
        }
        match op {
            Op::Read { block, .. } => self.region.copy_out(self.at(block), &mut data),
            Op::Write { block, .. } => self.region.copy_in(self.at(block), &data),
            Op::Flush => {}
            Op::WriteZeroes { .. } | Op::Unmap { .. } => return self.wipe(tag, op, data),
            Op::Provisioning { block, blocks } => self.look(block, blocks).write(data.bytes_mut()),
        }
        Some(Done { tag, status: Status::Ok, data })
    }

    fn lend(&mut self, op: Op) -> Option<Data> {
        let Op::Read { block, blocks } = op else { return None };
        if self.gone.is_set() || 1 << self.shift > LEND_BLOCK {
            return None;
        }
        Some(self.region.lend(self.at(block), blocks << self.shift))
    }

    fn write_now(&mut self, op: Op, bytes: &[u8]) -> Option<Status> {
        let Op::Write { block, .. } = op else { return None };
        if self.gone.is_set() {
            return Some(Status::Removed);
        }
        self.region.write(self.at(block), bytes);
        Some(Status::Ok)
    }

    fn cancel(&mut self, tag: Tag) {
        if let Some(place) = self.wipes.iter().position(|wipe| wipe.tag == tag) {
            let wipe = self.wipes.remove(place).expect("it was found there");
            self.ended.push_back(wipe.end(Status::Aborted));
        }
    }

    fn reset(&mut self) {
        while let Some(wipe) = self.wipes.pop_front() {
            self.ended.push_back(wipe.end(Status::Aborted));
        }
    }

    fn turn(&mut self, _now: Tick) {
        let mut budget = WIPE_BYTES;
        while budget > 0 {
            let Some(wipe) = self.wipes.front_mut() else { return };
            if self.gone.is_set() {
                let wipe = self.wipes.pop_front().expect("it is at the front");
                self.ended.push_back(wipe.end(Status::Removed));
                continue;
            }
            budget = wipe.step(&self.region, self.shift, budget);
            if wipe.is_over() {
                let wipe = self.wipes.pop_front().expect("it is at the front");
                self.ended.push_back(wipe.end(Status::Ok));
            }
        }
    }

    fn next(&mut self) -> Option<Done> {
        self.ended.pop_front()
    }

    fn bell(&mut self) {}

    fn deadline(&self) -> Option<Tick> {
        // At once: there is work.
        let busy = !self.wipes.is_empty() || !self.ended.is_empty();
        busy.then_some(0)
    }
}
