//! What serves the queues in these tests: a RAM disk for FCP, and for NVMe one that answers reads and link services.

use dma::{Data, Pool};
use fc::{Arrival, FcpResponse, Iu, Queue, Residual, Response, SENSE_BYTES, SessionId, SessionInfo, Xid};
use std::collections::HashMap;
use wire::fcp::Cmnd;

/// The pattern that byte `at` of the disk has.
pub fn byte(at: u32) -> u8 {
    (at ^ at >> 8 ^ 0x5a) as u8
}

pub fn good() -> Response {
    Response::Fcp(FcpResponse {
        status: 0,
        qualifier: 0,
        residual: Residual::None,
        code: None,
        sense: [0; SENSE_BYTES],
        sense_len: 0,
    })
}

/// A server of one queue.
pub struct Disk {
    pub queue: Box<dyn Queue>,
    pool: Pool,
    pub sessions: Vec<SessionInfo>,
    /// Sessions that ended.
    pub downs: Vec<SessionId>,
    /// Exchanges that are open, and whether an order of them is under way.
    pub open: HashMap<Xid, bool>,
    aborted: Vec<Xid>,
    pub commands: u64,
    pub aborts: u64,
    /// Commands stay unanswered.
    pub lazy: bool,
    pub written: Vec<u8>,
    pub requests: u64,
    /// Orders that ended badly.
    pub bad: u64,
}

impl Disk {
    pub fn new(queue: Box<dyn Queue>, arena: &std::sync::Arc<dma::Arena>) -> Self {
        let pool = Pool::new(arena, &[dma::Class { size: 16 << 10, count: 32 }]).unwrap();
        Self {
            queue,
            pool,
            sessions: Vec::new(),
            downs: Vec::new(),
            open: HashMap::new(),
            aborted: Vec::new(),
            commands: 0,
            aborts: 0,
            lazy: false,
            written: Vec::new(),
            requests: 0,
            bad: 0,
        }
    }

    pub fn poll(&mut self, now: u64) {
        while let Some(arrival) = self.queue.next(now) {
            self.arrived(arrival);
        }
        self.queue.flush();
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::SessionUp(info) => self.sessions.push(info),
            Arrival::SessionDown { session } => {
                self.sessions.retain(|info| info.id != session);
                self.downs.push(session);
            }
            Arrival::Command { xid, iu, session } => {
                assert!(self.sessions.iter().any(|info| info.id == session), "a command of a session that is there");
                self.commands += 1;
                self.open.insert(xid, false);
                if !self.lazy {
                    self.command(xid, &iu);
                }
            }
            Arrival::Received { xid, data, ok } => {
                self.open.insert(xid, false);
                if ok {
                    self.written = data.bytes().to_vec();
                }
                self.bad += u64::from(!ok);
                self.pool.give(data);
                if self.aborted.contains(&xid) { self.end(xid) } else { self.respond(xid) }
            }
            Arrival::Sent { xid, data, ok } => {
                self.bad += u64::from(!ok);
                self.pool.give(data);
                self.open.remove(&xid).expect("an exchange that is open");
                self.aborted.retain(|other| *other != xid);
            }
            Arrival::Abort { xid } => {
                self.aborts += 1;
                if self.open.get(&xid) == Some(&false) {
                    self.end(xid);
                } else {
                    self.aborted.push(xid);
                }
            }
            Arrival::Request { xid, payload, .. } => {
                self.requests += 1;
                let mut answer = payload.to_vec();
                answer[0] = 2;
                answer.truncate(56);
                self.queue.answer(xid, answer.into());
            }
        }
    }

    fn end(&mut self, xid: Xid) {
        self.open.insert(xid, true);
        self.queue.terminate(xid);
    }

    fn respond(&mut self, xid: Xid) {
        self.open.insert(xid, true);
        self.queue.respond(xid, good());
    }

    fn command(&mut self, xid: Xid, iu: &Iu) {
        self.open.insert(xid, true);
        if iu.bytes().starts_with(&[0xfd, 0x28]) {
            let length = u32::from_be_bytes(iu.bytes()[20..24].try_into().unwrap());
            return match length {
                0 => self.queue.respond(xid, Response::Nvme),
                _ => self.read(xid, length, Response::Nvme),
            };
        }
        let cmnd = Cmnd::parse(iu.bytes()).unwrap();
        match cmnd.head.cdb[0] {
            0x28 => self.read(xid, cmnd.data_length, good()),
            0x2a => {
                let data = self.pool.take(cmnd.data_length).expect("memory");
                self.queue.receive(xid, 0, data);
            }
            _ => self.queue.respond(xid, good()),
        }
    }

    fn read(&mut self, xid: Xid, length: u32, response: Response) {
        let mut data: Data = self.pool.take(length).expect("memory");
        data.bytes_mut().iter_mut().zip(0..).for_each(|(to, at)| *to = byte(at));
        self.queue.transmit(xid, 0, data, Some(response));
    }

    pub fn is_whole(&self) -> bool {
        self.pool.is_whole() && self.open.is_empty()
    }
}
