//! What a connection agreed on for one direction, and the headers that follow from it. NVMe/TCP 1.0c 3.6.2.2, 3.6.2.3.

use super::header::CommonHeader;
use super::kind::{PduType, flags};
use zerocopy::byteorder::little_endian::U32;

/// Bytes of a digest (CRC32C).
pub const DIGEST_BYTES: u32 = 4;

/// What ICReq and ICResp agreed on for one direction of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Framing {
    /// PDUs have a header digest.
    pub hdgst: bool,
    /// Data has a data digest.
    pub ddgst: bool,
    /// PDU data alignment as the receiver sent it: 0..=31, zero-based dwords.
    pub pda: u8,
    /// Most data bytes of one PDU; checked by [`CommonHeader::layout`] only.
    pub max_data: u32,
}

impl Framing {
    /// No digests, no padding, any length.
    pub const PLAIN: Self = Self { hdgst: false, ddgst: false, pda: 0, max_data: u32::MAX };

    /// Alignment of data in bytes: 4 to 128.
    pub const fn alignment(&self) -> u32 {
        ((self.pda & 31) as u32 + 1) * 4
    }

    /// Header and header digest.
    pub const fn header_bytes(&self, hlen: u8) -> u32 {
        hlen as u32 + if self.hdgst { DIGEST_BYTES } else { 0 }
    }

    /// Where data of a PDU with this HLEN begins: at most 128 for the headers that can carry data.
    pub const fn pdo(&self, hlen: u8) -> u8 {
        let before = self.header_bytes(hlen);
        // Headers and digests are whole dwords, so the usual PDA of 0 needs no division.
        if self.pda == 0 {
            return before as u8;
        }
        before.next_multiple_of(self.alignment()) as u8
    }

    /// Whether data may begin at this offset.
    pub const fn aligned(&self, pdo: u32) -> bool {
        if self.pda == 0 {
            return pdo.is_multiple_of(4);
        }
        pdo.is_multiple_of(self.alignment())
    }

    /// The common header of a PDU that we send, of a type that [`PduType::framed`] is true of. `extra` are the type's own
    /// flags. A zero `data` means that there is none: no padding, no data digest, PDO zero. `data` is at most what fits
    /// PLEN: 2^32 less 256.
    pub const fn header(&self, kind: PduType, hlen: u8, data: u32, extra: u8) -> CommonHeader {
        let with_digest = self.ddgst && data != 0;
        let pdo = if data == 0 { 0 } else { self.pdo(hlen) };
        let before = if data == 0 { self.header_bytes(hlen) } else { pdo as u32 };
        let plen = before.saturating_add(data).saturating_add(if with_digest { DIGEST_BYTES } else { 0 });
        let flags = extra | if self.hdgst { flags::HDGSTF } else { 0 } | if with_digest { flags::DDGSTF } else { 0 };
        CommonHeader { kind, flags, hlen, pdo, plen: U32::new(plen) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGESTS: Framing = Framing { hdgst: true, ddgst: true, ..Framing::PLAIN };

    #[test]
    fn alignment_and_offset() {
        let pda = |pda, framing| Framing { pda, ..framing };
        assert_eq!(Framing::PLAIN.alignment(), 4);
        assert_eq!(pda(31, Framing::PLAIN).alignment(), 128);
        assert_eq!(pda(32, Framing::PLAIN).alignment(), 4);
        assert_eq!(Framing::PLAIN.pdo(24), 24);
        assert_eq!(DIGESTS.pdo(24), 28);
        assert_eq!(pda(31, DIGESTS).pdo(72), 128);
        assert_eq!(pda(15, DIGESTS).pdo(24), 64);
        assert!(Framing::PLAIN.aligned(76) && !Framing::PLAIN.aligned(74));
        assert!(pda(2, DIGESTS).aligned(36) && !pda(2, DIGESTS).aligned(28));
    }

    #[test]
    fn lengths() {
        let h = DIGESTS.header(PduType::C2H_DATA, 24, 512, flags::LAST_PDU);
        assert_eq!((h.flags, h.pdo, h.plen.get()), (7, 28, 24 + 4 + 512 + 4));
        let h = DIGESTS.header(PduType::CAPSULE_RESP, 24, 0, 0);
        assert_eq!((h.flags, h.pdo, h.plen.get()), (1, 0, 28));
        assert_eq!(DIGESTS.header(PduType::C2H_DATA, 24, u32::MAX, 0).plen.get(), u32::MAX);
    }
}
