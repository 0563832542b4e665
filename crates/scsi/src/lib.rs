//! A SCSI device server (SAM-5, SPC-4, SBC-3), without a transport: logical units, I_T nexuses, task sets and task management.
//!
//! - Owns: on each core the nexuses that live there and their tasks ([`Scsi`], a [`exchange::CommandSet`]).
//! - In: tasks from a port; messages from the control plane and from the other cores.
//! - Out: plans and replies.
//! - Limits: a LUN map has at most [`MOST_LUNS`] logical units; a nexus may have as many commands open on one of them as its
//!   node's queue depth; a command moves no more data than one buffer holds.
#![forbid(unsafe_code)]

pub mod control;
mod core;
mod identity;
mod message;
mod task;
mod view;

pub use self::core::{Config, Core, Scsi};
pub use identity::{DEFAULT_PRODUCT, DEFAULT_VENDOR, Identity, MOST_SERIAL};
pub use message::{Ack, CoreReport, Message, NexusReport, Peer, TaskReport};
pub use task::{Attribute, Management, Origin, PortName, Reply, Residual, SENSE_BYTES, ServiceResponse, Task};
pub use view::{LogicalUnitView, MOST_LUNS, MapView, NodeView, PortView, Rule, Who};
