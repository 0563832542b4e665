//! Authentication Send and Receive, the command only. NVMe Base 2.0c 6.1 and 6.2 (NVMe-oF 1.1a 3.1 and 3.2).

use super::FcType;
use crate::nvme::{SglDescriptor, Sqe};
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute_ref};

/// Security protocol of NVMe in-band authentication.
pub const SECP_NVME: u8 = 0xe9;

/// Authentication Send or Receive: 64 bytes, a view of the SQE.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Authentication {
    /// 7Fh.
    pub opcode: u8,
    /// Flags as in [`Sqe`].
    pub flags: u8,
    /// Command identifier.
    pub cid: U16,
    /// [`FcType::AUTHENTICATION_SEND`] or [`FcType::AUTHENTICATION_RECEIVE`].
    pub fctype: FcType,
    /// Reserved.
    pub rsvd5: [u8; 19],
    /// Where the message is.
    pub sgl1: SglDescriptor,
    /// Reserved.
    pub rsvd40: u8,
    /// Security Protocol Specific 0: 1 for NVMe.
    pub spsp0: u8,
    /// Security Protocol Specific 1: 1 for NVMe.
    pub spsp1: u8,
    /// Security protocol: [`SECP_NVME`].
    pub secp: u8,
    /// Transfer length (Send) or allocation length (Receive), in bytes.
    pub length: U32,
    /// Reserved.
    pub rsvd48: [u8; 16],
}
assert_size!(Authentication = 64);
assert_offset!(Authentication: fctype = 4, sgl1 = 24, spsp0 = 41, secp = 43, length = 44);

impl Authentication {
    /// The command as one of these.
    pub fn of(sqe: &Sqe) -> &Self {
        transmute_ref!(sqe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let mut b = [0u8; 64];
        b[0] = 0x7f;
        b[4] = 0x05;
        b[41..48].copy_from_slice(&[1, 1, 0xe9, 0x40, 0, 0, 0]);
        let sqe: &Sqe = crate::parse(&b).unwrap();
        let a = Authentication::of(sqe);
        assert_eq!(a.fctype, FcType::AUTHENTICATION_SEND);
        assert_eq!((a.spsp0, a.spsp1, a.secp, a.length.get()), (1, 1, SECP_NVME, 64));
    }
}
