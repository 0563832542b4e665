//! From stage to stage.

use super::{NPort, Stage, back_off};
use crate::node::{Core, NodeEvent, PortKey};
use ring::Tick;
use wire::fc::PortId;

/// How often a step in the fabric is tried before the port begins again with FLOGI.
pub(super) const TRIES: u32 = 5;

impl NPort {
    /// When something of it is due.
    pub fn deadline(&self) -> Option<Tick> {
        let dials = self.dials.values().filter_map(|dial| dial.retry_at);
        let logins = self.logins.iter().filter_map(|login| login.retry_at);
        self.retry_at.into_iter().chain(dials).chain(logins).min()
    }
}

impl Core {
    /// Puts a port into a stage and begins what is to be done there.
    pub fn enter(&mut self, key: PortKey, stage: Stage) {
        let Some(port) = self.port_mut(key) else { return };
        port.stage = stage;
        port.attempts = 0;
        port.retry_at = None;
        port.reason = None;
        port.changed = true;
        self.act(key);
    }

    /// Does what the stage of a port asks for.
    fn act(&mut self, key: PortKey) {
        let Some(port) = self.port(key) else { return };
        match port.stage {
            Stage::Disabled | Stage::LinkDown | Stage::WaitParent => {}
            Stage::Fabric => self.fabric_login(key),
            Stage::PointToPoint { .. } => self.point_to_point_login(key),
            Stage::Directory => self.directory_login(key),
            Stage::Register | Stage::Online => self.register_next(key),
            Stage::StateChanges => self.state_change_registration(key),
            Stage::Refused => self.begin(key),
        }
    }

    /// Begins with the fabric login (or waits for what it needs).
    pub fn begin(&mut self, key: PortKey) {
        if key == PortKey::PHYSICAL { self.enter(key, Stage::Fabric) } else { self.try_virtual(key) }
    }

    /// The step that was tried failed; it is tried again in a while.
    pub fn try_again(&mut self, key: PortKey, reason: String) {
        let (now, timing) = (self.now, self.timing);
        let Some(port) = self.port_mut(key) else { return };
        log::debug!("{}: {reason}; it is tried again", port.names);
        port.retry_at = Some(now + back_off(timing.retry, timing.retry_limit, port.attempts));
        port.attempts += 1;
        port.reason = Some(reason);
        port.changed = true;
    }

    /// There was no exchange for the step; it is tried again soon.
    pub fn try_soon(&mut self, key: PortKey) {
        let at = self.now + self.timing.retry / 16;
        if let Some(port) = self.port_mut(key) {
            port.retry_at = Some(at);
        }
    }

    /// A step in the fabric failed: it is tried again, or the port begins anew.
    pub fn step_failed(&mut self, key: PortKey, reason: String) {
        let Some(port) = self.port(key) else { return };
        if port.attempts < TRIES {
            return self.try_again(key, reason);
        }
        log::warn!("{}: {reason}, {TRIES} times; it logs in anew", port.names);
        self.port_down(key, Stage::Fabric);
        self.begin(key);
    }

    /// The fabric does not want a port.
    pub fn refuse(&mut self, key: PortKey, reason: String) {
        let at = self.now + self.timing.refused_retry;
        let Some(port) = self.port_mut(key) else { return };
        if port.reason.as_ref() != Some(&reason) {
            log::warn!("port {} is refused: {reason}", port.names);
        }
        port.stage = Stage::Refused;
        port.retry_at = Some(at);
        port.reason = Some(reason.clone());
        port.changed = true;
        self.tell(NodeEvent::Refused { port: key, reason });
    }

    /// A port has its address and is known by it.
    pub fn online(&mut self, key: PortKey) {
        self.enter(key, Stage::Online);
        self.told_online(key);
        self.announce(key);
        if key == PortKey::PHYSICAL {
            self.keys().into_iter().for_each(|port| self.try_virtual(port));
        }
    }

    /// A port loses its address: all its logins are over, on this side without a word.
    pub fn port_down(&mut self, key: PortKey, stage: Stage) {
        self.end_sessions(|session| session.port == key);
        let Some(port) = self.port_mut(key) else { return };
        let was_online = port.stage == Stage::Online;
        port.stage = stage;
        port.id = PortId::NONE;
        port.epoch = port.epoch.wrapping_add(1);
        port.retry_at = None;
        port.attempts = 0;
        port.topology = None;
        port.fabric = None;
        port.npiv = false;
        port.peers.clear();
        port.dials.clear();
        port.neighbours.clear();
        port.registrations.clear();
        port.registering = false;
        port.changed = true;
        self.fail_logins(key, "the port went down");
        self.announce(key);
        if was_online {
            self.tell(NodeEvent::Offline { port: key });
        }
        if key == PortKey::PHYSICAL {
            self.virtual_ports_down();
        }
    }

    /// What is due of a port.
    pub fn port_time(&mut self, key: PortKey) {
        let now = self.now;
        let Some(port) = self.port_mut(key) else { return };
        if port.retry_at.is_some_and(|at| at <= now) {
            port.retry_at = None;
            self.act(key);
        }
        self.dials_due(key);
        self.logins_due(key);
    }
}
