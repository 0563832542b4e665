//! Changes of the fabric: RSCN is accepted, and each port that it concerns and that is logged in is looked at: first whether
//! its name is where it was (GPN_ID), then, if we send commands to it, whether it still knows us (ADISC).

use super::Verify;
use super::link::no_answer;
use crate::Xid;
use crate::fc2::{Failure, Payload};
use crate::node::{Core, NodeEvent, PortKey, Role, Session, What};
use wire::fc::ct::{self, CtReply, Request, reply};
use wire::fc::els::{Adisc, Command, LsAcc, Rscn, accepted};
use wire::fc::{PortId, Wwn};

impl Core {
    pub(super) fn rscn_came(&mut self, xid: Xid, key: PortKey, rscn: Rscn<'_>) {
        self.answer_els(xid, &LsAcc::PLAIN.to_bytes());
        if !self.is_online(key) {
            return;
        }
        let pages = rscn.pages();
        let Some(port) = self.port(key) else { return };
        let concerned = port.peers.keys().filter(|id| pages.iter().any(|page| page.affects(**id)));
        let concerned: Vec<PortId> = concerned.copied().collect();
        concerned.into_iter().for_each(|id| self.verify(key, id));
        self.tell(NodeEvent::Rscn { port: key, pages: pages.to_vec() });
    }

    /// From now on changes are told: what changed before is looked for (a peer that logged in and vanished meanwhile).
    pub(super) fn verify_all(&mut self, key: PortKey) {
        let Some(port) = self.port(key) else { return };
        let peers: Vec<PortId> = port.peers.keys().copied().filter(|id| !id.is_well_known()).collect();
        peers.into_iter().for_each(|id| self.verify(key, id));
    }

    /// Looks at a peer, one question at a time: what comes meanwhile leads to one more.
    fn verify(&mut self, key: PortKey, remote: PortId) {
        let verifying = self.port(key).and_then(|port| port.peers.get(&remote)).map(|peer| peer.verifying);
        if verifying.is_some_and(|verifying| verifying != Verify::Idle) {
            return self.set_verifying(key, remote, Verify::AskedAgain);
        }
        if !self.has_name_server(key) {
            return self.ask_peer(key, remote);
        }
        let question = super::directory::bytes_of(&Request::ById(ct::Command::GPN_ID, remote));
        if self.directory(key, &question, What::Verify { remote }) {
            self.set_verifying(key, remote, Verify::Asked);
        }
    }

    /// The name server's answer to who is at an address now.
    pub(super) fn verified(&mut self, key: PortKey, remote: PortId, result: Result<&Payload, Failure>) {
        let Some(peer) = self.port(key).and_then(|port| port.peers.get(&remote)).copied() else { return };
        let there = match result.map(|payload| reply(payload.bytes())) {
            Ok(CtReply::Accept { body, .. }) => body.first_chunk().map(|name| Wwn::from_bytes(*name)),
            Ok(CtReply::Reject(_)) => None,
            // No answer is no reason to log anybody out.
            Ok(CtReply::Malformed) => return self.verified_end(key, remote),
            Err(failure) => {
                log::warn!("{}", no_answer("the name server's look at a peer", failure));
                return self.verified_end(key, remote);
            }
        };
        if there != Some(peer.names.port) {
            log::info!("{} is not at {remote} any more", peer.names);
            return self.peer_gone(key, remote);
        }
        let again = peer.verifying == Verify::AskedAgain;
        self.verified_end(key, remote);
        if !again {
            self.ask_peer(key, remote);
        }
    }

    /// The look is over; one more if something changed meanwhile.
    fn verified_end(&mut self, key: PortKey, remote: PortId) {
        let peer = self.port(key).and_then(|port| port.peers.get(&remote));
        let again = peer.is_some_and(|peer| peer.verifying == Verify::AskedAgain);
        self.set_verifying(key, remote, Verify::Idle);
        if again {
            self.verify(key, remote);
        }
    }

    /// Asks a port that we send commands to whether it still knows us.
    fn ask_peer(&mut self, key: PortKey, remote: PortId) {
        let with_it = |session: &Session| session.port == key && session.info.peer_id == remote;
        if !self.sessions.iter().any(|session| session.role == Role::Ours && with_it(session)) {
            return;
        }
        let Some(port) = self.port(key) else { return };
        let adisc = Adisc::new(Command::ADISC, port.names.port, port.names.node, port.id).to_bytes();
        if self.els(key, remote, &adisc, What::Adisc { remote }) {
            self.set_verifying(key, remote, Verify::Asked);
        }
    }

    pub(super) fn adisc_answered(&mut self, key: PortKey, remote: PortId, result: Result<&Payload, Failure>) {
        let Some(peer) = self.port(key).and_then(|port| port.peers.get(&remote)).copied() else { return };
        let adisc = result.map(|payload| accepted(payload.bytes()).map(|bytes| wire::parse::<Adisc>(bytes).copied()));
        let known = matches!(adisc, Ok(Ok(Some(adisc))) if adisc.port_name() == peer.names.port);
        if known {
            return self.verified_end(key, remote);
        }
        log::info!("{} at {remote} does not know us any more", peer.names);
        self.peer_gone(key, remote);
    }
}
