//! Commands that we send: we are the originator.

use super::exchange::{Flow, State};
use super::response::{Verdict, judge};
use super::target::burst_of;
use super::upcall::information;
use super::{Direction, Exhausted, Failure, Fc2, Payload, Route, Upcall};
use crate::{Fc4, FrameBox, Xid};
use ring::Tick;
use wire::fc::{FCtl, RCtl, Type, UNASSIGNED};

impl Fc2 {
    /// Begins an exchange of one request sequence and one reply sequence: ELS, CT, NVMe LS. Ends with [`Upcall::Reply`], at the
    /// latest `timeout` from `now` (then it is aborted on the wire behind the scenes).
    ///
    /// # Errors
    /// The table is full.
    #[expect(clippy::too_many_arguments, reason = "each is part of what a request is")]
    pub fn request(
        &mut self,
        route: Route,
        r_ctl: RCtl,
        type_: Type,
        payload: &[u8],
        timeout: Tick,
        context: u64,
        now: Tick,
    ) -> Result<Xid, Exhausted> {
        let place = self.table.take().ok_or(Exhausted)?;
        let exchange = self.table.at_mut(place);
        exchange.begin(State::Asking, true, route, r_ctl, type_, UNASSIGNED);
        exchange.fc4 = super::arrive::fc4_of_type(type_);
        exchange.context = context;
        exchange.outgoing = Some(super::message::Outgoing::new(payload));
        exchange.begin_sequence();
        self.launch(place, now, timeout);
        Ok(self.table.xid(place))
    }

    /// Begins a command. Ends with [`Upcall::Ended`]; `timeout` from `now` on it is aborted.
    ///
    /// # Errors
    /// The table is full, or no frame is free; the memory comes back.
    #[expect(clippy::too_many_arguments, reason = "each is part of what a command is")]
    pub fn command(
        &mut self,
        route: Route,
        fc4: Fc4,
        iu: &[u8],
        data: Direction,
        timeout: Tick,
        context: u64,
        now: Tick,
    ) -> Result<Xid, (Exhausted, Direction)> {
        let Some(mut frame) = self.frames.take() else { return Err((Exhausted, data)) };
        let Some(place) = self.table.take() else {
            self.frames.give(frame);
            return Err((Exhausted, data));
        };
        let exchange = self.table.at_mut(place);
        exchange.begin(State::Commanding, true, route, RCtl::UNSOLICITED_COMMAND, Type::FCP, UNASSIGNED);
        (exchange.fc4, exchange.context) = (Some(fc4), context);
        (exchange.base, exchange.cursor, exchange.end) = (0, 0, 0);
        (exchange.flow, exchange.data) = match data {
            Direction::None => (Flow::None, dma::Data::empty()),
            Direction::In(data) => (Flow::In, data),
            Direction::Out(data) => (Flow::Out, data),
        };
        exchange.begin_sequence();
        let header = exchange.header(RCtl::UNSOLICITED_COMMAND, Type::FCP, FCtl::REQUEST);
        super::send::fill(&mut frame, &header, iu);
        exchange.held = Some(frame);
        self.launch(place, now, timeout);
        Ok(self.table.xid(place))
    }

    fn launch(&mut self, place: u16, now: Tick, timeout: Tick) {
        self.now = now;
        self.counters.originated += 1;
        let expires = now.saturating_add(timeout);
        self.table.at_mut(place).expires = expires;
        self.wheel.set(place, expires);
        self.ready.push(place);
    }

    /// A frame of the target.
    #[inline]
    pub(super) fn on_command_frame(&mut self, place: u16, frame: FrameBox) {
        match frame.header().r_ctl {
            RCtl::SOLICITED_DATA => self.on_command_data(place, frame),
            RCtl::DATA_DESCRIPTOR => self.on_xfer_rdy(place, frame),
            RCtl::COMMAND_STATUS | RCtl::EXTENDED_COMMAND_STATUS => self.on_response(place, frame),
            _ => self.malformed(frame),
        }
    }

    #[inline]
    fn on_command_data(&mut self, place: u16, frame: FrameBox) {
        let (header, exchange) = (frame.header(), self.table.at_mut(place));
        let bytes = information(header, frame.payload());
        let Some(start) = header.relative_offset().filter(|_| !bytes.is_empty()) else {
            return self.malformed(frame);
        };
        let end = u64::from(start) + bytes.len() as u64;
        if exchange.flow != Flow::In || end > u64::from(exchange.data.len()) {
            return self.violated(place, frame);
        }
        if !exchange.extents.insert(start, end as u32) {
            return self.stray(frame);
        }
        exchange.data.bytes_mut()[start as usize..end as usize].copy_from_slice(bytes);
        self.frames.give(frame);
        if self.table.at(place).held.is_some() {
            self.look_again(place);
        }
    }

    /// The response came before some of the data.
    fn look_again(&mut self, place: u16) {
        let Some(response) = self.table.at_mut(place).held.take() else { return };
        self.on_response(place, response);
    }

    /// The target asks for data.
    fn on_xfer_rdy(&mut self, place: u16, frame: FrameBox) {
        let exchange = self.table.at_mut(place);
        let payload = information(frame.header(), frame.payload());
        let Some((start, len)) = burst_of(payload) else {
            return self.malformed(frame);
        };
        let end = u64::from(start) + u64::from(len);
        if exchange.flow != Flow::Out || len == 0 || end > u64::from(exchange.data.len()) {
            return self.violated(place, frame);
        }
        // What was asked for before is asked for twice: the target got this far, or it will notice itself.
        let again = exchange.extents.covers(start, end as u32) || (exchange.burst && exchange.end == end as u32);
        if again || exchange.held.is_some() {
            return self.stray(frame);
        }
        if exchange.burst {
            return self.violated(place, frame);
        }
        (exchange.cursor, exchange.end, exchange.burst) = (start, end as u32, true);
        exchange.streamed = false;
        exchange.begin_sequence();
        self.frames.give(frame);
        self.ready.push(place);
    }

    fn on_response(&mut self, place: u16, frame: FrameBox) {
        let exchange = self.table.at_mut(place);
        if exchange.held.is_some() {
            return self.stray(frame);
        }
        let verdict = judge(exchange, frame.header().r_ctl, information(frame.header(), frame.payload()));
        match verdict {
            Verdict::Final => {
                self.end_command(place, Ok(Payload::Frame(frame)));
                self.release(place);
            }
            Verdict::Early => {
                exchange.held = Some(frame);
                let deadline = self.now + self.limits.e_d_tov;
                self.wheel.set(place, deadline);
            }
            Verdict::Wrong => {
                // The target is done with it: nothing to abort.
                self.malformed(frame);
                self.end_command(place, Err(Failure::Protocol));
                self.qualify(place, false);
            }
        }
    }

    /// The target broke the protocol: the exchange is aborted.
    fn violated(&mut self, place: u16, frame: FrameBox) {
        self.malformed(frame);
        self.abort_ours(place, Failure::Protocol);
    }

    /// Tells who gave the command. The place is to be freed or to be qualified.
    pub(super) fn end_command(&mut self, place: u16, result: Result<Payload, Failure>) {
        let xid = self.table.xid(place);
        let exchange = self.table.at_mut(place);
        let moved = exchange.extents.covered();
        let (received, sent) = match exchange.flow {
            Flow::None => (0, 0),
            Flow::In => (moved, 0),
            Flow::Out => (0, moved),
        };
        let data = std::mem::take(&mut exchange.data);
        exchange.silent = true;
        self.upcalls.push_back(Upcall::Ended { xid, context: exchange.context, data, result, received, sent });
    }
}
