//! Commands that bring a list of parameters: MODE SELECT, LOG SELECT, SET TIMESTAMP, SET TARGET PORT GROUPS, SEND DIAGNOSTIC.
//!
//! First the CDB is judged and the list fetched ([`plan`]), then the list ([`Scsi::take_list`]). What concerns the other
//! nexuses is announced to all homes before the command is answered.

use super::attention::Attention;
use super::block::{Planned, Way, Work};
use super::fail::Fail;
use super::notice::{Abort, Notice, Then, Wait, Whom};
use super::scsi::Scsi;
use super::{diagnostic, groups, log, mode};
use crate::shared::Selected;
use crate::{Reply, Task};
use bdev::Op;
use exchange::Plan;
use ring::Tag;
use std::sync::Arc;
use wire::scsi::mode::Exceptions;
use wire::scsi::{Asc, Command};

/// Bytes of the list of SET TIMESTAMP (SPC-4 6.46).
const TIMESTAMP_BYTES: usize = 12;

/// The plan of such a command: its list, if it brings one.
pub(crate) fn plan(task: &Task, command: &Command, largest: u32) -> Planned {
    match *command {
        Command::ModeSelect { page_format, save, length, .. } => {
            // The device has no pages of its own form, and keeps nothing over a reset.
            if save || !page_format && length > 0 {
                return Err(Fail::in_cdb(1));
            }
            take(length.into(), task, largest)
        }
        Command::LogSelect { save, control, page, subpage, length, .. } => {
            log::judge_select(save, control, page, subpage, length)?;
            Ok(Work::DONE)
        }
        Command::SendDiagnostic { code, self_test, length, .. } => {
            diagnostic::judge_send(code, self_test, length)?;
            take(length.into(), task, largest)
        }
        Command::SetTimestamp { length } | Command::SetTargetPortGroups { length } => take(length, task, largest),
        _ => Err(Fail::NO_COMMAND),
    }
}

/// A list of so many bytes. None is no error, and does nothing; the end of one that does not come is missed when it is read.
pub(crate) fn take(length: u32, task: &Task, largest: u32) -> Planned {
    if length == 0 {
        return Ok(Work::DONE);
    }
    let moves = length.min(task.data_out);
    if moves == 0 || moves > largest {
        return Err(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR));
    }
    Ok(Work { plan: Some(Plan::Take { len: moves }), way: Way::Out, wanted: length, moves })
}

impl Scsi {
    /// Acts on a list that has come. `None`: done.
    pub(crate) fn take_list(
        &mut self,
        tag: Tag,
        place: u32,
        task: &Task,
        command: &Command,
        list: &[u8],
    ) -> Result<Option<Plan<Reply>>, Fail> {
        let unit = self.unit_at(task.queue, place).ok_or(Fail::NO_UNIT)?;
        match *command {
            Command::ModeSelect { long, .. } => self.mode_select(tag, place, task, long, list),
            Command::SetTimestamp { .. } => {
                let bytes: &[u8; TIMESTAMP_BYTES] =
                    list.first_chunk().ok_or(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR))?;
                let time = bytes[4..10].iter().fold(0, |time, byte| time << 8 | u64::from(*byte));
                unit.view.shared.clock.set(time);
                Ok(self.tell_others(tag, task, [unit.id].into(), Attention::TimestampChanged))
            }
            Command::SetTargetPortGroups { .. } => {
                let asked = self.asked(task.queue).ok_or(Fail::NO_UNIT)?;
                let changed = groups::set(asked, list)?;
                let units = asked.node.map(groups::units);
                match units.filter(|_| changed) {
                    Some(units) => Ok(self.tell_others(tag, task, units.into(), Attention::AccessChanged)),
                    None => Ok(None),
                }
            }
            Command::SendDiagnostic { .. } => diagnostic::send(list).map(|()| None),
            _ => Err(Fail::NO_COMMAND),
        }
    }

    fn mode_select(
        &mut self,
        tag: Tag,
        place: u32,
        task: &Task,
        long: bool,
        list: &[u8],
    ) -> Result<Option<Plan<Reply>>, Fail> {
        let unit = self.unit_at(task.queue, place).ok_or(Fail::NO_UNIT)?;
        let old = unit.modes();
        let new = mode::select(unit, old, long, list)?;
        if !unit.view.shared.modes.change(old, new) {
            return Ok(None);
        }
        let (id, target) = (unit.id, unit.target);
        let through = new.has(Selected::WRITES_THROUGH) && !old.has(Selected::WRITES_THROUGH);
        if tests(new) && !tests(old) {
            self.notify(notice(task.queue, [id].into(), Whom::All, Attention::FailurePrediction));
        }
        if through {
            // What is in the cache goes to the medium; the others are told meanwhile.
            self.notify(notice(task.queue, [id].into(), Whom::Others, Attention::ModeChanged));
            return Ok(Some(Plan::Io { target, op: Op::Flush, len: 0 }));
        }
        Ok(self.tell_others(tag, task, [id].into(), Attention::ModeChanged))
    }

    /// Tells all other nexuses of these logical units; the command is answered when all homes know.
    pub(crate) fn tell_others(
        &mut self,
        tag: Tag,
        task: &Task,
        units: Arc<[u32]>,
        attention: Attention,
    ) -> Option<Plan<Reply>> {
        let transfer = self.open.get(tag).map(|open| open.transfer).unwrap_or_default();
        let notice = notice(task.queue, units, Whom::Others, attention);
        self.announce(tag, notice, Then::Answer(transfer.good(transfer.moves)));
        Some(Plan::Control)
    }
}

/// A notice that ends no command.
fn notice(by: u32, units: Arc<[u32]>, whom: Whom, attention: Attention) -> Notice {
    Notice { by, units, whom, attention: Some(attention), abort: Abort::Nothing, wait: Wait::Told }
}

/// Whether a test of informational exceptions is to be told by a unit attention.
fn tests(modes: Selected) -> bool {
    modes.has(Selected::TEST) && modes.has(Selected::EXCEPTIONS) && modes.method() == Exceptions::UNIT_ATTENTION
}
