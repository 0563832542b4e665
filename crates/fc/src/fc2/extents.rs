//! Which bytes have come.

/// More gaps than that are not followed: the frame that would make one more counts as lost.
const MOST: usize = 8;

/// A set of byte ranges. Frames mostly come in order, so it mostly is one range that grows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extents {
    count: u8,
    covered: u32,
    /// Disjoint, not touching, in order.
    ranges: [(u32, u32); MOST],
}

impl Extents {
    /// Forgets all.
    #[inline]
    pub fn clear(&mut self) {
        (self.count, self.covered) = (0, 0);
    }

    /// How many bytes are in it.
    #[inline]
    pub fn covered(&self) -> u32 {
        self.covered
    }

    /// Whether all of `start..end` is in it.
    #[inline]
    pub fn covers(&self, start: u32, end: u32) -> bool {
        start >= end || self.ranges().iter().any(|&(from, to)| from <= start && end <= to)
    }

    /// Adds `start..end`, which is not empty. `false`, and nothing is added, when there are too many gaps.
    #[inline]
    pub fn insert(&mut self, start: u32, end: u32) -> bool {
        debug_assert!(start < end);
        if self.count == 1 && self.ranges[0].1 == start {
            self.ranges[0].1 = end;
            self.covered += end - start;
            return true;
        }
        self.merge(start, end)
    }

    fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges[..usize::from(self.count)]
    }

    fn merge(&mut self, start: u32, end: u32) -> bool {
        let count = usize::from(self.count);
        let first = self.ranges().iter().take_while(|range| range.1 < start).count();
        let touched = self.ranges()[first..].iter().take_while(|range| range.0 <= end).count();
        if touched == 0 {
            return self.insert_at(first, (start, end));
        }
        let merged = &self.ranges[first..first + touched];
        let had: u32 = merged.iter().map(|range| range.1 - range.0).sum();
        let joined = (start.min(merged[0].0), end.max(merged[touched - 1].1));
        self.ranges[first] = joined;
        self.ranges.copy_within(first + touched..count, first + 1);
        self.count -= touched as u8 - 1;
        self.covered += joined.1 - joined.0 - had;
        true
    }

    fn insert_at(&mut self, place: usize, range: (u32, u32)) -> bool {
        let count = usize::from(self.count);
        if count == MOST {
            return false;
        }
        self.ranges.copy_within(place..count, place + 1);
        self.ranges[place] = range;
        self.count += 1;
        self.covered += range.1 - range.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_is_one_range() {
        let mut extents = Extents::default();
        assert!((0..100).all(|n| extents.insert(n * 10, n * 10 + 10)));
        assert!(extents.covers(0, 1000) && !extents.covers(0, 1001) && extents.covers(5, 5));
        assert_eq!((extents.covered(), extents.count), (1000, 1));
    }

    #[test]
    fn too_many_gaps_add_nothing() {
        let mut extents = Extents::default();
        assert!((0..MOST as u32).all(|n| extents.insert(n * 10, n * 10 + 5)));
        assert!(!extents.insert(1000, 1001));
        assert_eq!(extents.covered(), 40);
        assert!(extents.insert(5, 10), "one that closes a gap is welcome");
        assert!(extents.insert(1000, 1001));
    }

    /// Against a map of bytes.
    #[test]
    fn any_order_counts_each_byte_once() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..2000 {
            let (mut extents, mut bytes) = (Extents::default(), [false; 64]);
            for _ in 0..12 {
                let start = random(60) as u32;
                let end = start + 1 + random(u64::from(64 - start)) as u32;
                if extents.insert(start, end.min(64)) {
                    bytes[start as usize..end.min(64) as usize].fill(true);
                }
            }
            assert_eq!(extents.covered() as usize, bytes.iter().filter(|byte| **byte).count());
            let (from, to) = (random(60) as usize, 60 + random(4) as usize);
            assert_eq!(extents.covers(from as u32, to as u32), bytes[from..to].iter().all(|byte| *byte));
        }
    }
}
