//! Replies to NVMe link services. FC-NVMe-2 clause 7; a host refuses a reply with a wrong tag or length, and so does
//! [`LsReply::parse`].

use super::{AssociationId, ConnectionId, LsCommand, LsFault, LsHead, Tag};
use crate::parse;
use zerocopy::byteorder::big_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

open_enum! {
    /// Why a request was rejected.
    pub enum LsReason: u8 {
        /// The command is not one.
        INVALID_COMMAND = 0x01,
        /// Logical error.
        LOGICAL_ERROR = 0x03,
        /// Cannot be done now.
        UNABLE = 0x09,
        /// The command is not done here.
        UNSUPPORTED = 0x0b,
        /// No such association.
        INVALID_ASSOCIATION = 0x40,
        /// No such connection.
        INVALID_CONNECTION = 0x41,
        /// Parameters; the explanation says which.
        INVALID_PARAMETERS = 0x42,
        /// No resources.
        INSUFFICIENT_RESOURCES = 0x43,
        /// The vendor byte says it.
        VENDOR = 0xff,
    }
}

open_enum! {
    /// More about the reason.
    pub enum LsExplanation: u8 {
        /// Nothing to add.
        NONE = 0x00,
        /// Invalid combination of OX_ID and RX_ID.
        INVALID_XID = 0x17,
        /// The data is not there.
        NO_DATA = 0x2a,
        /// Invalid payload length.
        INVALID_LENGTH = 0x2d,
        /// ERSP_RATIO.
        INVALID_ERSP_RATIO = 0x40,
        /// Controller identifier.
        INVALID_CONTROLLER_ID = 0x41,
        /// Queue identifier.
        INVALID_QUEUE_ID = 0x42,
        /// SQSIZE.
        INVALID_SQSIZE = 0x43,
        /// Host identifier.
        INVALID_HOST_ID = 0x44,
        /// Host NQN.
        INVALID_HOST_NQN = 0x45,
        /// Subsystem NQN.
        INVALID_SUBSYSTEM_NQN = 0x46,
    }
}

/// Head of an accept, and the whole of it where there is nothing to tell (disconnects): 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LsAcc {
    /// Head.
    pub head: LsHead,
    /// [`Tag::REQUEST`].
    pub tag: U32,
    /// Length of what follows: 8.
    pub length: U32,
    /// Which request this belongs to.
    pub request: LsCommand,
    /// Reserved.
    pub rsvd17: [u8; 7],
}
assert_size!(LsAcc = 24);

impl LsAcc {
    /// The accept of a disconnect.
    pub const fn new(request: LsCommand) -> Self {
        Self::head(LsCommand::ACCEPT, request, 24)
    }

    const fn head(command: LsCommand, request: LsCommand, total: usize) -> Self {
        let (tag, length) = (U32::new(Tag::REQUEST.0), U32::new(8));
        Self { head: LsHead::new(command, total), tag, length, request, rsvd17: [0; 7] }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

/// Accept of Create Association: 56 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CreateAssociationAcc {
    /// Head.
    pub head: LsAcc,
    /// The new association.
    pub association: AssociationId,
    /// The connection that is its admin queue.
    pub connection: ConnectionId,
}
assert_size!(CreateAssociationAcc = 56);
assert_offset!(CreateAssociationAcc: association = 24, connection = 40);

impl CreateAssociationAcc {
    /// The accept with both identifiers.
    pub const fn new(association_id: u64, connection_id: u64) -> Self {
        Self {
            head: LsAcc::head(LsCommand::ACCEPT, LsCommand::CREATE_ASSOCIATION, 56),
            association: AssociationId::new(association_id),
            connection: ConnectionId::new(connection_id),
        }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 56] {
        transmute!(self)
    }
}

/// Accept of Create Connection: 40 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CreateConnectionAcc {
    /// Head.
    pub head: LsAcc,
    /// The new connection.
    pub connection: ConnectionId,
}
assert_size!(CreateConnectionAcc = 40);

impl CreateConnectionAcc {
    /// The accept with the new connection's identifier.
    pub const fn new(connection_id: u64) -> Self {
        let head = LsAcc::head(LsCommand::ACCEPT, LsCommand::CREATE_CONNECTION, 40);
        Self { head, connection: ConnectionId::new(connection_id) }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 40] {
        transmute!(self)
    }
}

/// Reject: 40 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LsRjt {
    /// Head.
    pub head: LsAcc,
    /// [`Tag::REJECT`].
    pub tag: U32,
    /// Length of what follows: 8.
    pub length: U32,
    /// Reserved.
    pub rsvd32: u8,
    /// Reason code.
    pub reason: LsReason,
    /// Reason code explanation.
    pub explanation: LsExplanation,
    /// Vendor specific.
    pub vendor: u8,
    /// Reserved.
    pub rsvd36: [u8; 4],
}
assert_size!(LsRjt = 40);
assert_offset!(LsRjt: tag = 24, reason = 33, explanation = 34, vendor = 35);

impl LsRjt {
    /// The reject of a request.
    pub const fn new(request: LsCommand, reason: LsReason, explanation: LsExplanation) -> Self {
        Self {
            head: LsAcc::head(LsCommand::REJECT, request, 40),
            tag: U32::new(Tag::REJECT.0),
            length: U32::new(8),
            rsvd32: 0,
            reason,
            explanation,
            vendor: 0,
            rsvd36: [0; 4],
        }
    }

    /// The reject of a request that is not sound; `payload` is the request as received.
    pub fn of(payload: &[u8], fault: LsFault) -> Self {
        let (reason, explanation) = fault.codes();
        Self::new(LsCommand(payload.first().copied().unwrap_or(0)), reason, explanation)
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 40] {
        transmute!(self)
    }
}

/// A received accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LsReply {
    /// Of Create Association.
    Association {
        /// The association.
        association_id: u64,
        /// Its admin queue.
        connection_id: u64,
    },
    /// Of Create Connection.
    Connection {
        /// The connection.
        connection_id: u64,
    },
    /// Of a disconnect.
    Disconnected,
}

/// A reply that is not the accept of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LsReplyFault {
    /// Rejected with these codes.
    Rejected(LsReason, LsExplanation),
    /// Not a reply to this request, or a descriptor is missing or not of its length.
    Malformed,
}

impl core::fmt::Display for LsReplyFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Rejected(reason, explanation) => write!(f, "rejected: {reason} / {explanation}"),
            Self::Malformed => f.write_str("malformed reply"),
        }
    }
}

impl core::error::Error for LsReplyFault {}

impl LsReply {
    /// Reads the reply to `request`.
    ///
    /// # Errors
    /// The codes of a reject, or that it is no reply to this request.
    pub fn parse(payload: &[u8], request: LsCommand) -> Result<Self, LsReplyFault> {
        Self::accept(payload, request).ok_or_else(|| Self::reject(payload).unwrap_or(LsReplyFault::Malformed))
    }

    fn accept(payload: &[u8], request: LsCommand) -> Option<Self> {
        let (reply, total) = match request {
            LsCommand::CREATE_ASSOCIATION => {
                let acc: &CreateAssociationAcc = parse(payload)?;
                let (association_id, connection_id) = (acc.association.id.get(), acc.connection.id.get());
                let sound = acc.association.is_sound() && acc.connection.is_sound();
                (sound.then_some(Self::Association { association_id, connection_id })?, 56)
            }
            LsCommand::CREATE_CONNECTION => {
                let acc: &CreateConnectionAcc = parse(payload)?;
                let connection_id = acc.connection.id.get();
                (acc.connection.is_sound().then_some(Self::Connection { connection_id })?, 40)
            }
            _ => (Self::Disconnected, 24),
        };
        let head: &LsAcc = parse(payload)?;
        (*head == LsAcc { rsvd17: head.rsvd17, ..LsAcc::head(LsCommand::ACCEPT, request, total) }).then_some(reply)
    }

    fn reject(payload: &[u8]) -> Option<LsReplyFault> {
        let rjt: &LsRjt = parse(payload)?;
        let sound =
            rjt.head.head.command == LsCommand::REJECT && rjt.tag.get() == Tag::REJECT.0 && rjt.length.get() == 8;
        sound.then_some(LsReplyFault::Rejected(rjt.reason, rjt.explanation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn association() {
        let bytes = CreateAssociationAcc::new(0x1122, 0x3344).to_bytes();
        let expected = [
            2, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 1, 0, 0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0,
            0, 0, 0, 0x11, 0x22, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0x33, 0x44,
        ];
        assert_eq!(bytes, expected);
        let request = LsCommand::CREATE_ASSOCIATION;
        let reply = LsReply::Association { association_id: 0x1122, connection_id: 0x3344 };
        assert_eq!(LsReply::parse(&bytes, request), Ok(reply));
        for at in [0, 7, 11, 15, 16, 27, 31, 43, 47] {
            let mut wrong = bytes;
            wrong[at] ^= 0x80;
            assert_eq!(LsReply::parse(&wrong, request), Err(LsReplyFault::Malformed), "{at}");
        }
        assert_eq!(LsReply::parse(&bytes[..55], request), Err(LsReplyFault::Malformed));
    }

    #[test]
    fn connection_and_disconnect() {
        let bytes = CreateConnectionAcc::new(5).to_bytes();
        assert_eq!(&bytes[..8], &[2, 0, 0, 0, 0, 0, 0, 32]);
        let reply = LsReply::parse(&bytes, LsCommand::CREATE_CONNECTION);
        assert_eq!(reply, Ok(LsReply::Connection { connection_id: 5 }));
        assert_eq!(LsReply::parse(&bytes, LsCommand::CREATE_ASSOCIATION), Err(LsReplyFault::Malformed));
        let bytes = LsAcc::new(LsCommand::DISCONNECT_ASSOCIATION).to_bytes();
        assert_eq!(&bytes[..8], &[2, 0, 0, 0, 0, 0, 0, 16]);
        assert_eq!(LsReply::parse(&bytes, LsCommand::DISCONNECT_ASSOCIATION), Ok(LsReply::Disconnected));
        assert_eq!(LsReply::parse(&bytes, LsCommand::DISCONNECT_CONNECTION), Err(LsReplyFault::Malformed));
    }

    #[test]
    fn rejects() {
        let request = [4u8, 0, 0, 0];
        let rjt = LsRjt::of(&request, LsFault::ErspRatio).to_bytes();
        let expected = [
            1, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0x42,
            0x40, 0, 0, 0, 0, 0,
        ];
        assert_eq!(rjt, expected);
        let fault = LsReplyFault::Rejected(LsReason::INVALID_PARAMETERS, LsExplanation::INVALID_ERSP_RATIO);
        for request in [LsCommand::CREATE_CONNECTION, LsCommand::DISCONNECT_ASSOCIATION] {
            assert_eq!(LsReply::parse(&rjt, request), Err(fault));
        }
        assert_eq!(LsRjt::of(&[], LsFault::Length).head.request, LsCommand(0));
    }
}
