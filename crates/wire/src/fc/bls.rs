//! Basic link services: ABTS, BA_ACC, BA_RJT. FC-FS-5 clause 16.3. TYPE is 00h; the service is in R_CTL; ABTS has no payload.

use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// Bit 0 of the parameter field of an ABTS: only the sequence named is aborted. Without it, the exchange.
pub const ABTS_SEQUENCE: u32 = 1;
/// Bit 1 of the parameter field of an ABTS or of its reply: the frame carries a clear exchange identifier (FC-FS-4 and later).
pub const ABTS_CLEAR_XID: u32 = 2;

/// Whether an ABTS with this parameter is for the whole exchange.
pub const fn aborts_exchange(parameter: u32) -> bool {
    parameter & ABTS_SEQUENCE == 0
}

/// BA_ACC to an ABTS: 12 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BaAcc {
    /// 80h when `seq_id` is valid, otherwise 0.
    pub seq_id_valid: u8,
    /// Identifier of the last sequence that was delivered whole.
    pub seq_id: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// Exchange identifier of the originator.
    pub ox_id: U16,
    /// Exchange identifier of the responder.
    pub rx_id: U16,
    /// Low end of the recovery qualifier.
    pub low_seq_cnt: U16,
    /// High end of the recovery qualifier.
    pub high_seq_cnt: U16,
}
assert_size!(BaAcc = 12);
assert_offset!(BaAcc: ox_id = 4, rx_id = 6, low_seq_cnt = 8, high_seq_cnt = 10);

impl BaAcc {
    /// The whole exchange is aborted: all SEQ_CNT values of it belong to the recovery qualifier, which lasts until RRQ.
    pub const fn exchange(ox_id: u16, rx_id: u16) -> Self {
        Self::new(ox_id, rx_id, 0, 0xffff)
    }

    /// The exchange is aborted and its identifiers may be used at once: there is no recovery qualifier.
    pub const fn nothing_to_recover(ox_id: u16, rx_id: u16) -> Self {
        Self::new(ox_id, rx_id, 0, 0)
    }

    /// An accept with a recovery qualifier of `low..=high`.
    pub const fn new(ox_id: u16, rx_id: u16, low: u16, high: u16) -> Self {
        Self {
            seq_id_valid: 0,
            seq_id: 0,
            rsvd2: [0; 2],
            ox_id: U16::new(ox_id),
            rx_id: U16::new(rx_id),
            low_seq_cnt: U16::new(low),
            high_seq_cnt: U16::new(high),
        }
    }

    /// This accept, naming the last sequence that was delivered whole.
    #[must_use]
    pub const fn with_last_sequence(mut self, seq_id: u8) -> Self {
        self.seq_id_valid = 0x80;
        self.seq_id = seq_id;
        self
    }

    /// The last sequence that was delivered whole, when it is named.
    pub const fn last_sequence(&self) -> Option<u8> {
        if self.seq_id_valid == 0x80 { Some(self.seq_id) } else { None }
    }

    /// There is a recovery qualifier: the identifiers must not be used before RRQ (or R_A_TOV).
    pub const fn has_recovery_qualifier(&self) -> bool {
        self.low_seq_cnt.get() != self.high_seq_cnt.get()
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 12] {
        transmute!(self)
    }
}

open_enum! {
    /// Why a basic link service was rejected.
    pub enum Reason: u8 {
        /// The R_CTL is not one.
        INVALID_COMMAND = 0x01,
        /// The request is not possible in this state.
        LOGICAL_ERROR = 0x03,
        /// Try again.
        LOGICAL_BUSY = 0x05,
        /// The request breaks the protocol.
        PROTOCOL_ERROR = 0x07,
        /// Cannot be done.
        UNABLE = 0x09,
        /// The vendor byte says it.
        VENDOR = 0xff,
    }
}

open_enum! {
    /// More about the reason.
    pub enum Explanation: u8 {
        /// Nothing to add.
        NONE = 0x00,
        /// Invalid combination of OX_ID and RX_ID.
        INVALID_XID = 0x03,
        /// Sequence aborted, no information about it.
        SEQUENCE_ABORTED = 0x05,
    }
}

/// BA_RJT: 4 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BaRjt {
    /// Reserved.
    pub rsvd0: u8,
    /// Reason code.
    pub reason: Reason,
    /// Reason code explanation.
    pub explanation: Explanation,
    /// Vendor specific; valid with [`Reason::VENDOR`].
    pub vendor: u8,
}
assert_size!(BaRjt = 4);

impl BaRjt {
    /// There is no such exchange.
    pub const UNKNOWN_EXCHANGE: Self = Self::new(Reason::LOGICAL_ERROR, Explanation::INVALID_XID);

    /// A reject with both codes.
    pub const fn new(reason: Reason, explanation: Explanation) -> Self {
        Self { rsvd0: 0, reason, explanation, vendor: 0 }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 4] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn accept() {
        let acc = BaAcc::exchange(0x1234, 0x5678);
        assert_eq!(acc.to_bytes(), [0, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0xff, 0xff]);
        assert!(acc.has_recovery_qualifier() && acc.last_sequence().is_none());
        assert!(!BaAcc::nothing_to_recover(1, 2).has_recovery_qualifier());
        let bytes = BaAcc::new(1, 2, 3, 4).with_last_sequence(9).to_bytes();
        assert_eq!(bytes, [0x80, 9, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4]);
        assert_eq!(parse::<BaAcc>(&bytes).unwrap().last_sequence(), Some(9));
        assert!(parse::<BaAcc>(&bytes[..11]).is_none());
    }

    #[test]
    fn reject() {
        assert_eq!(BaRjt::UNKNOWN_EXCHANGE.to_bytes(), [0, 3, 3, 0]);
        assert!(aborts_exchange(0) && !aborts_exchange(1));
    }
}
