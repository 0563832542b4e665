//! NVMe link services: sent and answered by PT_LS4, received by PURLS; and the payload of what comes unasked (PUREX, PURLS).

use super::status::fill;
use super::{CompletionStatus, Dsd64, Entry, EntryHeader, FrameHeaderLe, Iocb, StatusContinuation};
use crate::fc::HEADER_BYTES;
use crate::{U16, U32};

open_enum! {
    /// What a PT_LS4 is for: bits 15:13 of its control flags.
    pub enum LsOperation: u8 {
        /// Sends a request and receives its response.
        ORIGINATE = 0,
        /// Sends a response.
        RESPOND = 1,
        /// Ends the exchange without a response.
        TERMINATE = 2,
    }
}

entry! {
    /// NVMe LS pass-through; the completion is the same entry.
    pub struct PtLs4: PT_LS4 {
        /// The host's.
        handle: U32 = 4,
        /// See [`CompletionStatus`].
        comp_status: U16 = 8,
        /// Port.
        nport_handle: U16 = 10,
        /// Segments to send.
        tx_dseg_count: U16 = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Reserved.
        rsvd15: u8 = 15,
        /// Seconds.
        timeout: U16 = 16,
        /// Bits 15:13 [`LsOperation`].
        control_flags: U16 = 18,
        /// Segments to receive into.
        rx_dseg_count: U16 = 20,
        /// Reserved.
        rsvd22: [u8; 2] = 22,
        /// Of the request that is answered.
        exchange_address: U32 = 24,
        /// Reserved.
        rsvd28: [u8; 4] = 28,
        /// Room for the response.
        rx_byte_count: U32 = 32,
        /// Bytes to send.
        tx_byte_count: U32 = 36,
        /// First those to send, then those to receive into.
        dsds: [Dsd64; 2] = 40,
    }
}

impl PtLs4 {
    /// Completion status.
    pub const fn comp_status(&self) -> CompletionStatus {
        CompletionStatus(self.comp_status.get())
    }

    /// What it is for.
    pub const fn operation(&self) -> LsOperation {
        LsOperation((self.control_flags.get() >> 13) as u8)
    }

    /// This entry for another purpose.
    #[must_use]
    pub const fn with_operation(mut self, operation: LsOperation) -> Self {
        self.control_flags = U16::new(self.control_flags.get() & 0x1fff | (operation.0 as u16) << 13);
        self
    }

    /// The completion of this request.
    #[must_use]
    pub const fn completed(mut self, status: CompletionStatus) -> Self {
        self.comp_status = U16::new(status.0);
        self
    }
}

entry! {
    /// NVMe LS received (PURLS). The payload goes on in [`StatusContinuation`] entries.
    pub struct PtLs4Received: PT_LS4_RECEIVED {
        /// Reserved.
        rsvd4: [u8; 2] = 4,
        /// Virtual port.
        vp_index: u8 = 6,
        /// Reserved.
        rsvd7: [u8; 3] = 7,
        /// Port.
        nport_handle: U16 = 10,
        /// Bits 11:0: bytes of the frame, its header (24) included.
        frame_size: U16 = 12,
        /// Reserved.
        rsvd14: [u8; 2] = 14,
        /// For the answer.
        exchange_address: U32 = 16,
        /// Header of the frame.
        frame: FrameHeaderLe = 20,
        /// First bytes of the payload, swapped.
        payload: [u8; 20] = 44,
    }
}

/// Bytes of payload in the first entry of a PUREX or PURLS.
pub const UNSOLICITED_FIRST_BYTES: usize = 20;
/// Most bytes of payload: the frame size has 12 bits.
const MAX_BYTES: usize = 0xfff - HEADER_BYTES;

/// Puts a payload, as on the link, into a PUREX or PURLS entry (`first`, whose other fields stay) and as many continuations as it
/// needs; frame size and count are set. Tells how many entries of `out` were written; `None` when they are too few, or the payload
/// is longer than the entry can say.
pub fn unsolicited_group(first: &Entry, payload: &[u8], out: &mut [Entry]) -> Option<usize> {
    let count = 1 + payload.len().saturating_sub(UNSOLICITED_FIRST_BYTES).div_ceil(60);
    let (head, rest) = out.get_mut(..count)?.split_first_mut()?;
    if payload.len() > MAX_BYTES {
        return None;
    }
    let mut bytes = payload.iter().copied();
    *head = *first;
    let entry = PtLs4Received::of_mut(head);
    entry.header.entry_count = count as u8;
    entry.frame_size.set((payload.len() + HEADER_BYTES) as u16);
    fill(&mut entry.payload, &mut bytes);
    for entry in rest {
        let mut continuation = StatusContinuation::new();
        fill(&mut continuation.data, &mut bytes);
        *entry = *continuation.entry();
    }
    Some(count)
}

/// The payload, as on the link, of a PUREX or PURLS and its continuations, put into `out`; its length. `None` when `out` is too short,
/// or entries are missing or not continuations.
pub fn unsolicited_payload(entries: &[Entry], out: &mut [u8]) -> Option<usize> {
    let (first, rest) = entries.split_first()?;
    let length = usize::from(PtLs4Received::of(first).frame_size.get() & 0xfff).checked_sub(HEADER_BYTES)?;
    let out = out.get_mut(..length)?;
    let (head, tail) = out.split_at_mut(length.min(UNSOLICITED_FIRST_BYTES));
    unswap(&first[44..], head);
    let mut continuations = rest.iter();
    for part in tail.chunks_mut(60) {
        let entry =
            continuations.next().filter(|entry| EntryHeader::of(entry).entry_type == StatusContinuation::TYPE)?;
        unswap(&entry[4..], part);
    }
    Some(length)
}

fn unswap(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.chunks_mut(4).zip(from.chunks_exact(4)) {
        to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_go_out_and_in() {
        let payload: [u8; 1024] = core::array::from_fn(|at| at as u8);
        let first = *PtLs4Received::new().entry();
        for length in [0, 1, 8, 20, 21, 80, 81, 1024] {
            let mut group = [[0xee; 64]; 18];
            let mut out = [0; 1024];
            let count = unsolicited_group(&first, &payload[..length], &mut group).unwrap();
            assert_eq!(usize::from(group[0][1]), count);
            assert_eq!(unsolicited_payload(&group[..count], &mut out), Some(length));
            assert_eq!(out[..length], payload[..length]);
            assert_eq!(unsolicited_payload(&group[..count - 1], &mut out), None);
        }
        let mut group = [[0; 64]; 80];
        unsolicited_group(&first, &payload, &mut group).unwrap();
        assert_eq!((group[0][47], group[1][7], PtLs4Received::of(&group[0]).frame_size.get()), (0, 20, 1048));
        assert_eq!(unsolicited_group(&first, &payload, &mut group[..17]), None);
        assert_eq!(unsolicited_group(&first, &[0; MAX_BYTES + 1], &mut group), None);
        assert_eq!(unsolicited_payload(&group, &mut [0; 1023]), None);
        group[3][0] = 0;
        assert_eq!(unsolicited_payload(&group, &mut [0; 1024]), None);
        assert_eq!(unsolicited_payload(&[first], &mut [0; 8]), None);
    }
}
