//! The logical units of a core: the control plane's copies, and their open devices.

use crate::LogicalUnitView;
use crate::shared::Selected;
use bdev::Features;
use ring::Tag;
use std::collections::HashMap;
use std::sync::Arc;

/// A logical unit.
pub(crate) struct Unit {
    pub id: u32,
    /// The device, as the group named it.
    pub target: Tag,
    pub blocks: u64,
    /// Bytes of a block, as a power of two.
    pub shift: u32,
    pub features: Features,
    pub view: Arc<LogicalUnitView>,
}

impl Unit {
    pub fn new(view: &Arc<LogicalUnitView>, target: Tag) -> Self {
        let info = &view.info;
        Self {
            id: view.id,
            target,
            blocks: info.blocks,
            shift: info.block_size.trailing_zeros(),
            features: info.features,
            view: view.clone(),
        }
    }

    pub fn block_bytes(&self) -> u32 {
        1 << self.shift
    }

    /// The mode parameters that initiators selected.
    #[inline]
    pub fn modes(&self) -> Selected {
        self.view.shared.modes.get()
    }

    /// WCE is 0 although the device has a volatile cache: each write is forced to the medium.
    #[inline]
    pub fn writes_through(&self) -> bool {
        self.modes().has(Selected::WRITES_THROUGH)
    }
}

/// What a new copy changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// The device that is used no more.
    pub gone: Option<Tag>,
    pub is_new: bool,
    pub capacity: bool,
    pub inquiry: bool,
}

/// All logical units, at places that stay. A place is used anew only when no slot of a nexus names it.
#[derive(Default)]
pub(crate) struct Units {
    places: Vec<Option<Unit>>,
    /// Place of each, by its number.
    by_id: HashMap<u32, u32>,
}

impl Units {
    #[inline]
    pub fn get(&self, place: u32) -> Option<&Unit> {
        self.places.get(place as usize)?.as_ref()
    }

    pub fn by_id(&self, id: u32) -> Option<(u32, &Unit)> {
        let place = *self.by_id.get(&id)?;
        Some((place, self.get(place)?))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.places.iter().flatten()
    }

    /// The device that is open already for a new copy.
    pub fn kept(&self, view: &LogicalUnitView) -> Option<Tag> {
        let (_, unit) = self.by_id(view.id)?;
        let same = Arc::ptr_eq(&unit.view.device, &view.device) && unit.view.info.uuid == view.info.uuid;
        same.then_some(unit.target)
    }

    /// Puts a copy in place of the old one, or in a free place.
    pub fn put(&mut self, view: &Arc<LogicalUnitView>, target: Tag) -> Change {
        let unit = Unit::new(view, target);
        let Some((place, old)) = self.by_id(view.id) else {
            let free = self.places.iter().position(Option::is_none);
            let place = free.unwrap_or_else(|| {
                self.places.push(None);
                self.places.len() - 1
            });
            self.places[place] = Some(unit);
            self.by_id.insert(view.id, place as u32);
            return Change { is_new: true, ..Change::default() };
        };
        let change = Change {
            gone: (old.target != target).then_some(old.target),
            is_new: false,
            capacity: (old.blocks, old.shift) != (unit.blocks, unit.shift),
            inquiry: old.view.identity != view.identity || old.features != unit.features,
        };
        self.places[place as usize] = Some(unit);
        change
    }

    /// Takes one away; its device.
    pub fn remove(&mut self, id: u32) -> Option<Tag> {
        let (place, unit) = self.by_id(id)?;
        let target = unit.target;
        self.places[place as usize] = None;
        self.by_id.remove(&id);
        Some(target)
    }
}
