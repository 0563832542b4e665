//! Reading a FIP message.

use super::descriptor::{DescriptorType, Els, Fabric, Fc4Types, VnPort};
use super::{HEADER_BYTES, VERSION};
use crate::fc::Wwn;
use crate::fcoe::Mac;

/// What a message is: its operation and subcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Kind {
    /// Discovery solicitation: of an ENode to the switches.
    Solicitation,
    /// Discovery advertisement of a switch.
    Advertisement,
    /// FLOGI, FDISC, LOGO: the request.
    LsRequest,
    /// Its reply.
    LsReply,
    /// Keep-alive of an ENode or of a VN_Port.
    KeepAlive,
    /// Clear Virtual Links of a switch.
    ClearVirtualLinks,
    /// Which VLANs have switches?
    VlanRequest,
    /// These.
    VlanNotification,
    /// These have VN2VN.
    Vn2vnVlanNotification,
    /// VN2VN: does anyone have this N_Port_ID?
    ProbeRequest,
    /// I have.
    ProbeReply,
    /// This N_Port_ID is mine.
    ClaimNotification,
    /// And this is mine (answer to one who claims).
    ClaimResponse,
    /// I am still there.
    Beacon,
}

const KINDS: [(Kind, u16, u8); 14] = [
    (Kind::Solicitation, 1, 1),
    (Kind::Advertisement, 1, 2),
    (Kind::LsRequest, 2, 1),
    (Kind::LsReply, 2, 2),
    (Kind::KeepAlive, 3, 1),
    (Kind::ClearVirtualLinks, 3, 2),
    (Kind::VlanRequest, 4, 1),
    (Kind::VlanNotification, 4, 2),
    (Kind::Vn2vnVlanNotification, 4, 3),
    (Kind::ProbeRequest, 5, 1),
    (Kind::ProbeReply, 5, 2),
    (Kind::ClaimNotification, 5, 3),
    (Kind::ClaimResponse, 5, 4),
    (Kind::Beacon, 5, 5),
];

impl Kind {
    /// The kind of these codes, if there is one.
    pub fn of(operation: u16, subcode: u8) -> Option<Self> {
        KINDS.iter().find(|(_, o, s)| (*o, *s) == (operation, subcode)).map(|(kind, ..)| *kind)
    }

    /// Operation and subcode.
    pub fn codes(self) -> (u16, u8) {
        let (_, operation, subcode) = KINDS[self as usize];
        (operation, subcode)
    }

    /// The descriptors that must be there, each once.
    fn required(self) -> &'static [DescriptorType] {
        type D = DescriptorType;
        match self {
            Self::Solicitation => &[D::MAC, D::NAME, D::MAX_FRAME],
            Self::Advertisement => &[D::PRIORITY, D::MAC, D::NAME, D::FABRIC, D::FKA_ADV_PERIOD],
            Self::LsRequest | Self::LsReply => &[],
            Self::KeepAlive => &[D::MAC],
            Self::ClearVirtualLinks => &[D::MAC, D::NAME],
            Self::VlanRequest => &[D::MAC],
            Self::VlanNotification | Self::Vn2vnVlanNotification => &[D::MAC, D::VLAN],
            Self::ProbeRequest | Self::ProbeReply | Self::Beacon => &[D::MAC, D::NAME, D::VN_PORT],
            Self::ClaimNotification | Self::ClaimResponse => {
                &[D::MAC, D::NAME, D::VN_PORT, D::FC4_ATTRIBUTES, D::MAX_FRAME]
            }
        }
    }

    /// Whether it may hold several of a type.
    fn repeats(self, kind: DescriptorType) -> bool {
        match self {
            Self::LsRequest | Self::LsReply => kind == DescriptorType::MAC,
            Self::ClearVirtualLinks | Self::KeepAlive => kind == DescriptorType::VN_PORT,
            Self::VlanNotification | Self::Vn2vnVlanNotification => kind == DescriptorType::VLAN,
            _ => !kind.is_critical(),
        }
    }
}

bitfield! {
    /// Flags of the header.
    pub struct Flags(u16) {
        flags {
            /// Bit 15: fabric-provided addresses can be used, or are.
            fpma, with_fpma = 15;
            /// Bit 14: server-provided addresses can be used, or are.
            spma, with_spma = 14;
            /// Bit 5: from the controlling FCF.
            fcf, with_fcf = 5;
            /// Bit 4: from an FDF.
            fdf, with_fdf = 4;
            /// Bit 3: the N_Port_ID of a probe is one used before; in a solicitation and beacon: point-to-point.
            recorded, with_recorded = 3;
            /// Bit 2: available for login.
            available, with_available = 2;
            /// Bit 1: an answer to a solicitation.
            solicited, with_solicited = 1;
            /// Bit 0: from a switch (a VF_Port can be had).
            f_port, with_f_port = 0;
        }
        fields {
        }
    }
}

/// Why bytes are no message that may be acted upon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Shorter than the header, or than what it says.
    Short,
    /// Another version.
    Version,
    /// No such operation and subcode.
    Unknown,
    /// A descriptor of a wrong length.
    DescriptorLength,
    /// A descriptor that may not be passed over and is not known, or not in its place.
    DescriptorType,
    /// A descriptor is there twice.
    Duplicate,
    /// A descriptor that must be there is not.
    Missing,
}

/// A message that was checked. Descriptors of unknown type are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its flags.
    pub flags: Flags,
    descriptors: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the bytes after the Ethernet header, padding included.
    ///
    /// # Errors
    /// [`Fault`]: such a message is dropped.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Fault::Short)?;
        if header[0] >> 4 != VERSION {
            return Err(Fault::Version);
        }
        let [_, _, o0, o1, _, subcode, l0, l1, f0, f1] = *header;
        let kind = Kind::of(u16::from_be_bytes([o0, o1]), subcode).ok_or(Fault::Unknown)?;
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let descriptors = rest.get(..length).ok_or(Fault::Short)?;
        let message = Self { kind, flags: Flags(u16::from_be_bytes([f0, f1])), descriptors };
        message.check()?;
        Ok(message)
    }

    fn check(&self) -> Result<(), Fault> {
        let (mut seen, mut rest, mut first) = (0u128, self.descriptors, true);
        while let [kind, words, ..] = *rest {
            let (kind, length) = (DescriptorType(kind), usize::from(words) * 4);
            if length == 0 || length > rest.len() || !kind.fits(length) {
                return Err(Fault::DescriptorLength);
            }
            // The link service comes first, not even a descriptor that may be passed over before it.
            if kind.is_els() != (first && self.is_ls()) {
                return Err(Fault::DescriptorType);
            }
            if kind.is_critical() {
                let bit = 1 << kind.0;
                if kind.name().is_none() {
                    return Err(Fault::DescriptorType);
                }
                if seen & bit != 0 && !self.kind.repeats(kind) {
                    return Err(Fault::Duplicate);
                }
                seen |= bit;
            }
            (rest, first) = (&rest[length..], false);
        }
        let missing = |kind: &DescriptorType| seen & 1 << kind.0 == 0;
        if self.kind.required().iter().any(missing) || self.is_ls() && seen == 0 {
            return Err(Fault::Missing);
        }
        Ok(())
    }

    fn is_ls(&self) -> bool {
        matches!(self.kind, Kind::LsRequest | Kind::LsReply)
    }

    /// Bodies (without type and length) of the descriptors of one type.
    fn bodies(&self, kind: DescriptorType) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.descriptors;
        core::iter::from_fn(move || {
            let length = usize::from(*rest.get(1)?) * 4;
            let (one, more) = rest.split_at_checked(length)?;
            rest = more;
            Some((DescriptorType(*one.first()?), one.get(2..)?))
        })
        .filter(move |(of, _)| *of == kind)
        .map(|(_, body)| body)
    }

    fn first<const N: usize>(&self, kind: DescriptorType) -> Option<[u8; N]> {
        self.bodies(kind).next()?.first_chunk().copied()
    }

    /// The first Ethernet address.
    pub fn mac(&self) -> Option<Mac> {
        self.first(DescriptorType::MAC).map(Mac)
    }

    /// Switch name or node name.
    pub fn name(&self) -> Option<Wwn> {
        self.first(DescriptorType::NAME).map(|[_, _, name @ ..]: [u8; 10]| Wwn::from_bytes(name))
    }

    /// Priority of an FCF; smaller is better.
    pub fn priority(&self) -> Option<u8> {
        self.first(DescriptorType::PRIORITY).map(|[_, priority]| priority)
    }

    /// The fabric of an FCF.
    pub fn fabric(&self) -> Option<Fabric> {
        Fabric::read(self.bodies(DescriptorType::FABRIC).next()?)
    }

    /// Largest FCoE frame, the Ethernet header not counted.
    pub fn max_frame(&self) -> Option<u16> {
        self.first(DescriptorType::MAX_FRAME).map(u16::from_be_bytes)
    }

    /// FKA_ADV_PERIOD in milliseconds, and whether keep-alives are not wanted (the D bit).
    pub fn fka_adv_period(&self) -> Option<(u32, bool)> {
        let [_, flags, period @ ..] = self.first::<6>(DescriptorType::FKA_ADV_PERIOD)?;
        Some((u32::from_be_bytes(period), flags & 1 != 0))
    }

    /// The VN_Ports that are named.
    pub fn vn_ports(&self) -> impl Iterator<Item = VnPort> + use<'a> {
        self.bodies(DescriptorType::VN_PORT).filter_map(VnPort::read)
    }

    /// The VLANs that are named; 0 is the untagged one.
    pub fn vlans(&self) -> impl Iterator<Item = u16> + use<'a> {
        let vlan = |body: &[u8]| body.first_chunk().map(|b| u16::from_be_bytes(*b) & 0xfff);
        self.bodies(DescriptorType::VLAN).filter_map(vlan)
    }

    /// FC-4 types and features.
    pub fn fc4_types(&self) -> Option<Fc4Types> {
        Fc4Types::read(self.bodies(DescriptorType::FC4_ATTRIBUTES).next()?)
    }

    /// The link service in it.
    pub fn els(&self) -> Option<Els<'a>> {
        let kind = DescriptorType(*self.descriptors.first()?);
        let frame = self.bodies(kind).next()?.get(2..)?;
        kind.is_els().then_some(Els { kind, frame })
    }
}
