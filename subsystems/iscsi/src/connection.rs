//! One connection: what it negotiated, what it is in the middle of, and what is on its way out.

use crate::limits;
use crate::receiver::{Framing, Receiver};
use dma::Data;
use iscsi::text_phase::TextPhase;
use iscsi::{Agreement, Login};
use os::SendQueue;
use ring::{Tag, Tick};
use scsi::{Reply, Task};
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use wire::iscsi::BHS_BYTES;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Logging in.
    Login {
        /// When it must be logged in.
        by: Tick,
    },
    /// Full feature phase.
    Full,
    /// The last replies go out; nothing comes in.
    Closing {
        /// When it ends in any case.
        by: Tick,
    },
    /// Our side is shut; what the peer had sent is read and dropped, so that it reads our last words before a reset.
    Lingering {
        /// When it ends in any case.
        by: Tick,
    },
    /// Gone; its commands are coming home.
    Lost,
}

/// Where the data segment of the present PDU goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// Nowhere.
    Nothing,
    /// It is a command's.
    Command(Tag),
    /// It is collected, and looked at when it is complete.
    Text,
}

/// Something that goes out in its turn.
pub(crate) enum Item {
    /// A reply, perhaps with data.
    Reply { tag: Tag, data: Data, reply: Reply },
    /// An R2T.
    R2t { tag: Tag, offset: u32, len: u32, r2t_sn: u32 },
    /// Any other PDU. Its numbers are filled in when it goes out.
    Packet(Box<Packet>),
}

/// A PDU without numbers.
pub(crate) struct Packet {
    pub bhs: [u8; BHS_BYTES],
    pub payload: Vec<u8>,
    /// It takes a status number; otherwise it shows the next one.
    pub takes_number: bool,
}

/// What is in the middle of going out.
pub(crate) enum Sending {
    /// Data of a command: `at` bytes of `len` are queued.
    Data { tag: Tag, reply: Reply, at: u32, len: u32 },
    /// A payload, of which `at` bytes are queued.
    Payload { packet: Box<Packet>, at: usize, crc: u32 },
}

/// A logout that waits for open commands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving {
    pub itt: u32,
    /// The session ends with it.
    pub whole: bool,
}

/// The answer to a logout that ends a session: it goes out when the nexus is gone, so that nobody who has read it meets what the
/// nexus held.
pub(crate) struct LastWords {
    /// The session.
    pub session: u32,
    /// The answer, with its numbers.
    pub bhs: [u8; BHS_BYTES],
}

/// One connection.
pub(crate) struct Connection {
    /// The stream.
    pub socket: TcpStream,
    /// Where it is in its life.
    pub phase: Phase,
    pub peer: SocketAddr,
    pub local: SocketAddr,
    /// Tag of the portal group.
    pub group: u16,
    /// The login, until it is over.
    pub login: Option<Box<Login>>,
    /// What was agreed, for text requests.
    pub agreement: Option<Box<Agreement>>,
    pub text_phase: TextPhase,
    /// Its session, from the end of the login on.
    pub session: Option<u32>,
    pub cid: u16,
    /// The receiving half.
    pub receiver: Receiver,
    /// The data segment's place.
    pub sink: Sink,
    /// A data segment that is collected.
    pub text: Vec<u8>,
    /// The command whose data must be proved sound first.
    pub unproved: Option<Task>,
    /// The sending half.
    pub out: SendQueue<Option<Tag>>,
    /// What waits for its turn.
    pub items: VecDeque<Item>,
    /// Of those, how many are packets.
    pub packets: usize,
    pub sending: Option<Sending>,
    /// Next status number.
    pub stat_sn: u32,
    /// How our PDUs look; `max_data` is what the peer takes.
    pub framing: Framing,
    /// Open commands that the group has.
    pub open: u32,
    /// Commands whose data the initiator owes.
    pub fetching: u32,
    /// When bytes last moved in either direction, and when they last came in.
    pub moved: Tick,
    /// See `moved`.
    pub heard: Tick,
    /// A ping that nobody answered.
    pub pinged: Option<Tick>,
    pub leaving: Option<Leaving>,
    pub last_words: Option<LastWords>,
    /// When it ends, because it was asked to log out.
    pub end_by: Option<Tick>,
    /// Has something to flush.
    pub dirty: bool,
    /// The socket took not all; `epoll` tells when it does.
    pub blocked: bool,
    /// Is asked each turn.
    pub hot: bool,
    /// Times in a row that it had nothing.
    pub empty: u32,
    /// Its open commands have been aborted.
    pub aborted: bool,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(socket: TcpStream, addresses: (SocketAddr, SocketAddr), group: u16, by: Tick, now: Tick) -> Self {
        let (headers, segments) = limits::LOGIN_OUT;
        let (local, peer) = addresses;
        Self {
            socket,
            phase: Phase::Login { by },
            peer,
            local,
            group,
            login: None,
            agreement: None,
            text_phase: TextPhase::default(),
            session: None,
            cid: 0,
            receiver: Receiver::new(limits::LOGIN_BYTES),
            sink: Sink::Nothing,
            text: Vec::new(),
            unproved: None,
            out: SendQueue::new(headers, segments),
            items: VecDeque::new(),
            packets: 0,
            sending: None,
            stat_sn: 0,
            framing: Framing { header_digest: false, data_digest: false, max_data: 8192 },
            open: 0,
            fetching: 0,
            moved: now,
            heard: now,
            pinged: None,
            leaving: None,
            last_words: None,
            end_by: None,
            dirty: false,
            blocked: false,
            hot: false,
            empty: 0,
            aborted: false,
        }
    }

    /// Whether requests may come and replies may go.
    pub fn is_full(&self) -> bool {
        self.phase == Phase::Full
    }

    /// Whether what comes is looked at.
    pub fn listens(&self) -> bool {
        matches!(self.phase, Phase::Full | Phase::Login { .. })
    }

    /// Whether the peer holds memory of ours and has not moved for too long.
    pub fn is_stuck(&self, now: Tick) -> bool {
        (self.fetching > 0 || self.blocked) && now > self.moved + limits::PROGRESS_NS
    }

    /// So much waits to go out that no more requests are read.
    pub fn is_choked(&self) -> bool {
        self.packets >= limits::PACKETS
    }

    /// Queues a PDU.
    pub fn push(&mut self, packet: Packet) {
        self.packets += 1;
        self.items.push_back(Item::Packet(Box::new(packet)));
    }
}
