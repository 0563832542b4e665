//! What comes in on a connection: bytes to PDUs, PDUs to who handles them.

use super::{Cursor, IscsiPort};
use crate::commands::Phase as At;
use crate::connection::{Phase, Sink};
use crate::limits::{SCATTER_BYTES, TEXT_BYTES};
use crate::receiver::{Fault, Step};
use os::Received;
use std::os::fd::AsFd;
use wire::iscsi::{Bhs, Layout, Opcode, RejectReason};

impl IscsiPort {
    /// Receives once on a connection that may have something.
    pub(super) fn receive(&mut self, queue: u32) {
        let Some(connection) = self.connections[queue as usize].as_mut() else { return };
        if connection.dirty {
            // Its socket was full and takes more now.
            connection.dirty = false;
            self.mark_dirty(queue);
        }
        let connection = self.connection(queue);
        match connection.phase {
            Phase::Full if connection.is_choked() => return,
            Phase::Login { .. } | Phase::Full | Phase::Lingering { .. } => {}
            Phase::Closing { .. } | Phase::Lost => return,
        }
        match self.receive_bytes(queue) {
            Ok((Received::Bytes(_), end)) => {
                self.had(queue, true);
                self.cursor = Some(Cursor { queue, at: 0, end });
            }
            Ok((Received::Empty, _)) => self.had(queue, false),
            Ok((Received::Closed, _)) | Err(_) => self.lose(queue),
        }
    }

    fn had(&mut self, queue: u32, something: bool) {
        let now = self.now;
        let Self { ready, connections, .. } = self;
        let connection = connections[queue as usize].as_mut().expect("it was asked");
        if something {
            (connection.moved, connection.heard, connection.pinged) = (now, now, None);
        }
        ready.had(connection, queue, something);
    }

    /// One system call. A large payload goes where it belongs, and only what follows it into the shared buffer, of which
    /// the filled length is returned.
    fn receive_bytes(&mut self, queue: u32) -> std::io::Result<(Received, usize)> {
        let Self { connections, commands, buffer, .. } = self;
        let connection = connections[queue as usize].as_mut().expect("it was asked");
        let left = connection.receiver.payload_left();
        if left >= SCATTER_BYTES
            && connection.listens()
            && let Sink::Command(tag) = connection.sink
            && let Some(command) = commands.get_mut(tag)
            && let Some(place) = command.room(left)
        {
            let received = os::receive_scatter(connection.socket.as_fd(), place, buffer)?;
            let Received::Bytes(bytes) = received else { return Ok((received, 0)) };
            let direct = bytes.min(left as usize);
            connection.receiver.took(&place[..direct]);
            command.incoming.received += direct as u32;
            return Ok((received, bytes - direct));
        }
        let received = os::receive(connection.socket.as_fd(), buffer)?;
        let end = if let Received::Bytes(bytes) = received { bytes } else { 0 };
        Ok((received, end))
    }

    /// Looks at received bytes until something happens that the group must know. The cursor ends with the bytes.
    pub(super) fn look(&mut self, cursor: Cursor) {
        let Cursor { queue, mut at, end } = cursor;
        loop {
            let Self { connections, commands, sessions, buffer, cursor, .. } = self;
            let Some(connection) = connections[queue as usize].as_mut() else { break };
            if !connection.listens() {
                break;
            }
            let mut bytes = &buffer[at..end];
            let step = connection.receiver.step(&mut bytes);
            at = end - bytes.len();
            *cursor = Some(Cursor { queue, at, end });
            match step {
                Step::More => break,
                Step::Payload(payload) => match connection.sink {
                    Sink::Command(tag) => {
                        if let Some(command) = commands.get_mut(tag) {
                            let session = sessions[command.session as usize].as_mut().expect("its commands are open");
                            let place = command.place;
                            command.place(payload, session.early(place));
                        }
                    }
                    Sink::Text => connection.text.extend_from_slice(payload),
                    Sink::Nothing => {}
                },
                Step::Header(layout) => self.on_header(queue, layout),
                Step::End { sound } => self.on_end(queue, sound),
                Step::Wrong(fault) => self.on_fault(queue, fault),
            }
            // A connection that went to another core took its place in the table along.
            if self.cursor.is_none() || !self.notes.is_empty() {
                return;
            }
        }
        self.cursor = None;
    }

    /// With ErrorRecoveryLevel 0 a harmed header ends the connection without a word, as nothing says what it was; so does,
    /// with a word, a data segment longer than we said that we take (RFC 7143 7.7, 13.12).
    #[cold]
    fn on_fault(&mut self, queue: u32, fault: Fault) {
        if fault == Fault::TooLong && self.connection(queue).is_full() {
            let bhs = self.connection(queue).receiver.bhs();
            self.reject(queue, &bhs, RejectReason::PROTOCOL_ERROR);
            return self.hang_up(queue);
        }
        self.lose(queue);
    }

    fn on_header(&mut self, queue: u32, layout: Layout) {
        let connection = self.connection(queue);
        let bhs = connection.receiver.bhs();
        connection.sink = Sink::Nothing;
        if !connection.is_full() {
            return self.on_login_header(queue, &bhs, layout);
        }
        if connection.leaving.is_some() && bhs.opcode() != Opcode::DATA_OUT {
            return self.reject(queue, &bhs, RejectReason::WAITING_FOR_LOGOUT);
        }
        match bhs.opcode() {
            Opcode::SCSI_COMMAND => self.on_command(queue, &bhs, layout),
            Opcode::DATA_OUT => self.on_data_out(queue, &bhs, layout),
            Opcode::NOP_OUT | Opcode::TASK_REQUEST | Opcode::TEXT_REQUEST | Opcode::LOGOUT_REQUEST => {
                self.collect(queue, &bhs, layout);
            }
            // Nothing is kept to be sent again.
            Opcode::SNACK => self.reject(queue, &bhs, RejectReason::SNACK_REJECT),
            Opcode::LOGIN_REQUEST => self.reject(queue, &bhs, RejectReason::PROTOCOL_ERROR),
            other if other.name().is_some() => self.reject(queue, &bhs, RejectReason::PROTOCOL_ERROR),
            _ => self.reject(queue, &bhs, RejectReason::COMMAND_NOT_SUPPORTED),
        }
    }

    /// A request with a data segment is looked at when that is complete.
    pub(super) fn collect(&mut self, queue: u32, bhs: &Bhs, layout: Layout) {
        if layout.data == 0 {
            return self.on_request(queue, bhs, Vec::new());
        }
        if layout.data > TEXT_BYTES {
            return self.reject(queue, bhs, RejectReason::INVALID_FIELD);
        }
        let connection = self.connection(queue);
        connection.text.clear();
        connection.sink = Sink::Text;
    }

    /// A data segment is complete.
    fn on_end(&mut self, queue: u32, sound: bool) {
        let connection = self.connection(queue);
        let sink = std::mem::replace(&mut connection.sink, Sink::Nothing);
        match sink {
            Sink::Nothing => {}
            Sink::Text if !connection.is_full() => self.on_login(queue),
            Sink::Text => {
                let (bhs, text) = (connection.receiver.bhs(), std::mem::take(&mut connection.text));
                if sound {
                    self.on_request(queue, &bhs, text);
                } else {
                    self.reject(queue, &bhs, RejectReason::DATA_DIGEST_ERROR);
                }
            }
            Sink::Command(tag) => {
                let unproved = connection.unproved.take();
                match unproved {
                    Some(task) => self.on_proved(queue, tag, task, sound),
                    None => self.on_data(queue, tag, sound),
                }
            }
        }
    }

    /// Whether bytes behind the present PDU were received already.
    pub(super) fn has_leftover(&self) -> bool {
        self.cursor.is_some_and(|cursor| cursor.at < cursor.end)
    }

    /// Whether a command's data is wanted by the group.
    pub(super) fn is_fetching(&self, tag: ring::Tag) -> bool {
        self.commands.get(tag).is_some_and(|command| matches!(command.phase, At::Fetching { .. }))
    }
}
