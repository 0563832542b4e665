//! What we send.

use super::{ENTRY_BYTES, Entry, Memory};
use dma::{Arena, Region};
use pci::Registers;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use wire::isp::regs::{HCCR, QUEUE_REQUEST_IN, QUEUE_REQUEST_OUT};

/// Slots that stay free: one, so that a full ring is no empty one, and one as the usual driver has it.
const KEPT_FREE: u16 = 2;

/// A request queue.
pub struct RequestRing {
    memory: Memory,
    /// The next slot that we fill.
    next: u16,
    /// The adapter's pointer as it was read last.
    taken: u16,
    /// Something was put in since the last doorbell.
    dirty: bool,
    /// Read after a doorbell, so that it reaches the adapter (ISP2031).
    posted: Option<Arc<dyn Registers>>,
    doorbells: u64,
    faults: u64,
}

impl RequestRing {
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
        Ok(Self { memory, next: 0, taken: 0, dirty: false, posted: None, doorbells: 0, faults: 0 })
    }

    /// After each doorbell the command register in this BAR0 is read, as the ISP2031 needs it.
    pub fn flush_reads(&mut self, bar0: Arc<dyn Registers>) {
        self.posted = Some(bar0);
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

    /// How many entries have room now.
    pub fn room(&mut self) -> usize {
        self.look();
        self.known_room().into()
    }

    /// Whether so many entries have room. Reads the adapter's pointer only when it must.
    #[inline]
    pub fn has_room(&mut self, entries: usize) -> bool {
        entries <= usize::from(self.known_room()) || entries <= self.room()
    }

    #[inline]
    fn known_room(&self) -> u16 {
        let waiting = self.memory.steps(self.taken, self.next);
        (self.memory.entries - waiting).saturating_sub(KEPT_FREE)
    }

    /// Reads the adapter's pointer. It can only have moved forward, and no farther than to our own.
    fn look(&mut self) {
        let waiting = self.memory.steps(self.taken, self.next);
        match self.memory.pointer(QUEUE_REQUEST_OUT) {
            Some(taken) if self.memory.steps(self.taken, taken) <= waiting => self.taken = taken,
            _ => self.faults += 1,
        }
    }

    /// Puts in an IOCB, with its continuations behind it. `false`: there is no room, nothing was put in.
    #[inline]
    pub fn push(&mut self, entries: &[Entry]) -> bool {
        if !self.has_room(entries.len()) {
            return false;
        }
        for entry in entries {
            self.memory.region.write(usize::from(self.next) * ENTRY_BYTES, entry);
            self.next = self.memory.after(self.next);
        }
        self.dirty |= !entries.is_empty();
        true
    }

    /// Rings the doorbell, once for all that was put in since the last time.
    #[inline]
    pub fn flush(&mut self) {
        if !std::mem::take(&mut self.dirty) {
            return;
        }
        // The entries are in memory before the adapter hears of them.
        fence(Ordering::Release);
        self.memory.set(QUEUE_REQUEST_IN, self.next);
        self.doorbells += 1;
        if let Some(bar0) = &self.posted {
            bar0.read32(HCCR as u32);
        }
    }

    /// As it is when the adapter begins. It must be quiet.
    pub fn reset(&mut self) {
        self.memory.clear();
        (self.next, self.taken, self.dirty) = (0, 0, false);
        self.memory.set(QUEUE_REQUEST_IN, 0);
        self.memory.set(QUEUE_REQUEST_OUT, 0);
    }

    /// Doorbells rung so far.
    pub fn doorbells(&self) -> u64 {
        self.doorbells
    }

    /// Pointers of the adapter that could not be.
    pub fn faults(&self) -> u64 {
        self.faults
    }
}
