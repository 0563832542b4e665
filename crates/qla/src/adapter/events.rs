//! Asynchronous events.

use super::nport::Stage as PortStage;
use super::{Adapter, serious};
use crate::chip::Fault;
use wire::fc::PortId;
use wire::fc::els::{AddressFormat, EventQualifier, RscnPage};
use wire::isp::mailbox::{ALL_HANDLES, Event, PortUpdate, Speed};

/// mb3 of event 8049h: the firmware has no exchange for a command.
const NO_EXCHANGE: u16 = 1;

impl Adapter {
    /// What an event leads to. Events that mean nothing to a target are let pass.
    pub(super) fn event(&mut self, words: &[u16; 8]) {
        if let Err(fault) = serious(words) {
            return self.noted(fault);
        }
        match Event(words[0]) {
            Event::RESET => self.noted(Fault::System { what: Event::RESET, details: [words[1], words[2], words[3]] }),
            Event::LOOP_UP => self.link_is_up(Speed(words[1])),
            Event::LOOP_DOWN | Event::LIP | Event::LIP_RESET | Event::CONNECTION_CHANGE => self.link_event_down(),
            Event::POINT_TO_POINT => {}
            Event::PORT_UPDATE => self.port_update(words),
            Event::RSCN => self.rscn(words),
            Event::REJECTED_COMMAND if words[3] == NO_EXCHANGE => {
                log::debug!("{}: the firmware has no exchange for a command", self.chip.address);
            }
            Event::TEMPERATURE_ALERT => {
                log::warn!("{}: the adapter is too hot ({:#06x})", self.chip.address, words[1]);
            }
            Event::TRANSCEIVER_REMOVED => log::warn!("{}: the transceiver was taken out", self.chip.address),
            other => log::debug!("{}: event {other} {:04x?}", self.chip.address, &words[1..4]),
        }
    }

    fn link_is_up(&mut self, speed: Speed) {
        (self.link.up, self.link.speed) = (true, Some(speed));
        for port in self.ports.iter_mut().flatten().filter(|port| port.vp == 0 && port.stage == PortStage::LinkDown) {
            port.enter(PortStage::FabricLogin);
        }
        self.changed_all();
    }

    fn link_event_down(&mut self) {
        if self.link.up {
            self.link.failures += 1;
        }
        self.link_is_down(PortStage::LinkDown);
    }

    fn port_update(&mut self, words: &[u16; 8]) {
        let global = words[1] == ALL_HANDLES;
        match (global, PortUpdate(words[2])) {
            (true, PortUpdate::LOGGED_OUT) => self.link_event_down(),
            (true, _) => {
                if !self.link.up {
                    self.link_is_up(self.link.speed.unwrap_or(Speed::GFC_1));
                }
                self.ask_for_address();
            }
            // What concerns one peer comes by notifies, too, with somebody waiting for our answer.
            (false, _) => {}
        }
    }

    /// A part of the fabric changed: peers there are looked up, a moment later, for changes come in rows.
    fn rscn(&mut self, words: &[u16; 8]) {
        let format = AddressFormat((words[1] >> 8 & 3) as u8);
        let id = PortId::new(words[1] as u8, (words[2] >> 8) as u8, words[2] as u8);
        let page = RscnPage::new(EventQualifier(0), format, id);
        self.changed.push((words[3] as u8, page));
        self.look_at.get_or_insert(self.now + self.settings.timing.changes);
    }
}
