//! COMPARE AND WRITE and ORWRITE (SBC-3 5.2, 5.6): blocks are read, looked at, and written, and nobody writes to them
//! meanwhile (see `exclusion`).

use super::block::{Planned, Way, Work, bytes_of, in_range, length_at, whole_blocks, writable};
use super::fail::Fail;
use super::open::{Last, Progress};
use super::steps::{Buffers, Next, Stepped, piece};
use super::units::Unit;
use super::verify::miscompare;
use crate::Task;
use bdev::Op;
use exchange::{Piece, Plan};
use wire::scsi::{Asc, Extent};

/// MAXIMUM COMPARE AND WRITE LENGTH: what a byte says, and both halves of the data in one buffer.
pub(crate) fn most_compared(unit: &Unit, largest: u32) -> u8 {
    ((largest / 2) >> unit.shift).min(255) as u8
}

/// Plans COMPARE AND WRITE. The initiator sends exactly what is to be compared and what is to be written, or nothing is done.
pub(crate) fn plan(unit: &Unit, extent: &Extent, task: &Task, largest: u32) -> Planned {
    if extent.blocks > most_compared(unit, largest).into() {
        return Err(Fail::in_cdb(13));
    }
    in_range(unit, extent)?;
    writable(unit)?;
    // None is no error; but an initiator that sends data for it meant another number.
    if extent.blocks == 0 && task.data_out == 0 {
        return Ok(Work { way: Way::Out, ..Work::DONE });
    } else if extent.blocks == 0 {
        return Err(Fail::in_cdb(13));
    }
    let half = extent.blocks << unit.shift;
    if task.data_out != 2 * half {
        return Err(Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT));
    }
    let plan = Plan::Steps { take: 2 * half, scratch: piece(half.into(), largest) };
    Ok(Work { plan: Some(plan), way: Way::Out, wanted: 2 * half, moves: 2 * half })
}

/// Plans ORWRITE.
pub(crate) fn plan_or(unit: &Unit, extent: &Extent, task: &Task, largest: u32) -> Planned {
    let wanted = bytes_of(unit, extent, largest, length_at(task.cdb[0]))?;
    writable(unit)?;
    let moves = whole_blocks(unit, wanted, task)?;
    let plan = Plan::Steps { take: moves, scratch: piece(moves.into(), largest) };
    Ok(Work { plan: (moves > 0).then_some(plan), way: Way::Out, wanted, moves })
}

/// COMPARE AND WRITE: reads and compares, then writes the second half of the data.
pub(crate) fn step(unit: &Unit, extent: &Extent, buffers: Buffers<'_>, progress: &mut Progress) -> Stepped {
    let Buffers { taken, scratch } = buffers;
    let half = taken.len() / 2;
    modify(unit, extent, half, scratch, progress, |at, read, is_last| {
        if let Some(offset) = first_difference(&taken[at..at + read.len()], read) {
            return Err(miscompare(at + offset));
        }
        if is_last {
            taken.copy_within(half.., 0);
        }
        Ok(())
    })
}

/// ORWRITE: reads, and writes what is set there or in the data.
pub(crate) fn step_or(unit: &Unit, extent: &Extent, buffers: Buffers<'_>, progress: &mut Progress) -> Stepped {
    let Buffers { taken, scratch } = buffers;
    modify(unit, extent, taken.len(), scratch, progress, |at, read, _| {
        taken[at..].iter_mut().zip(read).for_each(|(ours, there)| *ours |= there);
        Ok(())
    })
}

/// Reads `len` bytes piece by piece, shows them to `look`, and writes as many of the initiator's data.
fn modify(
    unit: &Unit,
    extent: &Extent,
    len: usize,
    scratch: &[u8],
    progress: &mut Progress,
    look: impl FnOnce(usize, &[u8], bool) -> Result<(), Fail>,
) -> Stepped {
    let blocks = len as u32 >> unit.shift;
    match progress.last {
        Last::Write => return Ok(None),
        Last::Nothing => {}
        Last::Read => {
            let read = progress.read(unit, blocks, scratch);
            let at = progress.done as usize * unit.block_bytes() as usize;
            look(at, read, at + read.len() == len)?;
            progress.done += read.len() as u32 >> unit.shift;
        }
    }
    if let Some(read) = progress.next_read(unit, extent.lba, blocks, scratch.len()) {
        return Ok(Some(read));
    }
    progress.last = Last::Write;
    let op = Op::Write { block: extent.lba, blocks, fua: extent.fua || unit.writes_through() };
    Ok(Some(Next { on: Piece::Taken, op, len: len as u32 }))
}

/// Where two equally long pieces differ first.
fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    if one == other { None } else { one.iter().zip(other).position(|(one, other)| one != other) }
}
