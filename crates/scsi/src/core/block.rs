//! Commands that read and write blocks (SBC-3 5). This is the I/O path: nothing here allocates.

use super::fail::Fail;
use super::units::Unit;
use crate::shared::Selected;
use crate::{Reply, Task};
use bdev::Op;
use exchange::Plan;
use wire::scsi::{Asc, Extent, Key};

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// What the machine is to do; `None`: it is done as it stands.
    pub plan: Option<Plan<Reply>>,
    /// Which way its data goes.
    pub way: Way,
    /// Bytes that the CDB asks for.
    pub wanted: u32,
    /// Bytes that move when all goes well.
    pub moves: u32,
}

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nowhere.
    None,
    /// To the initiator.
    In,
    /// From the initiator.
    Out,
}

pub(crate) type Planned = Result<Work, Fail>;

impl Work {
    /// Done, without data.
    pub const DONE: Self = Self { plan: None, way: Way::None, wanted: 0, moves: 0 };

    /// An operation without data.
    pub const fn without_data(plan: Plan<Reply>) -> Self {
        Self { plan: Some(plan), ..Self::DONE }
    }
}

/// Bytes that the initiator expects to move, in the way that a command's data goes.
#[inline]
pub(crate) fn expected(task: &Task, way: Way) -> u32 {
    match way {
        Way::In => task.data_in,
        Way::Out => task.data_out,
        // A command without data: whatever was expected does not move.
        Way::None => task.data_in.max(task.data_out),
    }
}

/// Checks blocks: their protection fields (there is none), their range, and that one buffer holds them. Their bytes.
#[inline]
pub(crate) fn bytes_of(unit: &Unit, extent: &Extent, largest: u32, length_at: u16) -> Result<u32, Fail> {
    in_range(unit, extent)?;
    let bytes = u64::from(extent.blocks) << unit.shift;
    if bytes > largest.into() {
        return Err(Fail::in_cdb(length_at));
    }
    Ok(bytes as u32)
}

/// Checks the range of blocks.
#[inline]
pub(crate) fn in_range(unit: &Unit, extent: &Extent) -> Result<(), Fail> {
    if extent.protect != 0 {
        return Err(Fail::in_cdb(1));
    }
    match extent.end() {
        Some(end) if end <= unit.blocks => Ok(()),
        _ => Err(Fail::OUT_OF_RANGE),
    }
}

#[inline]
pub(crate) fn writable(unit: &Unit) -> Result<(), Fail> {
    if !unit.features.write {
        Err(Fail::check(Key::DATA_PROTECT, Asc::WRITE_PROTECTED))
    } else if unit.modes().has(Selected::PROTECTED) {
        Err(Fail::check(Key::DATA_PROTECT, Asc::LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED))
    } else {
        Ok(())
    }
}

/// Where the transfer length stands in a CDB, for a field pointer.
pub(crate) fn length_at(opcode: u8) -> u16 {
    match opcode >> 5 {
        0 => 4,
        1 | 2 => 7,
        4 => 10,
        _ => 6,
    }
}

/// READ.
#[inline]
pub(crate) fn read(unit: &Unit, extent: &Extent, task: &Task, largest: u32) -> Planned {
    let wanted = bytes_of(unit, extent, largest, length_at(task.cdb[0]))?;
    let moves = wanted.min(task.data_in);
    // Whole blocks are read, and the first bytes of them sent.
    let blocks = moves.div_ceil(unit.block_bytes());
    let op = Op::Read { block: extent.lba, blocks };
    let plan = Plan::Io { target: unit.target, op, len: blocks << unit.shift };
    Ok(Work { plan: (moves > 0).then_some(plan), way: Way::In, wanted, moves })
}

/// WRITE.
#[inline]
pub(crate) fn write(unit: &Unit, extent: &Extent, task: &Task, largest: u32) -> Planned {
    let wanted = bytes_of(unit, extent, largest, length_at(task.cdb[0]))?;
    writable(unit)?;
    let moves = whole_blocks(unit, wanted, task)?;
    let fua = extent.fua || unit.writes_through();
    let op = Op::Write { block: extent.lba, blocks: moves >> unit.shift, fua };
    let plan = Plan::Io { target: unit.target, op, len: moves };
    Ok(Work { plan: (moves > 0).then_some(plan), way: Way::Out, wanted, moves })
}

/// Bytes that come of those that are wanted. Less than a block of them would leave a block half written, so the initiator
/// is told that its length is wrong.
#[inline]
pub(crate) fn whole_blocks(unit: &Unit, wanted: u32, task: &Task) -> Result<u32, Fail> {
    let moves = wanted.min(task.data_out);
    if moves & (unit.block_bytes() - 1) == 0 { Ok(moves) } else { Err(Fail::Length { wanted }) }
}

/// PRE-FETCH. Nothing is read ahead: GOOD says that not all blocks are in the cache (SBC-3 5.9), which is never wrong.
pub(crate) fn pre_fetch(unit: &Unit, extent: &Extent) -> Planned {
    in_range(unit, extent)?;
    Ok(Work::DONE)
}

/// SYNCHRONIZE CACHE. Without a volatile cache, what was acknowledged is on the medium. IMMED is taken as permission.
pub(crate) fn synchronize(unit: &Unit, extent: &Extent) -> Planned {
    in_range(unit, extent)?;
    Ok(flush(unit))
}

/// What is cached goes to the medium.
pub(crate) fn flush(unit: &Unit) -> Work {
    if unit.features.volatile_cache {
        Work::without_data(Plan::Io { target: unit.target, op: Op::Flush, len: 0 })
    } else {
        Work::DONE
    }
}
