//! The handle of one contiguous piece of memory.
use crate::copy;
use crate::ledger::Ledger;
use std::ptr::{self, NonNull};

/// Owner number of a handle without memory.
const NOBODY: u32 = 0;
/// Owner number of what a region lent; pools have the numbers above.
pub(crate) const LENT: u32 = 1;

/// A move-only handle of ONE contiguous piece of memory: a pool's, exclusively; or lent by a region, which others may change meanwhile;
/// or of no memory at all.
///
/// A pool's piece goes home through [`crate::Pool::give`]; dropping it instead loses it for good (safely), which debug builds
/// treat as a bug. The bytes of a fresh piece are those of its last use.
pub struct Data {
    start: NonNull<u8>,
    len: u32,
    owner: u32,
    /// A pool's piece: its number, as an address that is never used. Lent: its ledger.
    home: *const Ledger,
}

const _: () = assert!(size_of::<Data>() == 24 && size_of::<Option<Data>>() == 24);

// SAFETY: a pool's piece is exclusive, so it moves as a box does; lent memory is only copied with accesses that may race;
// ledgers may be reached from every thread.
unsafe impl Send for Data {}

impl Data {
    /// A handle of no memory.
    #[inline]
    pub const fn empty() -> Data {
        Data { start: NonNull::dangling(), len: 0, owner: NOBODY, home: ptr::null() }
    }

    /// A piece of pool `owner`.
    ///
    /// # Safety
    /// `start` has `len` initialised bytes that nobody else touches until the handle is given back.
    #[inline]
    pub(crate) unsafe fn piece(start: NonNull<u8>, len: u32, owner: u32, number: usize) -> Data {
        debug_assert!(owner > LENT);
        Data { start, len, owner, home: ptr::without_provenance(number) }
    }

    /// A lent range.
    ///
    /// # Safety
    /// `start` has `len` initialised bytes that stay mapped until `ledger` has it home, and that are never the target of a reference.
    #[inline]
    pub(crate) unsafe fn lent(start: *mut u8, len: u32, ledger: &'static Ledger) -> Data {
        ledger.lend();
        // SAFETY: a place inside a mapping is not null.
        let start = unsafe { NonNull::new_unchecked(start) };
        Data { start, len, owner: LENT, home: ledger }
    }

    /// Takes a pool's piece apart: its owner and number. The handle is gone afterwards.
    #[inline]
    pub(crate) fn into_piece(self) -> (u32, usize) {
        let piece = (self.owner, self.home.addr());
        std::mem::forget(self);
        piece
    }

    /// Number of the pool it belongs to, if it belongs to one.
    #[inline]
    pub(crate) fn pool(&self) -> Option<u32> {
        (self.owner > LENT).then_some(self.owner)
    }

    /// Its number in pool `owner`, if it is a piece of that.
    #[inline]
    pub(crate) fn piece_of(&self, owner: u32) -> Option<usize> {
        (self.owner == owner).then(|| self.home.addr())
    }

    /// Its length: what was asked for, not what the piece could hold.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it is a region's memory: to be read only, by copying or by the kernel, and changing meanwhile.
    #[inline]
    pub fn is_lent(&self) -> bool {
        self.owner == LENT
    }

    /// Its bytes.
    ///
    /// # Panics
    /// If it is lent.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        assert!(!self.is_lent(), "lent memory can only be copied");
        // SAFETY: exclusive memory of this length (or none, at a dangling place), initialised since it was mapped.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len as usize) }
    }

    /// Its bytes, to change.
    ///
    /// # Panics
    /// If it is lent.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        assert!(!self.is_lent(), "lent memory is not ours to change");
        // SAFETY: as in `bytes`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len as usize) }
    }

    /// Where it is, for the kernel or a device. Valid as long as the handle is kept. May be written through by who keeps the handle
    /// and borrows nothing of it meanwhile, unless it is lent.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// Where it is for a device: the same number. As [`Data::as_ptr`] otherwise.
    #[inline]
    pub fn address(&self) -> u64 {
        self.start.as_ptr().expose_provenance() as u64
    }

    /// Copies the bytes from `at` on to `to`; works for lent memory too.
    ///
    /// # Panics
    /// If `to` is longer than what is there.
    #[inline]
    pub fn copy_to(&self, at: u32, to: &mut [u8]) {
        let there = (self.len as usize).checked_sub(at as usize);
        assert!(there.is_some_and(|n| to.len() <= n), "{} bytes at {at} of {}", to.len(), self.len);
        if !self.is_lent() {
            return to.copy_from_slice(&self.bytes()[at as usize..][..to.len()]);
        }
        // SAFETY: in range, as just checked; lent memory has no slices, so `to` does not overlap it.
        unsafe { copy::bytes::<true>(self.start.add(at as usize).as_ptr(), to.as_mut_ptr(), to.len()) };
    }

    /// Sets the length.
    ///
    /// # Safety
    /// So many bytes are its own, and initialised.
    #[inline]
    pub(crate) unsafe fn set_len(&mut self, len: u32) {
        self.len = len;
    }

    /// Shortens it to `len` bytes. What it gives back later is still the whole piece.
    ///
    /// # Panics
    /// If it is shorter.
    #[inline]
    pub fn truncate(&mut self, len: u32) {
        assert!(len <= self.len, "{len} of {}", self.len);
        self.len = len;
    }
}

impl Drop for Data {
    #[inline]
    fn drop(&mut self) {
        match self.owner {
            NOBODY => {}
            // SAFETY: a lent handle was made with a ledger, and ledgers live for ever.
            LENT => unsafe { &*self.home }.home(),
            owner => lost(owner, self.len),
        }
    }
}

/// A piece was dropped. Release builds go on with one piece less.
#[cold]
fn lost(owner: u32, len: u32) {
    let bug = cfg!(debug_assertions) && !std::thread::panicking();
    assert!(!bug, "a piece of {len} bytes of pool {owner} was dropped instead of given back");
}

impl Default for Data {
    fn default() -> Self {
        Data::empty()
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.owner {
            NOBODY => write!(f, "Data(empty)"),
            LENT => write!(f, "Data({} bytes, lent)", self.len),
            owner => write!(f, "Data({} bytes, pool {owner})", self.len),
        }
    }
}
