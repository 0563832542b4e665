//! For tests: proves that a piece of code neither allocates nor frees.
//!
//! - Owns: [`Frugal`], the system's allocator with a watch, and the watch of each thread.
//! - In: a closure. Out: what it returns, or a panic afterwards that says how often it allocated or freed; the first place is
//!   printed on standard error with a backtrace.
//! - Limits: watches the calling thread only. A test binary must name the allocator, else [`without_allocation`] refuses.
//! - Not done: a panic at the very place. An allocator must not unwind.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: frugal::Frugal = frugal::Frugal;
//!
//! fn main() {
//!     assert_eq!(frugal::without_allocation(|| 1 + 1), 2);
//! }
//! ```
//!
//! # Why unsafe
//! `GlobalAlloc` is an unsafe trait. Every call goes on unchanged to [`System`].

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;

/// The system's allocator, watched.
pub struct Frugal;

thread_local! {
    // Constants without destructors: touching them allocates nothing.
    static ARMED: Cell<bool> = const { Cell::new(false) };
    static SEEN: Cell<u64> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Counts a call, and tells of the first that must not be.
#[inline]
fn note(what: &str, bytes: usize) {
    CALLS.set(CALLS.get() + 1);
    if ARMED.replace(false) {
        let first = SEEN.get() == 0;
        SEEN.set(SEEN.get() + 1);
        if first {
            // The watch is off here, so this may allocate.
            eprintln!("{bytes} bytes {what} where nothing may be:\n{}", Backtrace::force_capture());
        }
        ARMED.set(true);
    }
}

// SAFETY: every call goes on unchanged to `System`, which keeps the contract; `note` does not unwind.
unsafe impl GlobalAlloc for Frugal {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note("allocated", layout.size());
        // SAFETY: the caller's promises, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note("freed", layout.size());
        // SAFETY: the caller's promises, passed on; `at` came from `System`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note("moved", size);
        // SAFETY: the caller's promises, passed on; `at` came from `System`.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Turns the watch off, also when the code panics.
struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        ARMED.set(false);
    }
}

/// Runs `what` and panics afterwards if it allocated or freed anything on this thread.
///
/// # Panics
/// If it did, and if [`Frugal`] is not the allocator of this program: then nothing would be proved.
pub fn without_allocation<T>(what: impl FnOnce() -> T) -> T {
    let calls = CALLS.get();
    drop(std::hint::black_box(Box::new(0_u8)));
    assert!(CALLS.get() > calls, "name `frugal::Frugal` as the #[global_allocator]");
    SEEN.set(0);
    let result = {
        let _watch = Watch;
        ARMED.set(true);
        what()
    };
    assert!(SEEN.get() == 0, "{} allocations or frees where none may be", SEEN.get());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Frugal = Frugal;

    #[test]
    fn what_allocates_nothing_passes() {
        let mut numbers = Vec::with_capacity(1);
        without_allocation(|| numbers.push(7));
        assert_eq!(numbers, [7]);
    }

    #[test]
    fn allocating_freeing_and_growing_are_seen() {
        let caught = |what: fn()| std::panic::catch_unwind(|| without_allocation(what)).is_err();
        assert!(caught(|| drop(std::hint::black_box(Box::new(1)))));
        assert!(caught(|| std::mem::forget(std::hint::black_box(Box::new(1)))));
        assert!(caught(|| {
            let mut numbers: Vec<u32> = std::hint::black_box(Vec::new());
            numbers.push(1);
            std::mem::forget(numbers);
        }));
    }
}
