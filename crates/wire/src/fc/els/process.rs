//! PRLI, PRLO, TPRLO: services made of pages, one for an FC-4 type. FC-LS-4 4.3.21 to 4.3.23; the FCP page FCP-4 6.3, the
//! NVMe page FC-NVMe-2 (process login).

use super::Command;
use crate::fc::{PortId, Type};
use crate::parse;
use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// First word of PRLI, PRLO, TPRLO and their accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ProcessHeader {
    /// The request, or [`Command::LS_ACC`].
    pub command: Command,
    /// Length of each page.
    pub page_bytes: u8,
    /// Length of the payload, this word included.
    pub payload_bytes: U16,
}
assert_size!(ProcessHeader = 4);

open_enum! {
    /// Outcome for one page, in an accept.
    pub enum PageResponse: u8 {
        /// In a request; not a response.
        NONE = 0,
        /// Done.
        EXECUTED = 1,
        /// No resources.
        NO_RESOURCES = 2,
        /// The image is not initialized yet; try again.
        NOT_INITIALIZED = 3,
        /// No such process associator.
        UNKNOWN_ASSOCIATOR = 4,
        /// Not with this configuration: the pair is not allowed.
        PRECLUDED = 5,
        /// Done, but with other parameters than asked for.
        CONDITIONAL = 6,
        /// Only one page at a time.
        ONE_PAGE_ONLY = 7,
        /// The page is not valid.
        INVALID_PAGE = 8,
    }
}

bitfield! {
    /// Third and fourth byte of a page.
    pub struct PageFlags(u16) {
        flags {
            /// The originator process associator is valid.
            originator_valid, with_originator_valid = 15;
            /// The responder process associator is valid.
            responder_valid, with_responder_valid = 14;
            /// PRLI: make an image pair (otherwise only exchange parameters). TPRLO: the third party address is valid.
            establish_pair, with_establish_pair = 13;
            /// TPRLO: log out all image pairs.
            global, with_global = 12;
        }
        fields {
            /// Response code ([`PageResponse`]).
            response_code, with_response_code: u8 = 8, 4;
        }
    }
}

bitfield! {
    /// FCP service parameters, word 3 of the page. FCP-4 6.3.4.
    pub struct FcpParams(u32) {
        flags {
            /// Enhanced discovery.
            enhanced_discovery, with_enhanced_discovery = 11;
            /// REC is supported.
            rec, with_rec = 10;
            /// Task retry identification is asked for.
            task_retry_id, with_task_retry_id = 9;
            /// Retransmission of sequences (FCP-2 error recovery).
            retry, with_retry = 8;
            /// FCP_CONF is understood.
            confirmed_completion, with_confirmed_completion = 7;
            /// Data may be sent to the same place twice.
            data_overlay, with_data_overlay = 6;
            /// Initiator function.
            initiator, with_initiator = 5;
            /// Target function.
            target, with_target = 4;
            /// No XFER_RDY for reads (always set).
            read_xfer_rdy_disabled, with_read_xfer_rdy_disabled = 1;
            /// No XFER_RDY for the first burst of writes.
            write_xfer_rdy_disabled, with_write_xfer_rdy_disabled = 0;
        }
        fields {}
    }
}

bitfield! {
    /// NVMe service parameters, word 3 of the page. FC-NVMe-2, PRLI.
    pub struct NvmeParams(u32) {
        flags {
            /// Protection information control.
            pi_control, with_pi_control = 9;
            /// Sequence level error recovery.
            sler, with_sler = 8;
            /// NVMe_CONF is understood.
            confirmed_completion, with_confirmed_completion = 7;
            /// Initiator function.
            initiator, with_initiator = 5;
            /// Target function.
            target, with_target = 4;
            /// A discovery controller is there.
            discovery, with_discovery = 3;
            /// First burst is supported; its size is in the fifth word of the page.
            first_burst, with_first_burst = 0;
        }
        fields {}
    }
}

/// One page of PRLI or PRLO, in host values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// The FC-4 type.
    pub type_: Type,
    /// Type code extension, 0.
    pub type_extension: u8,
    /// Flags and response code.
    pub flags: PageFlags,
    /// Originator process associator.
    pub originator: u32,
    /// Responder process associator.
    pub responder: u32,
    /// Service parameters (PRLO: reserved): [`FcpParams`] or [`NvmeParams`].
    pub params: u32,
    /// Fifth word, when the pages have 20 bytes. NVMe: the first burst size in units of 512 bytes in bits 15:0.
    pub word4: Option<u32>,
}

impl Page {
    /// PRLI page for FCP: make an image pair.
    pub const fn fcp(params: FcpParams) -> Self {
        Self::request(Type::FCP, params.0, None)
    }

    /// PRLI page for NVMe: make an image pair; 20 bytes.
    pub const fn nvme(params: NvmeParams, first_burst_units: u16) -> Self {
        Self::request(Type::NVME, params.0, Some(first_burst_units as u32))
    }

    /// PRLO page for an FC-4 type.
    pub const fn logout(type_: Type) -> Self {
        let mut page = Self::request(type_, 0, None);
        page.flags = PageFlags(0);
        page
    }

    const fn request(type_: Type, params: u32, word4: Option<u32>) -> Self {
        let flags = PageFlags(0).with_establish_pair(true);
        Self { type_, type_extension: 0, flags, originator: 0, responder: 0, params, word4 }
    }

    /// The page of an accept with this outcome: the same type and flags.
    #[must_use]
    pub const fn respond(mut self, response: PageResponse, params: u32) -> Self {
        self.flags = self.flags.with_response_code(response.0);
        self.params = params;
        self
    }

    /// Outcome, in an accept.
    pub const fn response(&self) -> PageResponse {
        PageResponse(self.flags.response_code())
    }

    /// Service parameters, read as FCP's.
    pub const fn fcp_params(&self) -> FcpParams {
        FcpParams(self.params)
    }

    /// Service parameters, read as NVMe's.
    pub const fn nvme_params(&self) -> NvmeParams {
        NvmeParams(self.params)
    }

    /// NVMe: first burst size in bytes; 0 when it is not supported.
    pub fn first_burst_bytes(&self) -> u32 {
        let units = self.word4.filter(|_| self.nvme_params().first_burst()).unwrap_or(0);
        (units & 0xffff) * 512
    }
}

/// One page of TPRLO: 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ThirdPartyPage {
    /// The FC-4 type.
    pub type_: Type,
    /// Type code extension, 0.
    pub type_extension: u8,
    /// See [`PageFlags`].
    pub flags: U16,
    /// Third party originator process associator.
    pub originator: U32,
    /// Responder process associator.
    pub responder: U32,
    /// Reserved.
    pub rsvd12: u8,
    /// Address of the third party: the port that is to be logged out.
    pub port_id: [u8; 3],
}
assert_size!(ThirdPartyPage = 16);

impl ThirdPartyPage {
    /// The same page as read by [`Pages`].
    pub fn of(page: &Page) -> Self {
        let [rsvd12, port_id @ ..] = page.params.to_be_bytes();
        Self {
            type_: page.type_,
            type_extension: page.type_extension,
            flags: U16::new(page.flags.0),
            originator: U32::new(page.originator),
            responder: U32::new(page.responder),
            rsvd12,
            port_id,
        }
    }

    /// The port that is to be logged out, when the page names one.
    pub const fn port_id(&self) -> Option<PortId> {
        let named = PageFlags(self.flags.get()).establish_pair();
        if named { Some(PortId::from_bytes(self.port_id)) } else { None }
    }

    /// All image pairs are to be logged out.
    pub const fn global(&self) -> bool {
        PageFlags(self.flags.get()).global()
    }
}

/// The pages of a received PRLI, PRLO, TPRLO, or of an accept of one: an iterator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pages<'a> {
    rest: &'a [u8],
    page_bytes: usize,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawPage {
    type_: Type,
    type_extension: u8,
    flags: U16,
    originator: U32,
    responder: U32,
    params: U32,
}
assert_size!(RawPage = 16);

impl<'a> Pages<'a> {
    /// Reads a payload; `None` when its lengths do not add up (pages of at least 16 bytes, a multiple of 4; at least one;
    /// the payload length 4 more than the pages; all of it there).
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let head: &ProcessHeader = parse(payload)?;
        let page_bytes = usize::from(head.page_bytes);
        let rest = payload.get(4..usize::from(head.payload_bytes.get()))?;
        let whole = page_bytes >= 16 && page_bytes % 4 == 0 && !rest.is_empty() && rest.len() % page_bytes == 0;
        whole.then_some(Self { rest, page_bytes })
    }

    /// Length of each page.
    pub const fn page_bytes(&self) -> usize {
        self.page_bytes
    }
}

impl Iterator for Pages<'_> {
    type Item = Page;

    fn next(&mut self) -> Option<Page> {
        let (page, rest) = self.rest.split_at_checked(self.page_bytes)?;
        self.rest = rest;
        let raw: &RawPage = parse(page)?;
        Some(Page {
            type_: raw.type_,
            type_extension: raw.type_extension,
            flags: PageFlags(raw.flags.get()),
            originator: raw.originator.get(),
            responder: raw.responder.get(),
            params: raw.params.get(),
            word4: page.get(16..).and_then(parse::<U32>).map(|word| word.get()),
        })
    }
}

/// Writes a payload with pages into `out` and answers with its length. Pages have 20 bytes when any has a fifth word,
/// otherwise 16. `None` when there are no pages, or more than `out` or the length field has room for.
pub fn write_pages(out: &mut [u8], command: Command, pages: &[Page]) -> Option<usize> {
    let page_bytes: u8 = if pages.iter().any(|page| page.word4.is_some()) { 20 } else { 16 };
    let length = 4 + usize::from(page_bytes) * pages.len();
    let payload_bytes = U16::new(u16::try_from(length).ok()?);
    if pages.is_empty() {
        return None;
    }
    let (head, body) = out.get_mut(..length)?.split_at_mut(4);
    head.copy_from_slice(ProcessHeader { command, page_bytes, payload_bytes }.as_bytes());
    for (page, out) in pages.iter().zip(body.chunks_exact_mut(usize::from(page_bytes))) {
        write_page(out, page);
    }
    Some(length)
}

fn write_page(out: &mut [u8], page: &Page) {
    let [flags, reserved] = page.flags.0.to_be_bytes();
    let words = [page.originator, page.responder, page.params, page.word4.unwrap_or(0)];
    let (first, rest) = out.split_at_mut(4);
    first.copy_from_slice(&[page.type_.0, page.type_extension, flags, reserved]);
    for (word, out) in words.iter().zip(rest.chunks_exact_mut(4)) {
        out.copy_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fc::els::{Reject, Request};

    #[test]
    fn fcp_page() {
        let params =
            FcpParams(0).with_initiator(true).with_read_xfer_rdy_disabled(true).with_confirmed_completion(true);
        let mut out = [0; 64];
        assert_eq!(write_pages(&mut out, Command::PRLI, &[Page::fcp(params)]), Some(20));
        let expected = [0x20, 16, 0, 20, 8, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa2];
        assert_eq!(&out[..20], &expected);
        let Ok(Request::Prli(mut pages)) = Request::parse(&out[..20]) else { panic!("not a PRLI") };
        let page = pages.next().unwrap();
        assert_eq!(page, Page::fcp(params));
        assert!(page.fcp_params().initiator() && !page.fcp_params().target() && page.flags.establish_pair());
        assert!(pages.next().is_none());
    }

    #[test]
    fn nvme_page() {
        let params = NvmeParams(0).with_target(true).with_discovery(true).with_first_burst(true);
        let page = Page::nvme(params, 128).respond(PageResponse::EXECUTED, params.0);
        let mut out = [0; 64];
        assert_eq!(write_pages(&mut out, Command::LS_ACC, &[page]), Some(24));
        let expected = [2, 20, 0, 24, 0x28, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x19, 0, 0, 0, 128];
        assert_eq!(&out[..24], &expected);
        let back = Pages::parse(&out[..24]).unwrap().next().unwrap();
        assert_eq!((back.response(), back.first_burst_bytes()), (PageResponse::EXECUTED, 65536));
        // The 16-byte form of the page has no room for the first burst size.
        let short = [0x20, 16, 0, 20, 0x28, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x21];
        let page = Pages::parse(&short).unwrap().next().unwrap();
        assert_eq!((page.word4, page.first_burst_bytes(), page.nvme_params().initiator()), (None, 0, true));
    }

    #[test]
    fn several_pages() {
        let pages = [Page::logout(Type::FCP), Page::logout(Type::NVME)];
        let mut out = [0; 36];
        assert_eq!(write_pages(&mut out, Command::PRLO, &pages), Some(36));
        assert_eq!(&out[..8], &[0x21, 16, 0, 36, 8, 0, 0, 0]);
        let Ok(Request::Prlo(back)) = Request::parse(&out) else { panic!("not a PRLO") };
        assert!(back.eq(pages));
        assert_eq!(write_pages(&mut out[..35], Command::PRLO, &pages), None);
        assert_eq!(write_pages(&mut out, Command::PRLO, &[]), None);
    }

    #[test]
    fn third_party() {
        let bytes = [0x24, 16, 0, 20, 8, 0, 0x30, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 2, 3];
        let Ok(Request::Tprlo(mut pages)) = Request::parse(&bytes) else { panic!("not a TPRLO") };
        let page = ThirdPartyPage::of(&pages.next().unwrap());
        assert_eq!((page.port_id(), page.global()), (Some(PortId(0x010203)), true));
        assert_eq!((page.originator.get(), page.responder.get()), (1, 2));
        assert_eq!(page.as_bytes(), &bytes[4..]);
    }

    #[test]
    fn lengths() {
        let mut payload = [0u8; 40];
        payload[0] = 0x20;
        for (page, total) in [(0, 20), (16, 4), (16, 3), (16, 0), (16, 24), (12, 16), (18, 22), (16, 36 + 16), (15, 19)]
        {
            payload[1] = page;
            payload[3] = total;
            assert_eq!(Request::parse(&payload), Err(Reject::INVALID_LENGTH), "{page} {total}");
        }
        payload[1] = 36;
        payload[3] = 40;
        assert!(Request::parse(&payload).is_ok());
    }
}
