//! SCR and RSCN. FC-LS-4 4.3.19 (RSCN) and 4.3.20 (SCR).

use super::Command;
use crate::fc::PortId;
use crate::{parse, parse_each};
use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

open_enum! {
    /// What a port wants to be told.
    pub enum ScrFunction: u8 {
        /// What the fabric detects.
        FABRIC = 0x01,
        /// What N_Ports detect.
        N_PORT = 0x02,
        /// Both.
        FULL = 0x03,
        /// Nothing any more.
        CLEAR = 0xff,
    }
}

/// SCR: 8 bytes. The accept is [`super::LsAcc`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Scr {
    /// [`Command::SCR`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 6],
    /// What to register for.
    pub function: ScrFunction,
}
assert_size!(Scr = 8);

impl Scr {
    /// Registers.
    pub const fn new(function: ScrFunction) -> Self {
        Self { command: Command::SCR, rsvd1: [0; 6], function }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 8] {
        transmute!(self)
    }
}

open_enum! {
    /// How much an RSCN page is about.
    pub enum AddressFormat: u8 {
        /// The one port.
        PORT = 0,
        /// All ports of the area.
        AREA = 1,
        /// All ports of the domain.
        DOMAIN = 2,
        /// The whole fabric.
        FABRIC = 3,
    }
}

open_enum! {
    /// What happened.
    pub enum EventQualifier: u8 {
        /// Not said.
        NONE = 0,
        /// A name server object changed.
        NAME_SERVER = 1,
        /// A port attribute changed.
        PORT_ATTRIBUTE = 2,
        /// A service object changed.
        SERVICE = 3,
        /// The configuration of a switch changed.
        SWITCH = 4,
        /// An object was removed.
        REMOVED = 5,
    }
}

/// One affected address: 4 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RscnPage {
    /// Bits 5:2 event qualifier, bits 1:0 address format.
    pub flags: u8,
    /// The address; the parts that the format leaves out are to be taken as any.
    pub port_id: [u8; 3],
}
assert_size!(RscnPage = 4);

impl RscnPage {
    /// A page.
    pub const fn new(event: EventQualifier, format: AddressFormat, port_id: PortId) -> Self {
        Self { flags: (event.0 & 0xf) << 2 | format.0 & 3, port_id: port_id.to_bytes() }
    }

    /// How much it is about.
    pub const fn format(&self) -> AddressFormat {
        AddressFormat(self.flags & 3)
    }

    /// What happened.
    pub const fn event(&self) -> EventQualifier {
        EventQualifier(self.flags >> 2 & 0xf)
    }

    /// The address.
    pub const fn port_id(&self) -> PortId {
        PortId::from_bytes(self.port_id)
    }

    /// Whether the page is about the port `id`.
    pub const fn affects(&self, id: PortId) -> bool {
        let page = self.port_id();
        match self.format() {
            AddressFormat::PORT => page.0 == id.0,
            AddressFormat::AREA => page.0 >> 8 == id.0 >> 8,
            AddressFormat::DOMAIN => page.0 >> 16 == id.0 >> 16,
            _ => true,
        }
    }
}

/// The head of an RSCN.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RscnHead {
    command: Command,
    page_bytes: u8,
    payload_bytes: U16,
}
assert_size!(RscnHead = 4);

/// A received RSCN: its pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rscn<'a>(&'a [RscnPage]);

impl<'a> Rscn<'a> {
    /// Reads an RSCN payload; `None` when a length is wrong (page length 4, payload length 4 more than the pages, at least
    /// one page, all of it there).
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let head: &RscnHead = parse(payload)?;
        let pages = payload.get(4..usize::from(head.payload_bytes.get()))?;
        let whole = head.page_bytes == 4 && !pages.is_empty() && pages.len() % 4 == 0;
        whole.then(|| Self(parse_each(pages)))
    }

    /// The affected addresses.
    pub const fn pages(self) -> &'a [RscnPage] {
        self.0
    }
}

/// Writes an RSCN payload into `out` and answers with its length; `None` when there are no pages, or more than `out` or the
/// length field has room for.
pub fn write_rscn(out: &mut [u8], pages: &[RscnPage]) -> Option<usize> {
    let length = 4 + 4 * pages.len();
    let payload_bytes = U16::new(u16::try_from(length).ok()?);
    if pages.is_empty() {
        return None;
    }
    let out = out.get_mut(..length)?;
    let head = RscnHead { command: Command::RSCN, page_bytes: 4, payload_bytes };
    out[..4].copy_from_slice(head.as_bytes());
    out[4..].copy_from_slice(pages.as_bytes());
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fc::els::{Reject, Request};

    #[test]
    fn scr() {
        let bytes = Scr::new(ScrFunction::FULL).to_bytes();
        assert_eq!(bytes, [0x62, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(Request::parse(&bytes), Ok(Request::Scr(ScrFunction::FULL)));
    }

    #[test]
    fn rscn() {
        let pages = [
            RscnPage::new(EventQualifier::NAME_SERVER, AddressFormat::PORT, PortId(0x010203)),
            RscnPage::new(EventQualifier::NONE, AddressFormat::DOMAIN, PortId(0x020000)),
        ];
        let mut out = [0xee; 16];
        assert_eq!(write_rscn(&mut out, &pages), Some(12));
        assert_eq!(&out[..13], &[0x61, 4, 0, 12, 4, 1, 2, 3, 2, 2, 0, 0, 0xee]);
        let Ok(Request::Rscn(back)) = Request::parse(&out[..12]) else { panic!("not an RSCN") };
        assert_eq!(back.pages(), &pages);
        assert_eq!(back.pages()[0].event(), EventQualifier::NAME_SERVER);
        assert_eq!(write_rscn(&mut out[..11], &pages), None);
        assert_eq!(write_rscn(&mut out, &[]), None);
    }

    #[test]
    fn lengths() {
        let bad: [&[u8]; 6] = [
            &[0x61, 4, 0, 8, 0, 0, 0],
            &[0x61, 4, 0, 4, 0, 0, 0, 0],
            &[0x61, 4, 0, 3, 0, 0, 0, 0],
            &[0x61, 4, 0, 7, 0, 0, 0, 0],
            &[0x61, 8, 0, 8, 0, 0, 0, 0],
            &[0x61, 4],
        ];
        for payload in bad {
            assert_eq!(Request::parse(payload), Err(Reject::INVALID_LENGTH), "{payload:?}");
        }
    }

    #[test]
    fn whom_it_concerns() {
        let id = PortId(0x010203);
        let page = |format, port_id| RscnPage::new(EventQualifier::NONE, format, PortId(port_id));
        assert!(page(AddressFormat::PORT, 0x010203).affects(id) && !page(AddressFormat::PORT, 0x010204).affects(id));
        assert!(page(AddressFormat::AREA, 0x010200).affects(id) && !page(AddressFormat::AREA, 0x010300).affects(id));
        assert!(
            page(AddressFormat::DOMAIN, 0x010000).affects(id) && !page(AddressFormat::DOMAIN, 0x020000).affects(id)
        );
        assert!(page(AddressFormat::FABRIC, 0).affects(id));
    }
}
