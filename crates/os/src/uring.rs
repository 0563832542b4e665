//! File I/O by io_uring. The ring owns the [`Data`] of an operation until the kernel has completed it.
mod complete;
mod flight;
mod setup;

use dma::Data;
use flight::{CANCEL, Flight, address, name};
use io_uring::{IoUring, opcode, squeue, types};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

/// A file that the ring knows: see [`Uring::register`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSlot(u32);

/// An operation that has ended.
#[derive(Debug)]
pub struct Completion {
    /// The token given with it.
    pub token: u64,
    /// Bytes read or written (which may be fewer than asked for), 0 for the others; or the kernel's error,
    /// `ECANCELED` for one that [`Uring::cancel`] ended.
    pub result: io::Result<i32>,
    /// The memory given with it.
    pub data: Data,
}

/// A ring of operations in flight on registered files.
///
/// It may move between threads until the first [`submit`](Uring::submit) and belongs to that thread from then on: the kernel
/// refuses submissions of others (`EEXIST`), and what is in flight when that thread ends is mostly cancelled.
///
/// Dropping it waits until the kernel has completed everything, because the kernel has the addresses until then. Memory of a pool is lost to it
/// that way; [`finish`](Uring::finish) is the orderly end.
pub struct Uring {
    ring: IoUring,
    flights: Vec<Flight>,
    free: Vec<u32>,
    files: Vec<bool>,
    /// The kernel waits to be told which thread submits.
    asleep: bool,
}

impl Uring {
    /// A ring for `entries` operations at once on `files` files.
    ///
    /// # Errors
    /// When the system forbids io_uring, with text that says so, or has too little memory.
    ///
    /// # Panics
    /// If there is no place for an operation or a file.
    pub fn new(entries: u32, files: u32) -> io::Result<Uring> {
        assert!(entries > 0 && files > 0);
        let (ring, asleep) = setup::build(entries)?;
        ring.submitter().register_files(&vec![-1; files as usize])?;
        let flight = || Flight { token: 0, data: Data::empty(), turn: 0, busy: false };
        let flights = (0..entries).map(|_| flight()).collect();
        Ok(Uring { ring, flights, free: (0..entries).rev().collect(), files: vec![false; files as usize], asleep })
    }

    /// Makes a file known. The kernel keeps it open by itself.
    ///
    /// # Errors
    /// `ENFILE` when all places are taken; else what the kernel says.
    pub fn register(&mut self, file: BorrowedFd<'_>) -> io::Result<FileSlot> {
        let place = self.files.iter().position(|used| !used);
        let place = place.ok_or_else(|| io::Error::from_raw_os_error(libc::ENFILE))?;
        self.ring.submitter().register_files_update(place as u32, &[file.as_raw_fd()])?;
        self.files[place] = true;
        Ok(FileSlot(place as u32))
    }

    /// Forgets a file. What is in flight on it goes on.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn unregister(&mut self, file: FileSlot) -> io::Result<()> {
        self.submit()?;
        self.ring.submitter().register_files_update(file.0, &[-1])?;
        self.files[file.0 as usize] = false;
        Ok(())
    }

    /// How many more operations there is room for.
    #[inline]
    pub fn room(&self) -> usize {
        self.free.len()
    }

    /// How many operations have not been returned by [`next`](Uring::next) yet.
    #[inline]
    pub fn in_flight(&self) -> usize {
        self.flights.len() - self.free.len()
    }

    /// Reads `part.len()` bytes from `offset` of the file into that part of `data`.
    ///
    /// # Panics
    /// If there is no room, the data is lent, or the part is not inside it. (So for all operations.)
    pub fn read(&mut self, file: FileSlot, offset: u64, data: Data, part: Range<u32>, token: u64) {
        assert!(!data.is_lent(), "lent memory is not to be written by the kernel");
        let (place, len) = address(&data, &part);
        let entry = opcode::Read::new(types::Fixed(file.0), place, len).offset(offset).build();
        self.queue(entry, data, token);
    }

    /// Writes a part of `data` at `offset`. With `dsync` it completes only when the bytes are on the medium.
    pub fn write(&mut self, file: FileSlot, offset: u64, data: Data, part: Range<u32>, dsync: bool, token: u64) {
        let (place, len) = address(&data, &part);
        let flags = if dsync { libc::RWF_DSYNC } else { 0 };
        let entry = opcode::Write::new(types::Fixed(file.0), place, len).offset(offset).rw_flags(flags).build();
        self.queue(entry, data, token);
    }

    /// Brings every write that has completed to the medium; with `datasync` without what only concerns the file's times.
    pub fn fsync(&mut self, file: FileSlot, datasync: bool, token: u64) {
        let flags = if datasync { types::FsyncFlags::DATASYNC } else { types::FsyncFlags::empty() };
        let entry = opcode::Fsync::new(types::Fixed(file.0)).flags(flags).build();
        self.queue(entry, Data::empty(), token);
    }

    /// `fallocate(2)`: with the `FALLOC_FL_` bits of `mode`, on files and (to zero or discard) on block devices. `data` is kept meanwhile
    /// and comes back, e.g. a list of ranges that is being worked through.
    pub fn fallocate(&mut self, file: FileSlot, mode: i32, offset: u64, len: u64, data: Data, token: u64) {
        let entry = opcode::Fallocate::new(types::Fixed(file.0), len).offset(offset).mode(mode).build();
        self.queue(entry, data, token);
    }

    /// Asks the kernel to end the operations with this token early, and says whether there are any. Each still completes, once, in
    /// whatever way. For the rare case: looks through all operations.
    pub fn cancel(&mut self, token: u64) -> bool {
        let mut found = false;
        for slot in 0..self.flights.len() {
            let flight = &self.flights[slot];
            if flight.busy && flight.token == token {
                let entry = opcode::AsyncCancel::new(name(slot as u32, flight.turn)).build().user_data(CANCEL);
                found = true;
                self.push(entry);
            }
        }
        found
    }

    fn queue(&mut self, entry: squeue::Entry, data: Data, token: u64) {
        let slot = self.free.pop().expect("the caller asked for room");
        let flight = &mut self.flights[slot as usize];
        let turn = flight.turn.wrapping_add(1);
        *flight = Flight { token, data, turn, busy: true };
        self.push(entry.user_data(name(slot, turn)));
    }

    fn push(&mut self, entry: squeue::Entry) {
        if self.ring.submission().is_full() {
            // Only cancels can fill it. An error here comes again, and is told, at the next submit.
            let _ = self.submit();
        }
        // SAFETY: what the entry points to is in `flights`, where it stays until its completion; drop waits for that.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        pushed.expect("places for every operation and as many cancels");
    }

    /// Hands all that was queued to the kernel, in one call; without one if there is nothing.
    ///
    /// # Errors
    /// What the kernel says, except that it is short of resources now: then the rest goes with the next submit.
    pub fn submit(&mut self) -> io::Result<()> {
        while !self.ring.submission().is_empty() {
            self.wake()?;
            match self.ring.submit() {
                Ok(_) => {}
                Err(e) if matches!(e.raw_os_error(), Some(libc::EINTR)) => {}
                Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY)) => {
                    return Ok(());
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn wake(&mut self) -> io::Result<()> {
        if self.asleep {
            self.ring.submitter().register_enable_rings()?;
            self.asleep = false;
        }
        Ok(())
    }

    /// The ring's descriptor: readable while a completion waits.
    pub fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is the ring's and lives as long as `self` is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.ring.as_raw_fd()) }
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        // Data stays in `flights` until all is home: only then may a handle end.
        while self.flights.iter().any(|flight| flight.busy) {
            while self.reap().is_some() {}
            if self.wait().is_err() {
                // Another thread's ring: completions come all the same, when that thread ends or enters the kernel.
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    }
}
