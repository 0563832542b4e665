//! What a frame that came is for.

use super::exchange::State;
use super::{Fc2, Route};
use crate::{Fc4, FrameBox};
use ring::Tick;
use wire::fc::{FrameHeader, RCtl, Type, UNASSIGNED};

/// How to answer a frame of somebody of whom nothing else is known.
pub(super) fn route_back(header: &FrameHeader) -> Route {
    Route { local: header.d_id(), remote: header.s_id(), max_payload: wire::fc::MIN_PAYLOAD as u16 }
}

/// Whose link services have this type.
pub(super) fn fc4_of_type(type_: Type) -> Option<Fc4> {
    match type_ {
        Type::FCP => Some(Fc4::Fcp),
        Type::NVME => Some(Fc4::Nvme),
        _ => None,
    }
}

impl Fc2 {
    /// Takes in a frame that came.
    pub fn arrive(&mut self, frame: FrameBox, now: Tick) {
        self.now = now;
        self.counters.frames_in += 1;
        self.counters.bytes_in += frame.payload().len() as u64;
        let header = frame.header();
        match header.r_ctl.routing() {
            0x0 | 0x2 | 0x3 if header.f_ctl().exchange_responder() => self.on_responder(frame),
            0x0 | 0x2 | 0x3 => self.on_originator(frame),
            0x8 => self.on_basic(frame),
            0xc => self.on_link_control(frame),
            _ => self.malformed(frame),
        }
    }

    /// A frame of an exchange that we began.
    #[inline]
    fn on_responder(&mut self, frame: FrameBox) {
        let header = *frame.header();
        let Some(place) = self.find_ours(&header) else { return self.stray(frame) };
        let exchange = self.table.at_mut(place);
        match exchange.state {
            State::Asking => {
                exchange.theirs = header.rx_id();
                self.on_reply(place, frame);
            }
            State::Commanding if exchange.begun => {
                exchange.theirs = header.rx_id();
                self.on_command_frame(place, frame);
            }
            _ => self.stray(frame),
        }
    }

    /// Where the exchange is that we began and that a frame of its responder is for.
    #[inline]
    pub(super) fn find_ours(&self, header: &FrameHeader) -> Option<u16> {
        let place = self.table.find(header.ox_id())?;
        let exchange = self.table.at(place);
        let known = exchange.theirs == UNASSIGNED || exchange.theirs == header.rx_id();
        (exchange.originator && known && exchange.is_between(header.d_id(), header.s_id())).then_some(place)
    }

    /// Where the exchange is that a peer began and that a frame of it is for.
    #[inline]
    pub(super) fn find_theirs(&self, header: &FrameHeader) -> Option<u16> {
        let (local, remote, ox_id) = (header.d_id(), header.s_id(), header.ox_id());
        if header.rx_id() == UNASSIGNED {
            return self.table.find_theirs(remote, local, ox_id);
        }
        let place = self.table.find(header.rx_id())?;
        let exchange = self.table.at(place);
        let is_it = !exchange.originator && exchange.theirs == ox_id;
        (is_it && exchange.route.remote == remote && exchange.route.local == local).then_some(place)
    }

    /// A frame of an exchange that a peer began, perhaps with this frame.
    #[inline]
    fn on_originator(&mut self, frame: FrameBox) {
        let header = *frame.header();
        let known = self.find_theirs(&header);
        match (header.r_ctl, header.type_) {
            (RCtl::SOLICITED_DATA, Type::FCP) => match known {
                Some(place) if self.table.at(place).state == State::Receiving => self.on_data(place, frame),
                _ => self.stray(frame),
            },
            (RCtl::UNSOLICITED_COMMAND, Type::FCP) => self.on_command(frame, known),
            (RCtl::ELS_REQUEST, Type::ELS)
            | (RCtl::UNSOLICITED_CONTROL, Type::CT)
            | (RCtl::FC4_LS_REQUEST, Type::NVME | Type::FCP) => self.on_request(frame, known),
            (RCtl::SOLICITED_CONTROL, _) => self.stray(frame),
            _ => self.malformed(frame),
        }
    }

    /// Drops a frame that belongs to nothing that is open: late, twice, or astray.
    #[cold]
    pub(super) fn stray(&mut self, frame: FrameBox) {
        self.counters.strays += 1;
        self.frames.give(frame);
    }

    /// Drops a frame that breaks the protocol.
    #[cold]
    pub(super) fn malformed(&mut self, frame: FrameBox) {
        self.counters.errors += 1;
        self.frames.give(frame);
    }
}
