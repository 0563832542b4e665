//! SCSI over Fibre Channel: each core's lanes as a port of the exchange machine, which FC ports are served, and the methods and
//! the configuration of SCSI.
//!
//! - Owns: the lanes of FC ports that serve FCP ([`FcpPort`]), on each core; the [`scsi::control::Manager`] of the process.
//! - In: arrivals of lanes; RPC calls `scsi_*`; FC ports that come and go ([`fc::Ports`]).
//! - Out: tasks for the SCSI core; data and responses for the lanes; the calls that rebuild the configuration.
//! - Limits: in `limits.rs`, each with its reason.
//! - Not done: FCP_CONF is not asked for; bidirectional commands and CDBs of more than 32 bytes are refused; sequences are not
//!   sent again (SRR).
//!
//! An FC port is served when it may serve FCP and a portal group names it. The cores' parts are made with the first portal group.
#![forbid(unsafe_code)]

mod limits;
mod poller;
mod port;
mod rpc;
mod subsystem;
mod transport;

pub use poller::{CorePoller, Order};
pub use port::{FcpPort, NewLane};
pub use subsystem::Fcp;
pub use transport::{FcpTransport, memory};
