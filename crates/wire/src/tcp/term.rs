//! Terminate Connection Request, both ways. NVMe/TCP 1.0c 3.6.2.4 (H2CTermReq) and 3.6.2.5 (C2HTermReq).

use super::header::CommonHeader;
use super::kind::{PduType, Sender};
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Fatal Error Status.
    pub enum Fes: u16 {
        /// A field of a PDU header is wrong; FEI is its offset.
        INVALID_HEADER_FIELD = 0x01,
        /// A PDU that may not come now.
        PDU_SEQUENCE_ERROR = 0x02,
        /// Header digest; FEI is the digest that was received.
        HEADER_DIGEST_ERROR = 0x03,
        /// Data outside of the command's data, or of the R2T.
        DATA_TRANSFER_OUT_OF_RANGE = 0x04,
        /// More data than allowed: MAXH2CDATA, the R2T, the in-capsule size.
        DATA_TRANSFER_LIMIT_EXCEEDED = 0x05,
        /// A parameter of ICReq or ICResp is not supported; FEI is its offset.
        UNSUPPORTED_PARAMETER = 0x06,
    }
    aliases {
        /// From a host: more R2Ts than MAXR2T. The same number as the data limit.
        R2T_LIMIT_EXCEEDED = 0x05,
    }
}

/// A fatal transport error: what a TermReq reports, see [`TermReq`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Fatal Error Status.
    pub fes: Fes,
    /// Fatal Error Information: byte offset of the field for [`Fes::INVALID_HEADER_FIELD`] and
    /// [`Fes::UNSUPPORTED_PARAMETER`], the received digest for [`Fes::HEADER_DIGEST_ERROR`], otherwise 0.
    pub fei: u32,
}

impl Fault {
    /// A header field is wrong; `offset` in bytes from the start of the PDU.
    pub const fn field(offset: u32) -> Self {
        Self { fes: Fes::INVALID_HEADER_FIELD, fei: offset }
    }

    /// A parameter is well-formed and not supported; `offset` in bytes from the start of the PDU.
    pub const fn unsupported(offset: u32) -> Self {
        Self { fes: Fes::UNSUPPORTED_PARAMETER, fei: offset }
    }

    /// Any status that has no information.
    pub const fn of(fes: Fes) -> Self {
        Self { fes, fei: 0 }
    }

    /// The header digest was wrong; `received` is what the PDU had.
    pub const fn header_digest(received: u32) -> Self {
        Self { fes: Fes::HEADER_DIGEST_ERROR, fei: received }
    }
}

/// Most data of a TermReq: the start of the PDU that was wrong.
pub const TERM_DATA_MAX: u32 = 128;
/// Longest TermReq.
pub const TERM_PDU_MAX: u32 = 24 + TERM_DATA_MAX;

/// H2CTermReq or C2HTermReq header: 24 bytes; the header of the PDU in error follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TermReq {
    /// Common header: HLEN 24, PLEN 24..=152.
    pub ch: CommonHeader,
    /// Fatal Error Status; see [`TermReq::fault`].
    pub fes: U16,
    /// Fatal Error Information, bytes 10..14: not aligned in the standard's layout either.
    pub fei: U32,
    /// Reserved.
    pub rsvd: [u8; 10],
}
assert_size!(TermReq = 24);
assert_offset!(TermReq: fes = 8, fei = 10, rsvd = 14);

impl TermReq {
    /// What it reports.
    pub const fn fault(&self) -> Fault {
        Fault { fes: Fes(self.fes.get()), fei: self.fei.get() }
    }

    /// The whole PDU, and its length: `wrong` is the PDU in error from its first byte, as much of its header as was
    /// received; what exceeds 128 bytes is cut off.
    pub fn pdu(from: Sender, fault: Fault, wrong: &[u8]) -> ([u8; TERM_PDU_MAX as usize], usize) {
        let kind = match from {
            Sender::Host => PduType::H2C_TERM_REQ,
            Sender::Controller => PduType::C2H_TERM_REQ,
        };
        let data = wrong.len().min(TERM_DATA_MAX as usize);
        let header = Self {
            ch: CommonHeader { kind, flags: 0, hlen: 24, pdo: 0, plen: U32::new(24 + data as u32) },
            fes: U16::new(fault.fes.0),
            fei: U32::new(fault.fei),
            rsvd: [0; 10],
        };
        let mut out = [0; TERM_PDU_MAX as usize];
        out[..24].copy_from_slice(header.as_bytes());
        out[24..24 + data].copy_from_slice(&wrong[..data]);
        (out, 24 + data)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::Framing;
    use super::*;
    use std::format;

    #[test]
    fn bytes() {
        let (b, n) = TermReq::pdu(Sender::Controller, Fault::field(0x1122_3344), &[0xaa, 0xbb]);
        assert_eq!(n, 26);
        assert_eq!(&b[..16], &[3, 0, 24, 0, 26, 0, 0, 0, 1, 0, 0x44, 0x33, 0x22, 0x11, 0, 0]);
        assert_eq!(&b[24..26], &[0xaa, 0xbb]);
        let t: &TermReq = crate::parse(&b[..n]).unwrap();
        assert_eq!(t.fault(), Fault::field(0x1122_3344));
        let l = t.ch.layout(Sender::Controller, &Framing::PLAIN).unwrap();
        assert_eq!((l.data_offset, l.data, l.total), (24, 2, 26));
    }

    #[test]
    fn data_is_cut_at_128() {
        let (b, n) = TermReq::pdu(Sender::Host, Fault::of(Fes::PDU_SEQUENCE_ERROR), &[1; 200]);
        assert_eq!((n, b[0], b[4]), (152, 2, 152));
        let mut t: TermReq = crate::read(&b).unwrap();
        assert!(t.ch.layout(Sender::Host, &Framing::PLAIN).is_ok());
        t.ch.plen = U32::new(153);
        assert_eq!(t.ch.layout(Sender::Host, &Framing::PLAIN), Err(Fault::field(4)));
    }

    #[test]
    fn names() {
        assert_eq!(format!("{:?}", Fes(5)), "DATA_TRANSFER_LIMIT_EXCEEDED");
        assert_eq!(Fes::R2T_LIMIT_EXCEEDED, Fes::DATA_TRANSFER_LIMIT_EXCEEDED);
        assert_eq!(format!("{:?}", Fes(0x77)), "Fes(0x77)");
    }
}
