//! UNMAP and WRITE SAME (SBC-3 5.28, 5.45): commands over many blocks with little data or none.

use super::block::{Planned, Way, Work, in_range, length_at, writable};
use super::fail::Fail;
use super::units::Unit;
use crate::Task;
use bdev::{Op, RANGE_BYTES, Range};
use exchange::Plan;
use wire::scsi::report::{UnmapDescriptor, UnmapHeader};
use wire::scsi::{Asc, Extent};

/// Blocks of one WRITE SAME (MAXIMUM WRITE SAME LENGTH). A pattern that is not zeroes is written block by block, which
/// takes its time.
pub(crate) const MOST_SAME: u32 = 65_536;
/// Ranges of one UNMAP (MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT).
pub(crate) const MOST_RANGES: u32 = 256;
const HEADER: usize = size_of::<UnmapHeader>();

/// What a WRITE SAME asks for beyond its blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Same {
    pub unmap: bool,
    pub anchor: bool,
    pub no_data: bool,
}

/// WRITE SAME, before its data is there.
pub(crate) fn write_same(unit: &Unit, extent: &Extent, same: Same, task: &Task) -> Planned {
    if same.anchor || same.unmap && !unit.features.unmap {
        return Err(Fail::in_cdb(1));
    }
    // WSNZ: «up to the last block» is not offered.
    if extent.blocks == 0 || extent.blocks > MOST_SAME {
        return Err(Fail::in_cdb(length_at(task.cdb[0])));
    }
    in_range(unit, extent)?;
    writable(unit)?;
    if same.no_data {
        let plan = zeroes(unit, extent, same.unmap).ok_or(Fail::in_cdb(1))?;
        return Ok(Work::without_data(plan));
    }
    let block = unit.block_bytes();
    if task.data_out < block {
        return Err(Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT));
    }
    Ok(Work { plan: Some(Plan::Take { len: block }), way: Way::Out, wanted: block, moves: block })
}

/// WRITE SAME, with its block: the plan, and the series that follows the first block.
pub(crate) fn same_data<R>(unit: &Unit, extent: &Extent, unmap: bool, data: &[u8]) -> (Plan<R>, (u64, u32)) {
    if data.iter().all(|byte| *byte == 0)
        && let Some(plan) = zeroes(unit, extent, unmap)
    {
        return (plan, (0, 0));
    }
    let op = Op::Write { block: extent.lba, blocks: 1, fua: false };
    let plan = Plan::Series { target: unit.target, op, len: unit.block_bytes() };
    (plan, (extent.lba + 1, extent.blocks - 1))
}

/// Zeroes without data, if the device has that. Space is given back only if it then reads as zeroes.
fn zeroes<R>(unit: &Unit, extent: &Extent, unmap: bool) -> Option<Plan<R>> {
    let unmap = unmap && unit.features.unmap && unit.features.unmap_zeroes;
    let op = Op::WriteZeroes { block: extent.lba, blocks: extent.blocks.into(), unmap, fua: false };
    unit.features.write_zeroes.then_some(Plan::Io { target: unit.target, op, len: 0 })
}

/// UNMAP, before its list is there.
pub(crate) fn unmap(unit: &Unit, anchor: bool, length: u16, task: &Task, largest: u32) -> Planned {
    if !unit.features.unmap {
        return Err(Fail::NO_COMMAND);
    }
    if anchor {
        return Err(Fail::in_cdb(1));
    }
    let (wanted, len) = (u32::from(length), u32::from(length).min(task.data_out));
    if length == 0 {
        return Ok(Work::DONE);
    }
    if usize::from(length) < HEADER || len < HEADER as u32 || len > largest {
        return Err(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR));
    }
    writable(unit)?;
    Ok(Work { plan: Some(Plan::Take { len }), way: Way::Out, wanted, moves: len })
}

/// UNMAP, with its list, which is rewritten for the device. `None`: there is nothing to do.
pub(crate) fn unmap_list<R>(unit: &Unit, list: &mut [u8]) -> Result<Option<Plan<R>>, Fail> {
    if !unit.features.unmap {
        return Err(Fail::NO_COMMAND);
    }
    let header: UnmapHeader = wire::read(list).ok_or(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR))?;
    let (behind, said) = (list.len() - HEADER, usize::from(header.descriptors.get()));
    // UNMAP DATA LENGTH counts from behind itself.
    if said > behind || usize::from(header.length.get()) + 2 < HEADER + said {
        return Err(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR));
    }
    let count = said / size_of::<UnmapDescriptor>();
    if count as u32 > MOST_RANGES {
        return Err(Fail::in_list(2));
    }
    let descriptors = wire::parse_each::<UnmapDescriptor>(&list[HEADER..HEADER + said]);
    if !descriptors.iter().all(|range| range.end().is_some_and(|end| end <= unit.blocks)) {
        return Err(Fail::OUT_OF_RANGE);
    }
    let ranges = rewrite(list, count);
    let op = Op::Unmap { ranges };
    let len = ranges * RANGE_BYTES as u32;
    Ok((ranges > 0).then_some(Plan::Io { target: unit.target, op, len }))
}

/// Turns the descriptors into the device's form, from the start of the list on: each lands before it is read over. Empty
/// ones are left out.
fn rewrite(list: &mut [u8], count: usize) -> u32 {
    let mut kept = 0;
    for index in 0..count {
        let at = HEADER + index * size_of::<UnmapDescriptor>();
        let Some(range) = list.get(at..).and_then(wire::read::<UnmapDescriptor>) else { break };
        if range.blocks.get() > 0 {
            Range { block: range.lba.get(), blocks: range.blocks.get().into() }.write(list, kept);
            kept += 1;
        }
    }
    kept as u32
}
