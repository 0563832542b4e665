//! The SCSI device server in simulation: two homes, two volumes, initiators on both, in virtual time, all from a seed.
//!
//! - Owns: the [`Port`] of each home, the [`Model`] of blocks and of the reservation, and [`Scsi`], which runs them around the
//!   real cores (`scsi::Core`).
//! - In: a [`Plan`], mostly [`Plan::from_seed`]. Out: a [`Tally`], or a panic that says which rule was broken.
//! - What happens: reads, writes, copies within and between the volumes, copies asked for and aborted, persistent
//!   reservations that come, go and are preempted, every task management function at any time, nexuses that are lost and come
//!   again. Commands, data and replies take their time, and overtake each other; volumes take theirs, fail, and do a part of
//!   what was cancelled.
//! - Checked: each command ends once; who nobody touched is answered; what a function ended has ended before the function is
//!   answered; a read returns what the last acknowledged write or copy left, or one that overlaps it in time or was never
//!   acknowledged; what was refused was not done; nobody gets past a reservation that stands, and nobody is refused without
//!   one. At the end all blocks are read, and no task, buffer or nexus is left.
//! - Limits: a copy's source is not written while the copy runs (what it then copies is anybody's guess). Reservations are
//!   of one type, exclusive access, on the first volume.
//! - Not done: tokens, changes by the control plane, other block sizes.

mod command;
mod model;
mod port;
mod world;

pub use command::{Command, What};
pub use model::Model;
pub use port::Port;
pub use world::{Plan, Scsi, Tally};
