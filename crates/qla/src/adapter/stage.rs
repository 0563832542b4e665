//! The life of the adapter: start, running, fault, again; and when it is given up.
//!
//! After a fault the chip is put into reset first, for then it reaches no memory any more; only then lanes are told to end what they
//! have, and the chip is not started again before each of them said that it is quiet.

use super::entries::What;
use super::nport::Stage as PortStage;
use super::{Adapter, back_off};
use crate::chip::{Chip, Fault, FirmwareFile, Known, Signal, Start};
use ring::Tick;

/// Where the adapter is.
pub(super) enum Stage {
    /// From reset to firmware that runs.
    Starting {
        start: Box<Start>,
        /// Lanes were told to be quiet.
        told: bool,
    },
    /// The firmware runs and is told of queues and names.
    Initializing,
    /// It takes IOCBs.
    Running { since: Tick },
    /// A start failed; the next one is then.
    Waiting { until: Tick },
    /// Taken down by the operator: in reset.
    Down { start: Box<Start>, told: bool },
    /// Given up. The operator may have it start again.
    Refused { told: bool },
}

impl Stage {
    pub fn start(chip: &mut Chip, file: &FirmwareFile, known: Option<Known>) -> Self {
        // Firmware that cannot do NVMe ignores that it may.
        let start = Start::new(chip, file.clone(), true, known);
        Self::Starting { start: Box::new(start), told: false }
    }

    /// Whether queues and mailbox are served.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Initializing | Self::Running { .. })
    }

    /// Whether only the operator has it start again.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Down { .. } | Self::Refused { .. })
    }

    /// Whether IOCBs may be sent.
    pub fn is_initialized(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    pub fn deadline(&self, chip: &Chip) -> Option<Tick> {
        match self {
            Self::Starting { start, .. } => Some(start.deadline(chip)),
            Self::Initializing | Self::Running { .. } => Some(chip.mailbox.deadline()),
            Self::Waiting { until } => Some(*until),
            Self::Down { start, told } if !told => Some(start.deadline(chip)),
            Self::Down { .. } | Self::Refused { .. } => None,
        }
    }

    /// What it does, for people.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Starting { start, .. } => start.describe(),
            Self::Initializing => "initializing firmware",
            Self::Running { .. } => "running",
            Self::Waiting { .. } => "waiting to start again",
            Self::Down { .. } => "down",
            Self::Refused { .. } => "given up",
        }
    }
}

impl Adapter {
    /// Goes on with a start, or with what stands in its place.
    pub(super) fn drive(&mut self) -> usize {
        match &self.stage {
            Stage::Starting { .. } => self.drive_start(),
            Stage::Down { .. } => self.drive_down(),
            Stage::Waiting { until } if *until <= self.now => self.begin_start(),
            Stage::Refused { told: false } => {
                // Nothing is under way at a chip that is gone or in reset.
                self.lanes.quiesce(self.generation);
                self.stage = Stage::Refused { told: true };
                1
            }
            Stage::Running { since } => {
                if self.in_a_row > 0 && self.now >= since + self.settings.timing.well {
                    self.in_a_row = 0;
                }
                0
            }
            _ => 0,
        }
    }

    fn begin_start(&mut self) -> usize {
        self.stage = Stage::start(&mut self.chip, &self.file, self.known.clone());
        self.changed_all();
        1
    }

    fn drive_start(&mut self) -> usize {
        let quiet = self.lanes.are_quiet();
        let Stage::Starting { start, told } = &mut self.stage else { return 0 };
        let result = start.poll(&mut self.chip, !quiet, self.now);
        let tell = start.is_quiet() && !std::mem::replace(told, start.is_quiet());
        let known = start.known().filter(|_| self.known.is_none()).cloned();
        if tell {
            self.lanes.quiesce(self.generation);
        }
        if let Some(known) = known {
            self.identified(known);
        }
        match result {
            None => usize::from(tell),
            Some(Ok(running)) => {
                self.running = Some(running);
                self.initialize();
                1
            }
            Some(Err(fault)) => {
                self.fail(fault);
                1
            }
        }
    }

    /// The chip goes into reset and stays there.
    fn drive_down(&mut self) -> usize {
        let Stage::Down { start, told } = &mut self.stage else { return 0 };
        if *told {
            return 0;
        }
        if start.poll(&mut self.chip, true, self.now).is_some_and(|result| result.is_err()) || start.is_quiet() {
            *told = true;
            self.lanes.quiesce(self.generation);
        }
        1
    }

    /// Who the adapter is has become known.
    fn identified(&mut self, known: Known) {
        let names = self.settings.names.unwrap_or(known.identity.names);
        self.known = Some(known);
        self.board.set_names(names);
        if let Some(port) = self.port_mut(0) {
            (port.names, port.changed) = (names, true);
        }
    }

    /// Something happened that only a reset mends, or a start did not come to its end.
    pub(super) fn fail(&mut self, fault: Fault) {
        log::error!("{}: {fault}", self.chip.address);
        self.counters.resets += 1;
        let asked = fault == Fault::Asked;
        self.in_a_row += u32::from(!asked);
        let hopeless = matches!(fault, Fault::Gone | Fault::NoFirmware(_) | Fault::PortDisabled | Fault::Unsuitable(_));
        let given_up = hopeless || self.in_a_row > self.settings.resets_in_a_row;
        // A start that failed after its reset left the chip quiet; one that is new has yet to make it so.
        let was_starting = !self.stage.is_running();
        self.last_fault = Some(fault);
        self.drop_everything();
        if given_up {
            self.give_up();
        } else if was_starting && !asked {
            let timing = &self.settings.timing;
            let wait = back_off(timing.restart, timing.retry_limit, self.in_a_row.saturating_sub(1));
            self.stage = Stage::Waiting { until: self.now + wait };
        } else {
            self.begin_start();
        }
    }

    fn give_up(&mut self) {
        let times = self.in_a_row;
        let why = self.last_fault.as_ref().map(ToString::to_string).unwrap_or_default();
        let reason = if times > 1 { format!("given up after {times} resets in a row: {why}") } else { why };
        log::error!("{}: {reason}", self.chip.address);
        self.stage = Stage::Refused { told: false };
        for port in self.ports.iter_mut().flatten() {
            port.leave(PortStage::Refused);
            port.reason = Some(reason.clone());
        }
    }

    /// All that depends on the firmware's memory is gone: logins, IOCBs, commands.
    fn drop_everything(&mut self) {
        self.generation += 1;
        self.link_is_down(PortStage::LinkDown);
        self.running = None;
        self.jobs.clear();
        for what in self.pending.clear() {
            if let What::VpControl { vp } = what {
                self.vp_gone(vp);
            }
        }
        self.lanes.chip_forgot();
        self.held.clear();
        self.aborts.clear();
        self.ct.clear();
        self.ls.clear();
        self.changed.clear();
        self.look_at = None;
        self.changed_all();
    }

    /// Takes the adapter down, for the operator.
    pub(super) fn take_down(&mut self) {
        if matches!(self.stage, Stage::Down { .. }) {
            return;
        }
        self.drop_everything();
        let start = Start::new(&mut self.chip, self.file.clone(), true, self.known.clone());
        self.stage = Stage::Down { start: Box::new(start), told: false };
        for port in self.ports.iter_mut().flatten().filter(|port| port.stage != PortStage::Disabled) {
            let stage = if port.vp == 0 { PortStage::Disabled } else { PortStage::LinkDown };
            port.leave(stage);
        }
    }

    /// Starts it again, for the operator: after it was taken down, or given up.
    pub(super) fn take_up(&mut self) {
        if !self.stage.is_over() {
            return;
        }
        self.in_a_row = 0;
        for port in self.ports.iter_mut().flatten() {
            if port.vp == 0 || port.stage == PortStage::Refused {
                port.leave(PortStage::LinkDown);
            }
        }
        self.begin_start();
    }

    /// What comes by the mailbox registers.
    pub(super) fn mailbox(&mut self) -> usize {
        let mut work = 0;
        while self.fault.is_none() {
            let Some(signal) = self.chip.mailbox.poll(&self.chip.bar0, self.now) else { break };
            work += 1;
            match signal {
                Signal::Reply(words) => self.job_done(words),
                Signal::Event(words) => self.event(&words),
                Signal::Silent(command) => self.noted(Fault::MailboxTimeout(command)),
                Signal::Paused => self.noted(Fault::Paused),
                Signal::Gone => self.noted(Fault::Gone),
            }
        }
        work
    }
}
