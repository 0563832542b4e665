//! A table of slots whose tags go stale when the slot is reused.

/// Names one use of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    index: u32,
    turn: u32,
}

impl Tag {
    /// A tag made by hand, for a table that keeps its own turns and for tests.
    pub const fn new(index: u32, turn: u32) -> Self {
        Self { index, turn }
    }

    /// Where tables that run beside the slots keep their part.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// Which use of the slot this is.
    pub const fn turn(self) -> u32 {
        self.turn
    }

    /// The tag as one number, for a kernel or a device that carries 64 bits for us.
    pub const fn to_u64(self) -> u64 {
        (self.turn as u64) << 32 | self.index as u64
    }

    /// The tag that [`Tag::to_u64`] packed.
    pub const fn from_u64(packed: u64) -> Self {
        Self { index: packed as u32, turn: (packed >> 32) as u32 }
    }
}

struct Slot<T> {
    turn: u32,
    value: Option<T>,
}

/// A table of `T`s in flight. It allocates only in [`Slots::new`] and [`Slots::grow`].
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    /// Makes `count` empty slots.
    pub fn new(count: usize) -> Self {
        let mut slots = Self { slots: Vec::new(), free: Vec::new() };
        slots.grow(count);
        slots
    }

    /// Makes room for `count` slots in all; a smaller table is left as it is.
    pub fn grow(&mut self, count: usize) {
        let have = self.slots.len();
        if count > have {
            self.slots.resize_with(count, || Slot { turn: 0, value: None });
            // Room for all of them, so that removing never allocates.
            let room = count - self.free.len();
            self.free.reserve(room);
            self.free.extend((have as u32..count as u32).rev());
        }
    }

    /// How many slots there are, taken or not.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many slots are taken.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether no slot is taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a slot for `value`, or gives it back when all are taken.
    ///
    /// # Errors
    /// The value itself: the table is full.
    pub fn insert(&mut self, value: T) -> Result<Tag, T> {
        let Some(index) = self.free.pop() else { return Err(value) };
        let slot = &mut self.slots[index as usize];
        assert!(slot.value.is_none(), "a free slot is empty");
        slot.value = Some(value);
        Ok(Tag { index, turn: slot.turn })
    }

    /// The value under `tag`, or `None` when the tag is stale.
    pub fn get(&self, tag: Tag) -> Option<&T> {
        let slot = self.slots.get(tag.index())?;
        if slot.turn == tag.turn { slot.value.as_ref() } else { None }
    }

    /// The value under `tag`, or `None` when the tag is stale.
    pub fn get_mut(&mut self, tag: Tag) -> Option<&mut T> {
        let slot = self.slots.get_mut(tag.index())?;
        if slot.turn == tag.turn { slot.value.as_mut() } else { None }
    }

    /// Empties the slot under `tag`; the tag is stale from here on. `None` when it was stale already.
    pub fn remove(&mut self, tag: Tag) -> Option<T> {
        let slot = self.slots.get_mut(tag.index())?;
        if slot.turn != tag.turn {
            return None;
        }
        let value = slot.value.take()?;
        slot.turn = slot.turn.wrapping_add(1);
        self.free.push(tag.index);
        Some(value)
    }

    /// The value at a place of the table, if the slot is taken.
    pub fn at_mut(&mut self, place: usize) -> Option<&mut T> {
        self.slots.get_mut(place)?.value.as_mut()
    }

    /// The taken slots, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            slot.value.as_ref().map(|value| (Tag { index: index as u32, turn: slot.turn }, value))
        })
    }

    /// The taken slots, in the order of the table, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Tag, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(index, slot)| {
            let turn = slot.turn;
            slot.value.as_mut().map(|value| (Tag { index: index as u32, turn }, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_stale_after_its_slot_was_reused() {
        let mut slots = Slots::new(1);
        let first = slots.insert('a').unwrap();
        assert_eq!(slots.insert('b'), Err('b'));
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert('c').unwrap();
        assert_eq!(second.index(), first.index());
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&'c'));
    }

    #[test]
    fn growing_keeps_what_is_in_flight() {
        let mut slots = Slots::new(2);
        let a = slots.insert(1).unwrap();
        slots.grow(4);
        slots.grow(3);
        assert_eq!((slots.capacity(), slots.len(), slots.get(a)), (4, 1, Some(&1)));
        let tags: Vec<Tag> = (2..5).map(|n| slots.insert(n).unwrap()).collect();
        assert!(slots.insert(9).is_err());
        assert_eq!(slots.iter().count(), 4);
        assert!(tags.iter().all(|tag| slots.get(*tag).is_some()));
    }

    #[test]
    fn a_tag_survives_its_packed_form() {
        let tag = Tag::new(7, u32::MAX);
        assert_eq!(Tag::from_u64(tag.to_u64()), tag);
    }
}
