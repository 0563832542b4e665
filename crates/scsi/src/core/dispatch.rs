//! From a command to its plan: unit attentions, reservations, and who plans what.

use super::block::{self, Planned, Way, Work, expected};
use super::copy;
use super::fail::{Fail, Transfer};
use super::inquiry::Asked;
use super::medium::StartStop;
use super::open::{NO_SLOT, Open};
use super::provisioning::{self, Same};
use super::reservation;
use super::scsi::Scsi;
use super::units::Unit;
use super::{atomic, compare, lba_status, verify};
use super::{gates, parameters, sanitize, well_known};
use crate::shared::Selected;
use crate::{Attribute, Reply, Task};
use exchange::Plan;
use ring::Tag;
use wire::scsi::{Asc, CdbError, Command, Key, Sense, Status, parse_lun};

/// Operation codes that a unit attention does not stop (SAM-5 5.14.1).
const INQUIRY: u8 = 0x12;
const REPORT_LUNS: u8 = 0xa0;
const REQUEST_SENSE: u8 = 0x03;

impl Scsi {
    /// Plans a command whose turn has come.
    #[inline]
    pub(crate) fn start(&mut self, tag: Tag, task: &Task) -> Plan<Reply> {
        match self.work(tag, task) {
            Ok(Work { plan, way, wanted, moves }) => {
                if let Some(open) = self.open.get_mut(tag) {
                    let descriptors = open.transfer.descriptors;
                    open.transfer = Transfer { wanted, expected: expected(task, way), moves, descriptors };
                }
                plan.unwrap_or_else(|| Plan::Reply(self.settle(tag).good(moves)))
            }
            Err(fail) => self.refuse(tag, task, fail),
        }
    }

    /// The task set has no room.
    #[cold]
    pub(crate) fn refuse_full(&mut self, tag: Tag, task: &Task) -> Plan<Reply> {
        self.refuse(tag, task, Fail::Status(Status::TASK_SET_FULL))
    }

    #[cold]
    fn refuse(&mut self, tag: Tag, task: &Task, fail: Fail) -> Plan<Reply> {
        let Transfer { descriptors, .. } = self.settle(tag);
        let expected = expected(task, Way::None);
        Plan::Reply(Transfer { wanted: 0, expected, moves: 0, descriptors }.failed(fail, 0))
    }

    #[inline]
    fn work(&mut self, tag: Tag, task: &Task) -> Planned {
        let (queue, place) = self.open.get(tag).map_or((task.queue, NO_SLOT), |open| (open.queue, open.slot));
        let nexus = self.nexuses[queue as usize].as_mut().expect("the port named an open queue");
        let slot = nexus.slot_mut(place).filter(|slot| slot.life == super::nexus::Life::Mapped);
        let Some(slot) = slot else { return self.without_unit(tag, task) };
        let modes = self.units.get(slot.unit).map(Unit::modes).unwrap_or_default();
        if modes.has(Selected::DESCRIPTORS)
            && let Some(open) = self.open.get_mut(tag)
        {
            open.transfer.descriptors = true;
        }
        if slot.attentions.is_pending()
            && !matches!(task.cdb[0], INQUIRY | REPORT_LUNS | REQUEST_SENSE)
            && let Some(attention) = self.tell_attention(queue, place)
        {
            return Err(attention);
        }
        if task.attribute == Attribute::Aca {
            return Err(Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT));
        }
        let command = parse(task)?;
        let seat = self.seat(queue);
        let nexus = self.nexuses[queue as usize].as_mut().expect("seen above");
        let access = nexus.access();
        let (origin, slot) = nexus.at(place).ok_or(Fail::NO_UNIT)?;
        let unit = self.units.get(slot.unit).ok_or(Fail::NO_UNIT)?;
        gates::check(unit, modes, access, &command)?;
        reservation::check(unit, &mut slot.verdict, origin, seat, &command)?;
        let largest = self.largest;
        match command {
            Command::Read(extent) => block::read(unit, &extent, task, largest),
            Command::Write(extent) => {
                self.tokens_before(unit, &command);
                block::write(unit, &extent, task, largest)
            }
            command => self.rarer(tag, queue, place, task, command),
        }
    }

    /// All commands but those that read and write.
    fn rarer(&mut self, tag: Tag, queue: u32, place: u32, task: &Task, command: Command) -> Planned {
        let unit = self.unit_at(queue, place).ok_or(Fail::NO_UNIT)?;
        self.tokens_before(unit, &command);
        match command {
            Command::Verify { extent, check } => verify::plan(unit, &extent, check, task, self.largest),
            Command::WriteVerify { extent, check } => verify::plan_write(unit, &extent, check, task, self.largest),
            Command::CompareAndWrite(extent) => compare::plan(unit, &extent, task, self.largest),
            Command::OrWrite(extent) => compare::plan_or(unit, &extent, task, self.largest),
            Command::SynchronizeCache { extent, .. } => block::synchronize(unit, &extent),
            Command::WriteAtomic { extent, boundary } => atomic::plan(unit, &extent, boundary, task, self.largest),
            Command::PreFetch { extent, .. } => block::pre_fetch(unit, &extent),
            Command::GetLbaStatus { lba, .. } => lba_status::plan(unit, lba),
            Command::StartStopUnit { power, load_eject, no_flush, start, .. } => {
                self.start_stop(tag, place, task, StartStop { power, load_eject, no_flush, start })
            }
            Command::WriteSame { extent, unmap, anchor, no_data } => {
                provisioning::write_same(unit, &extent, Same { unmap, anchor, no_data }, task, self.largest)
            }
            Command::Unmap { anchor, length } => provisioning::unmap(unit, anchor, length, task, self.largest),
            Command::TestUnitReady => Ok(Work::DONE),
            command @ (Command::Reserve(_) | Command::Release(_)) => {
                self.reserve(queue, place, &command).map(|()| Work::DONE)
            }
            Command::PersistentReserveOut { action, scope, kind, length } => {
                reservation::plan(reservation::Asked { action, scope, kind }, length, task, self.largest)
            }
            Command::Sanitize { action, znr, unrestricted, length, .. } => {
                let work = sanitize::plan(unit, sanitize::Asked { action, znr, unrestricted, length }, task)?;
                if let Some(open) = self.open.get_mut(tag) {
                    open.erases = work.plan.is_some();
                }
                Ok(work)
            }
            Command::PreventAllow { prevent } => self.prevent_allow(queue, place, prevent),
            command @ (Command::ModeSelect { .. }
            | Command::LogSelect { .. }
            | Command::SendDiagnostic { .. }
            | Command::SetTimestamp { .. }
            | Command::SetTargetPortGroups { .. }) => parameters::plan(task, &command, self.largest),
            Command::ExtendedCopy { .. } | Command::PopulateToken { .. } | Command::WriteUsingToken { .. } => {
                copy::plan(&command, task)
            }
            Command::CopyAbort { list } => {
                let unit = unit.id;
                self.abort_copy(tag, queue, unit, list).map(Work::without_data)
            }
            command => self.plan_data(queue, Some(place), task, &command),
        }
    }

    /// A command to a LUN that leads nowhere (SPC-4 5.9, 6.6.1; SAM-5 5.13).
    #[cold]
    fn without_unit(&mut self, tag: Tag, task: &Task) -> Planned {
        let lost = self.open.get(tag).is_some_and(|open| open.slot != NO_SLOT);
        let command = parse(task);
        match command {
            Ok(command @ (Command::Inquiry { .. } | Command::RequestSense { .. })) => {
                self.plan_data(task.queue, None, task, &command)
            }
            Ok(Command::TestUnitReady) if well_known::is_meant(task) => Ok(Work::DONE),
            Ok(command @ Command::ReportLuns { .. }) if well_known::is_meant(task) => {
                self.plan_data(task.queue, None, task, &command)
            }
            _ if well_known::is_meant(task) => Err(command.err().unwrap_or(Fail::NO_COMMAND)),
            Ok(command @ Command::ReportLuns { .. }) if !lost && parse_lun(&task.lun) == Some(0) => {
                self.plan_data(task.queue, None, task, &command)
            }
            _ => Err(Fail::NO_UNIT),
        }
    }

    /// An answer with data: as long as the data, what the CDB has room for, and what the initiator expects.
    fn plan_data(&self, queue: u32, place: Option<u32>, task: &Task, command: &Command) -> Planned {
        let data = self.data(queue, place, task, command)?;
        let wanted = command.allocation().unwrap_or(0).min(data.len() as u32);
        let moves = wanted.min(task.data_in).min(self.largest);
        Ok(Work { plan: (moves > 0).then_some(Plan::Answer { len: moves }), way: Way::In, wanted, moves })
    }

    /// Fills the data of an answer, and does what goes with it. How many bytes it has.
    pub(crate) fn fill(&mut self, tag: Tag, task: &Task, data: &mut [u8]) -> Result<u32, Fail> {
        let slot = self.open.get(tag).map_or(NO_SLOT, |open| open.slot);
        let mapped = |slot: &&super::nexus::Slot| slot.life == super::nexus::Life::Mapped;
        let place = self.nexus(task.queue).slot(slot).filter(mapped).map(|_| slot);
        let command = parse(task)?;
        let built = self.data(task.queue, place, task, &command)?;
        let len = built.len().min(data.len());
        data[..len].copy_from_slice(&built[..len]);
        self.after_data(task.queue, place, &command);
        Ok(len as u32)
    }

    /// Goes on with a command whose data has come.
    pub(crate) fn plan_taken(&mut self, tag: Tag, task: &Task, data: &mut [u8]) -> Result<Option<Plan<Reply>>, Fail> {
        let Some(&Open { queue, slot, .. }) = self.open.get(tag) else { return Err(Fail::NO_UNIT) };
        // The logical unit may have gone or changed since the command was planned.
        let unit = self.unit_at(queue, slot).ok_or(Fail::NO_UNIT)?;
        match parse(task)? {
            Command::Unmap { .. } => provisioning::unmap_list(unit, data),
            Command::PersistentReserveOut { action, scope, kind, .. } => {
                self.persistent_out(tag, slot, task, reservation::Asked { action, scope, kind }, data)
            }
            command @ (Command::ModeSelect { .. }
            | Command::SendDiagnostic { .. }
            | Command::SetTimestamp { .. }
            | Command::SetTargetPortGroups { .. }) => self.take_list(tag, slot, task, &command, data),
            command @ (Command::ExtendedCopy { .. }
            | Command::PopulateToken { .. }
            | Command::WriteUsingToken { .. }) => self.copy_taken(tag, &command, data),
            _ => Err(Fail::check(Key::HARDWARE_ERROR, Asc::INTERNAL_TARGET_FAILURE)),
        }
    }

    pub(crate) fn unit_at(&self, queue: u32, slot: u32) -> Option<&Unit> {
        let nexus = self.nexuses[queue as usize].as_ref()?;
        let slot = nexus.slot(slot)?;
        self.units.get(slot.unit).filter(|unit| unit.id == slot.unit_id)
    }

    /// The place of a slot's logical unit; none has the number that is given for no slot.
    #[inline]
    pub(crate) fn place_at(&self, queue: u32, slot: u32) -> u32 {
        let nexus = self.nexuses[queue as usize].as_ref();
        nexus.and_then(|nexus| nexus.slot(slot)).map_or(u32::MAX, |slot| slot.unit)
    }

    /// Whom a nexus asks.
    pub(crate) fn asked(&self, queue: u32) -> Option<Asked<'_>> {
        let nexus = self.nexuses[queue as usize].as_ref()?;
        let node = nexus.map.and_then(|(node, _)| self.nodes.get(&node)).map(|node| &**node);
        Some(Asked { origin: &nexus.origin, node, largest: self.largest })
    }
}

/// The command in a task.
#[inline]
pub(crate) fn parse(task: &Task) -> Result<Command, Fail> {
    let len = usize::from(task.cdb_len).min(task.cdb.len());
    Command::parse(&task.cdb[..len]).map_err(unreadable)
}

#[cold]
fn unreadable(error: CdbError) -> Fail {
    match error {
        CdbError::Opcode => Fail::NO_COMMAND,
        CdbError::ServiceAction => {
            let Fail::Check(sense) = Fail::in_cdb(1) else { return Fail::NO_COMMAND };
            let field = sense.field.map(|field| wire::scsi::Field { bit: Some(4), ..field });
            Fail::Check(Sense { field, ..sense })
        }
        CdbError::Short => Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT),
        CdbError::Naca(byte) => Fail::in_cdb(byte.into()),
    }
}
