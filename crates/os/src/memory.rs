//! A fixed stretch of bytes that the kernel may be shown: reached by raw pointers only, so that its owner may move.
use std::ptr::NonNull;

/// Owned bytes, zero at first.
#[derive(Debug)]
pub(crate) struct Memory(NonNull<[u8]>);

// SAFETY: it owns its bytes, as a box does.
unsafe impl Send for Memory {}

impl Memory {
    pub(crate) fn new(len: usize) -> Memory {
        let bytes = vec![0; len].into_boxed_slice();
        // SAFETY: a box is not null.
        Memory(unsafe { NonNull::new_unchecked(Box::into_raw(bytes)) })
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The address of byte `at`.
    #[inline]
    pub(crate) fn at(&self, at: usize) -> *mut u8 {
        assert!(at <= self.len());
        // SAFETY: inside the memory, or just at its end.
        unsafe { self.0.cast::<u8>().as_ptr().add(at) }
    }

    /// Copies `bytes` to `at` and returns their address.
    #[inline]
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) -> *mut u8 {
        assert!(at <= self.len() && bytes.len() <= self.len() - at);
        let place = self.at(at);
        // SAFETY: the range is checked; nobody has a slice of this memory while `self` is borrowed exclusively.
        unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        place
    }

    /// The first `len` bytes, to fill.
    pub(crate) fn start_mut(&mut self, len: usize) -> &mut [u8] {
        assert!(len <= self.len());
        // SAFETY: the range is checked, the bytes are initialised, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.at(0), len) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: made from a box, and only here made one again.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
