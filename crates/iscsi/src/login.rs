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

use crate::{Directory, Options, Parameters, Portal, Status};
use std::net::IpAddr;

/// A login request PDU without its opcode (11.12): the port has already checked digests (there are none yet) and lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request<'a> {
    /// The I bit: always set in a login request.
    pub immediate: bool,
    /// Flags byte as it came: T 80h, C 40h, CSG bits 3-2, NSG bits 1-0.
    pub flags: u8,
    /// Version-Max.
    pub version_max: u8,
    /// Version-Min.
    pub version_min: u8,
    /// Initiator session identifier.
    pub isid: [u8; 6],
    /// Target session identifying handle: 0 for a new session.
    pub tsih: u16,
    /// Initiator task tag: the same in all requests of a login.
    pub itt: u32,
    /// Connection identifier.
    pub cid: u16,
    /// CmdSN.
    pub cmd_sn: u32,
    /// ExpStatSN.
    pub exp_stat_sn: u32,
    /// The data segment, without padding.
    pub text: &'a [u8],
}

/// A login response PDU without its opcode (11.13).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// Flags byte: T 80h, C 40h, CSG bits 3-2, NSG bits 1-0.
    pub flags: u8,
    /// Version-Max.
    pub version_max: u8,
    /// Version-Active.
    pub version_active: u8,
    /// The initiator's.
    pub isid: [u8; 6],
    /// The session's, in the last response; 0 before.
    pub tsih: u16,
    /// The request's.
    pub itt: u32,
    /// StatSN of this response.
    pub stat_sn: u32,
    /// ExpCmdSN.
    pub exp_cmd_sn: u32,
    /// MaxCmdSN.
    pub max_cmd_sn: u32,
    /// Status-Class and Status-Detail: [`Status::code`].
    pub status: u16,
    /// The data segment, without padding.
    pub text: Vec<u8>,
}

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
    /// 0: a new session (which reinstates the one of the same initiator port and target port, if there is one). Otherwise the
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

/// One login, until it is in the full feature phase or refused.
#[derive(Debug)]
pub struct Login {
    agreement: Agreement,
    options: Options,
    stat_sn: u32,
}

impl Login {
    /// A connection was accepted. `stat_sn` is the StatSN of the first response, any number.
    pub fn new(peer: Peer, options: Options, stat_sn: u32) -> Login {
        let agreement = Agreement {
            initiator: String::new(),
            initiator_alias: None,
            kind: SessionKind::Discovery,
            isid: [0; 6],
            tsih: 0,
            cid: 0,
            cmd_sn: 0,
            peer,
            user: None,
            parameters: Parameters::default(),
        };
        Login { agreement, options, stat_sn }
    }

    /// A login request came.
    pub fn request(&mut self, request: &Request<'_>, directory: &dyn Directory) -> Step {
        let _ = (request, directory, &self.options);
        Step::Close("login is being written")
    }

    /// Another opcode than a login request came: the answer (status 020Bh) before the connection is closed, or nothing if
    /// there was no login request yet that it could belong to.
    pub fn other_request(&mut self) -> Option<Response> {
        None
    }

    /// What was agreed so far; complete once [`Step::Admit`] was given.
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// The session is there: the last response. The full feature phase begins when it has been sent; the next response's
    /// StatSN is [`Login::next_stat_sn`].
    pub fn admitted(&mut self, admission: Admission) -> Response {
        Response { tsih: admission.tsih, ..Response::default() }
    }

    /// The session cannot be had ([`Status::SessionDoesNotExist`], [`Status::TooManyConnections`], [`Status::OutOfResources`],
    /// ...): the response to send before the connection is closed.
    pub fn refused(&mut self, status: Status) -> Response {
        Response { status: status.code(), ..Response::default() }
    }

    /// StatSN of the next response on this connection.
    pub fn next_stat_sn(&self) -> u32 {
        self.stat_sn
    }
}
