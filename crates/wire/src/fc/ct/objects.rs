//! Objects of the name server: FC-4 types and features, port type, symbolic names, speeds. FC-GS-8 5.2.3.

use crate::fc::Type;
use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// FC-4 TYPEs: a bit for each type; 32 bytes. Word `t / 32`, bit `t % 32`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(transparent)]
pub struct Fc4Types(pub [u8; 32]);
assert_size!(Fc4Types = 32);

impl Fc4Types {
    /// No type.
    pub const NONE: Self = Self([0; 32]);

    const fn place(type_: Type) -> (usize, u8) {
        let t = type_.0;
        ((t / 32 * 4 + 3 - t % 32 / 8) as usize, 1 << (t % 8))
    }

    /// The type is in the set.
    pub const fn contains(&self, type_: Type) -> bool {
        let (byte, bit) = Self::place(type_);
        self.0[byte] & bit != 0
    }

    /// This set with one more type.
    #[must_use]
    pub const fn with(mut self, type_: Type) -> Self {
        let (byte, bit) = Self::place(type_);
        self.0[byte] |= bit;
        self
    }

    /// The types in the set, by number.
    pub fn iter(&self) -> impl Iterator<Item = Type> + '_ {
        (0..=255).map(Type).filter(|&type_| self.contains(type_))
    }
}

bitfield! {
    /// FC-4 features of one type: 4 bits. FCP-4 (FCP) and FC-NVMe-2 (NVMe) say what they mean; both agree on these.
    pub struct FeatureBits(u8) {
        flags {
            /// NVMe: a discovery controller is there.
            discovery, with_discovery = 2;
            /// Initiator function.
            initiator, with_initiator = 1;
            /// Target function.
            target, with_target = 0;
        }
        fields {}
    }
}

/// FC-4 features of all types: 128 bytes. Word `t / 8`, bits `4 * (t % 8)` and up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(transparent)]
pub struct Fc4Features(pub [u8; 128]);
assert_size!(Fc4Features = 128);

impl Fc4Features {
    /// No feature of any type.
    pub const NONE: Self = Self([0; 128]);

    const fn place(type_: Type) -> (usize, u8) {
        let t = type_.0;
        ((t / 8 * 4 + 3 - t % 8 / 2) as usize, t % 2 * 4)
    }

    /// Features of a type.
    pub const fn get(&self, type_: Type) -> FeatureBits {
        let (byte, shift) = Self::place(type_);
        FeatureBits(self.0[byte] >> shift & 0xf)
    }

    /// These with the features of one type set.
    #[must_use]
    pub const fn with(mut self, type_: Type, features: FeatureBits) -> Self {
        let (byte, shift) = Self::place(type_);
        self.0[byte] = self.0[byte] & !(0xf << shift) | (features.0 & 0xf) << shift;
        self
    }

    /// The bytes to send.
    pub const fn to_bytes(self) -> [u8; 128] {
        self.0
    }
}

open_enum! {
    /// Port type.
    pub enum PortType: u8 {
        /// Not known.
        UNIDENTIFIED = 0x00,
        /// N_Port.
        N_PORT = 0x01,
        /// NL_Port.
        NL_PORT = 0x02,
        /// F/NL_Port.
        FNL_PORT = 0x03,
        /// Any of the above (in requests).
        NX_PORT = 0x7f,
        /// F_Port.
        F_PORT = 0x81,
        /// FL_Port.
        FL_PORT = 0x82,
        /// E_Port.
        E_PORT = 0x84,
        /// B_Port.
        B_PORT = 0x85,
    }
}

/// A symbolic name: 0 to 255 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SymbolicName<'a>(&'a [u8]);

impl<'a> SymbolicName<'a> {
    /// The name; what is beyond 255 bytes is cut off.
    pub fn new(name: &'a [u8]) -> Self {
        Self(&name[..name.len().min(255)])
    }

    /// Reads a length byte and the name behind it; `None` when not all of it is there.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&length, name) = bytes.split_first()?;
        name.get(..usize::from(length)).map(Self)
    }

    /// The name.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Writes length byte and name into `out` and answers with how many bytes that took.
    pub fn write(self, out: &mut [u8]) -> Option<usize> {
        let length = u8::try_from(self.0.len()).ok()?;
        let out = out.get_mut(..1 + self.0.len())?;
        out[0] = length;
        out[1..].copy_from_slice(self.0);
        Some(out.len())
    }
}

bitfield! {
    /// Port speeds. FC-GS-8, GPSC.
    pub struct Speeds(u16) {
        flags {
            /// 1 Gbit/s.
            g1, with_g1 = 15;
            /// 2 Gbit/s.
            g2, with_g2 = 14;
            /// 4 Gbit/s.
            g4, with_g4 = 13;
            /// 10 Gbit/s.
            g10, with_g10 = 12;
            /// 8 Gbit/s.
            g8, with_g8 = 11;
            /// 16 Gbit/s.
            g16, with_g16 = 10;
            /// 32 Gbit/s.
            g32, with_g32 = 8;
            /// 64 Gbit/s.
            g64, with_g64 = 7;
        }
        fields {}
    }
}

/// Answer to GPSC: 4 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PortSpeeds {
    /// What the port can do.
    pub capabilities: U16,
    /// What it runs at: one bit.
    pub operating: U16,
}
assert_size!(PortSpeeds = 4);

impl PortSpeeds {
    /// An answer.
    pub const fn new(capabilities: Speeds, operating: Speeds) -> Self {
        Self { capabilities: U16::new(capabilities.0), operating: U16::new(operating.0) }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 4] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn types() {
        let types = Fc4Types::NONE.with(Type::FCP).with(Type::NVME);
        let mut expected = [0; 32];
        (expected[2], expected[6]) = (1, 1);
        assert_eq!(types.0, expected);
        assert!(types.contains(Type::FCP) && !types.contains(Type::CT));
        assert_eq!(types.iter().collect::<Vec<_>>(), [Type::FCP, Type::NVME]);
        for t in 0..=255 {
            let one = Fc4Types::NONE.with(Type(t));
            assert_eq!(one.iter().collect::<Vec<_>>(), [Type(t)]);
        }
        assert_eq!(Fc4Types::NONE.with(Type(31)).0[0], 0x80);
        assert_eq!(Fc4Types::NONE.with(Type(255)).0[28], 0x80);
    }

    #[test]
    fn features() {
        let target = FeatureBits(0).with_target(true);
        let features = Fc4Features::NONE.with(Type::FCP, target).with(Type::NVME, FeatureBits(5));
        assert_eq!((features.0[7], features.0[23]), (1, 5));
        assert_eq!(features.0.iter().filter(|&&b| b != 0).count(), 2);
        assert!(features.get(Type::NVME).discovery() && !features.get(Type::NVME).initiator());
        assert_eq!(features.get(Type(9)), FeatureBits(0));
        let both = features.with(Type(9), FeatureBits(0xff));
        assert_eq!((both.0[7], both.get(Type::FCP), both.with(Type(9), FeatureBits(0))), (0xf1, target, features));
        for t in 0..=255 {
            assert_eq!(Fc4Features::NONE.with(Type(t), FeatureBits(7)).get(Type(t)).0, 7);
        }
    }

    #[test]
    fn symbolic_names() {
        let mut out = [0; 8];
        assert_eq!(SymbolicName::new(b"qfc").write(&mut out), Some(4));
        assert_eq!(&out[..4], b"\x03qfc");
        assert_eq!(SymbolicName::parse(&out).unwrap().as_bytes(), b"qfc");
        assert_eq!(SymbolicName::parse(&[3, 1, 2]), None);
        assert_eq!(SymbolicName::parse(&[]), None);
        assert_eq!(SymbolicName::new(&[7; 300]).as_bytes().len(), 255);
        assert_eq!(SymbolicName::new(b"longer than that").write(&mut out), None);
    }

    #[test]
    fn speeds() {
        let can = Speeds(0).with_g8(true).with_g16(true).with_g32(true);
        assert_eq!(PortSpeeds::new(can, Speeds(0).with_g32(true)).to_bytes(), [0x0d, 0, 1, 0]);
    }
}
