//! The vfio-user protocol: devices for virtual machines, and such devices for us.
//!
//! - Owns: [`Server`], which hosts one [`pci::Model`] on one Unix socket for one client at a time (a QEMU guest, a user-space driver).
//!   It is polled, and never waits (but see «DMA without memory»). [`Client`], a [`pci::Device`] behind such a socket, for our own drivers.
//! - In: a socket path and a model. Out: register accesses, the client's memory and interrupts for the model.
//! - Limits: messages of [`message::MESSAGE_MAX`] bytes, [`memory::MAPPINGS`] mappings, 16 descriptors a message. A client that does not
//!   read its replies for [`server::STALL`] is disconnected; so is one whose bytes are no messages.
//! - Not done: mapped BARs (every access is a message), live migration, dirty pages, twin sockets, I/O regions by descriptors, MSI.
//!
//! # DMA without memory
//! Where a client has not sent a descriptor for its memory, the server asks it to read or write (DMA_READ, DMA_WRITE) and waits for
//! the answer, at most [`dma_messages::PATIENCE`]. That is slow, and a client that waits for us meanwhile does not answer: then the access is a fault,
//! and so is every later one until an answer has come. A guest's memory ought to be a shared memfd.
//!
//! The layouts are those of the vfio-user specification 0.1 in the documentation of QEMU, and of `linux/vfio.h`. Numbers are in the
//! machine's own byte order.
#![forbid(unsafe_code)]

mod channel;
pub mod client;
pub mod connection;
pub mod dma_messages;
mod interrupts;
pub mod memory;
pub mod message;
pub mod server;
mod session;
mod socket;
pub mod version;

pub use client::Client;
pub use server::Server;
