//! The sessions of a node: who is logged in for which protocol.

use super::PortKey;
use crate::{Fc4, SessionId, SessionInfo};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use wire::fc::PortId;

/// Who sends the commands of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The peer: we serve.
    Served,
    /// We: the owner of the node is an initiator.
    Ours,
}

/// A login for one FC-4 type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub info: SessionInfo,
    pub port: PortKey,
    pub role: Role,
    /// The lane of its commands, when all of them go to one.
    pub lane: usize,
    pub max_payload: u16,
}

/// What a command needs to know of its session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub session: SessionId,
    pub port: PortKey,
    pub lane: usize,
    pub max_payload: u16,
}

/// Spreads keys that are numbers already.
#[derive(Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u64(&mut self, n: u64) {
        let mixed = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
}

/// All sessions, found by name, and those that we serve, by the addresses of a command.
#[derive(Default)]
pub(crate) struct Sessions {
    all: BTreeMap<SessionId, Session>,
    served: HashMap<u64, Served, BuildHasherDefault<Spread>>,
    last: u32,
}

fn key(local: PortId, remote: PortId, fc4: Fc4) -> u64 {
    (fc4 as u64) << 48 | u64::from(local.0) << 24 | u64::from(remote.0)
}

impl Sessions {
    /// A name for the next one.
    pub fn next_id(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }

    /// Adds one.
    pub fn insert(&mut self, session: Session) {
        let Session { info, port, role, lane, max_payload } = session;
        if role == Role::Served {
            let served = Served { session: info.id, port, lane, max_payload };
            self.served.insert(key(info.local_id, info.peer_id, info.fc4), served);
        }
        self.all.insert(info.id, session);
    }

    /// Removes one.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.all.remove(&id)?;
        let key = key(session.info.local_id, session.info.peer_id, session.info.fc4);
        if session.role == Role::Served {
            self.served.remove(&key);
        }
        Some(session)
    }

    /// One by its name.
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.all.get(&id)
    }

    /// The session that a command belongs to.
    #[inline]
    pub fn served(&self, local: PortId, remote: PortId, fc4: Fc4) -> Option<Served> {
        self.served.get(&key(local, remote, fc4)).copied()
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.all.values()
    }

    /// The names of those that `which` picks.
    pub fn pick(&self, which: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        self.all.values().filter(|session| which(session)).map(|session| session.info.id).collect()
    }

    /// The session of that kind between two ports.
    pub fn find(&self, port: PortKey, remote: PortId, fc4: Fc4, role: Role) -> Option<&Session> {
        self.all.values().find(|session| {
            let info = &session.info;
            session.port == port && info.peer_id == remote && info.fc4 == fc4 && session.role == role
        })
    }
}
