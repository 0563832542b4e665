//! What goes into a queue and what comes out.

use wire::nvme::Cqe;

/// A place in the table that the caller has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub(crate) u16);

impl Slot {
    /// Its number: 0 to the number of slots - 1.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Data of a command, in bytes from the start of its slot's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// None.
    None,
    /// The controller sends this many bytes.
    Read(u32),
    /// The host sends this many bytes.
    Write(u32),
}

impl Payload {
    pub(crate) fn bytes(self) -> u32 {
        match self {
            Payload::None => 0,
            Payload::Read(n) | Payload::Write(n) => n,
        }
    }
}

/// A block operation, for those who do not care which command set carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Io {
    /// Read blocks.
    Read {
        /// First block.
        block: u64,
        /// How many.
        blocks: u32,
    },
    /// Write blocks.
    Write {
        /// First block.
        block: u64,
        /// How many.
        blocks: u32,
    },
    /// What was written before is to be on the medium.
    Flush,
}

/// Sizes of a queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueOptions {
    /// Entries of the submission queue, 2 to 4,096; one less can be outstanding.
    pub entries: u16,
    /// Bytes of each slot's buffer.
    pub buffer: u32,
    /// Data up to this many bytes goes in the capsule. Fabrics commands may always have 8,192.
    pub in_capsule: u32,
    /// Submission queue flow control is on: SQHD is checked.
    pub flow_control: bool,
    /// As [`crate::LinkOptions::strict`].
    pub strict: bool,
}

/// A command that is over. Its slot is the caller's again.
#[derive(Debug, Clone, Copy)]
pub struct Completion {
    /// Where its data is.
    pub slot: Slot,
    /// The controller's answer; made up (success, zero) when C2HData with SUCCESS stood for it.
    pub cqe: Cqe,
}

/// PDUs received, for tests and curiosity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Response capsules.
    pub responses: u64,
    /// Completions by the SUCCESS flag.
    pub successes: u64,
    /// C2HData PDUs.
    pub data: u64,
    /// R2T PDUs.
    pub r2ts: u64,
    /// H2CData PDUs that we sent.
    pub sent_data: u64,
}
