//! What crosses between owners: names of slots in flight, fixed tables of them, and bounded mailboxes between cores.
//!
//! - Owns: [`Slots`], a fixed table whose [`Tag`]s go stale on reuse; [`Mailbox`], a bounded queue into one core.
//! - In: values. Out: the same values, once.
//! - Limits: tables and mailboxes have a capacity for life; a full mailbox gives the value back.
//! - Not done: blocking receive. A core polls; who sends wakes it (see the `reactor` crate).
#![forbid(unsafe_code)]

mod mailbox;
mod slots;

pub use mailbox::{Full, Mailbox, Sender, mailbox};
pub use slots::{Slots, Tag};

/// Nanoseconds since the clock of this process (or of a simulation) started.
pub type Tick = u64;
