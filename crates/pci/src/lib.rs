//! PCI functions: those that we drive, and those that we are.
//!
//! - [`Device`]: a function that a user-space driver owns, by whatever way: the kernel's VFIO, a vfio-user socket, a model in the
//!   process. [`Registers`]: one of its BARs.
//! - [`Model`]: a function that we are for somebody else: a virtual machine behind a vfio-user socket, our own driver.
//!   [`Bus`]: what such a function reaches: its host's memory and interrupts.
//! - [`Vfio`]: a function of this machine. [`inspect`], [`find`], [`Sysfs`]: what functions there are, and whose they are.
//! - [`in_process`]: a model driven by a driver in the same process. `contract` (a feature): what every way must do.
//! - Owns: nothing; the ways own their descriptors and mappings. In: register accesses. Out: the same, and faults.
//! - Limits: memory BARs only; MSI-X only.
//! - Not done: I/O BARs, INTx for drivers, hot plug.
#![forbid(unsafe_code)]

#[cfg(feature = "contract")]
pub mod contract;
mod device;
mod in_process;
mod model;
mod sysfs;
pub mod vfio;

pub use device::{Device, Error, Registers};
pub use in_process::{InProcess, Runner, in_process};
pub use model::{BARS, Bar, Bus, Fault, Model};
pub use sysfs::{Inspection, Sysfs, VFIO_DRIVER, find, inspect};
pub use vfio::Vfio;
