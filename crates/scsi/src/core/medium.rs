//! START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL (SBC-3 5.25, 5.13).
//!
//! A unit that is configured as removable can be ejected and loaded; the volume behind it stays open. Others use the unit too,
//! so it never stops: stopping writes what is cached to the medium. There is one power condition, and whichever is asked for
//! is that one.

use super::attention::Attention;
use super::block::{Planned, Work, flush};
use super::fail::Fail;
use super::scsi::Scsi;
use crate::Task;
use crate::shared::Selected;
use ring::Tag;
use wire::scsi::Asc;

/// What START STOP UNIT asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartStop {
    pub power: u8,
    pub load_eject: bool,
    pub no_flush: bool,
    pub start: bool,
}

impl Scsi {
    pub(crate) fn start_stop(&mut self, tag: Tag, place: u32, task: &Task, asked: StartStop) -> Planned {
        let unit = self.unit_at(task.queue, place).ok_or(Fail::NO_UNIT)?;
        if asked.power != 0 {
            return Ok(Work::DONE);
        }
        if !asked.load_eject {
            return Ok(if asked.start || asked.no_flush { Work::DONE } else { flush(unit) });
        }
        if !unit.view.identity.removable {
            return Err(Fail::in_cdb(4));
        }
        if unit.view.shared.prevention.is_on() {
            return Err(Fail::illegal(Asc::MEDIUM_REMOVAL_PREVENTED));
        }
        let changed = unit.view.shared.modes.gate(Selected::OUT, !asked.start);
        if !changed {
            return Ok(Work::DONE);
        }
        if !asked.start {
            return Ok(flush(unit));
        }
        let units = [unit.id].into();
        Ok(Work { plan: self.tell_others(tag, task, units, Attention::MediumChanged), ..Work::DONE })
    }

    pub(crate) fn prevent_allow(&self, queue: u32, place: u32, prevent: u8) -> Planned {
        let unit = self.unit_at(queue, place).ok_or(Fail::NO_UNIT)?;
        if prevent > 1 {
            return Err(Fail::in_cdb(4));
        }
        if unit.view.identity.removable {
            unit.view.shared.prevention.set(self.homes.own, queue, prevent == 1);
        }
        Ok(Work::DONE)
    }

    /// A nexus is gone, or was reset: it prevents nothing, also not where it sees a unit no longer.
    pub(crate) fn allow_removal(&self, queue: u32) {
        for unit in self.units.iter().filter(|unit| unit.view.identity.removable) {
            unit.view.shared.prevention.set(self.homes.own, queue, false);
        }
    }
}
