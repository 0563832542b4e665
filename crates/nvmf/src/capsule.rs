//! What passes between a port that carries NVMe and the NVMe core.

use std::fmt;
use std::net::SocketAddr;

/// A submission queue entry as it came, with what the fabric knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Capsule {
    /// The submission queue entry (NVMe Base 2.0, 3.3.3.1).
    pub sqe: [u8; 64],
    /// The queue that it came on: the port's number, as in [`exchange::Event::Opened`].
    pub queue: u32,
    /// Bytes of data that came in the capsule.
    pub inline: u32,
}

/// A completion queue entry as it goes (NVMe Base 2.0, 3.3.3.2), SQHD and SQID filled in.
pub type Completion = [u8; 16];

/// The address of one side of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// TCP and RDMA.
    Ip(SocketAddr),
    /// Fibre Channel: node and port name.
    Fc {
        /// World wide node name.
        wwnn: u64,
        /// World wide port name.
        wwpn: u64,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Fc { wwnn, wwpn } => write!(f, "nn-0x{wwnn:016x}:pn-0x{wwpn:016x}"),
        }
    }
}

/// Where a queue came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The listener that took it, as [`crate::ListenerView::id`].
    pub listener: u32,
    /// Our side.
    pub local: Address,
    /// The host's side.
    pub peer: Address,
}
