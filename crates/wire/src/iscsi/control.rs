//! All other PDUs: text, logout, NOP, SNACK, reject, asynchronous message. RFC 7143 11.9 to 11.11, 11.14 to 11.19.

use super::header::{Opcode, Pdu, U24};
use crate::be::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Why an initiator logs out: bits 6:0 of byte 1 (RFC 7143 11.14.1).
    pub enum LogoutReason: u8 {
        /// Close the session.
        CLOSE_SESSION = 0,
        /// Close the connection.
        CLOSE_CONNECTION = 1,
        /// Remove the connection for recovery.
        RECOVERY = 2,
    }
}

open_enum! {
    /// How a logout ended (RFC 7143 11.15.1).
    pub enum LogoutResult: u8 {
        /// Closed.
        CLOSED = 0,
        /// CID not found.
        NO_CONNECTION = 1,
        /// Connection recovery is not supported.
        NO_RECOVERY = 2,
        /// Cleanup failed.
        FAILED = 3,
    }
}

open_enum! {
    /// Why a PDU is rejected (RFC 7143 11.17.1).
    pub enum RejectReason: u8 {
        /// Data (payload) digest error.
        DATA_DIGEST_ERROR = 0x02,
        /// SNACK reject.
        SNACK_REJECT = 0x03,
        /// Protocol error.
        PROTOCOL_ERROR = 0x04,
        /// Command not supported.
        COMMAND_NOT_SUPPORTED = 0x05,
        /// Immediate command reject: too many immediate commands.
        TOO_MANY_IMMEDIATE = 0x06,
        /// Task in progress.
        TASK_IN_PROGRESS = 0x07,
        /// Invalid data acknowledgement.
        INVALID_DATA_ACK = 0x08,
        /// Invalid PDU field.
        INVALID_FIELD = 0x09,
        /// Long operation reject: out of resources for a text or the like.
        LONG_OPERATION = 0x0a,
        /// Negotiation reset (deprecated).
        NEGOTIATION_RESET = 0x0b,
        /// Waiting for logout.
        WAITING_FOR_LOGOUT = 0x0c,
    }
}

open_enum! {
    /// What an asynchronous message is about (RFC 7143 11.9.1).
    pub enum AsyncEvent: u8 {
        /// A SCSI asynchronous event; sense data follows.
        SCSI = 0,
        /// The target wants a logout, within Parameter3 seconds.
        LOGOUT_REQUEST = 1,
        /// The target drops the connection of Parameter1.
        CONNECTION_DROP = 2,
        /// The target drops all connections of the session.
        SESSION_DROP = 3,
        /// The target wants a negotiation, within Parameter3 seconds.
        NEGOTIATION = 4,
        /// All tasks of the LUN are being terminated.
        TASKS_TERMINATED = 5,
    }
}

/// NOP-Out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NopOut {
    /// 00h, perhaps immediate.
    pub opcode: u8,
    /// 80h.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of ping data.
    pub data_segment_length: U24,
    /// As in the NOP-In that it answers.
    pub lun: [u8; 8],
    /// Initiator task tag, or reserved: no answer wanted.
    pub itt: U32,
    /// Of the NOP-In that it answers, or reserved.
    pub ttt: U32,
    /// Command number.
    pub cmd_sn: U32,
    /// Next status number that is expected.
    pub exp_stat_sn: U32,
    /// Reserved.
    pub rsvd32: [u8; 16],
}
assert_size!(NopOut = 48);
assert_offset!(NopOut: lun = 8, itt = 16, ttt = 20, cmd_sn = 24, exp_stat_sn = 28);

/// NOP-In.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NopIn {
    /// 20h.
    pub opcode: u8,
    /// 80h.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of returned ping data.
    pub data_segment_length: U24,
    /// Logical unit number, with a transfer tag.
    pub lun: [u8; 8],
    /// Of the NOP-Out that it answers, or reserved.
    pub itt: U32,
    /// Transfer tag, or reserved: no answer wanted.
    pub ttt: U32,
    /// Status number; the next one when it answers nothing.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// Reserved.
    pub rsvd36: [u8; 12],
}
assert_size!(NopIn = 48);
assert_offset!(NopIn: lun = 8, itt = 16, ttt = 20, stat_sn = 24, exp_cmd_sn = 28, max_cmd_sn = 32);

/// Text Request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TextRequest {
    /// 04h, perhaps immediate.
    pub opcode: u8,
    /// F, C (bit 6).
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of text.
    pub data_segment_length: U24,
    /// With a transfer tag as in the response before.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Of the response before, or reserved.
    pub ttt: U32,
    /// Command number.
    pub cmd_sn: U32,
    /// Next status number that is expected.
    pub exp_stat_sn: U32,
    /// Reserved.
    pub rsvd32: [u8; 16],
}
assert_size!(TextRequest = 48);
assert_offset!(TextRequest: lun = 8, itt = 16, ttt = 20, cmd_sn = 24, exp_stat_sn = 28);

/// Text Response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TextResponse {
    /// 24h.
    pub opcode: u8,
    /// F, C (bit 6).
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of text.
    pub data_segment_length: U24,
    /// With a transfer tag.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Transfer tag, without F; otherwise reserved.
    pub ttt: U32,
    /// Status number.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// Reserved.
    pub rsvd36: [u8; 12],
}
assert_size!(TextResponse = 48);
assert_offset!(TextResponse: lun = 8, itt = 16, ttt = 20, stat_sn = 24, exp_cmd_sn = 28, max_cmd_sn = 32);

/// Bit 6 of byte 1 of a text request or response: the text goes on in the next PDU.
pub const TEXT_CONTINUE: u8 = 0x40;

/// Logout Request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LogoutRequest {
    /// 06h, perhaps immediate.
    pub opcode: u8,
    /// 80h and the reason.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// 0.
    pub data_segment_length: U24,
    /// Reserved.
    pub rsvd8: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Connection identifier, unless the session is closed.
    pub cid: U16,
    /// Reserved.
    pub rsvd22: [u8; 2],
    /// Command number.
    pub cmd_sn: U32,
    /// Next status number that is expected.
    pub exp_stat_sn: U32,
    /// Reserved.
    pub rsvd32: [u8; 16],
}
assert_size!(LogoutRequest = 48);
assert_offset!(LogoutRequest: itt = 16, cid = 20, cmd_sn = 24, exp_stat_sn = 28);

/// Logout Response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LogoutResponse {
    /// 26h.
    pub opcode: u8,
    /// 80h.
    pub flags: u8,
    /// How it ended.
    pub response: LogoutResult,
    /// Reserved.
    pub rsvd3: u8,
    /// 0.
    pub total_ahs_length: u8,
    /// 0.
    pub data_segment_length: U24,
    /// Reserved.
    pub rsvd8: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Reserved.
    pub rsvd20: [u8; 4],
    /// Status number.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// Reserved.
    pub rsvd36: [u8; 4],
    /// Seconds to wait before a reconnection.
    pub time2wait: U16,
    /// Seconds after that in which tasks can be reassigned.
    pub time2retain: U16,
    /// Reserved.
    pub rsvd44: [u8; 4],
}
assert_size!(LogoutResponse = 48);
assert_offset!(LogoutResponse: response = 2, itt = 16, stat_sn = 24, max_cmd_sn = 32, time2wait = 40, time2retain = 42);

/// SNACK Request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Snack {
    /// 10h.
    pub opcode: u8,
    /// 80h and the type.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// 0.
    pub data_segment_length: U24,
    /// Logical unit number, for a DataACK.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Transfer tag or SNACK tag.
    pub ttt: U32,
    /// Reserved.
    pub rsvd24: [u8; 4],
    /// Next status number that is expected.
    pub exp_stat_sn: U32,
    /// Reserved.
    pub rsvd32: [u8; 8],
    /// First number that is missing.
    pub begin: U32,
    /// How many.
    pub length: U32,
}
assert_size!(Snack = 48);
assert_offset!(Snack: lun = 8, itt = 16, ttt = 20, exp_stat_sn = 28, begin = 40, length = 44);

/// Reject; the header of what is rejected follows as data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Reject {
    /// 3Fh.
    pub opcode: u8,
    /// 80h.
    pub flags: u8,
    /// Why.
    pub reason: RejectReason,
    /// Reserved.
    pub rsvd3: u8,
    /// 0.
    pub total_ahs_length: u8,
    /// 48 or more.
    pub data_segment_length: U24,
    /// Reserved.
    pub rsvd8: [u8; 8],
    /// Reserved tag.
    pub itt: U32,
    /// Reserved.
    pub rsvd20: [u8; 4],
    /// Status number.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// Next Data-In or R2T number, for a rejected SNACK.
    pub data_sn: U32,
    /// Reserved.
    pub rsvd40: [u8; 8],
}
assert_size!(Reject = 48);
assert_offset!(Reject: reason = 2, itt = 16, stat_sn = 24, max_cmd_sn = 32, data_sn = 36);

/// Asynchronous Message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct AsyncMessage {
    /// 32h.
    pub opcode: u8,
    /// 80h.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of sense data and what follows it.
    pub data_segment_length: U24,
    /// Logical unit number, for events of one.
    pub lun: [u8; 8],
    /// Reserved tag.
    pub itt: U32,
    /// Reserved.
    pub rsvd20: [u8; 4],
    /// Status number.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// What it is about.
    pub event: AsyncEvent,
    /// Vendor's code.
    pub vcode: u8,
    /// Of the event.
    pub parameter1: U16,
    /// Of the event.
    pub parameter2: U16,
    /// Of the event.
    pub parameter3: U16,
    /// Reserved.
    pub rsvd44: [u8; 4],
}
assert_size!(AsyncMessage = 48);
assert_offset!(AsyncMessage: lun = 8, itt = 16, stat_sn = 24, event = 36, parameter1 = 38, parameter3 = 42);

macro_rules! opcodes {
    ($($t:ty = $opcode:ident),* $(,)?) => {
        $(impl Pdu for $t { const OPCODE: Opcode = Opcode::$opcode; })*
    };
}
opcodes! {
    NopOut = NOP_OUT, NopIn = NOP_IN, TextRequest = TEXT_REQUEST, TextResponse = TEXT_RESPONSE,
    LogoutRequest = LOGOUT_REQUEST, LogoutResponse = LOGOUT_RESPONSE, Snack = SNACK, Reject = REJECT,
    AsyncMessage = ASYNC_MESSAGE,
}

impl LogoutRequest {
    /// Why.
    pub const fn reason(&self) -> LogoutReason {
        LogoutReason(self.flags & 0x7f)
    }
}

impl TextRequest {
    /// C.
    pub const fn continues(&self) -> bool {
        self.flags & TEXT_CONTINUE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iscsi::{Bhs, FINAL, RESERVED_TAG};
    use zerocopy::FromZeros;

    #[test]
    fn a_reject() {
        let pdu = Reject {
            opcode: Reject::OPCODE.0,
            flags: FINAL,
            reason: RejectReason::PROTOCOL_ERROR,
            data_segment_length: U24::new(48),
            itt: U32::new(RESERVED_TAG),
            stat_sn: U32::new(3),
            ..Reject::new_zeroed()
        };
        let bytes = pdu.to_bytes();
        assert_eq!(&bytes[..8], &[0x3f, 0x80, 4, 0, 0, 0, 0, 48]);
        assert_eq!(&bytes[16..28], &[255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 3]);
    }

    #[test]
    fn requests_in_place() {
        let mut bytes = [0; 48];
        bytes[..2].copy_from_slice(&[6, 0x81]);
        bytes[21] = 9;
        let bhs: &Bhs = crate::parse(&bytes).unwrap();
        let request: &LogoutRequest = bhs.of();
        assert_eq!((request.reason(), request.cid.get()), (LogoutReason::CLOSE_CONNECTION, 9));
        bytes[1] = 0x40;
        let text: &TextRequest = crate::parse(&bytes).unwrap();
        assert!(text.continues());
        let message =
            AsyncMessage { event: AsyncEvent::LOGOUT_REQUEST, parameter3: U16::new(5), ..AsyncMessage::new_zeroed() };
        assert_eq!(message.to_bytes()[36..44], [1, 0, 0, 0, 0, 0, 0, 5]);
    }
}
