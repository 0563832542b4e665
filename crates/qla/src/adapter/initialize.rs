//! Firmware that runs is told of its queues and of who we are; then lanes get theirs, and the link may come up.

use super::Adapter;
use super::jobs::Job;
use super::nport::Stage as PortStage;
use super::stage::Stage;
use crate::chip::{Fault, Words};
use fc::{Fc4, Topology};
use wire::fc::PortId;
use wire::isp::mailbox::{FirmwareState, Topology as Attached};

impl Adapter {
    /// The firmware runs: it gets options and control block.
    pub(super) fn initialize(&mut self) {
        let Some(running) = &self.running else { return };
        let version = running.version_text();
        if running.exchanges == 0 {
            let reason = format!("firmware {version} has no exchanges for a target");
            return self.noted(Fault::Unsuitable(reason));
        }
        if self.settings.serves.contains(&Fc4::Nvme) && !running.has_nvme() {
            log::warn!("{}: firmware {version} has no FC-NVMe: only FCP can be served", self.chip.address);
        }
        log::info!("{}: {} firmware {version}", self.chip.address, self.model());
        self.intake.set_exchanges(running.exchanges.into());
        self.base.reset();
        self.stage = Stage::Initializing;
        self.jobs.push(Job::Options);
        self.jobs.push(Job::Init);
        self.changed_all();
    }

    pub(super) fn model(&self) -> String {
        self.known.as_ref().map_or_else(|| self.chip.family.boards().to_owned(), |known| known.identity.model.clone())
    }

    /// It has taken the control block: IOCBs may be sent.
    pub(super) fn initialized(&mut self) {
        self.stage = Stage::Running { since: self.now };
        self.next_heartbeat = self.now + self.settings.timing.heartbeat;
        for lane in self.lanes.active.clone() {
            self.start_lane(lane);
        }
        // The model, like some firmware, waits for this question with the link; the answer says what has happened already.
        self.jobs.push(Job::State);
        self.jobs.push(Job::Temperature);
        self.changed_all();
    }

    /// A lane gets its queues, or begins without any.
    pub(super) fn start_lane(&mut self, lane: usize) {
        if !self.stage.is_initialized() {
            return;
        }
        if self.lanes.pair_here(lane).is_some() {
            self.jobs.push(Job::Create { lane, response: true });
        } else {
            self.lanes.resume(lane);
        }
    }

    /// The answer to command 69h.
    pub(super) fn state_told(&mut self, words: &Words) {
        if words.status().is_complete() && FirmwareState(words.0[1]) == FirmwareState::READY {
            self.ask_for_address();
        }
    }

    /// The link works, but nobody told the address: the firmware is asked.
    pub(super) fn ask_for_address(&mut self) {
        if self.port(0).is_some_and(|port| !port.is_addressed() && port.stage != PortStage::Disabled) {
            self.jobs.push(Job::Rate);
            self.jobs.push(Job::Address);
        }
    }

    /// The answer to command 20h, where no entry told the address.
    pub(super) fn address_told(&mut self, words: &Words) {
        let words = &words.0;
        let id = PortId::new(words[3] as u8, (words[2] >> 8) as u8, words[2] as u8);
        let topology = match Attached(words[6]) {
            Attached::F_PORT => Topology::Fabric,
            Attached::N_PORT => Topology::PointToPoint,
            _ => return,
        };
        if id.0 != 0 && self.port(0).is_some_and(|port| !port.is_addressed()) {
            self.acquired(0, id, topology, None);
        }
    }
}
