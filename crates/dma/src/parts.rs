//! The arena's mappings as others see them: devices that must reach them, processes that share them.
use crate::Error;
use std::os::fd::OwnedFd;
use std::sync::Weak;

/// One mapping of an arena. It stays where it is as long as the arena lives.
#[derive(Debug)]
pub struct Part {
    /// Where it is in this process, which is also what a device calls it.
    pub address: u64,
    /// Bytes.
    pub len: u64,
    /// The file behind it and the place in that, for another process; none for anonymous memory.
    pub file: Option<(OwnedFd, u64)>,
}

/// Is told of every part of an arena before any of its memory is given out. It must not call the arena.
pub trait Watcher: Send + Sync {
    /// There is a new part: let the device have it.
    ///
    /// # Errors
    /// It cannot; then the arena does not grow, and whoever asked for memory gets the sentence.
    fn added(&self, part: &Part) -> Result<(), String>;
    /// Another one refused what this one has just been told of: nothing of it will be used.
    fn withdrawn(&self, part: &Part);
}

/// Who watches one arena.
#[derive(Default)]
pub(crate) struct Watchers(Vec<Weak<dyn Watcher>>);

impl Watchers {
    pub(crate) fn push(&mut self, watcher: Weak<dyn Watcher>) {
        self.0.push(watcher);
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.0.retain(|watcher| watcher.strong_count() > 0);
        self.0.is_empty()
    }

    /// Tells all; if one refuses, those told before are told so.
    pub(crate) fn added(&self, part: &Part) -> Result<(), Error> {
        for (i, watcher) in self.0.iter().enumerate() {
            let Some(watcher) = watcher.upgrade() else { continue };
            if let Err(reason) = watcher.added(part) {
                self.0[..i].iter().filter_map(Weak::upgrade).for_each(|told| told.withdrawn(part));
                return Err(Error::Unreachable { reason });
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Watchers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watchers({})", self.0.len())
    }
}
