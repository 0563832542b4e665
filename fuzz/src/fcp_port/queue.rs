//! A queue of an FC port that keeps the contract, and the initiators behind it.

use dma::Data;
use fc::{Arrival, Fc4, Iu, Names, Queue, Response, SessionId, SessionInfo, Xid};
use ring::{Slots, Tick};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use wire::fc::{PortId, Wwn};
use wire::fcp::Cmnd;

/// Exchanges of a queue: more than commands that the port has room for.
const PLACES: usize = 14;

struct Exchange {
    session: SessionId,
    /// FCP_DL, if the command says that it moves data: in, and out.
    expected: (u32, u32),
    aborted: bool,
    /// What ends it was ordered.
    ending: bool,
    /// Memory that was given for it, and whether for a receive.
    given: Option<(Data, bool)>,
}

#[derive(Default)]
struct State {
    exchanges: Option<Slots<Exchange>>,
    sessions: Vec<SessionId>,
    next_session: u32,
    arrivals: VecDeque<Arrival>,
    /// What is ordered is not done now.
    hold: bool,
    /// Done when it is not held any more.
    done: VecDeque<Xid>,
    fails: bool,
}

/// The initiators behind a queue.
#[derive(Clone, Default)]
pub struct Peer {
    state: Arc<Mutex<State>>,
    /// The number of the lane.
    pub number: u32,
}

impl Peer {
    pub fn new(number: u32) -> Self {
        let state = State { exchanges: Some(Slots::new(PLACES)), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), number }
    }

    pub fn queue(&self) -> Box<dyn Queue> {
        Box::new(Lane(self.state.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
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
        let (local, peer) = (names(1), names(0x1000 + 2 * u64::from(id.0) + (u64::from(self.number) << 32)));
        let (local_id, peer_id) = (PortId(1), PortId(2));
        let info = SessionInfo { id, fc4: Fc4::Fcp, local, local_id, peer, peer_id, parameters: 0 };
        state.arrivals.push_back(Arrival::SessionUp(info));
    }

    pub fn lose(&self, which: u8) {
        let mut state = self.lock();
        if !state.sessions.is_empty() {
            let id = state.sessions[usize::from(which) % state.sessions.len()];
            state.lose(id);
        }
    }

    pub fn hold(&self, hold: bool) {
        let mut state = self.lock();
        state.hold = hold;
        while !state.hold
            && let Some(xid) = state.done.pop_front()
        {
            state.finish(xid);
        }
    }

    pub fn fail_next(&self) {
        self.lock().fails = true;
    }

    pub fn abort(&self, which: u8) {
        let mut state = self.lock();
        let open: Vec<Xid> = state.open(|exchange| !exchange.aborted);
        if let Some(xid) = open.get(usize::from(which) % open.len().max(1)) {
            state.abort(*xid);
        }
    }

    pub fn command(&self, which: u8, payload: &[u8]) {
        let mut state = self.lock();
        if state.sessions.is_empty() {
            return;
        }
        let session = state.sessions[usize::from(which) % state.sessions.len()];
        let iu = Iu::new(payload);
        let expected = Cmnd::parse(iu.bytes()).map_or((0, 0), |cmnd| match cmnd.head.lengths & 3 {
            1 => (0, cmnd.data_length),
            2 => (cmnd.data_length, 0),
            _ => (0, 0),
        });
        let exchange = Exchange { session, expected, aborted: false, ending: false, given: None };
        let exchanges = state.exchanges.as_mut().expect("a table");
        if let Ok(tag) = exchanges.insert(exchange) {
            state.arrivals.push_back(Arrival::Command { xid: Xid(tag), session, iu });
        }
    }

    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.sessions.is_empty() && state.exchanges.as_ref().is_none_or(Slots::is_empty) && state.arrivals.is_empty()
    }
}

impl State {
    fn open(&self, which: impl Fn(&Exchange) -> bool) -> Vec<Xid> {
        let all = self.exchanges.iter().flat_map(Slots::iter);
        all.filter(|(_, exchange)| which(exchange)).map(|(tag, _)| Xid(tag)).collect()
    }

    fn get(&mut self, xid: Xid) -> &mut Exchange {
        self.exchanges.as_mut().and_then(|all| all.get_mut(xid.0)).expect("an order for an open exchange")
    }

    fn abort(&mut self, xid: Xid) {
        self.get(xid).aborted = true;
        self.arrivals.push_back(Arrival::Abort { xid });
    }

    fn lose(&mut self, session: SessionId) {
        let before = self.sessions.len();
        self.sessions.retain(|known| *known != session);
        if self.sessions.len() < before {
            let open = self.open(|exchange| exchange.session == session && !exchange.aborted);
            open.into_iter().for_each(|xid| self.abort(xid));
            self.arrivals.push_back(Arrival::SessionDown { session });
        }
    }

    fn order(&mut self, xid: Xid, ends: bool, given: Option<(Data, bool)>) {
        let exchange = self.get(xid);
        assert!(!exchange.ending && exchange.given.is_none(), "one order at a time, and one end");
        (exchange.ending, exchange.given) = (ends, given);
        if self.hold { self.done.push_back(xid) } else { self.finish(xid) }
    }

    fn finish(&mut self, xid: Xid) {
        let fails = std::mem::take(&mut self.fails);
        let exchange = self.get(xid);
        let (ok, ending) = (!exchange.aborted && !fails, exchange.ending);
        match exchange.given.take() {
            Some((mut data, true)) => {
                data.bytes_mut().fill(0xfc);
                self.arrivals.push_back(Arrival::Received { xid, data, ok });
            }
            given => {
                assert!(ending, "an order that is done");
                let data = given.map_or_else(Data::empty, |(data, _)| data);
                self.exchanges.as_mut().and_then(|all| all.remove(xid.0)).expect("it is open");
                self.arrivals.push_back(Arrival::Sent { xid, data, ok });
            }
        }
    }
}

/// The queue.
struct Lane(Arc<Mutex<State>>);

impl Lane {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }
}

fn check(response: &Response, expected: (u32, u32)) {
    let Response::Fcp(response) = response else { panic!("a response of FCP") };
    assert!(usize::from(response.sense_len) <= response.sense.len());
    assert!(response.status == 2 || response.sense_len == 0, "sense data with CHECK CONDITION only");
    if let fc::Residual::Under(bytes) = response.residual {
        assert!(bytes <= expected.0.max(expected.1), "no more is missing than was expected");
    }
}

impl Queue for Lane {
    fn next(&mut self, _now: Tick) -> Option<Arrival> {
        self.lock().arrivals.pop_front()
    }
    fn receive(&mut self, xid: Xid, offset: u32, data: Data) {
        let mut state = self.lock();
        let expected = state.get(xid).expected.1;
        assert!(offset == 0 && !data.is_empty() && data.len() <= expected, "{} of {expected} bytes", data.len());
        state.order(xid, false, Some((data, true)));
    }
    fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) {
        let mut state = self.lock();
        let expected = state.get(xid).expected;
        assert!(offset == 0 && !data.is_empty() && data.len() <= expected.0, "{} of {expected:?} bytes", data.len());
        check(&response.expect("the response comes along"), expected);
        state.order(xid, true, Some((data, false)));
    }
    fn respond(&mut self, xid: Xid, response: Response) {
        let mut state = self.lock();
        check(&response, state.get(xid).expected);
        state.order(xid, true, None);
    }
    fn terminate(&mut self, xid: Xid) {
        self.lock().order(xid, true, None);
    }
    fn cancel(&mut self, xid: Xid) {
        let mut state = self.lock();
        if let Some(place) = state.done.iter().position(|held| *held == xid) {
            state.done.remove(place);
            state.finish(xid);
        }
    }
    fn answer(&mut self, _: Xid, _: Box<[u8]>) {
        panic!("FCP has no link services");
    }
    fn request(&mut self, _: SessionId, _: Box<[u8]>) {
        panic!("FCP has no link services");
    }
    fn logout(&mut self, session: SessionId) {
        self.lock().lose(session);
    }
    fn flush(&mut self) {}
    fn places(&self) -> usize {
        PLACES
    }
    fn is_pending(&self) -> bool {
        !self.lock().arrivals.is_empty()
    }
}
