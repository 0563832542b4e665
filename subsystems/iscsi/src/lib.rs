//! The iSCSI target portal (RFC 7143): each core's connections as a port of the exchange machine, and the listeners.
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
