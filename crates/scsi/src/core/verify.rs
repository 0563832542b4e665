//! VERIFY and WRITE AND VERIFY (SBC-3 5.33 and on, 5.38 and on): blocks are read piece by piece, and compared if asked to.
//!
//! - Limits: what is read back may come from a cache below the device; it is written with FUA before.
//! - A VERIFY that compares nothing, or each block with one, may be as long as its CDB can say.

use super::block::{Planned, Way, Work, bytes_of, in_range, length_at, whole_blocks, writable};
use super::fail::Fail;
use super::open::{Last, Progress};
use super::steps::{Buffers, Next, Stepped, piece};
use super::units::Unit;
use crate::Task;
use bdev::Op;
use exchange::{Piece, Plan};
use wire::scsi::{Asc, ByteCheck, Extent, Key, Sense};

/// Plans VERIFY.
pub(crate) fn plan(unit: &Unit, extent: &Extent, check: ByteCheck, task: &Task, largest: u32) -> Planned {
    in_range(unit, extent)?;
    let bytes = u64::from(extent.blocks) << unit.shift;
    let (wanted, moves) = match check {
        ByteCheck::Medium => (0, 0),
        ByteCheck::Compare => {
            let wanted = bytes_of(unit, extent, largest, length_at(task.cdb[0]))?;
            (wanted, whole_blocks(unit, wanted, task)?)
        }
        ByteCheck::CompareOne if extent.blocks == 0 => (0, 0),
        ByteCheck::CompareOne => (unit.block_bytes(), one_block(unit, task)?),
        ByteCheck::Reserved => return Err(Fail::in_cdb(1)),
    };
    let way = if check == ByteCheck::Medium { Way::None } else { Way::Out };
    let reads = if check == ByteCheck::Compare { moves.into() } else { bytes };
    let plan = Plan::Steps { take: moves, scratch: piece(reads, largest) };
    Ok(Work { plan: (reads > 0).then_some(plan), way, wanted, moves })
}

/// Plans WRITE AND VERIFY.
pub(crate) fn plan_write(unit: &Unit, extent: &Extent, check: ByteCheck, task: &Task, largest: u32) -> Planned {
    if matches!(check, ByteCheck::Reserved | ByteCheck::CompareOne) {
        return Err(Fail::in_cdb(1));
    }
    let wanted = bytes_of(unit, extent, largest, length_at(task.cdb[0]))?;
    writable(unit)?;
    let moves = whole_blocks(unit, wanted, task)?;
    let plan = Plan::Steps { take: moves, scratch: piece(moves.into(), largest) };
    Ok(Work { plan: (moves > 0).then_some(plan), way: Way::Out, wanted, moves })
}

/// One block that is sent for all.
fn one_block(unit: &Unit, task: &Task) -> Result<u32, Fail> {
    if task.data_out < unit.block_bytes() {
        return Err(Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT));
    }
    Ok(unit.block_bytes())
}

/// WRITE AND VERIFY: the write, then what VERIFY does.
pub(crate) fn step_write(
    unit: &Unit,
    extent: &Extent,
    check: ByteCheck,
    buffers: Buffers<'_>,
    progress: &mut Progress,
) -> Stepped {
    let len = buffers.taken.len() as u32;
    if progress.last == Last::Nothing {
        progress.last = Last::Write;
        let op = Op::Write { block: extent.lba, blocks: len >> unit.shift, fua: true };
        return Ok(Some(Next { on: Piece::Taken, op, len }));
    }
    let written = Extent { blocks: len >> unit.shift, ..*extent };
    step(unit, &written, check, buffers, progress)
}

/// Reads the next piece, having compared the last one.
pub(crate) fn step(
    unit: &Unit,
    extent: &Extent,
    check: ByteCheck,
    Buffers { taken, scratch }: Buffers<'_>,
    progress: &mut Progress,
) -> Stepped {
    let blocks = match check {
        ByteCheck::Compare => taken.len() as u32 >> unit.shift,
        _ => extent.blocks,
    };
    if progress.last == Last::Read {
        let read = progress.read(unit, blocks, scratch);
        let at = progress.done as usize * unit.block_bytes() as usize;
        if !is_same(check, taken, at, read) {
            return Err(Fail::check(Key::MISCOMPARE, Asc::MISCOMPARE_DURING_VERIFY_OPERATION));
        }
        progress.done += read.len() as u32 >> unit.shift;
    }
    Ok(progress.next_read(unit, extent.lba, blocks, scratch.len()))
}

/// Whether blocks that were read are the initiator's data from `at` on, or its one block each.
fn is_same(check: ByteCheck, wanted: &[u8], at: usize, read: &[u8]) -> bool {
    match check {
        ByteCheck::Compare => wanted[at..at + read.len()] == *read,
        ByteCheck::CompareOne => read.chunks_exact(wanted.len()).all(|block| block == wanted),
        ByteCheck::Medium | ByteCheck::Reserved => true,
    }
}

/// Reading `blocks` from the first one on, as much at once as the scratch buffer holds.
impl Progress {
    /// What was read last.
    pub fn read<'a>(&self, unit: &Unit, blocks: u32, scratch: &'a [u8]) -> &'a [u8] {
        &scratch[..(self.piece(unit, blocks, scratch.len()) << unit.shift) as usize]
    }

    /// The next read; `None` when all is read.
    pub fn next_read(&mut self, unit: &Unit, lba: u64, blocks: u32, room: usize) -> Option<Next> {
        self.last = Last::Read;
        let piece = self.piece(unit, blocks, room);
        let op = Op::Read { block: lba + u64::from(self.done), blocks: piece };
        (piece > 0).then_some(Next { on: Piece::Scratch, op, len: piece << unit.shift })
    }

    fn piece(&self, unit: &Unit, blocks: u32, room: usize) -> u32 {
        (blocks - self.done).min(room as u32 >> unit.shift)
    }
}

/// MISCOMPARE, with the first byte of the initiator's data that differs (SBC-3 5.2).
pub(crate) fn miscompare(at: usize) -> Fail {
    let information = Some(at as u64);
    Fail::Check(Sense { information, ..Sense::new(Key::MISCOMPARE, Asc::MISCOMPARE_DURING_VERIFY_OPERATION) })
}
