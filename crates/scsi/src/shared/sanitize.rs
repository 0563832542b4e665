//! How far the sanitizing of a logical unit is. Whether it goes on, or failed, are gates of [`super::Modes`]' word.

use std::sync::atomic::{AtomicU32, Ordering};

/// The progress of SANITIZE.
#[derive(Debug, Default)]
pub(crate) struct Sanitize {
    done: AtomicU32,
}

impl Sanitize {
    /// PROGRESS INDICATION: 65,536ths of the whole.
    pub fn progress(&self) -> u16 {
        self.done.load(Ordering::Relaxed).min(u16::MAX.into()) as u16
    }

    /// So many blocks of `all` are done.
    pub fn note(&self, blocks: u64, all: u64) {
        let done = (u128::from(blocks) << 16).checked_div(all.into()).unwrap_or(0);
        self.done.store(done.min(u16::MAX.into()) as u32, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_in_65536ths_and_never_all() {
        let sanitize = Sanitize::default();
        for (blocks, expected) in [(0, 0), (1, 16384), (2, 32768), (4, 65535)] {
            sanitize.note(blocks, 4);
            assert_eq!(sanitize.progress(), expected);
        }
        sanitize.note(0, 0);
        assert_eq!(sanitize.progress(), 0);
    }
}
