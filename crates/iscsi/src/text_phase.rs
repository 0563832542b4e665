//! Text requests of the full feature phase: SendTargets (RFC 7143 appendix C), and the one key that may change then.
//!
//! How the port drives it: one [`TextPhase`] for each connection; each text request goes to [`TextPhase::request`].
//! - Limits: one exchange at a time on a connection; a new one (reserved target transfer tag) ends the old one, as 11.10 says.

use crate::directory::{Directory, TargetRecord, Visitor};
use crate::keys::{self, Id, Kind, Rule};
use crate::login::{Agreement, SessionKind};
use crate::text::{self, Collector, Pair, Parts, Writer};
use crate::{limits, name, negotiation};

/// The tag of an exchange that begins or is over.
pub const RESERVED: u32 = 0xffff_ffff;

/// Bytes of one response at most, however much the initiator would take.
const SEGMENT: usize = 256 << 10;

/// A text request PDU without its opcode (11.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request<'a> {
    /// The F bit.
    pub last: bool,
    /// The C bit.
    pub more: bool,
    /// Initiator task tag.
    pub itt: u32,
    /// Target transfer tag: FFFFFFFFh for a new exchange.
    pub ttt: u32,
    /// The data segment, without padding.
    pub text: &'a [u8],
}

/// A text response PDU without its opcode (11.11). The port adds LUN 0 and the sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The F bit.
    pub last: bool,
    /// The C bit.
    pub more: bool,
    /// The request's.
    pub itt: u32,
    /// FFFFFFFFh when `last`.
    pub ttt: u32,
    /// The data segment, without padding; never longer than the initiator's MaxRecvDataSegmentLength.
    pub text: Vec<u8>,
}

/// What the port does after a text request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this. If `Agreement::parameters.max_send_data_segment_length` changed, it is used from now on.
    Send(Response),
    /// Send a Reject with reason 04h, "protocol error" (the exchange is forgotten).
    Reject,
}

/// The text exchange of a connection, if one is under way.
#[derive(Debug, Default)]
pub struct TextPhase {
    collector: Collector,
    parts: Parts,
    /// ITT and TTT of the exchange.
    open: Option<(u32, u32)>,
    last_ttt: u32,
    /// MaxRecvDataSegmentLength was declared in this exchange.
    declared: bool,
}

impl TextPhase {
    /// A text request came on the connection of `agreement`.
    pub fn request(&mut self, request: &Request<'_>, agreement: &mut Agreement, directory: &dyn Directory) -> Step {
        if request.ttt == RESERVED {
            self.reset();
        }
        let known = request.ttt == RESERVED || self.open == Some((request.itt, request.ttt));
        if !known || (request.last && request.more) {
            self.reset();
            return Step::Reject;
        }
        match self.exchange(request, agreement, directory) {
            Some(response) => Step::Send(response),
            None => {
                self.reset();
                Step::Reject
            }
        }
    }

    /// The port forgets a text exchange (the connection is cleaned up).
    pub fn reset(&mut self) {
        *self = TextPhase { last_ttt: self.last_ttt, ..TextPhase::default() };
    }

    fn exchange(
        &mut self,
        request: &Request<'_>,
        agreement: &mut Agreement,
        directory: &dyn Directory,
    ) -> Option<Response> {
        if self.parts.is_more() {
            return (request.text.is_empty() && !request.more).then(|| self.reply(request, agreement));
        }
        if let Some(whole) = self.collector.add(request.text, request.more).ok()? {
            let mut out = Writer::default();
            for pair in text::pairs(&whole).ok()? {
                self.pair(pair, agreement, directory, &mut out)?;
            }
            self.parts = Parts::new(out.finish());
        }
        Some(self.reply(request, agreement))
    }

    fn reply(&mut self, request: &Request<'_>, agreement: &Agreement) -> Response {
        let limit = agreement.parameters.max_send_data_segment_length as usize;
        let (text, more) = self.parts.next(limit.min(SEGMENT));
        let last = request.last && !more;
        let ttt = if last { RESERVED } else { self.tag() };
        self.open = (!last).then_some((request.itt, ttt));
        self.declared &= !last;
        Response { last, more, itt: request.itt, ttt, text }
    }

    /// The next tag, never the reserved one.
    fn tag(&mut self) -> u32 {
        self.last_ttt = self.last_ttt.wrapping_add(1) & 0x7fff_ffff;
        self.last_ttt
    }

    /// One pair; nothing if it is a protocol error.
    fn pair(
        &mut self,
        Pair { key, value }: Pair<'_>,
        agreement: &mut Agreement,
        directory: &dyn Directory,
        out: &mut Writer,
    ) -> Option<()> {
        match keys::kind(key) {
            Kind::SendTargets => send_targets(value, agreement, directory, out),
            Kind::Operational(known) if known.id == Id::MaxRecvDataSegmentLength => {
                let Rule::Declared { least, greatest } = known.rule else { return None };
                let again = std::mem::replace(&mut self.declared, true);
                let length = negotiation::within(value, least, greatest).filter(|_| !again)?;
                agreement.parameters.max_send_data_segment_length = length;
            }
            Kind::Identity(keys::Identity::InitiatorAlias) if value.len() <= limits::VALUE => {
                agreement.initiator_alias = Some(value.to_owned());
            }
            Kind::Unknown if value == "NotUnderstood" => {}
            Kind::Unknown => out.pair(key, "NotUnderstood"),
            Kind::Obsolete(answer) => out.pair(key, answer),
            // Keys of login.
            Kind::Operational(_) | Kind::Security => out.pair(key, "Reject"),
            Kind::Identity(_) | Kind::Targets => return None,
        }
        Some(())
    }
}

/// `All` in a discovery session, a name in either, nothing in a normal one: the rest is refused.
fn send_targets(value: &str, agreement: &Agreement, directory: &dyn Directory, out: &mut Writer) {
    let wanted = match (&agreement.kind, value) {
        (SessionKind::Discovery, "") | (SessionKind::Normal { .. }, "All") => None,
        (SessionKind::Discovery, "All") => Some(None),
        (SessionKind::Discovery, named) => name::normalise(named).map(Some),
        (SessionKind::Normal { target }, "") => Some(Some(target.clone())),
        (SessionKind::Normal { target }, named) => name::normalise(named).filter(|named| named == target).map(Some),
    };
    let Some(wanted) = wanted else { return out.pair("SendTargets", "Reject") };
    let visitor =
        Visitor { initiator: &agreement.initiator, address: agreement.peer.address, portal: agreement.peer.portal };
    let records = directory.targets(&visitor);
    let fits = |record: &&TargetRecord| wanted.as_ref().is_none_or(|name| record.name.eq_ignore_ascii_case(name));
    records.iter().filter(fits).for_each(|record| write(record, out));
}

/// TargetAddress as `address:port,tag`; IPv6 addresses in brackets (13.8).
fn write(record: &TargetRecord, out: &mut Writer) {
    out.pair("TargetName", &record.name);
    for (address, tag) in &record.portals {
        out.pair("TargetAddress", &format!("{address},{tag}"));
    }
}
