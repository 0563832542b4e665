//! Two N_Ports on one link: both send FLOGI, both accept, and the one with the larger port name logs in with the other, which
//! gives both their addresses. FC-LS-5, 6.2.2.4.

use super::plogi::size_of;
use super::stage::TRIES;
use super::{PeerPort, Stage, Verify};
use crate::fc2::{Failure, Payload};
use crate::node::{Core, NodeEvent, PortKey, What};
use crate::{Names, Topology, Xid};
use wire::fc::PortId;
use wire::fc::els::{Command, Explanation, Login, Reason, Reject, accepted};

const KEY: PortKey = PortKey::PHYSICAL;

impl Core {
    /// FLOGI came: the other side is no fabric. It is accepted; what follows comes from the answer to ours.
    pub(super) fn flogi_came(&mut self, xid: Xid, remote: PortId, login: &Login) {
        let Some(port) = self.port(KEY) else { return self.fc2.discard(xid) };
        let (names, stage, topology) = (port.names, port.stage, port.topology);
        if login.port_name() == names.port {
            log::warn!("port {names}: the other side of the link logs in with the same port name");
            return self.reject(xid, Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_PORT_NAME));
        }
        if !matches!(stage, Stage::Fabric | Stage::PointToPoint { .. } | Stage::Online)
            || topology == Some(Topology::Fabric)
        {
            return self.reject(xid, Reject::new(Reason::UNABLE, Explanation::NONE));
        }
        let size = size_of(self.link.max_payload);
        let accept = Login::fabric(Command::LS_ACC, names.port, names.node, size, false);
        self.fc2.answer(xid, size, &accept.to_bytes());
        if topology == Some(Topology::Vn2vn) {
            // It begins anew with us, not with the others.
            self.peer_gone(KEY, remote);
            self.neighbour_up(remote, Some(login.port_name()));
        } else if stage == Stage::Online {
            // It begins anew, so we do, too.
            self.port_down(KEY, Stage::Fabric);
            self.begin(KEY);
        }
    }

    /// Our FLOGI was accepted by an N_Port.
    pub(super) fn point_to_point(&mut self, login: &Login) {
        let Some(port) = self.port_mut(KEY) else { return };
        let (ours, theirs) = (port.names.port, login.port_name());
        if ours == theirs {
            return self.refuse(KEY, format!("port name {ours} is in use by the other side of the link"));
        }
        port.topology = Some(Topology::PointToPoint);
        let first = ours > theirs;
        if first {
            port.id = PortId::POINT_TO_POINT[0];
        }
        self.enter(KEY, Stage::PointToPoint { first });
    }

    /// Sends the PLOGI that gives the addresses, or waits for it; who waited in vain begins again.
    pub(super) fn point_to_point_login(&mut self, key: PortKey) {
        let (size, until) = (size_of(self.link.max_payload), self.now + 2 * self.timing.service);
        let Some(port) = self.port_mut(key) else { return };
        match port.stage {
            Stage::PointToPoint { first: true } => {
                let login = Login::n_port(Command::PLOGI, port.names.port, port.names.node, size);
                if !self.els(key, PortId::POINT_TO_POINT[1], &login.to_bytes(), What::PointToPoint) {
                    self.try_soon(key);
                }
            }
            _ if port.attempts == 0 => {
                port.attempts = 1;
                port.retry_at = Some(until);
            }
            _ => {
                self.port_down(key, Stage::Fabric);
                self.begin(key);
            }
        }
    }

    /// The answer to that PLOGI.
    pub(super) fn point_to_point_answered(&mut self, result: Result<&Payload, Failure>) {
        let Some(port) = self.port(KEY) else { return };
        if port.stage != (Stage::PointToPoint { first: true }) {
            return;
        }
        let login = result.ok().and_then(|payload| accepted(payload.bytes()).ok());
        match login.and_then(|bytes| wire::parse::<Login>(bytes)) {
            Some(login) => {
                let login = *login;
                self.neighbour_known(PortId::POINT_TO_POINT[1], &login);
            }
            None if port.attempts < TRIES => self.try_again(KEY, "the other side rejects PLOGI".to_owned()),
            None => {
                self.port_down(KEY, Stage::Fabric);
                self.begin(KEY);
            }
        }
    }

    /// PLOGI came while we wait for an address: D_ID is ours, S_ID its sender's. `false`: it is not for this.
    pub(super) fn addressed_by_plogi(&mut self, xid: Xid, (local, remote): (PortId, PortId), login: &Login) -> bool {
        let size = size_of(self.link.max_payload);
        let Some(port) = self.port_mut(KEY) else { return false };
        let waits = matches!(port.stage, Stage::Fabric | Stage::PointToPoint { first: false });
        if !waits || local.is_well_known() || local == PortId::NONE || login.port_name() <= port.names.port {
            return false;
        }
        port.id = local;
        port.topology = Some(Topology::PointToPoint);
        let accept = Login::n_port(Command::LS_ACC, port.names.port, port.names.node, size);
        self.fc2.answer(xid, size, &accept.to_bytes());
        self.neighbour_known(remote, login);
        true
    }

    fn neighbour_known(&mut self, id: PortId, login: &Login) {
        let limit = self.link.max_payload;
        let Some(port) = self.port_mut(KEY) else { return };
        let names = Names { node: login.node_name(), port: login.port_name() };
        let max_payload = login.receive_size().unwrap_or(limit).min(limit);
        port.peers.insert(id, PeerPort { names, max_payload, verifying: Verify::Idle });
        port.neighbours.push(id);
        self.online(KEY);
        self.tell(NodeEvent::PeerUp { port: KEY, peer: names, peer_id: id });
    }
}
