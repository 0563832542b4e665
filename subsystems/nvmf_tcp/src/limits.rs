//! How much a core and a connection may take, each with its reason.

use ring::Tick;

/// Bytes of the receive buffer that all connections of a core share. 64 KiB stay in the second-level cache; more saves
/// system calls at 128 KiB writes.
pub const RECEIVE_BYTES: usize = 128 << 10;

/// Payloads from here on are received where they belong instead of through the shared buffer.
pub const SCATTER_BYTES: u32 = 4096;

/// Bytes that one R2T asks for, and the largest H2CData (MAXH2CDATA): a host sends them in one go.
pub const R2T_BYTES: u32 = 128 << 10;

/// The admin queue takes this much in-capsule data whatever is configured (NVMe/TCP 1.0, 3.3.1).
pub const ADMIN_CAPSULE_BYTES: u32 = 8192;

/// Connections up to this number are asked for data each turn; more are asked by `epoll`, which then costs less.
pub const HOT_CONNECTIONS: usize = 8;

/// Turns between two looks at the connections that are not asked each turn.
pub const COLD_TURNS: u64 = 32;

/// A connection that had nothing this many times in a row is not asked each turn any more.
pub const COLD_AFTER: u32 = 4096;

/// Connections of one core; more are refused at the door.
pub const CONNECTIONS: usize = 1024;

/// Time for ICReq, from the accept.
pub const ICREQ_NS: Tick = 10_000_000_000;

/// Time in which a peer must move on when it holds our buffers: data that it owes, or data that it does not take.
pub const PROGRESS_NS: Tick = 30_000_000_000;

/// Time for the last replies and for the peer's own close.
pub const CLOSING_NS: Tick = 2_000_000_000;

/// How often deadlines are looked at.
pub const SWEEP_NS: Tick = 100_000_000;

/// Bytes of header memory that a command's replies need at most: R2T (28), C2HData (28 and padding to 128), CapsuleResp (28).
pub const fn reply_bytes(alignment: u32) -> usize {
    28 + 28 + 4 + if alignment > 4 { 128 } else { 28 }
}

/// Bytes of header memory beside that: ICResp, a terminate request, and what is lost where the ring wraps.
pub const SLACK_BYTES: usize = 1024;

/// Full queues whose operations a device is opened for on each core. More queues may be there: the group's buffers bound
/// what is in flight.
pub const BUSY_QUEUES: u32 = 8;
