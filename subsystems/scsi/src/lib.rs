//! The SCSI target as a subsystem: its RPC methods, its configuration, its stop.
//!
//! - Owns: the [`scsi::control::Manager`] of the process; the factories of transports.
//! - In: RPC calls `scsi_*`, which have the shape of SPDK's `iscsi_*`, with FC ports beside addresses.
//! - Out: results and errors with the reason in `data`; the calls that rebuild nodes, groups and what volumes are called.
//! - Limits: a transport is made with the first portal group that has a port of its kind, and lives until the end. States of
//!   target port groups are saved as they are at that moment, also those that a host set (SET TARGET PORT GROUPS).
#![forbid(unsafe_code)]

mod factory;
mod rpc;
mod subsystem;

pub use factory::{Kind, TransportFactory};
pub use rpc::{answer, read_address};
pub use subsystem::ScsiTarget;
