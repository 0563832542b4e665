//! Copies under way and copies that ended, by list identifier, and what is said of them (SPC-4 6.17 to 6.19, 6.22).
//!
//! A list identifier belongs to a nexus and a logical unit. Those of one byte and those of four are the same numbers.

use super::MOST_RECORDS;
use super::job::Job;
use crate::Reply;
use crate::core::fail::Fail;
use crate::core::scsi::Scsi;
use exchange::{Order, Plan};
use ring::Tag;
use std::collections::VecDeque;
use wire::IntoBytes;
use wire::be::{U16, U32, U64};
use wire::scsi::copy::{CopyStatus, CountUnits, FailureDetails, StatusLid1, StatusLid4, TOKEN_BYTES};
use wire::scsi::{Asc, SENSE_FIXED_BYTES, Status};

/// Service actions of RECEIVE COPY.
mod action {
    pub const STATUS_LID1: u8 = 0x00;
    pub const OPERATING_PARAMETERS: u8 = 0x03;
    pub const FAILURE_DETAILS: u8 = 0x04;
    pub const STATUS_LID4: u8 = 0x05;
    pub const TOKEN_INFORMATION: u8 = 0x07;
    pub const ALL_TOKENS: u8 = 0x08;
}

/// What can be said of a copy.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// Whose it is.
    pub queue: u32,
    /// The logical unit that got the command.
    pub unit: u32,
    /// LIST IDENTIFIER; `None`: it has none, and nothing is said of it.
    pub list: Option<u32>,
    /// SERVICE ACTION of the command.
    pub action: u8,
    pub status: CopyStatus,
    pub segments: u16,
    pub bytes: u64,
    /// Bytes of a block of the logical unit, as a power of two: for counts in blocks.
    pub shift: u32,
    pub operations: u32,
    /// How it failed.
    pub fail: Option<Fail>,
    /// The token that it made.
    pub token: Option<Box<[u8; TOKEN_BYTES]>>,
}

/// The copies of a core.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    jobs: Vec<Job>,
    ended: VecDeque<Ended>,
}

impl Copies {
    pub fn running(&self) -> usize {
        self.jobs.len()
    }

    /// The copy of a command, which is worked on.
    pub fn take(&mut self, tag: Tag) -> Option<Job> {
        let place = self.jobs.iter().position(|job| job.tag == tag)?;
        Some(self.jobs.swap_remove(place))
    }

    pub fn put(&mut self, job: Job) {
        self.jobs.push(job);
    }

    /// A nexus is gone, and its commands with it.
    pub fn forget(&mut self, queue: u32) {
        self.ended.retain(|ended| ended.queue != queue);
    }

    /// Whether a list identifier may be used for a new copy. What is said of an older one is forgotten.
    pub(super) fn claim(&mut self, queue: u32, unit: u32, list: Option<u32>) -> Result<(), Fail> {
        let Some(list) = list else { return Ok(()) };
        if self.job_of(queue, unit, list).is_some() {
            return Err(Fail::illegal(Asc::OPERATION_IN_PROGRESS));
        }
        self.ended.retain(|ended| !ended.is_of(queue, unit, list));
        Ok(())
    }

    fn job_of(&mut self, queue: u32, unit: u32, list: u32) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.record.is_of(queue, unit, list))
    }

    /// What can be said of a copy from now on.
    pub(super) fn note(&mut self, ended: Ended) {
        if ended.list.is_none() {
            return;
        }
        let queue = ended.queue;
        self.ended.push_back(ended);
        if self.ended.iter().filter(|known| known.queue == queue).count() > MOST_RECORDS
            && let Some(oldest) = self.ended.iter().position(|known| known.queue == queue)
        {
            self.ended.remove(oldest);
        }
    }

    /// What is known of a copy, under way or ended.
    fn find(&self, queue: u32, unit: u32, list: u32) -> Option<Ended> {
        let running = self.jobs.iter().find(|job| job.record.is_of(queue, unit, list));
        running.map(Job::so_far).or_else(|| self.ended.iter().find(|ended| ended.is_of(queue, unit, list)).cloned())
    }
}

impl Ended {
    /// Of a copy that starts. `shift`: bytes of a block of the logical unit, as a power of two.
    pub(super) fn new(queue: u32, unit: u32, list: Option<u32>, action: u8, shift: u32) -> Self {
        let status = CopyStatus::IN_FOREGROUND;
        Self { queue, unit, list, action, status, segments: 0, bytes: 0, shift, operations: 0, fail: None, token: None }
    }

    fn is_of(&self, queue: u32, unit: u32, list: u32) -> bool {
        (self.queue, self.unit, self.list) == (queue, unit, Some(list))
    }

    fn sense(&self) -> Option<[u8; SENSE_FIXED_BYTES]> {
        match self.fail {
            Some(Fail::Check(sense)) => Some(sense.to_fixed()),
            _ => None,
        }
    }

    /// SCSI status of the command.
    fn completion(&self) -> u8 {
        match self.fail {
            Some(Fail::Check(_) | Fail::Length { .. }) => Status::CHECK_CONDITION.0,
            Some(Fail::Status(status)) => status.0,
            None => Status::GOOD.0,
        }
    }

    fn lid1(&self) -> Vec<u8> {
        let status = match self.status {
            CopyStatus::IN_FOREGROUND => CopyStatus::IN_PROGRESS,
            CopyStatus::ABORTED => CopyStatus::FAILED,
            status => status,
        };
        let (units, count) = match u32::try_from(self.bytes) {
            Ok(bytes) => (CountUnits::BYTES, bytes),
            Err(_) => (CountUnits::MEBIBYTES, (self.bytes >> 20) as u32),
        };
        let data = StatusLid1 {
            available: U32::new(size_of::<StatusLid1>() as u32 - 4),
            status: status.0,
            segments: U16::new(self.segments),
            units: units.0,
            count: U32::new(count),
        };
        data.as_bytes().to_vec()
    }

    /// `tail` bytes follow the sense data.
    fn lid4(&self, units: CountUnits, tail: usize) -> Vec<u8> {
        let sense = self.sense();
        let room = sense.map_or(0, |sense| sense.len());
        let count = if units == CountUnits::BLOCKS { self.bytes >> self.shift } else { self.bytes };
        let data = StatusLid4 {
            available: U32::new((size_of::<StatusLid4>() - 4 + room + tail) as u32),
            action: self.action,
            status: self.status.0,
            operations: U16::new(self.operations.min(0xffff) as u16),
            delay: U32::new(u32::MAX),
            completion: self.completion(),
            sense_room: room as u8,
            sense_length: room as u8,
            units: units.0,
            count: U64::new(count),
            segments: U16::new(self.segments),
            reserved: [0; 6],
        };
        let mut bytes = data.as_bytes().to_vec();
        bytes.extend(sense.iter().flatten());
        bytes
    }

    /// RECEIVE ROD TOKEN INFORMATION: the state, and the token.
    fn token_information(&self) -> Vec<u8> {
        let descriptor = if self.token.is_some() { 2 + TOKEN_BYTES } else { 0 };
        let mut bytes = self.lid4(CountUnits::BLOCKS, 4 + descriptor);
        bytes.extend((descriptor as u32).to_be_bytes());
        if let Some(token) = &self.token {
            bytes.extend([0, 0]);
            bytes.extend(token.iter());
        }
        bytes
    }

    fn failure_details(&self) -> Vec<u8> {
        let Some(sense) = self.sense() else { return vec![0; 4] };
        let length = size_of::<FailureDetails>() - 4 + sense.len();
        let data = FailureDetails {
            available: U32::new(length as u32),
            reserved: [0; 52],
            status: self.completion(),
            reserved57: 0,
            sense_length: U16::new(sense.len() as u16),
        };
        let mut bytes = data.as_bytes().to_vec();
        bytes.extend(sense);
        bytes
    }
}

impl Job {
    fn so_far(&self) -> Ended {
        let segments = self.at as u16;
        Ended { bytes: self.bytes, operations: self.operations, segments, ..self.record.clone() }
    }
}

impl Scsi {
    /// The data of RECEIVE COPY.
    pub(crate) fn copy_data(&self, queue: u32, unit: u32, which: u8, list: u32) -> Result<Vec<u8>, Fail> {
        let known = || self.copies.find(queue, unit, list).ok_or(Fail::in_cdb(2));
        match which {
            action::OPERATING_PARAMETERS => Ok(super::page::operating_parameters()),
            action::STATUS_LID1 => Ok(known()?.lid1()),
            action::STATUS_LID4 => Ok(known()?.lid4(CountUnits::BYTES, 0)),
            action::FAILURE_DETAILS => {
                let known = known()?;
                if known.status == CopyStatus::IN_FOREGROUND {
                    Err(Fail::in_cdb(2))
                } else {
                    Ok(known.failure_details())
                }
            }
            action::TOKEN_INFORMATION => Ok(known()?.token_information()),
            action::ALL_TOKENS => Ok(self.all_tokens()),
            _ => Err(Fail::in_cdb(1)),
        }
    }

    /// COPY OPERATION ABORT: answered when the copy has ended.
    pub(crate) fn abort_copy(&mut self, tag: Tag, queue: u32, unit: u32, list: u32) -> Result<Plan<Reply>, Fail> {
        let job = self.copies.job_of(queue, unit, list).ok_or(Fail::in_cdb(2))?;
        job.aborters.push(tag);
        Ok(Plan::Control)
    }

    /// A copy has ended.
    pub(super) fn copy_ends(&mut self, mut job: Job, fail: Option<Fail>) {
        job.record.status = match fail {
            None => CopyStatus::DONE,
            Some(_) if !job.aborters.is_empty() => CopyStatus::ABORTED,
            Some(_) => CopyStatus::FAILED,
        };
        job.record.fail = fail;
        self.copy_is_over(job);
    }

    /// A command was aborted by task management, or its nexus is gone: its copy with it.
    pub(crate) fn copy_aborted(&mut self, tag: Tag) {
        let Some(mut job) = self.copies.take(tag) else { return };
        job.record.status = CopyStatus::ABORTED;
        self.copy_is_over(job);
    }

    fn copy_is_over(&mut self, job: Job) {
        self.token_is_done(&job);
        for tag in &job.aborters {
            let reply = self.settle(*tag).good(0);
            self.todo.push_back(Order::Answer { tag: *tag, reply });
        }
        self.copies.note(job.so_far());
    }
}
