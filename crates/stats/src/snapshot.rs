//! A copy of a histogram: to merge over cores, to subtract, to ask, to send.
use crate::histogram::{BUCKETS, bounds};

/// The state of one or (merged) several histograms at some time.
///
/// Percentiles are at most 1/64 (1.6 %) above the true value and never below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    counts: Vec<u64>,
    sum: u64,
    max: u64,
}

impl Default for Snapshot {
    fn default() -> Self {
        Snapshot { counts: vec![0; BUCKETS], sum: 0, max: 0 }
    }
}

impl Snapshot {
    pub(crate) fn from_parts(counts: Vec<u64>, sum: u64, max: u64) -> Snapshot {
        Snapshot { counts, sum, max }
    }

    /// Adds what `other` counted, e.g. on another core.
    pub fn merge(&mut self, other: &Snapshot) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.sum = self.sum.wrapping_add(other.sum);
        self.max = self.max.max(other.max);
    }

    /// What came after `earlier`, a snapshot of the same histogram. The maximum is only known to its bucket then.
    pub fn minus(&self, earlier: &Snapshot) -> Snapshot {
        let counts: Vec<u64> = self.counts.iter().zip(&earlier.counts).map(|(a, b)| a.saturating_sub(*b)).collect();
        let top = counts.iter().rposition(|&n| n > 0).map_or(0, |i| self.top_of(i));
        let max = if self.max > earlier.max { self.max } else { top };
        Snapshot { counts, sum: self.sum.wrapping_sub(earlier.sum), max }
    }

    /// Number of latencies.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of the latencies in nanoseconds (wraps after 584 years of latency).
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The largest latency in nanoseconds, 0 when there is none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The mean in nanoseconds, 0 when there is none.
    pub fn mean(&self) -> f64 {
        match self.count() {
            0 => 0.0,
            n => self.sum as f64 / n as f64,
        }
    }

    /// The latency in nanoseconds that `p` percent (0..=100) do not exceed; 0 when there is none.
    pub fn percentile(&self, p: f64) -> u64 {
        let wanted = ((self.count() as f64 * p.clamp(0.0, 100.0) / 100.0).ceil() as u64).max(1);
        let mut seen = 0;
        for (i, n) in self.counts.iter().enumerate() {
            seen += n;
            if seen >= wanted {
                return self.top_of(i);
            }
        }
        self.max
    }

    /// The last bucket also holds all that exceeds the limit.
    fn top_of(&self, bucket: usize) -> u64 {
        if bucket == BUCKETS - 1 { self.max } else { bounds(bucket).1.min(self.max) }
    }

    /// The buckets that counted something: first value, last value (nanoseconds), count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        let used = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        used.map(|(i, &n)| (bounds(i).0, bounds(i).1, n))
    }

    /// The inverse of [`Snapshot::buckets`] for a snapshot that travelled as text: first values and counts.
    /// Returns none when a first value is not one of ours, or the counts overflow.
    pub fn from_buckets(buckets: impl IntoIterator<Item = (u64, u64)>, sum: u64, max: u64) -> Option<Snapshot> {
        let mut whole = Snapshot { sum, max, ..Snapshot::default() };
        let mut total = 0u64;
        for (low, n) in buckets {
            let i = crate::histogram::index(low);
            total = total.checked_add(n)?;
            if bounds(i).0 != low {
                return None;
            }
            whole.counts[i] = whole.counts[i].checked_add(n)?;
        }
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Histogram;

    /// Latencies of a cheap generator, spread over six orders of magnitude.
    fn latencies(seed: u64, n: usize) -> Vec<u64> {
        let mut x = seed;
        let mut step = || {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let wide = x >> 33;
            (wide % 9000 + 1000) << (wide % 20)
        };
        (0..n).map(|_| step()).collect()
    }

    fn recorded(values: &[u64]) -> Snapshot {
        let histogram = Histogram::new();
        values.iter().for_each(|&v| histogram.record(v));
        histogram.snapshot()
    }

    #[test]
    fn percentiles_are_within_the_stated_error() {
        let mut values = latencies(1, 10_000);
        let seen = recorded(&values);
        values.sort_unstable();
        for p in [0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0] {
            let rank = ((values.len() as f64 * p / 100.0).ceil() as usize).max(1) - 1;
            let (truth, said) = (values[rank], seen.percentile(p));
            assert!(said >= truth && said as f64 <= truth as f64 * (1.0 + 1.0 / 64.0), "p{p}: {said} for {truth}");
        }
        assert_eq!(seen.max(), *values.last().unwrap());
        assert_eq!(seen.mean(), values.iter().sum::<u64>() as f64 / values.len() as f64);
    }

    #[test]
    fn merging_is_recording_into_one() {
        let (a, b) = (latencies(2, 500), latencies(3, 700));
        let mut merged = recorded(&a);
        merged.merge(&recorded(&b));
        assert_eq!(merged, recorded(&[a, b].concat()));
    }

    #[test]
    fn minus_leaves_the_later_ones() {
        let (a, b) = (vec![10, 9_000_000], vec![1000, 2000]);
        let later = recorded(&[a.clone(), b].concat()).minus(&recorded(&a));
        assert_eq!((later.count(), later.sum()), (2, 3000));
        assert!(later.max() >= 2000 && later.max() <= 2032, "{}", later.max());
        let nothing = recorded(&a).minus(&recorded(&a));
        assert_eq!((nothing.count(), nothing.max(), nothing.percentile(99.0)), (0, 0, 0));
    }

    #[test]
    fn an_empty_one_and_one_beyond_the_limit() {
        let none = Snapshot::default();
        assert_eq!((none.count(), none.max(), none.mean(), none.percentile(50.0)), (0, 0, 0.0, 0));
        let huge = recorded(&[crate::LIMIT * 3]);
        assert_eq!((huge.percentile(50.0), huge.max()), (crate::LIMIT * 3, crate::LIMIT * 3));
    }

    #[test]
    fn buckets_travel() {
        let seen = recorded(&latencies(4, 300));
        let parts: Vec<(u64, u64)> = seen.buckets().map(|(low, _, n)| (low, n)).collect();
        assert_eq!(Snapshot::from_buckets(parts, seen.sum(), seen.max()), Some(seen));
        assert_eq!(Snapshot::from_buckets([(129, 1)], 0, 0), None, "129 is inside a bucket");
    }
}
