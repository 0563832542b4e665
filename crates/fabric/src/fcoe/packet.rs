//! Ethernet frames of FCoE and FIP: taken apart and put together.

use fc::Frame;
use wire::fc::sof_eof;
use wire::fcoe::{self, ETHERNET_BYTES, Mac};
use wire::{IntoBytes, fip};

/// The least that an Ethernet frame has, its check sequence not counted.
const LEAST: usize = 60;

/// What an Ethernet frame carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// The bytes of a FIP message, padding included.
    Fip(&'a [u8]),
    /// Those of an FCoE frame.
    Fcoe(&'a [u8]),
}

/// An Ethernet frame of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub to: Mac,
    pub from: Mac,
    pub body: Body<'a>,
}

impl<'a> Packet<'a> {
    /// `None` when it is too short, of another EtherType, or from what can be no station.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<ETHERNET_BYTES>()?;
        let (to, from) = (Mac(*header.first_chunk()?), Mac(*header[6..].first_chunk()?));
        let body = match u16::from_be_bytes([header[12], header[13]]) {
            fip::ETHERTYPE => Body::Fip(rest),
            fcoe::ETHERTYPE => Body::Fcoe(rest),
            _ => return None,
        };
        from.is_station().then_some(Self { to, from, body })
    }
}

fn put_ethernet(slot: &mut [u8], to: Mac, from: Mac, ethertype: u16) {
    slot[..6].copy_from_slice(&to.0);
    slot[6..12].copy_from_slice(&from.0);
    slot[12..ETHERNET_BYTES].copy_from_slice(&ethertype.to_be_bytes());
}

/// Writes a FIP message, padded to what an Ethernet carries at least; returns its length.
pub(super) fn put_fip(slot: &mut [u8], to: Mac, from: Mac, write: impl FnOnce(&mut [u8]) -> usize) -> usize {
    put_ethernet(slot, to, from, fip::ETHERTYPE);
    let end = ETHERNET_BYTES + write(&mut slot[ETHERNET_BYTES..]);
    let padded = end.max(LEAST);
    slot[end..padded].fill(0);
    padded
}

/// Writes a frame with its delimiters and CRC; returns the length.
#[inline]
pub(super) fn put_frame(slot: &mut [u8], to: Mac, from: Mac, frame: &Frame) -> usize {
    put_ethernet(slot, to, from, fcoe::ETHERTYPE);
    let (sof, eof) = sof_eof(frame.header());
    let bytes = frame.bytes();
    let start = ETHERNET_BYTES + size_of::<fcoe::Header>();
    let end = start + bytes.len();
    slot[ETHERNET_BYTES..start].copy_from_slice(fcoe::Header::new(sof).as_bytes());
    slot[start..end].copy_from_slice(bytes);
    let trailer = fcoe::Trailer::new(wire::fc::crc(bytes), eof);
    let length = end + size_of::<fcoe::Trailer>();
    slot[end..length].copy_from_slice(trailer.as_bytes());
    length
}
