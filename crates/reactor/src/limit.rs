//! Keeps what a peer can trigger from flooding the log.

use ring::Tick;
use std::time::Duration;

/// Lets `burst` messages through at once and then one every `period`; counts the rest. Costs no allocation and, when
/// it suppresses, no formatting: see [`crate::log_limited!`].
#[derive(Clone, Debug)]
pub struct RateLimit {
    burst: u32,
    period: u64,
    left: u32,
    refilled: Tick,
    suppressed: u64,
}

impl RateLimit {
    /// A limit of `burst` messages at once and one more every `period`.
    pub fn new(burst: u32, period: Duration) -> Self {
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self { burst, period, left: burst, refilled: 0, suppressed: 0 }
    }

    /// Whether a message may be written at `now`: then how many were suppressed before it.
    pub fn admit(&mut self, now: Tick) -> Option<u64> {
        let periods = now.saturating_sub(self.refilled) / self.period;
        if periods > 0 {
            self.left = self.left.saturating_add(u32::try_from(periods).unwrap_or(u32::MAX)).min(self.burst);
            self.refilled += periods * self.period;
        }
        if self.left == 0 {
            self.suppressed += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

impl Default for RateLimit {
    /// Ten at once, then one a second.
    fn default() -> Self {
        Self::new(10, Duration::from_secs(1))
    }
}

/// Logs at `$level` (`error`, `warn`, `info`, ...) if the [`RateLimit`] admits it at `$now`, and says how many like it
/// were suppressed before: `log_limited!(self.limit, now, warn, "bad PDU from {peer}")`.
#[macro_export]
macro_rules! log_limited {
    ($limit:expr, $now:expr, $level:ident, $format:literal $($arguments:tt)*) => {
        match $limit.admit($now) {
            None => {}
            Some(0) => $crate::log::$level!($format $($arguments)*),
            Some(suppressed) => $crate::log::$level!(
                "{} ({suppressed} like this were suppressed)", format_args!($format $($arguments)*)
            ),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_a_period_and_the_rest_is_counted() {
        let mut limit = RateLimit::new(2, Duration::from_nanos(10));
        let admitted: Vec<_> = (0..5).map(|_| limit.admit(3)).collect();
        assert_eq!(admitted, [Some(0), Some(0), None, None, None]);
        assert_eq!((limit.admit(9), limit.admit(10), limit.admit(11)), (None, Some(4), None));
        assert_eq!((limit.admit(1000), limit.admit(1000), limit.admit(1000)), (Some(1), Some(0), None));
    }

    #[test]
    fn the_macro_formats_only_what_is_admitted() {
        let mut limit = RateLimit::new(1, Duration::from_secs(1));
        let formatted = std::cell::Cell::new(0);
        log::set_max_level(log::LevelFilter::Trace);
        for n in 0..100 {
            log_limited!(limit, 0, warn, "{} {n}", formatted.replace(formatted.get() + 1));
        }
        assert!(formatted.get() <= 1);
    }
}
