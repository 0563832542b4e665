//! The iSCSI target portal (RFC 7143): each core's connections as a port of the exchange machine, the listeners, and SPDK's methods.
//!
//! - Owns: sockets, sessions and what is in the middle of each ([`IscsiPort`]), the listening sockets, which sessions there are on
//!   all cores ([`Registry`]).
//! - In: bytes; fetches, sends and replies of the group; answers of a [`iscsi::Directory`] to logins.
//! - Out: tasks, data and endings for the SCSI core; PDUs for the initiator.
//! - Limits: in `limits.rs`, each with its reason. A session sets apart places for all commands of its window and their unsolicited
//!   data; what of that is never used takes no memory. MaxCmdSN says what is free.
//! - Not done: ErrorRecoveryLevel above 0 (SNACK is rejected, tasks are not reassigned, logout for recovery is refused),
//!   bidirectional commands, CDBs of more than 32 bytes, negotiation of session parameters after login, zero-copy sends.
//!
//! Where the standard leaves a choice or is not followed to the letter:
//! - Data that is wrong (order, amount, digest) ends its command with the sense data of 11.4.7.2 when the sequence is over; a
//!   transfer tag that is not valid is rejected; data of a task that is over, or that nobody knows, is dropped without a word,
//!   because an initiator may not know yet.
//! - Task management does not wait for the data of R2Ts that are out (4.2.3.3): initiators of the field send none any more.
//! - Immediate commands are not checked against the window, and have places of their own beside it.
//! - A harmed header ends the connection without a word; a new session of the same initiator port ends the old one at once.
//! - The loss of one of several connections ends its commands only; a gap that it leaves in the command numbers ends the session.
//!
//! A turn: one receive on each connection that may have something, all its PDUs looked at, one send of all replies.
#![forbid(unsafe_code)]

mod commands;
mod connection;
mod directory;
mod factory;
pub mod limits;
mod names;
mod options;
mod poller;
mod port;
mod ready;
pub mod receiver;
mod registry;
mod rpc;
mod session;
mod state;
mod subsystem;
mod transport;

pub use factory::IscsiFactory;
pub use poller::{CorePoller, Door, ListenPoller, Order};
pub use port::{Accepted, IscsiPort, Settings};
pub use registry::Registry;
pub use state::State;
pub use subsystem::Iscsi;
pub use transport::{ConnectionReport, IscsiTransport, SessionReport, memory};
