//! Who prevents that the medium of a removable unit is taken out (SBC-3 4.11, 5.13).
//!
//! Whether it is out is a bit of [`super::Modes`]' word, which every command looks at anyway.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The nexuses that prevent it: home and queue of each.
#[derive(Debug, Default)]
pub(crate) struct Prevention {
    by: Mutex<Vec<(usize, u32)>>,
}

impl Prevention {
    /// A nexus prevents it, or no longer (or is gone).
    pub fn set(&self, home: usize, queue: u32, prevents: bool) {
        let mut by = self.lock();
        by.retain(|nexus| *nexus != (home, queue));
        if prevents {
            by.push((home, queue));
        }
    }

    pub fn is_on(&self) -> bool {
        !self.lock().is_empty()
    }

    /// The logical unit was reset: nobody does.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, u32)>> {
        self.by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nexus_lets_go_for_itself() {
        let prevention = Prevention::default();
        for (home, queue, prevents) in [(0, 1, true), (0, 1, true), (1, 1, true), (0, 1, false)] {
            prevention.set(home, queue, prevents);
        }
        assert!(prevention.is_on());
        prevention.set(1, 1, false);
        assert!(!prevention.is_on());
        prevention.set(3, 3, true);
        prevention.reset();
        assert!(!prevention.is_on());
    }
}
