//! Fabrics commands. NVMe Base 2.0c 6 (NVMe over Fabrics 1.1a 3): opcode 7Fh, FCTYPE in byte 4, where other commands have
//! NSID. Each command is a 64-byte view of the [`Sqe`]: `Connect::of(sqe)`.

mod auth;
mod connect;
mod nqn;
mod property;

pub use auth::{Authentication, SECP_NVME};
pub use connect::{
    AUTHREQ_ASCR, AUTHREQ_ATR, Connect, ConnectData, Where, cattr, connect_accepted, connect_invalid, data_offset,
    parse_connect_invalid, sqe_offset,
};
pub use nqn::{DISCOVERY_NQN, Nqn, NqnError, UUID_PREFIX, validate_nqn};
pub use property::{PropertyGet, PropertySet};

use crate::nvme::{FABRICS_OPCODE, Sqe, Transfer};
use zerocopy::byteorder::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute, transmute_ref};

open_enum! {
    /// Fabrics command types (Base 2.0c 6). Bits 1:0 give the data direction.
    pub enum FcType: u8 {
        PROPERTY_SET = 0x00,
        CONNECT = 0x01,
        PROPERTY_GET = 0x04,
        AUTHENTICATION_SEND = 0x05,
        AUTHENTICATION_RECEIVE = 0x06,
        DISCONNECT = 0x08,
    }
}

impl FcType {
    /// The command type of a Fabrics command (opcode 7Fh); `None` for any other command.
    pub const fn of(sqe: &Sqe) -> Option<Self> {
        if sqe.opcode == FABRICS_OPCODE { Some(Self(sqe.nsid.get() as u8)) } else { None }
    }

    /// Which way its data goes.
    pub const fn transfer(self) -> Transfer {
        Transfer::of(self.0)
    }
}

/// Disconnect (Base 2.0c 6.4): ends an I/O queue without its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Disconnect {
    /// 7Fh.
    pub opcode: u8,
    /// Flags as in [`Sqe`].
    pub flags: u8,
    /// Command identifier.
    pub cid: U16,
    /// [`FcType::DISCONNECT`].
    pub fctype: FcType,
    /// Reserved.
    pub rsvd5: [u8; 35],
    /// Record format: 0.
    pub recfmt: U16,
    /// Reserved.
    pub rsvd42: [u8; 22],
}
assert_size!(Disconnect = 64);
assert_offset!(Disconnect: fctype = 4, recfmt = 40);

impl Disconnect {
    /// The command as a Disconnect.
    pub fn of(sqe: &Sqe) -> &Self {
        transmute_ref!(sqe)
    }

    /// A Disconnect command without CID.
    pub fn sqe() -> Sqe {
        let mut sqe = Sqe::new(FABRICS_OPCODE, 0);
        let bytes: &mut [u8; 64] = zerocopy::transmute_mut!(&mut sqe);
        bytes[4] = FcType::DISCONNECT.0;
        sqe
    }

    /// The same bytes as a plain SQE.
    pub fn into_sqe(self) -> Sqe {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn types() {
        let sqe = Disconnect::sqe();
        assert_eq!(FcType::of(&sqe), Some(FcType::DISCONNECT));
        assert_eq!(FcType::of(&Sqe::new(0x02, 8)), None);
        assert_eq!(&sqe.as_bytes()[..8], &[0x7f, 0x40, 0, 0, 8, 0, 0, 0]);
        let d = Disconnect::of(&sqe);
        assert_eq!((d.fctype, d.recfmt.get()), (FcType::DISCONNECT, 0));
        assert_eq!(d.into_sqe(), sqe);
        assert_eq!(format!("{:?} {:?}", FcType(4), FcType(0xc0)), "PROPERTY_GET FcType(0xc0)");
    }

    #[test]
    fn directions() {
        assert_eq!(FcType::CONNECT.transfer(), Transfer::HostToController);
        assert_eq!(FcType::PROPERTY_GET.transfer(), Transfer::None);
        assert_eq!(FcType::AUTHENTICATION_RECEIVE.transfer(), Transfer::ControllerToHost);
    }
}
