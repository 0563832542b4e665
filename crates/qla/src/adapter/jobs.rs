//! Mailbox commands of a running adapter, one after the other, each with what is done with its answer.

use super::Adapter;
use super::base::firmware_options;
use super::lanes::deletion;
use crate::chip::{Fault, PATIENCE, QUEUE_PATIENCE, Words};
use ring::Tick;
use std::collections::VecDeque;
use wire::isp::database::LinkStatistics;
use wire::isp::iocb::Entry;
use wire::isp::mailbox::{Command, RATE_GET, Rnid, Speed};
use wire::{FromZeros, IntoBytes};

/// A mailbox command, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// 38h.
    Options,
    /// 48h or 60h.
    Init,
    /// 69h: firmware waits for it in some states of a start.
    State,
    /// 20h: the address, where nobody told it.
    Address,
    /// 5Dh.
    Rate,
    /// 54h: PLOGI with the name server.
    Directory { vp: u8 },
    /// 70h: state changes are to be told.
    Changes { vp: u8 },
    /// 1Fh: the response queue of a lane's pair, then its request queue.
    Create { lane: usize, response: bool },
    /// 1Fh: the request queue of a pair goes, then its response queue.
    Delete { lane: usize, response: bool },
    /// 54h: names of a virtual port.
    VpConfig { vp: u8 },
    /// 00h: a sign of life.
    Heartbeat,
    /// 5Ah.
    Temperature,
    /// 6Dh.
    Statistics,
}

/// What is to be done by mailbox.
#[derive(Default)]
pub(super) struct Jobs {
    waiting: VecDeque<Job>,
    current: Option<Job>,
}

impl Jobs {
    /// Once is enough for each.
    pub fn push(&mut self, job: Job) {
        if !self.waiting.contains(&job) {
            self.waiting.push_back(job);
        }
    }

    pub fn clear(&mut self) {
        self.waiting.clear();
        self.current = None;
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.current.is_none()
    }
}

impl Adapter {
    /// Sends the next command, if none is under way.
    pub(super) fn next_job(&mut self) {
        while self.jobs.current.is_none() && self.fault.is_none() && self.chip.mailbox.is_idle() {
            let Some(job) = self.jobs.waiting.pop_front() else { return };
            let Some(words) = self.job_words(&job) else { continue };
            let patience = self.patience(&job);
            self.chip.mailbox.send(&self.chip.bar0, &words, patience, self.now);
            self.jobs.current = Some(job);
        }
    }

    fn patience(&self, job: &Job) -> Tick {
        match job {
            Job::Create { .. } | Job::Delete { .. } => QUEUE_PATIENCE,
            Job::Heartbeat => self.settings.timing.sign_of_life,
            _ => PATIENCE,
        }
    }

    /// The command of a job; `None` when it has no point any more.
    fn job_words(&mut self, job: &Job) -> Option<Words> {
        let scratch = self.chip.scratch.address();
        Some(match job {
            Job::Options => firmware_options(),
            Job::Init => {
                let names = self.port(0)?.names;
                self.base.init(&self.chip, &self.settings, self.running.as_ref()?, names)
            }
            Job::State => Words::new(Command::GET_FIRMWARE_STATE),
            Job::Address => Words::new(Command::GET_ADAPTER_ID),
            Job::Rate => Words::new(Command::DATA_RATE).with(1, RATE_GET),
            Job::Directory { vp } => self.execute(&self.directory_login(*vp)?),
            Job::Changes { vp } => Words::new(Command::SEND_CHANGE_REQUEST).with(1, 3).with(9, u16::from(*vp)),
            Job::Create { lane, response } => {
                let shadow = self.chip.family.has_shadow_pointers();
                self.lanes.creation(*lane, *response, shadow)?
            }
            Job::Delete { lane, response } => deletion(self.lanes.pair_number(*lane)?, *response),
            Job::VpConfig { vp } => self.execute(&self.vp_config(*vp)?),
            Job::Heartbeat => Words::new(Command::NOP),
            Job::Temperature => Words::new(Command::GET_RNID).with(1, u16::from(Rnid::TEMPERATURE.0) << 8),
            Job::Statistics => {
                self.chip.scratch.zero(size_of::<LinkStatistics>());
                let dwords = size_of::<LinkStatistics>() / 4;
                Words::new(Command::GET_LINK_STATISTICS).with_address(scratch).with(8, dwords as u16)
            }
        })
    }

    /// Command 54h: this entry, whose completion comes to the same place.
    fn execute(&self, entry: &Entry) -> Words {
        self.chip.scratch.write(0, entry);
        Words::new(Command::EXECUTE_IOCB_A64).with_address(self.chip.scratch.address())
    }

    /// The completion of the entry of command 54h.
    pub(super) fn executed(&self) -> Entry {
        let mut entry = [0; 64];
        self.chip.scratch.read(0, &mut entry);
        entry
    }

    /// The answer to the command under way.
    pub(super) fn job_done(&mut self, words: Words) {
        let Some(job) = self.jobs.current.take() else { return };
        let done = words.status().is_complete();
        match job {
            Job::Options => {}
            Job::Init => match words.done(Command::MID_INIT_FIRMWARE) {
                Ok(_) => self.initialized(),
                Err(fault) => self.noted(fault),
            },
            Job::State => self.state_told(&words),
            Job::Address if done => self.address_told(&words),
            Job::Rate if done => self.link.speed = Some(Speed(words.0[1])),
            Job::Directory { vp } => self.directory_answered(vp, done),
            Job::Changes { vp } => self.changes_answered(vp, done),
            Job::Create { lane, response } => self.created(lane, response, done),
            Job::Delete { lane, response } => self.deleted(lane, response),
            Job::VpConfig { vp } => self.vp_configured(vp, done),
            Job::Temperature => self.link.temperature = done.then_some(words.0[1]),
            Job::Statistics => self.statistics_told(done),
            Job::Heartbeat if !done => {
                let status = words.status();
                self.noted(Fault::Refused { command: Command::NOP, status, detail: words.0[1] });
            }
            Job::Address | Job::Rate | Job::Heartbeat => {}
        }
    }

    fn created(&mut self, lane: usize, response: bool, done: bool) {
        if done && response {
            self.jobs.waiting.push_front(Job::Create { lane, response: false });
            return;
        }
        if !done {
            log::warn!(
                "{}: the firmware makes no more queues: a core sends by the adapter's own core",
                self.chip.address
            );
            self.lanes.without_pair(lane);
        }
        self.lanes.resume(lane);
        self.changed_all();
    }

    fn deleted(&mut self, lane: usize, response: bool) {
        if response {
            self.lanes.forget(lane);
        } else {
            self.jobs.waiting.push_front(Job::Delete { lane, response: true });
        }
    }

    fn statistics_told(&mut self, done: bool) {
        let mut bytes = LinkStatistics::new_zeroed();
        self.chip.scratch.read(0, bytes.as_mut_bytes());
        if done {
            self.link.statistics = vec![
                ("frames_in", bytes.received_frames.get().into()),
                ("frames_out", bytes.transmitted_frames.get().into()),
                ("bytes_in", bytes.received_words.get().saturating_mul(4)),
                ("bytes_out", bytes.transmitted_words.get().saturating_mul(4)),
                ("loss_of_sync", bytes.loss_of_sync.get().into()),
                ("loss_of_signal", bytes.loss_of_signal.get().into()),
                ("invalid_crc", bytes.invalid_crc.get().into()),
                ("invalid_words", bytes.invalid_words.get().into()),
                ("atio_full", bytes.atio_full.get().into()),
                ("discarded_frames", bytes.discarded_frames.get().into()),
            ];
        }
        self.changed_all();
    }
}
