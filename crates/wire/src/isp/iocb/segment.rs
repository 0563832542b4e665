//! Data segments: where data are in the host's memory.

use super::{Entry, EntryHeader, EntryType};
use crate::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A data segment descriptor: 12 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Dsd64 {
    /// Where it is.
    pub address: U64,
    /// Bytes.
    pub length: U32,
}
assert_size!(Dsd64 = 12);
assert_offset!(Dsd64: address = 0, length = 8);

impl Dsd64 {
    /// A segment.
    pub const fn new(address: u64, length: u32) -> Self {
        Self { address: U64::new(address), length: U32::new(length) }
    }

    /// Where it is.
    pub const fn address(&self) -> u64 {
        self.address.get()
    }

    /// Bytes.
    pub const fn length(&self) -> u32 {
        self.length.get()
    }
}

entry! {
    /// Continuation type 1: five segments.
    pub struct Continuation: CONTINUATION {
        /// The segments.
        dsds: [Dsd64; 5] = 4,
    }
}

/// Entries (the first included) that an IOCB with `inline` segments of its own needs for `count` segments.
pub const fn entries_for(count: usize, inline: usize) -> usize {
    1 + count.saturating_sub(inline).div_ceil(5)
}

/// The first `count` segments of an IOCB: those in its first entry, then those of its continuations. `None` when the entries have
/// fewer, or one that is needed is no continuation.
pub fn segments<'a>(first: &'a [Dsd64], continuations: &'a [Entry], count: usize) -> Option<Segments<'a>> {
    let further = count.saturating_sub(first.len()).div_ceil(5);
    let continuations = continuations.get(..further)?;
    let all = continuations.iter().all(|entry| EntryHeader::of(entry).entry_type == EntryType::CONTINUATION);
    all.then_some(Segments { first, continuations, at: 0, count })
}

/// See [`segments`].
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    first: &'a [Dsd64],
    continuations: &'a [Entry],
    at: usize,
    count: usize,
}

impl Iterator for Segments<'_> {
    type Item = Dsd64;

    fn next(&mut self) -> Option<Dsd64> {
        if self.at == self.count {
            return None;
        }
        let at = self.at;
        self.at += 1;
        match self.first.get(at) {
            Some(dsd) => Some(*dsd),
            None => {
                let at = at - self.first.len();
                Some(Continuation::of(self.continuations.get(at / 5)?).dsds[at % 5])
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count - self.at, Some(self.count - self.at))
    }
}

impl ExactSizeIterator for Segments<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn continuation(from: u32) -> Entry {
        let mut entry = Continuation::new();
        for (dsd, length) in entry.dsds.iter_mut().zip(from..) {
            *dsd = Dsd64::new(u64::from(length) << 32, length);
        }
        *entry.entry()
    }

    #[test]
    fn segments_go_on_in_continuations() {
        let first = [Dsd64::new(0, 0)];
        let more = [continuation(1), continuation(6)];
        for count in 0..=11 {
            let lengths = segments(&first, &more, count).unwrap().map(|dsd| dsd.length());
            assert!(lengths.eq(0..count as u32), "{count}");
            assert_eq!(entries_for(count, 1), if count <= 1 { 1 } else { 1 + (count - 1).div_ceil(5) });
        }
        assert_eq!(segments(&first, &more, 8).unwrap().last().unwrap().address(), 7 << 32);
        assert!(segments(&first, &more, 12).is_none());
        assert!(segments(&first, &more, usize::MAX).is_none());
        let mut wrong = more;
        wrong[1][0] = EntryType::STATUS.0;
        assert!(segments(&first, &wrong, 6).is_some() && segments(&first, &wrong, 7).is_none());
    }
}
