//! A number that one core raises and anybody reads.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A counter with a single writer: an ordinary load and store, no locked instruction.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// A counter at zero.
    pub const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// Adds `n`, wrapping at 2^64. Only the owning thread may call this; a second writer would lose counts.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Replaces the value: for gauges. Only the owning thread may call this.
    #[inline]
    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// The present value, from any thread. Two counters read one after the other need not belong together.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_it_rise_and_the_whole_sum() {
        let counter = Counter::new();
        std::thread::scope(|threads| {
            threads.spawn(|| (0..100_000).for_each(|_| counter.add(3)));
            let mut last = 0;
            while last < 300_000 {
                let now = counter.get();
                assert!(now >= last && now.is_multiple_of(3));
                last = now;
            }
        });
        assert_eq!(counter.get(), 300_000);
        counter.set(7);
        assert_eq!(counter.get(), 7);
    }
}
