//! Timers of a table: a hashed wheel of intrusive lists. Setting and clearing cost next to nothing, because who is in the
//! wheel already stays where it is as long as that is early enough: what a place fires for is decided when its time has come.

use ring::Tick;

/// Time between two buckets, in nanoseconds.
const GRAIN: Tick = 16_000_000;
const BUCKETS: u64 = 256;
const NONE: u16 = u16::MAX;

#[derive(Clone, Copy)]
struct Node {
    next: u16,
    previous: u16,
    /// The step at which it is looked at; 0: it is not in the wheel.
    step: u64,
    deadline: Tick,
}

/// The wheel, for a table of fixed size.
pub(super) struct Wheel {
    nodes: Box<[Node]>,
    heads: [u16; BUCKETS as usize],
    /// Which buckets have nodes.
    occupied: [u64; BUCKETS as usize / 64],
    /// All buckets up to this step were emptied.
    step: u64,
}

/// No deadline.
pub(super) const NEVER: Tick = Tick::MAX;

impl Wheel {
    pub fn new(places: usize) -> Self {
        let node = Node { next: NONE, previous: NONE, step: 0, deadline: NEVER };
        Self {
            nodes: vec![node; places].into(),
            heads: [NONE; BUCKETS as usize],
            occupied: [0; BUCKETS as usize / 64],
            step: 0,
        }
    }

    /// Sets the deadline of a place, instead of the one that it has.
    #[inline]
    pub fn set(&mut self, place: u16, deadline: Tick) {
        let node = &mut self.nodes[usize::from(place)];
        node.deadline = deadline;
        if deadline != NEVER && (node.step == 0 || node.step > deadline.div_ceil(GRAIN)) {
            self.link(place);
        }
    }

    /// It has none any more.
    #[inline]
    pub fn clear(&mut self, place: u16) {
        self.nodes[usize::from(place)].deadline = NEVER;
    }

    /// The next place whose time has come; its deadline is cleared. `None`: all were looked at.
    pub fn expired(&mut self, now: Tick) -> Option<u16> {
        let target = now / GRAIN;
        // After a long sleep one time around is enough.
        self.step = self.step.max(target.saturating_sub(BUCKETS));
        loop {
            while let Some(place) = self.first_of(self.step) {
                self.unlink(place);
                let node = &mut self.nodes[usize::from(place)];
                if node.deadline <= now {
                    node.deadline = NEVER;
                    return Some(place);
                }
                if node.deadline != NEVER {
                    self.link(place);
                }
            }
            if self.step >= target {
                return None;
            }
            self.step += 1;
        }
    }

    /// When [`expired`](Self::expired) should be asked again; may be too early.
    pub fn next(&self) -> Option<Tick> {
        (1..=BUCKETS).map(|ahead| self.step + ahead).find(|step| self.is_occupied(*step)).map(|step| step * GRAIN)
    }

    fn is_occupied(&self, step: u64) -> bool {
        let bucket = step % BUCKETS;
        self.occupied[bucket as usize / 64] & 1 << (bucket % 64) != 0
    }

    /// A node that is due at `step`. Nodes of one bucket all have the same step, as no step is further ahead than the wheel
    /// is large.
    fn first_of(&self, step: u64) -> Option<u16> {
        let head = self.heads[(step % BUCKETS) as usize];
        (head != NONE).then_some(head)
    }

    fn link(&mut self, place: u16) {
        if self.nodes[usize::from(place)].step != 0 {
            self.unlink(place);
        }
        let deadline = self.nodes[usize::from(place)].deadline;
        let step = deadline.div_ceil(GRAIN).clamp(self.step + 1, self.step + BUCKETS - 1);
        let bucket = (step % BUCKETS) as usize;
        let next = std::mem::replace(&mut self.heads[bucket], place);
        if next != NONE {
            self.nodes[usize::from(next)].previous = place;
        }
        let node = &mut self.nodes[usize::from(place)];
        (node.next, node.previous, node.step) = (next, NONE, step);
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
    }

    fn unlink(&mut self, place: u16) {
        let Node { next, previous, step, .. } = self.nodes[usize::from(place)];
        let bucket = (step % BUCKETS) as usize;
        match previous {
            NONE => self.heads[bucket] = next,
            previous => self.nodes[usize::from(previous)].next = next,
        }
        if next != NONE {
            self.nodes[usize::from(next)].previous = previous;
        }
        if self.heads[bucket] == NONE {
            self.occupied[bucket / 64] &= !(1 << (bucket % 64));
        }
        self.nodes[usize::from(place)].step = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fire(wheel: &mut Wheel, now: Tick) -> Vec<u16> {
        let mut fired: Vec<u16> = std::iter::from_fn(|| wheel.expired(now)).collect();
        fired.sort_unstable();
        fired
    }

    #[test]
    fn each_fires_once_when_its_time_has_come() {
        let mut wheel = Wheel::new(4);
        // The first is further away than the wheel is large; the clock starts anywhere.
        let start = 1_000 * GRAIN + 7;
        fire(&mut wheel, start);
        for (place, ahead) in [(0, 1000 * GRAIN), (1, 5), (2, GRAIN), (3, 3 * GRAIN)] {
            wheel.set(place, start + ahead);
        }
        wheel.clear(3);
        wheel.set(2, start + 2 * GRAIN);
        let mut seen = Vec::new();
        let mut now = start;
        while let Some(next) = wheel.next() {
            assert!(next > now, "asking again makes no way");
            now = next;
            seen.extend(fire(&mut wheel, now).into_iter().map(|place| (place, (now - start) / GRAIN)));
        }
        assert_eq!(seen, [(1, 0), (2, 2), (0, 1000)]);
    }

    #[test]
    fn a_deadline_that_moves_closer_fires_in_time() {
        let mut wheel = Wheel::new(2);
        wheel.set(0, 100 * GRAIN);
        wheel.set(0, 10 * GRAIN);
        wheel.set(1, 10 * GRAIN);
        wheel.set(1, 100 * GRAIN);
        assert_eq!(fire(&mut wheel, 10 * GRAIN), [0]);
        assert_eq!(fire(&mut wheel, 99 * GRAIN), []);
        assert_eq!(fire(&mut wheel, 5000 * GRAIN), [1]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn all_fire_after_a_long_sleep() {
        let mut wheel = Wheel::new(300);
        (0..300).for_each(|place| wheel.set(place, Tick::from(place) * GRAIN / 2 + 1));
        assert_eq!(fire(&mut wheel, 100_000 * GRAIN).len(), 300);
    }
}
