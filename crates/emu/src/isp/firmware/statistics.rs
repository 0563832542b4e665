//! What is counted, and the block of mailbox command 6Dh.

use super::core::Core;
use fc::fc2;
use wire::FromZeros;
use wire::isp::database::LinkStatistics;

/// What the firmware counts beside its exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// IOCBs that came, continuations not counted.
    pub iocbs: u64,
    /// Of those, returned with an entry status.
    pub refused: u64,
    /// Commands that had to wait for memory.
    pub waited: u64,
    /// Faults of the host's memory.
    pub faults: u64,
    /// Mailbox commands, those in IOCBs included.
    pub mailboxes: u64,
    /// What the exchange engine counts.
    pub exchanges: fc2::Counters,
    /// How often the link came.
    pub link_ups: u32,
    /// How often it went.
    pub link_failures: u32,
}

/// A counter of 64 bits as one of 32: it goes on at 0.
fn low(count: u64) -> u32 {
    count as u32
}

impl Core {
    /// All counters.
    pub fn all_counters(&self) -> Counters {
        let (link_ups, link_failures) = (self.link.ups, self.link.failures);
        Counters { exchanges: self.fc2.counters(), link_ups, link_failures, ..self.counters }
    }

    /// The statistics block. What a link in software cannot have (bad words, lost signals) stays 0.
    pub fn statistics(&self) -> LinkStatistics {
        let all = self.all_counters();
        let engine = all.exchanges;
        let mut block = LinkStatistics::new_zeroed();
        block.link_failures.set(all.link_failures);
        block.link_ups.set(all.link_ups);
        block.transmitted_frames.set(low(engine.frames_out));
        block.received_frames.set(low(engine.frames_in));
        block.discarded_frames.set(low(engine.strays));
        block.dropped_frames.set(low(engine.errors));
        block.exchange_failures.set(low(engine.timeouts));
        block.abts.set(low(engine.aborts_in));
        block.mailbox_commands.set(low(all.mailboxes));
        block.received_words.set(engine.bytes_in / 4);
        block.transmitted_words.set(engine.bytes_out / 4);
        block
    }
}
