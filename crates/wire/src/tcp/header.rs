//! Common header, and the checks that every PDU header gets. NVMe/TCP 1.0c 3.6.2.1, and 3.5 for errors.

use super::framing::{DIGEST_BYTES, Framing};
use super::kind::{PduType, Sender, flags};
use super::term::{Fault, Fes};
use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// PDU common header: 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CommonHeader {
    /// PDU type.
    pub kind: PduType,
    /// [`flags`], some of them type specific.
    pub flags: u8,
    /// Header length without digest.
    pub hlen: u8,
    /// Data offset from the start of the PDU; reserved where there is no data.
    pub pdo: u8,
    /// Length of the whole PDU.
    pub plen: U32,
}
assert_size!(CommonHeader = 8);

/// Where the parts of a received PDU are; offsets from its start, all within [`Layout::total`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Header bytes without digest.
    pub header: u8,
    /// A header digest follows the header.
    pub hdgst: bool,
    /// First data byte; the end of the PDU where there is no data. What is before it is header, digest and padding.
    pub data_offset: u32,
    /// Data bytes; zero for none.
    pub data: u32,
    /// A data digest follows the data.
    pub ddgst: bool,
    /// PLEN.
    pub total: u32,
}

/// Byte offsets of the common header's fields, for [`Fault::field`].
pub mod offset {
    /// PDU type.
    pub const KIND: u32 = 0;
    /// FLAGS.
    pub const FLAGS: u32 = 1;
    /// HLEN.
    pub const HLEN: u32 = 2;
    /// PDO.
    pub const PDO: u32 = 3;
    /// PLEN.
    pub const PLEN: u32 = 4;
}

impl CommonHeader {
    /// Checks a received header against what was agreed, and says where the PDU's parts are. Needs only these 8 bytes, so
    /// it can run before the rest has come; after it, nothing in the PDU can reach outside PLEN.
    ///
    /// # Errors
    /// Unknown type, or one that `from` may not send; wrong HLEN; a header digest that was agreed and is missing, or the
    /// reverse; data digest likewise where there is data; PDO that is not aligned or inside the header; PLEN too short,
    /// or with data on a type that has none; more data than [`Framing::max_data`] (TermReq: 128 bytes).
    pub const fn layout(&self, from: Sender, framing: &Framing) -> Result<Layout, Fault> {
        let Some(hlen) = self.kind.hlen() else {
            return Err(Fault::field(offset::KIND));
        };
        match (self.kind.sender(), from) {
            (Some(Sender::Host), Sender::Host) | (Some(Sender::Controller), Sender::Controller) => {}
            _ => return Err(Fault::field(offset::KIND)),
        }
        if self.hlen != hlen {
            return Err(Fault::field(offset::HLEN));
        }
        if self.kind.framed() { self.framed(framing) } else { self.bare() }
    }

    /// ICReq, ICResp, TermReq: no digests, no alignment.
    const fn bare(&self) -> Result<Layout, Fault> {
        let (plen, hlen) = (self.plen.get(), self.hlen as u32);
        let max = if self.kind.carries_data() { super::TERM_PDU_MAX } else { hlen };
        if plen < hlen || plen > max {
            return Err(Fault::field(offset::PLEN));
        }
        let data = plen - hlen;
        Ok(Layout { header: self.hlen, hdgst: false, data_offset: hlen, data, ddgst: false, total: plen })
    }

    const fn framed(&self, framing: &Framing) -> Result<Layout, Fault> {
        let hdgst = self.flags & flags::HDGSTF != 0;
        if hdgst != framing.hdgst {
            return Err(Fault::field(offset::FLAGS));
        }
        let (plen, before) = (self.plen.get(), framing.header_bytes(self.hlen));
        if plen == before {
            let none = Layout { header: self.hlen, hdgst, data_offset: before, data: 0, ddgst: false, total: plen };
            return Ok(none);
        }
        if plen < before || !self.kind.carries_data() {
            return Err(Fault::field(offset::PLEN));
        }
        self.with_data(framing, before)
    }

    const fn with_data(&self, framing: &Framing, before: u32) -> Result<Layout, Fault> {
        let (plen, pdo) = (self.plen.get(), self.pdo as u32);
        let ddgst = self.flags & flags::DDGSTF != 0;
        if ddgst != framing.ddgst {
            return Err(Fault::field(offset::FLAGS));
        }
        if pdo < before || !framing.aligned(pdo) {
            return Err(Fault::field(offset::PDO));
        }
        let after = if ddgst { DIGEST_BYTES } else { 0 };
        if plen < pdo + after {
            return Err(Fault::field(offset::PLEN));
        }
        let data = plen - pdo - after;
        if data > framing.max_data {
            return Err(Fault::of(Fes::DATA_TRANSFER_LIMIT_EXCEEDED));
        }
        let hdgst = framing.hdgst;
        Ok(Layout { header: self.hlen, hdgst, data_offset: pdo, data, ddgst, total: plen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGESTS: Framing = Framing { hdgst: true, ddgst: true, pda: 0, max_data: 0x20000 };

    #[test]
    fn what_we_send_is_what_we_accept() {
        for hdgst in [false, true] {
            for ddgst in [false, true] {
                for pda in 0..32 {
                    for (kind, from) in [(PduType::CAPSULE_CMD, Sender::Host), (PduType::C2H_DATA, Sender::Controller)]
                    {
                        for data in [0, 4, 512, 8192, 131_072] {
                            let f = Framing { hdgst, ddgst, pda, max_data: 131_072 };
                            let hlen = kind.hlen().unwrap();
                            let h = f.header(kind, hlen, data, 0);
                            let l = h.layout(from, &f).unwrap();
                            assert_eq!((l.data, l.total, l.hdgst), (data, h.plen.get(), hdgst));
                            assert_eq!(l.ddgst, ddgst && data != 0);
                            assert!(l.data_offset >= f.header_bytes(hlen));
                            assert_eq!(l.data_offset + data + if l.ddgst { 4 } else { 0 }, l.total);
                        }
                    }
                }
            }
        }
    }

    fn refuse(change: impl FnOnce(&mut CommonHeader), framing: &Framing) -> Fault {
        let mut h = framing.header(PduType::H2C_DATA, 24, 4096, 0);
        assert!(h.layout(Sender::Host, framing).is_ok());
        change(&mut h);
        h.layout(Sender::Host, framing).unwrap_err()
    }

    #[test]
    fn each_field_is_refused() {
        let f = &DIGESTS;
        assert_eq!(refuse(|h| h.kind = PduType(0x08), f), Fault::field(0));
        assert_eq!(refuse(|h| h.kind = PduType::R2T, f), Fault::field(0));
        assert_eq!(refuse(|h| h.flags &= !flags::HDGSTF, f), Fault::field(1));
        assert_eq!(refuse(|h| h.flags &= !flags::DDGSTF, f), Fault::field(1));
        assert_eq!(refuse(|h| h.flags |= flags::HDGSTF, &Framing::PLAIN), Fault::field(1));
        assert_eq!(refuse(|h| h.flags |= flags::DDGSTF, &Framing::PLAIN), Fault::field(1));
        assert_eq!(refuse(|h| h.hlen = 23, f), Fault::field(2));
        assert_eq!(refuse(|h| h.pdo = 24, f), Fault::field(3));
        assert_eq!(refuse(|h| h.pdo = 30, f), Fault::field(3));
        assert_eq!(refuse(|h| h.plen = U32::new(27), f), Fault::field(4));
        assert_eq!(refuse(|h| h.plen = U32::new(29), f), Fault::field(4));
        assert_eq!(refuse(|h| h.plen = U32::new(0), f), Fault::field(4));
        assert_eq!(refuse(|h| h.plen = U32::new(u32::MAX), f), Fault::of(Fes::DATA_TRANSFER_LIMIT_EXCEEDED));
    }

    #[test]
    fn types_without_data_have_none() {
        let mut h = Framing::PLAIN.header(PduType::R2T, 24, 0, 0);
        assert_eq!((h.plen.get(), h.pdo), (24, 0));
        h.plen = U32::new(28);
        assert_eq!(h.layout(Sender::Controller, &Framing::PLAIN), Err(Fault::field(4)));
    }

    #[test]
    fn any_eight_bytes_stay_inside() {
        // A header that passes never points outside its own PDU, whatever it is made of.
        let mut seed = 0x9e37_79b9_u32;
        let mut passed = 0;
        for _ in 0..200_000 {
            let mut b = [0u8; 8];
            for x in &mut b {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *x = (seed >> 24) as u8;
            }
            b[0] %= 10;
            b[2] = PduType(b[0]).hlen().unwrap_or(b[2]);
            b[6] = 0;
            b[7] = 0;
            let h: CommonHeader = crate::read(&b).unwrap();
            let f = Framing { hdgst: b[1] & 1 != 0, ddgst: b[1] & 2 != 0, pda: 0, max_data: u32::MAX };
            for from in [Sender::Host, Sender::Controller] {
                if let Ok(l) = h.layout(from, &f) {
                    passed += 1;
                    let end = u64::from(l.data_offset) + u64::from(l.data) + if l.ddgst { 4 } else { 0 };
                    assert_eq!(end, u64::from(l.total));
                    assert!(u32::from(l.header) <= l.data_offset);
                }
            }
        }
        assert!(passed > 1000, "{passed}");
    }
}
