//! What the chip counts.

/// Counts since the model was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Mailbox commands carried out.
    pub mailbox_commands: u64,
    /// IOCBs fetched.
    pub iocbs: u64,
    /// Entries that were no IOCB.
    pub invalid_iocbs: u64,
    /// Groups of responses.
    pub responses: u64,
    /// Groups for the ATIO queue.
    pub atios: u64,
    /// Asynchronous events.
    pub events: u64,
    /// Asynchronous events that were dropped because the host did not look.
    pub events_dropped: u64,
    /// Completions and ATIOs for queues that are not there.
    pub outputs_dropped: u64,
    /// Polls at which a response queue had no room.
    pub response_full: u64,
    /// Polls at which the ATIO queue had no room.
    pub atio_full: u64,
    /// Accesses to the host's memory that failed.
    pub dma_faults: u64,
    /// MSI-X messages.
    pub interrupts: u64,
    /// Resets of any kind.
    pub resets: u64,
}
