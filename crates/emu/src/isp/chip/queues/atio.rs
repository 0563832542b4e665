//! The ATIO queue: commands of initiators and what else a target is told.

use super::ring::{Ring, visible};
use crate::isp::Entry;
use pci::{Bus, Fault};
use std::collections::VecDeque;

/// Bytes of an entry before its signature.
const SIGNATURE: usize = 60;

/// The ATIO queue. The host looks at the signature of the next slot only, not at the in-pointer: so a group becomes visible by the
/// signature of its first slot, which is written last.
pub struct AtioQueue {
    ring: Ring,
    in_: u16,
    out: u16,
    vector: Option<u16>,
    waiting: VecDeque<Vec<Entry>>,
    halted: bool,
}

impl AtioQueue {
    /// A queue that starts at `in_`, if that is in it.
    pub fn new(ring: Ring, in_: u16, vector: Option<u16>) -> Option<Self> {
        let queue = Self { ring, in_, out: in_, vector, waiting: VecDeque::new(), halted: false };
        (in_ < ring.length()).then_some(queue)
    }

    /// Its MSI-X vector.
    pub fn vector(&self) -> Option<u16> {
        self.vector
    }

    /// Index of the slot that will be filled next.
    pub fn in_(&self) -> u16 {
        self.in_
    }

    /// The host has taken what is before this. What is not in the ring is not believed.
    pub fn taken(&mut self, register: u32) {
        if let Some(out) = u16::try_from(register).ok().filter(|out| *out < self.ring.length()) {
            self.out = out;
        }
    }

    /// Puts a group behind those that wait. One that is longer than the ring can never be told and is dropped.
    pub fn push(&mut self, group: Vec<Entry>) -> bool {
        let fits = !group.is_empty() && group.len() < usize::from(self.ring.length());
        if fits && !self.halted {
            self.waiting.push_back(group);
        }
        fits
    }

    /// Whether something can be written.
    pub fn has_work(&self) -> bool {
        let room = usize::from(self.ring.free(self.in_, self.out));
        self.waiting.front().is_some_and(|group| group.len() <= room)
    }

    /// Whether the host leaves too little room for what waits.
    pub fn is_full(&self) -> bool {
        !self.waiting.is_empty() && !self.has_work()
    }

    /// Writes what fits. True: something was written.
    ///
    /// # Errors
    /// The host's memory failed; the queue does nothing more.
    pub fn flush(&mut self, bus: &mut dyn Bus) -> Result<bool, Fault> {
        let start = self.in_;
        while self.has_work() {
            let Some(group) = self.waiting.pop_front() else { break };
            if let Err(fault) = self.write(&group, bus) {
                self.halted = true;
                self.waiting.clear();
                return Err(fault);
            }
            self.in_ = self.ring.after(self.in_, group.len() as u16);
        }
        Ok(self.in_ != start)
    }

    /// Continuations first, then the first entry, its signature last.
    fn write(&self, group: &[Entry], bus: &mut dyn Bus) -> Result<(), Fault> {
        debug_assert!(group.len() <= usize::from(self.ring.free(self.in_, self.out)), "the slots are the host's");
        for (n, entry) in (0..).zip(group).skip(1) {
            bus.write(self.ring.slot(self.ring.after(self.in_, n)), &visible(*entry))?;
        }
        let (slot, first) = (self.ring.slot(self.in_), visible(group[0]));
        bus.write(slot, &first[..SIGNATURE])?;
        bus.write(slot + SIGNATURE as u64, &first[SIGNATURE..])
    }
}
