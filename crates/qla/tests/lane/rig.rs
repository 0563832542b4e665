//! A lane, both its ends in hand, and the adapter behind it.

use crate::chip::Chip;
use dma::{Arena, Backing, Class, Data, Options, Pool};
use fc::{
    Arrival, Fc4, FcpResponse, Iu, Names, Queue, Residual, Response, SENSE_BYTES, SessionId, SessionInfo, Wake, Xid,
};
use qla::lane::{Command, FromLane, LaneConfig, LaneEnd, QlaQueue, Session, ToLane, lane, lane_of};
use qla::ring::Entry;
use ring::Tick;
use std::sync::Arc;
use wire::fc::{PortId, Wwn};
use wire::isp::iocb::{Ctio7, Ctio7Completion, CtioFlags, CtioNvme, CtioStatus, EntryHeader, EntryType};

pub const MS: Tick = 1_000_000;
pub const NUMBER: u8 = 5;
pub const PEER: PortId = PortId(0x01_0203);
pub const LOCAL: PortId = PortId(0x01_0400);
pub const NPORT: u16 = 0x81;
pub const VP: u8 = 2;
pub const ATTRIBUTE: u8 = 9;

pub fn nobody() -> Wake {
    Arc::new(|| {})
}

pub fn arena() -> Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).unwrap()
}

pub fn session(id: u32, fc4: Fc4) -> Session {
    let names = |n| Names { node: Wwn(n), port: Wwn(n + 1) };
    let info = SessionInfo {
        id: SessionId(id),
        fc4,
        local: names(0x10),
        local_id: LOCAL,
        peer: names(0x20),
        peer_id: PEER,
        parameters: 0x20,
    };
    Session { info, handle: NPORT, vp: VP }
}

pub fn command(session: u32, exchange: u32) -> Command {
    Command {
        session: SessionId(session),
        handle: NPORT,
        vp: VP,
        peer: PEER,
        exchange,
        ox_id: exchange as u16 ^ 0x5555,
        attribute: ATTRIBUTE,
        iu: Iu::new(&[7; 32]),
    }
}

pub const NOTHING: FcpResponse = FcpResponse {
    status: 0,
    qualifier: 0,
    residual: Residual::None,
    code: None,
    sense: [0; SENSE_BYTES],
    sense_len: 0,
};

pub const GOOD: Response = Response::Fcp(NOTHING);

pub fn check_condition(sense_len: u8) -> FcpResponse {
    let mut sense = [0; SENSE_BYTES];
    sense.iter_mut().zip(0x70..).for_each(|(byte, n)| *byte = n);
    sense[usize::from(sense_len)..].fill(0);
    FcpResponse { status: 2, sense, sense_len, ..NOTHING }
}

pub struct Rig {
    pub arena: Arc<Arena>,
    pub pool: Pool,
    pub end: LaneEnd,
    pub queue: QlaQueue,
    pub chip: Chip,
    pub now: Tick,
}

impl Rig {
    pub fn fcp() -> Self {
        Self::new(Fc4::Fcp, 32, 256, 128)
    }

    pub fn nvme() -> Self {
        Self::new(Fc4::Nvme, 32, 256, 128)
    }

    /// A lane of `places` with rings of these lengths, resumed, and session 1 is up.
    pub fn new(fc4: Fc4, places: usize, requests: u16, responses: u16) -> Self {
        let mut rig = Self::quiet(fc4, places, requests, responses);
        let (chip, pair) = Chip::new(&rig.arena, requests, responses);
        rig.chip = chip;
        rig.tell(ToLane::Resume { pair: Some(pair) });
        rig.tell(ToLane::SessionUp(session(1, fc4)));
        assert!(matches!(rig.arrivals()[..], [Arrival::SessionUp(_)]));
        rig
    }

    /// A lane that nobody has resumed.
    pub fn quiet(fc4: Fc4, places: usize, requests: u16, responses: u16) -> Self {
        let arena = arena();
        let config =
            LaneConfig { number: NUMBER, fc4, places, arena: arena.clone(), to_queue: nobody(), to_home: nobody() };
        let (end, queue) = lane(config).unwrap();
        let pool = Pool::new(&arena, &[Class { size: 4096, count: 2 * places as u32 }]).unwrap();
        let (chip, _) = Chip::new(&arena, requests, responses);
        Self { arena, pool, end, queue, chip, now: MS }
    }

    pub fn tell(&mut self, message: ToLane) {
        self.end.push(message);
        self.end.flush();
    }

    /// All that the queue has to say.
    pub fn arrivals(&mut self) -> Vec<Arrival> {
        self.now += 1000;
        std::iter::from_fn(|| self.queue.next(self.now)).collect()
    }

    /// The only thing that it has to say.
    pub fn arrival(&mut self) -> Arrival {
        let mut arrivals = self.arrivals();
        assert_eq!(arrivals.len(), 1, "{arrivals:?}");
        arrivals.remove(0)
    }

    pub fn told(&mut self) -> Vec<FromLane> {
        std::iter::from_fn(|| self.end.next()).collect()
    }

    /// A command of session 1 on that exchange.
    pub fn command(&mut self, exchange: u32) -> Xid {
        self.command_of(1, exchange)
    }

    pub fn command_of(&mut self, session: u32, exchange: u32) -> Xid {
        self.tell(ToLane::Command(command(session, exchange)));
        match self.arrival() {
            Arrival::Command { xid, session: of, iu } => {
                assert_eq!((of, iu.bytes()), (SessionId(session), &[7; 32][..]));
                xid
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn data(&mut self, len: u32) -> Data {
        self.pool.take(len).expect("memory")
    }

    /// What is at the adapter now.
    pub fn iocbs(&mut self) -> Vec<Entry> {
        self.queue.flush();
        let entries = self.chip.take();
        for entry in &entries {
            assert_eq!(entry[1..4], [1, 0, 0], "count 1, no status");
            assert_eq!(lane_of(handle(entry)), Some(NUMBER));
        }
        entries
    }

    pub fn iocb(&mut self) -> Entry {
        let entries = self.iocbs();
        assert_eq!(entries.len(), 1, "{entries:02x?}");
        entries[0]
    }

    /// Completes an IOCB.
    pub fn complete(&mut self, entry: &Entry, status: CtioStatus) {
        let completion = completion(entry, status);
        self.chip.complete(&[completion]);
    }

    /// The end of an exchange; gives its memory back.
    pub fn ended(&mut self, xid: Xid, ok: bool) {
        match self.arrival() {
            Arrival::Sent { xid: of, data, ok: result } => {
                assert_eq!((of, result), (xid, ok));
                self.pool.give(data);
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn received(&mut self, xid: Xid, ok: bool) {
        match self.arrival() {
            Arrival::Received { xid: of, data, ok: result } => {
                assert_eq!((of, result), (xid, ok));
                self.pool.give(data);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Nothing is open, nothing is lost.
    pub fn is_clean(&mut self) {
        assert!(self.arrivals().is_empty() && self.told().is_empty());
        assert_eq!(self.end.open(), 0);
        assert!(!self.queue.is_pending());
        let census = self.pool.census();
        assert_eq!(census.free, census.total);
    }
}

pub fn handle(entry: &Entry) -> u32 {
    u32::from_le_bytes(entry[4..8].try_into().unwrap())
}

pub fn flags(entry: &Entry) -> CtioFlags {
    CtioFlags(u16::from_le_bytes([entry[26], entry[27]]))
}

/// The completion of a CTIO.
pub fn completion(entry: &Entry, status: CtioStatus) -> Entry {
    match EntryHeader::of(entry).entry_type {
        EntryType::CTIO_NVME => *CtioNvme::of(entry).completed(status).entry(),
        _ => *Ctio7::of(entry).completed(status).entry(),
    }
}

/// The same, and the firmware has ended the exchange.
pub fn terminated(entry: &Entry, status: CtioStatus) -> Entry {
    let mut done = completion(entry, status);
    let flags = Ctio7Completion::of(&done).flags().with_terminate(true);
    Ctio7Completion::of_mut(&mut done).flags.set(flags.0);
    done
}
