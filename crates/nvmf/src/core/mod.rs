//! One core's part of NVMe-oF: the command set that plans what arrives there, and the messages that keep the cores in step.
//!
//! A *home* is one core of one transport. A controller is at home where its admin queue lives; the subsystem's
//! [`crate::ControllerIds`] say where that is, so whoever has a controller identifier knows whom to ask. Its I/O queues may
//! live on any home of the transport: each knows what planning needs, and the controller's home keeps the list of them.

mod abort;
mod admin;
mod aer;
mod connect;
mod controller;
mod discovery;
mod error_log;
mod fabrics;
mod feature;
mod feature_values;
mod identify;
mod life;
mod log_page;
mod machine;
mod namespace_data;
mod nvm;
mod nvm_command;
mod orders;
mod peer;
mod property;
mod queue;
mod reply;
mod sgl;
mod smart;
mod status;
mod subsystem;
#[cfg(test)]
mod tests;
mod update;

pub use machine::{Config, Core};
pub use nvm_command::Nvm;
pub use queue::QueueCounters;
