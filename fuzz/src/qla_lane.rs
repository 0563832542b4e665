//! `qla_lane`: a lane of an adapter's port, and the intake before it, with an adapter that does what the input says: completions of any content, lost,
//! doubled, out of time; pointers that go anywhere; ATIO groups of any content. An owner keeps the contract of `fc::Queue`.
//!
//! Asserts: each order ends at most once, with its own memory; a session's exchanges are aborted before it is gone; after a reset
//! all orders have ended, and no memory is missing.
//!
//! Input: the first byte chooses the protocol and the length of the rings; then a script, of each step one byte that says what happens, and what that
//! takes.

use crate::input::Input;
use dma::{Arena, Backing, Class, Options, Pool, Region};
use fc::{Arrival, Fc4, FcpResponse, Names, Queue, Residual, Response, SENSE_BYTES, SessionId, SessionInfo, Wake, Xid};
use pci::Registers;
use qla::intake::Intake;
use qla::lane::{FromLane, LaneConfig, LaneEnd, QlaQueue, Session, ToLane, lane};
use qla::ring::{AtioRing, Entry, Group, QueuePair, RequestRing, ResponseRing};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use wire::fc::{PortId, Wwn};
use wire::isp::regs::{QUEUE_ATIO_OUT, QUEUE_REQUEST_IN, queue_register};

const PLACES: usize = 6;
const MS: u64 = 1_000_000;
const NUMBER: u8 = 3;
const ATIOS: u16 = 16;
const PEER: PortId = PortId(0x01_0203);
const LOCAL: PortId = PortId(0x01_0400);

fn arena() -> &'static Arc<Arena> {
    static ARENA: OnceLock<Arc<Arena>> = OnceLock::new();
    ARENA.get_or_init(|| {
        Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).expect("memory")
    })
}

/// BAR4 of two queues.
struct Bar([AtomicU32; 2 * 0x400]);

impl Registers for Bar {
    fn read16(&self, _: u32) -> u16 {
        0
    }
    fn write16(&self, _: u32, _: u16) {}
    fn read32(&self, offset: u32) -> u32 {
        self.0[offset as usize / 4].load(Relaxed)
    }
    fn write32(&self, offset: u32, value: u32) {
        self.0[offset as usize / 4].store(value, Relaxed);
    }
}

/// The adapter's side of the rings.
struct Chip {
    bar: Arc<Bar>,
    entries: u16,
    requests: Region,
    responses: Region,
    atios: Region,
    out: u16,
    filled: u16,
    atio_in: u16,
    history: Vec<Entry>,
}

impl Chip {
    fn pointer(&self, queue: u16, register: u64) -> u16 {
        self.bar.0[queue_register(queue, register) as usize / 4].load(Relaxed) as u16
    }

    fn fetch(&mut self, most: u8) {
        let end = self.pointer(1, QUEUE_REQUEST_IN);
        for _ in 0..most {
            if self.out == end || self.out >= self.entries {
                break;
            }
            let mut entry = [0; 64];
            self.requests.read(usize::from(self.out) * 64, &mut entry);
            self.history.push(entry);
            self.out = (self.out + 1) % self.entries;
        }
        self.tell(&self.requests, self.out);
    }

    fn tell(&self, ring: &Region, value: u16) {
        ring.write(usize::from(self.entries) * 64, &value.to_le_bytes());
    }

    fn complete(&mut self, entry: &Entry) {
        self.responses.write(usize::from(self.filled) * 64, entry);
        self.filled = (self.filled + 1) % self.entries;
        self.tell(&self.responses, self.filled);
    }

    fn atio(&mut self, slots: &[Entry]) {
        for (place, slot) in slots.iter().enumerate().rev() {
            self.atios.write((usize::from(self.atio_in) + place) % usize::from(ATIOS) * 64, slot);
        }
        self.atio_in = (self.atio_in + slots.len() as u16) % ATIOS;
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Phase {
    Idle,
    Receiving(u64),
    Sending(u64),
    Ending(u64),
}

struct Open {
    xid: Xid,
    session: SessionId,
    phase: Phase,
    aborted: bool,
}

struct Game {
    fc4: Fc4,
    chip: Chip,
    atio: AtioRing,
    base: RequestRing,
    intake: Intake,
    ends: Vec<Option<LaneEnd>>,
    queue: QlaQueue,
    pool: Pool,
    open: Vec<Open>,
    session: u32,
    is_up: bool,
    tokens: u32,
    now: u64,
}

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut input = Input(data);
    let mut game = Game::new(input.u8());
    while !input.is_empty() {
        game.step(&mut input);
        game.hear();
    }
    game.end();
}

/// Rings of that length, and the adapter's side of them.
fn rings(bar: &Arc<Bar>, entries: u16) -> Box<QueuePair> {
    let mut request = RequestRing::new(arena(), bar.clone(), 1, entries, true).expect("memory");
    let mut response = ResponseRing::new(arena(), bar.clone(), 1, entries, true).expect("memory");
    request.reset();
    response.reset();
    Box::new(QueuePair { number: 1, request, response })
}

impl Game {
    fn new(first: u8) -> Self {
        let fc4 = if first & 1 == 0 { Fc4::Fcp } else { Fc4::Nvme };
        let entries = 8 + u16::from(first >> 4);
        let bar = Arc::new(Bar(std::array::from_fn(|_| AtomicU32::new(0))));
        let mut atio = AtioRing::new(arena(), bar.clone(), ATIOS).expect("memory");
        atio.reset();
        let mut base = RequestRing::new(arena(), bar.clone(), 0, 16, true).expect("memory");
        base.reset();
        let pair = rings(&bar, entries);
        let chip = Chip {
            entries,
            requests: pair.request.region(),
            responses: pair.response.region(),
            atios: atio.region(),
            out: 0,
            filled: 0,
            atio_in: 0,
            history: Vec::new(),
            bar,
        };
        let nobody: Wake = Arc::new(|| {});
        let arena = arena().clone();
        let config =
            LaneConfig { number: NUMBER, fc4, places: PLACES, arena, to_queue: nobody.clone(), to_home: nobody };
        let (mut end, queue) = lane(config).expect("memory");
        end.push(ToLane::Resume { pair: Some(pair) });
        let pool = Pool::new(self::arena(), &[Class { size: 512, count: PLACES as u32 }]).expect("memory");
        let ends = vec![Some(end)];
        let (open, session, is_up, tokens, now) = (Vec::new(), 0, false, 0, MS);
        let intake = Intake::default();
        Self { fc4, chip, atio, base, intake, ends, queue, pool, open, session, is_up, tokens, now }
    }

    fn push(&mut self, message: ToLane) {
        let end = self.ends[0].as_mut().expect("the lane");
        end.push(message);
        end.flush();
    }

    fn step(&mut self, input: &mut Input) {
        match input.u8() % 16 {
            0 => self.session(),
            1 | 2 => self.command(input),
            3 => self.raw_atio(input),
            4..=6 => self.order(input),
            7 | 8 => self.chip.fetch(input.u8() % 8),
            9..=11 => self.completion(input),
            12 => {
                let (value, which) = (u16::from(input.u8()), input.u8());
                let ring = if which & 1 == 0 { &self.chip.requests } else { &self.chip.responses };
                self.chip.tell(ring, value % (self.chip.entries + 4));
            }
            13 => {
                self.tokens += 1;
                let (exchange, token) = (u32::from(input.u8() % 16), self.tokens);
                self.push(ToLane::Abort { exchange, token });
            }
            14 => self.now += u64::from(input.u8()) * 100 * MS,
            _ => self.reset(),
        }
        self.queue.flush();
    }

    /// The session goes or comes.
    fn session(&mut self) {
        self.is_up = !self.is_up;
        if !self.is_up {
            self.intake.remove(SessionId(self.session));
            return self.push(ToLane::SessionDown(SessionId(self.session)));
        }
        self.session += 1;
        let names = |n| Names { node: Wwn(n), port: Wwn(n + 1) };
        let info = SessionInfo {
            id: SessionId(self.session),
            fc4: self.fc4,
            local: names(0x10),
            local_id: LOCAL,
            peer: names(0x20),
            peer_id: PEER,
            parameters: 0x20,
        };
        let session = Session { info, handle: 7, vp: 0 };
        self.intake.insert(&session, &[0]);
        self.push(ToLane::SessionUp(session));
    }

    /// A command that is sound.
    fn command(&mut self, input: &mut Input) {
        let frame = wire::fc::FrameHeader::new(wire::fc::RCtl::UNSOLICITED_COMMAND, wire::fc::Type::FCP, PEER, LOCAL);
        let mut iu = [0; 96];
        if self.fc4 == Fc4::Nvme {
            iu[..4].copy_from_slice(&[0xfd, 0x28, 0, 24]);
        }
        let len = if self.fc4 == Fc4::Nvme { 96 } else { 32 };
        let mut slots = [[0; 64]; 4];
        let exchange = u32::from(input.u8() % 16);
        let count = wire::isp::iocb::atio_group(exchange, &frame, 1, &iu[..len], &mut slots).expect("a command");
        self.chip.atio(&slots[..count]);
        self.atios();
    }

    fn raw_atio(&mut self, input: &mut Input) {
        let mut slots = [[0; 64]; 2];
        slots.as_flattened_mut().iter_mut().for_each(|byte| *byte = input.u8());
        let count = 1 + usize::from(input.u8() & 1);
        self.chip.atio(&slots[..count]);
        self.atios();
    }

    fn atios(&mut self) {
        let mut group = Group::default();
        while self.atio.next(&mut group) {
            self.intake.command(&group, &mut self.ends, &mut self.base);
        }
        self.atio.flush();
        self.base.flush();
        assert!(self.chip.pointer(0, QUEUE_ATIO_OUT) < ATIOS);
        self.ends[0].as_mut().expect("the lane").flush();
    }

    /// The owner orders something.
    fn order(&mut self, input: &mut Input) {
        let (which, what) = (usize::from(input.u8()), input.u8());
        if self.open.is_empty() {
            return;
        }
        let which = which % self.open.len();
        let (xid, phase) = (self.open[which].xid, self.open[which].phase);
        if phase != Phase::Idle {
            return self.queue.cancel(xid);
        }
        let data = self.pool.take(if what & 0x40 == 0 { 512 } else { 0 }).expect("memory for each exchange");
        let address = data.address();
        let response = self.response(what >> 3);
        self.open[which].phase = match what % 5 {
            0 => {
                self.queue.receive(xid, 0, data);
                Phase::Receiving(address)
            }
            1 => {
                self.queue.transmit(xid, 0, data, None);
                Phase::Sending(address)
            }
            2 => {
                self.queue.transmit(xid, 0, data, Some(response));
                Phase::Ending(address)
            }
            end => {
                self.pool.give(data);
                if end == 3 {
                    self.queue.respond(xid, response)
                } else {
                    self.queue.terminate(xid)
                }
                Phase::Ending(1)
            }
        };
    }

    fn response(&self, what: u8) -> Response {
        let sense_len = [0, 18, 24, 40][usize::from(what & 3)];
        match self.fc4 {
            Fc4::Fcp => Response::Fcp(FcpResponse {
                status: if sense_len > 0 { 2 } else { 0 },
                qualifier: 0,
                residual: Residual::None,
                code: None,
                sense: [7; SENSE_BYTES],
                sense_len,
            }),
            Fc4::Nvme if what & 1 == 0 => Response::Nvme,
            Fc4::Nvme => Response::NvmeExtended { result: what & 2, rsn: 1, transferred: 0, cqe: [1; 16] },
        }
    }

    /// One of those that were fetched comes back, perhaps not as it should.
    fn completion(&mut self, input: &mut Input) {
        let (which, status, change) = (usize::from(input.u8()), input.u8(), input.u8());
        let len = self.chip.history.len();
        let mut entry = if len == 0 { [0; 64] } else { self.chip.history[len - 1 - which % len] };
        entry[8] = if status < 0xc0 { 1 } else { status };
        if status & 0x20 == 0 {
            entry[27] &= !0x40;
        }
        // Residual.
        entry[28..32].fill(0);
        if change & 0xc0 == 0xc0 {
            entry[usize::from(change & 0x3f)] = input.u8();
        }
        self.chip.complete(&entry);
    }

    fn reset(&mut self) {
        if self.is_up {
            self.session();
        }
        self.push(ToLane::Quiesce { generation: 1 });
        self.hear();
        assert!(self.open.iter().all(|open| open.phase == Phase::Idle && open.aborted), "all orders have ended");
        let pair = rings(&self.chip.bar, self.chip.entries);
        (self.chip.requests, self.chip.responses) = (pair.request.region(), pair.response.region());
        (self.chip.out, self.chip.filled) = (0, 0);
        self.push(ToLane::Resume { pair: Some(pair) });
    }

    fn hear(&mut self) {
        self.now += 1000;
        while let Some(arrival) = self.queue.next(self.now) {
            self.arrived(arrival);
        }
        let end = self.ends[0].as_mut().expect("the lane");
        while let Some(told) = end.next() {
            assert!(!matches!(told, FromLane::Iocb(_)), "it has rings of its own");
        }
    }

    fn at(&mut self, xid: Xid) -> usize {
        self.open.iter().position(|open| open.xid == xid).expect("an open exchange")
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Command { xid, session, .. } => {
                assert!(self.open.iter().all(|open| open.xid.0.index() != xid.0.index()), "a place twice");
                self.open.push(Open { xid, session, phase: Phase::Idle, aborted: false });
                assert!(self.open.len() <= PLACES);
            }
            Arrival::Received { xid, data, .. } => {
                let at = self.at(xid);
                assert_eq!(self.open[at].phase, Phase::Receiving(data.address()));
                self.open[at].phase = Phase::Idle;
                self.pool.give(data);
            }
            Arrival::Sent { xid, data, .. } => {
                let at = self.at(xid);
                match self.open[at].phase {
                    Phase::Sending(address) if address == data.address() => self.open[at].phase = Phase::Idle,
                    Phase::Ending(address) if address == data.address() => drop(self.open.swap_remove(at)),
                    phase => panic!("{phase:?}"),
                }
                self.pool.give(data);
            }
            Arrival::Abort { xid } => {
                let at = self.at(xid);
                assert!(!std::mem::replace(&mut self.open[at].aborted, true), "told twice");
            }
            Arrival::SessionDown { session } => {
                assert!(self.open.iter().all(|open| open.session != session || open.aborted));
            }
            Arrival::SessionUp(_) => {}
            Arrival::Request { .. } => panic!("nobody asked"),
        }
    }

    fn end(mut self) {
        self.reset();
        for at in 0..self.open.len() {
            self.open[at].phase = Phase::Ending(1);
            self.queue.terminate(self.open[at].xid);
        }
        self.hear();
        assert!(self.open.is_empty() && self.pool.is_whole());
        assert_eq!(self.ends[0].as_ref().expect("the lane").open(), 0);
    }
}
