//! The queue: what is in it, and the calls of [`fc::Queue`].

use super::exchange::{MOST_PLACES, Order};
use super::messages::{FromLane, ToLane};
use super::outlet::{Channel, Outlet};
use super::table::Table;
use crate::ring::QueuePair;
use dma::{Data, Region};
use fc::{Arrival, Fc4, Queue, Response, SessionId, Xid};
use ring::Tick;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Release};

/// Entries and messages that are looked at in search of one arrival.
const BATCH: usize = 64;

/// Addresses of exchanges that are remembered as aborted before anyone said so.
pub(super) const FORSAKEN: usize = 32;

/// By which way CTIOs go.
pub(super) enum Path {
    /// By none: the adapter is not there.
    None,
    /// By the lane's own queues.
    Pair(Box<QueuePair>),
    /// By the home's.
    Home,
}

/// A link service request that waits for its answer.
pub(super) struct Service {
    pub xid: Xid,
    pub session: SessionId,
    pub exchange: u32,
    pub ox_id: u16,
}

/// Counters of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commands.
    pub commands: u64,
    /// CTIOs sent.
    pub ctios: u64,
    /// CTIOs that came back with an error.
    pub failed: u64,
    /// Exchanges ended without a response.
    pub terminated: u64,
    /// Completions that nobody waited for, and entries that are none.
    pub stale: u64,
    /// Times that a CTIO had to wait for room.
    pub waited: u64,
}

/// One core's queue of an adapter's port.
pub struct QlaQueue {
    pub(super) number: u8,
    pub(super) fc4: Fc4,
    pub(super) places: usize,
    pub(super) exchanges: Table,
    /// CTIOs that each place has sent.
    pub(super) turns: Vec<u16>,
    /// What the owner is told next.
    pub(super) events: VecDeque<Arrival>,
    /// Places that wait for room in the ring.
    pub(super) waiting: VecDeque<u32>,
    pub(super) path: Path,
    pub(super) inbox: Arc<Channel<ToLane>>,
    pub(super) outbox: Outlet<FromLane>,
    /// Responses in memory.
    pub(super) responses: Region,
    /// Aborts that wait for the end of their exchange: place and token.
    pub(super) aborts: Vec<(usize, u32)>,
    pub(super) forsaken: VecDeque<u32>,
    pub(super) services: Vec<Service>,
    pub(super) service_turn: u32,
    /// Sessions that are down, and how many exchanges they wait for.
    pub(super) drains: Vec<(SessionId, usize)>,
    /// CTIOs that are at the adapter and will come back.
    pub(super) at_adapter: usize,
    /// Sent something on its own, not by an order, so that the doorbell must ring without [`Queue::flush`].
    pub(super) urgent: bool,
    pub(super) now: Tick,
    pub(super) next_watch: Tick,
    pub(super) lost: bool,
    pub(super) logged_out: Option<SessionId>,
    /// Exchanges that are over; told to the home.
    pub(super) ended: u32,
    told_ended: u32,
    shared_ended: Arc<AtomicU32>,
    pub(super) counters: Counters,
}

/// What a [`QlaQueue`] is made of.
pub(super) struct Parts {
    pub number: u8,
    pub fc4: Fc4,
    pub places: usize,
    pub inbox: Arc<Channel<ToLane>>,
    pub outbox: Outlet<FromLane>,
    pub responses: Region,
    pub ended: Arc<AtomicU32>,
}

impl QlaQueue {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { number, fc4, places, inbox, outbox, responses, ended } = parts;
        assert!((1..=MOST_PLACES).contains(&places), "{places} places do not fit into a handle");
        Self {
            number,
            fc4,
            places,
            exchanges: Table::new(places),
            turns: vec![0; places],
            // An abort and an end for each, and what comes by messages.
            events: VecDeque::with_capacity(2 * places + 16),
            waiting: VecDeque::with_capacity(2 * places),
            path: Path::None,
            inbox,
            outbox,
            responses,
            aborts: Vec::new(),
            forsaken: VecDeque::with_capacity(FORSAKEN),
            services: Vec::new(),
            service_turn: 0,
            drains: Vec::new(),
            at_adapter: 0,
            urgent: false,
            now: 0,
            next_watch: 0,
            lost: false,
            logged_out: None,
            ended: 0,
            told_ended: 0,
            shared_ended: ended,
            counters: Counters::default(),
        }
    }

    /// What it counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Doorbells rung on its own request queue.
    pub fn doorbells(&self) -> u64 {
        match &self.path {
            Path::Pair(pair) => pair.request.doorbells(),
            Path::None | Path::Home => 0,
        }
    }

    /// The next thing to tell, if a bounded search finds one; else the turn ends. Arrivals are not passed on but returned where they come
    /// about: they are large.
    #[inline]
    fn search(&mut self) -> Option<Arrival> {
        for _ in 0..BATCH {
            let mut idle = true;
            if let Path::Pair(pair) = &mut self.path
                && let Some(entry) = pair.response.next()
            {
                if let Some(arrival) = self.on_entry(&entry) {
                    return Some(arrival);
                }
                idle = false;
            }
            // Before a command is told, the ends of all earlier ones: it may have the place of one of them.
            if let Some(arrival) = self.events.pop_front() {
                return Some(arrival);
            }
            let (message, room_made) = self.inbox.pop();
            self.outbox.wanted |= room_made;
            match message {
                Some(ToLane::Command(ref command)) => {
                    if let Some(xid) = self.open(command) {
                        return Some(Arrival::Command { xid, session: command.session, iu: command.iu });
                    }
                }
                Some(message) => {
                    if let Some(arrival) = self.on_message(message) {
                        return Some(arrival);
                    }
                }
                None if idle => break,
                None => {}
            }
            if let Some(arrival) = self.events.pop_front() {
                return Some(arrival);
            }
        }
        self.rest();
        None
    }

    /// Ends a turn in which there is nothing more to tell.
    #[inline]
    fn rest(&mut self) {
        if !self.waiting.is_empty() {
            self.send_waiting();
            self.urgent = true;
        }
        if let Path::Pair(pair) = &mut self.path {
            if std::mem::take(&mut self.urgent) {
                pair.request.flush();
            }
            pair.response.flush_some();
        }
        if self.told_ended != self.ended {
            self.told_ended = self.ended;
            self.shared_ended.store(self.ended, Release);
        }
        self.outbox.flush();
    }
}

impl Queue for QlaQueue {
    #[inline]
    fn next(&mut self, now: Tick) -> Option<Arrival> {
        self.now = now;
        if now >= self.next_watch {
            self.watch();
        }
        if let Some(arrival) = self.events.pop_front() {
            return Some(arrival);
        }
        self.search()
    }

    #[inline]
    fn receive(&mut self, xid: Xid, offset: u32, data: Data) {
        self.begin(xid, Order::Receive, offset, data, None);
    }

    #[inline]
    fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) {
        let order = if response.is_some() { Order::End } else { Order::Transmit };
        self.begin(xid, order, offset, data, response.as_ref());
    }

    #[inline]
    fn respond(&mut self, xid: Xid, response: Response) {
        self.begin(xid, Order::End, 0, Data::empty(), Some(&response));
    }

    fn terminate(&mut self, xid: Xid) {
        self.begin(xid, Order::Terminate, 0, Data::empty(), None);
    }

    fn cancel(&mut self, xid: Xid) {
        let place = xid.0.index();
        let Some(exchange) = self.exchanges.get_mut(xid).filter(|exchange| exchange.order == Order::Receive) else {
            return;
        };
        if exchange.flying == 0 {
            self.finish(place, false);
        } else if !exchange.cancelled {
            exchange.cancelled = true;
            // The time that it has left begins now.
            exchange.since = self.now;
        }
    }

    fn answer(&mut self, xid: Xid, payload: Box<[u8]>) {
        let Some(place) = self.services.iter().position(|service| service.xid == xid) else { return };
        let Service { session, exchange, ox_id, .. } = self.services.swap_remove(place);
        self.outbox.push(FromLane::Answer { session, exchange, ox_id, payload });
    }

    fn request(&mut self, session: SessionId, payload: Box<[u8]>) {
        self.outbox.push(FromLane::Request { session, payload });
    }

    fn logout(&mut self, session: SessionId) {
        self.outbox.push(FromLane::Logout(session));
    }

    #[inline]
    fn flush(&mut self) {
        self.urgent = true;
        self.rest();
    }

    fn places(&self) -> usize {
        self.places
    }

    /// Nobody wakes us for what comes back from the adapter, so its core stays awake for it.
    fn is_pending(&self) -> bool {
        !self.events.is_empty() || !self.inbox.is_empty() || self.at_adapter > 0 || self.outbox.is_pending()
    }
}

/// What was ordered last still goes out, as far as there is room; the home gets its rings back. Memory that the adapter may still touch is
/// lost for good: nobody can say when it is safe.
impl Drop for QlaQueue {
    fn drop(&mut self) {
        self.send_waiting();
        let path = std::mem::replace(&mut self.path, Path::None);
        let pair = match path {
            Path::Pair(mut pair) => {
                pair.request.flush();
                Some(pair)
            }
            Path::None | Path::Home => None,
        };
        for place in 0..self.exchanges.capacity() {
            if let Some(exchange) = self.exchanges.at_mut(place) {
                std::mem::forget(std::mem::take(&mut exchange.data));
            }
        }
        self.outbox.push(FromLane::Quiet { generation: 0, pair });
        self.outbox.flush();
    }
}
