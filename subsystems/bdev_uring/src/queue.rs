//! What a channel needs of a ring on one file: a seam, so that tests can put a medium that forgets behind it.

use dma::Data;
use os::{Completion, FileSlot, Uring};
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;

/// A ring on one file. Each operation gives one completion, with its data, under its token.
pub trait Ring {
    fn read(&mut self, offset: u64, data: Data, part: Range<u32>, token: u64);
    fn write(&mut self, offset: u64, data: Data, part: Range<u32>, dsync: bool, token: u64);
    /// Brings all writes that have completed to the medium.
    fn datasync(&mut self, token: u64);
    fn fallocate(&mut self, mode: i32, offset: u64, len: u64, data: Data, token: u64);
    fn cancel(&mut self, token: u64);
    fn submit(&mut self) -> io::Result<()>;
    fn next(&mut self) -> Option<Completion>;
    /// How many more operations may be queued.
    fn room(&self) -> usize;
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// The real one.
pub struct FileRing {
    ring: Uring,
    slot: FileSlot,
}

impl FileRing {
    /// A ring for `entries` operations at once on `file`.
    pub fn new(file: BorrowedFd<'_>, entries: u32) -> io::Result<Self> {
        let mut ring = Uring::new(entries, 1)?;
        let slot = ring.register(file)?;
        Ok(Self { ring, slot })
    }
}

impl Ring for FileRing {
    fn read(&mut self, offset: u64, data: Data, part: Range<u32>, token: u64) {
        self.ring.read(self.slot, offset, data, part, token);
    }

    fn write(&mut self, offset: u64, data: Data, part: Range<u32>, dsync: bool, token: u64) {
        self.ring.write(self.slot, offset, data, part, dsync, token);
    }

    fn datasync(&mut self, token: u64) {
        self.ring.fsync(self.slot, true, token);
    }

    fn fallocate(&mut self, mode: i32, offset: u64, len: u64, data: Data, token: u64) {
        self.ring.fallocate(self.slot, mode, offset, len, data, token);
    }

    fn cancel(&mut self, token: u64) {
        self.ring.cancel(token);
    }

    fn submit(&mut self) -> io::Result<()> {
        self.ring.submit()
    }

    fn next(&mut self) -> Option<Completion> {
        self.ring.next()
    }

    fn room(&self) -> usize {
        self.ring.room()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.ring.fd())
    }
}
