//! Commands to one logical unit over an FCP login.

use super::Cdb;
use crate::fibre::{Lane, Response};
use crate::queue::{Completion, Io, Payload, Seen, Slot};
use crate::{Error, Result};
use fc::Iu;
use std::collections::VecDeque;
use std::time::Duration;
use wire::fcp::{Cmnd, Direction, Residual, Rsp};
use wire::nvme::{Cqe, Status};
use wire::scsi::{Key, Status as ScsiStatus, to_lun};

/// What a logical unit said to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// SCSI status.
    pub status: ScsiStatus,
    /// Sense data, as they came.
    pub sense: Vec<u8>,
    /// Bytes of data that moved.
    pub moved: u32,
    /// What the unit said of bytes that were expected and did not move, or of more that would have.
    pub residual: Residual,
}

/// The data of one command that is waited for.
#[derive(Debug)]
pub enum Transfer<'a> {
    /// None.
    None,
    /// So many bytes are expected.
    In(&'a mut [u8]),
    /// These are offered.
    Out(&'a [u8]),
}

impl Transfer<'_> {
    /// As a queue wants it.
    pub fn payload(&self) -> Payload {
        match self {
            Self::None => Payload::None,
            Self::In(data) => Payload::Read(data.len() as u32),
            Self::Out(data) => Payload::Write(data.len() as u32),
        }
    }
}

impl Answer {
    /// Whether all went well.
    pub fn is_good(&self) -> bool {
        self.status == ScsiStatus::GOOD
    }

    /// Sense key, additional sense code and its qualifier; of fixed and descriptor format.
    pub fn sense_codes(&self) -> Option<(Key, u8, u8)> {
        let byte = |at: usize| self.sense.get(at).copied();
        match byte(0)? & 0x7f {
            0x70 | 0x71 => Some((Key(byte(2)? & 0xf), byte(12)?, byte(13)?)),
            0x72 | 0x73 => Some((Key(byte(1)? & 0xf), byte(2)?, byte(3)?)),
            _ => None,
        }
    }

    /// Whether the same again may work: a unit attention, a queue that is full, a task that was aborted.
    pub fn is_passing(&self) -> bool {
        let attention = self.sense_codes().is_some_and(|(key, ..)| {
            key == Key::UNIT_ATTENTION || key == Key::ABORTED_COMMAND || key == Key::NOT_READY
        });
        attention || [ScsiStatus::BUSY, ScsiStatus::TASK_SET_FULL].contains(&self.status)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.sense_codes() {
            Some((key, asc, ascq)) => write!(f, "{}: {key}, {asc:02x}h/{ascq:02x}h", self.status),
            None => write!(f, "{}", self.status),
        }
    }
}

/// An answer as the load and the verification read it: they know only NVMe's status.
pub(crate) fn completion(slot: Slot, answer: &Answer) -> Cqe {
    let status = match (answer.is_good(), answer.is_passing()) {
        (true, _) => Status::SUCCESS,
        (false, true) => Status::NAMESPACE_NOT_READY,
        (false, false) => Status::INTERNAL_ERROR.with_dnr(),
    };
    Cqe::new(slot.0, status)
}

/// See the module.
pub struct ScsiQueue {
    lane: Lane,
    lun: [u8; 8],
    payloads: Vec<Payload>,
    done: VecDeque<Completion>,
    answers: Vec<Option<Answer>>,
    seen: Seen,
    failure: Option<Error>,
    dead: bool,
}

impl ScsiQueue {
    /// A queue of commands to a logical unit.
    pub fn new(lane: Lane, lun: u16, slots: u16) -> ScsiQueue {
        let slots = usize::from(slots);
        ScsiQueue {
            lane,
            lun: to_lun(lun),
            payloads: vec![Payload::None; slots],
            done: VecDeque::with_capacity(slots),
            answers: vec![None; slots],
            seen: Seen::default(),
            failure: None,
            dead: false,
        }
    }

    /// As [`crate::Queue::take`].
    pub fn take(&mut self) -> Option<Slot> {
        self.lane.take()
    }

    /// As [`crate::Queue::give`].
    pub fn give(&mut self, slot: Slot) {
        self.lane.give(slot);
    }

    /// As [`crate::Queue::buffer`].
    pub fn buffer(&self, slot: Slot) -> &[u8] {
        self.lane.buffer(slot)
    }

    /// As [`crate::Queue::buffer_mut`].
    pub fn buffer_mut(&mut self, slot: Slot) -> &mut [u8] {
        self.lane.buffer_mut(slot)
    }

    /// A block operation.
    #[inline]
    pub fn start_io(&mut self, slot: Slot, io: Io, bytes: u32) {
        let (cdb, payload) = Cdb::of_io(io, bytes);
        self.start(slot, cdb, payload);
    }

    /// Any command.
    #[inline]
    pub fn start(&mut self, slot: Slot, cdb: Cdb, payload: Payload) {
        let direction = match payload {
            Payload::None => Direction::None,
            Payload::Read(_) => Direction::Read,
            Payload::Write(_) => Direction::Write,
        };
        self.payloads[slot.index()] = payload;
        let iu = Cmnd::simple(self.lun, cdb.bytes(), direction, payload.bytes());
        self.lane.send(slot, Iu::new(&iu), payload);
    }

    /// As [`crate::Queue::poll`].
    ///
    /// # Errors
    /// The login or the link is gone, or the target broke the standard.
    pub fn poll(&mut self) -> Result<usize> {
        while let Some(response) = self.lane.next_response() {
            match self.answer(&response) {
                Ok(answer) => self.finish(response.slot, answer),
                Err(error) => {
                    self.dead = true;
                    self.failure.get_or_insert(error);
                }
            }
        }
        if self.done.is_empty() {
            // The port's thread may want this core.
            std::thread::yield_now();
        }
        match (self.done.len(), self.dead) {
            (0, true) => Err(self.failure.take().unwrap_or(Error::Closed { what: "it is no longer used" })),
            (n, _) => Ok(n),
        }
    }

    /// What came, checked against what was asked for.
    fn answer(&mut self, response: &Response) -> Result<Answer> {
        let iu = match &response.iu {
            Ok(iu) => iu.bytes(),
            Err(failure) => return Err(Error::Fabric { what: format!("a command came to nothing: {failure}") }),
        };
        let broken = |what: String| Error::Controller(format!("the target broke FCP-4: {what}"));
        let rsp = Rsp::parse(iu).ok_or_else(|| broken(format!("an FCP_RSP of {} bytes makes no sense", iu.len())))?;
        if let Some(code) = rsp.code.filter(|code| code.0 != 0) {
            return Err(broken(format!("it says that we broke it: {code}")));
        }
        self.seen.responses += 1;
        let wanted = self.payloads[response.slot.index()].bytes();
        let left = match rsp.residual {
            Residual::Under(left) => left,
            Residual::None | Residual::Over(_) => 0,
        };
        if rsp.status == ScsiStatus::GOOD.0 && wanted.checked_sub(left) != Some(response.moved) {
            return Err(broken(format!("{} of {wanted} bytes moved, the residual is {left}", response.moved)));
        }
        let (status, sense) = (ScsiStatus(rsp.status), rsp.sense.to_vec());
        Ok(Answer { status, sense, moved: response.moved, residual: rsp.residual })
    }

    fn finish(&mut self, slot: Slot, answer: Answer) {
        self.done.push_back(Completion { slot, cqe: completion(slot, &answer) });
        self.answers[slot.index()] = Some(answer);
    }

    /// What came to the command that was last in a slot.
    pub fn said(&self, slot: Slot) -> Option<&Answer> {
        self.answers[slot.index()].as_ref()
    }

    /// The same, if it was not GOOD.
    pub fn complaint(&self, slot: Slot) -> Option<&Answer> {
        self.said(slot).filter(|answer| !answer.is_good())
    }

    /// As [`crate::Queue::next_done`].
    pub fn next_done(&mut self) -> Option<Completion> {
        self.done.pop_front()
    }

    /// The completion of the command in `slot`, if it has come; others are kept in order.
    pub fn done_in(&mut self, slot: Slot) -> Option<Cqe> {
        let at = self.done.iter().position(|done| done.slot == slot)?;
        self.done.remove(at).map(|done| done.cqe)
    }

    /// As [`crate::Queue::wait`].
    ///
    /// # Errors
    /// As [`ScsiQueue::poll`].
    pub fn wait(&mut self, limit: Duration) -> Result<()> {
        if self.poll()? == 0 {
            std::thread::sleep(limit.min(Duration::from_micros(50)));
        }
        Ok(())
    }

    /// As [`crate::Queue::outstanding`].
    pub fn outstanding(&self) -> usize {
        self.lane.outstanding()
    }

    /// Responses that came.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// As [`crate::Queue::buffer_bytes`].
    pub fn buffer_bytes(&self) -> u32 {
        self.lane.buffer_bytes()
    }

    /// As [`crate::Queue::is_dead`].
    pub fn is_dead(&self) -> bool {
        self.dead
    }
}

impl std::fmt::Debug for ScsiQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScsiQueue").field("outstanding", &self.outstanding()).field("dead", &self.dead).finish()
    }
}
