//! SANITIZE (SBC-3 4.10, 5.24): BLOCK ERASE writes zeroes over all blocks and gives their space back, and EXIT FAILURE MODE.
//!
//! What lies below the volume keeps what it keeps: copies on write, snapshots and remapped blocks of a drive are out of reach.
//! So OVERWRITE and CRYPTOGRAPHIC ERASE are not offered; BLOCK ERASE is where space can be given back.
//!
//! Limits: the command is answered when all is done, also with IMMED. One that is aborted has failed: the medium can then be
//! used only after another SANITIZE that succeeds, or EXIT FAILURE MODE if the first allowed that (AUSE).

use super::block::{Planned, Work, writable};
use super::fail::Fail;
use super::scsi::Scsi;
use super::steps::{Next, Stepped};
use super::units::Unit;
use crate::Task;
use crate::shared::Selected;
use bdev::Op;
use exchange::{Piece, Plan};
use ring::Tag;

/// OPERATION CODE.
pub(crate) const OPCODE: u8 = 0x48;
/// SERVICE ACTION: BLOCK ERASE.
const BLOCK_ERASE: u8 = 0x02;
/// SERVICE ACTION: EXIT FAILURE MODE.
const EXIT_FAILURE_MODE: u8 = 0x1f;
/// Bytes that are erased at once.
const CHUNK: u64 = 1 << 20;

/// Whether a unit can be erased.
pub(crate) fn erases(unit: &Unit) -> bool {
    unit.features.unmap && unit.features.write_zeroes && unit.features.unmap_zeroes
}

/// Whether a unit serves a service action.
pub(crate) fn is_served(unit: &Unit, action: u16) -> bool {
    erases(unit) && [BLOCK_ERASE, EXIT_FAILURE_MODE].map(u16::from).contains(&action)
}

/// What it asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub action: u8,
    pub znr: bool,
    pub unrestricted: bool,
    pub length: u16,
}

pub(crate) fn plan(unit: &Unit, asked: Asked, task: &Task) -> Planned {
    if !is_served(unit, asked.action.into()) || asked.znr {
        return Err(Fail::in_cdb(1));
    }
    if let Some(reserved) = (2..7).find(|byte| task.cdb[*byte] != 0) {
        return Err(Fail::in_cdb(reserved as u16));
    }
    if asked.length != 0 {
        return Err(Fail::in_cdb(7));
    }
    let (modes, sanitize) = (&unit.view.shared.modes, &unit.view.shared.sanitize);
    if asked.action == EXIT_FAILURE_MODE {
        if unit.modes().has(Selected::SANITIZE_FAILED) && !sanitize.may_exit() {
            return Err(Fail::in_cdb(1));
        }
        modes.gate(Selected::SANITIZE_FAILED, false);
        return Ok(Work::DONE);
    }
    writable(unit)?;
    if !modes.gate(Selected::SANITIZING, true) {
        // Another core was faster by a moment.
        return Err(Fail::Check(super::gates::sanitizing(unit)));
    }
    sanitize.begin(asked.unrestricted, unit.blocks);
    Ok(Work::without_data(Plan::Steps { take: 0, scratch: 0 }))
}

/// The next blocks to erase; at last the flush.
pub(crate) fn step(unit: &Unit) -> Stepped {
    let (sanitize, chunk) = (&unit.view.shared.sanitize, CHUNK >> unit.shift);
    Ok(sanitize.take(chunk).map(|step| {
        let op = match step {
            Some((block, blocks)) => Op::WriteZeroes { block, blocks, unmap: true, fua: false },
            None => Op::Flush,
        };
        Next { on: Piece::Scratch, op, len: 0 }
    }))
}

impl Scsi {
    /// SANITIZE that went over steps has ended.
    #[cold]
    pub(crate) fn sanitized(&self, tag: Tag, succeeded: bool) {
        // One that waited for older commands, or was refused, has not begun.
        let Some(open) = self.open.get(tag).filter(|open| open.erases) else { return };
        if let Some(unit) = self.unit_at(open.queue, open.slot) {
            let modes = &unit.view.shared.modes;
            modes.gate(Selected::SANITIZE_FAILED, !succeeded);
            modes.gate(Selected::SANITIZING, false);
        }
    }
}
