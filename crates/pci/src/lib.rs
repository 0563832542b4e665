//! PCI functions: those that we drive, and those that we are.
//!
//! - [`Device`]: a function that a user-space driver owns, by whatever way: the kernel's VFIO, a vfio-user socket, a model in the
//!   process. [`Registers`]: one of its BARs.
//! - [`Model`]: a function that we are for somebody else: a virtual machine behind a vfio-user socket, our own driver.
//!   [`Bus`]: what such a function reaches: its host's memory and interrupts.
//! - Owns: nothing; the ways own their descriptors and mappings. In: register accesses. Out: the same, and faults.
//! - Limits: memory BARs only; MSI-X only.
//! - Not done: I/O BARs, INTx for drivers, hot plug.
#![forbid(unsafe_code)]

mod device;
mod model;

pub use device::{Device, Error, Registers};
pub use model::{BARS, Bar, Bus, Fault, Model};
