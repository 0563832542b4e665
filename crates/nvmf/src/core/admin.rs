//! Admin commands: which there are, and whether their data pointer is sound.

use super::nvm_command::Nvm;
use super::reply::{Fail, Step, Verdict};
use crate::Capsule;
use ring::Tag;
use wire::nvme::{AdminOpcode, FUSE_NONE, Sqe, Status};

impl Nvm {
    pub(crate) fn plan_admin(&mut self, tag: Tag, capsule: &Capsule, sqe: &Sqe, controller: Tag) -> Verdict {
        let now = self.now;
        let known = self.controllers.get_mut(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        if sqe.fuse() != FUSE_NONE {
            return Err(Status::INVALID_FIELD.into());
        }
        if !known.csts.rdy() || !known.cc.en() {
            return Err(Status::COMMAND_SEQUENCE_ERROR.into());
        }
        if known.alive.any_command {
            known.alive.last = now;
        }
        match AdminOpcode(sqe.opcode) {
            AdminOpcode::IDENTIFY => self.plan_identify(sqe, controller),
            AdminOpcode::GET_LOG_PAGE => self.plan_log_page(sqe, controller),
            AdminOpcode::GET_FEATURES => self.get_features(sqe, controller),
            AdminOpcode::SET_FEATURES => self.set_features(sqe, controller),
            AdminOpcode::ASYNC_EVENT_REQUEST => self.plan_event_request(tag, sqe, controller),
            AdminOpcode::KEEP_ALIVE => self.keep_alive_command(controller),
            AdminOpcode::ABORT => self.plan_abort(tag, capsule, sqe, controller),
            _ => Err(Status::INVALID_OPCODE.into()),
        }
    }

    /// Fills the data of an admin command whose plan was an answer; dwords 0 and 1 of its completion.
    pub(crate) fn answer_admin(&mut self, capsule: &Capsule, sqe: &Sqe, data: &mut [u8]) -> Result<u64, Fail> {
        // It may have waited for a buffer while the controller was reset; its queue is there still.
        let super::queue::Role::Admin(controller) = self.queues.at(capsule.queue).role else {
            return Err(Fail::retry(Status::ABORTED_BY_REQUEST));
        };
        match AdminOpcode(sqe.opcode) {
            AdminOpcode::IDENTIFY => self.identify(sqe, controller, data),
            AdminOpcode::GET_LOG_PAGE => self.log_page(sqe, controller, data),
            AdminOpcode::GET_FEATURES => self.host_identifier(controller, data),
            _ => Err(Fail::retry(Status::INTERNAL_ERROR)),
        }
    }

    /// An answer of `len` bytes, for which the host must have room.
    pub(crate) fn answer_of(&self, sqe: &Sqe, len: u32) -> Verdict {
        let room = self.limits.pointers.wanted_by_host(sqe)?;
        if room < len { Err(Status::DATA_SGL_LENGTH_INVALID.into()) } else { Ok(Step::Answer(len)) }
    }

    fn plan_event_request(&mut self, tag: Tag, sqe: &Sqe, controller: Tag) -> Verdict {
        let known = self.controllers.get_mut(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        if !known.events.wait(tag, sqe.cid.get()) {
            return Err(Status::ASYNC_EVENT_LIMIT_EXCEEDED.into());
        }
        self.report_events(controller);
        Ok(Step::Park)
    }

    /// Answers event requests as far as there are events and requests.
    pub(crate) fn report_events(&mut self, controller: Tag) {
        let Some(known) = self.controllers.get_mut(controller) else { return };
        while let Some((tag, cid, dw0)) = known.events.next_report() {
            let (queue, result) = (known.queue, Ok(dw0.into()));
            self.todo.push_back(super::orders::Todo::Answer { queue, tag, cid, result });
        }
    }

    fn keep_alive_command(&mut self, controller: Tag) -> Verdict {
        let now = self.now;
        if let Some(known) = self.controllers.get_mut(controller) {
            known.alive.last = now;
        }
        Ok(Step::Done(0))
    }
}
