//! Immediate notifies: logins and logouts of peers, which the firmware answers when we acknowledge them. Each is acknowledged once.
//!
//! The order is all: what an earlier login left is over (no lane has anything of it at the chip) before the new one is acknowledged,
//! and a session is there only when the acknowledgement of its PRLI was completed.

use super::Adapter;
use super::entries::What;
use super::logins::Then;
use super::peers::Peer;
use crate::assumptions;
use crate::intake::Verdict;
use crate::ring::Group;
use fc::{Fc4, Names};
use ring::Tick;
use wire::fc::els::Command;
use wire::fc::{PortId, Wwn};
use wire::isp::iocb::{ImmediateNotify, NOTIFY_ACK_SUCCESS, NotifyAck, NotifyFlags, NotifyStatus};

/// Commands that wait for their session at most.
const EARLY: usize = 64;

/// What an acknowledgement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckOf {
    Plogi,
    Prli {
        fc4: Fc4,
        word3: u32,
        initiator: bool,
    },
    /// The peer is logged out then.
    Logo,
    /// Nothing follows.
    Other,
}

/// An acknowledgement: of which notify, what follows from it, and for which login of the peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ack {
    pub notify: ImmediateNotify,
    pub of: AckOf,
    /// [`Peer::serial`]; 0: nobody's.
    pub serial: u32,
}

/// A command whose session is about to be there, and until when it waits.
pub(super) struct Early {
    pub group: Box<Group>,
    pub local: PortId,
    pub peer: PortId,
    pub until: Tick,
}

impl Adapter {
    /// A notify came.
    pub(super) fn notify(&mut self, notify: &ImmediateNotify) {
        let vp = self.vp_of(notify);
        match notify.status() {
            NotifyStatus::ELS => self.els(*notify, vp),
            NotifyStatus::PORT_LOGOUT => self.gone_then_ack(*notify, vp, AckOf::Logo),
            NotifyStatus::GLOBAL_TPRLO | NotifyStatus::GLOBAL_LOGO | NotifyStatus::PORT_CONFIG_CHANGED => {
                let waits = self.end_all(vp);
                self.after(waits, Then::Ack(self.ack(*notify, AckOf::Other)));
            }
            // LIP and others: there is no loop here, and nothing to do but to say so.
            _ => self.acknowledge(self.ack(*notify, AckOf::Other)),
        }
    }

    /// The acknowledgement of a notify, for the login that its sender has now.
    fn ack(&self, notify: ImmediateNotify, of: AckOf) -> Ack {
        let peer = self.peers.find(self.vp_of(&notify), notify.port_id.port_id());
        Ack { notify, of, serial: peer.map_or(0, |peer| peer.serial) }
    }

    fn vp_of(&self, notify: &ImmediateNotify) -> u8 {
        if self.port(notify.vp_index).is_some() { notify.vp_index } else { 0 }
    }

    fn els(&mut self, notify: ImmediateNotify, vp: u8) {
        let remote = notify.port_id.port_id();
        match notify.status_subcode {
            Command::PLOGI => self.plogi(notify, vp, remote),
            Command::PRLI => self.prli(notify, vp, remote),
            Command::LOGO => self.gone_then_ack(notify, vp, AckOf::Logo),
            Command::PRLO => {
                let fc4 = assumptions::notify_fc4(&notify);
                let waits = self.end_sessions(vp, remote, fc4);
                self.after(waits, Then::Ack(self.ack(notify, AckOf::Other)));
            }
            Command::TPRLO => {
                let global = NotifyFlags(notify.flags.get()).global_tprlo();
                let waits = if global { self.end_all(vp) } else { self.end_sessions(vp, remote, None) };
                self.after(waits, Then::Ack(self.ack(notify, AckOf::Other)));
            }
            _ => self.acknowledge(self.ack(notify, AckOf::Other)),
        }
    }

    fn plogi(&mut self, notify: ImmediateNotify, vp: u8, remote: PortId) {
        let names = Names { node: Wwn::from_bytes(notify.node_name), port: Wwn::from_bytes(notify.port_name) };
        if remote.is_well_known() {
            return self.acknowledge(self.ack(notify, AckOf::Other));
        }
        if names.port.0 == 0 || self.port(vp).is_none_or(|port| !port.is_addressed()) {
            return self.reject(notify, "PLOGI");
        }
        let handle = notify.nport_handle.get();
        let obsolete = self.peers.obsolete(vp, names.port, remote, handle);
        let mut waits = Vec::new();
        for old in &obsolete {
            waits.extend(self.end_sessions(old.vp, old.id, None));
            self.peers.remove(old.vp, old.id);
        }
        let serial = self.peers.next_serial();
        self.peers.insert(Peer { vp, id: remote, handle, names, serial });
        let olds = obsolete.iter().map(|old| super::logins::Old::of(old, handle, remote)).collect();
        self.after(waits, Then::Relogin { ack: Ack { notify, of: AckOf::Plogi, serial }, olds });
    }

    fn prli(&mut self, notify: ImmediateNotify, vp: u8, remote: PortId) {
        if remote.is_well_known() {
            return self.acknowledge(self.ack(notify, AckOf::Other));
        }
        let Some(fc4) = assumptions::notify_fc4(&notify) else { return self.reject(notify, "PRLI") };
        let known = self.peers.find(vp, remote).is_some();
        let served = self.port(vp).is_some_and(|port| port.offer(fc4).is_some());
        if !known || !served {
            return self.reject(notify, "PRLI");
        }
        let word3 = u32::from(notify.prli_word3());
        let of = AckOf::Prli { fc4, word3, initiator: assumptions::is_initiator(fc4, word3) };
        // An older session for the same protocol is over first.
        let waits = self.end_sessions(vp, remote, Some(fc4));
        self.after(waits, Then::Ack(self.ack(notify, of)));
    }

    /// A peer logs out.
    fn gone_then_ack(&mut self, notify: ImmediateNotify, vp: u8, of: AckOf) {
        let waits = self.end_sessions(vp, notify.port_id.port_id(), None);
        self.after(waits, Then::Ack(self.ack(notify, of)));
    }

    /// Acknowledges a notify: the firmware sends LS_ACC.
    pub(super) fn acknowledge(&mut self, ack: Ack) {
        self.send(What::Ack(ack), 0, |handle| *NotifyAck::to(&ack.notify, handle).entry());
    }

    /// Refuses what a notify is about: the firmware sends LS_RJT.
    fn reject(&mut self, notify: ImmediateNotify, what: &str) {
        self.counters.refused_logins += 1;
        let peer = Wwn::from_bytes(notify.port_name);
        log::info!("{}: {what} of {} ({peer}) is refused", self.chip.address, notify.port_id.port_id());
        let ack = Ack { notify, of: AckOf::Other, serial: 0 };
        self.send(What::Ack(ack), 0, |handle| *NotifyAck::to(&notify, handle).rejecting().entry());
    }

    /// An acknowledgement was carried out, or not.
    pub(super) fn acknowledged(&mut self, ack: &Ack, status: u16) {
        let (vp, remote) = (self.vp_of(&ack.notify), ack.notify.port_id.port_id());
        let done = status == NOTIFY_ACK_SUCCESS;
        // The peer may have logged in anew meanwhile, or the link may have been down.
        if self.peers.find(vp, remote).is_none_or(|peer| peer.serial != ack.serial) {
            return;
        }
        match ack.of {
            AckOf::Plogi if !done => drop(self.peers.remove(vp, remote)),
            AckOf::Prli { fc4, word3, initiator: true } if done => self.session_up(vp, remote, fc4, word3),
            AckOf::Logo => drop(self.peers.remove(vp, remote)),
            AckOf::Plogi | AckOf::Prli { .. } | AckOf::Other => {}
        }
    }

    /// A command between ports that have no session: it waits if the session is about to be there, else its exchange is ended.
    pub(super) fn command_without_session(&mut self, group: &Group, local: PortId, peer: PortId) {
        if self.early.len() < EARLY && (self.prli_is_under_way(peer) || self.peer_waits(local, peer)) {
            let until = self.now + self.settings.timing.session_end;
            return self.early.push_back(Early { group: Box::new(group.clone()), local, peer, until });
        }
        self.counters.strays += 1;
        self.intake.terminate(group, &mut self.base.request);
    }

    fn prli_is_under_way(&self, remote: PortId) -> bool {
        let of_peer = |what: &What| match what {
            What::Ack(ack) => matches!(ack.of, AckOf::Prli { .. }) && ack.notify.port_id.port_id() == remote,
            _ => false,
        };
        self.pending.iter().any(of_peer)
    }

    fn peer_waits(&self, local: PortId, peer: PortId) -> bool {
        self.early.iter().any(|early| (early.local, early.peer) == (local, peer))
    }

    /// Commands that waited are given to their session; those whose time is up are ended. Order is kept.
    pub(super) fn early_commands(&mut self) {
        for _ in 0..self.early.len() {
            let Some(early) = self.early.pop_front() else { return };
            let verdict = self.intake.command(&early.group, &mut self.lanes.ends, &mut self.base.request);
            match verdict {
                Verdict::NoSession { .. } if early.until > self.now && self.prli_is_under_way(early.peer) => {
                    self.early.push_back(early);
                }
                Verdict::NoSession { .. } => self.intake.terminate(&early.group, &mut self.base.request),
                Verdict::Taken | Verdict::Malformed => {}
            }
        }
    }
}
