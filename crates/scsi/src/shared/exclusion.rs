//! Which blocks of a logical unit commands have for themselves for a moment: COMPARE AND WRITE and ORWRITE, from reading to
//! writing, against each other and against the writes of all homes.
//!
//! - Owns: one queue of a logical unit. In it are the commands that exclude others, from before their first step to their end,
//!   and the writes that met one of them, until they start. Who is over the same blocks as an older one and either of the two
//!   excludes, waits for it.
//! - In: commands whose data has come, so that nobody waits for a slow peer.
//! - Out: who may go now, whenever somebody leaves.
//!
//! A write that meets nobody takes no place: it loads the count and goes on. So a command that excludes must, once it is first
//! over its blocks, ask each home whether a write that loaded a count of 0 is still at its device (`core::exclusion`): those
//! that a home starts after it has read the question find the count.
//!
//! Nobody waits for ever: in the queue one waits for older ones only, so the oldest goes; it waits for writes that are at their
//! devices, and these wait for nobody. Who waits has all of its buffers, and holds nothing that those it waits for need: a
//! command has a place in one queue at a time, and while it waits none of its own writes is at a device. Each end of a command
//! (done, failed, aborted, peer gone) is worded, and with that it leaves.

use ring::Tag;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blocks from the first one up to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub first: u64,
    /// The block behind the last.
    pub end: u64,
}

impl Span {
    pub fn overlaps(self, other: Self) -> bool {
        self.first < other.end && other.first < self.end
    }
}

/// A command: the home where it is, and its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub home: usize,
    pub tag: Tag,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    who: Who,
    span: Span,
    excludes: bool,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Exclusion {
    count: AtomicUsize,
    places: Mutex<Vec<Place>>,
}

impl Exclusion {
    /// Whether nobody is in the queue.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Takes the last place. Whether nobody stands in the way. A write that may go takes none.
    pub fn enter(&self, who: Who, span: Span, excludes: bool) -> bool {
        let mut places = self.lock();
        places.push(Place { who, span, excludes });
        let goes = is_first(&places, places.len() - 1);
        if goes && !excludes {
            places.pop();
        }
        self.count.store(places.len(), Ordering::Relaxed);
        goes
    }

    /// Whether nobody stands in the way of one that has a place.
    pub fn may_go(&self, who: Who) -> bool {
        let places = self.lock();
        places.iter().position(|place| place.who == who).is_some_and(|at| is_first(&places, at))
    }

    /// Gives up a place; those that may go now.
    pub fn leave(&self, who: Who) -> Vec<Who> {
        let mut places = self.lock();
        places.retain(|place| place.who != who);
        self.count.store(places.len(), Ordering::Relaxed);
        (0..places.len()).filter(|at| is_first(&places, *at)).map(|at| places[at].who).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_first(places: &[Place], at: usize) -> bool {
    let (older, place) = (&places[..at], &places[at]);
    !older.iter().any(|other| (place.excludes || other.excludes) && place.span.overlaps(other.span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(n: u32) -> Who {
        Who { home: 0, tag: Tag::new(n, 0) }
    }

    fn span(first: u64, end: u64) -> Span {
        Span { first, end }
    }

    #[test]
    fn writes_pass_unless_someone_excludes_their_blocks() {
        let queue = Exclusion::default();
        assert!(queue.enter(who(1), span(0, 8), false) && queue.is_quiet());
        assert!(queue.enter(who(2), span(0, 8), true) && !queue.is_quiet());
        assert!(queue.enter(who(3), span(8, 9), false), "beside it");
        assert!(!queue.enter(who(4), span(7, 9), false));
        assert!(!queue.enter(who(5), span(4, 5), true));
        assert!(queue.enter(who(6), span(100, 101), true));
        assert!(!queue.may_go(who(4)) && queue.may_go(who(6)) && !queue.may_go(who(3)), "who has no place");
        assert_eq!(queue.leave(who(2)), [who(4), who(5), who(6)]);
        assert_eq!(queue.leave(who(5)), [who(4), who(6)]);
        assert_eq!((queue.leave(who(4)), queue.leave(who(6))), (vec![who(6)], vec![]));
        assert!(queue.is_quiet());
    }

    #[test]
    fn they_go_in_the_order_in_which_they_came() {
        let queue = Exclusion::default();
        assert!(queue.enter(who(1), span(0, 1), true));
        assert!(!queue.enter(who(2), span(0, 2), false));
        assert!(!queue.enter(who(3), span(1, 2), true), "the write that waits is older");
        assert!(!queue.enter(who(4), span(1, 2), false));
        assert_eq!(queue.leave(who(1)), [who(2)]);
        assert_eq!(queue.leave(who(2)), [who(3)]);
        assert_eq!(queue.leave(who(3)), [who(4)]);
    }
}
