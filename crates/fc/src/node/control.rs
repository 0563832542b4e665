//! Orders of the control plane, carried out, and what it is shown.

use super::{Core, NodeEvent, PortKey};
use crate::lane::LaneEnd;
use crate::nport::{NPort, Offer, Stage};
use crate::soft::Control;
use crate::{Fc4, PortState, PortStatus, Service, SessionStatus};

impl Core {
    /// Carries out what the control plane ordered; how much that was.
    pub(super) fn controls(&mut self) -> usize {
        let mut work = 0;
        while let Some(control) = self.control.next() {
            work += 1;
            match control {
                Control::Attach { port, service, lanes } => self.attach(port, service, lanes),
                Control::Detach { port, fc4 } => self.detach(port, fc4),
                Control::SetUp { port, up } => self.enable(port, up),
                Control::Add { port, names, board } => self.add_port(NPort::new(port, names, board)),
                Control::Remove { port } => self.remove_port(port),
                Control::Show => self.ports.iter_mut().flatten().for_each(|port| port.changed = true),
            }
        }
        work
    }

    fn attach(&mut self, key: PortKey, service: Service, ends: Vec<LaneEnd>) {
        let lanes = ends.into_iter().map(|end| self.lanes.add(end)).collect();
        let Some(port) = self.port_mut(key) else { return };
        port.offers[service.fc4 as usize] = Some(Offer { service, lanes, next_lane: 0 });
        self.announce(key);
        self.register_again(key);
    }

    fn detach(&mut self, key: PortKey, fc4: Fc4) {
        let gone = self
            .sessions
            .pick(|session| session.port == key && session.info.fc4 == fc4 && session.role == super::Role::Served);
        gone.into_iter().for_each(|session| self.log_out(session));
        let Some(offer) = self.port_mut(key).and_then(|port| port.offers[fc4 as usize].take()) else { return };
        offer.lanes.into_iter().for_each(|lane| self.lanes.detach(lane));
        self.announce(key);
        self.register_again(key);
    }

    fn add_port(&mut self, port: NPort) {
        let (place, key) = (port.key.0 as usize, port.key);
        if self.ports.len() <= place {
            self.ports.resize_with(place + 1, || None);
        }
        self.ports[place] = Some(port);
        self.try_virtual(key);
    }

    /// A virtual port goes. The physical one goes with its node.
    pub(super) fn remove_port(&mut self, key: PortKey) {
        if key == PortKey::PHYSICAL || self.port(key).is_none() {
            return;
        }
        self.leave_fabric(key);
        self.port_down(key, Stage::Disabled);
        if let Some(port) = self.ports[key.0 as usize].take() {
            port.board.close();
            let lanes = port.offers.into_iter().flatten().flat_map(|offer| offer.lanes);
            lanes.for_each(|lane| self.lanes.detach(lane));
        }
    }

    /// Shows the state of ports that changed.
    pub(super) fn show(&mut self) {
        for place in 0..self.ports.len() {
            let Some(port) = &mut self.ports[place] else { continue };
            if std::mem::take(&mut port.changed) {
                let status = self.status(place);
                if let Some(port) = &self.ports[place] {
                    port.board.write(status);
                }
            }
        }
    }

    fn status(&self, place: usize) -> PortStatus {
        let port = self.ports[place].as_ref().expect("who asks has found it");
        PortStatus {
            state: state_of(port.stage),
            reason: port.reason.clone(),
            port_id: port.id.0,
            topology: port.topology,
            fabric: port.fabric.map(|name| name.to_string()),
            link: self.link.what.clone(),
            max_payload: self.link.max_payload,
            sessions: self.session_statuses(port.key),
            counters: if port.is_physical() { self.counters() } else { Vec::new() },
        }
    }

    fn session_statuses(&self, key: PortKey) -> Vec<SessionStatus> {
        let of_port = self.sessions.iter().filter(|session| session.port == key);
        let status = |session: &super::Session| {
            let info = &session.info;
            let open_exchanges = self.fc2.open_between(info.local_id, info.peer_id, Some(info.fc4));
            SessionStatus { id: info.id, fc4: info.fc4, peer: info.peer, peer_id: info.peer_id.0, open_exchanges }
        };
        of_port.map(status).collect()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let c = self.fc2.counters();
        vec![
            ("frames_in", c.frames_in),
            ("frames_out", c.frames_out),
            ("bytes_in", c.bytes_in),
            ("bytes_out", c.bytes_out),
            ("exchanges_answered", c.answered),
            ("exchanges_originated", c.originated),
            ("aborts_in", c.aborts_in),
            ("aborts_out", c.aborts_out),
            ("timeouts", c.timeouts),
            ("stray_frames", c.strays),
            ("bad_frames", c.errors),
            ("refused", c.refused),
            ("link_failures", self.link.failures),
        ]
    }

    /// Says in the log that a port with a service is there, or is not any more.
    pub(crate) fn announce(&mut self, key: PortKey) {
        let Some(port) = self.port_mut(key) else { return };
        let serves = port.offers.iter().any(Option::is_some) && port.stage == Stage::Online;
        if serves != port.announced {
            port.announced = serves;
            log::info!("Target port Link {}: {}", if serves { "Up" } else { "Down" }, port.names);
        }
    }

    /// A port has become online: everyone is told.
    pub(crate) fn told_online(&mut self, key: PortKey) {
        let Some(port) = self.port(key) else { return };
        let (port_id, topology) = (port.id, port.topology);
        if let Some(topology) = topology {
            self.tell(NodeEvent::Online { port: key, port_id, topology });
        }
    }
}

fn state_of(stage: Stage) -> PortState {
    match stage {
        Stage::Disabled => PortState::Disabled,
        Stage::LinkDown => PortState::LinkDown,
        Stage::Online => PortState::Online,
        Stage::Refused => PortState::Refused,
        _ => PortState::LoggingIn,
    }
}
