//! A ring: where its slots are.

use wire::isp::regs::PROCESSED;

/// Bytes of a slot.
pub const SLOT: u64 = 64;

/// Place and length of a ring. There is one more slot behind the last: its first word is the pointer of the adapter, for rings that
/// have it.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    address: u64,
    length: u16,
    /// Whether the adapter's pointer is written behind the ring.
    shadow: bool,
}

impl Ring {
    /// A ring, if it can be one: at least two slots, on a slot's boundary, and not over the end of memory.
    pub fn new(address: u64, length: u16, shadow: bool) -> Option<Self> {
        let fits = address.checked_add((u64::from(length) + 1) * SLOT).is_some();
        let sound = address != 0 && address.is_multiple_of(SLOT) && length >= 2 && fits;
        sound.then_some(Self { address, length, shadow })
    }

    /// How many slots it has.
    pub fn length(&self) -> u16 {
        self.length
    }

    /// Address of a slot.
    pub fn slot(&self, index: u16) -> u64 {
        self.address + u64::from(index) * SLOT
    }

    /// Where the adapter's pointer goes, if it is wanted.
    pub fn shadow(&self) -> Option<u64> {
        self.shadow.then(|| self.slot(self.length))
    }

    /// The slot `count` behind another; `count` is at most the length.
    pub fn after(&self, index: u16, count: u16) -> u16 {
        ((u32::from(index) + u32::from(count)) % u32::from(self.length)) as u16
    }

    /// Slots from one up to another.
    pub fn distance(&self, from: u16, to: u16) -> u16 {
        if to >= from { to - from } else { self.length - from + to }
    }

    /// Slots that can be filled: one always stays empty.
    pub fn free(&self, in_: u16, out: u16) -> u16 {
        self.length - 1 - self.distance(out, in_)
    }
}

/// An entry as it may be written: one that looked as if the host had taken it already would stop the ring for good.
pub fn visible(mut entry: [u8; 64]) -> [u8; 64] {
    if entry[60..] == PROCESSED.to_le_bytes() {
        entry[63] ^= 1;
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_at_every_offset() {
        let ring = Ring::new(64, 5, true).unwrap();
        for from in 0..5 {
            assert_eq!(ring.free(from, from), 4);
            for count in 0..5 {
                let to = ring.after(from, count);
                assert_eq!((ring.distance(from, to), ring.free(to, from)), (count, 4 - count));
            }
            assert_eq!(ring.after(from, 5), from);
        }
        assert_eq!(ring.shadow(), Some(64 * 6));
    }

    #[test]
    fn what_can_be_no_ring() {
        for (address, length) in [(0, 8), (65, 8), (64, 0), (64, 1), (u64::MAX - 63, 8)] {
            assert!(Ring::new(address, length, false).is_none(), "{address:x} {length}");
        }
        assert!(Ring::new(u64::MAX - 63 - 64 * 9, 8, false).is_some());
        assert!(Ring::new(64, u16::MAX, false).is_some());
    }

    #[test]
    fn no_entry_looks_processed() {
        let mut entry = [0; 64];
        entry[60..].copy_from_slice(&[0xad, 0xde, 0xad, 0xde]);
        assert_ne!(visible(entry)[60..], entry[60..]);
        assert_eq!(visible([7; 64]), [7; 64]);
    }
}
