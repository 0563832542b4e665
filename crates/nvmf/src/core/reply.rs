//! What planning a command comes to, and how a completion is worded.

use exchange::Plan;
use wire::nvme::{Cqe, Status};
use wire::zerocopy::transmute;

use crate::Completion;

/// Why a command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    pub status: Status,
    /// Dword 0: the wrong parameter of a Connect.
    pub dw0: u32,
}

/// The same command would fail again, so a bare status gets «do not retry».
impl From<Status> for Fail {
    fn from(status: Status) -> Self {
        Self { status: status.with_dnr(), dw0: 0 }
    }
}

impl Fail {
    /// A later try may do.
    pub const fn retry(status: Status) -> Self {
        Self { status, dw0: 0 }
    }
}

/// What an admin or Fabrics command needs, once it was found sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is done; dwords 0 and 1.
    Done(u64),
    /// Data for the host.
    Answer(u32),
    /// Data from the host.
    Take(u32),
    /// An answer that others give.
    Control,
    /// An answer that something else triggers.
    Park,
}

pub(crate) type Verdict = Result<Step, Fail>;

/// A step that is not a reply, as the machine wants it.
pub(crate) fn plan_of(step: Step) -> Option<Plan<Completion>> {
    match step {
        Step::Done(_) => None,
        Step::Answer(len) => Some(Plan::Answer { len }),
        Step::Take(len) => Some(Plan::Take { len }),
        Step::Control => Some(Plan::Control),
        Step::Park => Some(Plan::Park),
    }
}

/// The bytes of a completion.
#[inline]
pub(crate) fn completion(cid: u16, status: Status, value: u64, sqhd: u16) -> Completion {
    transmute!(Cqe::new(cid, status).with_value(value).with_sqhd(sqhd))
}
