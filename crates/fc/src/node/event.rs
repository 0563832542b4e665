//! What a node tells an initiator.

use crate::fc2::{Failure, Payload};
use crate::{Fc4, Names, SessionId, SessionInfo, Topology, Xid};
use dma::Data;
use serde::Serialize;
use wire::fc::els::RscnPage;
use wire::fc::{PortId, Wwn};

/// Names an N_Port of a node. Never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PortKey(pub u32);

impl PortKey {
    /// The port that the link belongs to.
    pub const PHYSICAL: Self = Self(0);
}

/// With whom to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Who has this address.
    Id(PortId),
    /// Who has this port name: by the name server; without one, among the neighbours.
    Name(Wwn),
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// There is no such session any more.
    #[error("not logged in")]
    NoSession,
    /// The port has no address, or no name server.
    #[error("the port is not online")]
    NotOnline,
    /// No exchange is free: try again in a later turn.
    #[error("no exchange is free")]
    Busy,
}

/// What happened, told to the owner of a node that is an initiator.
#[derive(Debug)]
pub enum NodeEvent {
    /// The link came up.
    LinkUp,
    /// It went down: all sessions are gone ([`NodeEvent::SessionDown`] came for each).
    LinkDown,
    /// A port has an address and is known by it.
    Online {
        /// Which.
        port: PortKey,
        /// Its address.
        port_id: PortId,
        /// How it is attached.
        topology: Topology,
    },
    /// A port lost its address.
    Offline {
        /// Which.
        port: PortKey,
    },
    /// The fabric refuses a port. It is tried again in a while.
    Refused {
        /// Which.
        port: PortKey,
        /// Why.
        reason: String,
    },
    /// Without a fabric: a neighbour is there and logged in with, not yet for a protocol.
    PeerUp {
        /// Our port.
        port: PortKey,
        /// The neighbour.
        peer: Names,
        /// Its address.
        peer_id: PortId,
    },
    /// Without a fabric: a neighbour is gone.
    PeerDown {
        /// Our port.
        port: PortKey,
        /// Its address.
        peer_id: PortId,
    },
    /// [`Node::login`](crate::Node::login) succeeded: commands may be sent.
    SessionUp {
        /// Our port.
        port: PortKey,
        /// With whom.
        info: SessionInfo,
    },
    /// A session that `login` made is gone; all its commands end ([`NodeEvent::Ended`] comes for each, before or after).
    SessionDown {
        /// Our port.
        port: PortKey,
        /// Which.
        session: SessionId,
    },
    /// `login` failed.
    LoginFailed {
        /// Our port.
        port: PortKey,
        /// As given.
        peer: Peer,
        /// As given.
        fc4: Fc4,
        /// A sentence.
        reason: String,
    },
    /// Something on the fabric changed: who looks for targets looks again.
    Rscn {
        /// The port that was told.
        port: PortKey,
        /// What it is about.
        pages: Vec<RscnPage>,
    },
    /// [`Node::command`](crate::Node::command) is over.
    Ended {
        /// Its name; stale now.
        xid: Xid,
        /// As given.
        context: u64,
        /// The memory.
        data: Data,
        /// The response IU; give it back by [`Node::recycle`](crate::Node::recycle). Or why there is none to believe.
        result: Result<Payload, Failure>,
        /// Bytes of data that came, each counted once.
        received: u32,
        /// Bytes of data that went, each counted once.
        sent: u32,
    },
    /// [`Node::ls`](crate::Node::ls) is over.
    LsReply {
        /// As given.
        context: u64,
        /// The reply, or why there is none.
        result: Result<Payload, Failure>,
    },
    /// [`Node::ct`](crate::Node::ct) is over.
    CtReply {
        /// As given.
        context: u64,
        /// The reply with its CT preamble, or why there is none.
        result: Result<Payload, Failure>,
    },
    /// A peer that we are logged in with sent an FC-4 link service request (NVMe Disconnect Association). Answer by
    /// [`Node::answer`](crate::Node::answer).
    LsRequest {
        /// Its name.
        xid: Xid,
        /// From whom.
        session: SessionId,
        /// What it says.
        payload: Box<[u8]>,
    },
}
