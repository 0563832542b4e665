//! What the firmware hands to the chip.

use super::Entry;

/// What the firmware has for its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the response queue that goes with this request queue (0: the base queue; [`EXECUTE`](super::EXECUTE)). Several entries are one group: they
    /// become visible by one update of the in-pointer.
    Response {
        /// The request queue that the IOCB came by.
        queue: u16,
        /// The entry and its continuations.
        entries: Vec<Entry>,
    },
    /// For the ATIO queue.
    Atio {
        /// The entry and its continuations.
        entries: Vec<Entry>,
    },
    /// An asynchronous event: mailboxes 0 to 7.
    Event([u16; 8]),
}

/// What the firmware makes of a mailbox command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// Done: all 32 outgoing mailboxes, status in the first.
    Done([u16; 32]),
    /// Not one of its commands: the chip answers it.
    NotMine,
}
