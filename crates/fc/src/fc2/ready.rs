//! Which exchanges have something to send, in turn.

/// Frames that one exchange may send before the next one has its turn.
const QUANTUM: u8 = 4;
const NONE: u16 = u16::MAX;

/// A queue of places, each in it at most once.
pub(super) struct Ready {
    next: Box<[u16]>,
    queued: Box<[bool]>,
    head: u16,
    tail: u16,
    /// What the first has sent since it became first.
    sent: u8,
}

impl Ready {
    pub fn new(places: usize) -> Self {
        Self { next: vec![NONE; places].into(), queued: vec![false; places].into(), head: NONE, tail: NONE, sent: 0 }
    }

    /// Puts a place in, if it is not.
    #[inline]
    pub fn push(&mut self, place: u16) {
        if !std::mem::replace(&mut self.queued[usize::from(place)], true) {
            self.next[usize::from(place)] = NONE;
            match self.tail {
                NONE => self.head = place,
                tail => self.next[usize::from(tail)] = place,
            }
            self.tail = place;
        }
    }

    /// The place whose turn it is.
    #[inline]
    pub fn first(&self) -> Option<u16> {
        (self.head != NONE).then_some(self.head)
    }

    /// The first has sent a frame; it goes to the end once it has sent enough.
    #[inline]
    pub fn count(&mut self) {
        self.sent += 1;
        if self.sent >= QUANTUM
            && let Some(place) = self.first()
        {
            self.pop();
            self.push(place);
        }
    }

    /// Takes the first out.
    #[inline]
    pub fn pop(&mut self) {
        if let Some(place) = self.first() {
            self.head = self.next[usize::from(place)];
            if self.head == NONE {
                self.tail = NONE;
            }
            self.queued[usize::from(place)] = false;
            self.sent = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_hogs_and_none_is_there_twice() {
        let mut ready = Ready::new(3);
        [2, 0, 2, 1].into_iter().for_each(|place| ready.push(place));
        let mut order = Vec::new();
        for _ in 0..13 {
            order.extend(ready.first());
            ready.count();
        }
        assert_eq!(order, [2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 2]);
        (0..3).for_each(|_| ready.pop());
        assert_eq!(ready.first(), None);
        ready.push(1);
        assert_eq!(ready.first(), Some(1));
    }
}
