//! Commands of several steps: which of them goes on how.

use super::block;
use super::dispatch::parse;
use super::fail::Fail;
use super::open::Open;
use super::provisioning;
use super::scsi::Scsi;
use super::status::of_device;
use super::verify;
use crate::{Reply, Task};
use bdev::Op;
use exchange::{Piece, Step};
use ring::Tag;
use wire::scsi::{Asc, Command, Key};

/// Bytes that are read or written at once by commands over more blocks than one buffer holds.
pub(crate) const CHUNK: u32 = 128 << 10;

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
        if let Some(status) = last {
            of_device(status)?;
        }
        // The logical unit may have gone or changed since the last step.
        let unit = self.unit_at(queue, slot).ok_or(Fail::NO_UNIT)?;
        let ended = last.is_some();
        let next = match parse(task)? {
            Command::Verify { extent, check } => {
                block::in_range(unit, &extent)?;
                verify::step(unit, &extent, check, buffers, &mut progress, ended)?
            }
            Command::WriteSame { extent, unmap, .. } => {
                block::in_range(unit, &extent)?;
                provisioning::step_same(unit, &extent, unmap, buffers, &mut progress)?
            }
            _ => return Err(Fail::check(Key::HARDWARE_ERROR, Asc::INTERNAL_TARGET_FAILURE)),
        };
        let target = unit.target;
        if let Some(open) = self.open.get_mut(tag) {
            open.progress = progress;
        }
        Ok(next.map(|Next { on, op, len }| Step::Io { on, target, op, len }))
    }
}
