//! LS_RJT with its codes, and what comes back on a request. FC-LS-4 4.4.3 (LS_RJT) and 4.4.2 (LS_ACC).

use super::Command;
use crate::parse;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

open_enum! {
    /// Why a request was rejected.
    pub enum Reason: u8 {
        /// The command code is not one.
        INVALID_COMMAND = 0x01,
        /// The request is not possible in this state, or its values contradict each other.
        LOGICAL_ERROR = 0x03,
        /// Try again.
        LOGICAL_BUSY = 0x05,
        /// The request breaks the protocol.
        PROTOCOL_ERROR = 0x07,
        /// Cannot be done now.
        UNABLE = 0x09,
        /// The command is known and not done here.
        UNSUPPORTED = 0x0b,
        /// The same command is being carried out.
        IN_PROGRESS = 0x0e,
        /// FIP error.
        FIP_ERROR = 0x20,
        /// The vendor byte says it.
        VENDOR = 0xff,
    }
}

open_enum! {
    /// More about the reason.
    pub enum Explanation: u8 {
        /// Nothing to add.
        NONE = 0x00,
        /// Service parameters: options.
        OPTIONS = 0x01,
        /// Service parameters: initiator control.
        INITIATOR_CONTROL = 0x03,
        /// Service parameters: recipient control.
        RECIPIENT_CONTROL = 0x05,
        /// Service parameters: receive data field size.
        RECEIVE_SIZE = 0x07,
        /// Service parameters: concurrent sequences.
        CONCURRENT_SEQUENCES = 0x09,
        /// Service parameters: credit.
        CREDIT = 0x0b,
        /// Invalid port name.
        INVALID_PORT_NAME = 0x0d,
        /// Invalid node or fabric name.
        INVALID_NODE_NAME = 0x0e,
        /// Invalid common service parameters.
        INVALID_COMMON_PARAMS = 0x0f,
        /// Invalid association header.
        INVALID_ASSOCIATION_HEADER = 0x11,
        /// Association header required.
        ASSOCIATION_HEADER_REQUIRED = 0x13,
        /// Invalid originator S_ID.
        INVALID_S_ID = 0x15,
        /// Invalid combination of OX_ID and RX_ID.
        INVALID_XID = 0x17,
        /// Request already in progress.
        IN_PROGRESS = 0x19,
        /// The sender has to log in first (PLOGI).
        LOGIN_REQUIRED = 0x1e,
        /// Invalid N_Port_ID.
        INVALID_PORT_ID = 0x1f,
        /// No room for this login.
        INSUFFICIENT_RESOURCES = 0x29,
        /// The data is not there.
        NO_DATA = 0x2a,
        /// Request not supported.
        UNSUPPORTED = 0x2c,
        /// Invalid payload length.
        INVALID_LENGTH = 0x2d,
        /// Invalid port or node name.
        INVALID_NAME = 0x44,
        /// Login extension not supported.
        NO_LOGIN_EXTENSION = 0x46,
        /// Authentication required.
        AUTHENTICATION_REQUIRED = 0x48,
        /// The MAC addressing mode is not supported (FIP).
        MAC_MODE = 0x60,
        /// The proposed MAC address is not well formed (FIP).
        MAC_ADDRESS = 0x61,
        /// VN2VN: not a neighbour.
        NOT_A_NEIGHBOR = 0x62,
    }
}

/// What an LS_RJT says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reject {
    /// Reason code.
    pub reason: Reason,
    /// Reason code explanation.
    pub explanation: Explanation,
}

impl Reject {
    /// The command is not done here.
    pub const UNSUPPORTED: Self = Self::new(Reason::UNSUPPORTED, Explanation::UNSUPPORTED);
    /// The payload is too short, or its lengths do not add up.
    pub const INVALID_LENGTH: Self = Self::new(Reason::PROTOCOL_ERROR, Explanation::INVALID_LENGTH);
    /// PLOGI first.
    pub const LOGIN_REQUIRED: Self = Self::new(Reason::UNABLE, Explanation::LOGIN_REQUIRED);
    /// There is no such exchange (REC, RRQ).
    pub const INVALID_XID: Self = Self::new(Reason::LOGICAL_ERROR, Explanation::INVALID_XID);

    /// A reject with both codes.
    pub const fn new(reason: Reason, explanation: Explanation) -> Self {
        Self { reason, explanation }
    }
}

impl core::fmt::Display for Reject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LS_RJT {} / {}", self.reason, self.explanation)
    }
}

/// LS_RJT: 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LsRjt {
    /// [`Command::LS_RJT`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 4],
    /// Reason code.
    pub reason: Reason,
    /// Reason code explanation.
    pub explanation: Explanation,
    /// Vendor specific; valid with [`Reason::VENDOR`].
    pub vendor: u8,
}
assert_size!(LsRjt = 8);
assert_offset!(LsRjt: reason = 5, explanation = 6, vendor = 7);

impl LsRjt {
    /// The reply that says `reject`.
    pub const fn new(reject: Reject) -> Self {
        let Reject { reason, explanation } = reject;
        Self { command: Command::LS_RJT, rsvd1: [0; 4], reason, explanation, vendor: 0 }
    }

    /// What it says.
    pub const fn reject(&self) -> Reject {
        Reject::new(self.reason, self.explanation)
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 8] {
        transmute!(self)
    }
}

/// A reply that is not an accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// LS_RJT.
    Rejected(Reject),
    /// Neither LS_ACC nor LS_RJT, or too short to be either.
    Malformed,
}

/// The payload of a reply frame when it is an LS_ACC: all of it, the command word included, as the layouts want it.
///
/// # Errors
/// The codes of an LS_RJT, or that it is neither.
pub fn accepted(payload: &[u8]) -> Result<&[u8], Refusal> {
    match payload.first().map(|&code| Command(code)) {
        Some(Command::LS_ACC) if payload.len() >= 4 => Ok(payload),
        Some(Command::LS_RJT) => {
            let rjt: &LsRjt = parse(payload).ok_or(Refusal::Malformed)?;
            Err(Refusal::Rejected(rjt.reject()))
        }
        _ => Err(Refusal::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reject_bytes() {
        let bytes = LsRjt::new(Reject::LOGIN_REQUIRED).to_bytes();
        assert_eq!(bytes, [1, 0, 0, 0, 0, 0x09, 0x1e, 0]);
        assert_eq!(accepted(&bytes), Err(Refusal::Rejected(Reject::LOGIN_REQUIRED)));
        assert_eq!(accepted(&bytes[..7]), Err(Refusal::Malformed));
    }

    #[test]
    fn replies() {
        assert_eq!(accepted(&[2, 0, 0, 0, 9]), Ok(&[2, 0, 0, 0, 9][..]));
        assert_eq!(accepted(&[2, 0, 0]), Err(Refusal::Malformed));
        assert_eq!(accepted(&[3, 0, 0, 0, 0, 0, 0, 0]), Err(Refusal::Malformed));
        assert_eq!(accepted(&[]), Err(Refusal::Malformed));
    }
}
