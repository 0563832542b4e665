//! The open exchanges of a lane, by place. A place is filled in where it is: an exchange is large, and moving it would cost more than
//! what is done with it.

use super::exchange::Exchange;
use super::messages::Command;
use fc::Xid;
use ring::Tag;

/// Places, open or free.
pub(super) struct Table {
    places: Vec<Exchange>,
    free: Vec<u32>,
}

impl Table {
    pub fn new(places: usize) -> Self {
        let mut all = Vec::with_capacity(places);
        all.resize_with(places, Exchange::free);
        Self { places: all, free: (0..places as u32).rev().collect() }
    }

    pub fn capacity(&self) -> usize {
        self.places.len()
    }

    /// The exchange at a place, if one is open there.
    #[inline]
    pub fn at_mut(&mut self, place: usize) -> Option<&mut Exchange> {
        self.places.get_mut(place).filter(|exchange| exchange.is_open)
    }

    /// The exchange of that name, if it is open.
    #[inline]
    pub fn get_mut(&mut self, xid: Xid) -> Option<&mut Exchange> {
        self.at_mut(xid.0.index()).filter(|exchange| exchange.xid == xid)
    }

    /// Opens one; `None`: all places are taken.
    #[inline]
    pub fn open(&mut self, command: &Command) -> Option<Xid> {
        let place = self.free.pop()?;
        let exchange = &mut self.places[place as usize];
        assert!(!exchange.is_open, "a free place is not open");
        let xid = Xid(Tag::new(place, exchange.xid.0.turn().wrapping_add(1)));
        exchange.open(xid, command);
        Some(xid)
    }

    /// Closes one; its name is stale from here on.
    #[inline]
    pub fn close(&mut self, place: usize) {
        if let Some(exchange) = self.at_mut(place) {
            exchange.is_open = false;
            self.free.push(place as u32);
        }
    }

    /// The first open one for which something is true.
    pub fn find(&self, is_it: impl Fn(&Exchange) -> bool) -> Option<usize> {
        self.places.iter().position(|exchange| exchange.is_open && is_it(exchange))
    }
}
