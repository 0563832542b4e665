//! VERIFY (SBC-3 5.29 and on): blocks are read piece by piece, and compared if asked to.

use super::fail::Fail;
use super::open::Progress;
use super::steps::{Buffers, Next, Stepped};
use super::units::Unit;
use bdev::Op;
use exchange::Piece;
use wire::scsi::{Asc, ByteCheck, Extent, Key, Sense};

/// Reads the next piece, having compared the last one.
pub(crate) fn step(
    unit: &Unit,
    extent: &Extent,
    check: ByteCheck,
    Buffers { taken, scratch }: Buffers<'_>,
    progress: &mut Progress,
    ended: bool,
) -> Stepped {
    let blocks = match check {
        ByteCheck::Compare => taken.len() as u32 >> unit.shift,
        _ => extent.blocks,
    };
    let piece = |done: u32| (blocks - done).min(scratch.len() as u32 >> unit.shift);
    if ended {
        let read = &scratch[..(piece(progress.done) << unit.shift) as usize];
        compare(check, taken, progress.done as usize * unit.block_bytes() as usize, read)?;
        progress.done += piece(progress.done);
    }
    let next = piece(progress.done);
    let op = Op::Read { block: extent.lba + u64::from(progress.done), blocks: next };
    Ok((next > 0).then_some(Next { on: Piece::Scratch, op, len: next << unit.shift }))
}

/// Compares blocks that were read with the initiator's data from `at` on, or with its one block.
fn compare(check: ByteCheck, wanted: &[u8], at: usize, read: &[u8]) -> Result<(), Fail> {
    match check {
        ByteCheck::Compare => match first_difference(&wanted[at..at + read.len()], read) {
            Some(offset) => Err(miscompare(at + offset)),
            None => Ok(()),
        },
        ByteCheck::CompareOne => {
            let differing = read.chunks_exact(wanted.len()).find_map(|block| first_difference(wanted, block));
            differing.map_or(Ok(()), |offset| Err(miscompare(offset)))
        }
        ByteCheck::Medium | ByteCheck::Reserved => Ok(()),
    }
}

/// Where two equally long pieces differ first.
pub(crate) fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    if one == other { None } else { one.iter().zip(other).position(|(one, other)| one != other) }
}

/// MISCOMPARE, with the byte of the initiator's data that differs first (SBC-3 4.20.4, 5.2).
pub(crate) fn miscompare(at: usize) -> Fail {
    let information = Some(at as u64);
    Fail::Check(Sense { information, ..Sense::new(Key::MISCOMPARE, Asc::MISCOMPARE_DURING_VERIFY_OPERATION) })
}
