//! Fabric login: FLOGI of the physical port, FDISC of virtual ones (FC-LS-5, 6.2 and 6.3), and SCR.

use super::core::Core;
use super::ports::Stage;
use super::requests::{ELS, What};
use fc::Names;
use fc::fc2::{Failure, Payload};
use ring::Tick;
use wire::fc::PortId;
use wire::fc::els::{Command, Login, Refusal, Reject, Scr, ScrFunction, accepted};

const MS: Tick = 1_000_000;

/// For the answer to FLOGI and FDISC.
const PATIENCE: Tick = 2_000 * MS;

/// Before a login is tried again: twice as long each time, up to a limit.
const RETRY: Tick = 250 * MS;
const RETRY_LIMIT: Tick = 8_000 * MS;

impl Core {
    /// Sends the logins that are due.
    pub fn fabric_time(&mut self) {
        for vp in 0..self.ports.len() as u8 {
            if matches!(self.ports[usize::from(vp)].stage, Stage::Due(at) if at <= self.now) {
                self.fabric_login(vp);
            }
        }
    }

    /// When the next one is due.
    pub fn fabric_deadline(&self) -> Option<Tick> {
        let due = self.ports.iter().filter_map(|port| match port.stage {
            Stage::Due(at) => Some(at),
            _ => None,
        });
        due.min()
    }

    fn fabric_login(&mut self, vp: u8) {
        let (command, size) = (if vp == 0 { Command::FLOGI } else { Command::FDISC }, self.link.max_payload & !3);
        let port = &mut self.ports[usize::from(vp)];
        port.stage = Stage::Asked;
        port.serial = port.serial.wrapping_add(1);
        let (names, serial) = (port.names, port.serial);
        let login = Login::fabric(command, names.port, names.node, size, true).to_bytes();
        let route = (PortId::NONE, PortId::FABRIC);
        if !self.request(route, ELS, &login, PATIENCE, What::Fabric { vp, serial }) {
            self.fabric_again(vp);
        }
    }

    fn fabric_again(&mut self, vp: u8) {
        let now = self.now;
        let Some(port) = self.port_mut(vp) else { return };
        let pause = RETRY.saturating_mul(1 << port.attempts.min(8)).min(RETRY_LIMIT);
        port.attempts += 1;
        port.stage = Stage::Due(now + pause);
    }

    /// The answer. `address` is where it was sent to: the address that the fabric gives.
    pub fn fabric_answered(&mut self, vp: u8, serial: u32, address: PortId, result: Result<&Payload, Failure>) {
        let waits = |port: &super::ports::NPort| port.stage == Stage::Asked && port.serial == serial;
        if !self.port(vp).is_some_and(waits) {
            return;
        }
        let login = result.map(|payload| accepted(payload.bytes()).map(|bytes| wire::parse::<Login>(bytes).copied()));
        match login {
            Ok(Ok(Some(login))) => self.fabric_accepted(vp, address, &login),
            Ok(Err(Refusal::Rejected(reject))) => self.fabric_rejected(vp, reject),
            _ => self.fabric_again(vp),
        }
    }

    fn fabric_accepted(&mut self, vp: u8, address: PortId, login: &Login) {
        let features = login.common.features();
        if vp == 0 && !features.f_port() || address == PortId::NONE || address.is_well_known() {
            return self.fabric_again(vp);
        }
        let port = &mut self.ports[usize::from(vp)];
        (port.stage, port.id, port.attempts) = (Stage::Online, address, 0);
        self.register_for_changes(vp, ScrFunction::FULL);
        if vp != 0 {
            if self.link.told {
                self.tell_virtual(vp);
            }
            return;
        }
        self.link.fabric = Some(Names { node: login.node_name(), port: login.port_name() });
        self.link.npiv = features.npiv_accepted();
        self.tell_link();
        self.virtual_ports_due();
    }

    fn fabric_rejected(&mut self, vp: u8, reject: Reject) {
        let port = &self.ports[usize::from(vp)];
        if port.attempts == 0 {
            log::warn!("the fabric refuses the login of {}: {reject}; it is tried again", port.names);
        }
        if vp != 0 && self.link.told {
            self.report_no_id(vp, reject);
        }
        self.fabric_again(vp);
    }

    /// SCR: the fabric tells of changes. Its answer says nothing that the host could use.
    pub fn register_for_changes(&mut self, vp: u8, function: ScrFunction) {
        let Some(local) = self.port(vp).filter(|port| port.is_online()).map(|port| port.id) else { return };
        let scr = Scr::new(function).to_bytes();
        self.request((local, PortId::FABRIC_CONTROLLER), ELS, &scr, PATIENCE, What::Quiet);
    }
}
