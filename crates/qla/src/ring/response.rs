//! What comes back.

use super::{ENTRY_BYTES, Entry, Memory};
use dma::{Arena, Region};
use pci::Registers;
use std::sync::Arc;
use wire::isp::regs::{QUEUE_RESPONSE_IN, QUEUE_RESPONSE_OUT};

/// A response queue. An entry is there when the adapter's pointer and the entry's own signature say so.
pub struct ResponseRing {
    memory: Memory,
    /// The slot that we take next.
    next: u16,
    /// The adapter's pointer as it was read last.
    filled: u16,
    /// Taken since our pointer was last written.
    untold: u16,
    faults: u64,
}

impl ResponseRing {
    /// A ring of `entries` slots for queue number `queue`, whose pointers are in BAR4.
    ///
    /// # Errors
    /// There is no memory.
    pub fn new(
        arena: &Arc<Arena>,
        registers: Arc<dyn Registers>,
        queue: u16,
        entries: u16,
        shadow: bool,
    ) -> Result<Self, dma::Error> {
        let memory = Memory::new(arena, registers, queue, entries, shadow)?;
        memory.mark_all_taken();
        Ok(Self { memory, next: 0, filled: 0, untold: 0, faults: 0 })
    }

    /// Where it is for the adapter.
    pub fn address(&self) -> u64 {
        self.memory.region.address(0)
    }

    /// Its slots.
    pub fn entries(&self) -> u16 {
        self.memory.entries
    }

    /// Its memory: who keeps a clone keeps it from being used for something else.
    pub fn region(&self) -> Region {
        self.memory.region.clone()
    }

    /// How many entries the adapter says are there.
    pub fn available(&mut self) -> u16 {
        self.look();
        self.memory.steps(self.next, self.filled)
    }

    /// Reads the adapter's pointer.
    #[inline]
    fn look(&mut self) {
        match self.memory.pointer(QUEUE_RESPONSE_IN) {
            Some(filled) => self.filled = filled,
            None => self.faults += 1,
        }
    }

    /// Whether something may be there; no register is read for that.
    #[inline]
    pub fn is_pending(&self) -> bool {
        self.memory.is_new(self.next)
    }

    /// The next entry. An empty ring costs no look at the adapter's pointer, which is a register on the ISP2031.
    #[expect(clippy::should_implement_trait, reason = "an empty ring is not the end of an iteration")]
    #[inline]
    pub fn next(&mut self) -> Option<Entry> {
        if !self.memory.is_new(self.next) {
            return None;
        }
        if self.next == self.filled {
            self.look();
        }
        if self.next == self.filled {
            return None;
        }
        let mut entry = [0; ENTRY_BYTES];
        self.memory.region.read(self.memory.slot(self.next), &mut entry);
        self.memory.mark_taken(self.next);
        self.next = self.memory.after(self.next);
        self.untold += 1;
        Some(entry)
    }

    /// Tells the adapter what was taken, once for all since the last time.
    #[inline]
    pub fn flush(&mut self) {
        if self.untold > 0 {
            self.untold = 0;
            self.memory.set(QUEUE_RESPONSE_OUT, self.next);
        }
    }

    /// The same, when it is worth a write: the adapter only needs to know before the ring is full.
    #[inline]
    pub fn flush_some(&mut self) {
        if self.untold >= self.memory.entries / 8 {
            self.flush();
        }
    }

    /// As it is when the adapter begins. It must be quiet.
    pub fn reset(&mut self) {
        self.memory.clear();
        self.memory.mark_all_taken();
        (self.next, self.filled, self.untold) = (0, 0, 0);
        self.memory.set(QUEUE_RESPONSE_IN, 0);
        self.memory.set(QUEUE_RESPONSE_OUT, 0);
    }

    /// Pointers of the adapter that could not be.
    pub fn faults(&self) -> u64 {
        self.faults
    }
}
