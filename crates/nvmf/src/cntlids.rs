//! Who has which controller identifier of a subsystem.
//!
//! A subsystem's controllers may be at home on any core of any transport, and its range of identifiers may be small. So
//! identifiers are not shared out by arithmetic: the homes have one table in common, without locks, and each takes the next
//! that is free.

use crate::view::Trtype;
use std::fmt;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use wire::limits::CNTLID_RESERVED;

/// Identifiers of a part of the table that is made when the first of them is taken.
const PART: usize = 256;
/// Parts: the identifiers are 16 bits wide.
const PARTS: usize = (1 << 16) / PART;
const FREE: u32 = 0;

type Part = Box<[AtomicU32; PART]>;

/// Where a controller is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// The transport.
    pub trtype: Trtype,
    /// The home's number in it.
    pub number: usize,
}

/// The controller identifiers of one subsystem. All copies of its view share it.
pub struct ControllerIds {
    low: u16,
    high: u16,
    /// The one that was given last: the next is sought behind it, so that none comes back soon.
    last: AtomicU16,
    parts: Box<[OnceLock<Part>; PARTS]>,
}

impl ControllerIds {
    /// Those from `low` to `high`, as far as controllers may have them.
    pub fn new(low: u16, high: u16) -> Arc<Self> {
        let parts = Box::new([const { OnceLock::new() }; PARTS]);
        Arc::new(Self { low: low.max(1), high: high.min(CNTLID_RESERVED - 1), last: AtomicU16::new(0), parts })
    }

    /// The next free one is `home`'s now; `None` when all are taken.
    pub(crate) fn take(self: &Arc<Self>, home: Home) -> Option<ControllerId> {
        let next = self.last.load(Ordering::Relaxed).saturating_add(1).max(self.low);
        let value = (next..=self.high).chain(self.low..=self.high).find(|value| self.claim(*value, home))?;
        self.last.store(value, Ordering::Relaxed);
        Some(ControllerId { ids: self.clone(), value })
    }

    /// Where the controller of that identifier is at home, if there is one.
    pub(crate) fn home_of(&self, cntlid: u16) -> Option<Home> {
        let part = self.parts[usize::from(cntlid) / PART].get()?;
        unpack(part[usize::from(cntlid) % PART].load(Ordering::Acquire))
    }

    fn place(&self, value: u16) -> &AtomicU32 {
        let part = &self.parts[usize::from(value) / PART];
        &part.get_or_init(|| Box::new([const { AtomicU32::new(FREE) }; PART]))[usize::from(value) % PART]
    }

    fn claim(&self, value: u16, home: Home) -> bool {
        self.place(value).compare_exchange(FREE, pack(home), Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl fmt::Debug for ControllerIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControllerIds({}..={})", self.low, self.high)
    }
}

/// An identifier that is taken; it is free again when this goes.
#[derive(Debug)]
pub(crate) struct ControllerId {
    ids: Arc<ControllerIds>,
    value: u16,
}

impl ControllerId {
    pub fn value(&self) -> u16 {
        self.value
    }
}

impl Drop for ControllerId {
    fn drop(&mut self) {
        self.ids.place(self.value).store(FREE, Ordering::Release);
    }
}

fn pack(home: Home) -> u32 {
    let kind = match home.trtype {
        Trtype::Tcp => 1,
        Trtype::Rdma => 2,
        Trtype::Fc => 3,
    };
    (home.number as u32) << 2 | kind
}

fn unpack(packed: u32) -> Option<Home> {
    let trtype = match packed & 3 {
        1 => Trtype::Tcp,
        2 => Trtype::Rdma,
        3 => Trtype::Fc,
        _ => return None,
    };
    Some(Home { trtype, number: (packed >> 2) as usize })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(trtype: Trtype, number: usize) -> Home {
        Home { trtype, number }
    }

    #[test]
    fn a_small_range_serves_any_home_and_ends() {
        let ids = ControllerIds::new(5, 6);
        let homes = [home(Trtype::Tcp, 7), home(Trtype::Fc, 250)];
        let taken = homes.map(|home| ids.take(home).unwrap());
        assert_eq!((taken[0].value(), taken[1].value()), (5, 6));
        assert_eq!((ids.home_of(5), ids.home_of(6)), (Some(homes[0]), Some(homes[1])));
        assert!(ids.take(homes[0]).is_none());
        let [first, _second] = taken;
        drop(first);
        assert_eq!(ids.home_of(5), None);
        assert_eq!(ids.take(home(Trtype::Rdma, 0)).unwrap().value(), 5);
    }

    #[test]
    fn none_comes_back_soon_and_the_reserved_ones_never() {
        let ids = ControllerIds::new(0, 0xffff);
        let at = home(Trtype::Tcp, 0);
        let values: Vec<u16> = (0..3).map(|_| ids.take(at).unwrap().value()).collect();
        assert_eq!(values, [1, 2, 3]);
        let all: Vec<ControllerId> = std::iter::from_fn(|| ids.take(at)).collect();
        assert_eq!(all.len(), usize::from(CNTLID_RESERVED) - 1);
        assert!(all.iter().all(|id| (1..CNTLID_RESERVED).contains(&id.value())));
        assert!(ControllerIds::new(0, 0).take(at).is_none());
        assert_eq!(ids.home_of(0xffff), None);
    }

    #[test]
    fn two_that_take_at_once_never_get_the_same() {
        let ids = ControllerIds::new(1, 1000);
        let take = |trtype| {
            let ids = ids.clone();
            std::thread::spawn(move || std::iter::from_fn(|| ids.take(home(trtype, 1))).collect::<Vec<_>>())
        };
        let threads = [Trtype::Tcp, Trtype::Fc, Trtype::Fc].map(take);
        let taken: Vec<ControllerId> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let values: std::collections::BTreeSet<u16> = taken.iter().map(ControllerId::value).collect();
        assert_eq!((taken.len(), values.len()), (1000, 1000));
    }
}
