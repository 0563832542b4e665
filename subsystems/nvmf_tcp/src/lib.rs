//! NVMe/TCP (NVMe over TCP transport 1.0): each core's connections as a port of the exchange machine, and the listeners.
//!
//! - Owns: sockets and what is in the middle of each ([`TcpPort`]), the listening sockets.
//! - In: bytes; fetches, sends and replies of the group.
//! - Out: commands, data and endings for the group; PDUs for the host.
//! - Limits: in `limits.rs`, each with its reason; commands of a connection by the queue depth.
//! - Not done: TLS, CPDA other than 0 (the host may put data right behind the header), zero-copy sends.
//!
//! A turn: one receive on each connection that may have something, all its PDUs looked at, one send of all replies.
#![forbid(unsafe_code)]

mod commands;
mod connection;
mod factory;
mod intake;
mod limits;
mod poller;
mod port;
mod ready;
pub mod receiver;
mod transport;

pub use factory::TcpFactory;
pub use poller::{CorePoller, Door, ListenPoller};
pub use port::{Accepted, Options, TcpPort};
pub use transport::TcpTransport;
