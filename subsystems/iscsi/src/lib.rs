//! The iSCSI target portal (RFC 7143): each core's connections as a port of the exchange machine, and the listeners.
#![forbid(unsafe_code)]

mod commands;
mod connection;
pub mod limits;
mod names;
mod poller;
mod port;
mod ready;
pub mod receiver;
mod registry;
mod session;
mod transport;

pub use poller::{CorePoller, Door, ListenPoller, Order};
pub use port::{Accepted, IscsiPort, Settings};
pub use registry::Registry;
pub use transport::{ConnectionReport, IscsiTransport, SessionReport, memory};
