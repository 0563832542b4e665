//! All data memory of the process: mapped in parts, given out as regions and pools, taken back and used again.
use crate::backing::{Mapping, Source};
use crate::extents::{Extent, Extents, granule};
use crate::ledger::Ledger;
use crate::parts::Watchers;
use crate::{Backing, Error, Part, Region, Watcher, Window, copy, mapping, round_up};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// How an arena gets its memory.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kind of pages.
    pub backing: Backing,
    /// All memory comes from exactly one file, which grows. Otherwise each growth makes its own file (huge pages)
    /// or none (ordinary memory is anonymous then).
    pub single_file: bool,
    /// Bytes to map at start. If they are huge pages, they stay reserved until the arena ends; later growth is given back when free.
    pub reserve: usize,
}

/// What an arena has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes mapped. Those not used hold no pages, except what was reserved at start.
    pub mapped: usize,
    /// Bytes in regions and pools, or dropped with something of them still out.
    pub used: usize,
    /// Files behind it.
    pub files: usize,
    /// Huge pages?
    pub huge: bool,
}

/// The data memory of a process. Made once at start and shared; all calls are for the control path (they lock and call the kernel).
///
/// Its mappings end when it and every region and pool of it are gone and everything lent is home; otherwise with the process.
#[derive(Debug)]
pub struct Arena(Mutex<State>);

#[derive(Debug)]
struct State {
    source: Source,
    parts: Vec<Mapping>,
    watchers: Watchers,
    /// Free memory. It always reads as zeroes.
    free: Extents,
    /// Memory whose owner is gone while something of it is lent.
    waiting: Vec<(Extent, &'static Ledger)>,
}

// SAFETY: the pointers in `parts` are only used for memory that is free, under the lock.
unsafe impl Send for State {}

impl Arena {
    /// Makes an arena and maps (huge pages: and fills) `reserve` bytes.
    ///
    /// # Errors
    /// [`Error::TooLittle`] if the pages are not there; [`Error::NotHuge`] for a wrong directory.
    pub fn new(options: Options) -> Result<Arc<Arena>, Error> {
        let source = Source::new(options.backing, options.single_file)?;
        let mut state = State {
            source,
            parts: Vec::new(),
            watchers: Watchers::default(),
            free: Extents::default(),
            waiting: Vec::new(),
        };
        if options.reserve > 0 {
            let part = state.grow(options.reserve, state.source.huge())?;
            state.source.fill(&state.parts[part], 0, state.parts[part].len)?;
        }
        Ok(Arc::new(Arena(Mutex::new(state))))
    }

    /// A region of `len` bytes that reads as zeroes: inside in steps of 2 MiB from 2 MiB on, of 4 KiB below.
    ///
    /// # Errors
    /// [`Error::TooLittle`] if the pages are not there.
    pub fn region(self: &Arc<Self>, len: usize) -> Result<Region, Error> {
        Ok(Region::new(self.hold(len)?, len))
    }

    /// What it has now.
    pub fn usage(&self) -> Usage {
        let mut state = self.state();
        state.sweep();
        let mapped: usize = state.parts.iter().map(|part| part.len).sum();
        let used = mapped - state.free.bytes();
        Usage { mapped, used, files: state.source.files.len(), huge: state.source.huge() }
    }

    /// A device's view of all its memory.
    pub fn window(this: &Arc<Self>) -> Window {
        Window::new(this.clone())
    }

    /// Its mappings, to share them.
    ///
    /// # Errors
    /// The process has too many descriptors.
    pub fn parts(&self) -> Result<Vec<Part>, Error> {
        let state = self.state();
        state.parts.iter().map(|part| state.source.part(part)).collect()
    }

    /// Tells `watcher` of all parts there are, and of each new one, as long as it lives.
    ///
    /// # Errors
    /// The watcher refused one; then it is forgotten.
    pub fn watch(&self, watcher: Weak<dyn Watcher>) -> Result<(), Error> {
        let mut state = self.state();
        let mut alone = Watchers::default();
        alone.push(watcher.clone());
        for part in &state.parts {
            alone.added(&state.source.part(part)?)?;
        }
        state.watchers.push(watcher);
        Ok(())
    }

    /// Address and length of each part, by address.
    pub(crate) fn places(&self) -> Vec<(u64, u64)> {
        let mut places: Vec<_> = self.state().parts.iter().map(|part| (part.address(), part.len as u64)).collect();
        places.sort_unstable();
        places
    }

    /// Takes memory for a region or a pool.
    pub(crate) fn hold(self: &Arc<Self>, len: usize) -> Result<Holding, Error> {
        let (extent, base) = self.state().take(len)?;
        Ok(Holding { base, extent, ledger: Ledger::open(), arena: self.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while the arena is locked")
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let state = self.0.get_mut().unwrap_or_else(|broken| broken.into_inner());
        state.sweep();
        if !state.waiting.is_empty() {
            return;
        }
        for part in &state.parts {
            // SAFETY: regions and pools keep the arena alive, so there are none; nothing of those that were is lent any more.
            unsafe { mapping::unmap(part) };
        }
    }
}

/// Memory taken from an arena. Dropped, it goes back as soon as nothing of it is lent.
#[derive(Debug)]
pub(crate) struct Holding {
    pub base: NonNull<u8>,
    extent: Extent,
    pub ledger: &'static Ledger,
    arena: Arc<Arena>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut state = self.arena.state();
        state.waiting.push((self.extent, self.ledger));
        state.sweep();
    }
}

impl State {
    fn grow(&mut self, len: usize, kept: bool) -> Result<usize, Error> {
        let part = self.source.grow(len, kept)?;
        if let Err(e) = self.announce(&part) {
            self.source.undo(part);
            return Err(e);
        }
        self.free.give(Extent { part: self.parts.len(), at: 0, len: part.len });
        self.parts.push(part);
        Ok(self.parts.len() - 1)
    }

    /// Nobody gets an address that a device cannot reach.
    fn announce(&mut self, part: &Mapping) -> Result<(), Error> {
        if self.watchers.is_empty() {
            return Ok(());
        }
        self.watchers.added(&self.source.part(part)?)
    }

    fn take(&mut self, len: usize) -> Result<(Extent, NonNull<u8>), Error> {
        self.sweep();
        let (len, align) = granule(len);
        let found = self.free.take(len, align);
        let extent = match found {
            Some(extent) => extent,
            None => {
                self.grow(len, false)?;
                self.free.take(len, align).expect("just mapped")
            }
        };
        let part = &self.parts[extent.part];
        if let Err(e) = self.source.fill(part, extent.at, extent.len) {
            self.free.give(extent);
            return Err(e);
        }
        // SAFETY: an extent lies inside its mapping.
        Ok((extent, unsafe { part.base.add(extent.at) }))
    }

    /// Frees what waited and has come home.
    fn sweep(&mut self) {
        while let Some(i) = self.waiting.iter().position(|(_, ledger)| ledger.out() == 0) {
            let (extent, ledger) = self.waiting.swap_remove(i);
            ledger.close();
            self.release(extent);
        }
    }

    /// Makes an extent free: whole pages that are free now go to the system, the rest is zeroed.
    fn release(&mut self, extent: Extent) {
        let whole = self.free.give(extent);
        let part = &self.parts[extent.part];
        let page = self.source.page;
        let low = round_up(whole.at, page).max(extent.at / page * page);
        let high = (whole.end() / page * page).min(round_up(extent.end(), page));
        let emptied = !part.kept && low < high && self.source.empty(part, low, high - low);
        let (low, high) =
            if emptied { (low.max(extent.at), high.min(extent.end())) } else { (extent.end(), extent.end()) };
        for (from, to) in [(extent.at, low.min(extent.end())), (high.max(extent.at), extent.end())] {
            if from < to {
                // SAFETY: inside the extent, hence the mapping; the pages are there, and nobody else has the memory.
                unsafe { copy::zero(part.base.add(from).as_ptr(), to - from) };
            }
        }
    }
}
