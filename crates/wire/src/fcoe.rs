//! Fibre Channel over Ethernet: what stands around a frame on an Ethernet. FC-BB-6 clause 7.7 (frame format), Annex D (addresses).

use crate::fc::{Eof, HEADER_BYTES, MAX_PAYLOAD, PortId, Sof};
use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// EtherType of FCoE frames.
pub const ETHERTYPE: u16 = 0x8906;
/// Version in the upper four bits of the header's first byte.
pub const VERSION: u8 = 0;
/// Bytes of an Ethernet header without a VLAN tag.
pub const ETHERNET_BYTES: usize = 14;
/// Bytes that FCoE puts around header and payload of a frame: its own header (14) and CRC with EOF (8).
pub const OVERHEAD: usize = 14 + 8;
/// Bytes of the largest FCoE frame, Ethernet header not counted: the MTU that full-size frames need.
pub const MAX_FRAME: usize = OVERHEAD + HEADER_BYTES + MAX_PAYLOAD;

/// An Ethernet address.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(transparent)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// No address; "to be given by the fabric" in a FIP login.
    pub const NONE: Self = Self([0; 6]);
    /// Where a login goes without FIP: the default FC-MAP and the address of the F_Port controller.
    pub const FLOGI: Self = Self::mapped(FcMap::FABRIC, PortId::FABRIC);

    /// The fabric-provided address (FPMA) of an N_Port: FC-MAP, then its N_Port_ID.
    pub const fn mapped(map: FcMap, id: PortId) -> Self {
        let ([a, b, c], [d, e, f]) = (map.0, id.to_bytes());
        Self([a, b, c, d, e, f])
    }

    /// The N_Port_ID of a fabric-provided address under `map`; `None` for any other address.
    pub fn mapped_id(self, map: FcMap) -> Option<PortId> {
        let [a, b, c, d, e, f] = self.0;
        if [a, b, c] == map.0 { Some(PortId::from_bytes([d, e, f])) } else { None }
    }

    /// Goes to a group (or to all).
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Can be the address of one station: neither zero nor a group's.
    pub fn is_station(self) -> bool {
        !self.is_group() && self != Self::NONE
    }
}

impl core::fmt::Display for Mac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl core::fmt::Debug for Mac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// FC-MAP: the upper half of fabric-provided addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct FcMap(pub [u8; 3]);

impl FcMap {
    /// The default of fabrics; up to 0EFCFFh they may choose.
    pub const FABRIC: Self = Self([0x0e, 0xfc, 0x00]);
    /// That of VN2VN.
    pub const VN2VN: Self = Self([0x0e, 0xfd, 0x00]);
}

/// What comes after the Ethernet header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Header {
    /// Upper four bits: [`VERSION`].
    pub version: u8,
    /// Zero, not looked at.
    pub reserved: [u8; 12],
    /// Start of frame.
    pub sof: Sof,
}
assert_size!(Header = 14);
assert_offset!(Header: sof = 13);

/// What comes after a frame's payload. An Ethernet frame may be padded behind it only when it is shorter than the least that
/// Ethernet carries, which no FCoE frame with its 46 bytes is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Trailer {
    /// CRC of header and payload (FC-FS-5 clause 11.4): the Ethernet CRC-32, whose bytes go out in the order of a
    /// little-endian integer.
    pub crc: U32,
    /// End of frame.
    pub eof: Eof,
    /// Zero, not looked at.
    pub reserved: [u8; 3],
}
assert_size!(Trailer = 8);
assert_offset!(Trailer: eof = 4);

impl Header {
    /// The header of a frame that begins so.
    pub const fn new(sof: Sof) -> Self {
        Self { version: VERSION << 4, reserved: [0; 12], sof }
    }
}

impl Trailer {
    /// The trailer of a frame with this CRC.
    pub const fn new(crc: u32, eof: Eof) -> Self {
        Self { crc: U32::new(crc), eof, reserved: [0; 3] }
    }
}

/// Why the bytes after an Ethernet header are no FCoE frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Shorter than the smallest frame, or longer than the largest.
    Length,
    /// Another version than ours.
    Version,
    /// Not a class 3 or class F start, or an end that says that the frame is bad.
    Delimiter,
}

/// Takes the bytes after an Ethernet header apart: the frame (header and payload), and the CRC that came with it, which is
/// not checked here ([`crate::fc::crc`] does).
///
/// # Errors
/// [`Fault`].
pub fn unwrap(bytes: &[u8]) -> Result<(&[u8], u32), Fault> {
    let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| Fault::Length)?;
    let (frame, trailer) = Trailer::ref_from_suffix(rest).map_err(|_| Fault::Length)?;
    if frame.len() < HEADER_BYTES || frame.len() > HEADER_BYTES + MAX_PAYLOAD {
        return Err(Fault::Length);
    }
    if header.version >> 4 != VERSION {
        return Err(Fault::Version);
    }
    if !matches!(header.sof, Sof::I3 | Sof::N3) || !trailer.eof.is_valid() {
        return Err(Fault::Delimiter);
    }
    Ok((frame, trailer.crc.get()))
}

/// The largest payload of a Fibre Channel frame on an Ethernet of this MTU: a multiple of four, at most 2,112; zero when not
/// even a header fits.
pub const fn payload_of_mtu(mtu: usize) -> usize {
    let room = mtu.saturating_sub(OVERHEAD + HEADER_BYTES) & !3;
    if room < MAX_PAYLOAD { room } else { MAX_PAYLOAD }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    fn wrapped(payload: usize) -> Vec<u8> {
        let mut bytes = Header::new(Sof::I3).as_bytes().to_vec();
        bytes.extend(std::vec![7; HEADER_BYTES + payload]);
        bytes.extend(Trailer::new(0x0102_0304, Eof::T).as_bytes());
        bytes
    }

    #[test]
    fn there_and_back() {
        for payload in [0, 4, 2112] {
            let bytes = wrapped(payload);
            assert_eq!(bytes[13], 0x2e);
            assert_eq!(bytes[bytes.len() - 8..], [4, 3, 2, 1, 0x42, 0, 0, 0]);
            assert_eq!(unwrap(&bytes), Ok((&bytes[14..bytes.len() - 8], 0x0102_0304)));
        }
    }

    #[test]
    fn what_is_no_frame() {
        let good = wrapped(0);
        for cut in 0..good.len() {
            assert_eq!(unwrap(&good[..cut]), Err(Fault::Length), "{cut}");
        }
        assert_eq!(unwrap(&wrapped(2116)), Err(Fault::Length));
        let with = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            bytes
        };
        assert_eq!(unwrap(&with(0, 0x10)), Err(Fault::Version));
        assert!(unwrap(&with(0, 0x0f)).is_ok() && unwrap(&with(5, 1)).is_ok());
        assert_eq!(unwrap(&with(13, 0)), Err(Fault::Delimiter));
        assert_eq!(unwrap(&with(good.len() - 4, Eof::NI.0)), Err(Fault::Delimiter));
    }

    #[test]
    fn addresses() {
        let mac = Mac::mapped(FcMap::FABRIC, PortId(0x010203));
        assert_eq!(mac.to_string(), "0e:fc:00:01:02:03");
        assert_eq!(mac.mapped_id(FcMap::FABRIC), Some(PortId(0x010203)));
        assert_eq!(mac.mapped_id(FcMap::VN2VN), None);
        assert_eq!(Mac::FLOGI.0, [0x0e, 0xfc, 0, 0xff, 0xff, 0xfe]);
        assert!(mac.is_station() && !Mac::NONE.is_station() && !Mac([1, 0, 0, 0, 0, 0]).is_station());
    }

    #[test]
    fn payload_by_mtu() {
        assert_eq!(payload_of_mtu(1500), 1452);
        assert_eq!(payload_of_mtu(2500), 2112);
        assert_eq!(payload_of_mtu(MAX_FRAME), 2112);
        assert_eq!(payload_of_mtu(MAX_FRAME - 1), 2108);
        assert_eq!(payload_of_mtu(10), 0);
    }
}
