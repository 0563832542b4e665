//! Commands that peers sent: we are the responder.

use super::exchange::State;
use super::{Fc2, Gone, Upcall, response};
use crate::{Fc4, FrameBox, Response, Xid};
use dma::Data;
use wire::fc::{FCtl, FrameHeader, RCtl, Type};
use wire::fcnvme::CmndIu;
use wire::fcp::XferRdy;

/// What an XFER_RDY asks for: offset and length.
pub(super) fn burst_of(payload: &[u8]) -> Option<(u32, u32)> {
    let ready: &XferRdy = wire::parse(payload)?;
    Some((ready.offset.get(), ready.burst_length.get()))
}

impl Fc2 {
    /// A new command. One under the name of one that is open is the same again, or its initiator broke the rules: it must not
    /// be mixed with that, and is dropped.
    pub(super) fn on_command(&mut self, frame: FrameBox, known: Option<u16>) {
        let header = *frame.header();
        if known.is_some() || header.rx_id() != wire::fc::UNASSIGNED {
            return self.stray(frame);
        }
        if header.seq_cnt() != 0 || !header.f_ctl().end_sequence() {
            return self.malformed(frame);
        }
        let payload = super::Payload::Frame(frame);
        // The first bytes of an NVMe command IU are an identifier that no LUN of FCP can be (FC-NVMe-2, 9.2).
        let fc4 = if CmndIu::is_nvme(payload.bytes()) { Fc4::Nvme } else { Fc4::Fcp };
        let room = self.table.free() > usize::from(self.limits.reserve);
        let Some(place) = room.then(|| self.begin_served(&header, fc4)).flatten() else {
            let super::Payload::Frame(frame) = payload else { unreachable!("it is one frame") };
            return self.refuse(frame);
        };
        let xid = self.table.xid(place);
        let (local, remote, ox_id) = (header.d_id(), header.s_id(), header.ox_id());
        self.upcalls.push_back(Upcall::Command { xid, local, remote, fc4, payload, ox_id });
    }

    fn begin_served(&mut self, header: &FrameHeader, fc4: Fc4) -> Option<u16> {
        let place = self.table.take()?;
        let exchange = self.table.at_mut(place);
        let route = super::arrive::route_back(header);
        exchange.begin(State::Open, false, route, header.r_ctl, header.type_, header.ox_id());
        exchange.fc4 = Some(fc4);
        self.table.remember(place);
        self.counters.answered += 1;
        Some(place)
    }

    /// No place for what a frame begins. An FCP initiator is told that we are busy; others have their time-outs.
    #[cold]
    pub(super) fn refuse(&mut self, mut frame: FrameBox) {
        self.counters.refused += 1;
        let header = *frame.header();
        let nvme = CmndIu::is_nvme(super::upcall::information(&header, frame.payload()));
        if header.r_ctl != RCtl::UNSOLICITED_COMMAND || nvme {
            return self.frames.give(frame);
        }
        let len = response::busy(frame.payload_room());
        frame.set_payload_len(len);
        *frame.header_mut() = FrameHeader::new(RCtl::COMMAND_STATUS, Type::FCP, header.d_id(), header.s_id())
            .with_f_ctl(FCtl::REPLY)
            .with_exchange(header.ox_id(), header.rx_id());
        self.control(frame);
    }

    /// Takes on [`Upcall::Command`]: says how large frames to its initiator may be, and what comes back with each upcall of it.
    #[inline]
    pub fn accept(&mut self, xid: Xid, max_payload: u16, context: u64) {
        if let Some(place) = self.table.place(xid) {
            let exchange = self.table.at_mut(place);
            exchange.route.max_payload = max_payload.clamp(wire::fc::MIN_PAYLOAD as u16, wire::fc::MAX_PAYLOAD as u16);
            exchange.context = context;
        }
    }

    /// Ends [`Upcall::Request`] or a [`Upcall::Command`] that was not accepted, without a word.
    pub fn discard(&mut self, xid: Xid) {
        if let Some(place) = self.table.place(xid)
            && matches!(self.table.at(place).state, State::Open | State::Asked)
        {
            self.conclude(place);
        }
    }

    /// Has the initiator send its data from `offset` on, as many as `data` has room for. Ends with [`Upcall::Received`].
    ///
    /// # Errors
    /// The exchange is not open, or busy with an earlier call.
    pub fn receive(&mut self, xid: Xid, offset: u32, data: Data) -> Result<(), Gone> {
        let Some(place) = self.idle_place(xid) else { return Err(Gone(data)) };
        let exchange = self.table.at_mut(place);
        exchange.state = State::Receiving;
        (exchange.base, exchange.cursor, exchange.end) = (offset, offset, offset);
        exchange.data = data;
        exchange.extents.clear();
        if exchange.aborted || exchange.lost || exchange.data.is_empty() {
            let ok = exchange.data.is_empty();
            self.end_receive(place, ok);
            return Ok(());
        }
        exchange.burst = true;
        self.ready.push(place);
        Ok(())
    }

    /// Sends data from `offset` on, and the response behind them if there is one. Ends with [`Upcall::Sent`].
    ///
    /// # Errors
    /// The exchange is not open, or busy with an earlier call.
    pub fn transmit(&mut self, xid: Xid, offset: u32, data: Data, response: Option<Response>) -> Result<(), Gone> {
        let Some(place) = self.idle_place(xid) else { return Err(Gone(data)) };
        let exchange = self.table.at_mut(place);
        exchange.state = State::Transmitting;
        (exchange.base, exchange.cursor, exchange.end) = (offset, offset, offset + data.len());
        exchange.data = data;
        exchange.response = response;
        if exchange.aborted || exchange.lost {
            self.end_transmit(place, false);
        } else if exchange.data.is_empty() && response.is_none() {
            self.end_transmit(place, true);
        } else {
            if !exchange.data.is_empty() {
                exchange.begin_sequence();
            }
            self.ready.push(place);
        }
        Ok(())
    }

    /// Sends the response; the exchange is over. Ends with [`Upcall::Sent`].
    ///
    /// # Errors
    /// The exchange is not open, or busy with an earlier call.
    pub fn respond(&mut self, xid: Xid, response: Response) -> Result<(), Gone> {
        self.transmit(xid, 0, Data::empty(), Some(response))
    }

    /// Ends the exchange without a response. Ends with [`Upcall::Sent`].
    ///
    /// # Errors
    /// The exchange is not open, or busy with an earlier call.
    pub fn terminate(&mut self, xid: Xid) -> Result<(), Gone> {
        let Some(place) = self.idle_place(xid) else { return Err(Gone(Data::empty())) };
        self.finish(place, true);
        Ok(())
    }

    /// Hurries a receive along: its one [`Upcall::Received`] comes at once, with `ok: false`. Otherwise nothing.
    pub fn cancel(&mut self, xid: Xid) {
        if let Some(place) = self.table.place(xid)
            && self.table.at(place).state == State::Receiving
        {
            self.end_receive(place, false);
        }
    }

    /// Where a command is that nothing is under way for.
    #[inline]
    fn idle_place(&self, xid: Xid) -> Option<u16> {
        self.table.place(xid).filter(|place| self.table.at(*place).state == State::Open)
    }

    /// A data frame of the initiator.
    #[inline]
    pub(super) fn on_data(&mut self, place: u16, frame: FrameBox) {
        let header = frame.header();
        let exchange = self.table.at_mut(place);
        let bytes = super::upcall::information(header, frame.payload());
        let Some(start) = header.relative_offset().filter(|_| !bytes.is_empty()) else {
            return self.malformed(frame);
        };
        // Only what the burst of this moment asked for; a frame of an earlier one has come already.
        let end = u64::from(start) + bytes.len() as u64;
        if start < exchange.cursor && end <= u64::from(exchange.cursor) {
            return self.stray(frame);
        }
        if start < exchange.cursor || end > u64::from(exchange.end) {
            return self.malformed(frame);
        }
        if !exchange.extents.insert(start, end as u32) {
            return self.stray(frame);
        }
        let at = (start - exchange.base) as usize;
        exchange.data.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
        self.frames.give(frame);
        self.go_on_receiving(place);
    }

    #[inline]
    fn go_on_receiving(&mut self, place: u16) {
        let deadline = self.now + self.limits.e_d_tov;
        let exchange = self.table.at_mut(place);
        if !exchange.extents.covers(exchange.cursor, exchange.end) {
            self.wheel.set(place, deadline);
        } else if exchange.end == exchange.base + exchange.data.len() {
            self.end_receive(place, true);
        } else {
            exchange.cursor = exchange.end;
            exchange.burst = true;
            self.wheel.clear(place);
            self.ready.push(place);
        }
    }

    /// XFER_RDY for the next burst.
    pub(super) fn xfer_rdy_frame(&mut self, place: u16) -> Option<FrameBox> {
        let mut frame = self.frames.take()?;
        let exchange = self.table.at_mut(place);
        let left = exchange.base + exchange.data.len() - exchange.cursor;
        let burst = left.min(self.limits.max_burst);
        exchange.end = exchange.cursor + burst;
        exchange.burst = false;
        exchange.begin_sequence();
        let f_ctl = FCtl::default().with_end_sequence(true).with_transfer_initiative(true);
        let header = exchange.header(RCtl::DATA_DESCRIPTOR, Type::FCP, f_ctl);
        frame.set(&header, &XferRdy::new(exchange.cursor, burst).to_bytes());
        // Until the first frame comes, the initiator may be slow; in the sequence it may not.
        self.wheel.set(place, self.now + self.limits.r_a_tov);
        Some(frame)
    }

    /// The response. The exchange is over.
    pub(super) fn response_frame(&mut self, place: u16) -> Option<FrameBox> {
        let mut frame = self.frames.take()?;
        let exchange = self.table.at_mut(place);
        let response = exchange.response.take().expect("a transmit ends with its data or with a response");
        let (r_ctl, len) = response::encode(&response, frame.payload_room());
        exchange.begin_sequence();
        let f_ctl = FCtl::REPLY.with_fill_bytes((len.wrapping_neg() & 3) as u8);
        *frame.header_mut() = exchange.header(r_ctl, Type::FCP, f_ctl);
        super::send::pad(&mut frame, len);
        self.finish(place, true);
        Some(frame)
    }

    /// Stops what is under way for a command that was aborted or lost.
    pub(super) fn halt(&mut self, place: u16) {
        match self.table.at(place).state {
            State::Receiving => self.end_receive(place, false),
            State::Transmitting => self.end_transmit(place, false),
            _ => {}
        }
    }

    pub(super) fn end_receive(&mut self, place: u16, ok: bool) {
        self.wheel.clear(place);
        let xid = self.table.xid(place);
        let exchange = self.table.at_mut(place);
        exchange.state = State::Open;
        exchange.burst = false;
        let (context, data) = (exchange.context, std::mem::take(&mut exchange.data));
        self.upcalls.push_back(Upcall::Received { xid, context, data, ok });
    }

    /// A transmit is done with: with a response, so is the exchange.
    pub(super) fn end_transmit(&mut self, place: u16, ok: bool) {
        let xid = self.table.xid(place);
        let exchange = self.table.at_mut(place);
        if exchange.response.take().is_some() {
            return self.finish(place, ok);
        }
        exchange.state = State::Open;
        let (context, data) = (exchange.context, std::mem::take(&mut exchange.data));
        self.upcalls.push_back(Upcall::Sent { xid, context, data, ok, over: false });
    }

    /// The exchange is over; its owner hears of it.
    fn finish(&mut self, place: u16, ok: bool) {
        let xid = self.table.xid(place);
        let exchange = self.table.at_mut(place);
        let (context, data) = (exchange.context, std::mem::take(&mut exchange.data));
        self.upcalls.push_back(Upcall::Sent { xid, context, data, ok, over: true });
        self.conclude(place);
    }
}
