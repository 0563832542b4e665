//! A request queue: what the host wants done.

use super::ring::Ring;
use crate::isp::Entry;
use pci::{Bus, Fault};

/// Bits of an entry's status.
const INVALID_COUNT: u8 = 1 << 4;

/// What there is in a request queue.
pub enum Fetch {
    /// Nothing that is whole.
    Nothing,
    /// An IOCB with its continuations.
    Iocb(Vec<Entry>),
    /// Something that is none; as it goes back to the host.
    Invalid(Entry),
}

/// A request queue. The host's in-pointer is a register, which it may have written anything to.
pub struct RequestQueue {
    ring: Ring,
    out: u16,
    /// The response queue for its completions.
    response: u16,
    /// The in-pointer at which an IOCB was not whole: until it moves there is nothing to do.
    waits_at: Option<u16>,
    /// The host's memory failed.
    halted: bool,
    /// Entries were fetched since the pointer was told.
    moved: bool,
}

impl RequestQueue {
    /// A queue that starts at `out`, if that is in it.
    pub fn new(ring: Ring, out: u16, response: u16) -> Option<Self> {
        (out < ring.length()).then_some(Self { ring, out, response, waits_at: None, halted: false, moved: true })
    }

    /// The response queue for its completions.
    pub fn response(&self) -> u16 {
        self.response
    }

    /// Index of the entry that will be fetched next.
    pub fn out(&self) -> u16 {
        self.out
    }

    /// Whether something may be fetched. An in-pointer outside of the ring is not believed.
    pub fn has_work(&self, register: u32) -> bool {
        self.valid(register).is_some_and(|in_| !self.halted && in_ != self.out && self.waits_at != Some(in_))
    }

    fn valid(&self, register: u32) -> Option<u16> {
        u16::try_from(register).ok().filter(|in_| *in_ < self.ring.length())
    }

    /// Fetches the next IOCB.
    ///
    /// # Errors
    /// The host's memory failed; nothing more will be fetched.
    pub fn fetch(&mut self, register: u32, bus: &mut dyn Bus) -> Result<Fetch, Fault> {
        let Some(in_) = self.valid(register).filter(|_| self.has_work(register)) else { return Ok(Fetch::Nothing) };
        let fetched = self.next(in_, bus);
        self.halted = fetched.is_err();
        fetched
    }

    fn next(&mut self, in_: u16, bus: &mut dyn Bus) -> Result<Fetch, Fault> {
        let published = self.ring.distance(self.out, in_);
        let mut first: Entry = [0; 64];
        bus.read(self.ring.slot(self.out), &mut first)?;
        let count = u16::from(first[1]);
        if count == 0 || count >= self.ring.length() {
            first[3] |= INVALID_COUNT;
            self.advance(1);
            return Ok(Fetch::Invalid(first));
        }
        if count > published {
            self.waits_at = Some(in_);
            return Ok(Fetch::Nothing);
        }
        let entries = self.whole(first, count, bus)?;
        self.advance(count);
        Ok(Fetch::Iocb(entries))
    }

    fn whole(&self, first: Entry, count: u16, bus: &mut dyn Bus) -> Result<Vec<Entry>, Fault> {
        let mut entries = vec![first; usize::from(count)];
        for (n, entry) in (0..count).zip(&mut entries).skip(1) {
            bus.read(self.ring.slot(self.ring.after(self.out, n)), entry)?;
        }
        Ok(entries)
    }

    fn advance(&mut self, count: u16) {
        self.out = self.ring.after(self.out, count);
        self.waits_at = None;
        self.moved = true;
    }

    /// Tells the host how far it has fetched. True: the register is to be set.
    ///
    /// # Errors
    /// The host's memory failed.
    pub fn publish(&mut self, bus: &mut dyn Bus) -> Result<bool, Fault> {
        if !std::mem::take(&mut self.moved) {
            return Ok(false);
        }
        if let Some(at) = self.ring.shadow() {
            bus.write(at, &self.out.to_le_bytes())?;
        }
        Ok(true)
    }
}
