//! The devices that a core has open, and what is out on each.

use bdev::{Channel, Meter};
use ring::{Slots, Tag, Tick};
use std::sync::Arc;

/// One open device.
pub struct Target {
    pub channel: Box<dyn Channel>,
    pub meters: Arc<[Meter]>,
    /// Operations that the channel holds.
    pub inflight: u32,
    /// Reads that are being sent from the device's own memory.
    pub loans: u32,
    /// Submitted to since the last bell.
    pub dirty: bool,
    /// Since when it is wanted back.
    pub closing: Option<Tick>,
}

impl Target {
    fn is_home(&self) -> bool {
        self.inflight == 0 && self.loans == 0
    }
}

/// All devices that a core has open.
pub struct Targets {
    core: usize,
    slots: Slots<Target>,
    closing: usize,
}

impl Targets {
    pub fn new(core: usize) -> Self {
        Self { core, slots: Slots::new(0), closing: 0 }
    }

    /// Adds a device. Not on the I/O path: it may allocate.
    pub fn attach(&mut self, channel: Box<dyn Channel>, meters: Arc<[Meter]>) -> Tag {
        let target = Target { channel, meters, inflight: 0, loans: 0, dirty: false, closing: None };
        if self.slots.len() == self.slots.capacity() {
            self.slots.grow(self.slots.capacity().max(4) * 2);
        }
        self.slots.insert(target).unwrap_or_else(|_| unreachable!("the table was grown"))
    }

    /// Hurries everything that is out on a device; it is dropped when that is home.
    pub fn detach(&mut self, tag: Tag, now: Tick) {
        let Some(target) = self.slots.get_mut(tag) else { return };
        if target.closing.is_none() {
            target.closing = Some(now);
            target.channel.reset();
            target.dirty = true;
            self.closing += 1;
        }
    }

    pub fn is_open(&self, tag: Tag) -> bool {
        self.slots.get(tag).is_some()
    }

    /// The device, unless it is going.
    pub fn usable(&mut self, tag: Tag) -> Option<&mut Target> {
        self.slots.get_mut(tag).filter(|target| target.closing.is_none())
    }

    /// The device, going or not.
    pub fn get_mut(&mut self, tag: Tag) -> Option<&mut Target> {
        self.slots.get_mut(tag)
    }

    pub fn get(&self, tag: Tag) -> Option<&Target> {
        self.slots.get(tag)
    }

    /// This core's counters of a device.
    pub fn meter(&self, tag: Tag) -> Option<&Meter> {
        self.slots.get(tag).and_then(|target| target.meters.get(self.core))
    }

    pub fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// The device at a place of the table, if operations are out on it.
    pub fn busy_at(&mut self, place: usize) -> Option<&mut Target> {
        self.slots.at_mut(place).filter(|target| target.inflight > 0)
    }

    pub fn ring_bells(&mut self) {
        for (_, target) in self.slots.iter_mut().filter(|(_, target)| target.dirty) {
            target.dirty = false;
            target.channel.bell();
        }
    }

    /// Drops devices that are wanted back and home. Returns those that have loans out since before `patience`.
    pub fn close_idle(&mut self, patience: Tick) -> Option<Tag> {
        if self.closing == 0 {
            return None;
        }
        while let Some(tag) = self.first(|t| t.closing.is_some() && t.is_home()) {
            self.slots.remove(tag);
            self.closing -= 1;
        }
        self.first(|t| t.loans > 0 && t.closing.is_some_and(|since| since < patience))
    }

    fn first(&self, what: impl Fn(&Target) -> bool) -> Option<Tag> {
        self.slots.iter().find(|(_, target)| what(target)).map(|(tag, _)| tag)
    }

    /// When some device wants a turn.
    pub fn deadline(&self) -> Option<Tick> {
        self.slots.iter().filter(|(_, t)| t.inflight > 0).filter_map(|(_, t)| t.channel.deadline()).min()
    }
}
