//! A node: one link, the exchanges on it, the N_Ports behind it, and the lanes to the cores that serve them. It lives on one
//! core and is driven by [`Node::poll`].
//!
//! A turn: orders of the lanes and of the control plane; the link's events; each frame that came, and what follows from it;
//! timers; then frames go out as long as the link has room, and at last everyone is woken who got something.

mod config;
mod event;

pub use config::{Config, Timing};
pub use event::{NodeEvent, NotSent, Peer, PortKey};

use crate::fc2::{Direction, Payload};
use crate::{Fc4, Link, SessionId, SoftPort, Wake, Xid};
use ring::Tick;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// One link and all that is behind it, on one core.
pub struct Node<L: Link> {
    link: L,
}

impl<L: Link> Node<L> {
    /// A node on `link`, and its physical port for the control plane. `wake` wakes the core that polls the node.
    pub fn new(config: Config, link: L, wake: Wake) -> (Self, Arc<SoftPort>) {
        let _ = (config, wake, link);
        unimplemented!()
    }

    /// Does what there is to do, a bounded amount; returns how many things were done.
    pub fn poll(&mut self, now: Tick) -> usize {
        let _ = now;
        unimplemented!()
    }

    /// Whether there is something to do at once, so that its core must not sleep.
    pub fn is_pending(&self) -> bool {
        unimplemented!()
    }

    /// When it must be polled although nothing wakes its core.
    pub fn deadline(&self) -> Option<Tick> {
        unimplemented!()
    }

    /// What wakes its core, if the link has a descriptor.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.fd()
    }

    /// The link, to look at.
    pub fn link(&self) -> &L {
        &self.link
    }

    /// Initiator: logs in (PLOGI unless that is done, PRLI). Ends with [`NodeEvent::SessionUp`] or [`NodeEvent::LoginFailed`].
    pub fn login(&mut self, port: PortKey, peer: Peer, fc4: Fc4) {
        let _ = (port, peer, fc4);
        unimplemented!()
    }

    /// Initiator: logs out of a session; [`NodeEvent::SessionDown`] follows.
    pub fn logout(&mut self, session: SessionId) {
        let _ = session;
        unimplemented!()
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
        let _ = (session, iu, timeout, context, now);
        Err((NotSent::NoSession, data))
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
        let _ = (session, payload, timeout, context, now);
        unimplemented!()
    }

    /// Initiator: asks the name server; `payload` is a whole CT_IU. Ends with [`NodeEvent::CtReply`].
    ///
    /// # Errors
    /// Not sent.
    pub fn ct(&mut self, port: PortKey, payload: &[u8], timeout: Tick, context: u64, now: Tick) -> Result<(), NotSent> {
        let _ = (port, payload, timeout, context, now);
        unimplemented!()
    }

    /// Initiator: aborts a command. Its one [`NodeEvent::Ended`] still comes.
    pub fn abort(&mut self, xid: Xid, now: Tick) {
        let _ = (xid, now);
        unimplemented!()
    }

    /// Initiator: answers [`NodeEvent::LsRequest`].
    pub fn answer(&mut self, xid: Xid, payload: &[u8]) {
        let _ = (xid, payload);
        unimplemented!()
    }

    /// Initiator: the next thing that happened.
    pub fn next_event(&mut self) -> Option<NodeEvent> {
        unimplemented!()
    }

    /// Takes a payload of an event home.
    pub fn recycle(&mut self, payload: Payload) {
        let _ = payload;
        unimplemented!()
    }
}
