//! Logouts: LOGO that comes or goes, PRLO that goes, and commands of who is not logged in. FC-LS-5, 4.2.9 and 4.2.20.

use super::directory::type_of;
use super::{Stage, Verify};
use crate::node::{Core, PortKey, What};
use crate::{Fc4, SessionId, Xid};
use wire::fc::PortId;
use wire::fc::els::{Command, Logo, LsAcc, Page, write_pages};

/// Whom LOGO was sent to is remembered so long, and so many of them.
const LOGO_PAUSE_MS: u64 = 1_000;
const LOGOS: usize = 64;

impl Core {
    /// A peer, the name server or the fabric logs us out.
    pub(super) fn logo_came(&mut self, xid: Xid, key: PortKey, remote: PortId) {
        self.answer_els(xid, &LsAcc::PLAIN.to_bytes());
        let Some(port) = self.port(key) else { return };
        match remote {
            PortId::FABRIC => {
                log::warn!("{}: logged out by the fabric; it logs in anew", port.names);
                self.port_down(key, Stage::Fabric);
                self.begin(key);
            }
            PortId::DIRECTORY if port.stage != Stage::Directory => self.enter(key, Stage::Directory),
            _ => self.peer_gone(key, remote),
        }
    }

    /// We log a peer out of a session: LOGO, or PRLO when it is logged in for the other protocol, too.
    pub fn log_out(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        let (key, remote, fc4) = (session.port, session.info.peer_id, session.info.fc4);
        let with_it = |other: &crate::node::Session| other.port == key && other.info.peer_id == remote;
        let others = self.sessions.pick(|other| with_it(other) && other.info.fc4 != fc4);
        if others.is_empty() {
            self.send_logo(key, remote);
            return self.peer_gone(key, remote);
        }
        self.send_prlo(key, remote, fc4);
        self.end_sessions(|other| with_it(other) && other.info.fc4 == fc4);
    }

    fn send_prlo(&mut self, key: PortKey, remote: PortId, fc4: Fc4) {
        let mut payload = [0; 32];
        let len = write_pages(&mut payload, Command::PRLO, &[Page::logout(type_of(fc4))]).expect("a page fits");
        self.els(key, remote, &payload[..len], What::Quiet);
    }

    fn send_logo(&mut self, key: PortKey, remote: PortId) {
        let Some(port) = self.port(key) else { return };
        let logo = Logo::new(port.id, port.names.port).to_bytes();
        self.els(key, remote, &logo, What::Quiet);
    }

    /// A command or FC-4 request came from who is not logged in: it is told so, not for each frame. By LOGO, or by PRLO when
    /// only the process login is missing.
    pub fn not_logged_in(&mut self, local: PortId, remote: PortId, fc4: Fc4) {
        let now = self.now;
        let port = self.ports.iter_mut().flatten().find(|port| port.is_addressed() && port.id == local);
        let Some(port) = port else { return };
        port.logos.retain(|(_, until)| *until > now);
        if port.logos.len() >= LOGOS || port.logos.iter().any(|(id, _)| *id == remote) {
            return;
        }
        port.logos.push_back((remote, now + LOGO_PAUSE_MS * 1_000_000));
        let (key, known) = (port.key, port.peers.contains_key(&remote));
        log::info!("{}: a command of {remote}, which is not logged in for {fc4:?}", port.names);
        if known { self.send_prlo(key, remote, fc4) } else { self.send_logo(key, remote) }
    }

    /// What is known of a peer may have changed.
    pub(super) fn set_verifying(&mut self, key: PortKey, remote: PortId, verifying: Verify) {
        if let Some(peer) = self.port_mut(key).and_then(|port| port.peers.get_mut(&remote)) {
            peer.verifying = verifying;
        }
    }
}
