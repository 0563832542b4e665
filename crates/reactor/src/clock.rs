//! Time, real or moved by hand.

use ring::Tick;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Tells the time in nanoseconds since it was made. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Real(Instant),
    Manual(Arc<AtomicU64>),
}

/// Moves the clock it was made with.
#[derive(Clone, Debug)]
pub struct Hand(Arc<AtomicU64>);

impl Clock {
    /// The system's monotonic clock, from now on.
    pub fn real() -> Self {
        Self(Source::Real(Instant::now()))
    }

    /// A clock that stands still until its hand moves it.
    pub fn manual() -> (Self, Hand) {
        let time = Arc::new(AtomicU64::new(0));
        (Self(Source::Manual(time.clone())), Hand(time))
    }

    /// The time now.
    pub fn now(&self) -> Tick {
        match &self.0 {
            Source::Real(start) => u64::try_from(start.elapsed().as_nanos()).expect("584 years"),
            Source::Manual(time) => time.load(Ordering::Acquire),
        }
    }

    /// Whether it is moved by hand, so that sleeping for a time makes no sense.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }
}

impl Hand {
    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_nanos()).expect("584 years"), Ordering::AcqRel);
    }

    /// Moves the clock to `at`, which must not lie before now.
    pub fn set(&self, at: Tick) {
        let before = self.0.swap(at, Ordering::AcqRel);
        assert!(before <= at, "time does not run backwards");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let (clock, hand) = Clock::manual();
        let other = clock.clone();
        assert_eq!(clock.now(), 0);
        hand.advance(Duration::from_micros(3));
        hand.set(4000);
        assert_eq!((clock.now(), other.now(), clock.is_manual()), (4000, 4000, true));
    }

    #[test]
    fn the_real_clock_runs() {
        let clock = Clock::real();
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now() - before >= 2_000_000);
    }
}
