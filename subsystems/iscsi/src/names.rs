//! A session's task tags: which open command an initiator task tag names. Its size is fixed when the session begins.

use ring::Tag;

/// A hash table with linear probing; at most half of its places are taken.
pub(crate) struct Names {
    places: Box<[Option<(u32, Tag)>]>,
    mask: usize,
}

impl Names {
    /// Room for `count` names.
    pub fn new(count: usize) -> Self {
        let places = (2 * count).next_power_of_two().max(2);
        Self { places: vec![None; places].into(), mask: places - 1 }
    }

    fn home(&self, itt: u32) -> usize {
        (itt.wrapping_mul(0x9e37_79b1) >> 15) as usize & self.mask
    }

    /// The place of a name, or the free place where it would go.
    fn find(&self, itt: u32) -> usize {
        let mut at = self.home(itt);
        while self.places[at].is_some_and(|(known, _)| known != itt) {
            at = (at + 1) & self.mask;
        }
        at
    }

    /// The command of that name.
    pub fn get(&self, itt: u32) -> Option<Tag> {
        self.places[self.find(itt)].map(|(_, tag)| tag)
    }

    /// Gives a command a name that nobody has.
    pub fn put(&mut self, itt: u32, tag: Tag) {
        let at = self.find(itt);
        assert!(self.places[at].is_none(), "a task tag is given once");
        self.places[at] = Some((itt, tag));
    }

    /// Frees a name.
    pub fn take(&mut self, itt: u32) {
        let mut hole = self.find(itt);
        self.places[hole] = None;
        let mut at = (hole + 1) & self.mask;
        while let Some((known, _)) = self.places[at] {
            // What could live in the hole moves there, so that no search ends before it.
            let home = self.home(known);
            if (at.wrapping_sub(home) & self.mask) >= (at.wrapping_sub(hole) & self.mask) {
                self.places[hole] = self.places[at].take();
                hole = at;
            }
            at = (at + 1) & self.mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn it_is_a_map() {
        let mut names = Names::new(40);
        let mut model = HashMap::new();
        let mut seed = 1_u32;
        for round in 0..20_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let itt = (seed >> 16) % 97;
            if model.remove(&itt).is_some() {
                names.take(itt);
            } else if model.len() < 40 {
                model.insert(itt, Tag::new(round, 0));
                names.put(itt, Tag::new(round, 0));
            }
            for itt in 0..97 {
                assert_eq!(names.get(itt), model.get(&itt).copied());
            }
        }
    }
}
