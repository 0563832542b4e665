//! Requests and replies of link services: whole sequences of one or more frames. The control path: it allocates.

use super::exchange::{Exchange, State};
use super::upcall::information;
use super::{Fc2, Payload, Route, Upcall};
use crate::{FrameBox, Xid};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type};

/// A sequence on its way out.
pub(super) struct Outgoing {
    bytes: Box<[u8]>,
    sent: usize,
}

/// A sequence of several frames that is coming.
#[derive(Default)]
pub(super) struct Incoming {
    /// What came, by SEQ_CNT.
    parts: Vec<(u16, Box<[u8]>)>,
    bytes: usize,
    /// How many frames there are, once the last has come.
    count: Option<usize>,
}

impl Outgoing {
    pub fn new(bytes: &[u8]) -> Box<Self> {
        Box::new(Self { bytes: bytes.into(), sent: 0 })
    }
}

impl Incoming {
    /// Takes in a frame. Twice the same is once. `false`: more than `most` bytes.
    fn take(&mut self, frame: &FrameBox, most: usize) -> bool {
        let header = frame.header();
        let place = self.parts.partition_point(|part| part.0 < header.seq_cnt());
        if self.parts.get(place).is_some_and(|part| part.0 == header.seq_cnt()) {
            return true;
        }
        let part = information(header, frame.payload());
        self.bytes += part.len();
        self.parts.insert(place, (header.seq_cnt(), part.into()));
        if header.f_ctl().end_sequence() {
            self.count = Some(usize::from(header.seq_cnt()) + 1);
        }
        self.bytes <= most && self.parts.len() <= most / 64 + 1
    }

    /// All of it, when all of it is here.
    fn joined(&self) -> Option<Box<[u8]>> {
        (self.count == Some(self.parts.len()))
            .then(|| self.parts.iter().flat_map(|part| &part.1[..]).copied().collect())
    }
}

/// Which R_CTL a reply has.
pub(super) fn reply_to(r_ctl: RCtl) -> RCtl {
    match r_ctl {
        RCtl::ELS_REQUEST => RCtl::ELS_REPLY,
        RCtl::FC4_LS_REQUEST => RCtl::FC4_LS_REPLY,
        _ => RCtl::SOLICITED_CONTROL,
    }
}

impl Fc2 {
    /// The first or a further frame of a request.
    pub(super) fn on_request(&mut self, frame: FrameBox, known: Option<u16>) {
        let header = *frame.header();
        let place = match known {
            Some(place) if self.table.at(place).state == State::Gathering => place,
            Some(_) => return self.stray(frame),
            None => match self.begin_request(&header) {
                Some(place) => place,
                None => return self.refuse(frame),
            },
        };
        if let Some(payload) = self.gather(place, frame) {
            let exchange = self.table.at_mut(place);
            exchange.state = State::Asked;
            let (r_ctl, type_, ox_id) = (exchange.r_ctl, exchange.type_, exchange.theirs);
            let Route { local, remote, .. } = exchange.route;
            self.wheel.clear(place);
            let xid = self.table.xid(place);
            self.upcalls.push_back(Upcall::Request { xid, local, remote, r_ctl, type_, payload, ox_id });
        }
    }

    fn begin_request(&mut self, header: &FrameHeader) -> Option<u16> {
        let route = super::arrive::route_back(header);
        let place = self.table.take()?;
        let exchange = self.table.at_mut(place);
        exchange.begin(State::Gathering, false, route, header.r_ctl, header.type_, header.ox_id());
        exchange.fc4 = super::arrive::fc4_of_type(header.type_);
        self.table.remember(place);
        self.counters.answered += 1;
        Some(place)
    }

    /// A frame of the reply to a request of ours.
    pub(super) fn on_reply(&mut self, place: u16, frame: FrameBox) {
        let (header, exchange) = (*frame.header(), self.table.at_mut(place));
        if header.r_ctl != reply_to(exchange.r_ctl) || header.type_ != exchange.type_ {
            return self.stray(frame);
        }
        if let Some(payload) = self.gather(place, frame) {
            self.end_request(place, Ok(payload), (header.d_id(), header.s_id()));
            self.release(place);
        }
    }

    /// The whole sequence, once its last frame is there.
    fn gather(&mut self, place: u16, frame: FrameBox) -> Option<Payload> {
        let (header, now) = (*frame.header(), self.now);
        let exchange = self.table.at_mut(place);
        if exchange.incoming.is_none() && header.seq_cnt() == 0 && header.f_ctl().end_sequence() {
            return Some(Payload::Frame(frame));
        }
        let most = self.limits.max_message as usize;
        let incoming = exchange.incoming.get_or_insert_default();
        let fits = incoming.take(&frame, most);
        let joined = incoming.joined().filter(|_| fits);
        if fits && joined.is_none() {
            let deadline = (now + self.limits.e_d_tov).min(exchange.expires);
            self.wheel.set(place, deadline);
        } else if !fits {
            self.counters.errors += 1;
        }
        if !fits || joined.is_some() {
            exchange.incoming = None;
        }
        self.frames.give(frame);
        joined.map(Payload::Joined)
    }

    /// Tells who asked. The place is to be freed or to be aborted.
    pub(super) fn end_request(
        &mut self,
        place: u16,
        result: Result<Payload, super::Failure>,
        (local, remote): (PortId, PortId),
    ) {
        let exchange = self.table.at_mut(place);
        exchange.outgoing = None;
        exchange.incoming = None;
        let context = exchange.context;
        if !std::mem::replace(&mut exchange.silent, true) {
            self.upcalls.push_back(Upcall::Reply { context, local, remote, result });
        } else if let Ok(payload) = result {
            self.recycle(payload);
        }
    }

    /// Answers [`Upcall::Request`] with frames of at most `max_payload`; the exchange is over. A stale name is ignored.
    pub fn answer(&mut self, xid: Xid, max_payload: u16, payload: &[u8]) {
        let Some(place) = self.table.place(xid) else { return };
        let exchange = self.table.at_mut(place);
        if exchange.state == State::Asked {
            exchange.state = State::Answering;
            exchange.route.max_payload = max_payload;
            exchange.outgoing = Some(Outgoing::new(payload));
            exchange.begin_sequence();
            self.ready.push(place);
        }
    }

    /// The next frame of a request or of an answer.
    pub(super) fn message_frame(&mut self, place: u16) -> Option<FrameBox> {
        let mut frame = self.frames.take()?;
        let exchange = self.table.at_mut(place);
        let mut outgoing = exchange.outgoing.take().expect("who sends a message has one");
        let rest = &outgoing.bytes[outgoing.sent..];
        let part = &rest[..rest.len().min(usize::from(exchange.route.max_payload) & !3)];
        let last = part.len() == rest.len();
        let (r_ctl, type_, f_ctl) = message_header(exchange, last);
        let header = exchange.header(r_ctl, type_, f_ctl);
        super::send::fill(&mut frame, &header, part);
        outgoing.sent += part.len();
        if !last {
            exchange.outgoing = Some(outgoing);
        } else if exchange.state == State::Answering {
            self.release(place);
        }
        Some(frame)
    }
}

fn message_header(exchange: &Exchange, last: bool) -> (RCtl, Type, FCtl) {
    let f_ctl = FCtl::default().with_end_sequence(last);
    if exchange.originator {
        let f_ctl = f_ctl.with_first_sequence(true).with_transfer_initiative(last);
        return (exchange.r_ctl, exchange.type_, f_ctl);
    }
    (reply_to(exchange.r_ctl), exchange.type_, f_ctl.with_last_sequence(true))
}
