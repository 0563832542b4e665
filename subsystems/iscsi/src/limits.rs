//! How much a core, a session and a connection may take, each with its reason.

use dma::Class;
use ring::Tick;
use std::time::Duration;

/// Bytes of the receive buffer that all connections of a core share.
pub const RECEIVE_BYTES: usize = 128 << 10;

/// Payloads from here on are received where they belong instead of through the shared buffer.
pub const SCATTER_BYTES: u32 = 4096;

/// Connections up to this number are asked for data each turn; more are asked by `epoll`, which then costs less.
pub const HOT_CONNECTIONS: usize = 8;

/// Turns between two looks at the connections that are not asked each turn.
pub const COLD_TURNS: u64 = 32;

/// A connection that had nothing this many times in a row is not asked each turn any more.
pub const COLD_AFTER: u32 = 4096;

/// Connections of one core; more are refused at the door.
pub const CONNECTIONS: usize = 1024;

/// Connections of one core that have not logged in; more are refused at the door.
pub const FRESH_CONNECTIONS: usize = 128;

/// Bytes of the data segment of a login request. The standard has 8192 until something else is agreed on, and some send more.
pub const LOGIN_BYTES: u32 = 16 << 10;

/// Bytes of the data segment of a text request or NOP-Out.
pub const TEXT_BYTES: u32 = 64 << 10;

/// Task management functions and other immediate commands that a session may have open beyond its window; more are rejected.
pub const IMMEDIATE: u16 = 16;

/// The largest command window: transfer tags have 16 bits for the place of a command, and 64 sessions have room at this.
pub const MOST_DEPTH: u16 = 512;

/// Commands that a core may have open, of all its sessions together; more logins are refused for lack of resources.
pub const COMMANDS: usize = 0xffff;

/// PDUs other than replies that may wait on a connection; it is not read from meanwhile.
pub const PACKETS: usize = 64;

/// Time in which a peer must move on when it holds our buffers: data that it owes, or data that it does not take.
pub const PROGRESS_NS: Tick = 30_000_000_000;

/// Time that a gap in the command numbers of a session of several connections may last.
pub const GAP_NS: Tick = 10_000_000_000;

/// Time for the last replies and for the peer's own close.
pub const CLOSING_NS: Tick = 2_000_000_000;

/// Seconds that an initiator is given to log out when it is asked to.
pub const LOGOUT_SECONDS: u16 = 3;

/// How often deadlines are looked at.
pub const SWEEP_NS: Tick = 100_000_000;

/// Header memory and segments of a connection's way out, before it has logged in and afterwards. What does not fit waits its
/// turn: a read of 1 MiB in the smallest segments is 2048 PDUs.
pub const LOGIN_OUT: (usize, usize) = (32 << 10, 16);
/// See [`LOGIN_OUT`].
pub const FULL_OUT: (usize, usize) = (32 << 10, 512);

/// Operations that a device is opened for on each core. More commands may be there: buffers bound what is in flight.
pub const CHANNEL_DEPTH: u32 = 1024;

/// Bytes of the largest transfer (block limits page, MAXIMUM TRANSFER LENGTH).
pub const MAX_TRANSFER: u32 = 1 << 20;

/// Messages that may wait for a core: changes are made one at a time, questions of other cores are one a reset.
pub const MESSAGES: usize = 1024;

/// Connections and orders that may wait for a core.
pub const ORDERS: usize = 512;

/// How long a core may take to answer a question of the control side.
pub const ANSWER: Duration = Duration::from_secs(2);

/// Connections that wait to be accepted.
pub const BACKLOG: u32 = 128;

/// Buffers of one core: small ones for 4 KiB I/O and for what commands answer, middle ones for what file systems and databases
/// send, and a few large ones for streams. 32 MiB in all.
pub fn classes() -> [Class; 4] {
    [
        Class { size: 4096, count: 1024 },
        Class { size: 64 << 10, count: 128 },
        Class { size: 256 << 10, count: 48 },
        Class { size: MAX_TRANSFER, count: 8 },
    ]
}
