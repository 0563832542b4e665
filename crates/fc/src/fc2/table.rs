//! The table of exchanges: places, identifiers on the wire, and who has which identifier of a peer.

use super::exchange::{Exchange, State};
use crate::Xid;
use ring::Tag;
use std::collections::VecDeque;
use wire::fc::{PortId, UNASSIGNED};

const EMPTY: u16 = u16::MAX;

/// The table. A place that was freed is used again last of all, and the bits of an identifier that the place does not need
/// count its uses: so a late frame rarely finds a stranger under its identifier, long before anything else is looked at.
pub(super) struct Table {
    places: Box<[Exchange]>,
    free: VecDeque<u16>,
    /// Bits of an identifier that name the place.
    bits: u32,
    /// Places of the exchanges that peers began, by what they call them: open addressing, linear probing.
    peers: Box<[u16]>,
}

impl Table {
    pub fn new(count: u16) -> Self {
        assert!((1..=1 << 15).contains(&count), "a table of {count} exchanges");
        let bits = usize::from(count).next_power_of_two().trailing_zeros();
        Self {
            places: (0..count).map(|_| Exchange::idle()).collect(),
            free: (0..count).collect(),
            bits,
            peers: vec![EMPTY; 4 << bits].into(),
        }
    }

    #[inline]
    pub fn at(&self, place: u16) -> &Exchange {
        &self.places[usize::from(place)]
    }

    #[inline]
    pub fn at_mut(&mut self, place: u16) -> &mut Exchange {
        &mut self.places[usize::from(place)]
    }

    /// How many places are free.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    pub fn capacity(&self) -> usize {
        self.places.len()
    }

    /// The places that are taken.
    pub fn taken(&self) -> impl Iterator<Item = (u16, &Exchange)> {
        let all = self.places.iter().enumerate().map(|(place, exchange)| (place as u16, exchange));
        all.filter(|(_, exchange)| exchange.state != State::Idle)
    }

    /// The name of what is at a place.
    #[inline]
    pub fn xid(&self, place: u16) -> Xid {
        Xid(Tag::new(u32::from(place), self.at(place).turn))
    }

    /// Where the exchange of that name is, while it is open.
    #[inline]
    pub fn place(&self, xid: Xid) -> Option<u16> {
        let exchange = self.places.get(xid.0.index())?;
        (exchange.turn == xid.0.turn() && exchange.state != State::Idle).then_some(xid.0.index() as u16)
    }

    /// Takes a place. Who takes it says what state it is in, and registers it with [`remember`](Self::remember) if a peer began.
    #[inline]
    pub fn take(&mut self) -> Option<u16> {
        let place = self.free.pop_front()?;
        let bits = self.bits;
        let exchange = self.at_mut(place);
        exchange.turn = exchange.turn.wrapping_add(1);
        if ours(bits, place, exchange.turn) == UNASSIGNED {
            exchange.turn = exchange.turn.wrapping_add(1);
        }
        exchange.ours = ours(bits, place, exchange.turn);
        Some(place)
    }

    /// Frees a place.
    #[inline]
    pub fn release(&mut self, place: u16) {
        debug_assert!(self.at(place).state != State::Idle);
        if !self.at(place).originator {
            self.forget(place);
        }
        self.at_mut(place).state = State::Idle;
        self.free.push_back(place);
    }

    /// Where the exchange is that we call `identifier` on the wire.
    #[inline]
    pub fn find(&self, identifier: u16) -> Option<u16> {
        let place = identifier & ((1u32 << self.bits) - 1) as u16;
        let exchange = self.places.get(usize::from(place))?;
        (exchange.ours == identifier && exchange.state != State::Idle).then_some(place)
    }

    /// Where the exchange is that `remote` began with `local` and calls `ox_id`.
    #[inline]
    pub fn find_theirs(&self, remote: PortId, local: PortId, ox_id: u16) -> Option<u16> {
        let mut slot = self.slot(remote, local, ox_id);
        while self.peers[slot] != EMPTY {
            let exchange = self.at(self.peers[slot]);
            if exchange.theirs == ox_id && exchange.route.remote == remote && exchange.route.local == local {
                return Some(self.peers[slot]);
            }
            slot = (slot + 1) & (self.peers.len() - 1);
        }
        None
    }

    /// Has [`find_theirs`](Self::find_theirs) find a place that was just taken for a peer.
    #[inline]
    pub fn remember(&mut self, place: u16) {
        let mut slot = self.home(place);
        while self.peers[slot] != EMPTY {
            slot = (slot + 1) & (self.peers.len() - 1);
        }
        self.peers[slot] = place;
    }

    /// Takes it out again, and moves up what was pushed aside by it.
    fn forget(&mut self, place: u16) {
        let mask = self.peers.len() - 1;
        let mut slot = self.home(place);
        while self.peers[slot] != place {
            assert!(self.peers[slot] != EMPTY, "a place of a peer was not remembered");
            slot = (slot + 1) & mask;
        }
        let mut next = slot;
        loop {
            next = (next + 1) & mask;
            let other = self.peers[next];
            if other == EMPTY {
                break;
            }
            // It may move to the gap unless that lies before its home.
            if (next.wrapping_sub(self.home(other)) & mask) >= (next.wrapping_sub(slot) & mask) {
                self.peers[slot] = other;
                slot = next;
            }
        }
        self.peers[slot] = EMPTY;
    }

    #[inline]
    fn home(&self, place: u16) -> usize {
        let exchange = self.at(place);
        self.slot(exchange.route.remote, exchange.route.local, exchange.theirs)
    }

    #[inline]
    fn slot(&self, remote: PortId, local: PortId, ox_id: u16) -> usize {
        let key = u64::from(remote.0) << 40 ^ u64::from(local.0) << 16 ^ u64::from(ox_id);
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> 32) as usize & (self.peers.len() - 1)
    }
}

/// What a place calls its exchange on the wire.
fn ours(bits: u32, place: u16, turn: u32) -> u16 {
    (turn << bits) as u16 | place
}

#[cfg(test)]
mod tests {
    use super::super::Route;
    use super::*;

    fn take(table: &mut Table, remote: u32, ox_id: u16) -> u16 {
        let place = table.take().unwrap();
        let exchange = table.at_mut(place);
        exchange.state = State::Open;
        exchange.originator = false;
        exchange.theirs = ox_id;
        exchange.route = Route { local: PortId(1), remote: PortId(remote), max_payload: 256 };
        table.remember(place);
        place
    }

    #[test]
    fn identifiers_come_again_as_late_as_they_can() {
        let mut table = Table::new(5);
        let mut seen = std::collections::HashSet::new();
        // 5 of 8 places in 16 bits: 13 bits count.
        for _ in 0..5 * (1 << 13) - 5 {
            let place = take(&mut table, 2, 0);
            let identifier = table.at(place).ours;
            assert!(identifier != UNASSIGNED && seen.insert(identifier));
            assert_eq!(table.find(identifier), Some(place));
            table.release(place);
            assert_eq!(table.find(identifier), None);
        }
    }

    #[test]
    fn peers_are_found_by_all_of_their_name() {
        let mut table = Table::new(64);
        let mut state = 7u64;
        let mut open: Vec<(u32, u16, u16)> = Vec::new();
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (remote, ox_id) = ((state >> 40) as u32 % 5, (state >> 50) as u16 % 40);
            match open.iter().position(|entry| (entry.0, entry.1) == (remote, ox_id)) {
                Some(at) => {
                    let (_, _, place) = open.swap_remove(at);
                    assert_eq!(table.find_theirs(PortId(remote), PortId(1), ox_id), Some(place));
                    table.release(place);
                }
                None if open.len() < 64 => open.push((remote, ox_id, take(&mut table, remote, ox_id))),
                None => {}
            }
            assert_eq!(table.find_theirs(PortId(remote), PortId(3), ox_id), None);
            for &(remote, ox_id, place) in &open {
                assert_eq!(table.find_theirs(PortId(remote), PortId(1), ox_id), Some(place));
            }
        }
        assert_eq!(table.free() + open.len(), 64);
    }

    #[test]
    fn a_name_is_stale_after_its_end() {
        let mut table = Table::new(1);
        let place = take(&mut table, 2, 9);
        let xid = table.xid(place);
        assert_eq!(table.place(xid), Some(place));
        assert!(table.take().is_none());
        table.release(place);
        assert_eq!(table.place(xid), None);
        take(&mut table, 2, 9);
        assert_eq!(table.place(xid), None);
    }
}
