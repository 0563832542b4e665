//! SCSI over Fibre Channel: each core's lanes as a port of the exchange machine, and which FC ports are served.
//!
//! - Owns: the lanes of FC ports that serve FCP ([`FcpPort`]), on each core.
//! - In: arrivals of lanes; which ports portal groups name; FC ports that come and go ([`fc::Ports`]).
//! - Out: tasks for the SCSI core; data and responses for the lanes.
//! - Limits: in `limits.rs`, each with its reason.
//! - Not done: FCP_CONF is not asked for; bidirectional commands and CDBs of more than 32 bytes are refused; sequences are not
//!   sent again (SRR).
//!
//! An FC port is served when it may serve FCP and a portal group names it. The cores' parts are made with the first portal group.
#![forbid(unsafe_code)]

mod factory;
mod limits;
mod poller;
mod port;
mod transport;

pub use factory::FcpFactory;
pub use poller::{CorePoller, Order};
pub use port::{FcpPort, NewLane};
pub use transport::{FcpTransport, memory};
