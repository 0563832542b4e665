//! CTIO: what the target does with a command's exchange. Type 7, and CRC2 for T10 protection information.

use super::fcp::FcpStatus;
use super::{Dsd64, LeId};
use crate::isp::swap_words;
use crate::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// The n-port handle of a CTIO for a port without a session.
pub const NPORT_UNRECOGNISED: u16 = 0xffff;
/// Bytes of sense or response info that a CTIO of mode 1 has room for.
pub const CTIO_INLINE_BYTES: usize = 24;

bitfield! {
    /// Flags of a CTIO, type 7 and NVMe.
    pub struct CtioFlags(u16) {
        flags {
            /// Write data: XFER_RDY is sent, the data are received.
            data_out, with_data_out = 0;
            /// Read data are sent.
            data_in, with_data_in = 1;
            /// The segment points to a list of segments.
            list, with_list = 2;
            /// Confirm satisfied.
            confirm_satisfied, with_confirm_satisfied = 4;
            /// Explicit confirmation.
            explicit_confirm, with_explicit_confirm = 5;
            /// Status mode 1: the status is in the entry. NVMe: ERSP.
            mode_1, with_mode_1 = 6;
            /// Status mode 2: the response IU is in memory.
            mode_2, with_mode_2 = 7;
            /// No completion is wanted.
            no_completion, with_no_completion = 8;
            /// Asks for FCP_CONF.
            request_confirm, with_request_confirm = 13;
            /// Ends the exchange without a response. In a completion: the firmware has done so.
            terminate, with_terminate = 14;
            /// Sends the response, which ends the exchange.
            send_status, with_send_status = 15;
        }
        fields {
            /// The attribute of the ATIO.
            attribute, with_attribute: u8 = 9, 4;
        }
    }
}

/// Which layout the second half of a CTIO has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CtioMode {
    /// Data, with or without status GOOD.
    Data,
    /// Status in the entry.
    Inline,
    /// Response IU in memory.
    Indirect,
}

impl CtioFlags {
    /// The mode; `None` when both bits are set.
    pub const fn mode(self) -> Option<CtioMode> {
        match (self.mode_1(), self.mode_2()) {
            (false, false) => Some(CtioMode::Data),
            (true, false) => Some(CtioMode::Inline),
            (false, true) => Some(CtioMode::Indirect),
            (true, true) => None,
        }
    }
}

open_enum! {
    /// Status of a CTIO's completion.
    pub enum CtioStatus: u16 {
        /// Done.
        SUCCESS = 0x01,
        /// The initiator aborted the exchange.
        ABORTED = 0x02,
        /// There is no such exchange.
        INVALID_RX_ID = 0x08,
        /// Timeout.
        TIMEOUT = 0x0b,
        /// T10 protection information differs.
        DIF_ERROR = 0x0c,
        /// LIP reset.
        LIP_RESET = 0x0e,
        /// Target reset.
        TARGET_RESET = 0x17,
        /// The port is not there.
        PORT_UNAVAILABLE = 0x28,
        /// The port is logged out.
        PORT_LOGGED_OUT = 0x29,
        /// The port's configuration changed.
        PORT_CONFIG_CHANGED = 0x2a,
        /// Sequence retransmission was asked for.
        SRR_RECEIVED = 0x45,
    }
}

entry! {
    /// CTIO type 7. The fields from 36 on are those of mode 0; [`status`](Self::status_mode_1) gives those of mode 1; mode 2 uses
    /// `transfer_length` and `dsd` for the response IU.
    pub struct Ctio7: CTIO_7 {
        /// The host's.
        handle: U32 = 4,
        /// Port, or [`NPORT_UNRECOGNISED`].
        nport_handle: U16 = 8,
        /// Seconds.
        timeout: U16 = 10,
        /// Number of data segments.
        dseg_count: U16 = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Additional flags.
        add_flags: u8 = 15,
        /// Initiator.
        initiator_id: LeId = 16,
        /// Reserved.
        rsvd19: u8 = 19,
        /// The exchange.
        exchange_address: U32 = 20,
        /// Mode 1: bytes of sense.
        sense_length: U16 = 24,
        /// See [`CtioFlags`].
        flags: U16 = 26,
        /// Residual.
        residual: U32 = 28,
        /// Originator's exchange.
        ox_id: U16 = 32,
        /// See [`FcpStatus`].
        scsi_status: U16 = 34,
        /// Mode 0: where in the command's data.
        relative_offset: U32 = 36,
        /// Reserved.
        rsvd40: [u8; 4] = 40,
        /// Mode 0: bytes of data.
        transfer_length: U32 = 44,
        /// Reserved.
        rsvd48: [u8; 4] = 48,
        /// First segment.
        dsd: [Dsd64; 1] = 52,
    }
}

/// What a data CTIO moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Where in the command's data.
    pub offset: u32,
    /// Bytes.
    pub length: u32,
}

/// Offset 36 on of a CTIO of mode 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct StatusMode1 {
    /// Bytes of response info.
    pub response_length: U16,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// Response info, or sense: swapped.
    pub data: [u8; CTIO_INLINE_BYTES],
}
assert_size!(StatusMode1 = 28);
assert_offset!(StatusMode1: response_length = 0, data = 4);

impl Ctio7 {
    /// Flags.
    pub const fn flags(&self) -> CtioFlags {
        CtioFlags(self.flags.get())
    }

    /// SCSI status word.
    pub const fn scsi_status(&self) -> FcpStatus {
        FcpStatus(self.scsi_status.get())
    }

    /// What is moved, in mode 0.
    pub const fn transfer(&self) -> Transfer {
        Transfer { offset: self.relative_offset.get(), length: self.transfer_length.get() }
    }

    /// The fields from 36 on, in mode 1.
    pub fn status_mode_1(&self) -> StatusMode1 {
        let tail: ([u8; 36], StatusMode1) = split(*self.entry());
        tail.1
    }

    /// This entry in mode 1 with sense (its first 24 bytes) or response info, as on the link. Lengths and valid bits are set.
    #[must_use]
    pub fn with_inline(mut self, info: &[u8], sense: &[u8]) -> Self {
        let mut data = [0; CTIO_INLINE_BYTES];
        let mut bytes = info.iter().chain(sense);
        data.iter_mut().for_each(|byte| *byte = bytes.next().copied().unwrap_or(0));
        swap_words(&mut data);
        let sense_length = sense.len().min(CTIO_INLINE_BYTES.saturating_sub(info.len()));
        self.flags.set(self.flags().with_mode_1(true).0);
        self.sense_length.set(sense_length as u16);
        self.scsi_status.set(self.scsi_status().with_info(!info.is_empty()).with_sense(sense_length != 0).0);
        let response_length = U16::new(info.len().min(CTIO_INLINE_BYTES) as u16);
        let entry: &mut super::Entry = transmute_mut(&mut self);
        entry[36..].copy_from_slice(StatusMode1 { response_length, rsvd2: [0; 2], data }.as_bytes());
        self
    }

    /// The 24 bytes of response info or sense of mode 1, as on the link.
    pub fn inline(&self) -> [u8; CTIO_INLINE_BYTES] {
        let mut data = self.status_mode_1().data;
        swap_words(&mut data);
        data
    }

    /// The completion of this request.
    pub fn completed(&self, status: CtioStatus) -> Ctio7Completion {
        Ctio7Completion {
            handle: self.handle,
            status: U16::new(status.0),
            timeout: self.timeout,
            dseg_count: self.dseg_count,
            vp_index: self.vp_index,
            exchange_address: self.exchange_address,
            flags: self.flags,
            residual: self.residual,
            ox_id: self.ox_id,
            ..Ctio7Completion::new()
        }
    }
}

fn split(entry: super::Entry) -> ([u8; 36], StatusMode1) {
    let (mut head, mut tail) = ([0; 36], [0; 28]);
    head.copy_from_slice(&entry[..36]);
    tail.copy_from_slice(&entry[36..]);
    (head, transmute!(tail))
}

fn transmute_mut(ctio: &mut Ctio7) -> &mut super::Entry {
    zerocopy::transmute_mut!(ctio)
}

entry! {
    /// Completion of a CTIO type 7.
    pub struct Ctio7Completion: CTIO_7 {
        /// As in the request.
        handle: U32 = 4,
        /// See [`CtioStatus`].
        status: U16 = 8,
        /// As in the request.
        timeout: U16 = 10,
        /// As in the request.
        dseg_count: U16 = 12,
        /// As in the request.
        vp_index: u8 = 14,
        /// Reserved.
        rsvd15: [u8; 5] = 15,
        /// The exchange.
        exchange_address: U32 = 20,
        /// Reserved.
        rsvd24: [u8; 2] = 24,
        /// As in the request; [`CtioFlags::terminate`] set: the firmware has ended the exchange.
        flags: U16 = 26,
        /// Bytes that were not moved.
        residual: U32 = 28,
        /// Originator's exchange.
        ox_id: U16 = 32,
        /// Reserved.
        rsvd34: [u8; 2] = 34,
        /// Where in the command's data.
        relative_offset: U32 = 36,
        /// Reserved.
        rsvd40: [u8; 24] = 40,
    }
}

impl Ctio7Completion {
    /// Status without the bits above it (bit 14 and others come and go).
    pub const fn status(&self) -> CtioStatus {
        CtioStatus(self.status.get() & 0xff)
    }

    /// Flags.
    pub const fn flags(&self) -> CtioFlags {
        CtioFlags(self.flags.get())
    }
}

entry! {
    /// CTIO CRC2: data with T10 protection information.
    pub struct CtioCrc2: CTIO_CRC_2 {
        /// The host's.
        handle: U32 = 4,
        /// Port.
        nport_handle: U16 = 8,
        /// Seconds.
        timeout: U16 = 10,
        /// Number of data segments.
        dseg_count: U16 = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Bit 3: protection segments are in the context.
        add_flags: u8 = 15,
        /// Initiator.
        initiator_id: LeId = 16,
        /// Reserved.
        rsvd19: u8 = 19,
        /// The exchange.
        exchange_address: U32 = 20,
        /// Reserved.
        rsvd24: [u8; 2] = 24,
        /// See [`CtioFlags`].
        flags: U16 = 26,
        /// Residual.
        residual: U32 = 28,
        /// Originator's exchange.
        ox_id: U16 = 32,
        /// See [`FcpStatus`].
        scsi_status: U16 = 34,
        /// Where in the command's data.
        relative_offset: U32 = 36,
        /// Reserved.
        rsvd40: [u8; 4] = 40,
        /// Bytes on the link.
        transfer_length: U32 = 44,
        /// Reserved.
        rsvd48: [u8; 4] = 48,
        /// Context.
        crc_context_address: U64 = 52,
        /// Its length.
        crc_context_length: U16 = 60,
        /// Reserved.
        rsvd62: [u8; 2] = 62,
    }
}
