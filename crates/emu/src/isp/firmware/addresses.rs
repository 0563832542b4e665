//! Exchange addresses: the 32-bit names by which a host speaks of exchanges that peers began.

use fc::Xid;
use std::collections::HashMap;

/// No exchange.
pub(crate) const NONE: u32 = u32::MAX;

/// The addresses that are in use. One space for all kinds of exchanges.
#[derive(Default)]
pub(crate) struct Addresses {
    last: u32,
    exchanges: HashMap<u32, Xid>,
}

impl Addresses {
    /// An address for an exchange. Addresses come again as late as they can.
    pub fn give(&mut self, xid: Xid) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && self.last != NONE && !self.exchanges.contains_key(&self.last) {
                self.exchanges.insert(self.last, xid);
                return self.last;
            }
        }
    }

    /// Frees an address.
    pub fn take(&mut self, address: u32) -> Option<Xid> {
        self.exchanges.remove(&address)
    }

    /// Frees all.
    pub fn clear(&mut self) {
        self.exchanges.clear();
    }
}
