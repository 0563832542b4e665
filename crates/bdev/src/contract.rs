//! The contract of [`Bdev`] and [`crate::Channel`], as a test that every module runs against its device.
//!
//! [`run`] makes a device again and again, opens two channels on it and gives them random operations, many in flight, with
//! cancels, resets, loans and removal at any time. It holds the device to this, and returns the first [`Violation`]:
//! - each operation ends exactly once, with the very memory that was lent to it;
//! - what was neither hurried nor overtaken by a removal ends as [`Status::Ok`]; what is given to a device that has left the
//!   list ends as [`Status::Removed`];
//! - a read returns what the last ended write of *any* channel left, and a loan the same bytes;
//! - while anything is in flight there is a descriptor or a deadline that wakes a sleeping core.
//!
//! Where operations overlapped in time, every order of them is accepted; a write that ended in an error leaves its blocks
//! unknown until the next one. That a flush reaches the medium cannot be seen from here: a module that has a medium tests it.

mod choice;
mod driver;
mod model;

use crate::{Bdev, Op, Status};
use ring::{Tag, Tick};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What a read of a block returns that nobody has written yet, and whether writes are kept at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A new device is full of zeroes.
    Zeroed,
    /// A new device may hold anything.
    Unknown,
    /// Reads return zeroes whatever was written.
    None,
}

/// How to test.
#[derive(Clone, Debug)]
pub struct Options {
    /// One run each: the same seed gives the same operations.
    pub seeds: Range<u64>,
    /// Steps of a run: most start an operation.
    pub steps: u32,
    /// Operations in flight on each of the two channels.
    pub depth: u32,
    /// How many blocks of the device are used, at its beginning and at its end in turn.
    pub window: u64,
    /// What the device remembers.
    pub memory: Memory,
    /// Nanoseconds that pass from turn to turn on the clock that the channels see.
    pub tick: Tick,
    /// How long, in real time, nothing may happen before operations count as lost.
    pub patience: Duration,
    /// Cancel and reset at random.
    pub hurry: bool,
    /// Remove the device in the middle of every fourth run.
    pub remove: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seeds: 0..200,
            steps: 250,
            depth: 16,
            window: 64,
            memory: Memory::Unknown,
            tick: 1_000,
            patience: Duration::from_secs(20),
            hurry: true,
            remove: true,
        }
    }
}

/// What happened in all runs, so that a test can assert that it tested something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Operations submitted.
    pub operations: u64,
    /// Blocks whose content was compared with the model.
    pub compared: u64,
    /// Operations that ended as [`Status::Aborted`].
    pub aborted: u64,
    /// Operations that ended as [`Status::Removed`].
    pub removed: u64,
    /// Reads that the device lent.
    pub lent: u64,
}

/// How a device broke the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// No channel could be opened.
    #[error("seed {seed}: no channel: {reason}")]
    NoChannel {
        /// The run.
        seed: u64,
        /// What the device said.
        reason: String,
    },
    /// An ending for something that is not in flight.
    #[error("seed {seed}: {tag:?} ended, but it is not in flight (it may have ended before)")]
    NotInFlight {
        /// The run.
        seed: u64,
        /// The name in the ending.
        tag: Tag,
    },
    /// An operation did not end.
    #[error("seed {seed}: {op:?} never ended")]
    Lost {
        /// The run.
        seed: u64,
        /// What was asked.
        op: Op,
    },
    /// Other memory came back than was lent.
    #[error("seed {seed}: {op:?} came back with other memory than it was given")]
    Memory {
        /// The run.
        seed: u64,
        /// What was asked.
        op: Op,
    },
    /// The wrong status.
    #[error("seed {seed}: {op:?} ended as {status:?}, which it must not")]
    Status {
        /// The run.
        seed: u64,
        /// What was asked.
        op: Op,
        /// How it ended.
        status: Status,
    },
    /// A read or a loan returned what was not written last.
    #[error("seed {seed}: {op:?}: block {block} holds {found}, expected {expected}")]
    Content {
        /// The run.
        seed: u64,
        /// What was asked.
        op: Op,
        /// The block.
        block: u64,
        /// What was there.
        found: String,
        /// What should have been.
        expected: String,
    },
    /// Something that is not a read was lent, or the loan has the wrong size.
    #[error("seed {seed}: {op:?} was lent {len} bytes")]
    Loan {
        /// The run.
        seed: u64,
        /// What was asked.
        op: Op,
        /// The size of the loan.
        len: u32,
    },
    /// In flight, but neither a descriptor nor a deadline would wake a sleeping core.
    #[error("seed {seed}: operations are in flight, but nothing would wake a sleeping core")]
    Sleeps {
        /// The run.
        seed: u64,
    },
}

/// Runs the contract against the devices that `make` returns, a new one for each seed.
///
/// # Errors
/// The first violation.
///
/// # Panics
/// When there is no ordinary memory for the buffers: a few MiB.
pub fn run(options: &Options, mut make: impl FnMut() -> Arc<dyn Bdev>) -> Result<Report, Violation> {
    let arena = driver::arena();
    let mut report = Report::default();
    for seed in options.seeds.clone() {
        driver::Driver::new(seed, options, make(), &arena, &mut report)?.run()?;
    }
    Ok(report)
}
