//! A login from the target's side: eats login requests, gives login responses, ends in an [`Agreement`] or a refusal.
//!
//! How the port drives it:
//!
//! ```text
//! let mut login = Login::new(peer, directory.options(), stat_sn);
//! each login request:   match login.request(&request, directory)
//!   Step::Send(response)      send it, wait for the next request
//!   Step::Admit               look at login.agreement(): find or make the session (that may be another core's work), then
//!                             login.admitted(admission) -> the last response: send it, full feature phase begins, or
//!                             login.refused(status) -> send it and close
//!   Step::Refuse(response)    send it and close
//!   Step::Close(why)          close without a word
//! ```

mod course;
mod identity;
mod machine;
mod pdu;
mod refusal;

pub use machine::Login;
pub use pdu::{CONTINUE, Request, Response, Stage, TRANSIT, flags};

use crate::{Parameters, Portal};
use std::net::IpAddr;

/// The connection that a login is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The initiator's address.
    pub address: IpAddr,
    /// The portal that it came to.
    pub portal: Portal,
}

/// What the port does after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this and wait for the next request.
    Send(Response),
    /// All is agreed: see [`Login::agreement`]; then [`Login::admitted`] or [`Login::refused`].
    Admit,
    /// Send this and close the connection.
    Refuse(Response),
    /// Close the connection: what came cannot be answered.
    Close(&'static str),
}

/// What kind of session was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKind {
    /// SessionType=Discovery: text requests and logout only.
    Discovery,
    /// SessionType=Normal, with this node (normalised name).
    Normal {
        /// TargetName.
        target: String,
    },
}

/// Who logged in where, and on what terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// InitiatorName, normalised.
    pub initiator: String,
    /// InitiatorAlias, if one was declared.
    pub initiator_alias: Option<String>,
    /// What was asked for.
    pub kind: SessionKind,
    /// Initiator session identifier.
    pub isid: [u8; 6],
    /// TSIH as it was asked for. 0: a new session (which reinstates the one of the same initiator port and target port, if there is one). Otherwise the
    /// session that this connection joins (or, with a CID that is there, whose connection it reinstates).
    pub tsih: u16,
    /// Connection identifier.
    pub cid: u16,
    /// CmdSN of the login: the session's first ExpCmdSN when it is new.
    pub cmd_sn: u32,
    /// The connection.
    pub peer: Peer,
    /// The CHAP user, if there was authentication.
    pub user: Option<String>,
    /// Parameters. When `tsih` is not 0 only those of the connection count; those of the session are its first login's.
    pub parameters: Parameters,
}

/// The port's answer to [`Step::Admit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The session's handle, not 0.
    pub tsih: u16,
    /// The session's ExpCmdSN (for a new one: [`Agreement::cmd_sn`]).
    pub exp_cmd_sn: u32,
    /// The session's MaxCmdSN.
    pub max_cmd_sn: u32,
}
