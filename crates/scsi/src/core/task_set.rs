//! A task set: which commands may run beside each other (SAM-5 8.5, 8.6).
//!
//! TST is 001b: each I_T nexus has its own set for each logical unit, so that no core waits for another.

use crate::Attribute;
use ring::Tag;
use std::collections::VecDeque;

/// The commands of one nexus on one logical unit.
#[derive(Debug, Default)]
pub(crate) struct TaskSet {
    /// All of them.
    open: u32,
    /// Those that were let go (enabled, in the standard's words).
    started: u32,
    /// Those of them that no younger simple one may pass: ordered and head of queue.
    barriers: u32,
    /// Those that wait, oldest first (dormant).
    dormant: VecDeque<(Tag, Attribute)>,
}

impl TaskSet {
    #[inline]
    pub fn open(&self) -> u32 {
        self.open
    }

    /// Takes a command in. Whether it may go now.
    #[inline]
    pub fn arrive(&mut self, tag: Tag, attribute: Attribute) -> bool {
        self.open += 1;
        let waits = !self.dormant.is_empty();
        let goes = match attribute {
            Attribute::Simple | Attribute::Aca => self.barriers == 0 && !waits,
            Attribute::Ordered => self.started == 0 && !waits,
            Attribute::HeadOfQueue => true,
        };
        if goes {
            self.start(attribute);
        } else {
            self.dormant.push_back((tag, attribute));
        }
        goes
    }

    #[inline]
    fn start(&mut self, attribute: Attribute) {
        self.started += 1;
        self.barriers += u32::from(is_barrier(attribute));
    }

    /// A waiting command is aborted: it goes, and its end follows.
    pub fn forget(&mut self, tag: Tag) {
        self.dormant.retain(|(waiting, _)| *waiting != tag);
    }

    /// A command ended, having been let go or not.
    #[inline]
    pub fn end(&mut self, attribute: Attribute, started: bool) {
        self.open -= 1;
        if started {
            self.started -= 1;
            self.barriers -= u32::from(is_barrier(attribute));
        }
    }

    /// The next waiting command that may go now.
    #[inline]
    pub fn next(&mut self) -> Option<Tag> {
        let (tag, attribute) = *self.dormant.front()?;
        let goes = match attribute {
            Attribute::Ordered => self.started == 0,
            _ => self.barriers == 0,
        };
        if !goes {
            return None;
        }
        self.dormant.pop_front();
        self.start(attribute);
        Some(tag)
    }
}

fn is_barrier(attribute: Attribute) -> bool {
    matches!(attribute, Attribute::Ordered | Attribute::HeadOfQueue)
}

#[cfg(test)]
mod tests {
    use super::Attribute::*;
    use super::*;

    fn tag(n: u32) -> Tag {
        Tag::new(n, 0)
    }

    fn next(set: &mut TaskSet) -> Vec<usize> {
        std::iter::from_fn(|| set.next()).map(Tag::index).collect()
    }

    #[test]
    fn an_ordered_one_waits_for_the_older_and_the_younger_wait_for_it() {
        let mut set = TaskSet::default();
        assert!(set.arrive(tag(0), Simple) && set.arrive(tag(1), Simple));
        assert!(!set.arrive(tag(2), Ordered) && !set.arrive(tag(3), Simple) && !set.arrive(tag(4), Ordered));
        set.end(Simple, true);
        assert_eq!(next(&mut set), [0; 0]);
        set.end(Simple, true);
        assert_eq!(next(&mut set), [2]);
        set.end(Ordered, true);
        assert_eq!(next(&mut set), [3]);
        set.end(Simple, true);
        assert_eq!(next(&mut set), [4]);
        set.end(Ordered, true);
        assert_eq!(set.open(), 0);
        assert!(set.arrive(tag(5), Simple));
    }

    #[test]
    fn the_head_of_the_queue_waits_for_nobody() {
        let mut set = TaskSet::default();
        assert!(set.arrive(tag(0), Simple) && !set.arrive(tag(1), Ordered));
        assert!(set.arrive(tag(2), HeadOfQueue) && set.arrive(tag(3), HeadOfQueue));
        set.end(Simple, true);
        set.end(HeadOfQueue, true);
        assert_eq!(next(&mut set), [0; 0]);
        set.end(HeadOfQueue, true);
        assert_eq!(next(&mut set), [1]);
    }

    #[test]
    fn a_simple_one_waits_for_an_older_head_of_queue() {
        let mut set = TaskSet::default();
        assert!(set.arrive(tag(0), HeadOfQueue) && !set.arrive(tag(1), Simple) && !set.arrive(tag(2), Simple));
        set.end(HeadOfQueue, true);
        assert_eq!(next(&mut set), [1, 2]);
    }

    #[test]
    fn a_younger_head_of_queue_passes_all_that_wait() {
        let mut set = TaskSet::default();
        assert!(set.arrive(tag(0), Ordered) && !set.arrive(tag(1), Simple) && !set.arrive(tag(2), Ordered));
        assert!(set.arrive(tag(3), HeadOfQueue));
        set.end(Ordered, true);
        assert_eq!(next(&mut set), [0; 0], "it has not ended");
        set.end(HeadOfQueue, true);
        assert_eq!(next(&mut set), [1]);
        assert!(set.arrive(tag(4), HeadOfQueue));
        set.end(Simple, true);
        assert_eq!(next(&mut set), [0; 0], "an ordered one waits for it too");
        set.end(HeadOfQueue, true);
        assert_eq!(next(&mut set), [2]);
    }

    #[test]
    fn an_ordered_one_that_is_aborted_lets_the_younger_go() {
        let mut set = TaskSet::default();
        assert!(set.arrive(tag(0), Simple) && !set.arrive(tag(1), Ordered) && !set.arrive(tag(2), Simple));
        set.forget(tag(1));
        set.end(Ordered, false);
        assert_eq!((next(&mut set), set.open()), (vec![2], 2));
    }
}
