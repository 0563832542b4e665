//! The one place for aborts: ABTS both ways, logout and loss of the link, and what remains of an exchange afterwards.

use super::exchange::State;
use super::{Failure, Fc2, Payload, Upcall};
use crate::{Fc4, FrameBox, Xid};
use ring::Tick;
use wire::fc::bls::{BaAcc, BaRjt, Explanation, Reason};
use wire::fc::els::{Command, ExchangeId};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED};

/// F_CTL of BA_ACC and BA_RJT: the exchange ends with them.
const BASIC_REPLY: FCtl = FCtl::REPLY.with_transfer_initiative(true);

/// Turns a frame into the reply to what it was.
fn reply_in_place(frame: &mut FrameBox, r_ctl: RCtl, rx_id: u16, payload: &[u8]) {
    let asked = *frame.header();
    let header = FrameHeader::new(r_ctl, Type::BLS, asked.d_id(), asked.s_id())
        .with_f_ctl(BASIC_REPLY.with_exchange_responder(!asked.f_ctl().exchange_responder()))
        .with_exchange(asked.ox_id(), rx_id)
        .with_sequence(asked.seq_id, 0);
    frame.set(&header, payload);
}

impl Fc2 {
    /// A basic link service frame.
    pub(super) fn on_basic(&mut self, frame: FrameBox) {
        let header = *frame.header();
        match header.r_ctl {
            RCtl::ABTS if header.f_ctl().exchange_responder() => self.on_abort_of_ours(frame),
            RCtl::ABTS => self.on_abort(frame),
            RCtl::BA_ACC | RCtl::BA_RJT => self.on_abort_answered(frame),
            RCtl::NOP => self.frames.give(frame),
            _ => self.malformed(frame),
        }
    }

    /// A peer aborts an exchange that it began.
    fn on_abort(&mut self, frame: FrameBox) {
        self.counters.aborts_in += 1;
        let Some(place) = self.find_theirs(frame.header()) else { return self.on_abort_of_unknown(frame) };
        let xid = self.table.xid(place);
        let exchange = self.table.at_mut(place);
        if exchange.aborted {
            // Once more: it is answered when its owner has ended it, and from then on at once.
            return if exchange.state == State::Qualified {
                self.accept_abort(place, frame)
            } else {
                self.stray(frame)
            };
        }
        exchange.aborted = true;
        if !exchange.is_served() {
            self.accept_abort(place, frame);
            return self.qualify(place, false);
        }
        exchange.held = Some(frame);
        self.upcalls.push_back(Upcall::Abort { xid, context: 0 });
        self.halt(place);
    }

    /// The command that is aborted never came, or comes later than its abort: remember that it must not be begun. What was begun
    /// and is over, is over.
    fn on_abort_of_unknown(&mut self, mut frame: FrameBox) {
        let header = *frame.header();
        let room = self.table.free() > self.table.capacity() / 2;
        if header.rx_id() != UNASSIGNED || !room {
            reply_in_place(&mut frame, RCtl::BA_RJT, header.rx_id(), &BaRjt::UNKNOWN_EXCHANGE.to_bytes());
            return self.control(frame);
        }
        let place = self.table.take().expect("more than half of the places are free");
        let route = super::arrive::route_back(&header);
        let exchange = self.table.at_mut(place);
        exchange.begin(State::Qualified, false, route, header.r_ctl, header.type_, header.ox_id());
        exchange.aborted = true;
        self.table.remember(place);
        self.accept_abort(place, frame);
        self.qualify(place, false);
    }

    /// BA_ACC, made of the ABTS.
    fn accept_abort(&mut self, place: u16, mut frame: FrameBox) {
        let (ox_id, rx_id) = self.table.at(place).identifiers();
        reply_in_place(&mut frame, RCtl::BA_ACC, rx_id, &BaAcc::exchange(ox_id, rx_id).to_bytes());
        self.control(frame);
    }

    /// Refuses the abort of a command that [`Upcall::Abort`] told of: BA_RJT goes out, and the exchange goes on. What was under way when
    /// the ABTS came has ended.
    pub fn refuse_abort(&mut self, xid: Xid, reason: Reason, explanation: Explanation) {
        let Some(place) = self.table.place(xid) else { return };
        let exchange = self.table.at_mut(place);
        if !exchange.is_served() || exchange.lost {
            return;
        }
        let Some(mut frame) = exchange.held.take() else { return };
        exchange.aborted = false;
        let rx_id = exchange.identifiers().1;
        reply_in_place(&mut frame, RCtl::BA_RJT, rx_id, &BaRjt::new(reason, explanation).to_bytes());
        self.control(frame);
    }

    /// A peer's exchange is over for its owner, too.
    pub(super) fn conclude(&mut self, place: u16) {
        let exchange = self.table.at_mut(place);
        let abts = exchange.held.take();
        match abts {
            Some(frame) if !exchange.lost => {
                self.accept_abort(place, frame);
                self.qualify(place, false);
            }
            abts => {
                exchange.held = abts;
                self.release(place);
            }
        }
    }

    /// The responder aborts an exchange that we began. That ends it.
    fn on_abort_of_ours(&mut self, mut frame: FrameBox) {
        self.counters.aborts_in += 1;
        let header = *frame.header();
        let known = self.find_ours(&header);
        let Some(place) = known.filter(|place| self.table.at(*place).begun) else {
            reply_in_place(&mut frame, RCtl::BA_RJT, header.rx_id(), &BaRjt::UNKNOWN_EXCHANGE.to_bytes());
            return self.control(frame);
        };
        let accept = BaAcc::exchange(header.ox_id(), header.rx_id()).to_bytes();
        reply_in_place(&mut frame, RCtl::BA_ACC, header.rx_id(), &accept);
        self.control(frame);
        self.end_ours(place, Failure::Rejected);
        self.qualify(place, false);
    }

    /// P_RJT, F_RJT and the like: a frame of ours was refused.
    pub(super) fn on_link_control(&mut self, frame: FrameBox) {
        let header = *frame.header();
        let refused = matches!(header.r_ctl, RCtl::P_RJT | RCtl::F_RJT | RCtl::P_BSY | RCtl::F_BSY);
        // The context bits are those of the frame that it answers, turned around.
        match self.find_ours(&header).filter(|place| refused && self.table.at(*place).begun) {
            Some(place) => {
                self.frames.give(frame);
                self.end_ours(place, Failure::Rejected);
                self.qualify(place, false);
            }
            None => self.stray(frame),
        }
    }

    /// Aborts a command or request of ours: ABTS. Its one ending still comes, after the peer's answer or a time-out.
    pub fn abort(&mut self, xid: Xid, now: Tick) {
        self.now = now;
        if let Some(place) = self.table.place(xid)
            && matches!(self.table.at(place).state, State::Commanding | State::Asking)
        {
            self.abort_ours(place, Failure::Aborted);
        }
    }

    pub(super) fn abort_ours(&mut self, place: u16, failure: Failure) {
        let exchange = self.table.at_mut(place);
        let answered = exchange.begun && exchange.held.is_some();
        let wordless = !exchange.begun || exchange.route.local == PortId::NONE;
        if exchange.state == State::Asking || wordless || answered {
            self.end_ours(place, failure);
        }
        let exchange = self.table.at_mut(place);
        if wordless && !exchange.begun {
            return self.release(place);
        }
        if wordless || answered {
            return self.qualify(place, false);
        }
        exchange.state = State::Aborting;
        exchange.failure = failure;
        exchange.burst = false;
        self.send_abts(place);
    }

    fn send_abts(&mut self, place: u16) {
        self.table.at_mut(place).abort_due = true;
        self.wheel.set(place, self.now + self.limits.r_a_tov);
        self.ready.push(place);
    }

    /// ABTS: as the next frame of the last sequence (FC-FS-5, 16.3.2).
    pub(super) fn abts_frame(&mut self, place: u16) -> Option<FrameBox> {
        let mut frame = self.frames.take()?;
        let exchange = self.table.at_mut(place);
        exchange.abort_due = false;
        let f_ctl = FCtl::default().with_end_sequence(true).with_transfer_initiative(true);
        let header = exchange.header(RCtl::ABTS, Type::BLS, f_ctl);
        frame.set(&header, &[]);
        self.counters.aborts_out += 1;
        Some(frame)
    }

    /// BA_ACC or BA_RJT.
    fn on_abort_answered(&mut self, frame: FrameBox) {
        let header = *frame.header();
        let aborting = |place: &u16| self.table.at(*place).state == State::Aborting;
        let Some(place) = self.find_ours(&header).filter(aborting) else { return self.stray(frame) };
        let accept = wire::parse::<BaAcc>(frame.payload()).filter(|_| header.r_ctl == RCtl::BA_ACC);
        let reinstate = accept.is_some_and(|accept| accept.has_recovery_qualifier());
        let exchange = self.table.at_mut(place);
        if exchange.theirs == UNASSIGNED {
            exchange.theirs = accept.map_or(UNASSIGNED, |accept| accept.rx_id.get());
        }
        self.frames.give(frame);
        self.end_aborted(place, reinstate);
    }

    fn end_aborted(&mut self, place: u16, reinstate: bool) {
        let failure = self.table.at(place).failure;
        self.end_ours(place, failure);
        self.qualify(place, reinstate);
    }

    /// Tells whose it is that it came to nothing, if that was not told yet.
    fn end_ours(&mut self, place: u16, failure: Failure) {
        let exchange = self.table.at_mut(place);
        if exchange.silent {
            return;
        }
        let (local, remote) = (exchange.route.local, exchange.route.remote);
        if exchange.r_ctl == RCtl::UNSOLICITED_COMMAND {
            self.end_command(place, Err(failure));
        } else {
            self.end_request(place, Err(failure), (local, remote));
        }
    }

    /// Keeps the identifiers of an exchange out of use as long as frames of it may come (R_A_TOV).
    pub(super) fn qualify(&mut self, place: u16, reinstate: bool) {
        let exchange = self.table.at_mut(place);
        exchange.state = State::Qualified;
        exchange.reinstate = reinstate;
        exchange.abort_due = false;
        (exchange.outgoing, exchange.incoming) = (None, None);
        let held = exchange.held.take();
        held.into_iter().for_each(|frame| self.frames.give(frame));
        self.wheel.set(place, self.now + self.limits.r_a_tov);
    }

    /// Frees a place.
    pub(super) fn release(&mut self, place: u16) {
        let exchange = self.table.at_mut(place);
        debug_assert!(exchange.data.is_empty(), "an exchange ends without its memory");
        (exchange.outgoing, exchange.incoming) = (None, None);
        if let Some(frame) = exchange.held.take() {
            self.frames.give(frame);
        }
        self.wheel.clear(place);
        self.table.release(place);
    }

    /// Ends all exchanges between two addresses (of one FC-4 type, or of any) without a word on the wire: a logout. ELS go on,
    /// as logins are made with them.
    /// Owners of peers' commands get [`Upcall::Abort`] and must end them still; requests of peers are forgotten; what we began ends
    /// with [`Failure::LinkDown`].
    pub fn end_between(&mut self, local: PortId, remote: PortId, fc4: Option<Fc4>) {
        for place in 0..self.table.capacity() as u16 {
            let exchange = self.table.at(place);
            let between = exchange.route.local == local && exchange.route.remote == remote;
            if exchange.state != State::Idle && between && exchange.belongs_to(fc4) {
                self.lose(place);
            }
        }
    }

    /// The same for all exchanges, ELS too: the link went. Frames that wait to be sent are dropped.
    pub fn end_all(&mut self) {
        while let Some(frame) = self.controls.pop_front() {
            self.frames.give(frame);
        }
        for place in 0..self.table.capacity() as u16 {
            if self.table.at(place).state != State::Idle {
                self.lose(place);
            }
        }
    }

    fn lose(&mut self, place: u16) {
        let xid = self.table.xid(place);
        let exchange = self.table.at_mut(place);
        if !exchange.is_served() {
            if exchange.originator {
                self.end_ours(place, Failure::LinkDown);
            }
            return self.release(place);
        }
        let told = exchange.aborted || exchange.lost;
        exchange.lost = true;
        if !told {
            self.upcalls.push_back(Upcall::Abort { xid, context: 0 });
        }
        self.halt(place);
    }
}

/// Time.
impl Fc2 {
    /// Time passes; call it once a turn.
    pub fn turn(&mut self, now: Tick) {
        self.now = now;
        while let Some(place) = self.wheel.expired(now) {
            self.expire(place);
        }
    }

    #[cold]
    fn expire(&mut self, place: u16) {
        let exchange = self.table.at_mut(place);
        let answered = exchange.begun && exchange.held.is_some();
        match exchange.state {
            State::Gathering => {
                self.counters.timeouts += 1;
                self.release(place);
            }
            State::Receiving => {
                self.counters.timeouts += 1;
                self.end_receive(place, false);
            }
            State::Asking if self.now < exchange.expires => {
                // A reply of several frames was not completed.
                exchange.incoming = None;
                self.wheel.set(place, exchange.expires);
            }
            State::Commanding if answered => {
                self.end_command(place, Err(Failure::DataLost));
                self.qualify(place, false);
            }
            State::Asking | State::Commanding => {
                self.counters.timeouts += 1;
                self.abort_ours(place, Failure::TimedOut);
            }
            State::Aborting if !std::mem::replace(&mut exchange.repeated, true) => self.send_abts(place),
            State::Aborting => self.end_aborted(place, false),
            State::Qualified => self.end_qualified(place),
            _ => {}
        }
    }

    /// R_A_TOV is over. The responder is told that our identifier will be used again (RRQ); its answer says nothing new.
    fn end_qualified(&mut self, place: u16) {
        let exchange = self.table.at(place);
        if exchange.reinstate {
            let (route, (ox_id, rx_id)) = (exchange.route, exchange.identifiers());
            let payload = ExchangeId::new(Command::RRQ, route.local, ox_id, rx_id).to_bytes();
            let timeout = 2 * self.limits.r_a_tov;
            let sent = self.request(route, RCtl::ELS_REQUEST, Type::ELS, &payload, timeout, 0, self.now);
            let Ok(rrq) = sent else {
                return self.wheel.set(place, self.now + self.limits.e_d_tov);
            };
            self.table.at_mut(rrq.0.index() as u16).silent = true;
        }
        self.release(place);
    }

    /// Takes a payload's frame home.
    #[inline]
    pub fn recycle(&mut self, payload: Payload) {
        if let Payload::Frame(frame) = payload {
            self.frames.give(frame);
        }
    }
}
