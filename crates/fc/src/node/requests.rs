//! Requests of ours that are out: what for, so that the answer finds its way.

use super::{Core, PortKey};
use crate::SessionId;
use crate::fc2::Route;
use ring::{Tag, Tick};
use wire::fc::els::Login;
use wire::fc::{PortId, RCtl, Type};

/// What a request is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// FLOGI or FDISC.
    FabricLogin,
    /// PLOGI that gives both ports of a link their addresses.
    PointToPoint,
    /// PLOGI with the directory server.
    Directory,
    /// A registration with the name server.
    Register,
    /// SCR.
    StateChanges,
    /// PLOGI with a port.
    Plogi { remote: PortId },
    /// PRLI of a login.
    Prli { login: u32, remote: PortId },
    /// GID_PN of a login.
    Lookup { login: u32 },
    /// GPN_ID of a peer after an RSCN.
    Verify { remote: PortId },
    /// ADISC of a peer whose name is as before.
    Adisc { remote: PortId },
    /// GPN_ID of the present holder of a port name that someone else logs in with.
    Holder { held: Held },
    /// Nobody waits for the answer.
    Quiet,
    /// [`Node::ls`](crate::Node::ls).
    Ls { context: u64 },
    /// [`Node::ct`](crate::Node::ct).
    Ct { context: u64 },
}

/// A PLOGI that waits for a look at the name server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub xid: crate::Xid,
    pub remote: PortId,
    pub login: Login,
    /// Where the name is logged in.
    pub holder: PortId,
}

/// A request that is out.
pub(crate) struct Pending {
    pub port: PortKey,
    /// The port's life in which it was sent.
    pub epoch: u32,
    pub what: What,
}

impl Core {
    /// Sends an ELS request from a port's address. `false`: not now.
    pub fn els(&mut self, port: PortKey, remote: PortId, payload: &[u8], what: What) -> bool {
        let Some(local) = self.port(port).map(|port| port.id) else { return false };
        let timeout = match what {
            What::FabricLogin => self.timing.fabric_login,
            _ => self.timing.service,
        };
        self.request(port, (local, remote), (RCtl::ELS_REQUEST, Type::ELS), payload, timeout, what)
    }

    /// Sends a CT request to the directory server. `false`: not now.
    pub fn directory(&mut self, port: PortKey, payload: &[u8], what: What) -> bool {
        let timeout = self.timing.service;
        self.directory_within(port, payload, timeout, what)
    }

    /// The same, with a time-out of the caller's.
    pub fn directory_within(&mut self, port: PortKey, payload: &[u8], timeout: Tick, what: What) -> bool {
        let Some(local) = self.port(port).map(|port| port.id) else { return false };
        let kind = (RCtl::UNSOLICITED_CONTROL, Type::CT);
        self.request(port, (local, PortId::DIRECTORY), kind, payload, timeout, what)
    }

    /// Sends an FC-4 link service request of a session. `false`: not now, or the session is gone.
    pub fn session_request(&mut self, session: SessionId, payload: &[u8], timeout: Tick, what: What) -> bool {
        let Some(session) = self.sessions.get(session) else { return false };
        let (port, ids) = (session.port, (session.info.local_id, session.info.peer_id));
        self.request(port, ids, (RCtl::FC4_LS_REQUEST, Type::NVME), payload, timeout, what)
    }

    fn request(
        &mut self,
        port: PortKey,
        (local, remote): (PortId, PortId),
        (r_ctl, type_): (RCtl, Type),
        payload: &[u8],
        timeout: Tick,
        what: What,
    ) -> bool {
        let Some(entry) = self.port(port) else { return false };
        let max_payload = entry.peers.get(&remote).map_or(self.link.max_payload, |peer| peer.max_payload);
        let pending = Pending { port, epoch: entry.epoch, what };
        if self.requests.len() == self.requests.capacity() {
            self.requests.grow(self.requests.capacity() + 64);
        }
        let tag = self.requests.insert(pending).unwrap_or_else(|_| unreachable!("the table has just grown"));
        let route = Route { local, remote, max_payload };
        let sent = self.fc2.request(route, r_ctl, type_, payload, timeout, tag.to_u64(), self.now);
        if sent.is_err() {
            self.requests.remove(tag);
        }
        sent.is_ok()
    }

    /// The request that an answer belongs to.
    pub fn answered(&mut self, context: u64) -> Option<Pending> {
        self.requests.remove(Tag::from_u64(context))
    }
}
