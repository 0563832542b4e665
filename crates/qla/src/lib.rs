//! A polled user-space driver for QLogic QLE26xx (ISP2031) and QLE27xx (ISP2261, ISP2271) adapters in target mode.
//!
//! - [`Adapter`]: one function of an adapter, on one core. [`QlaPort`]: its port for the control plane, an [`fc::Port`]; each of its services
//!   has a [`lane`] to each core that serves it, an [`fc::Queue`].
//! - Owns: the chip, its queues, logins, open exchanges. In: a [`pci::Device`], orders, time. Out: arrivals for the queues, state, counters.
//! - Limits: target mode only; polled, without interrupts; fabric or point-to-point.
//! - Not done: initiator (dual) mode, arbitrated loop, sequence retransmission, protection information, flash writing, firmware dumps,
//!   memory of the host for more exchanges.
//! - What is taken to be true of the firmware without proof: [`assumptions`], and `firmware-notes/` of the repository. Never run on metal.
#![forbid(unsafe_code)]

mod adapter;
pub mod assumptions;
mod board;
mod chip;
mod error;
pub mod intake;
pub mod lane;
mod port;
pub mod ring;

pub use adapter::{Adapter, Mode, Settings, Timing};
pub use board::AdapterInfo;
pub use chip::Fault;
pub use error::Error;
pub use port::QlaPort;
