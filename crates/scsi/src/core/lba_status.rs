//! GET LBA STATUS (SBC-3 5.5): the device is asked piece by piece; pieces that are alike become one descriptor.
//!
//! - Limits: a device that keeps no account of its space is said to be «mapped or unknown» throughout. As many descriptors as
//!   fit, after as many questions as are allowed; the initiator asks on from where they end.

use super::block::{Planned, Way, Work};
use super::fail::Fail;
use super::scsi::Scsi;
use super::status::of_device;
use super::steps::Buffers;
use super::units::Unit;
use crate::{Reply, Task};
use bdev::{Op, Provisioned, RANGE_BYTES, Status};
use exchange::{Piece, Plan, Step};
use ring::Tag;
use wire::IntoBytes;
use wire::be::{U32, U64};
use wire::scsi::report::{LbaStatusDescriptor, LbaStatusHeader};

/// Descriptors of one answer.
const MOST: usize = 32;
/// Questions to the device for one command: enough for 1 GiB in RAM, which is looked at in pieces of 64 KiB.
const QUESTIONS: u32 = 1 << 14;
const HEADER: usize = size_of::<LbaStatusHeader>();
const DESCRIPTOR: usize = size_of::<LbaStatusDescriptor>();
/// The device's answer, and behind it ours.
const ROOM: usize = RANGE_BYTES + HEADER + MOST * DESCRIPTOR;

/// Plans GET LBA STATUS. How long the answer is shows later.
pub(crate) fn plan(unit: &Unit, lba: u64) -> Planned {
    if lba >= unit.blocks {
        return Err(Fail::OUT_OF_RANGE);
    }
    let plan = Plan::Steps { take: 0, scratch: ROOM as u32 };
    Ok(Work { plan: Some(plan), way: Way::In, wanted: 0, moves: 0 })
}

impl Scsi {
    /// Asks on, or answers.
    pub(crate) fn step_lba_status(
        &mut self,
        tag: Tag,
        task: &Task,
        (lba, allocation): (u64, u32),
        buffers: Buffers<'_>,
        last: Option<Status>,
    ) -> Result<Step<Reply>, Fail> {
        let open = self.open.get(tag).copied().ok_or(Fail::NO_UNIT)?;
        let unit = self.unit_at(open.queue, open.slot).ok_or(Fail::NO_UNIT)?;
        let (target, end) = (unit.target, unit.blocks);
        let (told, list) = buffers.scratch.split_at_mut(RANGE_BYTES);
        let mut list = List { first: lba, bytes: list };
        match last {
            None => list.clear(),
            Some(Status::Unsupported) => list.add(Provisioned { blocks: end.saturating_sub(list.end()), mapped: true }),
            Some(status) => {
                of_device(status)?;
                let told = Provisioned::read(told);
                list.add(Provisioned { blocks: told.blocks.clamp(1, (end - list.end()).max(1)), ..told });
            }
        }
        let next = list.end();
        let over = next >= end || last == Some(Status::Unsupported) || open.progress.done == QUESTIONS;
        if !over && list.has_room() {
            if let Some(open) = self.open.get_mut(tag) {
                open.progress.done += 1;
            }
            let op = Op::Provisioning { block: next, blocks: end - next };
            return Ok(Step::Io { on: Piece::Scratch, target, op, len: RANGE_BYTES as u32 });
        }
        let len = list.len();
        buffers.scratch.copy_within(RANGE_BYTES..RANGE_BYTES + len, 0);
        Ok(self.send(tag, task, allocation.min(len as u32)))
    }

    /// Sends so many bytes, or as many of them as the initiator expects.
    fn send(&mut self, tag: Tag, task: &Task, wanted: u32) -> Step<Reply> {
        let moves = wanted.min(task.data_in);
        let mut transfer = self.settle(tag);
        (transfer.wanted, transfer.moves) = (wanted, moves);
        let reply = transfer.good(moves);
        if moves == 0 { Step::Reply(reply) } else { Step::Send { len: moves, reply } }
    }
}

/// The answer as far as it is there.
struct List<'a> {
    first: u64,
    bytes: &'a mut [u8],
}

impl List<'_> {
    fn clear(&mut self) {
        self.put_count(0);
    }

    fn put_count(&mut self, count: usize) {
        let length = U32::new((4 + count * DESCRIPTOR) as u32);
        self.bytes[..HEADER].copy_from_slice(LbaStatusHeader { length, reserved: [0; 4] }.as_bytes());
    }

    fn count(&self) -> usize {
        let header: Option<LbaStatusHeader> = wire::read(self.bytes);
        header.map_or(0, |header| (header.length.get() as usize - 4) / DESCRIPTOR)
    }

    fn len(&self) -> usize {
        HEADER + self.count() * DESCRIPTOR
    }

    fn has_room(&self) -> bool {
        self.count() < MOST
    }

    fn last(&self) -> Option<LbaStatusDescriptor> {
        let at = self.len().checked_sub(DESCRIPTOR).filter(|at| *at >= HEADER)?;
        wire::read(&self.bytes[at..])
    }

    /// The block that nothing is known of yet.
    fn end(&self) -> u64 {
        self.last().map_or(self.first, |last| last.lba.get() + u64::from(last.blocks.get()))
    }

    /// Adds what is known of the next blocks, or lengthens the last descriptor.
    fn add(&mut self, told: Provisioned) {
        let status = if told.mapped { LbaStatusDescriptor::MAPPED } else { LbaStatusDescriptor::DEALLOCATED };
        let lba = self.end();
        let most = |blocks: u64| U32::new(blocks.min(u32::MAX.into()) as u32);
        let mut count = self.count();
        let descriptor = match self.last() {
            Some(last) if last.status == status && u64::from(last.blocks.get()) + told.blocks <= u32::MAX.into() => {
                count -= 1;
                LbaStatusDescriptor { blocks: most(u64::from(last.blocks.get()) + told.blocks), ..last }
            }
            _ => LbaStatusDescriptor { lba: U64::new(lba), blocks: most(told.blocks), status, reserved: [0; 3] },
        };
        let at = HEADER + count * DESCRIPTOR;
        if let Some(place) = self.bytes.get_mut(at..at + DESCRIPTOR) {
            place.copy_from_slice(descriptor.as_bytes());
            self.put_count(count + 1);
        }
    }
}
