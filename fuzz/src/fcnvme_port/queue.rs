//! A Fibre Channel port's queues that keep the contract, and the hosts behind them.

use dma::Data;
use fc::{Arrival, Fc4, Iu, Names, Queue, Response, SessionId, SessionInfo, Xid, lane_of_connection};
use ring::{Slots, Tag, Tick};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use wire::fc::{PortId, Wwn};
use wire::fcnvme::{CmndIu, LsCommand, LsReply};

/// Exchanges of a queue.
const PLACES: usize = 40;

struct Exchange {
    session: SessionId,
    /// Bytes of data that the host expects to move.
    expected: u32,
    /// What the host sends.
    payload: Vec<u8>,
    aborted: bool,
    ending: bool,
    /// Memory that was given for it, and whether for a receive.
    given: Option<(Data, bool)>,
}

struct Lane {
    exchanges: Slots<Exchange>,
    arrivals: VecDeque<Arrival>,
    /// What was ordered and is held.
    held: VecDeque<Xid>,
}

struct State {
    lanes: Vec<Lane>,
    sessions: Vec<SessionId>,
    next_session: u32,
    next_request: u32,
    /// Requests that were not answered, with their sessions and commands.
    asked: Vec<(Xid, SessionId, u8)>,
    hold: bool,
    fails: bool,
    /// Associations and connections that were accepted, newest last.
    associations: Vec<u64>,
    connections: Vec<u64>,
}

/// The hosts.
#[derive(Clone)]
pub struct Hosts(Arc<Mutex<State>>);

struct LaneQueue {
    state: Arc<Mutex<State>>,
    lane: usize,
}

impl Hosts {
    pub fn new(lanes: usize) -> Self {
        let lane = || Lane { exchanges: Slots::new(PLACES), arrivals: VecDeque::new(), held: VecDeque::new() };
        Self(Arc::new(Mutex::new(State {
            lanes: (0..lanes).map(|_| lane()).collect(),
            sessions: Vec::new(),
            next_session: 0,
            next_request: 0,
            asked: Vec::new(),
            hold: false,
            fails: false,
            associations: Vec::new(),
            connections: Vec::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    pub fn queue(&self, lane: usize) -> Box<dyn Queue> {
        Box::new(LaneQueue { state: self.0.clone(), lane })
    }

    pub fn sessions(&self) -> usize {
        self.lock().sessions.len()
    }

    pub fn log_in(&self) {
        let mut state = self.lock();
        state.next_session += 1;
        let id = SessionId(state.next_session);
        state.sessions.push(id);
        let names = |n: u64| Names { node: Wwn(n), port: Wwn(n + 1) };
        let (local, peer) = (names(1), names(0x1000 + 2 * u64::from(id.0)));
        let (local_id, peer_id) = (PortId(1), PortId(2));
        let info = SessionInfo { id, fc4: Fc4::Nvme, local, local_id, peer, peer_id, parameters: 0 };
        state.lanes.iter_mut().for_each(|lane| lane.arrivals.push_back(Arrival::SessionUp(info)));
    }

    pub fn lose(&self, which: u8) {
        let mut state = self.lock();
        if state.sessions.is_empty() {
            return;
        }
        let place = usize::from(which) % state.sessions.len();
        let session = state.sessions.remove(place);
        state.asked.retain(|(_, of, _)| *of != session);
        for lane in &mut state.lanes {
            let of_it = lane.exchanges.iter_mut().filter(|(_, exchange)| exchange.session == session);
            let abort = |(tag, exchange): (Tag, &mut Exchange)| {
                (!std::mem::replace(&mut exchange.aborted, true)).then_some(Arrival::Abort { xid: Xid(tag) })
            };
            lane.arrivals.extend(of_it.filter_map(abort));
            lane.arrivals.push_back(Arrival::SessionDown { session });
        }
    }

    pub fn hold(&self, hold: bool) {
        let mut state = self.lock();
        state.hold = hold;
        for lane in 0..state.lanes.len() {
            while !hold && let Some(xid) = state.lanes[lane].held.pop_front() {
                state.finish(lane, xid);
            }
        }
    }

    pub fn fail_next(&self) {
        self.lock().fails = true;
    }

    pub fn abort(&self, which: u8) {
        let mut state = self.lock();
        let lane = usize::from(which & 1) % state.lanes.len();
        let Lane { exchanges, arrivals, .. } = &mut state.lanes[lane];
        let open: Vec<Tag> = exchanges.iter().filter(|(_, exchange)| !exchange.aborted).map(|(tag, _)| tag).collect();
        if let Some(tag) = open.get(usize::from(which >> 1) % open.len().max(1)) {
            exchanges.get_mut(*tag).expect("open").aborted = true;
            arrivals.push_back(Arrival::Abort { xid: Xid(*tag) });
        }
    }

    /// An identifier that was given out, or one that was not.
    pub fn known(&self, which: u8, connection: bool) -> u64 {
        let state = self.lock();
        let of = if connection { &state.connections } else { &state.associations };
        let place = of.len().wrapping_sub(1 + usize::from(which & 15));
        of.get(place).copied().unwrap_or(u64::from(which))
    }

    pub fn request(&self, which: u8, payload: &[u8]) {
        let mut state = self.lock();
        if state.sessions.is_empty() || state.asked.len() > 16 {
            return;
        }
        let session = state.sessions[usize::from(which) % state.sessions.len()];
        state.next_request += 1;
        let xid = Xid(Tag::new(50_000, state.next_request));
        state.asked.push((xid, session, payload.first().copied().unwrap_or_default()));
        state.lanes[0].arrivals.push_back(Arrival::Request { xid, session, payload: payload.into() });
    }

    pub fn command(&self, which: u8, iu: &[u8], payload: Vec<u8>) {
        let mut state = self.lock();
        if state.sessions.is_empty() {
            return;
        }
        let session = state.sessions[usize::from(which) % state.sessions.len()];
        let cmnd = wire::parse::<CmndIu>(iu);
        let expected = cmnd.map_or(0, |cmnd| cmnd.data_length.get());
        let lane = lane_of_connection(cmnd.map_or(0, |cmnd| cmnd.connection_id.get()), state.lanes.len());
        let Lane { exchanges, arrivals, .. } = &mut state.lanes[lane];
        let exchange = Exchange { session, expected, payload, aborted: false, ending: false, given: None };
        if let Ok(tag) = exchanges.insert(exchange) {
            arrivals.push_back(Arrival::Command { xid: Xid(tag), session, iu: Iu::new(iu) });
        }
    }

    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        let idle = |lane: &Lane| lane.exchanges.is_empty() && lane.arrivals.is_empty() && lane.held.is_empty();
        state.sessions.is_empty() && state.asked.is_empty() && state.lanes.iter().all(idle)
    }

    /// Requests that wait for their answers.
    pub fn asked(&self) -> usize {
        self.lock().asked.len()
    }
}

impl State {
    fn get(&mut self, lane: usize, xid: Xid) -> &mut Exchange {
        self.lanes[lane].exchanges.get_mut(xid.0).expect("an order for an open exchange")
    }

    fn order(&mut self, lane: usize, xid: Xid, ends: bool, given: Option<(Data, bool)>) {
        let exchange = self.get(lane, xid);
        assert!(!exchange.ending && exchange.given.is_none(), "one order at a time, and one end");
        let room = exchange.expected;
        assert!(given.as_ref().is_none_or(|(data, _)| data.len() <= room), "no more than the host expects");
        (exchange.ending, exchange.given) = (ends, given);
        if self.hold { self.lanes[lane].held.push_back(xid) } else { self.finish(lane, xid) }
    }

    fn finish(&mut self, lane: usize, xid: Xid) {
        let fails = std::mem::take(&mut self.fails);
        let exchange = self.get(lane, xid);
        let (ok, ending) = (!exchange.aborted && !fails, exchange.ending);
        match exchange.given.take() {
            Some((mut data, true)) => {
                data.bytes_mut().fill(0xfc);
                let len = exchange.payload.len().min(data.len() as usize);
                data.bytes_mut()[..len].copy_from_slice(&exchange.payload[..len]);
                self.lanes[lane].arrivals.push_back(Arrival::Received { xid, data, ok });
            }
            given => {
                assert!(ending, "an order that is done");
                let data = given.map_or_else(Data::empty, |(data, _)| data);
                self.lanes[lane].exchanges.remove(xid.0).expect("it is open");
                self.lanes[lane].arrivals.push_back(Arrival::Sent { xid, data, ok });
            }
        }
    }
}

impl LaneQueue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}

fn check(response: &Response, moved: u32, expected: u32) {
    match response {
        Response::Nvme => assert_eq!(moved, expected, "the shorter response says that all was moved"),
        Response::NvmeExtended { transferred, .. } => assert!(*transferred <= expected && moved <= *transferred),
        Response::Fcp(_) => panic!("a response of NVMe"),
    }
}

impl Queue for LaneQueue {
    fn next(&mut self, _now: Tick) -> Option<Arrival> {
        let lane = self.lane;
        self.lock().lanes[lane].arrivals.pop_front()
    }
    fn receive(&mut self, xid: Xid, offset: u32, data: Data) {
        assert!(offset == 0 && !data.is_empty());
        self.lock().order(self.lane, xid, false, Some((data, true)));
    }
    fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) {
        let mut state = self.lock();
        let expected = state.get(self.lane, xid).expected;
        assert!(offset == 0 && !data.is_empty());
        check(&response.expect("the response comes along"), data.len(), expected);
        state.order(self.lane, xid, true, Some((data, false)));
    }
    fn respond(&mut self, xid: Xid, response: Response) {
        if let Response::NvmeExtended { transferred, .. } = response {
            let expected = self.lock().get(self.lane, xid).expected;
            assert!(transferred <= expected);
        }
        self.lock().order(self.lane, xid, true, None);
    }
    fn terminate(&mut self, xid: Xid) {
        self.lock().order(self.lane, xid, true, None);
    }
    fn cancel(&mut self, xid: Xid) {
        let mut state = self.lock();
        if let Some(place) = state.lanes[self.lane].held.iter().position(|held| *held == xid) {
            state.lanes[self.lane].held.remove(place);
            state.finish(self.lane, xid);
        }
    }
    fn answer(&mut self, xid: Xid, payload: Box<[u8]>) {
        let mut state = self.lock();
        // One whose session went is not open any more.
        let Some(place) = state.asked.iter().position(|(asked, ..)| *asked == xid) else { return };
        let (_, _, command) = state.asked.remove(place);
        match LsReply::parse(&payload, LsCommand(command)) {
            Ok(LsReply::Association { association_id, connection_id }) => {
                state.associations.push(association_id);
                state.connections.push(connection_id);
            }
            Ok(LsReply::Connection { connection_id }) => state.connections.push(connection_id),
            Ok(LsReply::Disconnected) => {}
            Err(_) => assert_eq!(payload[0], LsCommand::REJECT.0, "a host can read each answer: {payload:?}"),
        }
    }
    fn request(&mut self, session: SessionId, payload: Box<[u8]>) {
        let state = self.lock();
        assert!(payload[0] == 5 && session.0 <= state.next_session);
    }
    fn logout(&mut self, _: SessionId) {
        panic!("FC-NVMe logs nobody out");
    }
    fn flush(&mut self) {}
    fn places(&self) -> usize {
        PLACES
    }
    fn is_pending(&self) -> bool {
        !self.lock().lanes[self.lane].arrivals.is_empty()
    }
}
