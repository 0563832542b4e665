//! Once its connections are there, a core serves commands over Fibre Channel without allocating or freeing: good ones, bad
//! ones, units that are none, and aborts.

mod rig;

use dma::Data;
use fc::{Arrival, Fc4, Iu, Queue, Response, SessionId, SessionInfo, Xid};
use rig::host::{nqn, rw};
use rig::{HOST, LISTENER, NQN, Rig, fabric};
use ring::{Tag, Tick};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use wire::fabrics::{Connect, ConnectData, PropertySet};
use wire::fc::PortId;
use wire::fcnvme::{CmndIu, CreateAssociation, CreateConnection, LsCommand, LsReply};
use wire::fcp::Direction;
use wire::nvme::{Cqe, NvmOpcode, Property, SglDescriptor, Sqe};
use wire::{IntoBytes, U16};

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;

const SESSION: SessionId = SessionId(1);
const XID: Xid = Xid(Tag::new(3, 0));

/// A queue with one exchange at a time, whose host has all data at hand.
struct State {
    arrivals: VecDeque<Arrival>,
    payload: Vec<u8>,
    response: Option<Response>,
    terminated: u32,
    answer: Option<Box<[u8]>>,
}

#[derive(Clone)]
struct OneByOne(Arc<Mutex<State>>);

impl OneByOne {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn sent(&self, data: Data, response: Option<Response>) {
        self.with(|state| {
            state.terminated += u32::from(response.is_none());
            state.response = response;
            state.arrivals.push_back(Arrival::Sent { xid: XID, data, ok: true });
        });
    }
}

impl Queue for OneByOne {
    fn next(&mut self, _: Tick) -> Option<Arrival> {
        self.with(|state| state.arrivals.pop_front())
    }

    fn receive(&mut self, xid: Xid, _: u32, mut data: Data) {
        self.with(|state| {
            let len = data.len() as usize;
            data.bytes_mut().copy_from_slice(&state.payload[..len]);
            state.arrivals.push_back(Arrival::Received { xid, data, ok: true });
        });
    }

    fn transmit(&mut self, _: Xid, _: u32, data: Data, response: Option<Response>) {
        self.sent(data, response);
    }

    fn respond(&mut self, _: Xid, response: Response) {
        self.sent(Data::empty(), Some(response));
    }

    fn terminate(&mut self, _: Xid) {
        self.sent(Data::empty(), None);
    }

    fn cancel(&mut self, _: Xid) {}

    fn answer(&mut self, _: Xid, payload: Box<[u8]>) {
        self.with(|state| state.answer = Some(payload));
    }

    fn request(&mut self, _: SessionId, _: Box<[u8]>) {}
    fn logout(&mut self, _: SessionId) {}
    fn flush(&mut self) {}

    fn places(&self) -> usize {
        8
    }

    fn is_pending(&self) -> bool {
        self.with(|state| !state.arrivals.is_empty())
    }
}

struct Target {
    rig: Rig,
    queue: OneByOne,
}

impl Target {
    fn new() -> Self {
        let mut rig = Rig::new(1);
        let (arrivals, payload) = (VecDeque::with_capacity(16), vec![0; 65_536]);
        let state = State { arrivals, payload, response: None, terminated: 0, answer: None };
        let queue = OneByOne(Arc::new(Mutex::new(state)));
        rig.adopt(0, LISTENER, vec![Box::new(queue.clone())]);
        let (local, peer) = (fabric::local(), fabric::host(1));
        let (local_id, peer_id, parameters) = (PortId::new(0, 0, 1), PortId::new(0, 0, 2), 0);
        let info = SessionInfo { id: SESSION, fc4: Fc4::Nvme, local, local_id, peer, peer_id, parameters };
        queue.with(|state| state.arrivals.push_back(Arrival::SessionUp(info)));
        Self { rig, queue }
    }

    fn ls(&mut self, payload: &[u8], request: LsCommand) -> LsReply {
        let arrival = Arrival::Request { xid: XID, session: SESSION, payload: payload.into() };
        self.queue.with(|state| state.arrivals.push_back(arrival));
        self.rig.run();
        let answer = self.queue.with(|state| state.answer.take()).expect("an answer");
        LsReply::parse(&answer, request).expect("an accept")
    }

    /// Sends a unit, and an abort behind it if wanted; what came back. A turn more takes the end of it in.
    fn send(&mut self, iu: &[u8], abort: bool) -> Option<Response> {
        self.queue.with(|state| {
            state.arrivals.push_back(Arrival::Command { xid: XID, session: SESSION, iu: Iu::new(iu) });
            if abort {
                state.arrivals.push_back(Arrival::Abort { xid: XID });
            }
        });
        self.rig.step();
        self.rig.step();
        self.queue.with(|state| state.response.take())
    }

    fn connect(&mut self, connection: u64, qid: u16, entries: u16, cntlid: u16) -> u16 {
        let data = ConnectData::new([7; 16], cntlid, nqn(NQN), nqn(HOST));
        self.queue.with(|state| state.payload[..1024].copy_from_slice(data.as_bytes()));
        let unit = unit(connection, Connect::new(qid, entries, 0).into_sqe(), Direction::Write, 1024);
        let Some(Response::NvmeExtended { cqe, .. }) = self.send(&unit, false) else { panic!("no longer response") };
        let cqe: Cqe = wire::read(&cqe).unwrap();
        assert!(cqe.status().is_success(), "{cqe:?}");
        cqe.dw0.get() as u16
    }
}

fn unit(connection: u64, sqe: Sqe, direction: Direction, len: u32) -> [u8; 96] {
    let sqe = Sqe { cid: U16::new(1), dptr: SglDescriptor::transport(len), ..sqe };
    CmndIu::new(connection, 1, direction, len, sqe, false).to_bytes()
}

#[test]
fn io_does_not_allocate() {
    let mut target = Target::new();
    let request = CreateAssociation::new(nqn(HOST), [7; 16], nqn(NQN), 32, 8).to_bytes();
    let LsReply::Association { association_id, connection_id: admin } =
        target.ls(&request, LsCommand::CREATE_ASSOCIATION)
    else {
        panic!("no association")
    };
    let cntlid = target.connect(admin, 0, 32, 0xffff);
    let enable = PropertySet::sqe(Property::CC, 0x0046_0001);
    assert!(target.send(&unit(admin, enable, Direction::None, 0), false).is_some());
    let request = CreateConnection::new(association_id, 1, 64, 7).to_bytes();
    let LsReply::Connection { connection_id: io } = target.ls(&request, LsCommand::CREATE_CONNECTION) else {
        panic!("no connection")
    };
    target.connect(io, 1, 64, cntlid);
    let (read, write) = (rw(NvmOpcode::READ, 0, 8), rw(NvmOpcode::WRITE, 8, 8));
    let good = [
        unit(io, read, Direction::Read, 4096),
        unit(io, write, Direction::Write, 4096),
        unit(io, Sqe::new(NvmOpcode::FLUSH.0, 1), Direction::None, 0),
        unit(io, rw(NvmOpcode::COMPARE, 8, 8), Direction::Write, 4096),
        unit(io, rw(NvmOpcode::READ, 0, 128), Direction::Read, 65_536),
    ];
    let bad = [
        unit(io, rw(NvmOpcode::READ, 1 << 50, 8), Direction::Read, 4096),
        unit(io, read, Direction::Read, 512),
        unit(io, Sqe::new(0x7c, 1), Direction::None, 0),
    ];
    let stale = unit(io ^ 1 << 40, read, Direction::Read, 4096);
    let mut run = |rounds: u32| {
        let (mut answered, mut short) = (0, 0);
        for _ in 0..rounds {
            for unit in good.iter().chain(&bad) {
                let response = target.send(unit, false);
                answered += u32::from(response.is_some());
                short += u32::from(response == Some(Response::Nvme));
            }
            assert!(target.send(&stale, false).is_none());
            // Aborted while it is with the device.
            target.rig.disk.hold(true);
            assert!(target.send(&good[0], true).is_none());
            target.rig.disk.hold(false);
        }
        (answered, short)
    };
    // The complaints about bad units are limited in number; the first of them allocate.
    run(40);
    let (answered, short) = frugal::without_allocation(|| run(1000));
    assert_eq!(answered, 8000);
    assert!((3000..5000).contains(&short), "{short} of 5000 good ones with the shorter response");
    assert_eq!(target.queue.with(|state| state.terminated), 2 * 1040);
    target.rig.assert_idle();
}
