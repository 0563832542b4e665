//! The CT_IU preamble: 16 bytes. FC-GS-8 4.3.

use super::{Command, Explanation, ReasonCode};
use crate::fc::PortId;
use crate::parse;
use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// Length of the preamble.
pub const CT_HEADER_BYTES: usize = 16;

open_enum! {
    /// GS_Type.
    pub enum Service: u8 {
        /// Key distribution (obsolete).
        KEY_DISTRIBUTION = 0xf7,
        /// Alias (obsolete).
        ALIAS = 0xf8,
        /// Management service.
        MANAGEMENT = 0xfa,
        /// Time service.
        TIME = 0xfb,
        /// Directory service.
        DIRECTORY = 0xfc,
    }
}

/// GS_Subtype values; their meaning depends on the service.
pub mod subtype {
    /// Directory: name server.
    pub const NAME_SERVER: u8 = 0x02;
    /// Directory: IP address server (obsolete).
    pub const IP_ADDRESS_SERVER: u8 = 0x03;
    /// Management: fabric configuration server.
    pub const FABRIC_CONFIGURATION: u8 = 0x01;
    /// Management: unzoned name server.
    pub const UNZONED_NAME_SERVER: u8 = 0x02;
    /// Management: fabric zone server.
    pub const ZONE_SERVER: u8 = 0x03;
    /// Management: FDMI, the server that knows about HBAs.
    pub const FDMI: u8 = 0x10;
}

/// CT_IU preamble.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CtHeader {
    /// Revision: 1 (later revisions say 2 for features not used here).
    pub revision: u8,
    /// IN_ID: 0 from a port.
    pub in_id: [u8; 3],
    /// GS_Type.
    pub service: Service,
    /// GS_Subtype.
    pub subtype: u8,
    /// Options; bit 7 says that parts of the exchange may be mapped differently.
    pub options: u8,
    /// Reserved.
    pub rsvd7: u8,
    /// Command or response code.
    pub command: U16,
    /// Request: most words of response wanted (0 no limit). Response: words that did not fit.
    pub size: U16,
    /// Fragment identifier.
    pub fragment: u8,
    /// Reject: reason code.
    pub reason: ReasonCode,
    /// Reject: explanation.
    pub explanation: Explanation,
    /// Reject: vendor specific.
    pub vendor: u8,
}
assert_size!(CtHeader = 16);
assert_offset!(CtHeader: service = 4, subtype = 5, options = 6, command = 8, size = 10, reason = 13, explanation = 14);

impl CtHeader {
    /// A request to a service. `max_words` limits the response (0: no limit).
    pub const fn request(service: Service, subtype: u8, command: u16, max_words: u16) -> Self {
        Self {
            revision: 1,
            in_id: [0; 3],
            service,
            subtype,
            options: 0,
            rsvd7: 0,
            command: U16::new(command),
            size: U16::new(max_words),
            fragment: 0,
            reason: ReasonCode(0),
            explanation: Explanation(0),
            vendor: 0,
        }
    }

    /// A request to the name server.
    pub const fn name_server(command: Command) -> Self {
        Self::request(Service::DIRECTORY, subtype::NAME_SERVER, command.0, 0)
    }

    /// The accept of this request. `residual_words` are words of the answer that did not fit into what was asked for.
    #[must_use]
    pub const fn accept(&self, residual_words: u16) -> Self {
        let mut header = Self::request(self.service, self.subtype, Command::ACCEPT.0, residual_words);
        header.in_id = self.in_id;
        header
    }

    /// The reject of this request.
    #[must_use]
    pub const fn reject(&self, reject: Reject) -> Self {
        let mut header = Self::request(self.service, self.subtype, Command::REJECT.0, 0);
        header.in_id = self.in_id;
        header.reason = reject.reason;
        header.explanation = reject.explanation;
        header
    }

    /// Command or response code, by the names of the name server.
    pub const fn command(&self) -> Command {
        Command(self.command.get())
    }

    /// Most bytes of answer (after the preamble) that the requester takes; `None` when it has no limit.
    pub const fn max_bytes(&self) -> Option<usize> {
        match self.size.get() {
            0 => None,
            words => Some(words as usize * 4),
        }
    }

    /// IN_ID.
    pub const fn in_id(&self) -> PortId {
        PortId::from_bytes(self.in_id)
    }

    /// Addressed to the name server.
    pub fn is_name_server(&self) -> bool {
        self.service == Service::DIRECTORY && self.subtype == subtype::NAME_SERVER
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; CT_HEADER_BYTES] {
        transmute!(self)
    }
}

/// What a CT reject says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reject {
    /// Reason code.
    pub reason: ReasonCode,
    /// Reason code explanation.
    pub explanation: Explanation,
}

impl Reject {
    /// The command code is not one of the service.
    pub const INVALID_COMMAND: Self = Self::new(ReasonCode::INVALID_COMMAND, Explanation::NONE);
    /// The command is known and not done here.
    pub const UNSUPPORTED: Self = Self::new(ReasonCode::UNSUPPORTED, Explanation::NONE);
    /// The request is too short.
    pub const INVALID_SIZE: Self = Self::new(ReasonCode::INVALID_SIZE, Explanation::NONE);
    /// No entry for this port.
    pub const NO_PORT_ID: Self = Self::new(ReasonCode::UNABLE, Explanation::PORT_ID);
    /// No entry with this port name.
    pub const NO_PORT_NAME: Self = Self::new(ReasonCode::UNABLE, Explanation::PORT_NAME);
    /// No entry with this node name.
    pub const NO_NODE_NAME: Self = Self::new(ReasonCode::UNABLE, Explanation::NODE_NAME);
    /// No entry with this FC-4 type.
    pub const NO_FC4_TYPE: Self = Self::new(ReasonCode::UNABLE, Explanation::FC4_TYPES);

    /// A reject with both codes.
    pub const fn new(reason: ReasonCode, explanation: Explanation) -> Self {
        Self { reason, explanation }
    }
}

impl core::fmt::Display for Reject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CT reject {} / {}", self.reason, self.explanation)
    }
}

/// A response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CtReply<'a> {
    /// Accept: what follows the preamble, and how many words of it were left out.
    Accept {
        /// The answer.
        body: &'a [u8],
        /// Words that did not fit.
        residual_words: u16,
    },
    /// Reject.
    Reject(Reject),
    /// Neither, or too short.
    Malformed,
}

/// Reads a response.
pub fn reply(payload: &[u8]) -> CtReply<'_> {
    let Some((header, body)) = payload.split_at_checked(CT_HEADER_BYTES) else { return CtReply::Malformed };
    let Some(header) = parse::<CtHeader>(header) else { return CtReply::Malformed };
    match header.command() {
        Command::ACCEPT => CtReply::Accept { body, residual_words: header.size.get() },
        Command::REJECT => CtReply::Reject(Reject::new(header.reason, header.explanation)),
        _ => CtReply::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preamble() {
        let request = CtHeader::request(Service::DIRECTORY, subtype::NAME_SERVER, Command::GPN_FT.0, 8192);
        assert_eq!(request.to_bytes(), [1, 0, 0, 0, 0xfc, 2, 0, 0, 1, 0x72, 0x20, 0, 0, 0, 0, 0]);
        assert_eq!((request.max_bytes(), request.is_name_server()), (Some(32768), true));
        assert_eq!(CtHeader::name_server(Command::GPN_FT).max_bytes(), None);
        let accept = request.accept(3).to_bytes();
        assert_eq!(accept, [1, 0, 0, 0, 0xfc, 2, 0, 0, 0x80, 2, 0, 3, 0, 0, 0, 0]);
        assert_eq!(reply(&accept), CtReply::Accept { body: &[], residual_words: 3 });
        let reject = request.reject(Reject::NO_FC4_TYPE).to_bytes();
        assert_eq!(reject, [1, 0, 0, 0, 0xfc, 2, 0, 0, 0x80, 1, 0, 0, 0, 9, 7, 0]);
        assert_eq!(reply(&reject), CtReply::Reject(Reject::NO_FC4_TYPE));
        assert_eq!(reply(&request.to_bytes()), CtReply::Malformed);
        assert_eq!(reply(&accept[..15]), CtReply::Malformed);
    }
}
