//! Initialize Connection Request and Response. NVMe/TCP 1.0c 3.6.2.2 and 3.6.2.3.

use super::header::CommonHeader;
use super::kind::PduType;
use super::term::Fault;
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// DGST bit: header digests.
pub const DGST_HEADER: u8 = 1 << 0;
/// DGST bit: data digests.
pub const DGST_DATA: u8 = 1 << 1;
/// The only PDU Format Version there is.
pub const PFV_1_0: u16 = 0;
/// Largest HPDA and CPDA: data at multiples of 128 bytes.
pub const PDA_MAX: u8 = 31;
/// Least MAXH2CDATA that a controller may offer, in bytes (3.6.2.3).
pub const MAXH2CDATA_MIN: u32 = 4096;

/// ICReq: 128 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ICReq {
    /// Common header: HLEN = PLEN = 128.
    pub ch: CommonHeader,
    /// PDU Format Version.
    pub pfv: U16,
    /// Host PDU Data Alignment: for PDUs to the host; zero-based dwords, 0..31.
    pub hpda: u8,
    /// Digests that the host asks for.
    pub dgst: u8,
    /// Zero-based count of R2Ts that the host takes at once for one command.
    pub maxr2t: U32,
    /// Reserved.
    pub rsvd: [u8; 112],
}
assert_size!(ICReq = 128);
assert_offset!(ICReq: pfv = 8, hpda = 10, dgst = 11, maxr2t = 12);

/// ICResp: 128 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ICResp {
    /// Common header: HLEN = PLEN = 128.
    pub ch: CommonHeader,
    /// PDU Format Version.
    pub pfv: U16,
    /// Controller PDU Data Alignment: for PDUs to the controller; zero-based dwords, 0..31.
    pub cpda: u8,
    /// Digests that are used on this connection.
    pub dgst: u8,
    /// Most data bytes of one H2CData PDU: a multiple of 4, at least 4,096.
    pub maxh2cdata: U32,
    /// Reserved.
    pub rsvd: [u8; 112],
}
assert_size!(ICResp = 128);
assert_offset!(ICResp: pfv = 8, cpda = 10, dgst = 11, maxh2cdata = 12);

const fn header(kind: PduType) -> CommonHeader {
    CommonHeader { kind, flags: 0, hlen: 128, pdo: 0, plen: U32::new(128) }
}

const fn dgst(header: bool, data: bool) -> u8 {
    (if header { DGST_HEADER } else { 0 }) | (if data { DGST_DATA } else { 0 })
}

impl ICReq {
    /// A request; `maxr2t` is the count itself (1 or more).
    pub const fn new(hpda: u8, hdgst: bool, ddgst: bool, maxr2t: u32) -> Self {
        Self {
            ch: header(PduType::IC_REQ),
            pfv: U16::new(PFV_1_0),
            hpda,
            dgst: dgst(hdgst, ddgst),
            maxr2t: U32::new(maxr2t.saturating_sub(1)),
            rsvd: [0; 112],
        }
    }

    /// Checks what follows the common header.
    ///
    /// # Errors
    /// Another PFV is an unsupported parameter; HPDA above 31 is an invalid field.
    pub const fn check(&self) -> Result<(), Fault> {
        if self.pfv.get() != PFV_1_0 {
            return Err(Fault::unsupported(8));
        }
        if self.hpda > PDA_MAX {
            return Err(Fault::field(10));
        }
        Ok(())
    }

    /// The host asks for header digests.
    pub const fn hdgst(&self) -> bool {
        self.dgst & DGST_HEADER != 0
    }

    /// The host asks for data digests.
    pub const fn ddgst(&self) -> bool {
        self.dgst & DGST_DATA != 0
    }

    /// R2Ts that the host takes at once for one command: 1 or more. FFFFFFFFh, which would be 2^32, is cut by one.
    pub const fn maxr2t(&self) -> u32 {
        self.maxr2t.get().saturating_add(1)
    }
}

impl ICResp {
    /// A response; `maxh2cdata` in bytes.
    pub const fn new(cpda: u8, hdgst: bool, ddgst: bool, maxh2cdata: u32) -> Self {
        Self {
            ch: header(PduType::IC_RESP),
            pfv: U16::new(PFV_1_0),
            cpda,
            dgst: dgst(hdgst, ddgst),
            maxh2cdata: U32::new(maxh2cdata),
            rsvd: [0; 112],
        }
    }

    /// Checks what follows the common header, as a host must.
    ///
    /// # Errors
    /// Another PFV; CPDA above 31; MAXH2CDATA below 4,096 or no multiple of 4.
    pub const fn check(&self) -> Result<(), Fault> {
        if self.pfv.get() != PFV_1_0 {
            return Err(Fault::unsupported(8));
        }
        if self.cpda > PDA_MAX {
            return Err(Fault::field(10));
        }
        if self.maxh2cdata.get() < MAXH2CDATA_MIN || !self.maxh2cdata.get().is_multiple_of(4) {
            return Err(Fault::field(12));
        }
        Ok(())
    }

    /// Header digests are used.
    pub const fn hdgst(&self) -> bool {
        self.dgst & DGST_HEADER != 0
    }

    /// Data digests are used.
    pub const fn ddgst(&self) -> bool {
        self.dgst & DGST_DATA != 0
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 128] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Framing, Sender};
    use super::*;

    #[test]
    fn icreq_of_a_linux_host() {
        // nvme-tcp without digests: HPDA 0, MAXR2T 0 (one R2T).
        let mut b = [0u8; 128];
        b[2] = 0x80;
        b[4] = 0x80;
        let req: &ICReq = crate::parse(&b).unwrap();
        assert!(req.ch.layout(Sender::Host, &Framing::PLAIN).is_ok());
        assert_eq!(req.check(), Ok(()));
        assert_eq!((req.hpda, req.hdgst(), req.ddgst(), req.maxr2t()), (0, false, false, 1));
        assert_eq!(*req, ICReq::new(0, false, false, 1));
    }

    #[test]
    fn icreq_with_everything() {
        let req = ICReq::new(31, true, true, 16);
        assert_eq!(&req.as_bytes()[..16], &[0, 0, 128, 0, 128, 0, 0, 0, 0, 0, 31, 3, 15, 0, 0, 0]);
        assert_eq!((req.maxr2t(), req.hdgst(), req.ddgst()), (16, true, true));
        let mut bad = req;
        bad.hpda = 32;
        assert_eq!(bad.check(), Err(Fault::field(10)));
        bad.pfv = U16::new(1);
        assert_eq!(bad.check(), Err(Fault::unsupported(8)));
        bad.maxr2t = U32::new(u32::MAX);
        assert_eq!(bad.maxr2t(), u32::MAX);
        assert_eq!(ICReq::new(0, false, false, 0).maxr2t(), 1);
    }

    #[test]
    fn icresp_bytes() {
        let resp = ICResp::new(0, true, false, 0x20000);
        assert_eq!(&resp.to_bytes()[..16], &[1, 0, 128, 0, 128, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0]);
        assert!(resp.to_bytes()[16..].iter().all(|&b| b == 0));
        assert_eq!(resp.check(), Ok(()));
        assert!(resp.hdgst() && !resp.ddgst());
        for (bad, at) in [(0, 12), (4095, 12), (8194, 12)] {
            assert_eq!(ICResp::new(0, false, false, bad).check(), Err(Fault::field(at)));
        }
        assert_eq!(ICResp::new(32, false, false, 8192).check(), Err(Fault::field(10)));
    }

    #[test]
    fn plen_other_than_128_is_refused() {
        let mut req = ICReq::new(0, false, false, 1);
        for plen in [0, 8, 127, 129, u32::MAX] {
            req.ch.plen = U32::new(plen);
            assert_eq!(req.ch.layout(Sender::Host, &Framing::PLAIN), Err(Fault::field(4)));
        }
    }
}
