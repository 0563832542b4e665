//! What Linux offers to a polling core: doors for [`dma::Data`] and a few system calls, each behind a safe call.
//!
//! - Owns: [`SendQueue`] (all that one connection has to send, in one call), [`Uring`] (file I/O by io_uring), [`Epoll`], [`EventFd`],
//!   [`PacketSocket`] (Ethernet frames of an interface), [`VfioDevice`] (a PCI function and the memory that it may reach).
//! - In: handles and small headers. Out: the same handles, once the kernel is done with them.
//! - Limits: queues and rings have their memory for life; who fills them asks for room first.
//! - Not done: zero-copy sends (measured: a loss on loopback), io_uring for sockets (no gain), registered buffers.
//!
//! # Why unsafe, and what makes it sound
//! The kernel reads and writes by address, which the compiler cannot follow. So whoever lends an address to the kernel here also
//! *owns* what is behind it until the kernel is done: a [`SendQueue`] only lends within one call, a [`Uring`] keeps the
//! handle of each operation until its completion and does not end before. Lent region memory may change while the kernel
//! reads it; the kernel minds that as little as a disk does.
mod descriptors;
mod device;
mod epoll;
mod event;
mod gather;
mod headers;
mod interface;
mod memory;
mod packet;
mod receive;
mod send_queue;
mod seqpacket;
mod socket;
mod threads;
mod uring;
mod vfio;

pub use descriptors::{DESCRIPTORS, receive_with, send_with};
pub use device::{BlockDevice, O_DIRECT, block_device, direct_alignment};
pub use epoll::{Epoll, Interest, Ready};
pub use event::EventFd;
pub use interface::{Interface, interface};
pub use packet::{PACKET_BYTES, PacketSocket};
pub use receive::{Received, receive, receive_scatter};
pub use send_queue::{Flush, MESSAGE_HEADERS, MESSAGE_SEGMENTS, SIDE_BLOCK, SendQueue};
pub use seqpacket::{PACKETS, PacketBatch, send_packets};
pub use socket::{Congestion, Tune, listen, tune};
pub use threads::{online_cores, pin_to_core};
pub use uring::{Completion, FileSlot, Uring};
pub use vfio::{Container, Group, Iommufd, Reach, RegionInfo, VfioBar, VfioDevice};
