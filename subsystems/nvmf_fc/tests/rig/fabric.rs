//! A Fibre Channel port that is a script: the test is its hosts. It checks each call of a queue against the rules.

use dma::Data;
use fc::{Arrival, Fc4, Iu, Names, Queue, Response, SessionId, SessionInfo, Xid, lane_of_connection};
use ring::{Tag, Tick};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use wire::fc::{PortId, Wwn};

pub fn local() -> Names {
    Names { node: Wwn(0x2000_0024_ff77_99ab), port: Wwn(0x2100_0024_ff77_99ab) }
}

pub fn host(number: u64) -> Names {
    Names { node: Wwn(0x2000_0000_0000_0000 | number), port: Wwn(0x2100_0000_0000_0000 | number) }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Response(Response),
    Terminated,
}

#[derive(Debug, Default)]
struct Exchange {
    /// What the host sends.
    payload: Vec<u8>,
    receiving: Option<Data>,
    /// What the host got.
    data: Vec<u8>,
    aborted: bool,
    end: Option<End>,
    session: u32,
}

/// What the host of an exchange saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub data: Vec<u8>,
    pub end: End,
}

#[derive(Default)]
struct State {
    arrivals: VecDeque<Arrival>,
    exchanges: BTreeMap<(u32, u32), Exchange>,
    free: Vec<u32>,
    next: u32,
    turn: u32,
    /// Data and responses do not go out until that is taken back.
    hold: bool,
    held: Vec<Arrival>,
    /// The host does not send its data.
    starve: bool,
    answers: Vec<(Xid, Vec<u8>)>,
    requests: Vec<(SessionId, Vec<u8>)>,
}

/// One core's queue; and the test's hand on it.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

/// A port with a queue for each core.
#[derive(Clone)]
pub struct Fabric {
    pub lanes: Vec<Script>,
    next_session: u32,
}

impl Fabric {
    pub fn new(lanes: usize) -> Self {
        Self { lanes: (0..lanes).map(|_| Script::default()).collect(), next_session: 0 }
    }

    pub fn queues(&self) -> Vec<Box<dyn Queue>> {
        self.lanes.iter().map(|lane| Box::new(lane.clone()) as Box<dyn Queue>).collect()
    }

    /// A host logs in.
    pub fn login(&mut self) -> SessionId {
        self.next_session += 1;
        let id = SessionId(self.next_session);
        let peer = host(self.next_session.into());
        let (local_id, peer_id, parameters) = (PortId::new(0, 0, 1), PortId::new(0, 0, 2), 0);
        let info = SessionInfo { id, fc4: Fc4::Nvme, local: local(), local_id, peer, peer_id, parameters };
        self.lanes.iter().for_each(|lane| lane.push(Arrival::SessionUp(info)));
        id
    }

    /// A host goes: all its exchanges are aborted.
    pub fn logout(&self, session: SessionId) {
        for lane in &self.lanes {
            let mut state = lane.state();
            let of_it = |exchange: &&mut Exchange| exchange.session == session.0 && exchange.end.is_none();
            let mut aborted = Vec::new();
            let open = |(key, exchange): (&(u32, u32), &mut Exchange)| {
                if of_it(&exchange) && !std::mem::replace(&mut exchange.aborted, true) {
                    aborted.push(Arrival::Abort { xid: Xid(Tag::new(key.0, key.1)) });
                }
            };
            state.exchanges.iter_mut().for_each(open);
            state.arrivals.extend(aborted);
            state.arrivals.push_back(Arrival::SessionDown { session });
        }
    }

    /// A command IU, to the queue that its connection says.
    pub fn command(&self, session: SessionId, connection: u64, iu: &[u8], payload: &[u8]) -> (usize, Xid) {
        let lane = lane_of_connection(connection, self.lanes.len());
        (lane, self.lanes[lane].command(session, iu, payload))
    }

    pub fn abort(&self, at: (usize, Xid)) {
        let mut state = self.lanes[at.0].state();
        let exchange = state.exchanges.get_mut(&key(at.1)).expect("an open exchange");
        exchange.aborted = true;
        state.arrivals.push_back(Arrival::Abort { xid: at.1 });
    }

    /// What became of an exchange, once it ended.
    pub fn seen(&self, at: (usize, Xid)) -> Option<Seen> {
        let mut state = self.lanes[at.0].state();
        let end = state.exchanges.get(&key(at.1))?.end.clone()?;
        let exchange = state.exchanges.remove(&key(at.1))?;
        state.free.push(at.1.0.index() as u32);
        Some(Seen { data: exchange.data, end })
    }

    /// A link service request.
    pub fn request(&self, session: SessionId, payload: &[u8]) -> Xid {
        let mut state = self.lanes[0].state();
        state.turn += 1;
        let xid = Xid(Tag::new(60_000, state.turn));
        state.arrivals.push_back(Arrival::Request { xid, session, payload: payload.into() });
        xid
    }

    /// The answer to a request, if it came.
    pub fn answer(&self, xid: Xid) -> Option<Vec<u8>> {
        let mut state = self.lanes[0].state();
        let place = state.answers.iter().position(|(asked, _)| *asked == xid)?;
        Some(state.answers.remove(place).1)
    }

    /// Requests that came from the target.
    pub fn requests(&self) -> Vec<(SessionId, Vec<u8>)> {
        std::mem::take(&mut self.lanes[0].state().requests)
    }

    /// The hosts do not send their data, or do again.
    pub fn starve(&self, starve: bool) {
        self.lanes.iter().for_each(|lane| lane.starve(starve));
    }

    /// What is sent does not leave, or does again.
    pub fn hold(&self, hold: bool) {
        for lane in &self.lanes {
            let mut state = lane.state();
            state.hold = hold;
            if !hold {
                let held = std::mem::take(&mut state.held);
                state.arrivals.extend(held);
            }
        }
    }

    /// Whether no exchange is open.
    pub fn is_quiet(&self) -> bool {
        self.lanes.iter().all(|lane| {
            let state = lane.state();
            state.held.is_empty() && state.exchanges.values().all(|exchange| exchange.end.is_some())
        })
    }
}

fn key(xid: Xid) -> (u32, u32) {
    (xid.0.index() as u32, xid.0.turn())
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn push(&self, arrival: Arrival) {
        self.state().arrivals.push_back(arrival);
    }

    fn command(&self, session: SessionId, iu: &[u8], payload: &[u8]) -> Xid {
        let mut state = self.state();
        state.turn += 1;
        let index = state.free.pop().unwrap_or_else(|| {
            state.next += 1;
            state.next - 1
        });
        let xid = Xid(Tag::new(index, state.turn));
        let exchange = Exchange { payload: payload.to_vec(), session: session.0, ..Exchange::default() };
        state.exchanges.insert(key(xid), exchange);
        state.arrivals.push_back(Arrival::Command { xid, session, iu: Iu::new(iu) });
        xid
    }

    fn starve(&self, starve: bool) {
        let mut state = self.state();
        state.starve = starve;
        let State { exchanges, arrivals, .. } = &mut *state;
        if !starve {
            for (key, exchange) in exchanges.iter_mut() {
                if let Some(data) = exchange.receiving.take() {
                    arrivals.push_back(exchange.received(*key, data));
                }
            }
        }
    }

    /// Ends an exchange, with what the host gets of it.
    fn end(&mut self, xid: Xid, data: Data, end: End) {
        let mut state = self.state();
        let exchange = state.exchanges.get_mut(&key(xid)).expect("an open exchange is ended");
        assert!(exchange.receiving.is_none(), "nothing else is open in the exchange");
        assert!(exchange.end.is_none(), "an exchange is ended once");
        if exchange.aborted {
            exchange.end = Some(End::Terminated);
        } else {
            exchange.data.resize(data.len() as usize, 0);
            data.copy_to(0, &mut exchange.data);
            exchange.end = Some(end);
        }
        let ok = !exchange.aborted;
        let sent = Arrival::Sent { xid, data, ok };
        if state.hold { state.held.push(sent) } else { state.arrivals.push_back(sent) }
    }
}

impl Exchange {
    fn received(&mut self, key: (u32, u32), mut data: Data) -> Arrival {
        let len = data.len() as usize;
        let ok = self.payload.len() >= len;
        if ok {
            data.bytes_mut().copy_from_slice(&self.payload[..len]);
        }
        Arrival::Received { xid: Xid(Tag::new(key.0, key.1)), data, ok }
    }
}

impl Queue for Script {
    fn next(&mut self, _: Tick) -> Option<Arrival> {
        self.state().arrivals.pop_front()
    }

    fn receive(&mut self, xid: Xid, offset: u32, data: Data) {
        assert_eq!(offset, 0);
        let mut state = self.state();
        let starve = state.starve;
        let exchange = state.exchanges.get_mut(&key(xid)).expect("data is asked for on an open exchange");
        assert!(exchange.receiving.is_none() && exchange.end.is_none(), "one thing at a time");
        if starve {
            exchange.receiving = Some(data);
        } else {
            let received = exchange.received(key(xid), data);
            state.arrivals.push_back(received);
        }
    }

    fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) {
        assert_eq!(offset, 0);
        self.end(xid, data, End::Response(response.expect("data and response go together")));
    }

    fn respond(&mut self, xid: Xid, response: Response) {
        self.end(xid, Data::empty(), End::Response(response));
    }

    fn terminate(&mut self, xid: Xid) {
        self.end(xid, Data::empty(), End::Terminated);
    }

    fn cancel(&mut self, xid: Xid) {
        let mut state = self.state();
        let exchange = state.exchanges.get_mut(&key(xid)).expect("an open exchange is hurried");
        if let Some(data) = exchange.receiving.take() {
            state.arrivals.push_back(Arrival::Received { xid, data, ok: false });
        }
    }

    fn answer(&mut self, xid: Xid, payload: Box<[u8]>) {
        let mut state = self.state();
        assert!(state.answers.iter().all(|(asked, _)| *asked != xid), "a request is answered once");
        state.answers.push((xid, payload.into()));
    }

    fn request(&mut self, session: SessionId, payload: Box<[u8]>) {
        self.state().requests.push((session, payload.into()));
    }

    fn logout(&mut self, _: SessionId) {
        panic!("FC-NVMe logs nobody out");
    }

    fn flush(&mut self) {}

    fn places(&self) -> usize {
        64
    }

    fn is_pending(&self) -> bool {
        !self.state().arrivals.is_empty()
    }
}
