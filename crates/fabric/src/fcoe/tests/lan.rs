//! An Ethernet in memory.

use super::*;
use std::collections::{BTreeSet, VecDeque};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone)]
pub struct Lan(Arc<Mutex<Vec<Place>>>);

/// Where a station is attached.
struct Place {
    mac: Mac,
    mtu: usize,
    up: bool,
    joined: BTreeSet<Mac>,
    came: VecDeque<Vec<u8>>,
}

pub struct Station {
    lan: Lan,
    at: usize,
}

impl Lan {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Vec::new())))
    }

    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.0.lock().unwrap()
    }

    pub fn station(&self, mac: Mac) -> Station {
        self.places().push(Place { mac, mtu: 2500, up: true, joined: BTreeSet::new(), came: VecDeque::new() });
        Station { lan: self.clone(), at: self.places().len() - 1 }
    }

    /// Sends whatever bytes, as a stranger would.
    pub fn inject(&self, bytes: &[u8]) {
        self.deliver(usize::MAX, bytes);
    }

    fn deliver(&self, from: usize, bytes: &[u8]) {
        let to = bytes.first_chunk::<6>().map(|to| Mac(*to));
        let sender_is_up = self.places().get(from).is_some_and(|place| place.up);
        for (at, place) in self.places().iter_mut().enumerate() {
            let sends = from == usize::MAX || sender_is_up;
            let wants = sends && to.is_some_and(|to| to == place.mac || place.joined.contains(&to));
            if at != from && place.up && wants && bytes.len() <= place.mtu + 14 {
                place.came.push_back(bytes.to_vec());
            }
        }
    }

    pub fn set_up(&self, mac: Mac, up: bool) {
        self.places().iter_mut().filter(|place| place.mac == mac).for_each(|place| place.up = up);
    }

    pub fn set_mtu(&self, mac: Mac, mtu: usize) {
        self.places().iter_mut().filter(|place| place.mac == mac).for_each(|place| place.mtu = mtu);
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // The places of others keep their numbers.
        self.lan.places()[self.at].mac = Mac::NONE;
        self.lan.places()[self.at].joined.clear();
    }
}

impl Ether for Station {
    fn receive<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let came = self.lan.places()[self.at].came.pop_front();
        came.map(|bytes| see(&bytes))
    }
    fn room(&mut self) -> usize {
        64
    }
    fn send(&mut self, fill: impl FnOnce(&mut [u8]) -> usize) -> bool {
        let mut slot = vec![0xee; 4096];
        let length = fill(&mut slot);
        assert!(length >= 60, "a frame of {length} bytes");
        self.lan.deliver(self.at, &slot[..length]);
        true
    }
    fn flush(&mut self) {}
    fn is_pending(&self) -> bool {
        !self.lan.places()[self.at].came.is_empty()
    }
    fn status(&mut self) -> Status {
        let places = self.lan.places();
        let Place { mac, mtu, up, .. } = places[self.at];
        Status { mac, mtu, up }
    }
    fn join(&mut self, mac: Mac) {
        self.lan.places()[self.at].joined.insert(mac);
    }
    fn leave(&mut self, mac: Mac) {
        self.lan.places()[self.at].joined.remove(&mac);
    }
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    fn name(&self) -> &str {
        "lan"
    }
}
