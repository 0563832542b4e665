//! A node: one link, the exchanges on it, the N_Ports behind it, and the lanes to the cores that serve them. It lives on one
//! core and is driven by [`Node::poll`].
//!
//! A turn: orders of the lanes and of the control plane; the link's events; each frame that came, and what follows from it;
//! timers; then frames go out as long as the link has room, and at last everyone is woken who got something.

mod config;
mod control;

mod event;
mod initiator;
mod lanes;
mod orders;
mod requests;
mod sessions;
mod state;
mod upcalls;

pub use config::{Config, Timing};
pub use event::{NodeEvent, NotSent, Peer, PortKey};
pub(crate) use requests::{Held, What};
pub(crate) use sessions::{Role, Session};
pub(crate) use state::{Core, Notice};

use crate::fc2::{Direction, Payload};
use crate::{Fc4, Link, LinkEvent, SessionId, SoftPort, Wake, Xid};
use ring::Tick;
use state::LinkState;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Frames taken in in a turn.
const FRAMES: usize = 128;

/// One link and all that is behind it, on one core.
pub struct Node<L: Link> {
    link: L,
    core: Core,
}

impl<L: Link> Node<L> {
    /// A node on `link`, and its physical port for the control plane. `wake` wakes the core that polls the node.
    pub fn new(config: Config, link: L, wake: Wake) -> (Self, Arc<SoftPort>) {
        let places = usize::from(config.limits.exchanges);
        let (what, max_payload) = (link.describe(), link.max_payload());
        let shown = (what.clone(), max_payload);
        let (port, control, board) = SoftPort::physical(config.names, config.serves.clone(), places, shown, wake);
        let state = LinkState { attachment: None, max_payload, what, failures: 0, wanted: None };
        (Self { link, core: Core::new(config, state, control, board) }, port)
    }

    /// Does what there is to do, a bounded amount; returns how many things were done.
    pub fn poll(&mut self, now: Tick) -> usize {
        self.core.now = now;
        let mut work = self.core.controls() + self.core.orders();
        if let Some(up) = self.core.link.wanted.take() {
            self.link.set_up(up);
        }
        self.core.settle();
        work += self.events(now) + self.frames_in(now);
        self.core.time();
        self.core.settle();
        work += self.frames_out(now);
        self.core.settle();
        self.link.flush(now);
        self.core.lanes.flush();
        self.core.show();
        work
    }

    fn events(&mut self, now: Tick) -> usize {
        let mut work = 0;
        while let Some(event) = self.link.event(now) {
            self.core.link.max_payload = self.link.max_payload();
            let peer = if let LinkEvent::PeerUp(id) = event { self.link.peer_name(id) } else { None };
            self.core.link_event(event, peer);
            self.core.settle();
            work += 1;
        }
        work
    }

    /// All that follows from a frame is done before the next: what a login changes is in place for the first command.
    fn frames_in(&mut self, now: Tick) -> usize {
        for work in 0..FRAMES {
            let Some(frame) = self.link.receive(now) else { return work };
            self.core.fc2.arrive(frame, now);
            self.core.settle();
        }
        FRAMES
    }

    fn frames_out(&mut self, now: Tick) -> usize {
        let mut work = 0;
        for _ in 0..self.link.room() {
            let Some(frame) = self.core.fc2.next_frame(now) else { break };
            self.link.send(frame);
            work += 1;
        }
        work
    }

    /// Whether there is something to do at once, so that its core must not sleep.
    pub fn is_pending(&self) -> bool {
        let core = &self.core;
        let to_send = core.fc2.is_pending() && self.link.room() > 0;
        to_send || self.link.is_pending() || core.lanes.is_pending() || !core.control.is_empty()
    }

    /// When it must be polled although nothing wakes its core.
    pub fn deadline(&self) -> Option<Tick> {
        self.core.deadline().into_iter().chain(self.link.deadline()).min()
    }

    /// What wakes its core, if the link has a descriptor.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.fd()
    }

    /// Exchanges in its table, those that only keep their identifiers out of use included.
    pub fn open_exchanges(&self) -> usize {
        self.core.fc2.open()
    }

    /// The link, to look at.
    pub fn link(&self) -> &L {
        &self.link
    }

    /// Initiator: logs in (PLOGI unless that is done, PRLI). Ends with [`NodeEvent::SessionUp`] or [`NodeEvent::LoginFailed`].
    pub fn login(&mut self, port: PortKey, peer: Peer, fc4: Fc4) {
        self.core.login(port, peer, fc4);
    }

    /// Initiator: logs out of a session; [`NodeEvent::SessionDown`] follows.
    pub fn logout(&mut self, session: SessionId) {
        self.core.log_out(session);
        self.core.settle();
    }

    /// Initiator: sends a command IU. Ends with [`NodeEvent::Ended`], at the latest `timeout` from now and the time of an abort.
    ///
    /// # Errors
    /// Not sent; the memory comes back.
    pub fn command(
        &mut self,
        session: SessionId,
        iu: &[u8],
        data: Direction,
        timeout: Tick,
        context: u64,
        now: Tick,
    ) -> Result<Xid, (NotSent, Direction)> {
        self.core.now = now;
        self.core.command(session, iu, data, timeout, context)
    }

    /// Initiator: sends an FC-4 link service request (NVMe LS). Ends with [`NodeEvent::LsReply`].
    ///
    /// # Errors
    /// Not sent.
    pub fn ls(
        &mut self,
        session: SessionId,
        payload: &[u8],
        timeout: Tick,
        context: u64,
        now: Tick,
    ) -> Result<(), NotSent> {
        self.core.now = now;
        self.core.ls(session, payload, timeout, context)
    }

    /// Initiator: asks the name server; `payload` is a whole CT_IU. Ends with [`NodeEvent::CtReply`].
    ///
    /// # Errors
    /// Not sent.
    pub fn ct(&mut self, port: PortKey, payload: &[u8], timeout: Tick, context: u64, now: Tick) -> Result<(), NotSent> {
        self.core.now = now;
        self.core.ct(port, payload, timeout, context)
    }

    /// Initiator: aborts a command. Its one [`NodeEvent::Ended`] still comes.
    pub fn abort(&mut self, xid: Xid, now: Tick) {
        self.core.fc2.abort(xid, now);
    }

    /// Initiator: answers [`NodeEvent::LsRequest`].
    pub fn answer(&mut self, xid: Xid, payload: &[u8]) {
        self.core.answer(xid, payload);
    }

    /// Initiator: the next thing that happened.
    pub fn next_event(&mut self) -> Option<NodeEvent> {
        self.core.events.pop_front()
    }

    /// Takes a payload of an event home.
    pub fn recycle(&mut self, payload: Payload) {
        self.core.fc2.recycle(payload);
    }
}
