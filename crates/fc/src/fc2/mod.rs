//! The exchanges, sequences and frames of one link (FC-2). Sans I/O: frames and time come in by calls; frames go out when asked.
//!
//! - Owns: the table of exchanges, their identifiers, sequence counts, timers; memory lent to it until it says [`Upcall`].
//! - In: frames ([`Fc2::arrive`]), orders, time ([`Fc2::turn`]). Out: frames ([`Fc2::next_frame`]), [`Upcall`]s ([`Fc2::next`]).
//! - Limits: class 3; a command IU is one frame; one XFER_RDY is out at a time in an exchange, as the initiative goes with it.
//! - Not done: unsolicited data (first burst), bidirectional commands, FCP_CONF, retransmission: what was lost makes the exchange
//!   fail, and is noticed, because bytes are counted by where they belong.
//!
//! Who began | state | holder of the data | ends with | on abort (ABTS, logout, link loss)
//! --- | --- | --- | --- | ---
//! peer | Gathering: a request comes in several frames | - | its last frame; E_D_TOV | BA_ACC; forgotten
//! peer | Asked: the owner has the request | - | `answer`, `discard` | BA_ACC; forgotten, `answer` is ignored
//! peer | Answering: the answer goes out | - | its last frame | BA_ACC; the rest is dropped
//! peer | Open: the owner has the command | owner | the next order | `Abort`; later orders are swallowed
//! peer | Receiving: XFER_RDY goes out, data come | engine | the last byte; E_D_TOV; `cancel` | `Abort`, `Received { ok: false }`
//! peer | Transmitting: data and response go out | engine | the last frame | `Abort`, `Sent { ok: false }`
//! we | Asking: the request goes out, the reply comes | - | `Reply` | `Reply` with the reason at once; ABTS
//! we | Commanding: command, data and response | engine | `Ended` | ABTS, then Aborting; `Ended` at once on link loss
//! we | Aborting: ABTS is out | engine | BA_ACC, BA_RJT; R_A_TOV twice | `Ended` on link loss
//! both | Qualified: over; late frames may come | - | R_A_TOV (then we send RRQ), RRQ | BA_ACC again
//!
//! A peer's command that was aborted ends as any other does, by its owner; only then BA_ACC goes out. With the login or the link
//! gone, nothing goes out at all.

mod abort;
mod arrive;
mod exchange;
mod extents;
mod initiator;
mod message;
mod query;
mod ready;
mod response;
mod send;
mod table;
mod target;
mod upcall;
mod wheel;

pub use upcall::{Direction, Exhausted, Failure, Gone, Payload, Route, Upcall};

use crate::{FrameBox, Frames};
use ready::Ready;
use ring::Tick;
use std::collections::VecDeque;
use table::Table;
use wheel::Wheel;
use wire::fc::PortId;
use wire::fc::els::RecStatus;

/// Sizes and times of an engine, for life.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Exchanges, both ways, recovery qualifiers included; at most 32,768. The table is allocated at start.
    pub exchanges: u16,
    /// How many of those commands of peers may not have, so that link services always get through.
    pub reserve: u16,
    /// Most bytes that one XFER_RDY asks for.
    pub max_burst: u32,
    /// Most bytes of a request or reply of several frames.
    pub max_message: u32,
    /// E_D_TOV: within a sequence, frames come closer together than this.
    pub e_d_tov: Tick,
    /// R_A_TOV: for so long frames of an aborted exchange may still come.
    pub r_a_tov: Tick,
}

impl Default for Limits {
    fn default() -> Self {
        const MS: Tick = 1_000_000;
        Self {
            exchanges: 4096,
            reserve: 64,
            max_burst: 1 << 20,
            max_message: 64 << 10,
            e_d_tov: Tick::from(wire::fc::E_D_TOV_MS) * MS,
            r_a_tov: Tick::from(wire::fc::R_A_TOV_MS) * MS,
        }
    }
}

/// What REC is answered with (FC-LS-5, Read Exchange Concise).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeStatus {
    /// The originator's identifier.
    pub ox_id: u16,
    /// The responder's; FFFFh when it is not known.
    pub rx_id: u16,
    /// The originator's address.
    pub originator: PortId,
    /// The responder's address.
    pub responder: PortId,
    /// FC4VALUE: bytes of data moved so far.
    pub fc4_value: u32,
    /// E_STAT.
    pub status: RecStatus,
}

/// What an engine counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that came.
    pub frames_in: u64,
    /// Frames that were handed out to be sent.
    pub frames_out: u64,
    /// Payload bytes of those that came.
    pub bytes_in: u64,
    /// Payload bytes of those that went.
    pub bytes_out: u64,
    /// Exchanges begun by peers.
    pub answered: u64,
    /// Exchanges begun by us.
    pub originated: u64,
    /// ABTS that came.
    pub aborts_in: u64,
    /// ABTS that went.
    pub aborts_out: u64,
    /// Exchanges that timed out.
    pub timeouts: u64,
    /// Frames dropped: of no open exchange, late, or twice.
    pub strays: u64,
    /// Frames dropped: malformed or outside of what was agreed.
    pub errors: u64,
    /// Commands and requests refused because the table was full.
    pub refused: u64,
}

/// The engine.
pub struct Fc2 {
    limits: Limits,
    frames: Frames,
    table: Table,
    ready: Ready,
    wheel: Wheel,
    /// Frames of no exchange.
    controls: VecDeque<FrameBox>,
    upcalls: VecDeque<Upcall>,
    counters: Counters,
    /// The time of the last call that told it.
    now: Tick,
}

impl Fc2 {
    /// An engine that takes frames from `frames`.
    ///
    /// # Panics
    /// When the limits say nothing that can be: no exchange or too many, bursts of no bytes.
    pub fn new(limits: Limits, frames: Frames) -> Self {
        assert!(limits.max_burst > 0);
        let places = usize::from(limits.exchanges);
        Self {
            table: Table::new(limits.exchanges),
            ready: Ready::new(places),
            wheel: Wheel::new(places),
            controls: VecDeque::with_capacity(64),
            upcalls: VecDeque::with_capacity(2 * places),
            counters: Counters::default(),
            now: 0,
            limits,
            frames,
        }
    }

    /// The next thing that happened.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "nothing now is not the end of an iteration")]
    pub fn next(&mut self) -> Option<Upcall> {
        let Some(upcall) = self.upcalls.pop_front() else {
            // Back to the begin of its memory, which is in the cache; else it would wander through all of it.
            self.upcalls.clear();
            return None;
        };
        match upcall {
            // The owner may have taken on the exchange, or even ended it, since that was noted.
            Upcall::Abort { xid, .. } => match self.table.place(xid) {
                Some(place) => Some(Upcall::Abort { xid, context: self.table.at(place).context }),
                None => self.next(),
            },
            upcall => Some(upcall),
        }
    }

    /// Whether there is something to send or to tell.
    pub fn is_pending(&self) -> bool {
        !self.controls.is_empty() || !self.upcalls.is_empty() || self.ready.first().is_some()
    }

    /// When [`turn`](Self::turn) must be called although nothing comes. May be earlier than needed.
    pub fn deadline(&self) -> Option<Tick> {
        self.wheel.next()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
