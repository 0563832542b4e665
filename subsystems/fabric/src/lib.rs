//! The subsystem `fabric`: Fibre Channel switches in this process, and the methods that run them (`fabric_*`).
//!
//! - Owns: the switches by name and the virtual adapters, each a poller on one core; the pool of frames that all links of the process share.
//! - In: calls; ports that ask for a link `fabric` or `fabric:NAME` ([`FabricSubsystem::makers`]); guests on adapters' sockets.
//! - Out: reports; the calls that rebuild fabrics, zones, listeners and adapters. Injected faults and ports that were taken down are for the
//!   moment and not saved.
//! - Limits: [`frames::FRAMES`] frames in the process; those of `fabric::limits` for each switch; 64 adapters, 24 MiB of ordinary memory each.
//! - Not done: fabrics of several switches; adapters of two ports on one board.
#![forbid(unsafe_code)]

mod config;
mod control;
mod faults;
pub mod frames;
mod hba;
mod maker;
mod methods;
mod poller;
mod resident;
mod subsystem;
mod zones;

pub use subsystem::FabricSubsystem;
