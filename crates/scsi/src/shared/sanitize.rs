//! How far the sanitizing of a logical unit is. Whether it goes on, or failed, are gates of [`super::Modes`]' word; only who
//! set the gate takes blocks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The progress of SANITIZE.
#[derive(Debug, Default)]
pub(crate) struct Sanitize {
    /// Blocks that were taken.
    next: AtomicU64,
    blocks: AtomicU64,
    flushed: AtomicBool,
    /// AUSE: the failure mode may be left.
    may_exit: AtomicBool,
}

impl Sanitize {
    /// Begins with block 0 of so many.
    pub fn begin(&self, may_exit: bool, blocks: u64) {
        self.may_exit.store(may_exit, Ordering::Relaxed);
        self.flushed.store(false, Ordering::Relaxed);
        self.next.store(0, Ordering::Relaxed);
        self.blocks.store(blocks, Ordering::Relaxed);
    }

    /// The next blocks, at most so many: the first and how many. `Some(None)`: all blocks are done, a flush is not; `None`:
    /// that too.
    pub fn take(&self, most: u64) -> Option<Option<(u64, u64)>> {
        let next = self.next.load(Ordering::Relaxed);
        let count = self.blocks.load(Ordering::Relaxed).saturating_sub(next).min(most.max(1));
        if count == 0 {
            let done = self.flushed.swap(true, Ordering::Relaxed);
            return (!done).then_some(None);
        }
        self.next.store(next + count, Ordering::Relaxed);
        Some(Some((next, count)))
    }

    pub fn may_exit(&self) -> bool {
        self.may_exit.load(Ordering::Relaxed)
    }

    /// PROGRESS INDICATION: 65,536ths of the whole.
    pub fn progress(&self) -> u16 {
        let (next, all) = (self.next.load(Ordering::Relaxed), self.blocks.load(Ordering::Relaxed));
        let done = (u128::from(next) << 16).checked_div(all.into()).unwrap_or(0);
        done.min(u16::MAX.into()) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_blocks_are_taken_once_then_the_flush() {
        let sanitize = Sanitize::default();
        assert_eq!((sanitize.progress(), sanitize.may_exit()), (0, false));
        sanitize.begin(true, 10);
        let taken: Vec<_> = std::iter::from_fn(|| Some((sanitize.take(4)?, sanitize.progress()))).collect();
        let expected = [(Some((0, 4)), 26_214), (Some((4, 4)), 52_428), (Some((8, 2)), 65_535), (None, 65_535)];
        assert_eq!(taken, expected);
        sanitize.begin(false, 1);
        assert_eq!((sanitize.take(4), sanitize.progress(), sanitize.may_exit()), (Some(Some((0, 1))), 65_535, false));
    }
}
