//! CT and ELS that the host builds, and ELS that go to it.

use super::{CompletionStatus, Dsd64, FrameHeaderLe, LeId};
use crate::{U16, U32};

entry! {
    /// CT pass-through; the completion is the same entry.
    pub struct CtPassThrough: CT_PASS_THROUGH {
        /// The host's.
        handle: U32 = 4,
        /// See [`CompletionStatus`].
        comp_status: U16 = 8,
        /// To which server.
        nport_handle: U16 = 10,
        /// Segments of the command.
        cmd_dsd_count: U16 = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Reserved.
        rsvd15: u8 = 15,
        /// Seconds.
        timeout: U16 = 16,
        /// Reserved.
        rsvd18: [u8; 2] = 18,
        /// Segments of the response.
        rsp_dsd_count: U16 = 20,
        /// Reserved.
        rsvd22: [u8; 10] = 22,
        /// Room for the response.
        rsp_byte_count: U32 = 32,
        /// Bytes of the command.
        cmd_byte_count: U32 = 36,
        /// First the command's segments, then the response's.
        dsds: [Dsd64; 2] = 40,
    }
}

impl CtPassThrough {
    /// Completion status.
    pub const fn comp_status(&self) -> CompletionStatus {
        CompletionStatus(self.comp_status.get())
    }

    /// The completion of this request.
    #[must_use]
    pub const fn completed(mut self, status: CompletionStatus) -> Self {
        self.comp_status = U16::new(status.0);
        self
    }
}

open_enum! {
    /// What an ELS pass-through is for: bits 15:13 of its control flags.
    pub enum ElsOperation: u8 {
        /// Sends a request.
        COMMAND = 0,
        /// Sends LS_ACC.
        ACCEPT = 1,
        /// Sends LS_RJT.
        REJECT = 2,
        /// Ends the exchange.
        TERMINATE = 3,
    }
}

entry! {
    /// ELS pass-through. In the completion `rx_byte_count` is the total byte count and the words behind it are subcodes.
    pub struct ElsPassThrough: ELS_PASS_THROUGH {
        /// The host's.
        handle: U32 = 4,
        /// See [`CompletionStatus`].
        comp_status: U16 = 8,
        /// Port.
        nport_handle: U16 = 10,
        /// Segments to send.
        tx_dsd_count: U16 = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Start of frame: 30h is SOFi3.
        sof_type: u8 = 15,
        /// Of the request that is answered.
        exchange_address: U32 = 16,
        /// Segments to receive into.
        rx_dsd_count: U16 = 20,
        /// ELS.
        opcode: u8 = 22,
        /// Reserved.
        rsvd23: u8 = 23,
        /// Destination.
        d_id: LeId = 24,
        /// Source.
        s_id: LeId = 27,
        /// Bits 15:13 [`ElsOperation`], 12 clear pass-through, 11 the header is included, 3 secure.
        control_flags: U16 = 30,
        /// Room for the response; total byte count.
        rx_byte_count: U32 = 32,
        /// Bytes to send; error subcode 1.
        tx_byte_count: U32 = 36,
        /// What to send; error subcodes 2 and 3.
        tx: Dsd64 = 40,
        /// Where the response goes.
        rx: Dsd64 = 52,
    }
}

impl ElsPassThrough {
    /// Completion status.
    pub const fn comp_status(&self) -> CompletionStatus {
        CompletionStatus(self.comp_status.get())
    }

    /// What it is for.
    pub const fn operation(&self) -> ElsOperation {
        ElsOperation((self.control_flags.get() >> 13) as u8)
    }
}

entry! {
    /// An ELS request that goes to the host. Its payload is read and written as that of [`PtLs4Received`](super::PtLs4Received).
    pub struct Purex: PUREX {
        /// Reserved.
        rsvd4: [u8; 2] = 4,
        /// Virtual port.
        vp_index: u8 = 6,
        /// Reserved.
        rsvd7: u8 = 7,
        /// Status flags.
        status_flags: U16 = 8,
        /// Port.
        nport_handle: U16 = 10,
        /// Bits 11:0: bytes of the frame, its header (24) included.
        frame_size: U16 = 12,
        /// The same of a truncated frame.
        truncated_frame_size: U16 = 14,
        /// For the answer.
        exchange_address: U32 = 16,
        /// Header of the frame.
        frame: FrameHeaderLe = 20,
        /// First bytes of the payload, swapped.
        payload: [u8; 20] = 44,
    }
}
