//! What the engine takes and gives: routes, payloads, upcalls.

use crate::{Fc4, FrameBox, Xid};
use dma::Data;
use wire::fc::{FrameHeader, PortId, RCtl, Type};

/// Between whom an exchange is, and how large its frames may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Our address (a virtual port's its own).
    pub local: PortId,
    /// The peer's.
    pub remote: PortId,
    /// Most payload bytes of a frame: the smaller receive data field size of both sides and the link.
    pub max_payload: u16,
}

/// The payload of a whole sequence, without optional headers and fill bytes. Give it back by [`super::Fc2::recycle`].
#[derive(Debug)]
pub enum Payload {
    /// Of one frame, not copied.
    Frame(FrameBox),
    /// Of several frames, put together.
    Joined(Box<[u8]>),
}

impl Payload {
    /// What it says.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Frame(frame) => information(frame.header(), frame.payload()),
            Self::Joined(bytes) => bytes,
        }
    }
}

/// A frame's payload without optional headers and fill bytes; nothing when it is too short for those.
#[inline]
pub(super) fn information<'a>(header: &FrameHeader, payload: &'a [u8]) -> &'a [u8] {
    let f_ctl = header.f_ctl();
    let fill = if f_ctl.end_sequence() { usize::from(f_ctl.fill_bytes()) } else { 0 };
    let end = payload.len().saturating_sub(fill);
    payload.get(header.optional_header_bytes()..end).unwrap_or_default()
}

/// The data of a command that we send.
#[derive(Debug)]
pub enum Direction {
    /// None.
    None,
    /// From the target into this memory, all of which it may fill.
    In(Data),
    /// From this memory to the target, as it asks for them.
    Out(Data),
}

impl Direction {
    /// The memory.
    pub fn into_data(self) -> Data {
        match self {
            Self::None => Data::empty(),
            Self::In(data) | Self::Out(data) => data,
        }
    }
}

/// No exchange or no frame is free now: try again in a later turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no exchange or frame is free")]
pub struct Exhausted;

/// The exchange is not open (any more). What was given comes back.
#[derive(Debug)]
pub struct Gone(pub Data);

/// Why an exchange that we began came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No reply in time; it was aborted.
    #[error("timed out")]
    TimedOut,
    /// [`super::Fc2::abort`] ended it.
    #[error("aborted")]
    Aborted,
    /// The link or the login went.
    #[error("link or login lost")]
    LinkDown,
    /// The peer (P_RJT, BA_RJT) or the fabric (F_RJT, F_BSY) refused a frame of it.
    #[error("frame rejected")]
    Rejected,
    /// The response is here, and some of the data never came.
    #[error("data frames lost")]
    DataLost,
    /// The peer broke the protocol: data or requests outside of what was agreed, a malformed response.
    #[error("protocol error")]
    Protocol,
}

/// What happened.
#[derive(Debug)]
pub enum Upcall {
    /// A request that waits for [`answer`](super::Fc2::answer) or [`discard`](super::Fc2::discard): ELS, CT, NVMe LS.
    Request {
        /// Its name.
        xid: Xid,
        /// Our address, as D_ID had it.
        local: PortId,
        /// Who asks.
        remote: PortId,
        /// ELS_REQUEST, UNSOLICITED_CONTROL or FC4_LS_REQUEST.
        r_ctl: RCtl,
        /// The type.
        type_: Type,
        /// What it says.
        payload: Payload,
        /// The originator's identifier.
        ox_id: u16,
    },
    /// A command: [`accept`](super::Fc2::accept) it, or [`discard`](super::Fc2::discard) it (no login).
    Command {
        /// Its name.
        xid: Xid,
        /// Our address.
        local: PortId,
        /// Who sent it.
        remote: PortId,
        /// Told by its first bytes: an NVMe command IU begins with FDh 28h.
        fc4: Fc4,
        /// What it says.
        payload: Payload,
        /// The originator's identifier.
        ox_id: u16,
    },
    /// [`request`](super::Fc2::request) is over.
    Reply {
        /// As given.
        context: u64,
        /// D_ID of the reply: of FLOGI, the address that the fabric gave.
        local: PortId,
        /// S_ID of the reply.
        remote: PortId,
        /// The reply sequence.
        result: Result<Payload, Failure>,
    },
    /// [`receive`](super::Fc2::receive) is over.
    Received {
        /// The exchange.
        xid: Xid,
        /// As given to [`accept`](super::Fc2::accept).
        context: u64,
        /// The memory.
        data: Data,
        /// Every byte came.
        ok: bool,
    },
    /// [`transmit`](super::Fc2::transmit), [`respond`](super::Fc2::respond) or [`terminate`](super::Fc2::terminate) is over.
    Sent {
        /// The exchange.
        xid: Xid,
        /// As given to [`accept`](super::Fc2::accept).
        context: u64,
        /// The memory, or none.
        data: Data,
        /// All of it left, and nobody had aborted the exchange.
        ok: bool,
        /// The exchange is over, its name stale.
        over: bool,
    },
    /// The initiator aborts the exchange, or its session is gone. It stays open until its owner ends it; then BA_ACC goes
    /// out. What is sent until then is swallowed.
    Abort {
        /// The exchange.
        xid: Xid,
        /// As given to [`accept`](super::Fc2::accept).
        context: u64,
    },
    /// [`command`](super::Fc2::command) is over.
    Ended {
        /// Its name; stale now.
        xid: Xid,
        /// As given.
        context: u64,
        /// The memory.
        data: Data,
        /// The response; or why there is none, or why it must not be believed.
        result: Result<Payload, Failure>,
        /// Bytes of data that were placed, each counted once.
        received: u32,
        /// Bytes of data that the target asked for and that left, each counted once.
        sent: u32,
    },
}
