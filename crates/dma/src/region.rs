//! RAM that several cores read, write and lend at once.
use crate::arena::Holding;
use crate::{Data, copy};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

/// RAM that several cores may touch at once, and that can lend its pages. Clones are the same memory.
///
/// Accesses that overlap in time may give mixed bytes, as on any RAM disk; an owner that promises more orders them itself.
/// All ranges are the caller's to check: one that is out of bounds is a panic.
///
/// When the last clone is dropped and all that was lent is home, its memory goes back to the arena and reads as zeroes. That can take
/// milliseconds: drop it on the control path.
#[derive(Clone)]
pub struct Region(Arc<Memory>);

struct Memory {
    holding: Holding,
    len: usize,
}

// SAFETY: the memory behind the pointer is only copied, with accesses that may race (see `copy.rs`).
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Region {
    pub(crate) fn new(holding: Holding, len: usize) -> Region {
        Region(Arc::new(Memory { holding, len }))
    }

    /// Its bytes.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a volume of no bytes is not a case worth a name")]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// A pointer to `[at, at + len)`.
    #[inline]
    fn place(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at <= self.0.len && len <= self.0.len - at, "{len} bytes at {at} of a region of {}", self.0.len);
        // SAFETY: inside the memory held, as just checked.
        unsafe { self.0.holding.base.add(at).as_ptr() }
    }

    /// Where byte `at` is for a device.
    #[inline]
    pub fn address(&self, at: usize) -> u64 {
        self.place(at, 0).expose_provenance() as u64
    }

    /// Reads the little-endian value at an even place in one piece; what is read after it is not older (acquire).
    #[inline]
    pub fn load16(&self, at: usize) -> u16 {
        // SAFETY: the range is checked, here is the alignment; other accesses count as atomic, or are a device's.
        u16::from_le(unsafe { AtomicU16::from_ptr(self.aligned(at)) }.load(Ordering::Acquire))
    }

    /// As [`load16`](Self::load16), for 32 bits at a multiple of 4.
    #[inline]
    pub fn load32(&self, at: usize) -> u32 {
        // SAFETY: as in `load16`.
        u32::from_le(unsafe { AtomicU32::from_ptr(self.aligned(at)) }.load(Ordering::Acquire))
    }

    /// Writes a little-endian value at a multiple of 4 in one piece, after all that was written before it (release).
    #[inline]
    pub fn store32(&self, at: usize, value: u32) {
        // SAFETY: as in `load16`.
        unsafe { AtomicU32::from_ptr(self.aligned(at)) }.store(value.to_le(), Ordering::Release);
    }

    /// A pointer to a whole, aligned `T`.
    #[inline]
    fn aligned<T>(&self, at: usize) -> *mut T {
        let place = self.place(at, size_of::<T>()).cast::<T>();
        assert!(place.is_aligned(), "a value of {} bytes at {at}", size_of::<T>());
        place
    }

    /// Copies from the region.
    #[inline]
    pub fn read(&self, at: usize, to: &mut [u8]) {
        let from = self.place(at, to.len());
        // SAFETY: the range is checked; nobody has a slice of region memory, so `to` does not overlap it.
        unsafe { copy::bytes::<true>(from, to.as_mut_ptr(), to.len()) };
    }

    /// Copies into the region.
    #[inline]
    pub fn write(&self, at: usize, from: &[u8]) {
        let to = self.place(at, from.len());
        // SAFETY: the range is checked; nobody has a slice of region memory, so `from` does not overlap it.
        unsafe { copy::bytes::<false>(from.as_ptr(), to, from.len()) };
    }

    /// Sets a range to zero.
    pub fn zero(&self, at: usize, len: usize) {
        // SAFETY: the range is checked.
        unsafe { copy::zero(self.place(at, len), len) };
    }

    /// Lends a range: a handle of the memory itself. It may outlive the region. Counts without a locked instruction.
    #[inline]
    pub fn lend(&self, at: usize, len: u32) -> Data {
        let place = self.place(at, len as usize);
        // SAFETY: inside the region, which stays until the ledger says that all is home.
        unsafe { Data::lent(place, len, self.0.holding.ledger) }
    }

    /// Copies all of `from` to `at`; it may itself be lent, also by this region if the ranges do not overlap.
    ///
    /// # Panics
    /// If the ranges overlap.
    #[inline]
    pub fn copy_in(&self, at: usize, from: &Data) {
        if !from.is_lent() {
            return self.write(at, from.bytes());
        }
        let len = from.len() as usize;
        let to = self.place(at, len);
        assert!(from.as_ptr().addr().abs_diff(to.addr()) >= len, "a copy onto itself");
        // SAFETY: the range is checked, the lent range is valid while the handle is, and they do not overlap.
        unsafe { copy::bytes::<true>(from.as_ptr(), to, len) };
    }

    /// Fills all of `to` from `at`.
    ///
    /// # Panics
    /// If `to` is lent.
    #[inline]
    pub fn copy_out(&self, at: usize, to: &mut Data) {
        self.read(at, to.bytes_mut());
    }

    /// Whether the bytes from `at` are `what`.
    pub fn eq(&self, at: usize, what: &[u8]) -> bool {
        let mut piece = [0; 4096];
        what.chunks(piece.len()).enumerate().all(|(i, part)| {
            let piece = &mut piece[..part.len()];
            self.read(at + i * 4096, piece);
            piece == part
        })
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Region({} bytes)", self.0.len)
    }
}
