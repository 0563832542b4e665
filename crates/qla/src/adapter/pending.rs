//! IOCBs of the control path that the firmware has not completed yet. Each has a deadline: one that passes it is lost, and firmware that
//! loses IOCBs is reset.

use ring::Tick;

/// IOCBs under way at most.
const PLACES: usize = 1024;
/// Handles of lanes have this bit.
const TURNS: u32 = 0x0fff;

struct Place<T> {
    turn: u32,
    value: Option<(T, Tick)>,
}

/// A table of what is under way, by handle.
pub(crate) struct Pending<T> {
    places: Vec<Place<T>>,
    free: Vec<u16>,
}

impl<T> Pending<T> {
    pub fn new() -> Self {
        let places = (0..PLACES).map(|_| Place { turn: 0, value: None }).collect();
        Self { places, free: (0..PLACES as u16).rev().collect() }
    }

    /// Takes in what is under way and gives its handle: never 0, never the skip handle, never one of a lane.
    pub fn insert(&mut self, value: T, until: Tick) -> Option<u32> {
        let index = self.free.pop()?;
        let place = &mut self.places[usize::from(index)];
        place.value = Some((value, until));
        Some(place.turn << 16 | u32::from(index + 1))
    }

    /// It is completed. `None`: nothing of that handle is under way.
    pub fn remove(&mut self, handle: u32) -> Option<T> {
        let index = (handle & 0xffff).checked_sub(1)?;
        let place = self.places.get_mut(index as usize).filter(|place| place.turn == handle >> 16)?;
        let (value, _) = place.value.take()?;
        place.turn = (place.turn + 1) & TURNS;
        self.free.push(index as u16);
        Some(value)
    }

    /// What is under way.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| place.value.as_ref().map(|(value, _)| value))
    }

    /// One that should have been completed by now.
    pub fn late(&self, now: Tick) -> Option<&T> {
        let mut values = self.places.iter().filter_map(|place| place.value.as_ref());
        values.find(|(_, until)| *until <= now).map(|(value, _)| value)
    }

    /// Forgets all; what was under way comes back.
    pub fn clear(&mut self) -> Vec<T> {
        let handles: Vec<u32> = self
            .places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.value.is_some())
            .map(|(index, place)| place.turn << 16 | (index as u32 + 1))
            .collect();
        handles.into_iter().filter_map(|handle| self.remove(handle)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_go_stale_and_never_look_like_others() {
        let mut pending = Pending::new();
        let first = pending.insert("a", 10).unwrap();
        assert_eq!((pending.late(9), pending.late(10)), (None, Some(&"a")));
        assert_eq!(pending.remove(first), Some("a"));
        assert_eq!(pending.remove(first), None);
        for turn in 0..10_000 {
            let handle = pending.insert("b", turn).unwrap();
            assert!(handle != 0 && handle != 0x0fff_ffff && handle >> 28 == 0, "{handle:#x}");
            assert_eq!(pending.remove(handle), Some("b"));
        }
        for handle in [0, 1, 0x0fff_ffff, 0x2000_0001, u32::MAX] {
            assert_eq!(pending.remove(handle), None);
        }
        let all: Vec<u32> = (0..PLACES).map(|_| pending.insert("c", 1).unwrap()).collect();
        assert_eq!(pending.insert("d", 1), None);
        assert_eq!(pending.clear().len(), PLACES);
        assert!(pending.iter().next().is_none() && pending.remove(all[0]).is_none());
    }
}
