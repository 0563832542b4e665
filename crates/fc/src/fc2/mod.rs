//! The exchanges, sequences and frames of one link (FC-2). Sans I/O: frames and time come in by calls; frames go out when asked.
#![expect(unused, reason = "first commit of the interface; bodies follow")]

mod upcall;

pub use upcall::{Direction, Exhausted, Failure, Gone, Payload, Route, Upcall};

use crate::{Fc4, FrameBox, Frames, Response, Xid};
use dma::Data;
use ring::Tick;
use wire::fc::{PortId, RCtl, Type};

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
    pub e_stat: u32,
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
}

impl Fc2 {
    /// An engine that takes frames from `frames`.
    pub fn new(limits: Limits, frames: Frames) -> Self {
        Self { limits, frames }
    }

    /// Takes in a frame that came.
    pub fn arrive(&mut self, frame: FrameBox, now: Tick) {
        unimplemented!()
    }

    /// The next frame to send. Data are framed only now, so ask only as long as the link has room. `None`: nothing to send, or no
    /// frame is free (then [`is_pending`](Self::is_pending) stays true).
    pub fn next_frame(&mut self, now: Tick) -> Option<FrameBox> {
        unimplemented!()
    }

    /// The next thing that happened.
    #[expect(clippy::should_implement_trait, reason = "nothing now is not the end of an iteration")]
    pub fn next(&mut self) -> Option<Upcall> {
        unimplemented!()
    }

    /// Whether there is something to send or to tell.
    pub fn is_pending(&self) -> bool {
        unimplemented!()
    }

    /// Time passes; call it once a turn.
    pub fn turn(&mut self, now: Tick) {
        unimplemented!()
    }

    /// When [`turn`](Self::turn) must be called although nothing comes. May be earlier than needed.
    pub fn deadline(&self) -> Option<Tick> {
        unimplemented!()
    }

    /// Takes a payload's frame home.
    pub fn recycle(&mut self, payload: Payload) {
        unimplemented!()
    }

    /// Begins an exchange of one request sequence and one reply sequence: ELS, CT, NVMe LS. Ends with [`Upcall::Reply`], at the
    /// latest `timeout` from `now` (then it is aborted on the wire behind the scenes).
    ///
    /// # Errors
    /// The table is full.
    #[expect(clippy::too_many_arguments)]
    pub fn request(
        &mut self,
        route: Route,
        r_ctl: RCtl,
        type_: Type,
        payload: &[u8],
        timeout: Tick,
        context: u64,
        now: Tick,
    ) -> Result<Xid, Exhausted> {
        unimplemented!()
    }

    /// Answers [`Upcall::Request`] with frames of at most `max_payload`; the exchange is over. A stale name is ignored.
    pub fn answer(&mut self, xid: Xid, max_payload: u16, payload: &[u8]) {
        unimplemented!()
    }

    /// Ends [`Upcall::Request`] or a [`Upcall::Command`] that was not accepted, without a word.
    pub fn discard(&mut self, xid: Xid) {
        unimplemented!()
    }

    /// Takes on [`Upcall::Command`]: says how large frames to its initiator may be, and what comes back with each upcall of it.
    pub fn accept(&mut self, xid: Xid, max_payload: u16, context: u64) {
        unimplemented!()
    }

    /// Has the initiator send its data from `offset` on, as many as `data` has room for. Ends with [`Upcall::Received`].
    ///
    /// # Errors
    /// The exchange is not open.
    pub fn receive(&mut self, xid: Xid, offset: u32, data: Data) -> Result<(), Gone> {
        unimplemented!()
    }

    /// Sends data from `offset` on, and the response behind them if there is one. Ends with [`Upcall::Sent`].
    ///
    /// # Errors
    /// The exchange is not open.
    pub fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) -> Result<(), Gone> {
        unimplemented!()
    }

    /// Sends the response; the exchange is over. Ends with [`Upcall::Sent`].
    ///
    /// # Errors
    /// The exchange is not open.
    pub fn respond(&mut self, xid: Xid, response: Response) -> Result<(), Gone> {
        unimplemented!()
    }

    /// Ends the exchange without a response. Ends with [`Upcall::Sent`].
    ///
    /// # Errors
    /// The exchange is not open.
    pub fn terminate(&mut self, xid: Xid) -> Result<(), Gone> {
        unimplemented!()
    }

    /// Hurries a receive along: its one [`Upcall::Received`] comes at once, with `ok` only if all data had come. Otherwise nothing.
    pub fn cancel(&mut self, xid: Xid) {
        unimplemented!()
    }

    /// Begins a command. Ends with [`Upcall::Ended`]; `timeout` from `now` on it is aborted.
    ///
    /// # Errors
    /// The table is full; the memory comes back.
    pub fn command(
        &mut self,
        route: Route,
        fc4: Fc4,
        iu: &[u8],
        data: Direction,
        timeout: Tick,
        context: u64,
        now: Tick,
    ) -> Result<Xid, (Exhausted, Direction)> {
        unimplemented!()
    }

    /// Aborts a command or request of ours: ABTS. Its one ending still comes, after the peer's answer or a time-out.
    pub fn abort(&mut self, xid: Xid, now: Tick) {
        unimplemented!()
    }

    /// Ends all exchanges between two addresses (of one FC-4 type, or of any kind) without a word on the wire: a logout.
    /// Owners of peers' commands get [`Upcall::Abort`] and must end them still; requests of peers are forgotten; what we began ends
    /// with [`Failure::LinkDown`].
    pub fn end_between(&mut self, local: PortId, remote: PortId, fc4: Option<Fc4>) {
        unimplemented!()
    }

    /// The same for all exchanges: the link went. Frames that wait to be sent are dropped.
    pub fn end_all(&mut self) {
        unimplemented!()
    }

    /// Exchanges that are open between two addresses.
    pub fn open_between(&self, local: PortId, remote: PortId, fc4: Option<Fc4>) -> u32 {
        unimplemented!()
    }

    /// Answers REC from `remote` to `local`, about an exchange of `originator`. `None`: LS_RJT, logical error, invalid OX_ID-RX_ID.
    pub fn rec(
        &self,
        local: PortId,
        remote: PortId,
        originator: PortId,
        ox_id: u16,
        rx_id: u16,
    ) -> Option<ExchangeStatus> {
        unimplemented!()
    }

    /// RRQ from `remote` to `local`: forgets the recovery qualifier. `false`: there is no such exchange (LS_RJT as for REC).
    pub fn rrq(&mut self, local: PortId, remote: PortId, originator: PortId, ox_id: u16, rx_id: u16) -> bool {
        unimplemented!()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        unimplemented!()
    }

    /// Exchanges in the table, recovery qualifiers included. For tests and for a look from outside.
    pub fn open(&self) -> usize {
        unimplemented!()
    }
}
