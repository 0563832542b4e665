//! Sessions begin and end; what waits for their end; logouts of ours.

use super::Adapter;
use super::entries::What;
use super::notify::Ack;
use super::peers::{Login, Peer};
use crate::lane::{Session, ToLane};
use fc::{Fc4, SessionId, SessionInfo};
use ring::Tick;
use wire::fc::PortId;
use wire::isp::iocb::{LeId, LoginCommand, LoginFlags, LoginLogout};
use wire::{U16, U32};

/// A login that the firmware is to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Old {
    vp: u8,
    id: PortId,
    handle: u16,
    /// The handle stays: the new login has it, too.
    keep: bool,
}

impl Old {
    /// A peer that a new login at `handle` and `id` makes obsolete.
    pub fn of(peer: &Peer, handle: u16, id: PortId) -> Self {
        Self { vp: peer.vp, id: peer.id, handle: peer.handle, keep: peer.handle == handle && peer.id == id }
    }
}

/// What is done when sessions are over.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// A notify is acknowledged.
    Ack(Ack),
    /// Obsolete logins are forgotten, then a PLOGI is acknowledged.
    Relogin { ack: Ack, olds: Vec<Old> },
    /// A peer is logged out, with a frame or without.
    Logout { peer: Peer, explicit: bool },
}

/// What waits for the end of sessions.
pub(super) struct Held {
    waits: Vec<SessionId>,
    then: Then,
    until: Tick,
}

impl Adapter {
    /// A session is there: lanes hear of it, and commands find it.
    pub(super) fn session_up(&mut self, vp: u8, remote: PortId, fc4: Fc4, parameters: u32) {
        let id = self.peers.next_id();
        let (Some(port), Some(peer)) = (self.port(vp), self.peers.find(vp, remote).copied()) else { return };
        let Some(offer) = port.offer(fc4) else { return };
        let (local, local_id) = (port.names, port.id);
        let lanes = match fc4 {
            Fc4::Nvme => offer.lanes.clone(),
            Fc4::Fcp => {
                let count = super::Lanes::of_fcp(&self.settings, offer.lanes.len());
                offer.lanes.get(offer.next_lane % count).copied().into_iter().collect()
            }
        };
        let info = SessionInfo { id, fc4, local, local_id, peer: peer.names, peer_id: remote, parameters };
        log::info!("{} ({remote}) logged in to {local} for {fc4:?}", peer.names);
        let session = Session { info, handle: peer.handle, vp };
        lanes.iter().for_each(|lane| self.lanes.push(*lane, ToLane::SessionUp(session)));
        self.intake.insert(&session, &lanes);
        self.peers.login(Login { info, vp, lanes });
        if let Some(port) = self.port_mut(vp) {
            port.changed = true;
            if let Some(offer) = &mut port.offers[fc4 as usize] {
                offer.next_lane = offer.next_lane.wrapping_add(1);
            }
        }
        self.early_commands();
    }

    /// Ends a session: lanes are told. They have nothing of it any more when [`Self::session_is_down`] was told so by each.
    pub(super) fn end_session(&mut self, id: SessionId) {
        let Some(login) = self.peers.end(id) else { return };
        let info = &login.info;
        log::info!("{} ({}) logged out from {} for {:?}", info.peer, info.peer_id, info.local, info.fc4);
        self.intake.remove(id);
        login.lanes.iter().for_each(|lane| self.lanes.push(*lane, ToLane::SessionDown(id)));
        if let Some(port) = self.port_mut(login.vp) {
            port.changed = true;
        }
    }

    /// Ends the sessions of a peer, for a protocol or for all. Says which are ending, those that were before included.
    pub(super) fn end_sessions(&mut self, vp: u8, remote: PortId, fc4: Option<Fc4>) -> Vec<SessionId> {
        let of_peer = |login: &Login| {
            login.vp == vp && login.info.peer_id == remote && fc4.is_none_or(|fc4| fc4 == login.info.fc4)
        };
        let ids = self.peers.pick(of_peer);
        ids.iter().for_each(|id| self.end_session(*id));
        ids
    }

    /// Ends all sessions of a port of ours.
    pub(super) fn end_all(&mut self, vp: u8) -> Vec<SessionId> {
        let ids = self.peers.pick(|login| login.vp == vp);
        ids.iter().for_each(|id| self.end_session(*id));
        ids
    }

    /// Does something as soon as sessions are over.
    pub(super) fn after(&mut self, waits: Vec<SessionId>, then: Then) {
        let waits: Vec<SessionId> = waits.into_iter().filter(|id| self.peers.is_ending(*id)).collect();
        if waits.is_empty() {
            return self.then(then);
        }
        let until = self.now + self.settings.timing.session_end;
        self.held.push(Held { waits, then, until });
    }

    /// What waits is looked at: sessions are over, or the time is up.
    pub(super) fn held(&mut self) {
        let mut place = 0;
        while place < self.held.len() {
            let held = &mut self.held[place];
            held.waits.retain(|id| self.peers.is_ending(*id));
            if held.waits.is_empty() || held.until <= self.now {
                let held = self.held.remove(place);
                if !held.waits.is_empty() {
                    log::warn!("{}: a session does not come to its end; it is taken for over", self.chip.address);
                }
                self.then(held.then);
            } else {
                place += 1;
            }
        }
    }

    fn then(&mut self, then: Then) {
        match then {
            Then::Ack(ack) => self.acknowledge(ack),
            Then::Relogin { ack, olds } => self.relogin(ack, olds),
            Then::Logout { peer, explicit } => self.send_logout(&peer, explicit),
        }
    }

    /// The firmware forgets obsolete logins one after the other; then the new one is acknowledged.
    pub(super) fn relogin(&mut self, ack: Ack, mut olds: Vec<Old>) {
        let Some(old) = olds.pop() else { return self.acknowledge(ack) };
        let flags = LoginFlags(0).with_code(LoginCommand::LOGO.0).with_implicit(true).with_free_handle(!old.keep);
        self.send(What::Relogin { ack, olds }, 0, |handle| {
            *login_entry(handle, old.handle, flags, old.vp, old.id).entry()
        });
    }

    /// Logs a peer out: with LOGO, or silently when it is gone.
    pub(super) fn log_out(&mut self, vp: u8, remote: PortId, explicit: bool) {
        let Some(peer) = self.peers.remove(vp, remote) else { return };
        let waits = self.end_sessions(vp, remote, None);
        self.after(waits, Then::Logout { peer, explicit });
    }

    fn send_logout(&mut self, peer: &Peer, explicit: bool) {
        // Meanwhile it may have logged in anew, with the same handle.
        if self.peers.iter().any(|other| other.handle == peer.handle) {
            return;
        }
        let flags = LoginFlags(0).with_code(LoginCommand::LOGO.0).with_free_handle(true);
        let flags = if explicit { flags.with_explicit(true) } else { flags.with_implicit(true) };
        // The firmware waits for the answer to a frame for twice R_A_TOV.
        let seconds = if explicit { 20 } else { 0 };
        let (handle, vp, id) = (peer.handle, peer.vp, peer.id);
        self.send(What::Logout, seconds, |own| *login_entry(own, handle, flags, vp, id).entry());
    }

    /// A queue's owner wants a peer logged out, or the chip says that it is.
    pub(super) fn log_out_session(&mut self, id: SessionId) {
        if let Some((vp, remote)) = self.peers.get(id).map(|login| (login.vp, login.info.peer_id)) {
            self.log_out(vp, remote, true);
        }
    }
}

/// A login or logout.
pub(super) fn login_entry(handle: u32, nport: u16, flags: LoginFlags, vp: u8, id: PortId) -> LoginLogout {
    LoginLogout {
        handle: U32::new(handle),
        nport_handle: U16::new(nport),
        control_flags: U16::new(flags.0),
        vp_index: vp,
        port_id: LeId::new(id),
        ..LoginLogout::new()
    }
}
