//! The name server's client: PLOGI with the directory server, registrations, SCR. FC-GS-8 5.2, FC-LS-5 (SCR).

use super::Stage;
use super::link::no_answer;
use super::plogi::size_of;
use crate::fc2::{Failure, Payload};
use crate::node::{Core, PortKey, What};
use crate::{Fc4, Topology};
use std::collections::VecDeque;
use wire::fc::ct::{CtReply, Fc4Types, FeatureBits, Request, SymbolicName, reply};
use wire::fc::els::{Command, Login, Scr, ScrFunction, accepted};
use wire::fc::{PortId, Type};

/// The type code of a protocol.
pub(crate) const fn type_of(fc4: Fc4) -> Type {
    match fc4 {
        Fc4::Fcp => Type::FCP,
        Fc4::Nvme => Type::NVME,
    }
}

impl Core {
    pub(super) fn directory_login(&mut self, key: PortKey) {
        let Some(port) = self.port(key) else { return };
        let size = size_of(self.link.max_payload);
        let login = Login::n_port(Command::PLOGI, port.names.port, port.names.node, size).to_bytes();
        if !self.els(key, PortId::DIRECTORY, &login, What::Directory) {
            self.try_soon(key);
        }
    }

    pub(super) fn directory_answered(&mut self, key: PortKey, result: Result<&Payload, Failure>) {
        if self.port(key).is_none_or(|port| port.stage != Stage::Directory) {
            return;
        }
        match result.map(|payload| accepted(payload.bytes()).is_ok()) {
            Ok(true) => {
                let all = self.all_registrations(key);
                if let Some(port) = self.port_mut(key) {
                    port.registrations = all;
                }
                self.enter(key, Stage::Register);
            }
            Ok(false) => self.step_failed(key, "the directory server rejects PLOGI".to_owned()),
            Err(failure) => self.step_failed(key, no_answer("PLOGI with the directory server", failure)),
        }
    }

    /// Whether a port has a name server to ask.
    pub fn has_name_server(&self, key: PortKey) -> bool {
        self.port(key).is_some_and(|port| port.topology == Some(Topology::Fabric) && port.stage == Stage::Online)
    }

    fn all_registrations(&self, key: PortKey) -> VecDeque<Vec<u8>> {
        let Some(port) = self.port(key) else { return VecDeque::new() };
        let (names, id) = (port.names, port.id);
        let symbolic_port = format!("{} {}", self.symbolic_name, names.port);
        let mut all = VecDeque::from([
            bytes_of(&Request::RnnId(id, names.node)),
            bytes_of(&Request::RsnnNn(names.node, SymbolicName::new(self.symbolic_name.as_bytes()))),
            bytes_of(&Request::RspnId(id, SymbolicName::new(symbolic_port.as_bytes()))),
        ]);
        all.extend(self.type_registrations(key));
        all
    }

    /// Which protocols the port speaks, and in which role for each.
    fn type_registrations(&self, key: PortKey) -> Vec<Vec<u8>> {
        let Some(port) = self.port(key) else { return Vec::new() };
        let spoken = |fc4: &&Fc4| self.initiator || port.offer(**fc4).is_some();
        let types = self.serves.iter().filter(spoken).fold(Fc4Types::NONE, |types, fc4| types.with(type_of(*fc4)));
        let mut all = vec![bytes_of(&Request::RftId(port.id, types))];
        all.extend(self.serves.iter().map(|fc4| {
            let offer = port.offer(*fc4);
            let discovery = offer.is_some_and(|offer| offer.service.discovery);
            let target = FeatureBits(0).with_target(offer.is_some()).with_discovery(discovery);
            bytes_of(&Request::RffId(port.id, target.with_initiator(self.initiator), type_of(*fc4)))
        }));
        all
    }

    /// Services changed: a port that is known to the name server tells it.
    pub fn register_again(&mut self, key: PortKey) {
        let again = self.type_registrations(key);
        let Some(port) = self.port_mut(key) else { return };
        let known = matches!(port.stage, Stage::Register | Stage::StateChanges | Stage::Online);
        if known && port.topology == Some(Topology::Fabric) {
            port.registrations.extend(again);
            if !port.registering && port.retry_at.is_none() && port.stage == Stage::Online {
                self.register_next(key);
            }
        }
    }

    /// Sends the next registration; after the last one, a port that logs in goes on.
    pub(super) fn register_next(&mut self, key: PortKey) {
        let Some(port) = self.port_mut(key).filter(|port| !port.registering) else { return };
        let Some(request) = port.registrations.front().cloned() else {
            if port.stage == Stage::Register {
                self.enter(key, Stage::StateChanges);
            }
            return;
        };
        port.registering = true;
        if !self.directory(key, &request, What::Register) {
            if let Some(port) = self.port_mut(key) {
                port.registering = false;
            }
            self.try_soon(key);
        }
    }

    pub(super) fn registered(&mut self, key: PortKey, result: Result<&Payload, Failure>) {
        let Some(port) = self.port_mut(key) else { return };
        port.registering = false;
        match result.map(|payload| reply(payload.bytes())) {
            Err(failure) if port.stage == Stage::Online => {
                return self.try_again(key, no_answer("registration with the name server", failure));
            }
            Err(failure) => return self.step_failed(key, no_answer("registration with the name server", failure)),
            Ok(CtReply::Accept { .. }) => {}
            Ok(CtReply::Reject(reject)) => log::info!("{}: a registration is not taken: {reject}", port.names),
            Ok(CtReply::Malformed) => log::info!("{}: the name server answers what is no CT", port.names),
        }
        if let Some(port) = self.port_mut(key) {
            port.attempts = 0;
            port.reason = None;
            port.registrations.pop_front();
        }
        self.register_next(key);
    }

    pub(super) fn state_change_registration(&mut self, key: PortKey) {
        let scr = Scr::new(ScrFunction::FULL).to_bytes();
        if !self.els(key, PortId::FABRIC_CONTROLLER, &scr, What::StateChanges) {
            self.try_soon(key);
        }
    }

    pub(super) fn state_changes_answered(&mut self, key: PortKey, result: Result<&Payload, Failure>) {
        let Some(port) = self.port(key).filter(|port| port.stage == Stage::StateChanges) else { return };
        match result.map(|payload| accepted(payload.bytes()).is_ok()) {
            Ok(taken) => {
                if !taken {
                    log::warn!("{}: the fabric does not tell of changes (SCR rejected)", port.names);
                }
                self.online(key);
                self.register_next(key);
                self.verify_all(key);
            }
            Err(failure) => self.step_failed(key, no_answer("SCR", failure)),
        }
    }
}

/// A whole CT request.
pub(super) fn bytes_of(request: &Request<'_>) -> Vec<u8> {
    let mut bytes = vec![0; Request::MAX_BYTES];
    let len = request.write(&mut bytes, 0).expect("there is room for the longest");
    bytes.truncate(len);
    bytes
}
