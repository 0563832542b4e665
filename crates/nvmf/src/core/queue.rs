//! The queues that live on this core, by the port's numbers.

use crate::Origin;
use ring::{Tag, Tick};
use stats::Counter;
use std::collections::VecDeque;
use std::sync::Arc;

/// A queue that has not become one of a controller's after this long is ended.
pub(crate) const CONNECT_LIMIT_NS: Tick = 10_000_000_000;

/// What a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// No Connect yet.
    Fresh,
    /// The controller's home was asked.
    Connecting,
    /// The admin queue of a controller that is at home here.
    Admin(Tag),
    /// An I/O queue.
    Io,
}

/// One queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    pub origin: Origin,
    pub role: Role,
    /// Its end was ordered.
    pub closing: bool,
    /// The host asked to do without submission queue flow control.
    pub no_flow_control: bool,
    pub sqhd: u16,
    /// Entries, at least 2 once connected.
    pub entries: u32,
    pub qid: u16,
    pub cntlid: u16,
    /// The controller's home, once connected.
    pub home: usize,
    /// Place of its subsystem, once connected.
    pub subsystem: u32,
    opened: Tick,
}

impl Queue {
    /// Counts an entry as used up; returns SQHD for its completion.
    #[inline]
    pub fn next_sqhd(&mut self) -> u16 {
        if self.no_flow_control {
            return 0xffff;
        }
        let next = u32::from(self.sqhd) + 1;
        self.sqhd = if next >= self.entries { 0 } else { next as u16 };
        self.sqhd
    }

    pub fn is_connected(&self) -> bool {
        matches!(self.role, Role::Admin(_) | Role::Io)
    }
}

/// What a core counts of its queues. It alone writes; anyone reads.
#[derive(Debug, Default)]
pub struct QueueCounters {
    /// Admin queues that ever connected.
    pub admin: Counter,
    /// I/O queues that ever connected.
    pub io: Counter,
    /// Admin queues now.
    pub current_admin: Counter,
    /// I/O queues now.
    pub current_io: Counter,
    /// Queues that have not connected yet.
    pub current_unassociated: Counter,
}

impl QueueCounters {
    fn current(&self, role: Role) -> &Counter {
        match role {
            Role::Fresh | Role::Connecting => &self.current_unassociated,
            Role::Admin(_) => &self.current_admin,
            Role::Io => &self.current_io,
        }
    }

    fn comes(&self, role: Role) {
        self.current(role).add(1);
        match role {
            Role::Admin(_) => self.admin.add(1),
            Role::Io => self.io.add(1),
            Role::Fresh | Role::Connecting => {}
        }
    }

    fn goes(&self, role: Role) {
        let counter = self.current(role);
        counter.set(counter.get() - 1);
    }
}

/// All queues of a core.
#[derive(Default)]
pub(crate) struct Queues {
    pub counters: Arc<QueueCounters>,
    places: Vec<Option<Queue>>,
    /// Those that were opened, oldest first, until their time to connect is up.
    fresh: VecDeque<(u32, Tick)>,
    open: usize,
}

impl Queues {
    pub fn open(&mut self, queue: u32, origin: Origin, now: Tick) {
        let place = queue as usize;
        if self.places.len() <= place {
            self.places.resize(place + 1, None);
        }
        assert!(self.places[place].is_none(), "the port opened a queue that is open");
        self.places[place] = Some(Queue {
            origin,
            role: Role::Fresh,
            closing: false,
            no_flow_control: false,
            sqhd: 0,
            // Enough for a Connect that fails, whatever size it asked for.
            entries: 2,
            qid: 0,
            cntlid: 0,
            home: 0,
            subsystem: 0,
            opened: now,
        });
        self.fresh.push_back((queue, now));
        self.open += 1;
        self.counters.comes(Role::Fresh);
    }

    /// A queue takes on a role.
    pub fn becomes(&mut self, queue: u32, role: Role) -> &mut Queue {
        let old = std::mem::replace(&mut self.at(queue).role, role);
        self.counters.goes(old);
        self.counters.comes(role);
        self.at(queue)
    }

    /// Forgets a queue and says what it was.
    pub fn close(&mut self, queue: u32) -> Queue {
        self.open -= 1;
        let gone = self.places[queue as usize].take().expect("the port closed a queue that is open");
        self.counters.goes(gone.role);
        gone
    }

    /// The queue of a number that the port gave.
    #[inline]
    pub fn at(&mut self, queue: u32) -> &mut Queue {
        self.places[queue as usize].as_mut().expect("the port named an open queue")
    }

    /// The queue of a number that came from elsewhere.
    pub fn get(&self, queue: u32) -> Option<&Queue> {
        self.places.get(queue as usize)?.as_ref()
    }

    pub fn len(&self) -> usize {
        self.open
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Queue)> {
        self.places.iter().enumerate().filter_map(|(number, queue)| Some((number as u32, queue.as_ref()?)))
    }

    /// The next queue whose time to connect is up by `now`.
    pub fn next_overdue(&mut self, now: Tick) -> Option<u32> {
        while let Some((queue, opened)) = self.fresh.front().copied() {
            let waits = self.get(queue).is_some_and(|q| q.opened == opened && q.role == Role::Fresh);
            if waits && opened + CONNECT_LIMIT_NS > now {
                return None;
            }
            self.fresh.pop_front();
            if waits {
                return Some(queue);
            }
        }
        None
    }

    /// When [`next_overdue`](Self::next_overdue) may find one.
    pub fn deadline(&self) -> Option<Tick> {
        self.fresh.front().map(|(_, opened)| opened + CONNECT_LIMIT_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Address;

    fn origin() -> Origin {
        let address = Address::Ip("127.0.0.1:4420".parse().unwrap());
        Origin { listener: 0, local: address, peer: address }
    }

    #[test]
    fn the_head_wraps_at_the_size() {
        let mut queues = Queues::default();
        queues.open(3, origin(), 0);
        let queue = queues.at(3);
        queue.entries = 3;
        let heads: Vec<u16> = (0..5).map(|_| queue.next_sqhd()).collect();
        assert_eq!(heads, [1, 2, 0, 1, 2]);
        queue.no_flow_control = true;
        assert_eq!(queue.next_sqhd(), 0xffff);
    }

    #[test]
    fn only_queues_without_a_connect_are_overdue() {
        let mut queues = Queues::default();
        queues.open(0, origin(), 0);
        queues.open(1, origin(), 5);
        queues.open(2, origin(), 6);
        queues.becomes(1, Role::Io);
        assert_eq!(queues.deadline(), Some(CONNECT_LIMIT_NS));
        assert_eq!(queues.next_overdue(CONNECT_LIMIT_NS - 1), None);
        assert_eq!(queues.next_overdue(CONNECT_LIMIT_NS), Some(0));
        assert_eq!(queues.next_overdue(CONNECT_LIMIT_NS + 5), None);
        queues.close(2);
        queues.open(2, origin(), 100);
        assert_eq!(queues.next_overdue(CONNECT_LIMIT_NS + 99), None);
        assert_eq!((queues.deadline(), queues.len()), (Some(CONNECT_LIMIT_NS + 100), 3));
        let counters = queues.counters.clone();
        queues.close(1);
        let now = [&counters.io, &counters.current_io, &counters.current_unassociated].map(Counter::get);
        assert_eq!(now, [1, 0, 2]);
    }
}
