//! I_T nexuses, and which logical unit each LUN of theirs is.

use super::attention::{Attention, Attentions};
use super::open::NO_SLOT;
use super::reservation::Verdict;
use super::task_set::TaskSet;
use crate::Origin;
use crate::shared::{AccessState, PortGroup};
use std::collections::HashMap;
use std::sync::Arc;

/// What a nexus knows of one of its logical units.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub life: Life,
    pub lun: u16,
    /// Place of the logical unit.
    pub unit: u32,
    /// Its number, for ever.
    pub unit_id: u32,
    pub attentions: Attentions,
    /// What the nexus may do.
    pub verdict: Verdict,
    pub set: TaskSet,
}

/// Whether a slot is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Life {
    #[default]
    Free,
    /// A LUN leads to it.
    Mapped,
    /// No LUN leads to it any more; commands that came before are open.
    Leaving,
}

/// A LUN of a nexus as it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub lun: u16,
    pub unit: u32,
    pub unit_id: u32,
}

/// An I_T nexus.
pub(crate) struct Nexus {
    pub origin: Origin,
    /// Its target device and the place of its map there.
    pub map: Option<(u32, usize)>,
    /// Commands that may be open on one logical unit.
    pub depth: u32,
    /// The port group that it came by, if it has a target device.
    pub group: Option<Arc<PortGroup>>,
    /// Its end was ordered.
    pub closing: bool,
    /// Slot of each LUN, or [`NO_SLOT`].
    index: Vec<u32>,
    slots: Vec<Slot>,
    /// Those of them that are free.
    free: Vec<u32>,
}

impl Nexus {
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            map: None,
            depth: 1,
            group: None,
            closing: false,
            index: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The asymmetric access state of the port group that it came by.
    #[inline]
    pub fn access(&self) -> AccessState {
        self.group.as_ref().map_or(AccessState::ActiveOptimized, |group| group.state())
    }

    /// The slot of a LUN.
    #[inline]
    pub fn find(&self, lun: u16) -> Option<u32> {
        self.index.get(usize::from(lun)).copied().filter(|slot| *slot != NO_SLOT)
    }

    #[inline]
    pub fn slot(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(slot as usize)
    }

    #[inline]
    pub fn slot_mut(&mut self, slot: u32) -> Option<&mut Slot> {
        self.slots.get_mut(slot as usize)
    }

    /// A slot, and where the nexus came from.
    #[inline]
    pub fn at(&mut self, slot: u32) -> Option<(&Origin, &mut Slot)> {
        Some((&self.origin, self.slots.get_mut(slot as usize)?))
    }

    /// The slots that LUNs lead to.
    pub fn mapped(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.life == Life::Mapped)
    }

    /// The slots that LUNs lead to, with their places.
    pub fn mapped_places(&self) -> impl Iterator<Item = (u32, &Slot)> {
        let places = self.slots.iter().enumerate().map(|(place, slot)| (place as u32, slot));
        places.filter(|(_, slot)| slot.life == Life::Mapped)
    }

    pub fn mapped_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().filter(|slot| slot.life == Life::Mapped)
    }

    /// The LUNs, rising.
    pub fn luns(&self) -> impl Iterator<Item = u16> {
        self.index.iter().enumerate().filter(|(_, slot)| **slot != NO_SLOT).map(|(lun, _)| lun as u16)
    }

    /// Whether commands are open on a logical unit that the nexus lost.
    pub fn is_leaving(&self) -> bool {
        self.slots.iter().any(|slot| slot.life == Life::Leaving)
    }

    /// The last command of a slot that no LUN leads to is over.
    pub fn release(&mut self, slot: u32) {
        let place = slot;
        if let Some(slot) = self.slot_mut(slot).filter(|slot| slot.life == Life::Leaving && slot.set.open() == 0) {
            *slot = Slot::default();
            self.free.push(place);
        }
    }

    /// Makes the LUNs what is wanted. What stays keeps its commands and its unit attentions. Whether anything changed.
    pub fn remap(&mut self, wanted: &[Wanted]) -> bool {
        let by_lun: HashMap<u16, &Wanted> = wanted.iter().map(|wanted| (wanted.lun, wanted)).collect();
        let mut changed = false;
        for (place, slot) in self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.life == Life::Mapped) {
            let stays = by_lun.get(&slot.lun).is_some_and(|w| (w.unit, w.unit_id) == (slot.unit, slot.unit_id));
            if !stays {
                changed = true;
                slot.life = Life::Leaving;
                if slot.set.open() == 0 {
                    *slot = Slot::default();
                    self.free.push(place as u32);
                }
            }
        }
        self.reindex(wanted.iter().map(|wanted| wanted.lun).max());
        for wanted in by_lun.values() {
            if self.find(wanted.lun).is_none() {
                changed = true;
                self.add(wanted);
            }
        }
        changed
    }

    fn reindex(&mut self, highest: Option<u16>) {
        self.index.clear();
        self.index.resize(highest.map_or(0, |lun| usize::from(lun) + 1), NO_SLOT);
        for (place, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.life == Life::Mapped) {
            self.index[usize::from(slot.lun)] = place as u32;
        }
    }

    fn add(&mut self, wanted: &Wanted) {
        let &Wanted { lun, unit, unit_id } = wanted;
        let attentions = Attentions::of(Attention::PowerOn);
        let slot = Slot { life: Life::Mapped, lun, unit, unit_id, attentions, ..Slot::default() };
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        self.slots[place as usize] = slot;
        self.index[usize::from(lun)] = place;
    }
}
