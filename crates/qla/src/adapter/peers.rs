//! Who is logged in: peers by PLOGI, sessions by PRLI. A session is a name until every lane that heard of it is done with it.

use fc::{Fc4, Names, SessionId, SessionInfo};
use std::collections::BTreeMap;
use wire::fc::{PortId, Wwn};

/// A remote port that the firmware has a handle for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// The port of ours that it logged in with.
    pub vp: u8,
    pub id: PortId,
    /// The firmware's handle.
    pub handle: u16,
    pub names: Names,
    /// Which login it is: each has another, never 0.
    pub serial: u32,
}

/// A login for one protocol.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub info: SessionInfo,
    pub vp: u8,
    /// Lanes that were told.
    pub lanes: Vec<usize>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Peers {
    peers: Vec<Peer>,
    logins: BTreeMap<SessionId, Login>,
    /// Sessions that are over, and how many lanes have something of them at the chip still.
    ending: BTreeMap<SessionId, Vec<usize>>,
    last: u32,
    last_serial: u32,
}

impl Peers {
    pub fn next_serial(&mut self) -> u32 {
        self.last_serial = self.last_serial.wrapping_add(1).max(1);
        self.last_serial
    }

    pub fn next_id(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }

    /// In place of an older one of that address.
    pub fn insert(&mut self, peer: Peer) {
        self.remove(peer.vp, peer.id);
        self.peers.push(peer);
    }

    pub fn remove(&mut self, vp: u8, id: PortId) -> Option<Peer> {
        let place = self.peers.iter().position(|peer| (peer.vp, peer.id) == (vp, id))?;
        Some(self.peers.swap_remove(place))
    }

    pub fn find(&self, vp: u8, id: PortId) -> Option<&Peer> {
        self.peers.iter().find(|peer| (peer.vp, peer.id) == (vp, id))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter()
    }

    /// Peers that a new login makes obsolete: of the same name, the same address or the same handle.
    pub fn obsolete(&self, vp: u8, name: Wwn, id: PortId, handle: u16) -> Vec<Peer> {
        let same = |peer: &&Peer| {
            let identity = peer.vp == vp && (peer.names.port == name || peer.id == id);
            identity || peer.handle == handle
        };
        self.peers.iter().filter(same).copied().collect()
    }

    pub fn login(&mut self, login: Login) {
        self.logins.insert(login.info.id, login);
    }

    pub fn logins(&self) -> impl Iterator<Item = &Login> {
        self.logins.values()
    }

    pub fn get(&self, id: SessionId) -> Option<&Login> {
        self.logins.get(&id)
    }

    /// The sessions that `which` picks.
    pub fn pick(&self, which: impl Fn(&Login) -> bool) -> Vec<SessionId> {
        self.logins.values().filter(|login| which(login)).map(|login| login.info.id).collect()
    }

    /// The session of a peer for a protocol.
    pub fn session(&self, vp: u8, id: PortId, fc4: Fc4) -> Option<&Login> {
        self.logins.values().find(|login| login.vp == vp && login.info.peer_id == id && login.info.fc4 == fc4)
    }

    /// A session is over; it is ending until each of its lanes has said so.
    pub fn end(&mut self, id: SessionId) -> Option<Login> {
        let login = self.logins.remove(&id)?;
        if !login.lanes.is_empty() {
            self.ending.insert(id, login.lanes.clone());
        }
        Some(login)
    }

    /// A lane has nothing of the session any more.
    pub fn down(&mut self, id: SessionId, lane: usize) {
        if let Some(lanes) = self.ending.get_mut(&id) {
            lanes.retain(|other| *other != lane);
            if lanes.is_empty() {
                self.ending.remove(&id);
            }
        }
    }

    /// A lane is gone, or quiet: it has nothing of any session.
    pub fn lane_gone(&mut self, lane: usize) {
        self.ending.retain(|_, lanes| {
            lanes.retain(|other| *other != lane);
            !lanes.is_empty()
        });
    }

    pub fn is_ending(&self, id: SessionId) -> bool {
        self.ending.contains_key(&id)
    }

    /// Nobody is known any more; sessions that end go on ending.
    pub fn forget_peers(&mut self) {
        self.peers.clear();
    }

    /// All peers of a port are gone.
    pub fn clear_port(&mut self, vp: u8) {
        self.peers.retain(|peer| peer.vp != vp);
    }
}
