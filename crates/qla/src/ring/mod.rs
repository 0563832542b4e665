//! The adapter's queues in memory: entries of 64 bytes in a ring, with pointers in BAR4 and, on the ISP27xx, shadows of the adapter's
//! pointers in the slot behind the ring.
//!
//! - Owns: the memory of its rings, our pointer of each. In: entries, the adapter's pointers. Out: entries, our pointers.
//! - Limits: an adapter's pointer that is no index of the ring, or that goes where it cannot have got to, is not believed: it counts
//!   as one that did not move ([`RequestRing::faults`], [`ResponseRing::faults`]).
//! - Not done: interrupts; the priority request queue.

mod atio;
mod request;
mod response;

pub use atio::{AtioRing, Group, MOST_IN_GROUP};
pub use request::RequestRing;
pub use response::ResponseRing;

use dma::{Arena, Region};
use pci::Registers;
use std::sync::Arc;
use wire::isp::regs::{PROCESSED, queue_register};

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 64;

/// An entry of a queue, as it lies in memory.
pub type Entry = [u8; ENTRY_BYTES];

/// Where in an entry of a response or ATIO ring the word is that says whether the adapter has written it.
const SIGNATURE: usize = 60;

/// An extra request queue and the response queue that its completions come to.
pub struct QueuePair {
    /// Queue number of both, from 1 on.
    pub number: u16,
    /// Request queue.
    pub request: RequestRing,
    /// Response queue.
    pub response: ResponseRing,
}

/// What all rings have: memory, a page of registers, a length.
struct Memory {
    region: Region,
    registers: Arc<dyn Registers>,
    queue: u16,
    entries: u16,
    /// The adapter's pointer is a word in memory behind the ring.
    shadow: bool,
}

impl Memory {
    fn new(
        arena: &Arc<Arena>,
        registers: Arc<dyn Registers>,
        queue: u16,
        entries: u16,
        shadow: bool,
    ) -> Result<Self, dma::Error> {
        assert!(entries >= 8, "a ring of {entries} entries has no room for a command");
        let region = arena.region((usize::from(entries) + 1) * ENTRY_BYTES)?;
        Ok(Self { region, registers, queue, entries, shadow })
    }

    /// Where slot `index` begins.
    #[inline]
    fn slot(&self, index: u16) -> usize {
        usize::from(index) * ENTRY_BYTES
    }

    /// The index behind `index`.
    #[inline]
    fn after(&self, index: u16) -> u16 {
        if index + 1 == self.entries { 0 } else { index + 1 }
    }

    /// Steps from `from` forward to `to`.
    #[inline]
    fn steps(&self, from: u16, to: u16) -> u16 {
        if to >= from { to - from } else { self.entries - (from - to) }
    }

    /// The adapter's pointer, if it is an index of the ring.
    #[inline]
    fn pointer(&self, register: u64) -> Option<u16> {
        let value = if self.shadow {
            u32::from(self.region.load16(self.slot(self.entries)))
        } else {
            self.registers.read32(queue_register(self.queue, register) as u32)
        };
        u16::try_from(value).ok().filter(|index| *index < self.entries)
    }

    /// Writes a pointer of ours.
    #[inline]
    fn set(&self, register: u64, value: u16) {
        self.registers.write32(queue_register(self.queue, register) as u32, value.into());
    }

    /// Whether the adapter has written the slot since we took what was there.
    #[inline]
    fn is_new(&self, index: u16) -> bool {
        self.region.load32(self.slot(index) + SIGNATURE) != PROCESSED
    }

    #[inline]
    fn mark_taken(&self, index: u16) {
        self.region.store32(self.slot(index) + SIGNATURE, PROCESSED);
    }

    /// As the adapter is to find it at its start.
    fn clear(&self) {
        self.region.zero(0, (usize::from(self.entries) + 1) * ENTRY_BYTES);
    }

    fn mark_all_taken(&self) {
        (0..self.entries).for_each(|index| self.mark_taken(index));
    }
}

#[cfg(test)]
mod tests;
