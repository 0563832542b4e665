//! What the integration tests of `qfc_tgt` share.
//!
//! - Owns: [`Target`] (the real binary with its own directory, socket and ports; killed by its process id when dropped),
//!   [`Raw`] (a connection on which anything can be sent), [`Disk`] and [`exercise`] (verified I/O through the host library).
//! - In: the path of the binary. Out: panics that say what was expected, with the end of the target's log.
//! - Limits: everything waits for a condition, with a limit; nothing sleeps for a fixed time.
#![forbid(unsafe_code)]

mod disk;
mod raw;
mod rpc;
mod target;

pub use disk::{Disk, Exercise, exercise, pattern};
pub use raw::{Got, HOST_NQN, Raw};
pub use target::{NQN, Setup, Target, free_port};

use std::time::{Duration, Instant};

/// How long anything may take that should be there at once: long, because the machine may be busy.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Waits until `look` returns something.
///
/// # Panics
/// If it does not within [`LIMIT`].
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(LIMIT, what, look)
}

/// As [`until`], with another limit.
///
/// # Panics
/// If it does not within `limit`.
pub fn until_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
