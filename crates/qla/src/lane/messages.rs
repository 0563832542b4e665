//! What a lane and its home tell each other.

use crate::ring::{Entry, QueuePair};
use fc::{Iu, SessionId, SessionInfo};
use wire::fc::PortId;

/// A login, and what the adapter calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who, for which protocol.
    pub info: SessionInfo,
    /// The adapter's handle of the peer (n-port handle).
    pub handle: u16,
    /// Virtual port (0: the physical one).
    pub vp: u8,
}

/// A command as it came.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Whose.
    pub session: SessionId,
    /// The adapter's handle of the peer.
    pub handle: u16,
    /// Virtual port.
    pub vp: u8,
    /// Address of the peer.
    pub peer: PortId,
    /// The adapter's exchange address.
    pub exchange: u32,
    /// The initiator's exchange identifier.
    pub ox_id: u16,
    /// Attribute of the ATIO, which goes into each CTIO.
    pub attribute: u8,
    /// What came.
    pub iu: Iu,
}

/// To a lane.
pub enum ToLane {
    /// A peer is logged in.
    SessionUp(Session),
    /// It is not any more. What is open of it is ended; [`FromLane::Down`] says that nothing of it is left at the adapter.
    SessionDown(SessionId),
    /// A command. Only with [`has_room`](super::LaneEnd::has_room).
    Command(Command),
    /// The initiator aborts an exchange. Answered once by [`FromLane::Aborted`], when the exchange is over.
    Abort {
        /// The adapter's exchange address.
        exchange: u32,
        /// Comes back.
        token: u32,
    },
    /// A link service request of NVMe.
    Request {
        /// Whose.
        session: SessionId,
        /// The adapter's exchange address.
        exchange: u32,
        /// The initiator's exchange identifier.
        ox_id: u16,
        /// What came.
        payload: Box<[u8]>,
    },
    /// An entry of the base response queue with a handle of this lane ([`lane_of`](super::lane_of)).
    Completion(Entry),
    /// The adapter is in reset and reaches no memory any more: all that is open ends.
    Quiesce {
        /// Comes back by [`FromLane::Quiet`].
        generation: u32,
    },
    /// The adapter is there again.
    Resume {
        /// The lane's own queues, reset and known to the adapter; without them it sends by [`FromLane::Iocb`].
        pair: Option<Box<QueuePair>>,
    },
}

/// One or two IOCBs that are put into a request queue together.
#[derive(Clone, Copy, Debug)]
pub struct Iocb {
    entries: [Entry; 2],
    count: u8,
}

impl Iocb {
    /// Of one or two entries.
    #[inline]
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut iocb = Self { entries: [[0; 64]; 2], count: entries.len() as u8 };
        iocb.entries[..entries.len()].copy_from_slice(entries);
        iocb
    }

    /// The entries.
    #[inline]
    pub fn entries(&self) -> &[Entry] {
        &self.entries[..self.count.into()]
    }
}

/// From a lane.
pub enum FromLane {
    /// The answer to [`ToLane::Abort`].
    Aborted {
        /// As given.
        token: u32,
        /// The exchange was here, and is over now. `false`: the lane does not know it.
        found: bool,
    },
    /// The answer to a link service request. An empty one: the exchange is to be ended without an answer.
    Answer {
        /// Whose request.
        session: SessionId,
        /// The adapter's exchange address.
        exchange: u32,
        /// The initiator's exchange identifier.
        ox_id: u16,
        /// What to send.
        payload: Box<[u8]>,
    },
    /// A link service request of ours.
    Request {
        /// To whom.
        session: SessionId,
        /// What to send.
        payload: Box<[u8]>,
    },
    /// The owner wants a peer logged out.
    Logout(SessionId),
    /// The adapter says that the peer is logged out (CTIO status 29h). Told once, until another session is told.
    LoggedOut(SessionId),
    /// After [`ToLane::SessionDown`]: nothing of the session is at the adapter any more.
    Down(SessionId),
    /// After [`ToLane::Quiesce`], or when the queue was dropped: the lane touches no ring any more.
    Quiet {
        /// As given; 0 from a queue that was dropped.
        generation: u32,
        /// Its rings.
        pair: Option<Box<QueuePair>>,
    },
    /// For the base request queue; from lanes without queues of their own.
    Iocb(Iocb),
    /// A CTIO did not come back in time: only a reset of the adapter helps. Told once until [`ToLane::Resume`].
    Lost,
}
