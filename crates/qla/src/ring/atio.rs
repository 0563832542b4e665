//! What comes unasked: commands, notifies, aborts, link service requests.

use super::{ENTRY_BYTES, Entry, Memory};
use dma::{Arena, Region};
use pci::Registers;
use std::sync::Arc;
use wire::isp::regs::{QUEUE_ATIO_IN, QUEUE_ATIO_OUT};

/// Slots of a group that are looked at: the longest link service request of NVMe (1,024 bytes) has 18.
pub const MOST_IN_GROUP: usize = 20;

/// Where in an entry its count is.
const COUNT: usize = 1;

/// An entry and the slots behind it that belong to it.
#[derive(Clone)]
pub struct Group {
    slots: [Entry; MOST_IN_GROUP],
    count: u8,
}

impl Default for Group {
    fn default() -> Self {
        Self { slots: [[0; ENTRY_BYTES]; MOST_IN_GROUP], count: 0 }
    }
}

impl Group {
    /// A group of these entries; those beyond the most are left out.
    pub fn of(entries: &[Entry]) -> Self {
        let mut group = Self::default();
        let count = entries.len().min(MOST_IN_GROUP);
        group.slots[..count].copy_from_slice(&entries[..count]);
        group.count = count as u8;
        group
    }

    /// The entry; zeroes when there is none.
    #[inline]
    pub fn first(&self) -> &Entry {
        &self.slots[0]
    }

    /// All slots.
    #[inline]
    pub fn entries(&self) -> &[Entry] {
        &self.slots[..self.count.into()]
    }

    /// The bytes of all slots.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.entries().as_flattened()
    }
}

/// The ATIO queue. Only the signature of an entry says that it is there; the adapter writes that of a group's first slot last.
pub struct AtioRing {
    memory: Memory,
    /// The slot that we take next.
    next: u16,
    /// Something was taken since our pointer was last written.
    dirty: bool,
    /// Groups whose count was not true.
    faults: u64,
}

impl AtioRing {
    /// A ring of `entries` slots, whose pointers are in BAR4.
    ///
    /// # Errors
    /// There is no memory.
    pub fn new(arena: &Arc<Arena>, registers: Arc<dyn Registers>, entries: u16) -> Result<Self, dma::Error> {
        let memory = Memory::new(arena, registers, 0, entries, false)?;
        memory.mark_all_taken();
        Ok(Self { memory, next: 0, dirty: false, faults: 0 })
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

    /// Whether something is there.
    #[inline]
    pub fn is_pending(&self) -> bool {
        self.memory.is_new(self.next)
    }

    /// Copies the next group into `group`; `false`: there is none.
    ///
    /// A count that says more than the adapter has written, or than any entry has, is not believed: the group then ends before
    /// the first slot that is not written.
    #[inline]
    pub fn next(&mut self, group: &mut Group) -> bool {
        if !self.memory.is_new(self.next) {
            return false;
        }
        self.take(group, 0);
        let said = usize::from(group.slots[0][COUNT]).max(1);
        let most = said.min(MOST_IN_GROUP).min(usize::from(self.memory.entries) - 1);
        let mut count = 1;
        while count < most && self.memory.is_new(self.next) {
            self.take(group, count);
            count += 1;
        }
        group.count = count as u8;
        self.faults += u64::from(count != said);
        self.dirty = true;
        true
    }

    #[inline]
    fn take(&mut self, group: &mut Group, place: usize) {
        self.memory.region.read(self.memory.slot(self.next), &mut group.slots[place]);
        self.memory.mark_taken(self.next);
        self.next = self.memory.after(self.next);
    }

    /// Tells the adapter what was taken, once for all since the last time.
    #[inline]
    pub fn flush(&mut self) {
        if std::mem::take(&mut self.dirty) {
            self.memory.set(QUEUE_ATIO_OUT, self.next);
        }
    }

    /// As it is when the adapter begins. It must be quiet.
    pub fn reset(&mut self) {
        self.memory.clear();
        self.memory.mark_all_taken();
        (self.next, self.dirty) = (0, false);
        self.memory.set(QUEUE_ATIO_IN, 0);
        self.memory.set(QUEUE_ATIO_OUT, 0);
        // So that both have reached the adapter.
        let _ = self.memory.pointer(QUEUE_ATIO_OUT);
    }

    /// Groups whose count was not true.
    pub fn faults(&self) -> u64 {
        self.faults
    }
}
