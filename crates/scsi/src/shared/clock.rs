//! The clock of a logical unit (SPC-4 5.14): the host's, until an initiator sets it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, as initiators see them. Kept over resets, not over a restart.
#[derive(Debug)]
pub(crate) struct Clock {
    /// What is added to the host's clock; [`NOT_SET`] if nobody set it.
    ahead: AtomicI64,
}

const NOT_SET: i64 = i64::MIN;
/// TIMESTAMP ORIGIN: by SET TIMESTAMP.
const BY_COMMAND: u8 = 0b010;
/// TIMESTAMP ORIGIN: by something else than SCSI.
const BY_HOST: u8 = 0b011;
/// A timestamp has six bytes.
const MASK: u64 = 0xffff_ffff_ffff;

impl Default for Clock {
    fn default() -> Self {
        Self { ahead: AtomicI64::new(NOT_SET) }
    }
}

impl Clock {
    /// TIMESTAMP ORIGIN, and the time.
    pub fn read(&self) -> (u8, u64) {
        match self.ahead.load(Ordering::Relaxed) {
            NOT_SET => (BY_HOST, host() as u64 & MASK),
            ahead => (BY_COMMAND, host().wrapping_add(ahead) as u64 & MASK),
        }
    }

    /// Sets it.
    pub fn set(&self, time: u64) {
        self.ahead.store(time as i64 - host(), Ordering::Relaxed);
    }
}

fn host() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hosts_until_it_is_set() {
        let clock = Clock::default();
        let (origin, time) = clock.read();
        assert!(origin == BY_HOST && time > 1_600_000_000_000);
        clock.set(5_000);
        let (origin, time) = clock.read();
        assert!(origin == BY_COMMAND && (5_000..6_000).contains(&time), "{time}");
    }
}
