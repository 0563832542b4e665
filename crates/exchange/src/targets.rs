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
    /// The channel knows what time it is: it had its turn in this one of ours.
    pub turned: bool,
    /// Since when it is wanted back.
    pub closing: Option<Tick>,
}

/// How long a lent read may keep a device that is going, before its queue is ended.
const LOAN_PATIENCE_NS: Tick = 1_000_000_000;

impl Target {
    fn is_home(&self) -> bool {
        self.inflight == 0 && self.loans == 0
    }

    /// Gives the channel its turn, once in each of ours: while operations are out, and before the first one, so that it
    /// dates that one right.
    pub fn turn(&mut self, now: Tick) {
        if !std::mem::replace(&mut self.turned, true) {
            self.channel.turn(now);
        }
    }

    /// When it wants a turn although nothing happens.
    fn deadline(&self) -> Option<Tick> {
        let device = if self.inflight > 0 { self.channel.deadline() } else { None };
        let closing = match self.closing {
            Some(since) if self.is_home() => Some(since),
            Some(since) if self.loans > 0 => Some(since + LOAN_PATIENCE_NS),
            _ => None,
        };
        device.into_iter().chain(closing).min()
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
        let target = Target { channel, meters, inflight: 0, loans: 0, dirty: false, turned: false, closing: None };
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

    /// Ends the turn of each channel that was used.
    pub fn ring_bells(&mut self) {
        for (_, target) in self.slots.iter_mut() {
            target.turned = false;
            if std::mem::take(&mut target.dirty) {
                target.channel.bell();
            }
        }
    }

    /// Drops devices that are wanted back and home. Returns one that loans have kept for too long; its patience starts
    /// anew, so that it is returned once a second and others have their turn.
    pub fn close_idle(&mut self, now: Tick) -> Option<Tag> {
        if self.closing == 0 {
            return None;
        }
        while let Some(tag) = self.first(|t| t.closing.is_some() && t.is_home()) {
            self.slots.remove(tag);
            self.closing -= 1;
        }
        let overdue = |since| now >= since + LOAN_PATIENCE_NS;
        let tag = self.first(|t| t.loans > 0 && t.closing.is_some_and(overdue))?;
        self.slots.get_mut(tag)?.closing = Some(now);
        Some(tag)
    }

    fn first(&self, what: impl Fn(&Target) -> bool) -> Option<Tag> {
        self.slots.iter().find(|(_, target)| what(target)).map(|(tag, _)| tag)
    }

    /// When some device wants a turn.
    pub fn deadline(&self) -> Option<Tick> {
        self.slots.iter().filter_map(|(_, target)| target.deadline()).min()
    }
}
