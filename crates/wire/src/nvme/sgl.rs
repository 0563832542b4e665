//! Scatter gather list descriptors. NVMe Base 2.0c 4.1.2.

use zerocopy::byteorder::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// One SGL descriptor: 16 bytes. Type in bits 7:4 of the last byte, subtype in 3:0.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SglDescriptor {
    /// Address, or offset for subtype 1.
    pub address: U64,
    /// Length, and key for a keyed descriptor, by type.
    pub specific: [u8; 7],
    /// Descriptor type and subtype.
    pub id: u8,
}
assert_size!(SglDescriptor = 16);

/// A descriptor, taken apart. Total: what is not known is [`Sgl::Other`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sgl {
    /// 00h: data block at a host memory address.
    Block {
        /// Where it is.
        address: u64,
        /// Bytes, here and below.
        length: u32,
    },
    /// 01h: in-capsule data at an offset from the start of the capsule's data (Fabrics).
    InCapsule {
        /// From the start of the data, ICDOFF included.
        offset: u64,
        /// Bytes.
        length: u32,
    },
    /// 10h: bit bucket: as many bytes of a read are thrown away.
    BitBucket {
        /// Bytes.
        length: u32,
    },
    /// 20h (21h with offset) and 30h (31h): a segment of further descriptors; `last` for the last one.
    Segment {
        /// Where it is.
        address: u64,
        /// Bytes of descriptors.
        length: u32,
        /// The address is an offset in the capsule.
        offset: bool,
        /// No segment follows it.
        last: bool,
    },
    /// 40h: keyed block (RDMA); 4Fh: with remote invalidation of the key. The length has 24 bits.
    Keyed {
        /// Where it is.
        address: u64,
        /// Bytes.
        length: u32,
        /// Remote key.
        key: u32,
        /// Invalidate the key with the response.
        invalidate: bool,
    },
    /// 5Ah: the transport moves the data (NVMe/TCP: R2T and H2CData, or C2HData; NVMe/FC).
    Transport {
        /// Bytes.
        length: u32,
    },
    /// Anything else.
    Other {
        /// Type.
        kind: u8,
        /// Subtype.
        subtype: u8,
    },
}

impl SglDescriptor {
    /// All zero; what a command without data carries (some hosts send a zero-length transport descriptor).
    pub const NONE: Self = Self { address: U64::new(0), specific: [0; 7], id: 0 };

    /// Descriptor type: bits 7:4.
    pub const fn kind(&self) -> u8 {
        self.id >> 4
    }

    /// Descriptor subtype: bits 3:0.
    pub const fn subtype(&self) -> u8 {
        self.id & 0xf
    }

    /// The 32-bit length that all but the keyed types have.
    pub const fn length(&self) -> u32 {
        let s = &self.specific;
        u32::from_le_bytes([s[0], s[1], s[2], s[3]])
    }

    /// Takes the descriptor apart.
    pub const fn parse(&self) -> Sgl {
        let (address, length) = (self.address.get(), self.length());
        match self.id {
            0x00 => Sgl::Block { address, length },
            0x01 => Sgl::InCapsule { offset: address, length },
            0x10 => Sgl::BitBucket { length },
            0x20 | 0x21 | 0x30 | 0x31 => {
                Sgl::Segment { address, length, offset: self.subtype() == 1, last: self.kind() == 3 }
            }
            0x40 | 0x4f => self.keyed(),
            0x5a => Sgl::Transport { length },
            _ => Sgl::Other { kind: self.kind(), subtype: self.subtype() },
        }
    }

    const fn keyed(&self) -> Sgl {
        let s = &self.specific;
        Sgl::Keyed {
            address: self.address.get(),
            length: u32::from_le_bytes([s[0], s[1], s[2], 0]),
            key: u32::from_le_bytes([s[3], s[4], s[5], s[6]]),
            invalidate: self.subtype() == 0xf,
        }
    }

    const fn unkeyed(id: u8, address: u64, length: u32) -> Self {
        let l = length.to_le_bytes();
        Self { address: U64::new(address), specific: [l[0], l[1], l[2], l[3], 0, 0, 0], id }
    }

    /// 00h: data block.
    pub const fn block(address: u64, length: u32) -> Self {
        Self::unkeyed(0x00, address, length)
    }

    /// 01h: in-capsule data.
    pub const fn in_capsule(offset: u64, length: u32) -> Self {
        Self::unkeyed(0x01, offset, length)
    }

    /// 5Ah: transport data block.
    pub const fn transport(length: u32) -> Self {
        Self::unkeyed(0x5a, 0, length)
    }

    /// 40h or 4Fh: keyed data block; the length's low 24 bits count.
    pub const fn keyed_block(address: u64, length: u32, key: u32, invalidate: bool) -> Self {
        let (l, k) = (length.to_le_bytes(), key.to_le_bytes());
        let id = if invalidate { 0x4f } else { 0x40 };
        Self { address: U64::new(address), specific: [l[0], l[1], l[2], k[0], k[1], k[2], k[3]], id }
    }

    /// The same 16 bytes as PRP entries 1 and 2 (PCIe and vfio-user only).
    pub fn prps(self) -> [u64; 2] {
        let both: [U64; 2] = transmute!(self);
        [both[0].get(), both[1].get()]
    }

    /// The data pointer for two PRP entries.
    pub fn from_prps(prp1: u64, prp2: u64) -> Self {
        transmute!([U64::new(prp1), U64::new(prp2)])
    }
}

impl core::fmt::Debug for SglDescriptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.parse().fmt(f)
    }
}

impl SglDescriptor {
    /// Length in bytes whatever the type; keyed lengths are 24 bits wide, [`Sgl::Other`] is `None`.
    pub const fn bytes(&self) -> Option<u32> {
        match self.parse() {
            Sgl::Block { length, .. }
            | Sgl::InCapsule { length, .. }
            | Sgl::BitBucket { length }
            | Sgl::Segment { length, .. }
            | Sgl::Keyed { length, .. }
            | Sgl::Transport { length } => Some(length),
            Sgl::Other { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let t = SglDescriptor::transport(0x1000);
        assert_eq!(t.as_bytes(), &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0x5a]);
        let c = SglDescriptor::in_capsule(0, 1024);
        assert_eq!(c.as_bytes(), &[0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0x01]);
        let k = SglDescriptor::keyed_block(0x1122_3344_5566_7788, 0x00ab_cdef, 0xdead_beef, true);
        assert_eq!(
            k.as_bytes(),
            &[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xef, 0xcd, 0xab, 0xef, 0xbe, 0xad, 0xde, 0x4f]
        );
    }

    #[test]
    fn every_type_parses() {
        assert_eq!(SglDescriptor::block(7, 9).parse(), Sgl::Block { address: 7, length: 9 });
        assert_eq!(SglDescriptor::in_capsule(8, 9).parse(), Sgl::InCapsule { offset: 8, length: 9 });
        assert_eq!(SglDescriptor::transport(u32::MAX).parse(), Sgl::Transport { length: u32::MAX });
        let keyed = Sgl::Keyed { address: 1, length: 2, key: 3, invalidate: false };
        assert_eq!(SglDescriptor::keyed_block(1, 2, 3, false).parse(), keyed);
        assert_eq!(SglDescriptor::unkeyed(0x10, 0, 5).parse(), Sgl::BitBucket { length: 5 });
        let seg = Sgl::Segment { address: 4, length: 32, offset: true, last: true };
        assert_eq!(SglDescriptor::unkeyed(0x31, 4, 32).parse(), seg);
        let seg = Sgl::Segment { address: 4, length: 32, offset: false, last: false };
        assert_eq!(SglDescriptor::unkeyed(0x20, 4, 32).parse(), seg);
    }

    #[test]
    fn every_id_is_total() {
        for id in 0..=255u8 {
            let d = SglDescriptor::unkeyed(id, 0, 16);
            let known = matches!(id, 0x00 | 0x01 | 0x10 | 0x20 | 0x21 | 0x30 | 0x31 | 0x40 | 0x4f | 0x5a);
            assert_eq!(d.parse() != Sgl::Other { kind: id >> 4, subtype: id & 15 }, known, "{id:#x}");
            assert_eq!(d.bytes(), known.then_some(16));
        }
    }

    #[test]
    fn prps_share_the_bytes() {
        let d = SglDescriptor::from_prps(0x1000, 0x2000);
        assert_eq!(d.prps(), [0x1000, 0x2000]);
        assert_eq!(d.address.get(), 0x1000);
        assert_eq!(SglDescriptor::NONE.parse(), Sgl::Block { address: 0, length: 0 });
    }
}
