//! A queue of an FC port that brings what the test says and remembers what it is told.

use dma::Data;
use fc::{Arrival, Fc4, FcpResponse, Iu, Names, Queue, Response, SessionId, SessionInfo, Xid};
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use wire::fc::{PortId, Wwn};
use wire::fcp::{Cmnd, Direction};

/// What the queue was told.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    Receive(Xid, u32),
    Transmit(Xid, u32, FcpResponse),
    Respond(Xid, FcpResponse),
    Terminate(Xid),
    Cancel(Xid),
    Logout(SessionId),
}

#[derive(Default)]
pub struct State {
    pub arrivals: VecDeque<Arrival>,
    pub told: VecDeque<Told>,
    /// Memory that was given for an exchange.
    held: Vec<(Xid, Data)>,
    pub flushes: usize,
}

/// The test's end.
#[derive(Clone, Default)]
pub struct Script(pub Arc<Mutex<State>>);

pub struct Scripted {
    script: Script,
    places: usize,
}

impl Script {
    pub fn queue(&self, places: usize) -> Box<dyn Queue> {
        Box::new(Scripted { script: self.clone(), places })
    }

    pub fn bring(&self, arrival: Arrival) {
        self.0.lock().unwrap().arrivals.push_back(arrival);
    }

    /// The next thing that the queue was told.
    pub fn told(&self) -> Option<Told> {
        self.0.lock().unwrap().told.pop_front()
    }

    pub fn up(&self, session: u32) {
        self.bring(Arrival::SessionUp(info(session)));
    }

    pub fn down(&self, session: u32) {
        self.bring(Arrival::SessionDown { session: SessionId(session) });
    }

    pub fn command(&self, xid: Xid, session: u32, payload: &[u8]) {
        self.bring(Arrival::Command { xid, session: SessionId(session), iu: Iu::new(payload) });
    }

    pub fn abort(&self, xid: Xid) {
        self.bring(Arrival::Abort { xid });
    }

    /// Ends a receive.
    pub fn received(&self, xid: Xid, ok: bool) {
        let mut data = self.take(xid);
        if ok {
            data.bytes_mut().fill(0x5a);
        }
        self.bring(Arrival::Received { xid, data, ok });
    }

    /// Ends what ends an exchange.
    pub fn sent(&self, xid: Xid) {
        let data = self.take(xid);
        self.bring(Arrival::Sent { xid, data, ok: true });
    }

    fn take(&self, xid: Xid) -> Data {
        let held = &mut self.0.lock().unwrap().held;
        let place = held.iter().position(|(of, _)| *of == xid);
        place.map_or_else(Data::empty, |place| held.remove(place).1)
    }
}

impl Scripted {
    fn note(&self, told: Told) {
        self.script.0.lock().unwrap().told.push_back(told);
    }

    fn hold(&self, xid: Xid, data: Data) {
        self.script.0.lock().unwrap().held.push((xid, data));
    }
}

impl Queue for Scripted {
    fn next(&mut self, _now: Tick) -> Option<Arrival> {
        self.script.0.lock().unwrap().arrivals.pop_front()
    }
    fn receive(&mut self, xid: Xid, offset: u32, data: Data) {
        assert_eq!(offset, 0);
        self.note(Told::Receive(xid, data.len()));
        self.hold(xid, data);
    }
    fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) {
        let (0, Some(Response::Fcp(response))) = (offset, response) else { panic!("data with its response") };
        self.note(Told::Transmit(xid, data.len(), response));
        self.hold(xid, data);
    }
    fn respond(&mut self, xid: Xid, response: Response) {
        let Response::Fcp(response) = response else { panic!("a response of FCP") };
        self.note(Told::Respond(xid, response));
    }
    fn terminate(&mut self, xid: Xid) {
        self.note(Told::Terminate(xid));
    }
    fn cancel(&mut self, xid: Xid) {
        self.note(Told::Cancel(xid));
    }
    fn answer(&mut self, _xid: Xid, _payload: Box<[u8]>) {
        panic!("FCP has no link services");
    }
    fn request(&mut self, _session: SessionId, _payload: Box<[u8]>) {
        panic!("FCP has no link services");
    }
    fn logout(&mut self, session: SessionId) {
        self.note(Told::Logout(session));
    }
    fn flush(&mut self) {
        self.script.0.lock().unwrap().flushes += 1;
    }
    fn places(&self) -> usize {
        self.places
    }
    fn is_pending(&self) -> bool {
        !self.script.0.lock().unwrap().arrivals.is_empty()
    }
}

pub fn xid(index: u32, turn: u32) -> Xid {
    Xid(Tag::new(index, turn))
}

pub const TARGET: Names = Names { node: Wwn(0x2000_0000_0000_0001), port: Wwn(0x2100_0000_0000_0001) };

pub fn info(session: u32) -> SessionInfo {
    let peer = Names {
        node: Wwn(0x1000_0000_0000_0000 | u64::from(session)),
        port: Wwn(0x1100_0000_0000_0000 | u64::from(session)),
    };
    SessionInfo {
        id: SessionId(session),
        fc4: Fc4::Fcp,
        local: TARGET,
        local_id: PortId(0x01_0000),
        peer,
        peer_id: PortId(0x01_0100),
        parameters: 0x22,
    }
}

/// READ(10) and WRITE(10) of `blocks` blocks of 512 bytes from block 0 on.
pub fn read(blocks: u8) -> [u8; 32] {
    Cmnd::simple([0; 8], &[0x28, 0, 0, 0, 0, 0, 0, 0, blocks, 0], Direction::Read, u32::from(blocks) * 512)
}

pub fn write(blocks: u8) -> [u8; 32] {
    Cmnd::simple([0; 8], &[0x2a, 0, 0, 0, 0, 0, 0, 0, blocks, 0], Direction::Write, u32::from(blocks) * 512)
}

pub fn test_unit_ready() -> [u8; 32] {
    Cmnd::simple([0; 8], &[0; 6], Direction::None, 0)
}
