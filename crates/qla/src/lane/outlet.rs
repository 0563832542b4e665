//! One direction between a lane and its home: a ring that keeps its order whatever happens. What does not fit waits at the sender's
//! end, and all that follows waits behind it.

use crossbeam_queue::ArrayQueue;
use fc::Wake;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// What both ends share.
pub(super) struct Channel<T> {
    items: ArrayQueue<T>,
    /// The sender has more than fitted: who makes room wakes it. Set before it looks again whether there is room, so that either it
    /// sees the room or the receiver sees this.
    stuck: AtomicBool,
}

impl<T> Channel<T> {
    pub fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { items: ArrayQueue::new(capacity), stuck: AtomicBool::new(false) })
    }

    /// The next item, and whether the sender waits for the room that this made.
    #[inline]
    pub fn pop(&self) -> (Option<T>, bool) {
        let item = self.items.pop();
        (item, self.stuck.load(SeqCst) && self.stuck.swap(false, SeqCst))
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// The sending end.
pub(super) struct Outlet<T> {
    channel: Arc<Channel<T>>,
    /// What had no room, oldest first.
    waiting: VecDeque<T>,
    wake: Wake,
    /// The receiver is to be woken: something was sent, or room was made that it waits for.
    pub wanted: bool,
}

impl<T> Outlet<T> {
    /// `most` may wait without an allocation.
    pub fn new(channel: Arc<Channel<T>>, most: usize, wake: Wake) -> Self {
        Self { channel, waiting: VecDeque::with_capacity(most), wake, wanted: false }
    }

    #[inline]
    pub fn push(&mut self, item: T) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(item);
        } else if let Err(item) = self.channel.items.push(item) {
            self.waiting.push_back(item);
            self.channel.stuck.store(true, SeqCst);
        } else {
            self.wanted = true;
        }
    }

    /// Moves on what waits, and wakes the receiver if it is to be woken.
    #[inline]
    pub fn flush(&mut self) {
        while let Some(item) = self.waiting.pop_front() {
            if let Err(item) = self.channel.items.push(item) {
                self.waiting.push_front(item);
                self.channel.stuck.store(true, SeqCst);
                break;
            }
            self.wanted = true;
        }
        if std::mem::take(&mut self.wanted) {
            (self.wake)();
        }
    }

    /// Something waits that would fit now.
    #[inline]
    pub fn is_pending(&self) -> bool {
        !self.waiting.is_empty() && !self.channel.items.is_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn outlet(capacity: usize) -> (Outlet<u32>, Arc<Channel<u32>>, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let channel = Channel::new(capacity);
        let wake: Wake = Arc::new(move || {
            count.fetch_add(1, SeqCst);
        });
        (Outlet::new(channel.clone(), 64, wake), channel, woken)
    }

    #[test]
    fn what_does_not_fit_waits_and_keeps_its_order() {
        let (mut outlet, channel, woken) = outlet(4);
        let mut seen = Vec::new();
        for n in 0..50 {
            outlet.push(n);
            if n % 3 == 0 {
                outlet.flush();
                seen.extend(channel.pop().0);
            }
        }
        assert!(outlet.is_pending() || channel.items.is_full());
        while let Some(n) = channel.pop().0 {
            seen.push(n);
            outlet.flush();
        }
        assert!(seen.into_iter().eq(0..50));
        let before = woken.load(SeqCst);
        outlet.flush();
        assert_eq!(woken.load(SeqCst), before, "an empty turn wakes nobody");
    }

    #[test]
    fn who_makes_room_hears_that_it_is_waited_for() {
        let (mut outlet, channel, _) = outlet(2);
        (0..2).for_each(|n| outlet.push(n));
        assert!(!channel.pop().1);
        (2..4).for_each(|n| outlet.push(n));
        assert!(channel.pop().1 && outlet.is_pending());
        assert!(!channel.pop().1);
    }
}
