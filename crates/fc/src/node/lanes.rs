//! The lanes of a node, by place. Places are used again when a queue is gone and its last exchange ended.

use crate::Arrival;
use crate::lane::{LaneEnd, Order};

struct Entry {
    end: LaneEnd,
    /// Exchanges of peers that it has open.
    open: usize,
    /// Its service is attached.
    attached: bool,
}

/// All lanes.
#[derive(Default)]
pub(crate) struct Lanes {
    entries: Vec<Option<Entry>>,
}

impl Lanes {
    /// Takes a lane in and says its place.
    pub fn add(&mut self, end: LaneEnd) -> usize {
        let entry = Some(Entry { end, open: 0, attached: true });
        match self.entries.iter().position(Option::is_none) {
            Some(place) => {
                self.entries[place] = entry;
                place
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        }
    }

    /// Its service is over. It stays until its queue is dropped.
    pub fn detach(&mut self, place: usize) {
        if let Some(Some(entry)) = self.entries.get_mut(place) {
            entry.attached = false;
        }
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.entries.len()
    }

    /// Tells a queue; one that is gone hears nothing.
    #[inline]
    pub fn push(&mut self, place: usize, arrival: Arrival) {
        if let Some(Some(entry)) = self.entries.get_mut(place) {
            entry.end.push(arrival);
        }
    }

    /// A command goes to a lane.
    #[inline]
    pub fn opened(&mut self, place: usize) {
        if let Some(Some(entry)) = self.entries.get_mut(place) {
            entry.open += 1;
        }
    }

    /// A command of a lane ended.
    #[inline]
    pub fn ended(&mut self, place: usize) {
        if let Some(Some(entry)) = self.entries.get_mut(place) {
            entry.open -= 1;
        }
    }

    /// Nobody reads at the other end any more.
    pub fn is_abandoned(&self, place: usize) -> bool {
        matches!(self.entries.get(place), Some(Some(entry)) if entry.end.is_abandoned())
    }

    /// The next order of a lane.
    #[inline]
    pub fn order(&mut self, place: usize) -> Option<Order> {
        self.entries.get_mut(place)?.as_mut()?.end.next()
    }

    /// Wakes whom something was told, and lets places go whose queue is gone.
    pub fn flush(&mut self) {
        for place in &mut self.entries {
            let Some(entry) = place else { continue };
            entry.end.flush();
            if !entry.attached && entry.open == 0 && entry.end.is_abandoned() {
                *place = None;
            }
        }
    }

    /// Whether one of them has orders, or room for what waits for it.
    pub fn is_pending(&self) -> bool {
        self.entries.iter().flatten().any(|entry| entry.end.is_pending())
    }
}
