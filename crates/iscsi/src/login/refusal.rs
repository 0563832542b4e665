//! Why a login is refused: the status for the initiator, the words for our log.

use crate::chap::verifier::Failed;
use crate::directory::Denied;
use crate::negotiation::Fault;
use crate::text::Malformed;
use crate::{Chap, Status};
use std::borrow::Cow;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the initiator is told.
    pub status: Status,
    /// What our log says; never a secret.
    pub why: Cow<'static, str>,
}

impl Refusal {
    /// With words that are always the same.
    pub const fn new(status: Status, why: &'static str) -> Refusal {
        Refusal { status, why: Cow::Borrowed(why) }
    }

    /// A protocol error: status 0200h.
    pub const fn protocol(why: &'static str) -> Refusal {
        Refusal::new(Status::InitiatorError, why)
    }

    fn said(status: Status, why: impl ToString) -> Refusal {
        Refusal { status, why: Cow::Owned(why.to_string()) }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Refusal {
        Refusal::said(Status::InitiatorError, malformed)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::said(Status::InitiatorError, fault)
    }
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Refusal {
        let status = match failed {
            Failed::Authentication(_) => Status::AuthenticationFailure,
            Failed::Protocol(_) => Status::InitiatorError,
            Failed::Random => Status::OutOfResources,
        };
        Refusal::said(status, failed)
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Refusal {
        let (status, why) = match denied {
            Denied::NotFound => (Status::NotFound, "no such node on this portal"),
            Denied::Forbidden => (Status::AuthorizationFailure, "no initiator group lets this initiator in"),
            Denied::Unavailable => (Status::ServiceUnavailable, "the node is not ready"),
            Denied::Removed => (Status::TargetRemoved, "the node was removed"),
        };
        Refusal::new(status, why)
    }
}

/// What is said when a stage is left without the authentication that the policy wants.
pub const fn evaded(chap: Chap) -> Refusal {
    let why = match chap {
        Chap::Required => "CHAP is required, and the initiator did not begin it",
        _ => "the initiator left the authentication half done",
    };
    Refusal::new(Status::AuthenticationFailure, why)
}
