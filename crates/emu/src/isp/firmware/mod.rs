//! The firmware of the modelled adapter: logins, exchanges, fabric, on the exchange engine of `fc` and a link.
//!
//! It sees no register: the chip hands it IOCBs and the mailbox commands that concern the fabric, and puts its [`Output`] into rings and
//! mailboxes. It reads and writes the host's memory by [`pci::Bus`] (data segments, CMND IUs, CT payloads).

/// An entry of a queue.
pub type Entry = [u8; 64];

/// The request queue number under which the chip hands in the IOCB of mailbox command 54h (execute IOCB): the response entry with
/// that number goes back into the buffer of the command and completes it.
pub const EXECUTE: u16 = u16::MAX;

/// What the firmware has for its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the response queue that goes with this request queue (0: the base queue; [`EXECUTE`]). Several entries are one group: they
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
