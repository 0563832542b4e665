//! The client's memory, as it has told us: what may be reached at which address.
use crate::message::Errno;
use dma::Foreign;
use std::collections::BTreeMap;

/// Mappings that one client may have at once.
pub const MAPPINGS: usize = 4096;

/// One mapping.
#[derive(Debug)]
pub(crate) struct Mapping {
    len: u64,
    readable: bool,
    writable: bool,
    /// None: it is reached by messages.
    pub memory: Option<Foreign>,
}

/// All mappings, none of which overlap.
#[derive(Debug, Default)]
pub(crate) struct Memory(BTreeMap<u64, Mapping>);

/// Bytes of one mapping.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub memory: Option<&'a Foreign>,
    /// Where in it.
    pub at: u64,
    /// Bytes up to its end.
    pub room: u64,
}

/// `DMA_MAP` flags.
const READ: u32 = 1;
const WRITE: u32 = 2;

impl Memory {
    /// Whether `[address, address + len)` can become a mapping.
    ///
    /// # Errors
    /// It is none, overlaps another, or there are too many.
    pub(crate) fn check(&self, address: u64, len: u64) -> Result<(), Errno> {
        let end = address.checked_add(len).filter(|_| len > 0).ok_or(Errno::Invalid)?;
        match self.0.range(..end).next_back() {
            Some((start, last)) if start + last.len > address => Err(Errno::Exists),
            _ if self.0.len() >= MAPPINGS => Err(Errno::TooMany),
            _ => Ok(()),
        }
    }

    /// Adds a mapping that was checked.
    pub(crate) fn add(&mut self, address: u64, len: u64, flags: u32, memory: Option<Foreign>) {
        let (readable, writable) = (flags & READ != 0, flags & WRITE != 0);
        self.0.insert(address, Mapping { len, readable, writable, memory });
    }

    /// Whether these flags ask for writing.
    pub(crate) fn asks_to_write(flags: u32) -> bool {
        flags & WRITE != 0
    }

    /// Removes exactly one mapping.
    ///
    /// # Errors
    /// There is none, or the range is a part of one or goes over several.
    pub(crate) fn remove(&mut self, address: u64, len: u64) -> Result<(), Errno> {
        match self.0.get(&address) {
            Some(mapping) if mapping.len == len => {
                self.0.remove(&address);
                Ok(())
            }
            Some(_) => Err(Errno::Invalid),
            None if self.check(address, len) == Err(Errno::Exists) => Err(Errno::Invalid),
            None => Err(Errno::NoEntry),
        }
    }

    /// Removes all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is there from an address on, to be read or written.
    pub(crate) fn piece(&self, address: u64, write: bool) -> Option<Piece<'_>> {
        let (start, mapping) = self.0.range(..=address).next_back()?;
        let at = address - start;
        let room = mapping.len.checked_sub(at).filter(|room| *room > 0)?;
        let allowed = if write { mapping.writable } else { mapping.readable };
        allowed.then_some(Piece { memory: mapping.memory.as_ref(), at, room })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_do_not_overlap_and_go_as_they_came() {
        let mut memory = Memory::default();
        memory.add(0x1000, 0x1000, READ | WRITE, None);
        memory.add(0x2000, 0x1000, READ, None);
        for (address, len) in [(0x1000, 0x1000), (0xFFF, 2), (0x2FFF, 1), (0, u64::MAX), (0x1800, 0x10)] {
            assert_eq!(memory.check(address, len), Err(Errno::Exists), "{address:#x}");
        }
        assert_eq!(memory.check(u64::MAX, 2), Err(Errno::Invalid));
        assert_eq!(memory.check(0x5000, 0), Err(Errno::Invalid));
        assert_eq!((memory.check(0x3000, 1), memory.check(0, 0x1000)), (Ok(()), Ok(())));
        assert_eq!(memory.piece(0x2FFF, false).map(|piece| (piece.at, piece.room)), Some((0xFFF, 1)));
        assert!(memory.piece(0x2FFF, true).is_none() && memory.piece(0x3000, false).is_none());
        assert_eq!(memory.remove(0x1000, 0x2000), Err(Errno::Invalid), "two at once");
        assert_eq!(memory.remove(0x1800, 0x800), Err(Errno::Invalid), "a part");
        assert_eq!(memory.remove(0x4000, 0x1000), Err(Errno::NoEntry));
        assert_eq!((memory.remove(0x1000, 0x1000), memory.remove(0x1000, 0x1000)), (Ok(()), Err(Errno::NoEntry)));
    }

    #[test]
    fn there_is_an_end_to_them() {
        let mut memory = Memory::default();
        (0..MAPPINGS as u64).for_each(|i| memory.add(i * 4096, 4096, READ, None));
        assert_eq!(memory.check(1 << 40, 4096), Err(Errno::TooMany));
    }
}
