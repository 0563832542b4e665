//! What the home tells: commands, sessions, aborts, resets. And the watch over what does not come back.

use super::ctio::Refused;
use super::exchange::{Exchange, Kill, Order};
use super::messages::{Command, FromLane, ToLane};
use super::orders::push;
use super::queue::{Path, QlaQueue, Service};
use crate::ring::QueuePair;
use fc::{Arrival, SessionId, Xid};
use ring::{Tag, Tick};
use wire::isp::iocb::NO_EXCHANGE;

const MS: Tick = 1_000_000;

/// How often exchanges are looked at.
const WATCH: Tick = 250 * MS;

/// A CTIO that is out for so long is lost: the adapter itself gives one up after 10 s.
pub(super) const LOST: Tick = 20_000 * MS;

/// A receive that its owner does not want any more may still end by itself for so long.
pub(super) const GRACE: Tick = 1_000 * MS;

impl QlaQueue {
    /// A message of the home. Commands do not come here, as far as speed matters.
    pub(super) fn on_message(&mut self, message: ToLane) -> Option<Arrival> {
        match message {
            ToLane::Command(command) => {
                let Command { session, iu, .. } = command;
                let xid = self.open(&command)?;
                return Some(Arrival::Command { xid, session, iu });
            }
            ToLane::Completion(entry) => return self.on_entry(&entry),
            ToLane::SessionUp(session) => self.events.push_back(Arrival::SessionUp(session.info)),
            ToLane::SessionDown(session) => self.on_session_down(session),
            ToLane::Abort { exchange, token } => self.on_abort(exchange, token),
            ToLane::Request { session, exchange, ox_id, payload } => self.on_service(session, exchange, ox_id, payload),
            ToLane::Quiesce { generation } => self.on_quiesce(generation),
            ToLane::Resume { pair } => self.on_resume(pair),
        }
        None
    }

    /// Opens the exchange of a command.
    #[inline]
    pub(super) fn open(&mut self, command: &Command) -> Option<Xid> {
        let xid = self.exchanges.open(command);
        if xid.is_some() {
            self.counters.commands += 1;
        } else {
            self.refuse(command);
        }
        xid
    }

    /// A command without a place: the home counts what is open, so this is not to be. It ends at once.
    #[cold]
    fn refuse(&mut self, command: &Command) {
        let Command { handle, vp, peer, exchange, ox_id, attribute, .. } = *command;
        let entry = Refused { handle, vp, peer, exchange, ox_id, attribute }.terminate();
        self.urgent |= push(&mut self.path, &mut self.outbox, &[entry]);
        self.ended = self.ended.wrapping_add(1);
    }

    fn on_service(&mut self, session: SessionId, exchange: u32, ox_id: u16, payload: Box<[u8]>) {
        // Behind the names of commands, so that none is like it.
        let xid = Xid(Tag::new(self.places as u32, self.service_turn));
        self.service_turn = self.service_turn.wrapping_add(1);
        self.services.push(Service { xid, session, exchange, ox_id });
        self.events.push_back(Arrival::Request { xid, session, payload });
    }

    /// Tells the owner of an abort, once.
    fn tell_abort(&mut self, place: usize) {
        let Some(exchange) = self.exchanges.at_mut(place) else { return };
        if !std::mem::replace(&mut exchange.aborted, true) {
            self.events.push_back(Arrival::Abort { xid: exchange.xid });
        }
    }

    fn on_abort(&mut self, address: u32, token: u32) {
        let is_it = |exchange: &Exchange| exchange.address == address && address != NO_EXCHANGE;
        let Some(place) = self.exchanges.find(is_it) else {
            let ended = self.forsaken.iter().position(|of| *of == address);
            if let Some(at) = ended {
                self.forsaken.remove(at);
            }
            return self.outbox.push(FromLane::Aborted { token, found: ended.is_some() });
        };
        self.aborts.push((place, token));
        self.tell_abort(place);
        let Some(exchange) = self.exchanges.at_mut(place) else { return };
        exchange.aborts = exchange.aborts.saturating_add(1);
        // With the owner it waits for the owner's next order; what is at the adapter, or on its way there, is called back.
        if exchange.order != Order::None {
            self.kill(place);
        }
    }

    /// Ends all that is open of a session, at the adapter too.
    fn on_session_down(&mut self, session: SessionId) {
        let mut draining = 0;
        for place in 0..self.exchanges.capacity() {
            if self.exchanges.at_mut(place).is_none_or(|exchange| exchange.session != session) {
                continue;
            }
            self.tell_abort(place);
            self.kill(place);
            let Some(exchange) = self.exchanges.at_mut(place) else { continue };
            if exchange.is_at_adapter() {
                exchange.draining = true;
                draining += 1;
            } else {
                exchange.address = NO_EXCHANGE;
            }
        }
        self.services.retain(|service| service.session != session);
        self.events.push_back(Arrival::SessionDown { session });
        if draining == 0 {
            self.outbox.push(FromLane::Down(session));
        } else {
            self.drains.push((session, draining));
        }
    }

    /// An exchange of a session that is down has nothing at the adapter any more.
    pub(super) fn drained(&mut self, session: SessionId) {
        let Some(at) = self.drains.iter().position(|(of, _)| *of == session) else { return };
        self.drains[at].1 -= 1;
        if self.drains[at].1 == 0 {
            self.drains.swap_remove(at);
            self.outbox.push(FromLane::Down(session));
        }
    }

    /// The adapter is in reset: nothing comes back any more, and no memory is touched.
    fn on_quiesce(&mut self, generation: u32) {
        self.waiting.clear();
        for place in 0..self.exchanges.capacity() {
            self.tell_abort(place);
            let Some(exchange) = self.exchanges.at_mut(place) else { continue };
            exchange.flying = 0;
            exchange.kill = Kill::Done;
            exchange.address = NO_EXCHANGE;
            (exchange.queued, exchange.draining, exchange.forsaken, exchange.failed) = (false, false, false, false);
            exchange.aborts = 0;
            self.finish(place, false);
        }
        self.aborts.clear();
        self.forsaken.clear();
        self.services.clear();
        self.drains.clear();
        self.at_adapter = 0;
        let pair = match std::mem::replace(&mut self.path, Path::None) {
            Path::Pair(pair) => Some(pair),
            Path::None | Path::Home => None,
        };
        self.outbox.push(FromLane::Quiet { generation, pair });
    }

    fn on_resume(&mut self, pair: Option<Box<QueuePair>>) {
        self.path = pair.map_or(Path::Home, Path::Pair);
        self.lost = false;
        self.logged_out = None;
    }

    /// Looks for CTIOs that are out for too long, and for receives whose owner has waited long enough.
    #[cold]
    pub(super) fn watch(&mut self) {
        let now = self.now;
        self.next_watch = now + WATCH;
        if self.at_adapter == 0 {
            return;
        }
        let mut lost = false;
        for place in 0..self.exchanges.capacity() {
            let Some(exchange) = self.exchanges.at_mut(place) else { continue };
            let out = exchange.flying != 0 || matches!(exchange.kill, Kill::Flying(_));
            let age = now.saturating_sub(exchange.since);
            lost |= out && age >= LOST;
            let unwanted = exchange.cancelled && exchange.order == Order::Receive && age >= GRACE;
            if unwanted {
                self.kill(place);
            }
        }
        if lost && !std::mem::replace(&mut self.lost, true) {
            self.outbox.push(FromLane::Lost);
        }
    }
}
