//! What happened lately, for clients that ask: SPDK's notifications.

use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many notifications are kept; older ones are forgotten.
pub const KEPT: usize = 1024;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// What kind, e.g. `bdev_register`.
    #[serde(rename = "type")]
    pub kind: String,
    /// To what, e.g. the name of the device.
    pub ctx: String,
    /// Counts up from 0.
    pub id: u64,
}

#[derive(Default)]
struct Ring {
    kinds: BTreeSet<String>,
    kept: VecDeque<Notification>,
    next: u64,
}

/// The bounded ring of notifications.
#[derive(Default)]
pub struct Notify {
    ring: Mutex<Ring>,
}

impl Notify {
    /// Makes `kind` known to `notify_get_types` before the first of its kind happens.
    pub fn announce(&self, kind: &str) {
        self.lock().kinds.insert(kind.to_owned());
    }

    /// Notes that `kind` happened to `ctx`; returns its id.
    pub fn send(&self, kind: &str, ctx: &str) -> u64 {
        let mut ring = self.lock();
        let id = ring.next;
        ring.next += 1;
        ring.kinds.insert(kind.to_owned());
        if ring.kept.len() == KEPT {
            ring.kept.pop_front();
        }
        ring.kept.push_back(Notification { kind: kind.to_owned(), ctx: ctx.to_owned(), id });
        id
    }

    /// All kinds that can happen.
    pub fn kinds(&self) -> Vec<String> {
        self.lock().kinds.iter().cloned().collect()
    }

    /// At most `max` of those kept, from `id` on.
    pub fn since(&self, id: u64, max: u64) -> Vec<Notification> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        self.lock().kept.iter().filter(|n| n.id >= id).take(max).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_ones_are_forgotten_and_ids_go_on() {
        let notify = Notify::default();
        notify.announce("bdev_unregister");
        for n in 0..KEPT + 5 {
            notify.send("bdev_register", &format!("M{n}"));
        }
        assert_eq!(notify.kinds(), ["bdev_register", "bdev_unregister"]);
        let all = notify.since(0, u64::MAX);
        assert_eq!((all.len(), all[0].id, all[0].ctx.as_str()), (KEPT, 5, "M5"));
        let some = notify.since(10, 2);
        assert_eq!(some.iter().map(|n| n.id).collect::<Vec<_>>(), [10, 11]);
    }
}
