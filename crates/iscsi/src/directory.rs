//! What a login has to know of the target around it: asked of a [`Directory`], which answers from memory at once.
//!
//! The port calls [`crate::Login`] with a directory; the iSCSI subsystem implements it over its nodes, portal groups, initiator
//! groups and authentication groups.

use crate::Secret;
use std::net::{IpAddr, SocketAddr};

/// Which node names, what may be seen by whom, and what a visitor must prove. Called from the core that does a login; may take a
/// short uncontended mutex.
pub trait Directory: Send + Sync {
    /// The figures that a login negotiates with; asked once for each login.
    fn options(&self) -> Options;

    /// What a discovery session on this portal must prove (the portal group's own policy if it has one, otherwise the target's).
    fn discovery(&self, portal: &Portal) -> AuthPolicy;

    /// The node `name` (already normalised: lower case) as `visitor` sees it: [`Denied::NotFound`] if there is none or none on
    /// this portal group, [`Denied::Forbidden`] if no initiator group lets the visitor in (names and netmasks).
    fn target(&self, name: &str, visitor: &Visitor<'_>) -> Result<TargetInfo, Denied>;

    /// The nodes that SendTargets=All tells this visitor about, each with the portals where it can be reached. Only nodes that
    /// `target` would let the visitor into on one of those portals. A wildcard address is already replaced by the one that
    /// the visitor came to.
    fn targets(&self, visitor: &Visitor<'_>) -> Vec<TargetRecord>;

    /// The credentials of `user` in authentication group `group`.
    fn credentials(&self, group: u32, user: &str) -> Option<Credentials>;
}

/// Why [`Directory::target`] does not give a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No such node here: login status 0203h.
    NotFound,
    /// It is there, and not for this initiator: login status 0202h.
    Forbidden,
    /// It is there and going away or not ready: login status 0301h.
    Unavailable,
    /// It was removed for good: login status 0204h.
    Removed,
}

/// The portal that a connection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portal {
    /// Tag of its portal group.
    pub group: u16,
    /// Our end of the connection (`getsockname`), never a wildcard.
    pub address: SocketAddr,
}

/// Who logs in, and over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor<'a> {
    /// The InitiatorName it declared, normalised to lower case.
    pub initiator: &'a str,
    /// Its address.
    pub address: IpAddr,
    /// Where it came to.
    pub portal: Portal,
}

/// A node that a visitor may log in to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetInfo {
    /// What it must prove.
    pub auth: AuthPolicy,
    /// The node insists on header digests (UseDigest, `header_digest`): None is not accepted.
    pub header_digest: bool,
    /// The node insists on data digests.
    pub data_digest: bool,
    /// TargetAlias, if it has one.
    pub alias: Option<String>,
}

/// One node in the answer to SendTargets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRecord {
    /// TargetName.
    pub name: String,
    /// Where it can be reached, each with the tag of the portal group.
    pub portals: Vec<(SocketAddr, u16)>,
}

/// What a visitor must prove, and from which secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthPolicy {
    /// Whether CHAP is done.
    pub chap: Chap,
    /// The initiator must ask us to prove ourselves too (mutual CHAP).
    pub mutual: bool,
    /// The authentication group with the secrets; without one nobody passes CHAP.
    pub group: Option<u32>,
}

/// Whether CHAP is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chap {
    /// Never (`AuthMethod None`, `disable_chap`): an initiator that offers only CHAP is refused.
    Never,
    /// If the initiator prefers it (`AuthMethod Auto`).
    #[default]
    Offered,
    /// Always (`AuthMethod CHAP`, `require_chap`).
    Required,
}

/// A user's secrets.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// What the initiator proves that it knows.
    pub secret: Secret,
    /// Our own name and secret, for mutual CHAP.
    pub mutual: Option<(String, Secret)>,
}

/// The figures that a login negotiates with: each is our offer, the outcome is in [`crate::Parameters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// MaxRecvDataSegmentLength that we declare: the largest data segment that the port can receive, in bytes.
    pub max_recv_data_segment_length: u32,
    /// FirstBurstLength, bytes, 512 to 2^24-1.
    pub first_burst_length: u32,
    /// MaxBurstLength, bytes, 512 to 2^24-1, not below the first burst.
    pub max_burst_length: u32,
    /// ImmediateData.
    pub immediate_data: bool,
    /// InitialR2T.
    pub initial_r2t: bool,
    /// MaxOutstandingR2T.
    pub max_outstanding_r2t: u16,
    /// MaxConnections of a session.
    pub max_connections: u16,
    /// DefaultTime2Wait, seconds.
    pub time2wait: u16,
    /// DefaultTime2Retain, seconds.
    pub time2retain: u16,
    /// The command window of a new session (MaxCmdSN = ExpCmdSN + this - 1) until the port says otherwise.
    pub queue_depth: u16,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            max_recv_data_segment_length: 64 << 10,
            first_burst_length: 64 << 10,
            max_burst_length: 1 << 20,
            immediate_data: true,
            initial_r2t: false,
            max_outstanding_r2t: 1,
            max_connections: 2,
            time2wait: 2,
            time2retain: 20,
            queue_depth: 64,
        }
    }
}
