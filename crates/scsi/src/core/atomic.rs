//! WRITE ATOMIC (SBC-4 5.46): a write that excludes the other writes to its blocks, of all homes.
//!
//! - Limits: offered by units whose device has no volatile cache, which today are those in RAM: a loss of power leaves nothing
//!   of them, torn or whole. A READ that runs beside it may see both old and new blocks. No atomic boundaries.

use super::block::{Planned, Way, Work, in_range, writable};
use super::fail::Fail;
use super::open::{Last, Progress};
use super::steps::{Next, Stepped};
use super::units::Unit;
use crate::Task;
use bdev::Op;
use exchange::{Piece, Plan};
use wire::scsi::{Asc, Extent};

/// MAXIMUM ATOMIC TRANSFER LENGTH in blocks; 0 where there is no WRITE ATOMIC.
pub(crate) fn most_atomic(unit: &Unit, largest: u32) -> u32 {
    let offered = unit.features.write && !unit.features.volatile_cache;
    if offered { (largest >> unit.shift).min(u16::MAX.into()) } else { 0 }
}

/// Plans WRITE ATOMIC. All of its data is sent, or nothing is done.
pub(crate) fn plan(unit: &Unit, extent: &Extent, boundary: u16, task: &Task, largest: u32) -> Planned {
    let most = most_atomic(unit, largest);
    if most == 0 && unit.features.write {
        return Err(Fail::NO_COMMAND);
    }
    if boundary != 0 {
        return Err(Fail::in_cdb(10));
    }
    in_range(unit, extent)?;
    writable(unit)?;
    if extent.blocks > most {
        return Err(Fail::in_cdb(12));
    }
    let len = extent.blocks << unit.shift;
    if task.data_out < len {
        return Err(Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT));
    }
    let plan = Plan::Steps { take: len, scratch: 0 };
    Ok(Work { plan: (len > 0).then_some(plan), way: Way::Out, wanted: len, moves: len })
}

/// The write, when nobody else writes there.
pub(crate) fn step(unit: &Unit, extent: &Extent, taken: &[u8], progress: &mut Progress) -> Stepped {
    if progress.last == Last::Write {
        return Ok(None);
    }
    progress.last = Last::Write;
    let len = taken.len() as u32;
    let op = Op::Write { block: extent.lba, blocks: len >> unit.shift, fua: extent.fua || unit.writes_through() };
    Ok(Some(Next { on: Piece::Taken, op, len }))
}
