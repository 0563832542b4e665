//! UNMAP and WRITE SAME (SBC-3 5.28, 5.45): commands over many blocks with little data or none.

use super::block::{Planned, Way, Work, in_range, length_at, writable};
use super::fail::Fail;
use super::open::{Last, Progress};
use super::steps::{Buffers, Next, Stepped, piece};
use super::units::Unit;
use crate::Task;
use bdev::{Op, RANGE_BYTES, Range};
use exchange::{Piece, Plan};
use wire::scsi::report::{UnmapDescriptor, UnmapHeader};
use wire::scsi::{Asc, Extent};

/// Blocks of one WRITE SAME (MAXIMUM WRITE SAME LENGTH): as many as both forms of the command can say.
pub(crate) const MOST_SAME: u32 = 65_535;
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

/// Plans WRITE SAME.
pub(crate) fn write_same(unit: &Unit, extent: &Extent, same: Same, task: &Task, largest: u32) -> Planned {
    writable(unit)?;
    // No anchored blocks (ANC_SUP is 0), and none that are unmapped where that is not offered (SBC-3 table 120).
    if same.anchor || same.unmap && !unit.features.unmap {
        return Err(Fail::in_cdb(1));
    }
    // WSNZ: «up to the last block» is not offered.
    if extent.blocks == 0 || extent.blocks > MOST_SAME {
        return Err(Fail::in_cdb(length_at(task.cdb[0])));
    }
    in_range(unit, extent)?;
    // Blocks that are to be given back need no pattern, and some initiators send none.
    let no_data = same.no_data || same.unmap && task.data_out == 0;
    let take = if no_data { 0 } else { unit.block_bytes() };
    if !no_data && task.data_out != take {
        return Err(Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT));
    }
    let writes = !no_data || !unit.features.write_zeroes;
    let scratch = if writes { piece(u64::from(extent.blocks) << unit.shift, largest) } else { 0 };
    let way = if no_data { Way::None } else { Way::Out };
    Ok(Work { plan: Some(Plan::Steps { take, scratch }), way, wanted: take, moves: take })
}

/// WRITE SAME, with its block if it has one: zeroes as a whole where the device has that, all else in large pieces.
pub(crate) fn step_same(
    unit: &Unit,
    extent: &Extent,
    unmap: bool,
    Buffers { taken: pattern, scratch }: Buffers<'_>,
    progress: &mut Progress,
) -> Stepped {
    let fua = unit.writes_through();
    if progress.last == Last::Nothing {
        progress.last = Last::Write;
        if unit.features.write_zeroes && pattern.iter().all(|byte| *byte == 0) {
            progress.done = extent.blocks;
            // Space is given back only if it then reads as zeroes.
            let unmap = unmap && unit.features.unmap && unit.features.unmap_zeroes;
            let op = Op::WriteZeroes { block: extent.lba, blocks: extent.blocks.into(), unmap, fua };
            return Ok(Some(Next { on: Piece::Scratch, op, len: 0 }));
        }
        match pattern.len() {
            0 => scratch.fill(0),
            len => scratch.chunks_exact_mut(len).for_each(|block| block.copy_from_slice(pattern)),
        }
    }
    let blocks = (extent.blocks - progress.done).min(scratch.len() as u32 >> unit.shift);
    let op = Op::Write { block: extent.lba + u64::from(progress.done), blocks, fua };
    progress.done += blocks;
    Ok((blocks > 0).then_some(Next { on: Piece::Scratch, op, len: blocks << unit.shift }))
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
