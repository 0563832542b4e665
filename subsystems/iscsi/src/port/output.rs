//! PDUs that go out, in their turn; numbers are given as they go. What a socket does not take waits here.

use super::encode::step_out;
use super::{IscsiPort, Note};
use crate::connection::{Item, Packet, Phase, Sending};
use crate::limits;
use os::Flush;
use std::net::Shutdown;
use std::os::fd::AsFd;
use wire::be::U32;
use wire::iscsi::{
    AsyncEvent, AsyncMessage, Bhs, FINAL, NopIn, Pdu, RESERVED_TAG, Reject, RejectReason, Response, ScsiResponse, U24,
};
use wire::scsi::Status;
use zerocopy::FromZeros;

impl IscsiPort {
    pub(super) fn push(&mut self, queue: u32, packet: Packet) {
        self.connection(queue).push(packet);
        self.mark_dirty(queue);
    }

    /// Reject (RFC 7143 11.17).
    #[cold]
    pub(super) fn reject(&mut self, queue: u32, bhs: &Bhs, reason: RejectReason) {
        let payload = zerocopy::IntoBytes::as_bytes(bhs).to_vec();
        let pdu = Reject {
            opcode: Reject::OPCODE.0,
            flags: FINAL,
            reason,
            data_segment_length: U24::new(payload.len() as u32),
            itt: U32::new(RESERVED_TAG),
            ..Reject::new_zeroed()
        };
        self.push(queue, Packet { bhs: pdu.to_bytes(), payload, takes_number: true });
    }

    /// A status for a command that the group never saw.
    #[cold]
    pub(super) fn push_status(&mut self, queue: u32, itt: u32, status: Status) {
        let pdu = ScsiResponse {
            opcode: ScsiResponse::OPCODE.0,
            flags: FINAL,
            response: Response::COMPLETED,
            status: status.0,
            itt: U32::new(itt),
            ..ScsiResponse::new_zeroed()
        };
        self.push(queue, Packet { bhs: pdu.to_bytes(), payload: Vec::new(), takes_number: true });
    }

    /// An asynchronous message (RFC 7143 11.9).
    pub(super) fn push_event(&mut self, queue: u32, event: AsyncEvent, parameters: [u16; 3]) {
        let [one, two, three] = parameters.map(wire::be::U16::new);
        let pdu = AsyncMessage {
            opcode: AsyncMessage::OPCODE.0,
            flags: FINAL,
            itt: U32::new(RESERVED_TAG),
            event,
            parameter1: one,
            parameter2: two,
            parameter3: three,
            ..AsyncMessage::new_zeroed()
        };
        self.push(queue, Packet { bhs: pdu.to_bytes(), payload: Vec::new(), takes_number: true });
    }

    /// A ping, or with the reserved tag the numbers alone.
    pub(super) fn push_nop(&mut self, queue: u32, ttt: u32) {
        let pdu = NopIn {
            opcode: NopIn::OPCODE.0,
            flags: FINAL,
            itt: U32::new(RESERVED_TAG),
            ttt: U32::new(ttt),
            ..NopIn::new_zeroed()
        };
        self.push(queue, Packet { bhs: pdu.to_bytes(), payload: Vec::new(), takes_number: false });
    }

    pub(super) fn tell_window(&mut self, queue: u32) {
        self.push_nop(queue, RESERVED_TAG);
    }

    /// Queues what there is room for and offers it to the socket, until it takes no more.
    pub(super) fn flush_one(&mut self, queue: u32) {
        let now = self.now;
        let Self { connections, commands, sessions, .. } = self;
        let Some(connection) = connections[queue as usize].as_mut() else { return };
        connection.dirty = false;
        if connection.phase == Phase::Lost {
            return;
        }
        let mut session = connection.session.and_then(|session| sessions[session as usize].as_deref_mut());
        let before = connection.out.queued();
        let flushed = loop {
            while connection.out.room() && step_out(connection, commands, session.as_deref_mut()) {}
            match connection.out.flush(connection.socket.as_fd()) {
                Ok(Flush::Done) if connection.has_more() && connection.out.room() => {}
                other => break other,
            }
        };
        match flushed {
            Ok(Flush::Blocked) => {
                if connection.out.queued() < before {
                    connection.moved = now;
                }
                if !std::mem::replace(&mut connection.blocked, true) {
                    connection.moved = now;
                    self.ready.watch_writes(connection.socket.as_fd(), queue, true);
                }
                self.mark_drain(queue);
            }
            Ok(_) => {
                connection.moved = now;
                if std::mem::replace(&mut connection.blocked, false) {
                    self.ready.watch_writes(connection.socket.as_fd(), queue, false);
                }
                self.mark_drain(queue);
                self.flushed(queue);
            }
            Err(_) => self.lose(queue),
        }
    }

    /// All that was queued is out.
    fn flushed(&mut self, queue: u32) {
        let by = self.now + limits::CLOSING_NS;
        let connection = self.connection(queue);
        let silent = !connection.has_more() && connection.last_words.is_none();
        if matches!(connection.phase, Phase::Closing { .. }) && silent {
            let _ = connection.socket.shutdown(Shutdown::Write);
            connection.phase = Phase::Lingering { by };
        } else if connection.leaving.is_some() {
            self.finish_logout(queue);
        }
    }

    /// Replies that were queued or on their way on a connection that is lost.
    pub(super) fn swallow_queued(&mut self, queue: u32) {
        let connection = self.connection(queue);
        let open = connection.out.abandon();
        if let Some(Sending::Data { tag, .. }) = connection.sending.take() {
            self.note(Note::Sent(tag, open));
        }
        while let Some(item) = self.connection(queue).items.pop_front() {
            if let Item::Reply { tag, data, .. } = item {
                self.note(Note::Sent(tag, data));
            }
        }
    }
}
