//! An adapter that is nothing but rings, and the home core's part of the driver before it. Commands come, CTIOs are done at once, no data move (but those
//! of the set-up).

use dma::{Arena, Region, Window};
use fc::{Fc4, Queue, SessionId, SessionInfo};
use pci::Registers;
use qla::intake::{Intake, Verdict};
use qla::lane::{FromLane, LaneConfig, LaneEnd, Session, ToLane, lane};
use qla::ring::{AtioRing, ENTRY_BYTES, Entry, Group, QueuePair, RequestRing, ResponseRing};
use ring::Tick;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use wire::fc::{FrameHeader, PortId, RCtl, Type};
use wire::fcnvme::{Ersp, RSP};
use wire::fcp::Rsp;
use wire::isp::iocb::{Ctio7, CtioFlags, CtioMode, CtioNvme, CtioStatus, EntryHeader, EntryType, atio_group};
use wire::isp::regs::{QUEUE_ATIO_OUT, QUEUE_REQUEST_IN, queue_register};

use crate::bench::{Ask, HOST, Side, Speech, TARGET, nobody};

const REQUESTS: u16 = 2048;
const RESPONSES: u16 = 2048;
const ATIOS: u16 = 4096;
const PLACES: usize = 1024;
const PEER: PortId = PortId(0x01_0100);
const LOCAL: PortId = PortId(0x01_0200);

/// BAR4 as memory; accesses are counted.
struct Bar {
    words: Vec<AtomicU32>,
    doorbells: AtomicU64,
    accesses: AtomicU64,
}

impl Bar {
    fn new() -> Arc<Self> {
        let words = (0..2 * 0x400).map(|_| AtomicU32::new(0)).collect();
        Arc::new(Self { words, doorbells: AtomicU64::new(0), accesses: AtomicU64::new(0) })
    }

    fn get(&self, queue: u16, register: u64) -> u16 {
        self.words[queue_register(queue, register) as usize / 4].load(Relaxed) as u16
    }
}

impl Registers for Bar {
    fn read16(&self, _: u32) -> u16 {
        0
    }
    fn write16(&self, _: u32, _: u16) {}
    fn read32(&self, offset: u32) -> u32 {
        self.accesses.fetch_add(1, Relaxed);
        self.words[offset as usize / 4].load(Relaxed)
    }
    fn write32(&self, offset: u32, value: u32) {
        self.accesses.fetch_add(1, Relaxed);
        if offset % 0x1000 == QUEUE_REQUEST_IN as u32 {
            self.doorbells.fetch_add(1, Relaxed);
        }
        self.words[offset as usize / 4].store(value, Relaxed);
    }
}

/// What the set-up waits for.
struct Asked {
    exchange: u32,
    out: Vec<u8>,
}

/// The adapter, and the home.
pub struct Null {
    bar: Arc<Bar>,
    fc4: Fc4,
    // The adapter's side.
    atios: Region,
    requests: Region,
    responses: Region,
    atio_in: u16,
    request_out: u16,
    response_in: u16,
    next_exchange: u32,
    commands: VecDeque<([u8; 96], u8)>,
    open: usize,
    over: u64,
    window: Window,
    asked: Option<Asked>,
    answer: Option<Vec<u8>>,
    // The home's.
    atio: AtioRing,
    base: RequestRing,
    group: Group,
    intake: Intake,
    ends: Vec<Option<LaneEnd>>,
}

impl Null {
    pub fn new(arena: &Arc<Arena>, fc4: Fc4) -> (Self, Box<dyn Queue>) {
        let bar = Bar::new();
        let ring = "memory for rings";
        let mut atio = AtioRing::new(arena, bar.clone(), ATIOS).expect(ring);
        let mut base = RequestRing::new(arena, bar.clone(), 0, REQUESTS, true).expect(ring);
        let mut request = RequestRing::new(arena, bar.clone(), 1, REQUESTS, true).expect(ring);
        let mut response = ResponseRing::new(arena, bar.clone(), 1, RESPONSES, true).expect(ring);
        atio.reset();
        base.reset();
        request.reset();
        response.reset();
        let (atios, requests, responses) = (atio.region(), request.region(), response.region());
        let config =
            LaneConfig { number: 1, fc4, places: PLACES, arena: arena.clone(), to_queue: nobody(), to_home: nobody() };
        let (mut end, queue) = lane(config).expect(ring);
        end.push(ToLane::Resume { pair: Some(Box::new(QueuePair { number: 1, request, response })) });
        let info = SessionInfo {
            id: SessionId(1),
            fc4,
            local: TARGET,
            local_id: LOCAL,
            peer: HOST,
            peer_id: PEER,
            parameters: 0x20,
        };
        let session = Session { info, handle: 0x81, vp: 0 };
        end.push(ToLane::SessionUp(session));
        end.flush();
        let mut intake = Intake::default();
        intake.insert(&session, &[1]);
        intake.set_exchanges(2048);
        let null = Self {
            bar,
            fc4,
            atios,
            requests,
            responses,
            atio_in: 0,
            request_out: 0,
            response_in: 0,
            next_exchange: 1,
            commands: VecDeque::with_capacity(1024),
            open: 0,
            over: 0,
            window: Arena::window(arena),
            asked: None,
            answer: None,
            atio,
            base,
            group: Group::default(),
            intake,
            ends: vec![None, Some(end)],
        };
        (null, Box::new(queue))
    }

    /// Puts a command into the ATIO queue.
    fn deliver(&mut self, unit: &[u8]) {
        let room = ATIOS - 1 - (self.atio_in + ATIOS - self.bar.get(0, QUEUE_ATIO_OUT)) % ATIOS;
        assert!(room >= 2, "a full ATIO queue");
        self.next_exchange = self.next_exchange % 0xffff + 1;
        let frame = FrameHeader::new(RCtl::UNSOLICITED_COMMAND, Type::FCP, PEER, LOCAL)
            .with_exchange(self.next_exchange as u16, 0xffff);
        let mut slots = [[0; ENTRY_BYTES]; 3];
        let count = atio_group(self.next_exchange, &frame, 0, unit, &mut slots).expect("a command");
        for (place, slot) in slots[..count].iter().enumerate().rev() {
            let at = (usize::from(self.atio_in) + place) % usize::from(ATIOS);
            self.atios.write(at * ENTRY_BYTES, slot);
        }
        self.atio_in = (self.atio_in + count as u16) % ATIOS;
    }

    /// Takes in what the doorbell says is there, and completes it.
    fn serve(&mut self, speech: &dyn Speech) {
        let end = self.bar.get(1, QUEUE_REQUEST_IN);
        let mut moved = false;
        while self.request_out != end {
            let mut entry = [0; ENTRY_BYTES];
            self.requests.read(usize::from(self.request_out) * ENTRY_BYTES, &mut entry);
            self.request_out = (self.request_out + 1) % REQUESTS;
            moved = true;
            self.ctio(&entry, speech);
        }
        if moved {
            self.requests.write(usize::from(REQUESTS) * ENTRY_BYTES, &self.request_out.to_le_bytes());
            self.responses.write(usize::from(RESPONSES) * ENTRY_BYTES, &self.response_in.to_le_bytes());
        }
    }

    fn ctio(&mut self, entry: &Entry, speech: &dyn Speech) {
        let flags = Ctio7::of(entry).flags();
        assert!(!flags.terminate(), "nothing is ended without a response");
        if self.asked.as_ref().is_some_and(|asked| asked.exchange == Ctio7::of(entry).exchange_address.get()) {
            self.asked_ctio(entry, flags);
        } else if flags.send_status() {
            assert!(is_success(entry) || speech.is_good(&self.response(entry)));
            self.open -= 1;
            self.over += 1;
        }
        if !flags.no_completion() {
            let completion = match EntryHeader::of(entry).entry_type {
                EntryType::CTIO_NVME => *CtioNvme::of(entry).completed(CtioStatus::SUCCESS).entry(),
                _ => *Ctio7::of(entry).completed(CtioStatus::SUCCESS).entry(),
            };
            self.responses.write(usize::from(self.response_in) * ENTRY_BYTES, &completion);
            self.response_in = (self.response_in + 1) % RESPONSES;
        }
    }

    /// One of the set-up: its data and its response count.
    fn asked_ctio(&mut self, entry: &Entry, flags: CtioFlags) {
        let dsd = Ctio7::of(entry).dsd[0];
        if flags.data_out() {
            let out = self.asked.as_ref().map_or(&[][..], |asked| &asked.out);
            assert!(self.window.write(dsd.address(), &out[..dsd.length() as usize]), "memory for data");
        }
        if flags.send_status() {
            self.asked = None;
            self.answer = Some(self.response(entry));
        }
    }

    /// The response that a CTIO makes.
    fn response(&mut self, entry: &Entry) -> Vec<u8> {
        let ctio = Ctio7::of(entry);
        if ctio.flags().mode() == Some(CtioMode::Indirect) {
            let mut bytes = vec![0; ctio.transfer_length.get() as usize];
            assert!(self.window.read(ctio.dsd[0].address(), &mut bytes), "memory of a response");
            return bytes;
        }
        match (self.fc4, ctio.flags().mode()) {
            (Fc4::Nvme, Some(CtioMode::Inline)) => {
                let words = CtioNvme::of(entry).ersp();
                let cqe = wire::read(&words.cqe()).expect("16 bytes");
                Ersp::new(words.rsn.get(), words.transferred.get(), cqe).to_bytes().to_vec()
            }
            (Fc4::Nvme, _) => RSP.to_vec(),
            (Fc4::Fcp, _) => {
                let mut bytes = [0; 64];
                let status = ctio.scsi_status().status();
                let len = Rsp { status, ..Rsp::default() }.write(&mut bytes).expect("a short response");
                bytes[..len].to_vec()
            }
        }
    }
}

/// Success that is seen at once: status GOOD, or an NVMe_RSP.
fn is_success(entry: &Entry) -> bool {
    match EntryHeader::of(entry).entry_type {
        EntryType::CTIO_NVME => CtioNvme::of(entry).flags().mode() == Some(CtioMode::Data),
        _ => Ctio7::of(entry).scsi_status.get() == 0,
    }
}

impl Side for Null {
    fn start(&mut self, unit: &[u8], _write: bool, _now: Tick) {
        let mut bytes = [0; 96];
        bytes[..unit.len()].copy_from_slice(unit);
        self.commands.push_back((bytes, unit.len() as u8));
        self.open += 1;
    }

    fn poll_far(&mut self, speech: &dyn Speech, _now: Tick) {
        self.serve(speech);
        while let Some((unit, len)) = self.commands.pop_front() {
            self.deliver(&unit[..usize::from(len)]);
        }
    }

    /// As the adapter's home does in a turn: the ATIO queue, what lanes say, doorbells.
    fn poll_home(&mut self, _now: Tick) {
        while self.atio.next(&mut self.group) {
            let verdict = self.intake.command(&self.group, &mut self.ends, &mut self.base);
            assert_eq!(verdict, Verdict::Taken);
        }
        for end in self.ends.iter_mut().flatten() {
            while self.base.has_room(2)
                && let Some(told) = end.next()
            {
                if let FromLane::Answer { payload, .. } = told {
                    self.answer = Some(payload.into());
                }
            }
            end.flush();
        }
        self.base.flush();
        self.atio.flush();
    }

    fn counts(&self) -> (usize, u64) {
        (self.open, self.over)
    }

    fn registers(&self) -> Option<(u64, u64)> {
        Some((self.bar.doorbells.load(Relaxed), self.bar.accesses.load(Relaxed)))
    }

    fn ask(&mut self, what: Ask<'_>, _now: Tick) {
        match what {
            Ask::Command(unit, out) => {
                self.deliver(unit);
                let out = out.unwrap_or_default().to_vec();
                self.asked = Some(Asked { exchange: self.next_exchange, out });
            }
            Ask::Service(payload) => {
                let (session, payload) = (SessionId(1), payload.into());
                let message = ToLane::Request { session, exchange: 0x1_0000, ox_id: 0, payload };
                self.ends[1].as_mut().expect("the lane").push(message);
            }
        }
    }

    fn answer(&mut self) -> Option<Vec<u8>> {
        self.answer.take()
    }
}
