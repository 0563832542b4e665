//! FC-NVMe (FC-NVMe-2): each core's connections as a port of the exchange machine, associations, and the listeners.
//!
//! - Owns: on each core the connections that live there and their open commands ([`FcNvmePort`]); on the first core the
//!   associations; on the control side which Fibre Channel ports are listened on ([`FcTransport`]).
//! - In: commands, data and link service requests from any number of [`fc::Queue`]s; fetches, sends and replies of the group.
//! - Out: commands, data and endings for the group; data, responses and link service replies for the hosts.
//! - Limits: in `limits.rs`, each with its reason; commands of a connection by the size of its queue.
//! - Not done: first burst (declined at login), sequence level error recovery, fused commands, so CSN is not looked at: only
//!   the order of fused commands follows from it.
//!
//! A host creates an association by a link service on any port; that comes to the first core, which places the admin queue on
//! the core with the fewest connections. That core makes the connection identifier, whose low byte leads the fabric's
//! commands to it, and only then is the association accepted. I/O connections go the same way. Nothing of this is in the
//! way of a command.
//!
//! An association ends as a whole: when its host says so or is logged out, when its admin queue ends (the controller failed,
//! its subsystem or listener is gone), and when a command arrives that cannot be a command. What ended without the host is
//! told to it by a Disconnect Association of ours. An I/O connection alone ends when the NVMe layer ends its queue (reset,
//! shutdown, Disconnect); a command that still comes for it is terminated, as for any connection that is not known.
#![forbid(unsafe_code)]

mod associations;
mod connection;
mod factory;
mod ids;
mod intake;
mod lanes;
mod limits;
mod link_service;
mod notes;
mod poller;
mod port;
mod response;
mod transport;

pub use factory::FcFactory;
pub use notes::{Mail, Note};
pub use poller::CorePoller;
pub use port::{FcNvmePort, Options};
pub use transport::FcTransport;
