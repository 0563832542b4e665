//! Commands of several steps: which of them goes on how.

use super::atomic;
use super::block::in_range;
use super::compare;
use super::dispatch::parse;
use super::fail::Fail;
use super::open::{Last, Open};
use super::provisioning;
use super::sanitize;
use super::scsi::Scsi;
use super::status::of_device;
use super::verify;
use crate::shared::Span;
use crate::{Reply, Task};
use bdev::Op;
use exchange::{Piece, Step};
use ring::Tag;
use wire::scsi::{Asc, Command, Extent, Key};

/// Bytes that are read or written at once by commands over more blocks than one buffer holds.
pub(crate) const CHUNK: u32 = 128 << 10;

/// How long a buffer is to be for work on `bytes`.
pub(crate) fn piece(bytes: u64, largest: u32) -> u32 {
    bytes.min(CHUNK.into()).min(largest.into()) as u32
}

/// The buffers of a command of several steps.
pub(crate) struct Buffers<'a> {
    /// The initiator's data.
    pub taken: &'a mut [u8],
    /// Ours.
    pub scratch: &'a mut [u8],
}

/// An operation on the command's own logical unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub on: Piece,
    pub op: Op,
    /// Bytes that it moves.
    pub len: u32,
}

/// What a block command goes on with; `None`: it is done.
pub(crate) type Stepped = Result<Option<Next>, Fail>;

impl Scsi {
    /// The next step of a command, or `None`: it is done.
    pub(crate) fn next_step(
        &mut self,
        tag: Tag,
        task: &Task,
        buffers: Buffers<'_>,
        last: Option<bdev::Status>,
    ) -> Result<Option<Step<Reply>>, Fail> {
        let Some(&Open { queue, slot, mut progress, .. }) = self.open.get(tag) else { return Err(Fail::NO_UNIT) };
        let (command, place) = (parse(task)?, self.place_at(queue, slot));
        if let Command::GetLbaStatus { lba, allocation } = command {
            return self.step_lba_status(tag, task, (lba, allocation), buffers, last).map(Some);
        }
        if let Some(status) = last {
            of_device(status)?;
        }
        if progress.last == Last::Nothing && !self.is_in_turn(tag, place, &command) {
            return Ok(Some(Step::Wait));
        }
        // The logical unit may have gone or changed since the last step.
        let unit = self.unit_at(queue, slot).ok_or(Fail::NO_UNIT)?;
        if let Some(extent) = extent_of(&command) {
            in_range(unit, extent)?;
        }
        let next = match command {
            Command::Verify { extent, check } => verify::step(unit, &extent, check, buffers, &mut progress)?,
            Command::WriteVerify { extent, check } => verify::step_write(unit, &extent, check, buffers, &mut progress)?,
            Command::CompareAndWrite(extent) => compare::step(unit, &extent, buffers, &mut progress)?,
            Command::OrWrite(extent) => compare::step_or(unit, &extent, buffers, &mut progress)?,
            Command::WriteAtomic { extent, .. } => atomic::step(unit, &extent, buffers.taken, &mut progress)?,
            Command::WriteSame { extent, unmap, .. } => {
                provisioning::step_same(unit, &extent, unmap, buffers, &mut progress)?
            }
            Command::Sanitize { .. } => sanitize::step(unit)?,
            _ => return Err(Fail::check(Key::HARDWARE_ERROR, Asc::INTERNAL_TARGET_FAILURE)),
        };
        let target = unit.target;
        if let Some(open) = self.open.get_mut(tag) {
            open.progress = progress;
        }
        Ok(next.map(|Next { on, op, len }| Step::Io { on, target, op, len }))
    }

    /// Whether a command may go at its blocks: writes when nobody excludes them, those that exclude others when no other write
    /// is at them.
    fn is_in_turn(&mut self, tag: Tag, place: u32, command: &Command) -> bool {
        let Some(extent) = extent_of(command) else { return true };
        let span = Span { first: extent.lba, end: extent.end().unwrap_or(u64::MAX) };
        match command {
            Command::Verify { .. } => true,
            Command::WriteVerify { .. } | Command::WriteSame { .. } => self.mark(tag, place, span, true),
            _ => self.exclude(tag, place, span),
        }
    }
}

/// The blocks of a command of several steps.
fn extent_of(command: &Command) -> Option<&Extent> {
    match command {
        Command::Verify { extent, .. }
        | Command::WriteVerify { extent, .. }
        | Command::WriteSame { extent, .. }
        | Command::WriteAtomic { extent, .. }
        | Command::CompareAndWrite(extent)
        | Command::OrWrite(extent) => Some(extent),
        _ => None,
    }
}
