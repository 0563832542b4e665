//! The other VN2VN ports: who they are, when they were heard, and whether the logins of FIP are done.

use super::Vn2vnLink;
use crate::fcoe::{Ether, MS};
use fc::LinkEvent;
use ring::Tick;
use wire::fc::{PortId, Wwn};
use wire::fcoe::{FcMap, Mac};
use wire::fip::{ALL_VN2VN, BEACON_PERIOD_MS, Kind, Message, VnPort};

/// Most peers that are remembered.
const MOST: usize = 1024;
/// The port of the smaller name waits so long for the FLOGI of the other before it sends its own: one is enough.
const PATIENCE: Tick = 1_000 * MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// A FLOGI is to be sent then.
    Due(Tick),
    /// It was, under this OX_ID; after this time again.
    Sent(u16, Tick),
    Done,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub enode: Mac,
    pub port: VnPort,
    pub heard: Tick,
    pub login: Login,
}

#[derive(Default)]
pub(super) struct Peers(pub Vec<Peer>);

impl Peers {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn get(&mut self, id: PortId) -> Option<&mut Peer> {
        self.0.iter_mut().find(|peer| peer.port.id == id)
    }

    #[inline]
    pub(super) fn has(&self, id: PortId) -> bool {
        self.0.iter().any(|peer| peer.port.id == id)
    }

    #[inline]
    pub(super) fn enode(&self, id: PortId) -> Option<Mac> {
        self.0.iter().find(|peer| peer.port.id == id).map(|peer| peer.enode)
    }

    pub(super) fn name(&self, id: PortId) -> Option<Wwn> {
        self.0.iter().find(|peer| peer.port.id == id).map(|peer| peer.port.name)
    }

    pub(super) fn deadline(&self) -> Tick {
        let of = |peer: &Peer| match peer.login {
            Login::Due(at) | Login::Sent(_, at) => at,
            Login::Done => peer.heard + timeout(),
        };
        self.0.iter().map(of).min().unwrap_or(Tick::MAX)
    }
}

const fn timeout() -> Tick {
    crate::fcoe::peer_timeout(BEACON_PERIOD_MS as Tick * MS)
}

impl<E: Ether> Vn2vnLink<E> {
    /// Remembers who answered a claim of ours, or claimed.
    pub(super) fn add_peer(&mut self, message: &Message<'_>, port: VnPort) {
        let Some(enode) = message.mac().filter(|mac| mac.is_station()) else { return };
        if port.mac != Mac::mapped(FcMap::VN2VN, port.id) || port.id == PortId::NONE {
            self.door.counters.fip_faults += 1;
            return;
        }
        if self.peers.get(port.id).is_some_and(|peer| (peer.port, peer.enode) != (port, enode)) {
            self.drop_peer(port.id);
        }
        let (now, full) = (self.now, self.peers.0.len() >= MOST);
        let first = if self.names.port > port.name { 0 } else { PATIENCE };
        match self.peers.get(port.id) {
            Some(peer) => peer.heard = now,
            None if full => {}
            None => self.peers.0.push(Peer { enode, port, heard: now, login: Login::Due(now + first) }),
        }
    }

    /// Someone says that it is there. Whom we do not know answers to a claim.
    pub(super) fn beacon(&mut self, message: &Message<'_>, port: VnPort) {
        let now = self.now;
        match self.peers.get(port.id) {
            Some(peer) if peer.port == port && message.mac() == Some(peer.enode) => peer.heard = now,
            Some(_) => {}
            None => {
                if self.is_up() && self.address.may_claim_again(now) {
                    self.say(ALL_VN2VN, Kind::ClaimNotification, 0);
                }
            }
        }
    }

    pub(super) fn drop_peer(&mut self, id: PortId) {
        let Some(at) = self.peers.0.iter().position(|peer| peer.port.id == id) else { return };
        if self.peers.0.swap_remove(at).login == Login::Done {
            self.events.push_back(LinkEvent::PeerDown(id));
        }
    }

    /// Sends the FLOGIs that are due and lets those go that are silent.
    pub(super) fn look_after_peers(&mut self) {
        let now = self.now;
        if now < self.peers.deadline() && !self.peers.0.iter().any(|peer| now >= peer.heard + timeout()) {
            return;
        }
        let silent = self.peers.0.iter().filter(|peer| now >= peer.heard + timeout()).map(|peer| peer.port.id);
        for id in silent.collect::<Vec<_>>() {
            log::info!("fcoe: {}: VN2VN port {id} is silent", self.door.ether.name());
            self.drop_peer(id);
        }
        for at in 0..self.peers.0.len() {
            match self.peers.0[at].login {
                Login::Due(when) | Login::Sent(_, when) if now >= when => self.log_in(at),
                _ => {}
            }
        }
    }
}
