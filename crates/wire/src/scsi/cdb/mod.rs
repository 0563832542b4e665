//! Command descriptor blocks (SPC-4 4.2.5): where the fields stand. One function reads one command; the table names it.

mod ask;
mod block;
mod copy;
mod reserve;

use super::command::{CDB_BYTES, Extent, Reserve};
use crate::be::{U16, U32, U64};
use crate::parse;

pub(super) use ask::*;
pub(super) use block::*;
pub(super) use copy::*;
pub(super) use reserve::*;

pub(super) type Cdb = [u8; CDB_BYTES];

pub(super) fn u16_at(cdb: &Cdb, at: usize) -> u16 {
    parse::<U16>(&cdb[at..]).map_or(0, |n| n.get())
}

pub(super) fn u32_at(cdb: &Cdb, at: usize) -> u32 {
    parse::<U32>(&cdb[at..]).map_or(0, |n| n.get())
}

pub(super) fn u64_at(cdb: &Cdb, at: usize) -> u64 {
    parse::<U64>(&cdb[at..]).map_or(0, |n| n.get())
}

pub(super) fn flag(byte: u8, bit: u32) -> bool {
    byte >> bit & 1 != 0
}

pub(super) fn extent6(cdb: &Cdb) -> Extent {
    let lba = u32_at(cdb, 0) & 0x1f_ffff;
    let blocks = if cdb[4] == 0 { 256 } else { cdb[4].into() };
    Extent { lba: lba.into(), blocks, protect: 0, dpo: false, fua: false }
}

pub(super) fn extent(cdb: &Cdb, lba: u64, blocks: u32) -> Extent {
    Extent { lba, blocks, protect: cdb[1] >> 5, dpo: flag(cdb[1], 4), fua: flag(cdb[1], 3) }
}

pub(super) fn extent10(cdb: &Cdb) -> Extent {
    extent(cdb, u32_at(cdb, 2).into(), u16_at(cdb, 7).into())
}

pub(super) fn extent12(cdb: &Cdb) -> Extent {
    extent(cdb, u32_at(cdb, 2).into(), u32_at(cdb, 6))
}

pub(super) fn extent16(cdb: &Cdb) -> Extent {
    extent(cdb, u64_at(cdb, 2), u32_at(cdb, 10))
}
