//! Property Get and Property Set. NVMe Base 2.0c 6.5 and 6.6 (NVMe-oF 1.1a 3.4 and 3.5).

use super::FcType;
use crate::nvme::{FABRICS_OPCODE, PSDT_SGL, Property, Sqe};
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned, transmute, transmute_ref};

macro_rules! property_command {
    ($(#[$m:meta])* $name:ident) => {
        $(#[$m])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
        #[repr(C)]
        pub struct $name {
            /// 7Fh.
            pub opcode: u8,
            /// Flags as in [`Sqe`].
            pub flags: u8,
            /// Command identifier.
            pub cid: U16,
            /// Command type.
            pub fctype: FcType,
            /// Reserved.
            pub rsvd5: [u8; 35],
            /// Bits 2:0: 0 for 4 bytes, 1 for 8; see `bytes()`.
            pub attrib: u8,
            /// Reserved.
            pub rsvd41: [u8; 3],
            /// Offset of the property; see `property()`.
            pub ofst: U32,
            /// Value to set (Property Set; reserved in Property Get). A 4-byte value is in the low half.
            pub value: U64,
            /// Reserved.
            pub rsvd56: U64,
        }
        assert_size!($name = 64);
        assert_offset!($name: fctype = 4, attrib = 40, ofst = 44, value = 48);

        impl $name {
            /// The command as one of this type.
            pub fn of(sqe: &Sqe) -> &Self {
                transmute_ref!(sqe)
            }

            /// Which property.
            pub const fn property(&self) -> Property {
                Property(self.ofst.get())
            }

            /// Size of the property as the host says: 4 or 8; `None` for a reserved size.
            pub const fn bytes(&self) -> Option<u8> {
                match self.attrib & 7 {
                    0 => Some(4),
                    1 => Some(8),
                    _ => None,
                }
            }

            fn build(fctype: FcType, property: Property, value: u64) -> Sqe {
                let mut c = Self::new_zeroed();
                c.opcode = FABRICS_OPCODE;
                c.flags = PSDT_SGL << 6;
                c.fctype = fctype;
                c.attrib = (property.bytes() == Some(8)) as u8;
                c.ofst = U32::new(property.0);
                c.value = U64::new(value);
                transmute!(c)
            }
        }
    };
}

property_command! {
    /// Property Get: the answer's value is in dwords 0 and 1 ([`crate::nvme::Cqe::with_value`]).
    PropertyGet
}

property_command! {
    /// Property Set.
    PropertySet
}

impl PropertyGet {
    /// A Property Get without CID, of the property's own size (4 bytes for an unknown one).
    pub fn sqe(property: Property) -> Sqe {
        Self::build(FcType::PROPERTY_GET, property, 0)
    }
}

impl PropertySet {
    /// A Property Set without CID, of the property's own size (4 bytes for an unknown one).
    pub fn sqe(property: Property, value: u64) -> Sqe {
        Self::build(FcType::PROPERTY_SET, property, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_cap_bytes() {
        let sqe = PropertyGet::sqe(Property::CAP);
        let b = sqe.as_bytes();
        assert_eq!((b[0], b[1], b[4], b[40], b[44]), (0x7f, 0x40, 0x04, 1, 0));
        let get = PropertyGet::of(&sqe);
        assert_eq!((get.property(), get.bytes(), get.fctype), (Property::CAP, Some(8), FcType::PROPERTY_GET));
    }

    #[test]
    fn set_cc_bytes() {
        let sqe = PropertySet::sqe(Property::CC, 0x0046_0001);
        let b = sqe.as_bytes();
        assert_eq!((b[4], b[40], b[44]), (0x00, 0, 0x14));
        assert_eq!(&b[48..56], &[1, 0, 0x46, 0, 0, 0, 0, 0]);
        let set = PropertySet::of(&sqe);
        assert_eq!((set.value.get(), set.bytes()), (0x0046_0001, Some(4)));
    }

    #[test]
    fn reserved_size() {
        let mut sqe = PropertyGet::sqe(Property::VS);
        sqe.cdw10 = U32::new(2);
        assert_eq!(PropertyGet::of(&sqe).bytes(), None);
        sqe.cdw10 = U32::new(0xffff_fff8);
        assert_eq!(PropertyGet::of(&sqe).bytes(), Some(4));
    }
}
