//! What is known of an exchange.

use super::extents::Extents;
use super::message::{Incoming, Outgoing};
use super::{Failure, Route};
use crate::{Fc4, FrameBox, Response};
use dma::Data;
use ring::Tick;
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED};

/// How far it is; the table in the header of [`super`] says what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Gathering,
    Asked,
    Answering,
    Open,
    Receiving,
    Transmitting,
    Asking,
    Commanding,
    Aborting,
    Qualified,
}

/// Which way the data of a command of ours go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    None,
    In,
    Out,
}

/// An exchange, ours or a peer's. What is not said to be set at its start is set by the state that uses it.
pub(super) struct Exchange {
    /// Which use of the place this is.
    pub turn: u32,
    pub state: State,
    /// We began it.
    pub originator: bool,
    /// The peer aborted it: BA_ACC goes out at its end.
    pub aborted: bool,
    /// Its session is gone: nothing goes out.
    pub lost: bool,
    /// Nobody is told how it ends.
    pub silent: bool,
    /// Its first frame has left.
    pub begun: bool,
    /// RRQ is due when the recovery qualifier ends.
    pub reinstate: bool,
    /// ABTS went out again.
    pub repeated: bool,
    /// ABTS is due.
    pub abort_due: bool,
    pub flow: Flow,
    pub fc4: Option<Fc4>,
    /// R_CTL and type of the request.
    pub r_ctl: RCtl,
    pub type_: Type,
    /// What we call it on the wire.
    pub ours: u16,
    /// What the peer calls it.
    pub theirs: u16,
    pub route: Route,
    /// SEQ_ID of the sequence that we send or sent last, and SEQ_CNT of its next frame.
    pub seq_id: u8,
    pub seq_cnt: u16,
    /// The next sequence follows that one without the initiative having been away (FC-FS-5: streamed sequences count on).
    pub streamed: bool,
    /// The command's own memory, or that of the receive or transmit of this moment.
    pub data: Data,
    /// Where in the command's data that memory begins.
    pub base: u32,
    /// What goes next: the next byte to send, or the first byte asked for.
    pub cursor: u32,
    /// Where the burst ends.
    pub end: u32,
    /// XFER_RDY is due (we respond), or a burst is asked of us (we began).
    pub burst: bool,
    /// Which of the command's bytes came or went.
    pub extents: Extents,
    /// What follows the data, or goes alone.
    pub response: Option<Response>,
    /// What the owner gave.
    pub context: u64,
    /// We began it: the command before it leaves; the response while data may still come. We respond: the ABTS, which becomes
    /// its own reply.
    pub held: Option<FrameBox>,
    pub outgoing: Option<Box<Outgoing>>,
    pub incoming: Option<Box<Incoming>>,
    /// Why it ends, once it is being aborted.
    pub failure: Failure,
    /// When our own command or request is given up.
    pub expires: Tick,
}

impl Exchange {
    pub fn idle() -> Self {
        Self {
            turn: 0,
            state: State::Idle,
            originator: false,
            aborted: false,
            lost: false,
            silent: false,
            reinstate: false,
            repeated: false,
            begun: false,
            abort_due: false,
            flow: Flow::None,
            fc4: None,
            r_ctl: RCtl::UNCATEGORIZED,
            type_: Type::BLS,
            ours: 0,
            theirs: UNASSIGNED,
            route: Route { local: PortId::NONE, remote: PortId::NONE, max_payload: wire::fc::MIN_PAYLOAD as u16 },
            seq_id: 0,
            seq_cnt: 0,
            streamed: false,
            data: Data::empty(),
            base: 0,
            cursor: 0,
            end: 0,
            burst: false,
            extents: Extents::default(),
            response: None,
            context: 0,
            held: None,
            outgoing: None,
            incoming: None,
            failure: Failure::Aborted,
            expires: Tick::MAX,
        }
    }

    /// Sets what every use of a place needs. The name (`turn`, `ours`) stays.
    #[inline]
    pub fn begin(&mut self, state: State, originator: bool, route: Route, r_ctl: RCtl, type_: Type, theirs: u16) {
        debug_assert!(self.state == State::Idle && self.data.is_empty() && self.held.is_none());
        (self.state, self.originator, self.route) = (state, originator, route);
        (self.r_ctl, self.type_, self.theirs) = (r_ctl, type_, theirs);
        (self.aborted, self.lost, self.silent, self.reinstate, self.repeated) = (false, false, false, false, false);
        (self.begun, self.abort_due, self.burst, self.flow) = (false, false, false, Flow::None);
        (self.fc4, self.response, self.context, self.expires) = (None, None, 0, Tick::MAX);
        (self.seq_id, self.seq_cnt, self.streamed) = (u8::MAX, 0, false);
        self.route.max_payload = route.max_payload.clamp(wire::fc::MIN_PAYLOAD as u16, wire::fc::MAX_PAYLOAD as u16);
        self.extents.clear();
    }

    /// OX_ID and RX_ID.
    #[inline]
    pub fn identifiers(&self) -> (u16, u16) {
        if self.originator { (self.ours, self.theirs) } else { (self.theirs, self.ours) }
    }

    /// Begins a sequence of ours.
    #[inline]
    pub fn begin_sequence(&mut self) {
        self.seq_id = self.seq_id.wrapping_add(1);
        if !self.streamed {
            self.seq_cnt = 0;
        }
        self.streamed = true;
    }

    /// The header of the next frame of a sequence of ours. Who passes the initiative on at its end says so.
    #[inline]
    pub fn header(&mut self, r_ctl: RCtl, type_: Type, f_ctl: FCtl) -> FrameHeader {
        let (ox_id, rx_id) = self.identifiers();
        let header = FrameHeader::new(r_ctl, type_, self.route.local, self.route.remote)
            .with_f_ctl(f_ctl.with_exchange_responder(!self.originator))
            .with_exchange(ox_id, rx_id)
            .with_sequence(self.seq_id, self.seq_cnt);
        self.seq_cnt = self.seq_cnt.wrapping_add(1);
        self.streamed &= !(f_ctl.end_sequence() && f_ctl.transfer_initiative());
        header
    }

    /// Whether a frame between these addresses may belong to it. Who has no address yet (FLOGI) gets one by the reply.
    #[inline]
    pub fn is_between(&self, local: PortId, remote: PortId) -> bool {
        (self.route.local == local || self.route.local == PortId::NONE)
            && (self.route.remote == remote || self.route.remote == PortId::FABRIC)
    }

    /// It belongs to a login for `fc4`, or for any upper protocol. ELS belong to none: logins are made with them.
    pub fn belongs_to(&self, fc4: Option<Fc4>) -> bool {
        self.type_ != Type::ELS && (fc4.is_none() || self.fc4 == fc4)
    }

    /// A command of a peer that its owner has.
    #[inline]
    pub fn is_served(&self) -> bool {
        matches!(self.state, State::Open | State::Receiving | State::Transmitting)
    }
}
