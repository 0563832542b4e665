//! The way of a port to the fabric: its address, PLOGI with the name server, registrations, state changes; and what happens when the
//! fabric changes.

use super::ct::{CtFor, bytes_of};
use super::jobs::Job;
use super::logins::login_entry;
use super::nport::Stage;
use super::{Adapter, back_off};
use fc::{Fc4, Topology};
use wire::fc::ct::{self, Fc4Types, FeatureBits, Request, SymbolicName};
use wire::fc::{PortId, Type, Wwn};
use wire::isp::iocb::{
    CompletionStatus, Entry, LoginCommand, LoginFlags, LoginLogout, ReportId, ReportIdStatus, Topology as Attached,
    handles,
};

use super::entries::What;

/// Handle for the peer of a link without a fabric, when we log in.
const N2N_HANDLE: u16 = 0;

const fn type_of(fc4: Fc4) -> Type {
    match fc4 {
        Fc4::Fcp => Type::FCP,
        Fc4::Nvme => Type::NVME,
    }
}

impl Adapter {
    /// The firmware tells an address that a port got, or why it got none.
    pub(super) fn report_id(&mut self, report: &ReportId) {
        let vp = report.vp_index;
        if self.port(vp).is_none_or(|port| port.stage == Stage::Disabled) {
            return;
        }
        if !matches!(report.status, ReportIdStatus::COMPLETE | ReportIdStatus::ID_CHANGED) {
            let reason = format!(
                "the fabric does not give an address: {} (reject {:02x}/{:02x})",
                report.status, report.ls_rjt_reason, report.ls_rjt_explanation
            );
            return self.refused_by_fabric(vp, reason);
        }
        let fabric = Wwn::from_bytes(report.node_name);
        let id = report.port_id.port_id();
        match (report.format, report.topology()) {
            (1, Attached::F) => self.acquired(vp, id, Topology::Fabric, Some(fabric)),
            (1, Attached::N2N) => {
                let peer = Wwn::from_bytes(report.port_name);
                self.acquired(vp, id, Topology::PointToPoint, None);
                self.meet(peer, report.remote_port_id.port_id());
            }
            (2, _) => {
                let peer = Wwn::from_bytes(report.port_name);
                self.acquired(vp, id, Topology::PointToPoint, None);
                self.meet(peer, report.remote_port_id.port_id());
            }
            (format, topology) => {
                let reason = format!("arbitrated loop is not supported (format {format}, {topology})");
                self.refused_by_fabric(vp, reason);
            }
        }
    }

    fn refused_by_fabric(&mut self, vp: u8, reason: String) {
        self.end_all(vp);
        self.peers.clear_port(vp);
        let again = self.now + self.settings.timing.retry_limit;
        let Some(port) = self.port_mut(vp) else { return };
        log::warn!("{}: {reason}", port.names);
        port.leave(Stage::Refused);
        // The firmware tries the physical port's login by itself, a virtual port's not.
        (port.reason, port.retry_at) = (Some(reason), (vp != 0).then_some(again));
        self.addresses_changed();
        self.announce(vp);
    }

    /// A port has an address. What was logged in with another one is over.
    pub(super) fn acquired(&mut self, vp: u8, id: PortId, topology: Topology, fabric: Option<Wwn>) {
        if self.port(vp).is_some_and(|port| port.id != id) {
            self.end_all(vp);
            self.peers.clear_port(vp);
        }
        self.link.up = true;
        let Some(port) = self.port_mut(vp) else { return };
        let stage = if topology == Topology::Fabric { Stage::Directory } else { Stage::Online };
        port.leave(stage);
        (port.id, port.topology, port.fabric) = (id, Some(topology), fabric);
        self.addresses_changed();
        if stage == Stage::Directory {
            self.jobs.push(Job::Rate);
            self.jobs.push(Job::Directory { vp });
        }
        self.announce(vp);
    }

    /// Without a fabric, the port with the higher name logs in.
    fn meet(&mut self, peer: Wwn, remote: PortId) {
        let ours = self.port(0).map_or(Wwn(0), |port| port.names.port);
        if remote.0 == 0 || ours.0 <= peer.0 {
            return;
        }
        let flags = LoginFlags(0).with_code(LoginCommand::PLOGI.0).with_conditional(true).with_skip_prli(true);
        self.send(What::Plogi { id: remote }, 20, |own| *login_entry(own, N2N_HANDLE, flags, 0, remote).entry());
    }

    /// The peer of a link without a fabric has answered our PLOGI; its PRLI is to come.
    pub(super) fn plogi_done(&mut self, id: PortId, entry: &LoginLogout) {
        if entry.comp_status() != CompletionStatus::COMPLETE {
            return log::warn!("{}: PLOGI with {id} fails: {}", self.chip.address, entry.comp_status());
        }
        let handle = entry.nport_handle.get();
        // Who it is, its PRLI's notify says.
        let names = fc::Names { node: Wwn(0), port: Wwn(0) };
        let serial = self.peers.next_serial();
        self.peers.insert(super::peers::Peer { vp: 0, id, handle, names, serial });
    }

    /// Commands are found by our addresses.
    pub(super) fn addresses_changed(&mut self) {
        let ports = self.ports.iter().flatten().filter(|port| port.is_addressed());
        let addresses: Vec<_> = ports.map(|port| (port.id, port.vp)).collect();
        self.intake.set_ports(&addresses);
    }

    /// No port has an address any more, and nobody is logged in.
    pub(super) fn link_is_down(&mut self, stage: Stage) {
        self.link.up = false;
        for vp in self.vps() {
            self.end_all(vp);
            if let Some(port) = self.port_mut(vp).filter(|port| port.stage != Stage::Disabled) {
                port.leave(stage);
            }
            self.announce(vp);
        }
        self.peers.forget_peers();
        self.early.clear();
        self.intake.clear();
        self.addresses_changed();
        self.ct.drop_waiting();
        self.changed_all();
    }

    /// PLOGI with the name server, for command 54h.
    pub(super) fn directory_login(&self, vp: u8) -> Option<Entry> {
        self.port(vp).filter(|port| port.stage == Stage::Directory)?;
        let flags = LoginFlags(0).with_code(LoginCommand::PLOGI.0).with_conditional(true).with_skip_prli(true);
        Some(*login_entry(1, handles::NAME_SERVER, flags, vp, PortId::DIRECTORY).entry())
    }

    pub(super) fn directory_answered(&mut self, vp: u8, done: bool) {
        let entry = self.executed();
        let entry = LoginLogout::of(&entry);
        if self.port(vp).is_none_or(|port| port.stage != Stage::Directory) {
            return;
        }
        if !done || entry.comp_status() != CompletionStatus::COMPLETE {
            let why = entry.failure().map_or_else(|| entry.comp_status().to_string(), |(why, _)| why.to_string());
            return self.step_failed(vp, format!("PLOGI with the name server fails: {why}"));
        }
        let all = self.all_registrations(vp);
        if let Some(port) = self.port_mut(vp) {
            port.enter(Stage::Register);
            port.registrations = all.into();
        }
        self.register_next(vp);
    }

    fn all_registrations(&self, vp: u8) -> Vec<Vec<u8>> {
        let Some(port) = self.port(vp) else { return Vec::new() };
        let (names, id, name) = (port.names, port.id, &self.settings.symbolic_name);
        let symbolic_port = format!("{name} {} {}", self.model(), names.port);
        let mut all = vec![
            bytes_of(&Request::RnnId(id, names.node)),
            bytes_of(&Request::RsnnNn(names.node, SymbolicName::new(name.as_bytes()))),
            bytes_of(&Request::RspnId(id, SymbolicName::new(symbolic_port.as_bytes()))),
        ];
        all.extend(self.type_registrations(vp));
        all
    }

    /// Which protocols a port speaks, and as what.
    fn type_registrations(&self, vp: u8) -> Vec<Vec<u8>> {
        let Some(port) = self.port(vp) else { return Vec::new() };
        let offered = self.settings.serves.iter().filter(|fc4| port.offer(**fc4).is_some());
        let types = offered.fold(Fc4Types::NONE, |types, fc4| types.with(type_of(*fc4)));
        let mut all = vec![bytes_of(&Request::RftId(port.id, types))];
        all.extend(self.settings.serves.iter().map(|fc4| {
            let offer = port.offer(*fc4);
            let discovery = offer.is_some_and(|offer| offer.service.discovery);
            let features = FeatureBits(0).with_target(offer.is_some()).with_discovery(discovery);
            bytes_of(&Request::RffId(port.id, features, type_of(*fc4)))
        }));
        all
    }

    /// Services changed: the name server is told if it knows the port.
    pub(super) fn register_again(&mut self, vp: u8) {
        let again = self.type_registrations(vp);
        let Some(port) = self.port_mut(vp) else { return };
        let known = matches!(port.stage, Stage::Register | Stage::Changes | Stage::Online);
        if known && port.topology == Some(Topology::Fabric) {
            port.registrations.extend(again);
            self.register_next(vp);
        }
    }

    /// Sends the next registration; after the last one, a port that logs in goes on.
    pub(super) fn register_next(&mut self, vp: u8) {
        let Some(port) = self.port_mut(vp).filter(|port| !port.registering) else { return };
        match port.registrations.front().cloned() {
            Some(request) => {
                port.registering = true;
                self.ask(vp, CtFor::Register { vp }, request);
            }
            None if port.stage == Stage::Register => {
                port.enter(Stage::Changes);
                self.jobs.push(Job::Changes { vp });
            }
            None => {}
        }
    }

    /// A registration was answered.
    pub(super) fn registered(&mut self, vp: u8, result: Result<ct::CtReply<'_>, String>) {
        let Some(port) = self.port_mut(vp).filter(|port| port.registering) else { return };
        port.registering = false;
        match result {
            Err(reason) => return self.step_failed(vp, format!("a registration with the name server fails: {reason}")),
            Ok(ct::CtReply::Reject(reject)) => log::info!("{}: a registration is not taken: {reject}", port.names),
            Ok(_) => {}
        }
        (port.attempts, port.reason) = (0, None);
        port.registrations.pop_front();
        self.register_next(vp);
    }

    /// The answer to command 70h.
    pub(super) fn changes_answered(&mut self, vp: u8, done: bool) {
        let Some(port) = self.port_mut(vp).filter(|port| port.stage == Stage::Changes) else { return };
        if !done {
            log::warn!("{}: the fabric does not tell of changes (SCR fails)", port.names);
        }
        port.enter(Stage::Online);
        self.announce(vp);
        self.register_next(vp);
        if vp == 0 {
            self.vports_may_start();
        }
    }

    /// A step with the fabric failed: it is tried again after a while.
    fn step_failed(&mut self, vp: u8, reason: String) {
        let (now, timing) = (self.now, self.settings.timing);
        let Some(port) = self.port_mut(vp) else { return };
        log::warn!("{}: {reason}", port.names);
        port.retry_at = Some(now + back_off(timing.retry, timing.retry_limit, port.attempts));
        port.attempts += 1;
        (port.reason, port.changed) = (Some(reason), true);
    }

    /// Tries again what failed.
    pub(super) fn retry(&mut self, vp: u8) {
        let Some(port) = self.port_mut(vp) else { return };
        port.retry_at = None;
        match port.stage {
            Stage::Directory => self.jobs.push(Job::Directory { vp }),
            Stage::Register | Stage::Online => self.register_next(vp),
            Stage::Refused | Stage::FabricLogin if vp != 0 => self.start_vport(vp),
            _ => {}
        }
    }

    /// Peers in the parts of the fabric that changed are looked up in the name server.
    pub(super) fn look_at_changes(&mut self) {
        self.look_at = None;
        let changed = std::mem::take(&mut self.changed);
        let concerned = |peer: &&super::peers::Peer| changed.iter().any(|(_, page)| page.affects(peer.id));
        let peers: Vec<_> = self.peers.iter().filter(concerned).copied().collect();
        for peer in peers {
            let request = bytes_of(&Request::ById(ct::Command::GPN_ID, peer.id));
            let (vp, id, name) = (peer.vp, peer.id, peer.names.port);
            if self.port(vp).is_some_and(|port| port.topology == Some(Topology::Fabric)) {
                self.ask(vp, CtFor::Lookup { vp, id, name }, request);
            }
        }
    }

    /// The name server's answer to who is at a peer's address now. No answer is no reason to log anybody out.
    pub(super) fn looked_up(&mut self, (vp, id, name): (u8, PortId, Wwn), result: Result<ct::CtReply<'_>, String>) {
        let there = match result {
            Ok(ct::CtReply::Accept { body, .. }) => body.first_chunk().map(|name| Wwn::from_bytes(*name)),
            Ok(ct::CtReply::Reject(_)) => None,
            Ok(ct::CtReply::Malformed) => return,
            Err(reason) => return log::warn!("{}: looking for {id}: {reason}", self.chip.address),
        };
        let same = self.peers.find(vp, id).is_some_and(|peer| peer.names.port == name);
        if same && there != Some(name) {
            log::info!("{}: {name} ({id}) has left the fabric", self.chip.address);
            self.log_out(vp, id, false);
        }
    }
}
