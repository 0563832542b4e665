//! Deterministic simulation of the exchange machine: soft hosts, soft disks and virtual time, all from a seed, with checkers
//! at every turn.
//!
//! - Owns: [`SoftPort`] with the model hosts, [`SoftDisk`], [`SoftSet`], the [`Oracle`], and [`World`], which runs them.
//! - In: a [`Scenario`], mostly [`Scenario::from_seed`]. Out: a [`Summary`], or a panic that says which rule was broken.
//! - Checked after every turn: each byte of the buffers has one owner and all that are out are somewhere; the group and the
//!   port agree on what is open; bell and flush were called; no host that behaves waits too long.
//! - Checked at every reply: it is the one reply of that command; its status had a cause; a read returns what the last
//!   acknowledged write left, or a write that overlaps it or was never acknowledged; the same for comparisons; what an abort
//!   was told is true.
//! - Checked at the end: nothing open, nothing out, all queues and devices closed. A run in which nothing will ever happen
//!   fails, so a lost wake-up or deadline is found.
//! - Fibre Channel, with everything in it: [`fibre`]. The SCSI device server by itself: [`mod@scsi`].
//! - Limits: one thread; time moves only between turns.
//! - Not done: power loss, and what a flush promises.
//!
//! `QFC_SEEDS=n` runs more seeds in `tests/seeds.rs`; `QFC_SEED=n` replays one and says what happens.
#![forbid(unsafe_code)]

mod chance;
mod command;
mod disk;
pub mod fibre;
mod host;
mod oracle;
mod port;
mod scenario;
pub mod scsi;
mod set;
mod world;

pub use chance::Chance;
pub use command::{BLOCK, Command, Ending, Kind, Reply, paint, stamp, stamp_of};
pub use disk::{Disk, Manner, SoftDisk};
pub use host::{Habit, Life, Queue};
pub use oracle::{Oracle, Step};
pub use port::{Scene, SoftPort};
pub use scenario::Scenario;
pub use set::{Line, Note, SoftSet};
pub use world::{Common, Summary, World, WrapDisk};

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `what` and turns a panic into its message.
///
/// # Errors
/// What the panic said.
pub fn attempt<T>(what: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}
