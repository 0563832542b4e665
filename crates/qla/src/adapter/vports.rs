//! Virtual ports (NPIV): made once the physical port is online with a fabric, taken away with a logout.

use super::Adapter;
use super::entries::What;
use super::jobs::Job;
use super::nport::{NPort, Stage};
use crate::board::Board;
use fc::{Names, Topology};
use std::sync::Arc;
use wire::isp::iocb::{Entry, VpCommand, VpConfig, VpControl};
use wire::{U16, U32};

/// VP config: changes and enables.
const CHANGE_AND_ENABLE: u8 = 1;
/// VP config options: enabled; target mode on (bit 5 clear), initiator mode off (bit 4 clear).
const TARGET: u8 = 1 << 3;

impl Adapter {
    /// A new virtual port.
    pub(super) fn add_vport(&mut self, vp: u8, names: Names, board: Arc<Board>) {
        let place = usize::from(vp);
        if self.ports.len() <= place {
            self.ports.resize_with(place + 1, || None);
        }
        board.set_names(names);
        self.ports[place] = Some(NPort::new(vp, names, board));
        let most = self.running.as_ref().map_or(0, |running| running.vports);
        if self.stage.is_initialized() && u16::from(vp) > most {
            let port = self.port_mut(vp).expect("just put in");
            port.leave(Stage::Refused);
            port.reason = Some(format!("the firmware has room for {most} virtual ports only"));
        }
        self.start_vport(vp);
    }

    /// Virtual ports that wait for the physical one may start.
    pub(super) fn vports_may_start(&mut self) {
        let waits = |port: &&NPort| port.vp != 0 && matches!(port.stage, Stage::LinkDown | Stage::FabricLogin);
        let vps: Vec<u8> = self.ports.iter().flatten().filter(waits).map(|port| port.vp).collect();
        vps.into_iter().for_each(|vp| self.start_vport(vp));
    }

    /// Has the firmware log a virtual port in, if the physical port is online with a fabric.
    pub(super) fn start_vport(&mut self, vp: u8) {
        let ready = |port: &NPort| port.stage == Stage::Online && port.topology == Some(Topology::Fabric);
        let most = self.running.as_ref().map_or(0, |running| running.vports);
        if vp == 0 || u16::from(vp) > most || !self.port(0).is_some_and(ready) {
            return;
        }
        let Some(port) = self.port_mut(vp).filter(|port| port.stage != Stage::Disabled) else { return };
        port.enter(Stage::FabricLogin);
        self.jobs.push(Job::VpConfig { vp });
    }

    /// VP config, for command 54h.
    pub(super) fn vp_config(&self, vp: u8) -> Option<Entry> {
        let port = self.port(vp).filter(|port| port.stage == Stage::FabricLogin)?;
        let config = VpConfig {
            handle: U32::new(1),
            command: CHANGE_AND_ENABLE,
            vp_count: 1,
            vp_index_1: vp,
            options_1: TARGET,
            port_name_1: port.names.port.to_bytes(),
            node_name_1: port.names.node.to_bytes(),
            ..VpConfig::new()
        };
        Some(*config.entry())
    }

    pub(super) fn vp_configured(&mut self, vp: u8, done: bool) {
        let entry = self.executed();
        let status = VpConfig::of(&entry).comp_status.get();
        let again = self.now + self.settings.timing.retry_limit;
        let Some(port) = self.port_mut(vp).filter(|port| port.stage == Stage::FabricLogin) else { return };
        if !done || status != 0 {
            port.leave(Stage::Refused);
            port.reason = Some(format!("the firmware does not take the virtual port ({status:#x})"));
        }
        // Its address comes by itself; else it is tried again.
        port.retry_at = Some(again);
    }

    /// A virtual port is taken down, or away. It is gone when the firmware says so.
    pub(super) fn stop_vport(&mut self, vp: u8) {
        self.end_all(vp);
        self.peers.clear_port(vp);
        let Some(port) = self.port_mut(vp) else { return };
        let started = !matches!(port.stage, Stage::Disabled | Stage::LinkDown);
        port.leave(Stage::Disabled);
        self.addresses_changed();
        self.announce(vp);
        if !started || !self.stage.is_initialized() {
            return self.vp_gone(vp);
        }
        let mut control =
            VpControl { command: U16::new(VpCommand::DISABLE_LOGO_ALL.0), vp_count: U16::new(1), ..VpControl::new() };
        let bit = vp - 1;
        if let Some(byte) = control.vp_map.get_mut(usize::from(bit / 8)) {
            *byte |= 1 << (bit % 8);
        }
        self.send(What::VpControl { vp }, 20, |handle| {
            control.handle = U32::new(handle);
            *control.entry()
        });
    }

    /// The firmware has let a virtual port go.
    pub(super) fn vp_gone(&mut self, vp: u8) {
        if !self.removing.contains(&vp) {
            return;
        }
        self.removing.retain(|other| *other != vp);
        if let Some(port) = self.ports.get_mut(usize::from(vp)).and_then(Option::take) {
            let lanes = port.offers.into_iter().flatten().flat_map(|offer| offer.lanes);
            lanes.for_each(|lane| self.lanes.detach(lane));
            port.board.close();
            self.common.vports.give(vp);
        }
    }
}
