//! The table of registrations and the reservation of one logical unit, and what PERSISTENT RESERVE OUT does to it
//! (SPC-4 5.13).
//!
//! - In: requests whose TransportIDs and ports are resolved.
//! - Out: who is to be told what, and whose commands end ([`Effects`]); or the standard's refusal, and then nothing changed.
//!
//! Where the standard leaves a choice: SPEC_I_PT that names a nexus that is registered is RESERVATION CONFLICT, as it would be
//! had that nexus asked itself with key 0; ALL_TG_PT registers, changes or removes at the other ports without a look at the
//! keys there.

use super::kind::{Allowed, Held, ItNexus, Kind, Registrant};
use crate::core::{Attention, Fail};
use wire::scsi::{Asc, Key, Status};

/// Registrations that a logical unit has room for.
const MOST_REGISTRANTS: usize = 1024;

const CONFLICT: Fail = Fail::Status(Status::RESERVATION_CONFLICT);
const NO_ROOM: Fail = Fail::illegal(Asc::INSUFFICIENT_REGISTRATION_RESOURCES);
/// Where the parameter list has SERVICE ACTION RESERVATION KEY.
const ACTION_KEY_AT: u16 = 8;
/// Where it has TransportIDs.
pub(crate) const IDS_AT: u16 = 24;

/// A service action with what it needs.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "an iSCSI name stands in its place, and few of these live at once")]
pub(crate) enum Action {
    /// REGISTER, or REGISTER AND IGNORE EXISTING KEY.
    Register {
        ignore: bool,
        /// SPEC_I_PT was set: these too.
        named: Option<Vec<ItNexus>>,
        /// ALL_TG_PT: the same initiator port at our other ports.
        others: Vec<ItNexus>,
        aptpl: bool,
    },
    Reserve(Kind),
    Release(Kind),
    Clear,
    /// PREEMPT, or PREEMPT AND ABORT. The type counts only if the reservation is preempted.
    Preempt {
        kind: Option<Kind>,
        abort: bool,
    },
    /// REGISTER AND MOVE.
    Move {
        to: ItNexus,
        unregister: bool,
        aptpl: bool,
    },
}

/// A PERSISTENT RESERVE OUT.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub action: Action,
    /// RESERVATION KEY.
    pub key: u64,
    /// SERVICE ACTION RESERVATION KEY.
    pub action_key: u64,
}

/// What others see of a request that was served.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// Unit attentions, and for whom.
    pub told: Vec<(Attention, Vec<ItNexus>)>,
    /// Whose commands end.
    pub ended: Vec<ItNexus>,
}

/// Registrations and reservation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// PRGENERATION.
    pub generation: u32,
    pub registrants: Vec<Registrant>,
    pub held: Option<Held>,
    /// The last registration wants it kept through power loss.
    pub aptpl: bool,
}

impl Table {
    /// The key of a nexus, if it is registered.
    pub fn key_of(&self, nexus: &ItNexus) -> Option<u64> {
        self.registrants.iter().find(|known| known.nexus.is(nexus)).map(|known| known.key)
    }

    /// Whether a nexus holds the reservation.
    pub fn is_holder(&self, nexus: &ItNexus) -> bool {
        self.held.is_some_and(
            |held| {
                if held.kind.is_held_by_all() { self.key_of(nexus).is_some() } else { held.by.is(nexus) }
            },
        )
    }

    /// What a nexus may do.
    pub fn access(&self, nexus: &ItNexus) -> Allowed {
        let Some(held) = self.held else { return Allowed::All };
        let free = if held.kind.is_shared() { self.key_of(nexus).is_some() } else { held.by.is(nexus) };
        match held.kind.lets_read() {
            _ if free => Allowed::All,
            true => Allowed::Read,
            false => Allowed::Ask,
        }
    }

    /// Serves a request of `nexus`.
    pub fn serve(&mut self, nexus: &ItNexus, request: &Request) -> Result<Effects, Fail> {
        let Request { key, action_key, ref action } = *request;
        if let Action::Register { ignore, named, others, aptpl } = action {
            self.register(nexus, request, *ignore, named.as_deref(), others)?;
            self.aptpl = *aptpl;
            return Ok(self.registered(nexus, action_key, named.iter().flatten().chain(others)));
        }
        if self.key_of(nexus) != Some(key) {
            return Err(CONFLICT);
        }
        match *action {
            Action::Register { .. } => unreachable!("served above"),
            Action::Reserve(kind) => self.reserve(nexus, kind),
            Action::Release(kind) => self.release(nexus, kind),
            Action::Clear => Ok(self.clear(nexus)),
            Action::Preempt { kind, abort } => {
                let mut effects = self.preempt(nexus, action_key, kind)?;
                if !abort {
                    effects.ended.clear();
                }
                Ok(effects)
            }
            Action::Move { to, unregister, aptpl } => {
                self.hand_over(nexus, &to, action_key, unregister)?;
                self.aptpl = aptpl;
                Ok(Effects::default())
            }
        }
    }

    /// Judges a registration (SPC-4 5.13.7, tables 69 and 70).
    fn register(
        &self,
        nexus: &ItNexus,
        request: &Request,
        ignore: bool,
        named: Option<&[ItNexus]>,
        others: &[ItNexus],
    ) -> Result<(), Fail> {
        let own = self.key_of(nexus);
        if !ignore && request.key != own.unwrap_or(0) {
            return Err(CONFLICT);
        }
        let named = match named {
            None => &[],
            Some(_) if ignore || own.is_some() || request.action_key == 0 => return Err(Fail::in_list(20)),
            Some(named) => named,
        };
        if named.iter().any(|named| self.key_of(named).is_some()) {
            return Err(CONFLICT);
        }
        let fresh = 1 + named.len() + others.len();
        if request.action_key != 0 && self.registrants.len() + fresh > MOST_REGISTRANTS {
            return Err(NO_ROOM);
        }
        Ok(())
    }

    /// Makes a registration that was judged.
    fn registered<'a>(
        &mut self,
        nexus: &'a ItNexus,
        key: u64,
        others: impl Iterator<Item = &'a ItNexus> + Clone,
    ) -> Effects {
        let meant = || std::iter::once(nexus).chain(others.clone());
        if key != 0 {
            meant().for_each(|nexus| self.put(nexus, key));
            self.generation = self.generation.wrapping_add(1);
            return Effects::default();
        }
        if !meant().any(|nexus| self.key_of(nexus).is_some()) {
            return Effects::default();
        }
        self.generation = self.generation.wrapping_add(1);
        self.unregister(nexus, meant())
    }

    fn put(&mut self, nexus: &ItNexus, key: u64) {
        match self.registrants.iter_mut().find(|known| known.nexus.is(nexus)) {
            Some(known) => known.key = key,
            None => self.registrants.push(Registrant { nexus: *nexus, key }),
        }
    }

    /// Takes registrations away; a reservation goes with its holder, or with the last that holds it (SPC-4 5.13.11.2.3).
    fn unregister<'a>(&mut self, by: &ItNexus, gone: impl Iterator<Item = &'a ItNexus>) -> Effects {
        for gone in gone {
            self.registrants.retain(|known| !known.nexus.is(gone));
        }
        let Some(held) = self.held else { return Effects::default() };
        let stays =
            if held.kind.is_held_by_all() { !self.registrants.is_empty() } else { self.key_of(&held.by).is_some() };
        if stays {
            return Effects::default();
        }
        self.held = None;
        self.tell(by, held.kind.is_shared().then_some(Attention::ReservationsReleased))
    }

    /// All that are registered but `by` are told.
    fn tell(&self, by: &ItNexus, attention: Option<Attention>) -> Effects {
        let others: Vec<ItNexus> = self.others(by).collect();
        Effects { told: attention.map(|attention| (attention, others)).into_iter().collect(), ended: Vec::new() }
    }

    fn others(&self, by: &ItNexus) -> impl Iterator<Item = ItNexus> {
        self.registrants.iter().map(|known| known.nexus).filter(|nexus| !nexus.is(by))
    }

    fn reserve(&mut self, nexus: &ItNexus, kind: Kind) -> Result<Effects, Fail> {
        match self.held {
            None => self.held = Some(Held { kind, by: *nexus }),
            Some(held) if held.kind == kind && self.is_holder(nexus) => {}
            Some(_) => return Err(CONFLICT),
        }
        Ok(Effects::default())
    }

    fn release(&mut self, nexus: &ItNexus, kind: Kind) -> Result<Effects, Fail> {
        let Some(held) = self.held.filter(|_| self.is_holder(nexus)) else { return Ok(Effects::default()) };
        if held.kind != kind {
            return Err(Fail::illegal(Asc::INVALID_RELEASE_OF_PERSISTENT_RESERVATION));
        }
        self.held = None;
        Ok(self.tell(nexus, held.kind.is_shared().then_some(Attention::ReservationsReleased)))
    }

    fn clear(&mut self, nexus: &ItNexus) -> Effects {
        let effects = self.tell(nexus, Some(Attention::ReservationsPreempted));
        self.registrants.clear();
        self.held = None;
        self.generation = self.generation.wrapping_add(1);
        effects
    }

    /// PREEMPT (SPC-4 5.13.11.4).
    fn preempt(&mut self, nexus: &ItNexus, key: u64, kind: Option<Kind>) -> Result<Effects, Fail> {
        let takes = match self.held {
            Some(held) if held.kind.is_held_by_all() => key == 0,
            Some(held) => self.key_of(&held.by) == Some(key),
            None => false,
        };
        if takes {
            return self.preempt_reservation(nexus, key, kind.ok_or(Fail::in_cdb(2))?);
        }
        if key == 0 {
            return Err(Fail::in_list(ACTION_KEY_AT));
        }
        self.preempt_registrations(nexus, key)
    }

    /// The reservation becomes that of the nexus. Key 0 is everyone's.
    fn preempt_reservation(&mut self, nexus: &ItNexus, key: u64, kind: Kind) -> Result<Effects, Fail> {
        let old = self.held.map(|held| held.kind);
        let gone = |known: &Registrant| !known.nexus.is(nexus) && (key == 0 || known.key == key);
        let preempted: Vec<ItNexus> =
            self.registrants.iter().filter(|known| gone(known)).map(|known| known.nexus).collect();
        self.registrants.retain(|known| !gone(known));
        self.held = Some(Held { kind, by: *nexus });
        self.generation = self.generation.wrapping_add(1);
        let mut told = vec![(Attention::RegistrationsPreempted, preempted.clone())];
        if old.is_some_and(|old| old != kind) {
            told.push((Attention::ReservationsReleased, self.others(nexus).collect()));
        }
        Ok(Effects { told, ended: preempted })
    }

    /// Registrations go, and nothing else, unless the last holder goes with them. The type that was asked for does not count.
    fn preempt_registrations(&mut self, nexus: &ItNexus, key: u64) -> Result<Effects, Fail> {
        let preempted: Vec<ItNexus> =
            self.registrants.iter().filter(|known| known.key == key).map(|known| known.nexus).collect();
        if preempted.is_empty() {
            return Err(CONFLICT);
        }
        self.generation = self.generation.wrapping_add(1);
        let mut effects = self.unregister(nexus, preempted.iter());
        let others = preempted.iter().filter(|gone| !gone.is(nexus)).copied().collect();
        effects.told.insert(0, (Attention::RegistrationsPreempted, others));
        effects.ended = preempted;
        Ok(effects)
    }

    /// REGISTER AND MOVE (SPC-4 5.13.8).
    fn hand_over(&mut self, nexus: &ItNexus, to: &ItNexus, key: u64, unregister: bool) -> Result<(), Fail> {
        let Some(held) = self.held else { return Err(Fail::in_cdb(1)) };
        if held.kind.is_held_by_all() || !held.by.is(nexus) {
            return Err(CONFLICT);
        }
        if key == 0 {
            return Err(Fail::in_list(ACTION_KEY_AT));
        }
        if to.is(nexus) {
            return Err(Fail::in_list(IDS_AT));
        }
        if self.key_of(to).is_none() && self.registrants.len() >= MOST_REGISTRANTS {
            return Err(NO_ROOM);
        }
        self.put(to, key);
        self.held = Some(Held { by: *to, ..held });
        if unregister {
            self.registrants.retain(|known| !known.nexus.is(nexus));
        }
        self.generation = self.generation.wrapping_add(1);
        Ok(())
    }
}

/// What a request could not be kept with.
pub(crate) const NOT_KEPT: Fail = NO_ROOM;
/// What any other change could not be kept with.
pub(crate) const KEEPER_FAILED: Fail = Fail::check(Key::HARDWARE_ERROR, Asc::INTERNAL_TARGET_FAILURE);
