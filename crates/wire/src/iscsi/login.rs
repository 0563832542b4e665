//! Login. RFC 7143 11.12, 11.13.

use super::header::{Opcode, Pdu, U24};
use crate::be::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Byte 1 of a login request or response.
pub mod login_flags {
    /// T: ready for the next stage.
    pub const TRANSIT: u8 = 0x80;
    /// C: the text goes on in the next PDU.
    pub const CONTINUE: u8 = 0x40;
}

open_enum! {
    /// A stage of the login (RFC 7143 11.12.3).
    pub enum Stage: u8 {
        /// Security negotiation.
        SECURITY = 0,
        /// Login operational negotiation.
        OPERATIONAL = 1,
        /// Full feature phase.
        FULL_FEATURE = 3,
    }
}

open_enum! {
    /// Status class and detail of a login response (RFC 7143 11.13.5).
    pub enum LoginStatus: u16 {
        /// Success.
        SUCCESS = 0x0000,
        /// Target moved temporarily.
        MOVED_TEMPORARILY = 0x0101,
        /// Target moved permanently.
        MOVED_PERMANENTLY = 0x0102,
        /// Miscellaneous initiator errors.
        INITIATOR_ERROR = 0x0200,
        /// Authentication failure.
        AUTHENTICATION_FAILURE = 0x0201,
        /// Authorization failure.
        AUTHORIZATION_FAILURE = 0x0202,
        /// Not found.
        NOT_FOUND = 0x0203,
        /// Target removed.
        TARGET_REMOVED = 0x0204,
        /// Unsupported version.
        UNSUPPORTED_VERSION = 0x0205,
        /// Too many connections.
        TOO_MANY_CONNECTIONS = 0x0206,
        /// Missing parameter.
        MISSING_PARAMETER = 0x0207,
        /// Cannot include in session.
        CANNOT_INCLUDE = 0x0208,
        /// Session type not supported.
        SESSION_TYPE_NOT_SUPPORTED = 0x0209,
        /// Session does not exist.
        NO_SESSION = 0x020a,
        /// Invalid during login.
        INVALID_DURING_LOGIN = 0x020b,
        /// Target error.
        TARGET_ERROR = 0x0300,
        /// Service unavailable.
        SERVICE_UNAVAILABLE = 0x0301,
        /// Out of resources.
        OUT_OF_RESOURCES = 0x0302,
    }
}

/// Login Request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LoginRequest {
    /// 43h.
    pub opcode: u8,
    /// T, C, CSG in bits 3:2, NSG in bits 1:0.
    pub flags: u8,
    /// Highest version; 0.
    pub version_max: u8,
    /// Lowest version; 0.
    pub version_min: u8,
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of text.
    pub data_segment_length: U24,
    /// Initiator part of the session identifier.
    pub isid: [u8; 6],
    /// Target session identifying handle; 0 for a new session.
    pub tsih: U16,
    /// Initiator task tag.
    pub itt: U32,
    /// Connection identifier.
    pub cid: U16,
    /// Reserved.
    pub rsvd22: [u8; 2],
    /// Command number.
    pub cmd_sn: U32,
    /// Next status number that is expected, after the first response.
    pub exp_stat_sn: U32,
    /// Reserved.
    pub rsvd32: [u8; 16],
}
assert_size!(LoginRequest = 48);
assert_offset!(LoginRequest: isid = 8, tsih = 14, itt = 16, cid = 20, cmd_sn = 24, exp_stat_sn = 28);

/// Login Response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LoginResponse {
    /// 23h.
    pub opcode: u8,
    /// T, C, CSG in bits 3:2, NSG in bits 1:0.
    pub flags: u8,
    /// Highest version.
    pub version_max: u8,
    /// Version in use.
    pub version_active: u8,
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of text.
    pub data_segment_length: U24,
    /// As in the request.
    pub isid: [u8; 6],
    /// Target session identifying handle.
    pub tsih: U16,
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
    /// [`LoginStatus`]: class, then detail.
    pub status: U16,
    /// Reserved.
    pub rsvd38: [u8; 10],
}
assert_size!(LoginResponse = 48);
assert_offset!(LoginResponse: isid = 8, tsih = 14, itt = 16, stat_sn = 24, max_cmd_sn = 32, status = 36);

impl Pdu for LoginRequest {
    const OPCODE: Opcode = Opcode::LOGIN_REQUEST;
}
impl Pdu for LoginResponse {
    const OPCODE: Opcode = Opcode::LOGIN_RESPONSE;
}

impl LoginRequest {
    /// T.
    pub const fn transits(&self) -> bool {
        self.flags & login_flags::TRANSIT != 0
    }

    /// C.
    pub const fn continues(&self) -> bool {
        self.flags & login_flags::CONTINUE != 0
    }

    /// CSG.
    pub const fn current_stage(&self) -> Stage {
        Stage(self.flags >> 2 & 3)
    }

    /// NSG; means something with T.
    pub const fn next_stage(&self) -> Stage {
        Stage(self.flags & 3)
    }
}

impl LoginResponse {
    /// T.
    pub const fn transits(&self) -> bool {
        self.flags & login_flags::TRANSIT != 0
    }

    /// C.
    pub const fn continues(&self) -> bool {
        self.flags & login_flags::CONTINUE != 0
    }

    /// CSG.
    pub const fn current_stage(&self) -> Stage {
        Stage(self.flags >> 2 & 3)
    }

    /// NSG; means something with T.
    pub const fn next_stage(&self) -> Stage {
        Stage(self.flags & 3)
    }

    /// How it stands.
    pub const fn status(&self) -> LoginStatus {
        LoginStatus(self.status.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iscsi::Bhs;

    #[test]
    fn a_request_in_place() {
        let mut bytes = [0; 48];
        bytes[..2].copy_from_slice(&[0x43, 0x87]);
        bytes[8..16].copy_from_slice(&[0x80, 1, 2, 3, 4, 5, 0, 6]);
        bytes[20..22].copy_from_slice(&[0, 7]);
        let bhs: &Bhs = crate::parse(&bytes).unwrap();
        let request: &LoginRequest = bhs.of();
        assert!(request.transits() && !request.continues());
        assert_eq!((request.current_stage(), request.next_stage()), (Stage::OPERATIONAL, Stage::FULL_FEATURE));
        assert_eq!((request.isid[0], request.tsih.get(), request.cid.get()), (0x80, 6, 7));
    }

    #[test]
    fn status_is_class_and_detail() {
        let mut bytes = [0; 48];
        bytes[36..38].copy_from_slice(&[2, 10]);
        let response: &LoginResponse = crate::parse(&bytes).unwrap();
        assert_eq!(response.status(), LoginStatus::NO_SESSION);
    }
}
