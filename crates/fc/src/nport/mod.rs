//! The N_Ports of a node: fabric login, name server, logins of peers and with peers. One file for each kind of service.
//!
//! What an N_Port is at a time is its [`Stage`]; everything here is a method of the node's [`Core`](crate::node::Core), which
//! owns the tables that they share (exchanges, requests, sessions).

mod answer;
mod dial;
mod directory;
mod fabric;
mod link;
mod login;
mod logout;
mod plogi;
mod point_to_point;
mod prli;
mod responder;
mod rscn;
mod stage;
mod third_party;

pub(crate) use login::{Login, LoginStep};

use crate::node::PortKey;
use crate::soft::Board;
use crate::{Fc4, Names, Service, Topology};
use ring::Tick;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use wire::fc::{PortId, Wwn};

/// How far a port is. A stage that waits for an answer says so by [`NPort::retry_at`] being none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Taken down by the operator.
    Disabled,
    /// No light.
    LinkDown,
    /// A virtual port whose physical port is not online.
    WaitParent,
    /// FLOGI or FDISC.
    Fabric,
    /// The other side is an N_Port too. The one with the larger name logs in with the other and so gives both addresses.
    PointToPoint {
        /// That is us.
        first: bool,
    },
    /// PLOGI with the directory server.
    Directory,
    /// Registrations with the name server, one after the other.
    Register,
    /// SCR with the fabric controller.
    StateChanges,
    /// All is done.
    Online,
    /// The fabric does not want the port. It is tried again after a long time.
    Refused,
}

/// A service that is attached.
pub(crate) struct Offer {
    pub service: Service,
    /// Places of its lanes in the node's table; never empty.
    pub lanes: Vec<usize>,
    /// The lane of the next session that belongs to one lane.
    pub next_lane: usize,
}

/// A port that is logged in (PLOGI), whoever began it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerPort {
    pub names: Names,
    /// The largest payload to it.
    pub max_payload: u16,
    /// Whether it is being looked at after an RSCN.
    pub verifying: Verify,
}

/// How far the look at a peer after a change of the fabric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verify {
    Idle,
    Asked,
    /// Another change came after the question was sent: ask again.
    AskedAgain,
}

/// A PLOGI of ours that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dial {
    pub attempts: u32,
    /// When to send the next one; none while one is out.
    pub retry_at: Option<Tick>,
}

/// An N_Port.
pub(crate) struct NPort {
    pub key: PortKey,
    pub names: Names,
    /// Its address; 0 while it has none.
    pub id: PortId,
    /// The operator wants it up.
    pub enabled: bool,
    pub stage: Stage,
    /// Counts its lives: an answer to a request of an earlier one is dropped.
    pub epoch: u32,
    pub attempts: u32,
    pub retry_at: Option<Tick>,
    /// Why it is no farther.
    pub reason: Option<String>,
    pub topology: Option<Topology>,
    pub fabric: Option<Wwn>,
    /// The fabric gives further addresses (NPIV).
    pub npiv: bool,
    /// By FC-4 type.
    pub offers: [Option<Offer>; 2],
    pub peers: BTreeMap<PortId, PeerPort>,
    /// PLOGIs of ours that are under way.
    pub dials: BTreeMap<PortId, Dial>,
    /// Ports that the link has told of (VN2VN).
    pub neighbours: Vec<PortId>,
    /// Logins that the owner of an initiator asked for and that are not done.
    pub logins: Vec<Login>,
    /// Requests to the name server that wait for their turn.
    pub registrations: VecDeque<Vec<u8>>,
    pub registering: bool,
    /// "Target port Link Up" was logged.
    pub announced: bool,
    /// To whom LOGO was sent for a command without a login, and until when it is not repeated.
    pub logos: VecDeque<(PortId, Tick)>,
    pub board: Arc<Board>,
    /// It changed since it was shown.
    pub changed: bool,
}

impl NPort {
    pub fn new(key: PortKey, names: Names, board: Arc<Board>) -> Self {
        Self {
            key,
            names,
            id: PortId::NONE,
            enabled: true,
            stage: if key == PortKey::PHYSICAL { Stage::LinkDown } else { Stage::WaitParent },
            epoch: 0,
            attempts: 0,
            retry_at: None,
            reason: None,
            topology: None,
            fabric: None,
            npiv: false,
            offers: [None, None],
            peers: BTreeMap::new(),
            dials: BTreeMap::new(),
            neighbours: Vec::new(),
            logins: Vec::new(),
            registrations: VecDeque::new(),
            registering: false,
            announced: false,
            logos: VecDeque::new(),
            board,
            changed: true,
        }
    }

    pub fn is_physical(&self) -> bool {
        self.key == PortKey::PHYSICAL
    }

    /// Peers may log in: it has an address.
    pub fn is_addressed(&self) -> bool {
        self.id != PortId::NONE
    }

    #[inline]
    pub fn offer(&self, fc4: Fc4) -> Option<&Offer> {
        self.offers[fc4 as usize].as_ref()
    }

    /// The address at which a port name is logged in.
    pub fn address_of(&self, name: Wwn) -> Option<PortId> {
        self.peers.iter().find(|(_, peer)| peer.names.port == name).map(|(id, _)| *id)
    }
}

/// The wait before the next attempt when `attempts` failed: twice as long each time, up to a limit.
pub(crate) fn back_off(first: Tick, limit: Tick, attempts: u32) -> Tick {
    first.saturating_mul(1 << attempts.min(16)).min(limit)
}
