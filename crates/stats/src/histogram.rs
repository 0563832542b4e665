//! Latencies in log-linear buckets: exact below 64 ns, then 64 equal buckets for each doubling.
use crate::Snapshot;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bits of a value that are kept: 64 buckets per doubling, so a bucket is at most 1/64 (1.6 %) of its values wide.
const BITS: u32 = 6;
const PER_DOUBLING: usize = 1 << BITS;
/// The first value (in nanoseconds, about 18 minutes) that is only known to be "that or more".
pub const LIMIT: u64 = 1 << 40;
/// Number of buckets.
pub const BUCKETS: usize = (40 - BITS as usize + 1) * PER_DOUBLING;

/// A latency histogram with a single writer and fixed memory.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty histogram. Allocates all it will ever need.
    pub fn new() -> Histogram {
        let buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Histogram { buckets, sum: AtomicU64::new(0), max: AtomicU64::new(0) }
    }

    /// Counts one latency of `ns` nanoseconds. Only the owning thread may call this. No allocation, no locked instruction.
    #[inline]
    pub fn record(&self, ns: u64) {
        raise(&self.buckets[index(ns)], 1);
        raise(&self.sum, ns);
        if ns > self.max.load(Relaxed) {
            self.max.store(ns, Relaxed);
        }
    }

    /// A copy of the present state, from any thread. A latency recorded meanwhile may be in the sum and not yet in a bucket.
    pub fn snapshot(&self) -> Snapshot {
        let counts = self.buckets.iter().map(|b| b.load(Relaxed)).collect();
        Snapshot::from_parts(counts, self.sum.load(Relaxed), self.max.load(Relaxed))
    }
}

#[inline]
fn raise(cell: &AtomicU64, n: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(n), Relaxed);
}

/// The bucket of a value.
#[inline]
pub(crate) fn index(ns: u64) -> usize {
    let ns = ns.min(LIMIT - 1);
    let doubling = (63 - (ns | (PER_DOUBLING as u64 - 1)).leading_zeros()).saturating_sub(BITS - 1);
    if doubling == 0 {
        return ns as usize;
    }
    let shift = doubling - 1;
    doubling as usize * PER_DOUBLING + (ns >> shift) as usize - PER_DOUBLING
}

/// First and last value of a bucket.
pub(crate) fn bounds(index: usize) -> (u64, u64) {
    let (doubling, step) = (index / PER_DOUBLING, (index % PER_DOUBLING) as u64);
    if doubling == 0 {
        return (step, step);
    }
    let shift = doubling as u32 - 1;
    let low = (step + PER_DOUBLING as u64) << shift;
    (low, low + (1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_value_once_and_are_narrow() {
        let mut next = 0;
        for i in 0..BUCKETS {
            let (low, high) = bounds(i);
            assert_eq!(low, next, "bucket {i} starts where the one before ended");
            assert_eq!((index(low), index(high)), (i, i));
            assert!((high - low) as f64 <= low as f64 / 64.0, "bucket {i} is {low}..={high}");
            next = high + 1;
        }
        assert_eq!(next, LIMIT);
        assert_eq!(index(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_is_recorded_is_found() {
        let histogram = Histogram::new();
        for ns in [5, 5, 1_000_000] {
            histogram.record(ns);
        }
        let seen = histogram.snapshot();
        assert_eq!((seen.count(), seen.max(), seen.sum()), (3, 1_000_000, 1_000_010));
        assert_eq!(seen.percentile(50.0), 5);
        assert_eq!(seen.percentile(100.0), 1_000_000);
    }
}
