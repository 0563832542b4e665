//! How many pieces of a region are lent out, counted without a locked instruction.
//!
//! Each thread has its own cell in each ledger and is its only writer; a piece may go out on one thread and come home on another,
//! so only the sum means something. When the owner of a region is gone, nothing more goes out: from then on the sum of what a
//! reader finds can only be too large, so a sum of zero is certain and (acquire, release) comes after all the use.
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicIsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// Threads with a cell of their own; any others share the last cell, with locked instructions.
const CELLS: usize = 65;
const SHARED: usize = CELLS - 1;
const UNKNOWN: usize = usize::MAX;

#[derive(Debug)]
#[repr(align(64))]
struct Own(AtomicIsize);

/// What is out of one region. Ledgers are never freed, only used again, so that a handle may point to one at any time.
#[derive(Debug)]
pub(crate) struct Ledger([Own; CELLS]);

static SPARE_LEDGERS: Mutex<Vec<&'static Ledger>> = Mutex::new(Vec::new());
static SPARE_CELLS: Mutex<Spare> = Mutex::new(Spare { next: 0, free: Vec::new() });

impl Ledger {
    /// A ledger with nothing out.
    pub(crate) fn open() -> &'static Ledger {
        let spare = SPARE_LEDGERS.lock().expect("no panic while locked").pop();
        spare.unwrap_or_else(|| Box::leak(Box::new(Ledger([const { Own(AtomicIsize::new(0)) }; CELLS]))))
    }

    /// Gives a ledger with nothing out to the next region.
    pub(crate) fn close(&'static self) {
        debug_assert_eq!(self.out(), 0);
        SPARE_LEDGERS.lock().expect("no panic while locked").push(self);
    }

    #[inline]
    pub(crate) fn lend(&self) {
        self.add(1);
    }

    #[inline]
    pub(crate) fn home(&self) {
        self.add(-1);
    }

    #[inline]
    fn add(&self, n: isize) {
        let index = my_cell();
        let cell = &self.0[index].0;
        if index == SHARED {
            cell.fetch_add(n, Release);
        } else {
            cell.store(cell.load(Relaxed).wrapping_add(n), Release);
        }
    }

    /// Pieces out; exact only when nothing goes out any more, and then never too small.
    pub(crate) fn out(&self) -> isize {
        self.0.iter().fold(0, |sum, own| sum.wrapping_add(own.0.load(Acquire)))
    }
}

/// Cell numbers that no living thread has. A number's next holder gets it through this lock, hence sees all its stores.
struct Spare {
    next: usize,
    free: Vec<usize>,
}

/// Holds a cell number for the life of a thread.
struct Lease(usize);

impl Lease {
    fn take() -> Lease {
        let mut spare = SPARE_CELLS.lock().expect("no panic while locked");
        let index = spare.free.pop().unwrap_or(spare.next);
        spare.next = spare.next.max(if index < SHARED { index + 1 } else { index });
        Lease(index)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        MINE.set(SHARED);
        if self.0 < SHARED {
            SPARE_CELLS.lock().expect("no panic while locked").free.push(self.0);
        }
    }
}

thread_local! {
    static MINE: Cell<usize> = const { Cell::new(UNKNOWN) };
    static LEASE: Lease = Lease::take();
}

#[inline]
fn my_cell() -> usize {
    match MINE.get() {
        UNKNOWN => enrol(),
        index => index,
    }
}

#[cold]
fn enrol() -> usize {
    let index = LEASE.try_with(|lease| lease.0).unwrap_or(SHARED);
    MINE.set(index);
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_than_cells_lose_no_count() {
        let ledger = Ledger::open();
        std::thread::scope(|threads| {
            for _ in 0..CELLS + 20 {
                threads.spawn(|| (0..500).for_each(|_| ledger.lend()));
            }
        });
        assert_eq!(ledger.out(), (CELLS as isize + 20) * 500);
        (0..(CELLS + 20) * 500).for_each(|_| ledger.home());
        assert_eq!(ledger.out(), 0, "what others lent came home here");
        ledger.close();
    }
}
