//! Fabric login: FLOGI of the physical port, FDISC of virtual ones (NPIV). FC-LS-5, 6.2 and 6.3.

use super::Stage;
use super::link::no_answer;
use crate::fc2::{Failure, Payload};
use crate::node::{Core, PortKey, What};
use crate::{Topology, nport::plogi::size_of};
use wire::fc::PortId;
use wire::fc::els::{Command, Explanation, Login, Reason, Refusal, Reject, accepted};

impl Core {
    /// Sends FLOGI or FDISC.
    pub(super) fn fabric_login(&mut self, key: PortKey) {
        let Some(port) = self.port(key) else { return };
        let command = if port.is_physical() { Command::FLOGI } else { Command::FDISC };
        let size = size_of(self.link.max_payload);
        let login = Login::fabric(command, port.names.port, port.names.node, size, true);
        if !self.els(key, PortId::FABRIC, &login.to_bytes(), What::FabricLogin) {
            self.try_soon(key);
        }
    }

    /// The answer to it. `address` is where it was sent to: the address that the fabric gives.
    pub(super) fn fabric_answered(&mut self, key: PortKey, address: PortId, result: Result<&Payload, Failure>) {
        if self.port(key).is_none_or(|port| port.stage != Stage::Fabric) {
            return;
        }
        let login = result.map(|payload| accepted(payload.bytes()).map(|bytes| wire::parse::<Login>(bytes).copied()));
        match login {
            Ok(Ok(Some(login))) => self.fabric_accepted(key, address, &login),
            Ok(Err(Refusal::Rejected(reject))) => self.fabric_rejected(key, reject),
            Ok(_) => self.try_again(key, "the fabric answers FLOGI with what is no LS_ACC".to_owned()),
            Err(failure) => self.try_again(key, no_answer("fabric login", failure)),
        }
    }

    fn fabric_accepted(&mut self, key: PortKey, address: PortId, login: &Login) {
        let features = login.common.features();
        let Some(port) = self.port_mut(key) else { return };
        if !features.f_port() && port.is_physical() {
            return self.point_to_point(login);
        }
        if address == PortId::NONE || address.is_well_known() {
            return self.try_again(key, format!("the fabric gives the address {address}"));
        }
        port.id = address;
        port.topology = Some(Topology::Fabric);
        port.fabric = Some(login.node_name());
        port.npiv = features.npiv_accepted();
        self.enter(key, Stage::Directory);
    }

    fn fabric_rejected(&mut self, key: PortKey, reject: Reject) {
        let Some(port) = self.port(key) else { return };
        let name = port.names.port;
        match reject {
            Reject { explanation: Explanation::INVALID_PORT_NAME | Explanation::INVALID_NAME, .. } => {
                self.refuse(key, format!("port name {name} is in use by another port of the fabric ({reject})"));
            }
            Reject { explanation: Explanation::INSUFFICIENT_RESOURCES, .. } if !port.is_physical() => {
                self.refuse(key, format!("the fabric has no room for another address ({reject})"));
            }
            Reject { reason: Reason::LOGICAL_BUSY | Reason::IN_PROGRESS | Reason::UNABLE, .. } => {
                self.try_again(key, format!("fabric login: {reject}"));
            }
            _ => self.refuse(key, format!("fabric login of port name {name}: {reject}")),
        }
    }

    /// Logs a virtual port in if it waits for that and its physical port is online in a fabric that gives more addresses.
    pub fn try_virtual(&mut self, key: PortKey) {
        let Some(physical) = self.port(PortKey::PHYSICAL) else { return };
        let (stage, topology, npiv) = (physical.stage, physical.topology, physical.npiv);
        let Some(port) = self.port(key).filter(|port| !port.is_physical()) else { return };
        if !port.enabled || !matches!(port.stage, Stage::WaitParent | Stage::Refused | Stage::Fabric) {
            return;
        }
        match (stage, topology) {
            (Stage::Online, Some(Topology::Fabric)) if npiv => self.enter(key, Stage::Fabric),
            (Stage::Online, Some(Topology::Fabric)) => {
                self.refuse(key, "the fabric gives a port one address only (no NPIV)".to_owned());
            }
            (Stage::Online, _) => self.refuse(key, "virtual ports need a fabric (NPIV)".to_owned()),
            _ => self.enter(key, Stage::WaitParent),
        }
    }

    /// The physical port lost its address, and with it all others.
    pub(super) fn virtual_ports_down(&mut self) {
        for key in self.keys().into_iter().filter(|key| *key != PortKey::PHYSICAL) {
            let enabled = self.port(key).is_some_and(|port| port.enabled);
            self.port_down(key, if enabled { Stage::WaitParent } else { Stage::Disabled });
        }
    }
}
