//! What people are shown, and told in the log.

use super::{Adapter, nport::Stage};
use crate::board::AdapterInfo;
use fc::{PortStatus, SessionStatus};

impl Adapter {
    /// All ports are to be shown again.
    pub(super) fn changed_all(&mut self) {
        self.ports.iter_mut().flatten().for_each(|port| port.changed = true);
    }

    /// Shows ports that changed.
    pub(super) fn show(&mut self) {
        for place in 0..self.ports.len() {
            let Some(port) = &mut self.ports[place] else { continue };
            if std::mem::take(&mut port.changed) {
                let (board, physical) = (port.board.clone(), port.vp == 0);
                let status = self.status(place);
                board.write(status, physical.then(|| self.info()));
            }
        }
    }

    fn status(&self, place: usize) -> PortStatus {
        let port = self.ports[place].as_ref().expect("who asks has found it");
        PortStatus {
            state: port.state(),
            reason: port.reason.clone().or_else(|| self.why_not(port.vp)),
            port_id: port.id.0,
            topology: port.topology,
            fabric: port.fabric.map(|name| name.to_string()),
            link: port.board.status().link.clone(),
            max_payload: self.settings.frame_payload,
            sessions: self.session_statuses(port.vp),
            counters: if port.vp == 0 { self.counters() } else { Vec::new() },
        }
    }

    /// What the adapter does before there can be a link.
    fn why_not(&self, vp: u8) -> Option<String> {
        let waits =
            vp == 0 && !self.stage.is_initialized() && self.port(0).is_some_and(|port| port.stage == Stage::LinkDown);
        let what = match self.lanes.are_quiet() || self.stage.is_initialized() {
            true => self.stage.describe(),
            false => "waiting for a core to end its commands",
        };
        waits.then(|| match &self.last_fault {
            Some(fault) => format!("{what} after: {fault}"),
            None => what.to_owned(),
        })
    }

    fn session_statuses(&self, vp: u8) -> Vec<SessionStatus> {
        let of_port = self.peers.logins().filter(|login| login.vp == vp);
        let status = |login: &super::peers::Login| {
            let info = &login.info;
            // Lanes count for all their sessions; with one session it is that session's.
            let alone = self.peers.logins().filter(|other| other.vp == vp && other.info.fc4 == info.fc4).count() == 1;
            let open_exchanges = if alone { self.lanes.open(vp, info.fc4) } else { 0 };
            SessionStatus { id: info.id, fc4: info.fc4, peer: info.peer, peer_id: info.peer_id.0, open_exchanges }
        };
        of_port.map(status).collect()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let (commands, own, oddities) = (self.intake.counters(), &self.counters, &self.chip.mailbox.oddities);
        let mut all = self.link.statistics.clone();
        all.extend([
            ("commands", commands.commands),
            ("commands_refused_full", commands.full),
            ("commands_malformed", commands.malformed),
            ("aborts_in", own.aborts),
            ("aborts_under_way", self.aborts.len() as u64),
            ("logins_refused", own.refused_logins),
            ("stray_entries", own.strays),
            ("bad_entries", own.bad_entries),
            ("spurious_mailbox_replies", oddities.spurious_replies),
            ("unknown_events", oddities.unknown_causes),
            ("ring_faults", self.base.request.faults() + self.base.response.faults() + self.base.atio.faults()),
            ("doorbells", self.base.request.doorbells()),
            ("link_failures", self.link.failures),
            ("resets", own.resets),
        ]);
        all
    }

    fn info(&self) -> AdapterInfo {
        let identity = self.known.as_ref().map(|known| &known.identity);
        let running = self.running.as_deref();
        let online = self.stage.is_initialized().then_some(if self.link.up { "link up" } else { "link down" });
        AdapterInfo {
            address: self.chip.address.clone(),
            port: self.chip.port,
            model: self.model(),
            description: identity.map(|identity| identity.description.clone()).unwrap_or_default(),
            serial: identity.map(|identity| identity.serial.clone()).unwrap_or_default(),
            chip: self.chip.family.chips().to_owned(),
            firmware: running.map(crate::chip::Running::version_text),
            nvme: running.is_some_and(crate::chip::Running::has_nvme),
            state: online.unwrap_or_else(|| self.stage.describe()).to_owned(),
            reason: self.port(0).and_then(|port| port.reason.clone()).or_else(|| self.why_not(0)),
            speed: self.link.speed.filter(|_| self.link.up).map(|speed| speed.gigabits()),
            temperature: self.link.temperature,
            exchanges: running.map_or(0, |running| running.exchanges),
            vports: running.map_or(0, |running| running.vports.min(self.settings.vports)),
            queue_pairs: self.lanes.pairs_in_use(),
            resets: self.counters.resets,
            last_fault: self.last_fault.as_ref().map(ToString::to_string),
        }
    }

    /// Says in the log that a port is there, or is not any more: the line by which users of the original learn the names of their
    /// ports, so it comes before anything is served, too.
    pub(super) fn announce(&mut self, vp: u8) {
        let Some(port) = self.port_mut(vp) else { return };
        port.changed = true;
        let up = port.stage == Stage::Online;
        if up != port.announced {
            port.announced = up;
            log::info!("Target port Link {}: {}", if up { "Up" } else { "Down" }, port.names);
        }
    }
}
