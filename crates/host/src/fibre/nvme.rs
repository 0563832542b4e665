//! A queue of a controller over Fibre Channel: FC-NVMe-2 command and response IUs on a [`Lane`].

use super::{Association, Lane, Response};
use crate::queue::{Completion, Payload, QueueOptions, Seen, Slot};
use crate::{Error, Result};
use fc::Iu;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use wire::fcnvme::{CmndIu, Ersp, ErspResult, RSP};
use wire::fcp::Direction;
use wire::nvme::{Cqe, SglDescriptor, Sqe, Status};

/// See the module.
pub struct FcQueue {
    lane: Lane,
    /// Kept as long as a queue of it is there.
    _association: Arc<Association>,
    connection: u64,
    admin: bool,
    options: QueueOptions,
    /// What each slot's command is.
    commands: Vec<Command>,
    csn: u32,
    done: VecDeque<Completion>,
    seen: Seen,
    failure: Option<Error>,
    dead: bool,
}

#[derive(Clone, Copy)]
struct Command {
    cid: u16,
    payload: Payload,
}

impl FcQueue {
    /// A queue on a connection that is there. The Connect command is [`crate::controller`]'s.
    pub fn new(
        lane: Lane,
        association: Arc<Association>,
        connection: u64,
        admin: bool,
        options: QueueOptions,
    ) -> FcQueue {
        let slots = usize::from(options.entries.clamp(2, 4096) - 1);
        FcQueue {
            commands: vec![Command { cid: 0, payload: Payload::None }; slots],
            done: VecDeque::with_capacity(slots),
            lane,
            _association: association,
            connection,
            admin,
            options,
            csn: 0,
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

    /// As [`crate::Queue::start`].
    pub fn start(&mut self, slot: Slot, mut sqe: Sqe, payload: Payload) {
        let command = &mut self.commands[slot.index()];
        // A number that changes with each use above the place: a response to an earlier command is noticed.
        let mask = self.options.entries.next_power_of_two() - 1;
        command.cid = (command.cid & !mask).wrapping_add(mask + 1) | slot.0;
        command.payload = payload;
        sqe.cid = command.cid.into();
        sqe.dptr = SglDescriptor::transport(payload.bytes());
        let direction = match payload {
            Payload::None => Direction::None,
            Payload::Read(_) => Direction::Read,
            Payload::Write(_) => Direction::Write,
        };
        let iu = CmndIu::new(self.connection, self.csn, direction, payload.bytes(), sqe, self.admin);
        self.csn = self.csn.wrapping_add(1);
        self.lane.send(slot, Iu::new(&iu.to_bytes()), payload);
    }

    /// As [`crate::Queue::poll`].
    ///
    /// # Errors
    /// The login or the link is gone, or the target broke the standard.
    pub fn poll(&mut self) -> Result<usize> {
        while let Some(response) = self.lane.next_response() {
            match self.completion(&response) {
                Ok(cqe) => self.done.push_back(Completion { slot: response.slot, cqe }),
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

    fn completion(&mut self, response: &Response) -> Result<Cqe> {
        let iu = match &response.iu {
            Ok(iu) => iu.bytes(),
            Err(failure) => return Err(Error::Fabric { what: format!("a command came to nothing: {failure}") }),
        };
        let command = self.commands[response.slot.index()];
        self.seen.responses += 1;
        if iu.len() == RSP.len() {
            return self.short(iu, response.moved, command);
        }
        let Some(ersp) = Ersp::parse(iu) else {
            return Err(broken(format!("a response of {} bytes is neither RSP nor ERSP", iu.len())));
        };
        self.extended(ersp, response.moved, command)
    }

    /// NVMe_RSP: all went well and all data moved.
    fn short(&mut self, iu: &[u8], moved: u32, command: Command) -> Result<Cqe> {
        self.seen.successes += 1;
        if iu != RSP {
            return Err(broken("an NVMe_RSP that is not all zeroes".to_owned()));
        }
        if moved != command.payload.bytes() {
            return Err(broken(format!("an NVMe_RSP with {moved} of {} bytes moved", command.payload.bytes())));
        }
        Ok(Cqe::new(command.cid, Status::SUCCESS))
    }

    /// NVMe_ERSP: checked as Linux does it. Its sequence number says nothing about the order in which exchanges end: short
    /// responses overtake those with data.
    fn extended(&self, ersp: &Ersp, moved: u32, command: Command) -> Result<Cqe> {
        let cqe = ersp.cqe;
        if ersp.result != ErspResult::SUCCESS {
            return Err(broken(format!("an NVMe_ERSP with result {}", ersp.result)));
        }
        if cqe.cid.get() != command.cid {
            return Err(broken(format!(
                "the CID of an NVMe_ERSP is {:#x}, that of the command {:#x}",
                cqe.cid, command.cid
            )));
        }
        if ersp.transferred.get() != moved {
            return Err(broken(format!("an NVMe_ERSP says that {} bytes moved, {moved} did", ersp.transferred)));
        }
        if cqe.status().is_success() && moved != command.payload.bytes() {
            return Err(broken(format!("success with {moved} of {} bytes moved", command.payload.bytes())));
        }
        if self.options.flow_control && cqe.sqhd.get() >= self.options.entries {
            return Err(broken(format!("SQHD {} in a queue of {} entries", cqe.sqhd, self.options.entries)));
        }
        Ok(cqe)
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

    /// As [`crate::Queue::wait`]. The port's thread does the work meanwhile.
    ///
    /// # Errors
    /// As [`FcQueue::poll`].
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

fn broken(what: String) -> Error {
    Error::Controller(format!("the target broke FC-NVMe-2: {what}"))
}

impl std::fmt::Debug for FcQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FcQueue")
            .field("connection", &self.connection)
            .field("outstanding", &self.outstanding())
            .field("dead", &self.dead)
            .finish()
    }
}
