//! Reservations of a logical unit: the table that all cores share, and what a nexus may do.
//!
//! A core keeps what it was told of a nexus together with the [`generation`](Reservations::generation), and asks again when that
//! has moved: one atomic load for a command.
//!
//! Changes that are to outlive the process are made by the keeper ([`crate::control`]), which writes the new table down before
//! it holds. While it does, all changes of the logical unit go through it, in the order in which they came.

mod kind;
mod record;
mod store;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use kind::{Allowed, ItNexus, Kind};
pub(crate) use store::Store;
pub(crate) use table::{Action, Effects, IDS_AT, Request, Table};

use crate::core::Fail;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::scsi::{Asc, Key, Status};

/// A nexus that is there: its home, and its queue on it.
pub(crate) type Seat = (usize, u32);

#[derive(Debug, Default)]
struct State {
    table: Table,
    /// Who holds the logical unit by RESERVE (SPC-2).
    reserved: Option<Seat>,
    /// What was kept could not be read.
    unknown: bool,
    /// Changes that the keeper has not made yet.
    pending: u32,
}

/// Registrations and reservations of a logical unit.
#[derive(Debug)]
pub(crate) struct Reservations {
    generation: AtomicU64,
    state: Mutex<State>,
}

impl Default for Reservations {
    fn default() -> Self {
        Self { generation: AtomicU64::new(1), state: Mutex::default() }
    }
}

const CONFLICT: Fail = Fail::Status(Status::RESERVATION_CONFLICT);

/// The fate of a request.
#[derive(Debug)]
pub(crate) enum Served {
    /// It is decided.
    Now(Result<Effects, Fail>),
    /// The keeper must make it: it was counted as pending.
    ByKeeper,
}

impl Reservations {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never 0; another number whenever anyone's access may be another.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Called with the state locked, so that who asks next sees it.
    fn moved(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// What a nexus may do, and the generation that this is of.
    #[cold]
    pub fn access(&self, nexus: &ItNexus, seat: Seat) -> (u64, Allowed) {
        let state = self.state();
        let access = match state.reserved {
            _ if state.unknown => Allowed::Unknown,
            Some(holder) if holder == seat => Allowed::Reserved,
            Some(_) => Allowed::ReservedByOther,
            None => state.table.access(nexus),
        };
        (self.generation(), access)
    }

    /// Looks at the table.
    pub fn read<T>(&self, look: impl FnOnce(&Table) -> T) -> T {
        look(&self.state().table)
    }

    /// Serves PERSISTENT RESERVE OUT, unless the keeper must.
    pub fn serve(&self, nexus: &ItNexus, request: &Request) -> Served {
        let mut state = self.state();
        if state.pending > 0 {
            state.pending += 1;
            return Served::ByKeeper;
        }
        let (effects, table) = match state.next(nexus, request) {
            Ok(next) => next,
            Err(fail) => return Served::Now(Err(fail)),
        };
        if state.table.is_kept() || table.is_kept() {
            state.pending += 1;
            return Served::ByKeeper;
        }
        state.table = table;
        self.moved();
        Served::Now(Ok(effects))
    }

    /// Serves a pending PERSISTENT RESERVE OUT: on the keeper's thread, one after the other. `keep` writes the new table down,
    /// or nothing when it is not to be kept.
    pub fn serve_kept(
        &self,
        nexus: &ItNexus,
        request: &Request,
        keep: impl FnOnce(Option<&Table>) -> Result<(), ()>,
    ) -> Result<Effects, Fail> {
        let (served, was_kept) = {
            let state = self.state();
            (state.next(nexus, request), state.table.is_kept())
        };
        let served = served.and_then(|(effects, table)| {
            let is_kept = table.is_kept();
            if (was_kept || is_kept) && keep(is_kept.then_some(&table)).is_err() {
                return Err(if request.registers() { table::NOT_KEPT } else { table::KEEPER_FAILED });
            }
            Ok((effects, table))
        });
        let mut state = self.state();
        state.pending = state.pending.saturating_sub(1);
        let (effects, table) = served?;
        state.table = table;
        self.moved();
        Ok(effects)
    }

    /// A pending request cannot be given to the keeper.
    pub fn not_pending(&self) {
        let mut state = self.state();
        state.pending = state.pending.saturating_sub(1);
    }

    /// RESERVE (SPC-2 5.5; beside persistent reservations SPC-4 5.13.3, CRH).
    pub fn reserve(&self, nexus: &ItNexus, seat: Seat) -> Result<(), Fail> {
        let mut state = self.state();
        if let Some(done) = state.beside_persistent(nexus) {
            return done;
        }
        match state.reserved {
            None => {
                state.reserved = Some(seat);
                self.moved();
                Ok(())
            }
            Some(holder) if holder == seat => Ok(()),
            Some(_) => Err(CONFLICT),
        }
    }

    /// RELEASE: of who does not hold it, it does nothing.
    pub fn release(&self, nexus: &ItNexus, seat: Seat) -> Result<(), Fail> {
        if let Some(done) = self.state().beside_persistent(nexus) {
            return done;
        }
        self.let_go(|holder| holder == seat);
        Ok(())
    }

    /// Ends a reservation by RESERVE: its holder is gone, or the logical unit is reset.
    pub fn let_go(&self, whose: impl FnOnce(Seat) -> bool) {
        let mut state = self.state();
        if state.reserved.is_some_and(whose) {
            state.reserved = None;
            self.moved();
        }
    }

    /// The logical unit is new, and this was kept of it.
    pub fn restore(&self, table: Table) {
        self.state().table = table;
        self.moved();
    }

    /// The logical unit is new, and what was kept of it cannot be read: nobody gets at its data.
    pub fn restore_unknown(&self) {
        self.state().unknown = true;
        self.moved();
    }
}

impl State {
    /// What a request comes to, not made yet.
    fn next(&self, nexus: &ItNexus, request: &Request) -> Result<(Effects, Table), Fail> {
        if self.unknown {
            return Err(Allowed::unknown());
        }
        if self.reserved.is_some() {
            return Err(CONFLICT);
        }
        let mut table = self.table.clone();
        let effects = table.serve(nexus, request)?;
        Ok((effects, table))
    }

    /// RESERVE and RELEASE where anyone is registered: done without effect for who may use the logical unit by a persistent
    /// reservation, a conflict for all others. `None`: nobody is.
    fn beside_persistent(&self, nexus: &ItNexus) -> Option<Result<(), Fail>> {
        if self.unknown {
            return Some(Err(Allowed::unknown()));
        }
        if self.pending > 0 {
            return Some(Err(Fail::Status(Status::BUSY)));
        }
        if self.table.registrants.is_empty() {
            return None;
        }
        let uses = self.table.held.is_some() && self.table.access(nexus) == Allowed::All;
        Some(if uses { Ok(()) } else { Err(CONFLICT) })
    }
}

impl Allowed {
    /// NOT READY: somebody has to look after the file.
    pub fn unknown() -> Fail {
        Fail::check(Key::NOT_READY, Asc::LOGICAL_UNIT_NOT_READY_MANUAL_INTERVENTION_REQUIRED)
    }
}

impl Request {
    fn registers(&self) -> bool {
        matches!(self.action, Action::Register { .. } | Action::Move { .. })
    }
}

impl Table {
    /// Whether it is to outlive the process.
    pub fn is_kept(&self) -> bool {
        self.aptpl && !self.registrants.is_empty()
    }
}
