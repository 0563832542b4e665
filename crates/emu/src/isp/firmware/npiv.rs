//! Virtual ports (NPIV): configured by IOCB 31h, taken up and down by 30h. Each gets its address by FDISC once the fabric gave the
//! physical port one; the host is told by a RIDA.

use super::Entry;
use super::core::Core;
use super::ports::{NPort, Stage};
use fc::Names;
use wire::fc::Wwn;
use wire::fc::els::{Explanation, Reason, Reject};
use wire::isp::iocb::{VpCommand, VpConfig, VpControl};

/// Completion statuses.
const DONE: u16 = 0;
const IOCB_ERROR: u16 = 1;

/// Command of VP config: modify and enable.
const ENABLE: u8 = 1;

impl Core {
    /// VP config: names of one or two virtual ports.
    pub fn vp_config(&mut self, queue: u16, entry: &Entry) {
        let mut iocb = *VpConfig::of(entry);
        let first = (iocb.vp_index_1, iocb.port_name_1, iocb.node_name_1);
        let second = (iocb.vp_index_2, iocb.port_name_2, iocb.node_name_2);
        let given = [first, second];
        let given = given.get(..usize::from(iocb.vp_count)).unwrap_or_default();
        let sound = !given.is_empty() && iocb.command <= ENABLE && given.iter().all(|(vp, ..)| self.is_virtual(*vp));
        if sound {
            for (vp, port, node) in given {
                self.configure(*vp, Names { node: Wwn::from_bytes(*node), port: Wwn::from_bytes(*port) });
                if iocb.command == ENABLE {
                    self.enable(*vp);
                }
            }
        }
        iocb.comp_status.set(if sound { DONE } else { IOCB_ERROR });
        self.respond(queue, vec![*iocb.entry()]);
    }

    /// VP control: takes virtual ports up or down.
    pub fn vp_control(&mut self, queue: u16, entry: &Entry) {
        let mut iocb = *VpControl::of(entry);
        let ports: Vec<u8> = iocb.ports().collect();
        let wrong = ports.iter().copied().find(|vp| !self.is_virtual(*vp));
        let known = matches!(
            iocb.command(),
            VpCommand::ENABLE
                | VpCommand::DISABLE
                | VpCommand::DISABLE_REINIT
                | VpCommand::DISABLE_LOGO
                | VpCommand::DISABLE_LOGO_ALL
        );
        if wrong.is_none() && known {
            ports.iter().for_each(|vp| self.control(*vp, iocb.command()));
            if iocb.command() == VpCommand::DISABLE_REINIT {
                self.link_bounce();
            }
        }
        iocb.vp_index_failed.set(u16::from(wrong.unwrap_or(0)));
        iocb.comp_status.set(if wrong.is_none() && known { DONE } else { IOCB_ERROR });
        self.respond(queue, vec![*iocb.entry()]);
    }

    fn control(&mut self, vp: u8, command: VpCommand) {
        match command {
            VpCommand::ENABLE => self.enable(vp),
            _ => self.disable(vp),
        }
    }

    fn is_virtual(&self, vp: u8) -> bool {
        vp != 0 && self.port(vp).is_some()
    }

    fn configure(&mut self, vp: u8, names: Names) {
        if self.ports[usize::from(vp)].names != names {
            self.disable(vp);
            self.ports[usize::from(vp)] = NPort { serial: self.ports[usize::from(vp)].serial, ..NPort::new(names) };
        }
    }

    fn enable(&mut self, vp: u8) {
        let port = &mut self.ports[usize::from(vp)];
        port.enabled = true;
        if port.stage == Stage::Down {
            self.virtual_port_due(vp);
        }
    }

    fn disable(&mut self, vp: u8) {
        self.say_goodbye_of(vp);
        self.drop_logins(vp);
        let port = &mut self.ports[usize::from(vp)];
        port.enabled = false;
        port.down(Stage::Down);
    }

    /// The fabric gave the physical port an address: the virtual ones follow.
    pub fn virtual_ports_due(&mut self) {
        for vp in 1..self.ports.len() as u8 {
            if self.ports[usize::from(vp)].enabled {
                self.virtual_port_due(vp);
            }
        }
    }

    fn virtual_port_due(&mut self, vp: u8) {
        let now = self.now;
        if self.link.fabric.is_none() {
            return;
        }
        if self.link.npiv {
            self.ports[usize::from(vp)].stage = Stage::Due(now);
        } else if self.link.told {
            self.report_no_id(vp, Reject::new(Reason::UNSUPPORTED, Explanation::UNSUPPORTED));
        }
    }
}
