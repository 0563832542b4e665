//! What goes into a login from the initiator's side and what comes out.

use crate::chap::prover::Proof;
use crate::login::Request;
use crate::terms::Digest;
use crate::{Options, Parameters};

/// Who wants to log in where, and on what terms.
#[derive(Debug, Clone)]
pub struct Ask {
    /// InitiatorName.
    pub initiator: String,
    /// TargetName; a discovery session without one.
    pub target: Option<String>,
    /// Initiator session identifier.
    pub isid: [u8; 6],
    /// 0 for a new session.
    pub tsih: u16,
    /// Connection identifier.
    pub cid: u16,
    /// CmdSN of the login.
    pub cmd_sn: u32,
    /// The figures that are offered.
    pub options: Options,
    /// Digests of headers.
    pub header_digest: Digest,
    /// Digests of data.
    pub data_digest: Digest,
    /// CHAP, if it is to be offered (and then nothing else is).
    pub proof: Option<Proof>,
    /// Begin with the security stage even without CHAP, as most initiators do.
    pub security_stage: bool,
}

/// A login request to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Flags byte.
    pub flags: u8,
    /// ISID, TSIH, CID, CmdSN as in [`Ask`].
    pub isid: [u8; 6],
    /// As above.
    pub tsih: u16,
    /// As above.
    pub cid: u16,
    /// As above.
    pub cmd_sn: u32,
    /// ExpStatSN.
    pub exp_stat_sn: u32,
    /// The data segment.
    pub text: Vec<u8>,
}

impl Outgoing {
    /// As the target reads it.
    pub fn as_request(&self) -> Request<'_> {
        let &Outgoing { flags, isid, tsih, cid, cmd_sn, exp_stat_sn, ref text } = self;
        Request { immediate: true, flags, isid, tsih, cid, cmd_sn, exp_stat_sn, text, ..Request::default() }
    }
}

impl std::fmt::Debug for Outgoing {
    /// Without the text: it may hold a response of CHAP.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({:#04x}, CID {}, {} bytes)", self.flags, self.cid, self.text.len())
    }
}

/// What was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's handle.
    pub tsih: u16,
    /// What was agreed on.
    pub parameters: Parameters,
    /// TargetAlias.
    pub alias: Option<String>,
    /// TargetPortalGroupTag.
    pub portal_group: Option<u16>,
    /// CmdSN of the next command.
    pub cmd_sn: u32,
    /// MaxCmdSN of the last response.
    pub max_cmd_sn: u32,
    /// ExpStatSN from now on.
    pub exp_stat_sn: u32,
}

/// Why a login failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The target said so: Status-Class and Status-Detail.
    #[error("the target refused the login with status {0:#06x} ({1})")]
    Refused(u16, &'static str),
    /// The target broke the rules.
    #[error("{0}")]
    Violation(String),
}

impl Failure {
    /// Status-Class and Status-Detail, if the target refused.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Failure::Refused(status, _) => Some(*status),
            Failure::Violation(_) => None,
        }
    }
}

/// What follows a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this.
    Send(Outgoing),
    /// Full feature phase.
    Done(Session),
    /// Close the connection.
    Failed(Failure),
}

/// A status in words, with what to do about it.
pub(super) fn meaning(status: u16) -> &'static str {
    match status {
        0x0101 | 0x0102 => "the target moved; redirections are not followed",
        0x0201 => "authentication failure: check user, secret and whether CHAP is required",
        0x0202 => "not authorised: the target's initiator groups do not let this name or address in",
        0x0203 => "no such target on this portal",
        0x0204 => "the target was removed",
        0x0205 => "no common version",
        0x0206 => "too many connections",
        0x0207 => "a parameter is missing",
        0x0208 => "the session cannot include this connection",
        0x0209 => "session type not supported",
        0x020a => "no such session",
        0x020b => "a request that is invalid during login",
        0x0301 => "service unavailable: try again",
        0x0302 => "out of resources",
        _ if status >> 8 == 2 => "initiator error",
        _ if status >> 8 == 3 => "target error",
        _ => "a status without a meaning",
    }
}
