//! iSCSI in user space (RFC 7143, RFC 7144): an initiator that logs in, discovers and sends commands, and is strict about answers.
//!
//! - Owns: [`IscsiQueue`] (one session of one connection), [`discover`] (SendTargets), [`IscsiAddress`], [`IscsiOptions`].
//! - In: commands in slots, as all queues here. Out: completions, with what the unit said.
//! - Limits: one connection a session (its own ISID each, so that several sessions with a target are no reinstatements of each
//!   other); data in order; ErrorRecoveryLevel 0.
//! - Not done: redirections are not followed, no reconnection: a session that is lost is lost.

mod address;
mod control;
mod discovery;
mod input;
mod login;
mod options;
mod queue;
mod receive;
mod send;
mod stream;

pub use address::IscsiAddress;
pub use control::Heard;
pub use discovery::{Found, discover};
pub use options::{IscsiOptions, proof_from};
pub use queue::IscsiQueue;

use crate::Error;

/// What a target did that RFC 7143 does not allow.
fn broken(what: impl std::fmt::Display) -> Error {
    Error::Controller(format!("the target broke RFC 7143: {what}"))
}
