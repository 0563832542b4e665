//! Who wants to hear of changes (SCR), and the RSCNs that tell them. FC-LS-5, clause 4 (RSCN, SCR).

use crate::limits::{GATHER, PAGES, RSCN_ANSWER, RSCN_TRIES};
use crate::n_ports::{NPort, NPorts, Place};
use crate::reach::Reach;
use ring::Tick;
use wire::fc::PortId;
use wire::fc::els::{AddressFormat, EventQualifier, RscnPage, ScrFunction, write_rscn};

/// What a port wants to hear, and what it has not heard yet.
#[derive(Default)]
pub(crate) struct Registration {
    wants: bool,
    pages: Vec<RscnPage>,
    /// When the pages go out.
    due: Tick,
    unanswered: Option<Unanswered>,
}

/// An RSCN that is out.
struct Unanswered {
    ox_id: u16,
    since: Tick,
    tries: u8,
    payload: Vec<u8>,
}

impl Registration {
    /// SCR. `false`: it does not say what to register for.
    pub(crate) fn register(&mut self, function: ScrFunction) -> bool {
        match function {
            ScrFunction::FABRIC | ScrFunction::N_PORT | ScrFunction::FULL => self.wants = true,
            ScrFunction::CLEAR => *self = Self::default(),
            _ => return false,
        }
        true
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.wants
    }

    fn note(&mut self, page: RscnPage, now: Tick) {
        if !self.wants {
            return;
        }
        if self.pages.is_empty() {
            self.due = now + GATHER;
        }
        match self.pages.iter_mut().find(|other| other.port_id == page.port_id) {
            Some(other) => *other = page,
            None => self.pages.push(page),
        }
    }

    /// The payload to send now, if there is one.
    fn next(&mut self, max_payload: u16, now: Tick) -> Option<Vec<u8>> {
        if self.unanswered.is_some() || self.pages.is_empty() || now < self.due {
            return None;
        }
        let most = PAGES.min(usize::from(max_payload) / 4 - 1);
        if self.pages.len() > most {
            self.pages = vec![RscnPage::new(EventQualifier::NONE, AddressFormat::FABRIC, PortId::NONE)];
        }
        let mut payload = vec![0; 4 + 4 * self.pages.len()];
        let written = write_rscn(&mut payload, &self.pages);
        self.pages.clear();
        written.map(|_| payload)
    }

    fn deadline(&self) -> Option<Tick> {
        match &self.unanswered {
            Some(unanswered) => Some(unanswered.since + RSCN_ANSWER),
            None => (!self.pages.is_empty()).then_some(self.due),
        }
    }
}

/// An RSCN to send.
pub(crate) struct Notice {
    pub(crate) to: PortId,
    pub(crate) f_port: u16,
    pub(crate) ox_id: u16,
    pub(crate) payload: Vec<u8>,
}

/// Sends them.
#[derive(Default)]
pub(crate) struct Notices {
    ox_id: u16,
    /// The earliest time at which there is something to do; early is harmless.
    next: Option<Tick>,
    pub(crate) sent: u64,
    pub(crate) unheard: u64,
}

impl Notices {
    /// Something about `place` changed: all that registered and may see it will hear.
    pub(crate) fn changed(&mut self, ports: &mut NPorts, reach: &Reach, place: Place, what: EventQualifier, now: Tick) {
        let Some(id) = ports.get(place).map(|port| port.id) else { return };
        let page = RscnPage::new(what, AddressFormat::PORT, id);
        let others = ports.iter_mut().filter(|(other, _)| *other != place && reach.allows(*other, place));
        others.for_each(|(_, port)| port.registration.note(page, now));
        self.look(now + GATHER);
    }

    /// Zones changed: each port hears of those that it sees now and did not before, or the other way.
    pub(crate) fn rezoned(&mut self, ports: &mut NPorts, before: &Reach, after: &Reach, now: Tick) {
        let all: Vec<(Place, PortId)> = ports.iter().map(|(place, port)| (place, port.id)).collect();
        for (place, port) in ports.iter_mut() {
            let differs = |other: Place| before.allows(place, other) != after.allows(place, other);
            let pages = all.iter().filter(|(other, _)| *other != place && differs(*other));
            let page = |(_, id): &(Place, PortId)| RscnPage::new(EventQualifier::SERVICE, AddressFormat::PORT, *id);
            pages.map(page).for_each(|page| port.registration.note(page, now));
        }
        self.look(now + GATHER);
    }

    fn look(&mut self, at: Tick) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// What is due now.
    pub(crate) fn due(&mut self, ports: &mut NPorts, now: Tick) -> Vec<Notice> {
        if self.next.is_none_or(|next| now < next) {
            return Vec::new();
        }
        let mut notices = Vec::new();
        for (_, port) in ports.iter_mut() {
            let payload = self.repeat(&mut port.registration, now).or_else(|| self.begin(port, now));
            if let (Some(payload), Some(unanswered)) = (payload, &port.registration.unanswered) {
                notices.push(Notice { to: port.id, f_port: port.f_port, ox_id: unanswered.ox_id, payload });
            }
        }
        self.sent += notices.len() as u64;
        self.next = ports.iter().filter_map(|(_, port)| port.registration.deadline()).min();
        notices
    }

    fn begin(&mut self, port: &mut NPort, now: Tick) -> Option<Vec<u8>> {
        let payload = port.registration.next(port.max_payload, now)?;
        let (ox_id, since) = (self.next_ox_id(), now);
        port.registration.unanswered = Some(Unanswered { ox_id, since, tries: 1, payload: payload.clone() });
        Some(payload)
    }

    /// One that was not answered goes out again, under another exchange identifier, or is given up.
    fn repeat(&mut self, registration: &mut Registration, now: Tick) -> Option<Vec<u8>> {
        let unanswered = registration.unanswered.as_mut().filter(|unanswered| now >= unanswered.since + RSCN_ANSWER)?;
        if unanswered.tries == RSCN_TRIES {
            self.unheard += 1;
            registration.unanswered = None;
            return None;
        }
        unanswered.tries += 1;
        unanswered.since = now;
        unanswered.ox_id = self.next_ox_id();
        Some(unanswered.payload.clone())
    }

    fn next_ox_id(&mut self) -> u16 {
        self.ox_id = (self.ox_id + 1) % wire::fc::UNASSIGNED;
        self.ox_id
    }

    /// An answer to one came.
    pub(crate) fn answered(&mut self, ports: &mut NPorts, place: Place, ox_id: u16, now: Tick) {
        let Some(port) = ports.get_mut(place) else { return };
        if port.registration.unanswered.as_ref().is_some_and(|unanswered| unanswered.ox_id == ox_id) {
            port.registration.unanswered = None;
            self.look(now);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.next
    }
}
