//! Fibre Channel in simulation: the real nodes, switch, FCP and FC-NVMe ports, SCSI and NVMe cores, in virtual time, with model
//! hosts, a soft volume and bad links, all from a seed.
//!
//! - Owns: [`Weather`] and [`BadLink`], the [`Volume`], the model [`Host`]s, the [`Target`], and [`Fibre`], which runs them.
//! - In: a [`Plan`], mostly [`Plan::from_seed`]. Out: a [`Tally`], or a panic that says which rule was broken.
//! - Faults: frames lost, late (so that others overtake them), twice; links that flap, of hosts and of the target; zones that
//!   change, so that RSCNs come; aborts and task management at any time; logouts with data on their way; logins again at once;
//!   hosts that vanish.
//! - Checked: every command ends once and in time; a read returns what the last acknowledged write left, or one that
//!   overlaps it or was never acknowledged; nothing fails in good weather; at the end no exchange, buffer, frame, task or
//!   session is left.
//! - Limits: one volume, one target port, one core of each kind.
//! - Not done: commands that a copy of their frame, long after their end, would do again with an effect and without asking for data
//!   (WRITE ZEROES): class 3 has nothing against that, and a fabric must not do it.

mod host;
mod link;
mod nvme;
mod scsi;
mod target;
mod volume;
mod world;

pub use host::Host;
pub use link::{BadLink, Sky, Weather};
pub use target::Target;
pub use volume::{Fault, Volume};
pub use world::{Fibre, Plan, Tally};

/// A millisecond.
pub const MS: ring::Tick = 1_000_000;
