//! A response queue: completions for the host.

use super::ring::{Ring, SLOT, visible};
use crate::isp::Entry;
use pci::{Bus, Fault};
use std::collections::VecDeque;

/// A response queue. Slots that the host has not taken are never written.
pub struct ResponseQueue {
    ring: Ring,
    in_: u16,
    /// The last out-pointer of the host that was in the ring.
    out: u16,
    /// Its MSI-X vector; without one, host_status tells.
    vector: Option<u16>,
    waiting: VecDeque<Vec<Entry>>,
    halted: bool,
    /// The pointer was never told.
    fresh: bool,
}

impl ResponseQueue {
    /// A queue that starts at `in_`, if that is in it.
    pub fn new(ring: Ring, in_: u16, vector: Option<u16>) -> Option<Self> {
        let queue = Self { ring, in_, out: in_, vector, waiting: VecDeque::new(), halted: false, fresh: true };
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

    /// Groups that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The host has taken what is before this. What is not in the ring is not believed.
    pub fn taken(&mut self, register: u32) {
        if let Some(out) = u16::try_from(register).ok().filter(|out| *out < self.ring.length()) {
            self.out = out;
        }
    }

    /// Puts a group behind those that wait.
    pub fn push(&mut self, group: Vec<Entry>) {
        if !self.halted && !group.is_empty() {
            self.waiting.push_back(group);
        }
    }

    /// Whether something can be written.
    pub fn has_work(&self) -> bool {
        self.waiting.front().is_some_and(|group| self.fits(group.len()))
    }

    /// Whether the host leaves too little room for what waits.
    pub fn is_full(&self) -> bool {
        self.waiting.front().is_some_and(|group| !self.fits(group.len()))
    }

    /// A group longer than the ring goes in pieces, as there is room.
    fn fits(&self, group: usize) -> bool {
        let room = usize::from(self.ring.free(self.in_, self.out));
        room >= group.min(usize::from(self.ring.length() - 1)) && room > 0
    }

    /// Writes what fits and then the pointer behind the ring. True: something was written.
    ///
    /// # Errors
    /// The host's memory failed; the queue does nothing more.
    pub fn flush(&mut self, bus: &mut dyn Bus) -> Result<bool, Fault> {
        let flushed = self.write_all(bus);
        if flushed.is_err() {
            self.halted = true;
            self.waiting.clear();
        }
        flushed
    }

    fn write_all(&mut self, bus: &mut dyn Bus) -> Result<bool, Fault> {
        let start = self.in_;
        while self.has_work() {
            let Some(group) = self.waiting.pop_front() else { break };
            self.write(group, bus)?;
        }
        let wrote = self.in_ != start;
        if wrote || std::mem::take(&mut self.fresh) {
            self.publish(bus)?;
        }
        Ok(wrote)
    }

    fn write(&mut self, mut group: Vec<Entry>, bus: &mut dyn Bus) -> Result<(), Fault> {
        let rest = group.split_off(group.len().min(usize::from(self.ring.free(self.in_, self.out))));
        for entry in group {
            debug_assert!(self.ring.free(self.in_, self.out) > 0, "the slot is not the host's any more");
            bus.write(self.ring.slot(self.in_), &visible(entry))?;
            self.in_ = self.ring.after(self.in_, 1);
        }
        if !rest.is_empty() {
            self.waiting.push_front(rest);
        }
        Ok(())
    }

    fn publish(&self, bus: &mut dyn Bus) -> Result<(), Fault> {
        debug_assert_eq!(SLOT, size_of::<Entry>() as u64);
        match self.ring.shadow() {
            Some(at) => bus.write(at, &self.in_.to_le_bytes()),
            None => Ok(()),
        }
    }
}
