//! Which N_Ports may talk with which: a bit for each pair, so that a frame costs one look.

use crate::limits::N_PORTS;
use crate::n_ports::{NPorts, Place};
use crate::zoning::Effective;

const WORDS: usize = N_PORTS / 64;

/// The bits.
#[derive(Clone)]
pub(crate) struct Reach(Box<[[u64; WORDS]]>);

impl Reach {
    pub(crate) fn new() -> Self {
        Self(vec![[0; WORDS]; N_PORTS].into())
    }

    /// May the two talk?
    #[inline]
    pub(crate) fn allows(&self, one: Place, other: Place) -> bool {
        self.0[usize::from(one)][usize::from(other) / 64] >> (other % 64) & 1 != 0
    }

    fn set(&mut self, one: Place, other: Place, on: bool) {
        let bit = 1 << (other % 64);
        let word = &mut self.0[usize::from(one)][usize::from(other) / 64];
        *word = if on { *word | bit } else { *word & !bit };
    }

    /// Takes in a port that has just logged in.
    pub(crate) fn add(&mut self, ports: &NPorts, zones: &Effective, place: Place) {
        let Some(port) = ports.get(place) else { return };
        for (other, peer) in ports.iter() {
            let on = zones.allows(port.name, peer.name);
            self.set(place, other, on);
            self.set(other, place, on);
        }
    }

    /// Takes out a port that has logged out.
    pub(crate) fn remove(&mut self, place: Place) {
        self.0[usize::from(place)] = [0; WORDS];
        (0..N_PORTS).for_each(|other| self.set(other as Place, place, false));
    }

    /// Works it all out anew, for other zones.
    pub(crate) fn rebuild(&mut self, ports: &NPorts, zones: &Effective) {
        let all: Vec<Place> = ports.iter().map(|(place, _)| place).collect();
        all.iter().for_each(|place| self.add(ports, zones, *place));
    }
}
