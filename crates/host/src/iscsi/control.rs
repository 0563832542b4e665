//! What is neither a command nor its data: NOP, text, task management, logout. Waited for.

use super::broken;
use super::queue::IscsiQueue;
use crate::{Error, Result};
use std::ops::Range;
use std::time::{Duration, Instant};
use wire::FromZeros;
use wire::be::{U16, U32};
use wire::iscsi::{
    Bhs, FINAL, IMMEDIATE, LogoutReason, LogoutRequest, LogoutResponse, LogoutResult, NopIn, NopOut, Opcode, Pdu,
    RESERVED_TAG, Reject, TEXT_CONTINUE, TaskFunction, TaskRequest, TaskResponse, TaskResult, TextRequest,
    TextResponse, U24,
};
use wire::scsi::to_lun;

/// Set in the tags of control requests.
pub(super) const CONTROL: u32 = 0x8000_0000;

/// A PDU that came and was no data, no answer to a command: kept until somebody takes it.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Its header.
    pub bhs: Bhs,
    /// Its data.
    pub data: Vec<u8>,
}

impl IscsiQueue {
    /// The next asynchronous message or reject that came.
    pub fn next_heard(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// A NOP-Out that wants an answer; what the NOP-In brought back.
    ///
    /// # Errors
    /// As [`IscsiQueue::poll`], no answer in time, or a Reject.
    pub fn ping(&mut self, data: &[u8]) -> Result<Vec<u8>> {
        let tag = self.control_tag();
        let pdu = NopOut {
            opcode: NopOut::OPCODE.0 | IMMEDIATE,
            flags: FINAL,
            data_segment_length: U24::new(data.len() as u32),
            itt: U32::new(tag),
            ttt: U32::new(RESERVED_TAG),
            cmd_sn: U32::new(self.numbers.cmd_sn),
            exp_stat_sn: U32::new(self.numbers.exp_stat_sn),
            ..NopOut::new_zeroed()
        };
        self.stream.queue(&pdu.to_bytes(), data);
        Ok(self.answer_to(tag, Opcode::NOP_IN, "NOP-Out")?.data)
    }

    /// Answers a NOP-In that wants one.
    pub(super) fn pong(&mut self, asked: &NopIn, data: Range<usize>) {
        let data = self.stream.data(data).to_vec();
        let pdu = NopOut {
            opcode: NopOut::OPCODE.0 | IMMEDIATE,
            flags: FINAL,
            data_segment_length: U24::new(data.len() as u32),
            lun: asked.lun,
            itt: U32::new(RESERVED_TAG),
            ttt: asked.ttt,
            cmd_sn: U32::new(self.numbers.cmd_sn),
            exp_stat_sn: U32::new(self.numbers.exp_stat_sn),
            ..NopOut::new_zeroed()
        };
        self.stream.queue(&pdu.to_bytes(), &data);
    }

    /// A task management function, delivered at once. `task` is the tag and CmdSN of the task that it is about
    /// ([`IscsiQueue::task`]). Tasks that it aborted end with TASK ABORTED here: the target says nothing more of them.
    ///
    /// # Errors
    /// As [`IscsiQueue::ping`].
    pub fn manage(&mut self, function: TaskFunction, lun: u16, task: Option<(u32, u32)>) -> Result<TaskResult> {
        let tag = self.control_tag();
        let (referenced, number) = task.unwrap_or((RESERVED_TAG, 0));
        let pdu = TaskRequest {
            opcode: TaskRequest::OPCODE.0 | IMMEDIATE,
            flags: FINAL | function.0,
            lun: to_lun(lun),
            itt: U32::new(tag),
            referenced_tag: U32::new(referenced),
            cmd_sn: U32::new(self.numbers.cmd_sn),
            exp_stat_sn: U32::new(self.numbers.exp_stat_sn),
            ref_cmd_sn: U32::new(number),
            ..TaskRequest::new_zeroed()
        };
        self.stream.queue(&pdu.to_bytes(), &[]);
        let heard = self.answer_to(tag, Opcode::TASK_RESPONSE, "a task management function")?;
        let result = heard.bhs.of::<TaskResponse>().response;
        match (function, result) {
            (TaskFunction::ABORT_TASK, TaskResult::COMPLETE) => self.give_up(|tag| tag == referenced),
            (TaskFunction::QUERY_TASK | TaskFunction::QUERY_TASK_SET | TaskFunction::QUERY_ASYNC_EVENT, _) => {}
            (_, TaskResult::COMPLETE) => self.give_up(|_| true),
            _ => {}
        }
        Ok(result)
    }

    /// A text request and its whole answer.
    ///
    /// # Errors
    /// As [`IscsiQueue::ping`].
    pub fn text(&mut self, text: &[u8]) -> Result<Vec<u8>> {
        let tag = self.control_tag();
        let (mut whole, mut ttt, mut lun, mut text) = (Vec::new(), RESERVED_TAG, [0; 8], text);
        loop {
            let pdu = TextRequest {
                opcode: TextRequest::OPCODE.0 | IMMEDIATE,
                flags: FINAL,
                data_segment_length: U24::new(text.len() as u32),
                lun,
                itt: U32::new(tag),
                ttt: U32::new(ttt),
                cmd_sn: U32::new(self.numbers.cmd_sn),
                exp_stat_sn: U32::new(self.numbers.exp_stat_sn),
                ..TextRequest::new_zeroed()
            };
            self.stream.queue(&pdu.to_bytes(), text);
            let heard = self.answer_to(tag, Opcode::TEXT_RESPONSE, "a text request")?;
            whole.extend_from_slice(&heard.data);
            let response: &TextResponse = heard.bhs.of();
            if response.flags & FINAL != 0 {
                let fits = response.flags & TEXT_CONTINUE == 0 && response.ttt.get() == RESERVED_TAG;
                return if fits {
                    Ok(whole)
                } else {
                    Err(broken("a text response with F and with C or a transfer tag"))
                };
            }
            (ttt, lun, text) = (response.ttt.get(), response.lun, &[]);
        }
    }

    /// Logs out; the connection is of no more use.
    ///
    /// # Errors
    /// As [`IscsiQueue::ping`].
    pub fn logout(&mut self, reason: LogoutReason, cid: u16) -> Result<LogoutResult> {
        let tag = self.control_tag();
        self.stream.queue(&self.logout_pdu(reason, cid, tag), &[]);
        let heard = self.answer_to(tag, Opcode::LOGOUT_RESPONSE, "Logout")?;
        Ok(heard.bhs.of::<LogoutResponse>().response)
    }

    /// Says goodbye without waiting for an answer.
    pub(super) fn leave(&mut self) {
        let tag = self.control_tag();
        self.stream.queue(&self.logout_pdu(LogoutReason::CLOSE_SESSION, 0, tag), &[]);
        // The target notices the end of the connection as well.
        let _ = self.stream.flush();
    }

    fn logout_pdu(&self, reason: LogoutReason, cid: u16, tag: u32) -> [u8; 48] {
        let pdu = LogoutRequest {
            opcode: LogoutRequest::OPCODE.0 | IMMEDIATE,
            flags: FINAL | reason.0,
            itt: U32::new(tag),
            cid: U16::new(cid),
            cmd_sn: U32::new(self.numbers.cmd_sn),
            exp_stat_sn: U32::new(self.numbers.exp_stat_sn),
            ..LogoutRequest::new_zeroed()
        };
        pdu.to_bytes()
    }

    fn control_tag(&mut self) -> u32 {
        self.next_control = (self.next_control + 1) & 0xffff;
        CONTROL | self.next_control
    }

    fn answer_to(&mut self, tag: u32, opcode: Opcode, what: &str) -> Result<Heard> {
        let begin = Instant::now();
        loop {
            let mine = |heard: &Heard| heard.bhs.itt.get() == tag && heard.bhs.opcode() == opcode;
            if let Some(at) = self.heard.iter().position(mine) {
                return Ok(self.heard.remove(at).expect("found there"));
            }
            if let Some(reject) = self.heard.iter().find(|heard| rejects(heard, tag)) {
                let reason = reject.bhs.of::<Reject>().reason;
                return Err(Error::Controller(format!("the target rejected {what}: {reason}")));
            }
            self.poll()?;
            if begin.elapsed() >= self.timeout {
                return Err(Error::Timeout { what: what.to_owned(), after: self.timeout });
            }
            self.stream.wait(Duration::from_millis(20))?;
        }
    }
}

/// Whether this is a Reject of the request with that tag: its header is the data.
fn rejects(heard: &Heard, tag: u32) -> bool {
    let rejected = wire::read::<Bhs>(&heard.data);
    heard.bhs.opcode() == Opcode::REJECT && rejected.is_some_and(|bhs| bhs.itt.get() == tag)
}
