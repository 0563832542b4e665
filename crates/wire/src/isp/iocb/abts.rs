//! ABTS received, and its response.

use super::LeId;
use crate::fc::{FrameHeader, RCtl, Type};
use crate::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// A frame header with each of its words swapped, so that its fields are little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FrameHeaderLe {
    /// Destination.
    pub d_id: LeId,
    /// Routing control.
    pub r_ctl: RCtl,
    /// Source.
    pub s_id: LeId,
    /// Class specific control.
    pub cs_ctl: u8,
    /// Frame control, lowest byte first.
    pub f_ctl: [u8; 3],
    /// Type.
    pub type_: Type,
    /// Number in the sequence.
    pub seq_cnt: U16,
    /// Optional headers.
    pub df_ctl: u8,
    /// Sequence.
    pub seq_id: u8,
    /// Responder's exchange.
    pub rx_id: U16,
    /// Originator's exchange.
    pub ox_id: U16,
    /// Parameter.
    pub parameter: U32,
}
assert_size!(FrameHeaderLe = 24);
assert_offset!(FrameHeaderLe: d_id = 0, r_ctl = 3, s_id = 4, cs_ctl = 7, f_ctl = 8, type_ = 11, seq_cnt = 12, df_ctl = 14);
assert_offset!(FrameHeaderLe: seq_id = 15, rx_id = 16, ox_id = 18, parameter = 20);

impl From<&FrameHeader> for FrameHeaderLe {
    fn from(header: &FrameHeader) -> Self {
        let mut bytes = header.to_bytes();
        crate::isp::swap_words(&mut bytes);
        transmute!(bytes)
    }
}

impl From<&FrameHeaderLe> for FrameHeader {
    fn from(header: &FrameHeaderLe) -> Self {
        let mut bytes: [u8; 24] = transmute!(*header);
        crate::isp::swap_words(&mut bytes);
        transmute!(bytes)
    }
}

/// The exchange to abort is not known.
pub const UNKNOWN_EXCHANGE: u32 = u32::MAX;

entry! {
    /// ABTS received.
    pub struct AbtsReceived: ABTS_RECEIVED {
        /// Reserved.
        rsvd4: [u8; 6] = 4,
        /// Port.
        nport_handle: U16 = 10,
        /// Reserved.
        rsvd12: [u8; 2] = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Bits 7:4: start of frame.
        sof: u8 = 15,
        /// Of the ABTS itself.
        exchange_address: U32 = 16,
        /// Its header.
        frame: FrameHeaderLe = 20,
        /// Reserved.
        rsvd44: [u8; 16] = 44,
        /// Of the command, or [`UNKNOWN_EXCHANGE`].
        exchange_to_abort: U32 = 60,
    }
}

bitfield! {
    /// Control flags of an ABTS response.
    pub struct AbtsResponseFlags(u16) {
        flags {
            /// Ends the exchange of the command, too.
            terminate, with_terminate = 0;
        }
        fields {}
    }
}

/// BA_ACC in an ABTS response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BaAccWords {
    /// Reserved.
    pub rsvd0: [u8; 2],
    /// Last sequence.
    pub seq_id: u8,
    /// Whether it is valid.
    pub seq_id_valid: u8,
    /// Responder's exchange.
    pub rx_id: U16,
    /// Originator's exchange.
    pub ox_id: U16,
    /// Highest SEQ_CNT.
    pub high_seq_cnt: U16,
    /// Lowest SEQ_CNT.
    pub low_seq_cnt: U16,
}
assert_size!(BaAccWords = 12);
assert_offset!(BaAccWords: seq_id = 2, seq_id_valid = 3, rx_id = 4, ox_id = 6, high_seq_cnt = 8, low_seq_cnt = 10);

/// BA_RJT in an ABTS response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BaRjtBytes {
    /// Vendor.
    pub vendor: u8,
    /// Explanation.
    pub explanation: u8,
    /// Reason: 9 is "unable to perform".
    pub reason: u8,
    /// Reserved.
    pub rsvd3: [u8; 9],
}
assert_size!(BaRjtBytes = 12);
assert_offset!(BaRjtBytes: vendor = 0, explanation = 1, reason = 2);

entry! {
    /// ABTS response. In the completion `handle` and `frame` are as sent, and the words at 52 and 56 are subcodes.
    pub struct AbtsResponse: ABTS_RESPONSE {
        /// The host's.
        handle: U32 = 4,
        /// Completion status: 0, or 31h with subcodes.
        comp_status: U16 = 8,
        /// As received.
        nport_handle: U16 = 10,
        /// See [`AbtsResponseFlags`].
        control_flags: U16 = 12,
        /// As received.
        vp_index: u8 = 14,
        /// As received.
        sof: u8 = 15,
        /// As received.
        exchange_address: U32 = 16,
        /// Header of the response: R_CTL says whether it is BA_ACC or BA_RJT.
        frame: FrameHeaderLe = 20,
        /// BA_ACC; or [`BaRjtBytes`].
        payload: BaAccWords = 44,
        /// Reserved; subcode 2 in the completion.
        rsvd56: U32 = 56,
        /// As received.
        exchange_to_abort: U32 = 60,
    }
}

/// F_CTL of a response: exchange responder, last sequence, end of it, initiative.
const F_CTL: [u8; 3] = [0, 0, 0x99];
/// Subcode 1: the exchange of the command was not ended.
const NOT_TERMINATED: u32 = 0x1e;

impl AbtsResponse {
    fn to(abts: &AbtsReceived, handle: u32, r_ctl: RCtl) -> Self {
        let asked = &abts.frame;
        let (d_id, s_id) = (asked.s_id, asked.d_id);
        Self {
            handle: U32::new(handle),
            nport_handle: abts.nport_handle,
            vp_index: abts.vp_index,
            sof: abts.sof & 0xf0,
            exchange_address: abts.exchange_address,
            frame: FrameHeaderLe { d_id, s_id, r_ctl, f_ctl: F_CTL, type_: Type::BLS, parameter: U32::ZERO, ..*asked },
            exchange_to_abort: abts.exchange_to_abort,
            ..Self::new()
        }
    }

    /// BA_ACC.
    pub fn accept(abts: &AbtsReceived, handle: u32) -> Self {
        let mut response = Self::to(abts, handle, RCtl::BA_ACC);
        response.payload.rx_id = abts.frame.rx_id;
        response.payload.ox_id = abts.frame.ox_id;
        response.payload.high_seq_cnt.set(0xffff);
        response
    }

    /// BA_RJT.
    pub fn reject(abts: &AbtsReceived, handle: u32, reason: u8, explanation: u8) -> Self {
        let mut response = Self::to(abts, handle, RCtl::BA_RJT);
        response.payload = transmute!(BaRjtBytes { vendor: 0, explanation, reason, rsvd3: [0; 9] });
        response
    }

    /// Control flags.
    pub const fn control(&self) -> AbtsResponseFlags {
        AbtsResponseFlags(self.control_flags.get())
    }

    /// BA_RJT, when that is what it is.
    pub fn ba_rjt(&self) -> Option<BaRjtBytes> {
        (self.frame.r_ctl == RCtl::BA_RJT).then(|| transmute!(self.payload))
    }

    /// Error subcodes of a completion with status 31h.
    pub fn subcodes(&self) -> (u32, u32) {
        let payload: [U32; 3] = transmute!(self.payload);
        (payload[2].get(), self.rsvd56.get())
    }

    /// The completion of this request: the exchange of the command is open still.
    #[must_use]
    pub fn not_terminated(mut self) -> Self {
        self.comp_status.set(super::CompletionStatus::IOCB_ERROR.0);
        self.payload = transmute!([U32::ZERO, U32::ZERO, U32::new(NOT_TERMINATED)]);
        self.rsvd56 = U32::ZERO;
        self
    }

    /// A completion says so.
    pub fn is_not_terminated(&self) -> bool {
        self.comp_status.get() == super::CompletionStatus::IOCB_ERROR.0 && self.subcodes() == (NOT_TERMINATED, 0)
    }
}
