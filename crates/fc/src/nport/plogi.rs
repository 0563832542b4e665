//! N_Port login as the one who is asked: PLOGI and PDISC. FC-LS-5, 6.5. A PLOGI ends whatever there was with its sender.

use super::{PeerPort, Stage, Verify};
use crate::node::{Core, Held, NodeEvent, PortKey, What};
use crate::{Fc4, Names, SessionId, Topology, Xid};
use wire::fc::ct::{CtReply, Request, reply};
use wire::fc::els::{Command, Explanation, Login, Reason, Reject};
use wire::fc::{PortId, Wwn, ct};

/// The receive data field size to announce on a link that carries `max_payload`.
pub(super) fn size_of(max_payload: u16) -> u16 {
    max_payload.clamp(wire::fc::MIN_PAYLOAD as u16, wire::fc::MAX_PAYLOAD as u16) & !3
}

fn names_of(login: &Login) -> Names {
    Names { node: login.node_name(), port: login.port_name() }
}

impl Core {
    pub(super) fn plogi_came(&mut self, xid: Xid, key: PortKey, remote: PortId, login: &Login) {
        let theirs = names_of(login);
        if let Err(reject) = self.check_plogi(key, remote, login) {
            return self.reject(xid, reject);
        }
        let Some(port) = self.port(key) else { return self.fc2.discard(xid) };
        match port.address_of(theirs.port).filter(|holder| *holder != remote) {
            Some(holder) if port.topology == Some(Topology::Fabric) => {
                self.ask_for_holder(key, Held { xid, remote, login: *login, holder });
            }
            _ => self.accept_plogi(xid, key, remote, login),
        }
    }

    /// Whether its content allows a login.
    fn check_plogi(&mut self, key: PortKey, remote: PortId, login: &Login) -> Result<(), Reject> {
        let theirs = names_of(login);
        let Some(port) = self.port(key) else { return Err(Reject::LOGIN_REQUIRED) };
        if let Some(ours) = self.ports.iter().flatten().find(|port| port.names.port == theirs.port && port.id != remote)
        {
            log::warn!(
                "port name {} is in use by port {} of this target: login of {remote} with the same name is rejected",
                theirs.port,
                ours.names
            );
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_PORT_NAME));
        }
        if theirs.port == Wwn::NONE || remote == PortId::NONE || remote.is_well_known() {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_PORT_NAME));
        }
        if login.receive_size().is_none() {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::RECEIVE_SIZE));
        }
        // Both sides sent one: that of the larger port name counts (FC-LS-5, 6.5.2.3).
        if port.dials.get(&remote).is_some_and(|dial| dial.retry_at.is_none()) && port.names.port > theirs.port {
            return Err(Reject::new(Reason::IN_PROGRESS, Explanation::IN_PROGRESS));
        }
        Ok(())
    }

    fn accept_plogi(&mut self, xid: Xid, key: PortKey, remote: PortId, login: &Login) {
        let size = size_of(self.link.max_payload);
        self.peer_known(key, remote, login);
        let Some(port) = self.port(key) else { return };
        let accept = Login::n_port(Command::LS_ACC, port.names.port, port.names.node, size);
        self.fc2.answer(xid, size, &accept.to_bytes());
        self.dial_done(key, remote);
    }

    /// A port logged in, or accepted our login: what there was with it before, here or at another address, is over.
    pub(super) fn peer_known(&mut self, key: PortKey, remote: PortId, login: &Login) {
        let (limit, names) = (self.link.max_payload, names_of(login));
        self.peer_gone(key, remote);
        while let Some(elsewhere) = self.port(key).and_then(|port| port.address_of(names.port)) {
            self.peer_gone(key, elsewhere);
        }
        let max_payload = login.receive_size().unwrap_or(limit).min(limit);
        let Some(port) = self.port_mut(key) else { return };
        port.peers.insert(remote, PeerPort { names, max_payload, verifying: Verify::Idle });
        port.logos.retain(|(id, _)| *id != remote);
        if port.topology != Some(Topology::Fabric) {
            self.tell(NodeEvent::PeerUp { port: key, peer: names, peer_id: remote });
        }
    }

    /// The name is logged in from another address: asks the name server whether it is still there.
    fn ask_for_holder(&mut self, key: PortKey, held: Held) {
        let question = super::directory::bytes_of(&Request::ById(ct::Command::GPN_ID, held.holder));
        if !self.directory(key, &question, What::Holder { held }) {
            self.reject(held.xid, Reject::new(Reason::LOGICAL_BUSY, Explanation::NONE));
        }
    }

    /// The name server's answer: who holds the name twice is rejected, who has moved is let in.
    pub(super) fn holder_answered(&mut self, key: PortKey, held: &Held, answer: Option<&[u8]>) {
        let Held { xid, remote, login, holder } = held;
        let name = login.port_name();
        let there = match answer.map(reply) {
            Some(CtReply::Accept { body, .. }) => body.first_chunk().map(|bytes| Wwn::from_bytes(*bytes)),
            _ => None,
        };
        let still_here = self.port(key).is_some_and(|port| port.peers.contains_key(holder));
        if there == Some(name) && still_here {
            log::warn!(
                "port name {name} is in use by the port at {holder}: login of {remote} with the same name is rejected"
            );
            return self.reject(*xid, Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_PORT_NAME));
        }
        self.accept_plogi(*xid, key, *remote, login);
    }

    /// PDISC: the parameters without a login.
    pub(super) fn pdisc_came(&mut self, xid: Xid, key: PortKey, remote: PortId, login: &Login) {
        let size = size_of(self.link.max_payload);
        let Some(port) = self.port(key) else { return self.fc2.discard(xid) };
        let known = port.peers.get(&remote).is_some_and(|peer| peer.names == names_of(login));
        if !known {
            return self.reject(xid, Reject::LOGIN_REQUIRED);
        }
        let accept = Login::n_port(Command::LS_ACC, port.names.port, port.names.node, size);
        self.fc2.answer(xid, size, &accept.to_bytes());
    }

    /// A login with a peer is over on our side, without a word.
    pub(super) fn peer_gone(&mut self, key: PortKey, remote: PortId) {
        self.end_sessions(|session| session.port == key && session.info.peer_id == remote);
        let Some(port) = self.port_mut(key) else { return };
        if port.peers.remove(&remote).is_some() {
            port.changed = true;
        }
    }

    /// Ends all sessions that `which` picks: their exchanges are aborted, then the queues are told.
    pub fn end_sessions(&mut self, which: impl Fn(&crate::node::Session) -> bool) {
        let ids: Vec<SessionId> = self.sessions.pick(which);
        ids.into_iter().for_each(|id| self.end_session(id));
    }

    /// Whether a stage has an address that peers may log in with.
    pub(super) fn takes_logins(&self, key: PortKey) -> bool {
        self.port(key).is_some_and(|port| {
            port.is_addressed()
                && matches!(port.stage, Stage::Directory | Stage::Register | Stage::StateChanges | Stage::Online)
        })
    }

    /// Whether a port serves a protocol.
    pub(super) fn offers(&self, key: PortKey, fc4: Fc4) -> bool {
        self.port(key).is_some_and(|port| port.offer(fc4).is_some())
    }
}
