//! Which parts of the mapped memory are free: pure bookkeeping, best fit, neighbours merged.
use crate::{HUGE_PAGE, PAGE, round_up};

/// A stretch of one mapping: `[at, at + len)` of mapping number `part`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub part: usize,
    pub at: usize,
    pub len: usize,
}

impl Extent {
    pub(crate) fn end(&self) -> usize {
        self.at + self.len
    }
}

/// The free extents, sorted by place.
#[derive(Debug, Default)]
pub(crate) struct Extents {
    free: Vec<Extent>,
}

/// Bytes really used for a request, and their alignment: whole huge pages from 2 MiB on, 4 KiB granules below.
pub(crate) fn granule(len: usize) -> (usize, usize) {
    let granule = if len >= HUGE_PAGE { HUGE_PAGE } else { PAGE };
    (round_up(len.max(1), granule), granule)
}

impl Extents {
    /// Takes `len` bytes aligned to `align` from the smallest free extent that has them.
    pub(crate) fn take(&mut self, len: usize, align: usize) -> Option<Extent> {
        let fits = |e: &Extent| round_up(e.at, align) + len <= e.end();
        let best = self.free.iter().enumerate().filter(|(_, e)| fits(e)).min_by_key(|(_, e)| e.len)?.0;
        let whole = self.free.remove(best);
        let taken = Extent { at: round_up(whole.at, align), len, ..whole };
        let before = Extent { len: taken.at - whole.at, ..whole };
        let after = Extent { at: taken.end(), len: whole.end() - taken.end(), ..whole };
        let rest = [before, after].into_iter().filter(|e| e.len > 0);
        self.free.splice(best..best, rest);
        Some(taken)
    }

    /// Gives an extent back and returns the whole free extent that it is now part of.
    pub(crate) fn give(&mut self, extent: Extent) -> Extent {
        let place = self.free.partition_point(|e| (e.part, e.at) < (extent.part, extent.at));
        self.free.insert(place, extent);
        self.merge(place);
        if place > 0 && self.merge(place - 1) { self.free[place - 1] } else { self.free[place] }
    }

    /// Merges entry `i` with the one after it if they touch.
    fn merge(&mut self, i: usize) -> bool {
        let Some(next) = self.free.get(i + 1).copied() else {
            return false;
        };
        let this = &mut self.free[i];
        let touch = this.part == next.part && this.end() == next.at;
        if touch {
            this.len += next.len;
            self.free.remove(i + 1);
        }
        touch
    }

    /// Free bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.free.iter().map(|e| e.len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(part: usize, len: usize) -> Extents {
        let mut extents = Extents::default();
        extents.give(Extent { part, at: 0, len });
        extents
    }

    #[test]
    fn small_things_do_not_break_a_second_huge_page() {
        let mut free = with(0, 4 * HUGE_PAGE);
        let small = free.take(PAGE, PAGE).unwrap();
        let big = free.take(2 * HUGE_PAGE, HUGE_PAGE).unwrap();
        assert_eq!((small.at, big.at), (0, HUGE_PAGE));
        assert_eq!(free.take(PAGE, PAGE).unwrap().at, PAGE, "from the page already broken");
        assert!(free.take(2 * HUGE_PAGE, HUGE_PAGE).is_none());
        assert_eq!(free.bytes(), 2 * HUGE_PAGE - 2 * PAGE);
    }

    #[test]
    fn everything_given_back_is_one_extent_again() {
        let mut free = with(3, 64 * PAGE);
        let mut taken: Vec<Extent> = (0..16).map(|_| free.take(4 * PAGE, PAGE).unwrap()).collect();
        assert!(free.take(PAGE, PAGE).is_none());
        // An order that is neither ascending nor descending.
        taken.sort_by_key(|e| (e.at / PAGE * 7) % 64);
        let last = taken.into_iter().map(|e| free.give(e)).last();
        assert_eq!(last, Some(Extent { part: 3, at: 0, len: 64 * PAGE }));
    }

    #[test]
    fn mappings_do_not_merge() {
        let mut free = with(0, PAGE);
        free.give(Extent { part: 1, at: PAGE, len: PAGE });
        assert!(free.take(2 * PAGE, PAGE).is_none());
        assert_eq!(granule(0), (PAGE, PAGE));
        assert_eq!(granule(HUGE_PAGE + 1), (2 * HUGE_PAGE, HUGE_PAGE));
    }
}
