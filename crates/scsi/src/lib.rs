//! A SCSI device server (SAM-5, SPC-4, SBC-3), without a transport: logical units, I_T nexuses, task sets and task management.
//!
//! - Owns: on each core the nexuses that live there and their tasks ([`Scsi`], an [`exchange::CommandSet`]); on the control
//!   side the nodes, groups, maps and logical units ([`control`]).
//! - In: tasks from a port; messages from the control plane and from the other cores.
//! - Out: plans and replies; views for the cores.
//! - Limits: a LUN map has at most [`MOST_LUNS`] logical units; a nexus may have as many commands open on one of them as its
//!   node's queue depth; a command moves no more data than one buffer holds, and REPORT LUNS of a full map (131,080 bytes) is
//!   cut where the largest buffer ends.
//! - Not done: SPC-2 reservations of extents or for third parties, REPLACE LOST RESERVATION; protection information, ACA, linked or bidirectional commands, CDBs beyond 16 bytes, overlapped commands found
//!   out; saved mode parameters; thresholds of thin volumes (a device here does not know how full it is); access states of
//!   single logical units; SANITIZE OVERWRITE and CRYPTOGRAPHIC ERASE. START STOP UNIT never stops a unit that others use.
//!
//! Each I_T nexus has its own task set for each logical unit (TST 001b), so CLEAR TASK SET ends what ABORT TASK SET ends, and
//! no core waits for another but for a reset.
#![forbid(unsafe_code)]

pub mod control;
mod core;
mod identity;
mod message;
mod name;
mod network;
mod shared;
mod task;
mod view;

pub use self::core::{Config, Core, Scsi};
pub use identity::{DEFAULT_PRODUCT, DEFAULT_VENDOR, Identity, MOST_SERIAL};
pub use message::{Ack, CoreReport, Message, NexusReport, Peer, TaskReport};
pub use name::{IscsiName, PortName, TransportId};
pub use network::Network;
pub use shared::{AccessState, AccessStates, Cause, Device, Shared};
pub use task::{Attribute, Management, Origin, Reply, Residual, SENSE_BYTES, ServiceResponse, Task};
pub use view::{LogicalUnitView, MOST_LUNS, MapView, NodeView, PortView, Rule, Who};
