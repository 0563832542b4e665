//! What serves the queues: one RAM disk behind all of them, and units that answer in other ways.

use dma::{Arena, Class, Pool};
use fc::{Arrival, FcpResponse, Iu, Queue, Residual, Response, SENSE_BYTES, Xid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use wire::fcnvme::CmndIu;
use wire::fcp::{Cmnd, TaskManagement};
use wire::nvm::Rw;
use wire::nvme::{NvmOpcode, Sqe};

pub const BLOCK: u32 = 512;
pub const BLOCKS: u32 = 4096;
/// Bytes that are moved at once: larger commands go in pieces.
const PIECE: u32 = 16 << 10;

/// Units (LUN, namespace) and what they do.
pub mod unit {
    /// Reads and writes.
    pub const DISK: u8 = 1;
    /// Reads half, with an underrun and status GOOD.
    pub const SHORT: u8 = 2;
    /// Reads, then CHECK CONDITION with 18 bytes of sense; NVMe: a status in an ERSP.
    pub const CONDITION: u8 = 3;
    /// Reads, then CHECK CONDITION with 40 bytes of sense.
    pub const LONG_SENSE: u8 = 4;
    /// Nothing but BUSY with a retry delay; NVMe: an ERSP with a result.
    pub const BUSY: u8 = 5;
    /// Is not answered until [`Disk::release`](super::Disk::release).
    pub const SLOW: u8 = 6;
    /// Ends the exchange without a word.
    pub const DEAD: u8 = 7;
}

/// Byte `n` of sense.
pub fn sense(n: usize) -> u8 {
    0x70 + n as u8
}

pub const QUALIFIER: u16 = 0x4005;

pub const NOTHING: FcpResponse = FcpResponse {
    status: 0,
    qualifier: 0,
    residual: Residual::None,
    code: None,
    sense: [0; SENSE_BYTES],
    sense_len: 0,
};

fn condition(len: usize) -> Response {
    let mut bytes = [0; SENSE_BYTES];
    bytes[..len].iter_mut().enumerate().for_each(|(n, byte)| *byte = sense(n));
    Response::Fcp(FcpResponse { status: 2, sense: bytes, sense_len: len as u8, ..NOTHING })
}

pub type Store = Rc<RefCell<Vec<u8>>>;

pub fn store() -> Store {
    Rc::new(RefCell::new(vec![0; (BLOCKS * BLOCK) as usize]))
}

/// A command.
struct Open {
    write: bool,
    /// Where in the store.
    at: u32,
    length: u32,
    done: u32,
    response: Response,
    /// An order is under way.
    busy: bool,
    aborted: bool,
    held: bool,
    /// The order under way ends the exchange.
    ending: bool,
}

/// A server of one queue.
pub struct Disk {
    pub queue: Box<dyn Queue>,
    store: Store,
    pool: Pool,
    open: HashMap<Xid, Open>,
    pub commands: u64,
    pub aborts: u64,
    pub bad: u64,
    pub requests: u64,
    rsn: u32,
}

impl Disk {
    pub fn new(queue: Box<dyn Queue>, store: Store, arena: &Arc<Arena>) -> Self {
        let pool = Pool::new(arena, &[Class { size: PIECE, count: 300 }]).unwrap();
        let (open, commands, aborts, bad, requests, rsn) = (HashMap::new(), 0, 0, 0, 0, 0);
        Self { queue, store, pool, open, commands, aborts, bad, requests, rsn }
    }

    pub fn poll(&mut self, now: u64) {
        while let Some(arrival) = self.queue.next(now) {
            self.arrived(arrival);
        }
        self.queue.flush();
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::SessionUp(_) | Arrival::SessionDown { .. } => {}
            Arrival::Command { xid, iu, .. } => self.command(xid, &iu),
            Arrival::Received { xid, data, ok } => {
                let open = self.open.get_mut(&xid).expect("an open exchange");
                open.busy = false;
                if ok {
                    let at = (open.at + open.done) as usize;
                    self.store.borrow_mut()[at..at + data.len() as usize].copy_from_slice(data.bytes());
                    open.done += data.len();
                } else {
                    self.bad += 1;
                    open.response = condition(18);
                    open.done = open.length;
                }
                self.pool.give(data);
                self.go_on(xid);
            }
            Arrival::Sent { xid, data, ok } => {
                self.bad += u64::from(!ok);
                let open = self.open.get_mut(&xid).expect("an open exchange");
                open.busy = false;
                open.done += data.len();
                self.pool.give(data);
                // The end of a piece, or of the exchange.
                if open.ending {
                    self.open.remove(&xid);
                } else {
                    self.go_on(xid);
                }
            }
            Arrival::Abort { xid } => {
                self.aborts += 1;
                let open = self.open.get_mut(&xid).expect("an open exchange");
                open.aborted = true;
                self.go_on(xid);
            }
            Arrival::Request { xid, payload, .. } => {
                self.requests += 1;
                let mut answer = payload.to_vec();
                answer[0] = 2;
                self.queue.answer(xid, answer.into());
            }
        }
    }

    fn command(&mut self, xid: Xid, iu: &Iu) {
        self.commands += 1;
        let open = match CmndIu::parse(iu.bytes()) {
            Ok(cmnd) => self.nvme(cmnd),
            Err(_) => fcp(iu.bytes()),
        };
        self.open.insert(xid, open);
        self.go_on(xid);
    }

    fn nvme(&mut self, cmnd: &CmndIu) -> Open {
        let sqe: &Sqe = &cmnd.sqe;
        let (rw, length) = (Rw::of(sqe), cmnd.data_length.get());
        self.rsn += 1;
        let unit = sqe.nsid.get() as u8;
        let extended = |result, status: u16| {
            let mut cqe = [0; 16];
            cqe[..4].copy_from_slice(&0x0102_0304_u32.to_le_bytes());
            cqe[12..14].copy_from_slice(&sqe.cid.get().to_le_bytes());
            cqe[14..].copy_from_slice(&(status << 1).to_le_bytes());
            let transferred = if result == 0 && status == 0 { length } else { 0 };
            Response::NvmeExtended { result, rsn: self.rsn, transferred, cqe }
        };
        let response = match unit {
            unit::CONDITION => extended(0, 0x281),
            unit::BUSY => extended(1, 0),
            _ if sqe.cid.get().is_multiple_of(3) => extended(0, 0),
            _ => Response::Nvme,
        };
        let length = if matches!(unit, unit::CONDITION | unit::BUSY) { 0 } else { length };
        let write = sqe.opcode == NvmOpcode::WRITE.0;
        open(write, rw.slba as u32 * BLOCK, length, response, unit)
    }

    /// Does what a command needs next.
    fn go_on(&mut self, xid: Xid) {
        let Some(open) = self.open.get_mut(&xid).filter(|open| !open.busy) else { return };
        if open.held && !open.aborted {
            return;
        }
        open.busy = true;
        open.ending = open.aborted || open.length - open.done <= if open.write { 0 } else { PIECE };
        if open.aborted {
            return self.queue.terminate(xid);
        }
        let left = open.length - open.done;
        let piece = left.min(PIECE);
        let (at, offset) = ((open.at + open.done) as usize, open.done);
        if left == 0 {
            return match open.response {
                Response::Fcp(response) if response.status == DEAD => self.queue.terminate(xid),
                response => self.queue.respond(xid, response),
            };
        }
        let mut data = self.pool.take(piece).expect("memory for all that are open");
        if open.write {
            return self.queue.receive(xid, offset, data);
        }
        data.bytes_mut().copy_from_slice(&self.store.borrow()[at..at + piece as usize]);
        let response = (piece == left).then_some(open.response);
        self.queue.transmit(xid, offset, data, response);
    }

    /// Answers what was held back.
    pub fn release(&mut self) {
        let held: Vec<Xid> = self.open.iter().filter(|(_, open)| open.held).map(|(xid, _)| *xid).collect();
        for xid in held {
            self.open.get_mut(&xid).expect("it is open").held = false;
            self.go_on(xid);
        }
        self.queue.flush();
    }

    pub fn open(&self) -> usize {
        self.open.len()
    }

    pub fn is_whole(&self) -> bool {
        self.pool.is_whole() && self.open.is_empty()
    }
}

/// Status that stands for an exchange that ends without one.
const DEAD: u8 = 0xff;

fn open(write: bool, at: u32, length: u32, response: Response, unit: u8) -> Open {
    Open { write, at, length, done: 0, response, busy: false, aborted: false, held: unit == unit::SLOW, ending: false }
}

fn fcp(iu: &[u8]) -> Open {
    let cmnd = Cmnd::parse(iu).expect("a FCP_CMND");
    if cmnd.head.task_management() != TaskManagement::NONE {
        let code = if cmnd.head.task_management().lun_reset() { 0 } else { 4 };
        return open(false, 0, 0, Response::Fcp(FcpResponse { code: Some(code), ..NOTHING }), unit::DISK);
    }
    let (cdb, length, unit) = (&cmnd.head.cdb, cmnd.data_length, cmnd.head.lun[1]);
    let at = u32::from_be_bytes(cdb[2..6].try_into().expect("four bytes")) * BLOCK;
    let good = Response::Fcp(NOTHING);
    let (length, response) = match unit {
        unit::SHORT => {
            (length / 2, Response::Fcp(FcpResponse { residual: Residual::Under(length - length / 2), ..NOTHING }))
        }
        unit::CONDITION => (length, condition(18)),
        unit::LONG_SENSE => (length, condition(40)),
        unit::BUSY => (0, Response::Fcp(FcpResponse { status: 8, qualifier: QUALIFIER, ..NOTHING })),
        unit::DEAD => (0, Response::Fcp(FcpResponse { status: DEAD, ..NOTHING })),
        _ => (length, good),
    };
    open(cdb[0] == 0x2a, at, length, response, unit)
}
