//! What the link, and the operator's hand on it, do to the ports.

use super::Stage;
use crate::fc2::Failure;
use crate::node::{Core, NodeEvent, PortKey};
use crate::{Attachment, LinkEvent, Topology};
use wire::fc::{PortId, Wwn, els};

impl Core {
    /// An event of the link. `name` is the port name of the peer that it is about, when the link knows it.
    pub fn link_event(&mut self, event: LinkEvent, name: Option<Wwn>) {
        match event {
            LinkEvent::Up(attachment) => self.link_up(attachment),
            LinkEvent::Down => self.link_down(),
            LinkEvent::PeerUp(id) => self.neighbour_up(id, name),
            LinkEvent::PeerDown(id) => self.neighbour_down(id),
        }
    }

    fn link_up(&mut self, attachment: Attachment) {
        if self.link.attachment.is_some() {
            self.link_down();
        }
        self.link.attachment = Some(attachment);
        self.tell(NodeEvent::LinkUp);
        match attachment {
            Attachment::Login => self.begin(PortKey::PHYSICAL),
            Attachment::Assigned(id) => {
                if let Some(port) = self.port_mut(PortKey::PHYSICAL) {
                    port.id = id;
                    port.topology = Some(Topology::Vn2vn);
                }
                self.online(PortKey::PHYSICAL);
            }
        }
    }

    fn link_down(&mut self) {
        if self.link.attachment.take().is_none() {
            return self.dark();
        }
        self.link.failures += 1;
        self.fc2.end_all();
        self.port_down(PortKey::PHYSICAL, Stage::LinkDown);
        self.dark();
        self.tell(NodeEvent::LinkDown);
    }

    /// Shows that the link is dark: by the operator's will or without it.
    fn dark(&mut self) {
        if let Some(port) = self.port_mut(PortKey::PHYSICAL) {
            port.stage = if port.enabled { Stage::LinkDown } else { Stage::Disabled };
            port.changed = true;
        }
    }

    /// The operator takes a port up or down.
    pub fn enable(&mut self, key: PortKey, up: bool) {
        let Some(port) = self.port_mut(key).filter(|port| port.enabled != up) else { return };
        port.enabled = up;
        port.changed = true;
        match (key, up) {
            (PortKey::PHYSICAL, _) => {
                self.link.wanted = Some(up);
                if self.link.attachment.is_none() {
                    self.dark();
                }
            }
            (_, true) => {
                self.enter(key, Stage::WaitParent);
                self.try_virtual(key);
            }
            (_, false) => {
                self.leave_fabric(key);
                self.port_down(key, Stage::Disabled);
            }
        }
    }

    /// A virtual port tells the fabric that it goes.
    pub fn leave_fabric(&mut self, key: PortKey) {
        let Some(port) = self.port(key).filter(|port| port.is_addressed()) else { return };
        let logo = els::Logo::new(port.id, port.names.port).to_bytes();
        self.els(key, PortId::FABRIC, &logo, crate::node::What::Quiet);
    }

    /// VN2VN: a port is there. The one with the larger name logs in with the other, whoever is the initiator; an initiator waits
    /// for that a while, and logs in at once when it does not know the name.
    pub(super) fn neighbour_up(&mut self, id: PortId, name: Option<Wwn>) {
        let (initiator, patience) = (self.initiator, self.timing.fabric_login);
        let key = PortKey::PHYSICAL;
        let Some(port) = self.port_mut(key).filter(|_| id != PortId::NONE) else { return };
        if !port.neighbours.contains(&id) {
            port.neighbours.push(id);
        }
        if port.peers.contains_key(&id) {
            return;
        }
        match name {
            Some(name) if name > port.names.port && initiator => self.dial_after(key, id, patience),
            Some(name) if name > port.names.port => {}
            None if !initiator => {}
            _ => self.dial(key, id),
        }
    }

    fn neighbour_down(&mut self, id: PortId) {
        let key = PortKey::PHYSICAL;
        let Some(port) = self.port_mut(key) else { return };
        port.neighbours.retain(|other| *other != id);
        self.peer_gone(key, id);
        self.dial_failed(key, id, "it is gone");
        self.tell(NodeEvent::PeerDown { port: key, peer_id: id });
    }
}

/// Why a request came to nothing, for people.
pub(super) fn no_answer(to: &str, failure: Failure) -> String {
    format!("{to}: {failure}")
}
