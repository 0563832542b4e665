//! Reservations on a core: which command of which nexus conflicts, and the commands about reservations.
//!
//! - In: every command, before it is planned; PERSISTENT RESERVE IN and OUT, RESERVE, RELEASE.
//! - Out: RESERVATION CONFLICT; the table of all cores ([`crate::shared`]); notices to the other nexuses.
//! - Not done: third-party and extent reservations of SPC-2, element scope, REPLACE LOST RESERVATION (SPC-5).

mod answers;
mod class;
mod out;

pub(crate) use answers::data;
pub(crate) use class::Class;
pub(crate) use out::{Asked, plan};

use super::fail::Fail;
use super::scsi::Scsi;
use super::units::Unit;
use crate::Origin;
use crate::shared::{Allowed, ItNexus, Seat};
use wire::scsi::{Command, Reserve};

/// What a nexus may do to a logical unit, as it was when that was last looked up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict {
    generation: u64,
    access: Allowed,
}

/// Whether a nexus may do this to a logical unit now (SPC-4 5.13.1, tables 66 and 67; SBC-3 4.17; SPC-2 5.5). Called once for
/// each command, before it is planned.
#[inline]
pub(crate) fn check(
    unit: &Unit,
    verdict: &mut Verdict,
    origin: &Origin,
    seat: Seat,
    command: &Command,
) -> Result<(), Fail> {
    if unit.view.shared.reservations.generation() != verdict.generation {
        look_up(unit, verdict, origin, seat);
    }
    if verdict.access == Allowed::All { Ok(()) } else { Class::of(command).judge(verdict.access) }
}

#[cold]
fn look_up(unit: &Unit, verdict: &mut Verdict, origin: &Origin, seat: Seat) {
    let (generation, access) = unit.view.shared.reservations.access(&ItNexus::of(origin), seat);
    *verdict = Verdict { generation, access };
}

/// Whether a nexus may do something of that class to a logical unit that its command does not go to: the other side of a copy.
pub(crate) fn allows(unit: &Unit, origin: &Origin, seat: Seat, class: Class) -> Result<(), Fail> {
    let (_, access) = unit.view.shared.reservations.access(&ItNexus::of(origin), seat);
    class.judge(access)
}

impl Scsi {
    /// A nexus of this core as the shared tables know it.
    pub(crate) fn seat(&self, queue: u32) -> Seat {
        (self.homes.own, queue)
    }

    /// RESERVE and RELEASE (SPC-2 7.16, 7.21).
    pub(crate) fn reserve(&self, queue: u32, place: u32, command: &Command) -> Result<(), Fail> {
        let unit = self.unit_at(queue, place).ok_or(Fail::NO_UNIT)?;
        let nexus = self.it_nexus(queue).ok_or(Fail::NO_UNIT)?;
        let table = &unit.view.shared.reservations;
        match command {
            Command::Reserve(how) => judge(how).and_then(|()| table.reserve(&nexus, self.seat(queue))),
            Command::Release(how) => judge(how).and_then(|()| table.release(&nexus, self.seat(queue))),
            _ => Err(Fail::NO_COMMAND),
        }
    }

    /// A nexus, by its ports.
    pub(crate) fn it_nexus(&self, queue: u32) -> Option<ItNexus> {
        self.nexuses.get(queue as usize)?.as_ref().map(|nexus| ItNexus::of(&nexus.origin))
    }

    /// A nexus is gone or was reset: what it holds by RESERVE is free.
    pub(crate) fn let_go_of(&self, queue: u32) {
        let seat = self.seat(queue);
        self.units.iter().for_each(|unit| unit.view.shared.reservations.let_go(|holder| holder == seat));
    }
}

/// Only the logical unit as a whole, and only for oneself.
fn judge(how: &Reserve) -> Result<(), Fail> {
    match how {
        Reserve { third_party: true, .. } | Reserve { long_id: true, .. } | Reserve { extent: true, .. } => {
            Err(Fail::in_cdb(1))
        }
        Reserve { length: 0, .. } => Ok(()),
        Reserve { long, .. } => Err(Fail::in_cdb(if *long { 7 } else { 3 })),
    }
}
