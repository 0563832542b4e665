//! Data that proves what happened to it: written, acknowledged, read back, through crashes of the target and of this program.
//!
//! A job writes blocks in random order again and again, and knows for each which generation was acknowledged last and which was sent
//! last. A block must be one generation as a whole, between those two. After the connection was lost the same holds: a write that was not
//! acknowledged may have happened or not.

mod engine;
mod model;
mod pattern;
mod report;
mod session;

pub use engine::run;
pub use model::{FORMAT, Model, Subject};
pub use pattern::{Stamp, Verdict, check as check_block, write as write_block};
pub use report::{Finding, Report};

use std::path::PathBuf;
use std::time::Duration;

/// What to do.
#[derive(Debug, Clone)]
pub struct Job {
    /// How long to write and read.
    pub time: Duration,
    /// Commands outstanding on each queue.
    pub depth: u16,
    /// Queues.
    pub queues: u16,
    /// Bytes of a command.
    pub io_bytes: u32,
    /// Percentage of reads.
    pub reads: u8,
    /// Bytes of the namespace that are used.
    pub size: u64,
    /// Flush after so many writes; 0 for never.
    pub flush_every: u64,
    /// Namespace.
    pub nsid: u32,
    /// Start of the random numbers.
    pub seed: u64,
    /// How long to try to connect again.
    pub reconnect: Duration,
    /// Read all once more at the end.
    pub sweep: bool,
    /// What is remembered, and where.
    pub state: State,
}

/// The state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// None.
    None,
    /// A new one.
    New(PathBuf),
    /// One that is there, to go on with.
    Resume(PathBuf),
    /// One that is there, to check the namespace against; nothing is written.
    Check(PathBuf),
}
