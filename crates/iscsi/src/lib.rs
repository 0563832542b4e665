//! iSCSI (RFC 7143, with RFC 7144's keys) before and beside the data path: text keys, their negotiation, login, CHAP, SendTargets.
//!
//! - Owns: nothing that lives longer than a connection's login; [`secrets::AuthGroups`] is a value for whoever holds it.
//! - In: login and text requests as [`login::Request`] and [`text_phase::Request`] (the port takes them from and puts them into
//!   PDUs); answers about nodes and secrets from a [`Directory`].
//! - Out: responses, and at the end an [`Agreement`]: who logged in where, and the [`Parameters`] of session and connection.
//! - Limits: `limits.rs`.
//! - Not done: SRP, Kerberos and SPKM (not offered; CHAP and None are), markers (answered `No`), ErrorRecoveryLevel above 0
//!   (answered 0), redirection, iSER.
//!
//! No input or output, no clock: whoever owns the socket also ends a login that takes too long.
#![forbid(unsafe_code)]

pub mod chap;
pub mod directory;
pub mod initiator;
mod keys;
pub mod limits;
pub mod login;
mod name;
mod negotiation;
mod parameters;
pub mod secrets;
mod status;
mod terms;
pub mod text;
pub mod text_phase;

pub use directory::{AuthPolicy, Chap, Credentials, Directory, Options, Portal, TargetInfo, TargetRecord, Visitor};
pub use login::{Admission, Agreement, Login, Peer, SessionKind, Step};
pub use name::normalise;
pub use parameters::Parameters;
pub use secrets::Secret;
pub use status::Status;
