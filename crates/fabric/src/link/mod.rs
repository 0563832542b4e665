//! Links between processes: a Unix socket of packets (`SOCK_SEQPACKET`), one frame a packet.
//!
//! What goes over it: frames, header and payload; and messages of 8 bytes, which no frame is short enough to be: `qfcl`, a
//! version (1), what it says (1 up, 2 down), the largest payload that the sender takes (2 bytes, big-endian). Each side begins
//! with «up»; the link is up while both have said so last. Anything else ends the connection.
//!
//! - [`UnixListener`]: the switch's side; [`UnixLink`]: the N_Port's; [`UnixMaker`] makes those.
//! - Limits: [`BACKLOG`] frames wait in a link for a socket that takes no more, then it has no room.

mod client;
mod pipe;
mod server;

pub use client::{UnixLink, UnixMaker};
pub use pipe::BACKLOG;
pub use server::UnixListener;
