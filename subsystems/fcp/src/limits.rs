//! How much a core may take, each with its reason.

use dma::Class;
use std::time::Duration;

/// Commands that a core may have open, of all its lanes together; more get TASK SET FULL. What an initiator may have open on a
/// logical unit is its node's queue depth.
pub const COMMANDS: usize = 8192;

/// Messages that may wait for a core: changes are made one at a time, questions of other cores are one a reset.
pub const MESSAGES: usize = 1024;

/// Lanes that may wait for a core: ports come and go one at a time.
pub const ORDERS: usize = 64;

/// Operations that a device is opened for on each core. More commands may be there: buffers bound what is in flight.
pub const CHANNEL_DEPTH: u32 = 1024;

/// Bytes of the largest transfer; a longer one is refused (block limits page, MAXIMUM TRANSFER LENGTH). Linux' largest request
/// to a disk that says no less is 1.25 MiB, and then takes this.
pub const MAX_TRANSFER: u32 = 1 << 20;

/// How long a core may take to give back the lanes of a port: until then its exchanges are ended and its sessions down.
pub const RELEASE: Duration = Duration::from_secs(5);

/// Buffers of one core: small ones for 4 KiB I/O and for what commands answer, middle ones for what file systems and databases send,
/// and a few large ones for streams. 32 MiB in all.
pub fn classes() -> [Class; 4] {
    [
        Class { size: 4096, count: 1024 },
        Class { size: 64 << 10, count: 128 },
        Class { size: 256 << 10, count: 48 },
        Class { size: MAX_TRANSFER, count: 8 },
    ]
}
