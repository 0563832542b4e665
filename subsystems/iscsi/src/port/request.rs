//! All requests that are no SCSI commands: NOP-Out, task management, text, logout; and what came out of order.
//!
//! Task management acts when all older commands are in (RFC 7143 4.2.2.1, 11.5). ABORT TASK of a command that never came makes its
//! number count as received (11.5.5). Functions that end tasks do not wait for the data of their R2Ts, because initiators in the
//! field send none once they asked for an abort; what comes all the same is dropped. A task cannot be moved to another
//! connection (ErrorRecoveryLevel 0).

use super::{IscsiPort, Note};
use crate::commands::{Command, Function, Incoming, Phase as At};
use crate::connection::{LastWords, Leaving, Packet, Phase};
use crate::limits;
use crate::session::{Held, Turn, What};
use iscsi::text_phase::{Request, Step};
use ring::Tag;
use scsi::{Attribute, Management, Task};
use wire::be::{U16, U32};
use wire::iscsi::{
    Bhs, FINAL, LogoutReason, LogoutRequest, LogoutResponse, LogoutResult, NopIn, NopOut, Opcode, Pdu, RESERVED_TAG,
    RejectReason, TEXT_CONTINUE, TaskFunction, TaskRequest, TaskResponse, TaskResult, TextRequest, TextResponse, U24,
    sn_less,
};
use zerocopy::FromZeros;

impl IscsiPort {
    /// A whole request: in its turn, or put aside.
    pub(super) fn on_request(&mut self, queue: u32, bhs: &Bhs, text: Vec<u8>) {
        let now = self.now;
        let Some(session) = self.connection(queue).session else { return };
        let immediate = bhs.is_immediate();
        let known = self.session(session);
        let mut turn = known.turn(bhs.cmd_sn(), immediate);
        if turn == Turn::Ignore {
            return;
        }
        let early = immediate && bhs.opcode() == Opcode::TASK_REQUEST && sn_less(known.exp_cmd_sn, bhs.cmd_sn());
        if early && sn_less(bhs.cmd_sn(), known.max_cmd_sn().wrapping_add(2)) && !aborts_unseen(bhs) {
            turn = Turn::Wait;
        }
        if turn == Turn::Wait {
            if known.held.len() >= known.held.capacity() {
                return self.reject(queue, bhs, RejectReason::TOO_MANY_IMMEDIATE);
            }
            let what = What::Request(Box::new((bytes(bhs), text)));
            return known.hold(Held { cmd_sn: bhs.cmd_sn(), immediate, connection: queue, what }, now);
        }
        if !immediate {
            known.advance();
        }
        self.act(queue, bhs, &text);
        if self.sessions[session as usize].is_some() {
            self.release_held(session);
        }
    }

    /// Goes on with what waited for older requests, as far as they are in.
    pub(super) fn release_held(&mut self, session: u32) {
        let now = self.now;
        while let Some(held) = self.sessions[session as usize].as_mut().and_then(|session| session.next_held()) {
            let known = self.session(session);
            known.gap_since = now;
            if !held.immediate {
                known.advance();
            }
            match held.what {
                What::Nothing => {}
                What::Command(tag, task) => {
                    known.counted += 1;
                    self.commands.get_mut(tag).expect("who waits is open").counted = true;
                    self.release(tag, task);
                }
                What::Request(request) => {
                    let (bhs, text) = *request;
                    let bhs: Bhs = wire::read(&bhs).expect("48 bytes");
                    self.act(held.connection, &bhs, &text);
                }
            }
        }
    }

    fn act(&mut self, queue: u32, bhs: &Bhs, text: &[u8]) {
        match bhs.opcode() {
            Opcode::NOP_OUT => self.on_nop(queue, bhs, text),
            Opcode::TASK_REQUEST => self.on_task_request(queue, bhs),
            Opcode::TEXT_REQUEST => self.on_text(queue, bhs, text),
            _ => self.on_logout(queue, bhs),
        }
    }

    /// NOP-Out (RFC 7143 11.18): a ping is answered with its own data; an answer to ours needed only to come.
    fn on_nop(&mut self, queue: u32, bhs: &Bhs, text: &[u8]) {
        let request: &NopOut = bhs.of();
        if request.itt.get() == RESERVED_TAG {
            if !bhs.is_immediate() {
                self.reject(queue, bhs, RejectReason::PROTOCOL_ERROR);
            }
            return;
        }
        let most = self.connection(queue).framing.max_data as usize;
        let payload = text[..text.len().min(most)].to_vec();
        let answer = NopIn {
            opcode: NopIn::OPCODE.0,
            flags: FINAL,
            data_segment_length: U24::new(payload.len() as u32),
            itt: request.itt,
            ttt: U32::new(RESERVED_TAG),
            ..NopIn::new_zeroed()
        };
        self.push(queue, Packet { bhs: answer.to_bytes(), payload, takes_number: true });
    }

    /// Text Request (RFC 7143 11.10).
    fn on_text(&mut self, queue: u32, bhs: &Bhs, text: &[u8]) {
        let pdu: &TextRequest = bhs.of();
        let (itt, ttt) = (pdu.itt.get(), pdu.ttt.get());
        let request = Request { last: bhs.is_final(), more: pdu.continues(), itt, ttt, text };
        let directory = self.directory.clone();
        let connection = self.connection(queue);
        let Some(agreement) = connection.agreement.as_mut() else { return };
        let Step::Send(answer) = connection.text_phase.request(&request, agreement, &*directory) else {
            return self.reject(queue, bhs, RejectReason::PROTOCOL_ERROR);
        };
        connection.framing.max_data = agreement.parameters.max_send_data_segment_length;
        let flag = |on, flag| if on { flag } else { 0 };
        let response = TextResponse {
            opcode: TextResponse::OPCODE.0,
            flags: flag(answer.last, FINAL) | flag(answer.more, TEXT_CONTINUE),
            data_segment_length: U24::new(answer.text.len() as u32),
            itt: U32::new(answer.itt),
            ttt: U32::new(answer.ttt),
            ..TextResponse::new_zeroed()
        };
        self.push(queue, Packet { bhs: response.to_bytes(), payload: answer.text, takes_number: true });
    }

    /// Task Management Function Request (RFC 7143 11.5, RFC 7144 4).
    fn on_task_request(&mut self, queue: u32, bhs: &Bhs) {
        let request: &TaskRequest = bhs.of();
        let Some(session) = self.connection(queue).session else { return };
        let known = self.session(session);
        if !known.is_normal() {
            return self.reject(queue, bhs, RejectReason::PROTOCOL_ERROR);
        }
        if known.names.get(bhs.itt.get()).is_some() || bhs.itt.get() == RESERVED_TAG {
            return self.reject(queue, bhs, RejectReason::TASK_IN_PROGRESS);
        }
        let newer = known.parameters().protocol_level >= 2;
        let id = request.referenced_tag.get();
        let management = match request.function() {
            TaskFunction::ABORT_TASK => return self.on_abort_task(queue, session, bhs),
            TaskFunction::ABORT_TASK_SET => Management::AbortTaskSet,
            TaskFunction::CLEAR_ACA => Management::ClearAca,
            TaskFunction::CLEAR_TASK_SET => Management::ClearTaskSet,
            TaskFunction::LOGICAL_UNIT_RESET => Management::LunReset,
            TaskFunction::TARGET_WARM_RESET | TaskFunction::TARGET_COLD_RESET => Management::TargetReset,
            TaskFunction::QUERY_TASK if newer => Management::QueryTask { id },
            TaskFunction::QUERY_TASK_SET if newer => Management::QueryTaskSet,
            TaskFunction::I_T_NEXUS_RESET if newer => Management::ItNexusReset,
            TaskFunction::TASK_REASSIGN => {
                return self.push_task_result(queue, bhs.itt.get(), TaskResult::NO_REASSIGN);
            }
            _ => return self.push_task_result(queue, bhs.itt.get(), TaskResult::NOT_SUPPORTED),
        };
        let cold = request.function() == TaskFunction::TARGET_COLD_RESET;
        let function = if cold { Function::ColdReset } else { Function::Plain };
        self.start_function(queue, session, bhs, management, function);
    }

    /// ABORT TASK (RFC 7143 11.5.5, 11.6.1). The task may be at work, on its way, or over; one whose status is on its way to the
    /// initiator is over.
    fn on_abort_task(&mut self, queue: u32, session: u32, bhs: &Bhs) {
        let request: &TaskRequest = bhs.of();
        let id = request.referenced_tag.get();
        let known = self.session(session).names.get(id);
        let named = known.and_then(|tag| self.commands.get(tag));
        let result = match named {
            None => self.abort_unseen(queue, request),
            Some(command) if matches!(command.phase, At::Replying) => TaskResult::NO_TASK,
            Some(command) if matches!(command.phase, At::Held) => {
                let tag = command.tag;
                self.abort_held(session, tag);
                TaskResult::COMPLETE
            }
            Some(command) => {
                let function = Function::Abort { victim: command.tag, late: false };
                return self.start_function(queue, session, bhs, Management::AbortTask { id }, function);
            }
        };
        self.push_task_result(queue, bhs.itt.get(), result);
    }

    /// A command that waits for older ones never acts; its number counts as received.
    fn abort_held(&mut self, session: u32, tag: Tag) {
        for held in &mut self.session(session).held {
            if matches!(held.what, What::Command(own, _) if own == tag) {
                held.what = What::Nothing;
            }
        }
        self.discard(tag);
    }

    /// A task has its status, although it was to be aborted.
    #[cold]
    pub(super) fn abort_came_late(&mut self, task: Tag) {
        for (_, command) in self.commands.iter_mut() {
            if let Some(Function::Abort { victim, late }) = &mut command.function
                && *victim == task
            {
                *late = true;
            }
        }
    }

    /// Gives a function to the group.
    fn start_function(&mut self, queue: u32, session: u32, bhs: &Bhs, management: Management, function: Function) {
        let known = self.session(session);
        let Some(place) = known.places.pop() else {
            return self.reject(queue, bhs, RejectReason::TOO_MANY_IMMEDIATE);
        };
        let itt = bhs.itt.get();
        let counted = !bhs.is_immediate();
        known.counted += u16::from(counted);
        known.aborting += u32::from(matches!(function, Function::Abort { .. }));
        let command = Command {
            tag: Tag::new(0, 0),
            session,
            connection: queue,
            itt,
            lun: bhs.lun,
            place,
            expected: 0,
            counted,
            function: Some(function),
            data_in: 0,
            incoming: Incoming::default(),
            phase: At::Held,
        };
        let tag = self.commands.insert(command).expect("room for the places of each session");
        self.commands.get_mut(tag).expect("just made").tag = tag;
        self.session(session).names.put(itt, tag);
        let task = Task {
            queue: session,
            id: itt,
            lun: bhs.lun,
            cdb: [0; 32],
            cdb_len: 16,
            attribute: Attribute::Simple,
            management: Some(management),
            data_in: 0,
            data_out: 0,
        };
        self.release(tag, task);
    }

    /// ABORT TASK of a task that is not here (RFC 7143 11.5.5, 11.6.1): it may be on its way, or over.
    fn abort_unseen(&mut self, queue: u32, request: &TaskRequest) -> TaskResult {
        let now = self.now;
        let Some(session) = self.connection(queue).session else { return TaskResult::NO_TASK };
        let number = request.ref_cmd_sn.get();
        let known = self.session(session);
        let on_its_way = !sn_less(number, known.exp_cmd_sn) && sn_less(number, request.cmd_sn.get());
        if !on_its_way || sn_less(known.max_cmd_sn(), number) {
            return TaskResult::NO_TASK;
        }
        match known.turn(number, false) {
            Turn::Now => known.advance(),
            Turn::Wait => {
                let held = Held { cmd_sn: number, immediate: false, connection: queue, what: What::Nothing };
                known.hold(held, now);
            }
            Turn::Ignore => {}
        }
        TaskResult::COMPLETE
    }

    fn push_task_result(&mut self, queue: u32, itt: u32, response: TaskResult) {
        let answer = TaskResponse {
            opcode: TaskResponse::OPCODE.0,
            flags: FINAL,
            response,
            itt: U32::new(itt),
            ..TaskResponse::new_zeroed()
        };
        self.push(queue, Packet { bhs: answer.to_bytes(), payload: Vec::new(), takes_number: true });
    }

    /// Logout Request (RFC 7143 11.14). What is open on a connection that is closed ends first.
    fn on_logout(&mut self, queue: u32, bhs: &Bhs) {
        let request: &LogoutRequest = bhs.of();
        let Some(session) = self.connection(queue).session else { return };
        let (reason, cid, itt) = (request.reason(), request.cid.get(), request.itt.get());
        let all = self.session(session).connections.clone();
        let is_it =
            |other: &&u32| self.connections[**other as usize].as_ref().is_some_and(|c| c.cid == cid && c.is_full());
        let named = all.iter().find(is_it).copied();
        match reason {
            LogoutReason::CLOSE_SESSION => {
                self.session(session).leaving = Some(queue);
                all.iter().filter(|other| **other != queue).for_each(|other| self.lose(*other));
            }
            LogoutReason::CLOSE_CONNECTION => match named {
                Some(own) if own == queue => {}
                Some(other) => {
                    self.hang_up(other);
                    return self.push_logout_result(queue, itt, LogoutResult::CLOSED);
                }
                None => return self.push_logout_result(queue, itt, LogoutResult::NO_CONNECTION),
            },
            LogoutReason::RECOVERY => return self.push_logout_result(queue, itt, LogoutResult::NO_RECOVERY),
            _ => return self.reject(queue, bhs, RejectReason::INVALID_FIELD),
        }
        let whole = reason == LogoutReason::CLOSE_SESSION || all.len() == 1;
        self.connection(queue).leaving = Some(Leaving { itt, whole });
        self.abort_all(queue);
        self.finish_logout(queue);
    }

    /// Answers a logout when nothing that it ends is open any more.
    pub(super) fn finish_logout(&mut self, queue: u32) {
        let Some(connection) = self.connections[queue as usize].as_ref() else { return };
        let (Some(leaving), Some(session)) = (connection.leaving, connection.session) else { return };
        if !connection.is_full() {
            return;
        }
        if !leaving.whole {
            if connection.open == 0 {
                self.push_logout_result(queue, leaving.itt, LogoutResult::CLOSED);
                self.connection(queue).phase = Phase::Closing { by: self.now + limits::CLOSING_NS };
            }
            return;
        }
        // What was said before goes out first, and leaves room for the answer.
        let more = connection.has_more() || !connection.out.is_empty() || !connection.out.room();
        let known = self.session(session);
        if known.open == 0 && known.connections.len() == 1 && !more {
            self.end_session_with(queue, session, leaving.itt);
        }
    }

    /// Ends the session of a connection, which has the answer to say when the nexus is gone.
    fn end_session_with(&mut self, queue: u32, session: u32, itt: u32) {
        let by = self.now + limits::CLOSING_NS;
        let known = self.session(session);
        known.connections.clear();
        let numbers = (known.exp_cmd_sn, known.max_cmd_sn());
        let mut bhs = self.logout_result(session, itt, LogoutResult::CLOSED);
        let connection = self.connection(queue);
        bhs[24..28].copy_from_slice(&connection.stat_sn.to_be_bytes());
        bhs[28..32].copy_from_slice(&numbers.0.to_be_bytes());
        bhs[32..36].copy_from_slice(&numbers.1.to_be_bytes());
        (connection.session, connection.leaving) = (None, None);
        connection.last_words = Some(LastWords { session, bhs });
        connection.phase = Phase::Closing { by };
        self.settle(session);
    }

    fn push_logout_result(&mut self, queue: u32, itt: u32, response: LogoutResult) {
        let Some(session) = self.connection(queue).session else { return };
        let bhs = self.logout_result(session, itt, response);
        self.push(queue, Packet { bhs, payload: Vec::new(), takes_number: true });
    }

    fn logout_result(&mut self, session: u32, itt: u32, response: LogoutResult) -> [u8; 48] {
        let parameters = *self.session(session).parameters();
        let answer = LogoutResponse {
            opcode: LogoutResponse::OPCODE.0,
            flags: FINAL,
            response,
            itt: U32::new(itt),
            time2wait: U16::new(parameters.time2wait),
            time2retain: U16::new(parameters.time2retain),
            ..LogoutResponse::new_zeroed()
        };
        answer.to_bytes()
    }

    /// The command's open exchange ends early, if the group has it.
    pub(super) fn abort(&mut self, tag: Tag) {
        self.note(Note::Abort(tag));
    }
}

/// ABORT TASK acts at once: it is about one number.
fn aborts_unseen(bhs: &Bhs) -> bool {
    bhs.of::<TaskRequest>().function() == TaskFunction::ABORT_TASK
}

fn bytes(bhs: &Bhs) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes.copy_from_slice(zerocopy::IntoBytes::as_bytes(bhs));
    bytes
}
