//! The descriptors of FIP messages. FC-BB-6 clause 7.8.6.

use crate::fc::{HEADER_BYTES, PortId, Wwn};
use crate::fcoe::{FcMap, Mac};

open_enum! {
    /// What a descriptor holds. Types below 128 may not be passed over by who does not know them.
    pub enum DescriptorType: u8 {
        /// How much an FCF wants to be chosen: smaller is more.
        PRIORITY = 1,
        /// An Ethernet address.
        MAC = 2,
        /// FC-MAP.
        FC_MAP = 3,
        /// A switch's or a node's name.
        NAME = 4,
        /// Virtual fabric, FC-MAP, fabric name.
        FABRIC = 5,
        /// Largest FCoE frame (without the Ethernet header) that can be received.
        MAX_FRAME = 6,
        /// FLOGI, or the reply to one.
        FLOGI = 7,
        /// FDISC (FLOGI of a further port), or the reply to one.
        FDISC = 8,
        /// LOGO, or the reply to one.
        LOGO = 9,
        /// ELP (between switches), or the reply to one.
        ELP = 10,
        /// Address, N_Port_ID and name of a VN_Port.
        VN_PORT = 11,
        /// FKA_ADV_PERIOD.
        FKA_ADV_PERIOD = 12,
        /// Vendor.
        VENDOR = 13,
        /// A VLAN.
        VLAN = 14,
        /// FC-4 types and features.
        FC4_ATTRIBUTES = 15,
    }
}

impl DescriptorType {
    /// A message with one of these that is not known is dropped.
    pub const fn is_critical(self) -> bool {
        self.0 < 128
    }

    /// It carries an ELS frame.
    pub const fn is_els(self) -> bool {
        matches!(self, Self::FLOGI | Self::FDISC | Self::LOGO | Self::ELP)
    }

    /// Whether `len` bytes (its own two of type and length included) is what the standard says for this type.
    pub const fn fits(self, len: usize) -> bool {
        match self {
            Self::PRIORITY | Self::MAX_FRAME | Self::VLAN => len == 4,
            Self::MAC | Self::FC_MAP | Self::FKA_ADV_PERIOD => len == 8,
            Self::NAME | Self::VENDOR => len == 12,
            Self::FABRIC => len == 16,
            Self::VN_PORT => len == 20,
            Self::FC4_ATTRIBUTES => len == 164,
            Self::FLOGI | Self::FDISC | Self::LOGO | Self::ELP => len > 4 + HEADER_BYTES,
            _ => true,
        }
    }
}

/// A link service in a descriptor: the frame without delimiters and CRC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Els<'a> {
    /// Which one.
    pub kind: DescriptorType,
    /// Header and payload.
    pub frame: &'a [u8],
}

/// Who a VN_Port is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VnPort {
    /// Its Ethernet address.
    pub mac: Mac,
    /// Its N_Port_ID.
    pub id: PortId,
    /// Its N_Port_Name.
    pub name: Wwn,
}

impl VnPort {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (mac, rest) = body.split_first_chunk::<6>()?;
        let (id, rest) = rest.split_first_chunk::<4>()?;
        let (name, _) = rest.split_first_chunk::<8>()?;
        Some(Self { mac: Mac(*mac), id: PortId::from_bytes([id[1], id[2], id[3]]), name: Wwn::from_bytes(*name) })
    }
}

/// Virtual fabric, FC-MAP and name of a fabric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fabric {
    /// Virtual fabric; 0 when there are none.
    pub vf_id: u16,
    /// FC-MAP.
    pub map: FcMap,
    /// Its name.
    pub name: Wwn,
}

impl Fabric {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (head, rest) = body.split_first_chunk::<6>()?;
        let (name, _) = rest.split_first_chunk::<8>()?;
        let [a, b, _, map @ ..] = *head;
        Some(Self { vf_id: u16::from_be_bytes([a, b]), map: FcMap(map), name: Wwn::from_bytes(*name) })
    }
}

/// The FC-4 types that a VN2VN port has, as the name server's RFT_ID would say it, and the features of FCP and NVMe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fc4Types {
    /// Features of FCP: 1 target, 2 initiator; `None` without FCP.
    pub fcp: Option<u8>,
    /// Features of FC-NVMe; `None` without.
    pub nvme: Option<u8>,
}

const FCP: u8 = 0x08;
const NVME: u8 = 0x28;
/// Bytes before the 32 of types in a descriptor's body.
const TYPES_AT: usize = 2;
/// Bytes before the 128 of features.
const FEATURES_AT: usize = TYPES_AT + 32;

/// Where the bit of a type is: byte and bit. Words are counted upwards, bits in a word from the least significant one.
const fn type_place(fc4: u8) -> (usize, u8) {
    let (word, bit) = (fc4 as usize / 32, fc4 % 32);
    (TYPES_AT + word * 4 + 3 - bit as usize / 8, bit % 8)
}

/// Where the four bits of features of a type are: byte and lowest bit.
const fn feature_place(fc4: u8) -> (usize, u8) {
    let (word, nibble) = (fc4 as usize / 8, fc4 % 8);
    (FEATURES_AT + word * 4 + 3 - nibble as usize / 2, nibble % 2 * 4)
}

impl Fc4Types {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let of = |fc4| {
            let ((byte, bit), (at, shift)) = (type_place(fc4), feature_place(fc4));
            let features = body.get(at)? >> shift & 0xf;
            (body.get(byte)? >> bit & 1 != 0).then_some(features)
        };
        Some(Self { fcp: of(FCP), nvme: of(NVME) })
    }

    pub(super) fn write(self, body: &mut [u8]) {
        for (fc4, features) in [(FCP, self.fcp), (NVME, self.nvme)] {
            let Some(features) = features else { continue };
            let ((byte, bit), (at, shift)) = (type_place(fc4), feature_place(fc4));
            body[byte] |= 1 << bit;
            body[at] |= (features & 0xf) << shift;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fc4_bits() {
        let mut body = [0; 162];
        Fc4Types { fcp: Some(3), nvme: Some(1) }.write(&mut body);
        // Type 08h: word 0, bit 8. Type 28h: word 1, bit 8.
        assert_eq!(body[2..10], [0, 0, 1, 0, 0, 0, 1, 0]);
        // Features of 08h: word 1, bits 3:0; of 28h: word 5, bits 3:0.
        assert_eq!(body[34 + 4..34 + 8], [0, 0, 0, 3]);
        assert_eq!(body[34 + 20..34 + 24], [0, 0, 0, 1]);
        assert_eq!(Fc4Types::read(&body), Some(Fc4Types { fcp: Some(3), nvme: Some(1) }));
        assert_eq!(Fc4Types::read(&[0; 162]), Some(Fc4Types::default()));
    }
}
