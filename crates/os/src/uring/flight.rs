//! What the ring keeps of an operation, and how the kernel names it.
use dma::Data;
use std::ops::Range;

/// An operation in flight, or a place for one.
pub(super) struct Flight {
    pub token: u64,
    pub data: Data,
    /// How often the place was used: tells a late cancel from a right one.
    pub turn: u32,
    pub busy: bool,
}

/// User data of cancel requests, whose own completion nobody needs.
pub(super) const CANCEL: u64 = u64::MAX;

/// User data of an operation.
pub(super) fn name(slot: u32, turn: u32) -> u64 {
    // The highest turn is left out, so that no name is that of cancels.
    u64::from(turn & (u32::MAX >> 1)) << 32 | u64::from(slot)
}

/// Address and length of a part.
pub(super) fn address(data: &Data, part: &Range<u32>) -> (*mut u8, u32) {
    assert!(part.start <= part.end && part.end <= data.len(), "{part:?} of {}", data.len());
    (data.as_ptr().cast_mut().wrapping_add(part.start as usize), part.end - part.start)
}
