//! Persistent reservations: what PERSISTENT RESERVE OUT brings and PERSISTENT RESERVE IN takes back (SPC-4 6.15, 6.16).

use crate::be::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Service actions of PERSISTENT RESERVE OUT (SPC-4 table 220).
pub mod out {
    /// REGISTER.
    pub const REGISTER: u8 = 0x00;
    /// RESERVE.
    pub const RESERVE: u8 = 0x01;
    /// RELEASE.
    pub const RELEASE: u8 = 0x02;
    /// CLEAR.
    pub const CLEAR: u8 = 0x03;
    /// PREEMPT.
    pub const PREEMPT: u8 = 0x04;
    /// PREEMPT AND ABORT.
    pub const PREEMPT_AND_ABORT: u8 = 0x05;
    /// REGISTER AND IGNORE EXISTING KEY.
    pub const REGISTER_AND_IGNORE: u8 = 0x06;
    /// REGISTER AND MOVE.
    pub const REGISTER_AND_MOVE: u8 = 0x07;
}

/// Service actions of PERSISTENT RESERVE IN (SPC-4 table 207).
pub mod r#in {
    /// READ KEYS.
    pub const READ_KEYS: u8 = 0x00;
    /// READ RESERVATION.
    pub const READ_RESERVATION: u8 = 0x01;
    /// REPORT CAPABILITIES.
    pub const REPORT_CAPABILITIES: u8 = 0x02;
    /// READ FULL STATUS.
    pub const READ_FULL_STATUS: u8 = 0x03;
}

/// Parameter list of all service actions but REGISTER AND MOVE (SPC-4 6.16.3). TransportIDs follow when SPEC_I_PT is set:
/// their length in four bytes, then they.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OutList {
    /// RESERVATION KEY.
    pub key: U64,
    /// SERVICE ACTION RESERVATION KEY.
    pub action_key: U64,
    /// Obsolete.
    pub obsolete: U32,
    /// SPEC_I_PT, ALL_TG_PT, APTPL.
    pub flags: u8,
    /// Reserved.
    pub reserved: u8,
    /// Obsolete.
    pub obsolete22: U16,
}
assert_size!(OutList = 24);

impl OutList {
    /// SPEC_I_PT: initiator ports are named.
    pub const SPEC_I_PT: u8 = 0x08;
    /// ALL_TG_PT: at all target ports.
    pub const ALL_TG_PT: u8 = 0x04;
    /// APTPL: kept through power loss.
    pub const APTPL: u8 = 0x01;
}

/// Parameter list of REGISTER AND MOVE (SPC-4 6.16.4); a TransportID follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct MoveList {
    /// RESERVATION KEY.
    pub key: U64,
    /// SERVICE ACTION RESERVATION KEY.
    pub action_key: U64,
    /// Reserved.
    pub reserved: u8,
    /// UNREG, APTPL.
    pub flags: u8,
    /// RELATIVE TARGET PORT IDENTIFIER.
    pub relative: U16,
    /// TRANSPORTID PARAMETER DATA LENGTH.
    pub length: U32,
}
assert_size!(MoveList = 24);

impl MoveList {
    /// UNREG: the nexus that moves is registered no more.
    pub const UNREG: u8 = 0x02;
    /// APTPL: kept through power loss.
    pub const APTPL: u8 = 0x01;
}

/// Header of all that PERSISTENT RESERVE IN returns but REPORT CAPABILITIES.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct InHeader {
    /// PRGENERATION.
    pub generation: U32,
    /// ADDITIONAL LENGTH: all bytes that follow, returned or not.
    pub length: U32,
}
assert_size!(InHeader = 8);

/// The reservation in READ RESERVATION data (SPC-4 6.15.3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct InReservation {
    /// RESERVATION KEY of the holder; 0 when all registrants hold it.
    pub key: U64,
    /// Obsolete.
    pub obsolete: U32,
    /// Reserved.
    pub reserved: u8,
    /// SCOPE and TYPE.
    pub scope_type: u8,
    /// Obsolete.
    pub obsolete14: U16,
}
assert_size!(InReservation = 16);

/// REPORT CAPABILITIES data (SPC-4 6.15.4).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Capabilities {
    /// LENGTH: 8.
    pub length: U16,
    /// CRH, SIP_C, ATP_C, PTPL_C.
    pub can: u8,
    /// TMV, ALLOW COMMANDS, PTPL_A.
    pub valid: u8,
    /// PERSISTENT RESERVATION TYPE MASK.
    pub types: [u8; 2],
    /// Reserved.
    pub reserved: [u8; 2],
}
assert_size!(Capabilities = 8);

impl Capabilities {
    /// CRH: who holds a reservation may use RESERVE and RELEASE, without effect.
    pub const CRH: u8 = 0x10;
    /// SIP_C: SPEC_I_PT is served.
    pub const SIP_C: u8 = 0x08;
    /// ATP_C: ALL_TG_PT is served.
    pub const ATP_C: u8 = 0x04;
    /// PTPL_C: APTPL is served.
    pub const PTPL_C: u8 = 0x01;
    /// TMV: the mask of types counts.
    pub const TMV: u8 = 0x80;
    /// PTPL_A: APTPL is in force.
    pub const PTPL_A: u8 = 0x01;
    /// All six types.
    pub const ALL_TYPES: [u8; 2] = [0xea, 0x01];
}

/// A descriptor of READ FULL STATUS data (SPC-4 6.15.5); the initiator port's TransportID follows.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FullStatus {
    /// RESERVATION KEY.
    pub key: U64,
    /// Reserved.
    pub reserved: U32,
    /// ALL_TG_PT, R_HOLDER.
    pub flags: u8,
    /// SCOPE and TYPE, of a holder.
    pub scope_type: u8,
    /// Reserved.
    pub reserved14: U32,
    /// RELATIVE TARGET PORT IDENTIFIER.
    pub relative: U16,
    /// ADDITIONAL DESCRIPTOR LENGTH: of the TransportID.
    pub length: U32,
}
assert_size!(FullStatus = 24);

impl FullStatus {
    /// R_HOLDER: it holds the reservation.
    pub const R_HOLDER: u8 = 0x01;
}
