//! SCSI commands, and the data that initiators send: immediate, unsolicited, and asked for by R2T.
//!
//! Data that is wrong ends the command with the sense data of RFC 7143 11.4.7.2 when its sequence is over; data of commands that
//! are over, or whose transfer ended early, is dropped without a word: an initiator may not know yet.

use super::{IscsiPort, Note};
use crate::commands::{Command, Incoming, Phase as At, fault};
use crate::connection::{Item, Sink};
use crate::session::{Held, Turn, What};
use dma::Data;
use ring::Tag;
use scsi::{Attribute, Task};
use wire::iscsi::{Additional, AhsFault, Bhs, DataOut, Layout, RESERVED_TAG, RejectReason, ScsiCommand, TaskAttribute};
use wire::scsi::Status;

/// Bytes of the longest CDB that is looked at.
const MOST_CDB: usize = 32;

impl IscsiPort {
    /// SCSI Command (RFC 7143 11.3).
    pub(super) fn on_command(&mut self, queue: u32, bhs: &Bhs, layout: Layout) {
        let connection = self.connections[queue as usize].as_ref().expect("it has a turn");
        let Some(session) = connection.session else { return };
        let known = self.sessions[session as usize].as_ref().expect("its connection is open");
        let turn = known.turn(bhs.cmd_sn(), bhs.is_immediate());
        if turn == Turn::Ignore {
            return;
        }
        if !known.is_normal() {
            return self.refuse(queue, bhs, turn, RejectReason::PROTOCOL_ERROR);
        }
        let (quiet, taken) = (known.quiet, known.names.get(bhs.itt.get()).is_some());
        let task = match task(bhs.of(), &connection.receiver.header()[48..], session) {
            Ok(task) => task,
            Err(reason) => return self.refuse(queue, bhs, turn, reason),
        };
        if taken || bhs.itt.get() == RESERVED_TAG {
            let reason = if taken { RejectReason::TASK_IN_PROGRESS } else { RejectReason::INVALID_FIELD };
            return self.refuse(queue, bhs, turn, reason);
        }
        let Some(place) = self.session(session).places.pop() else {
            if bhs.is_immediate() {
                return self.reject(queue, bhs, RejectReason::TOO_MANY_IMMEDIATE);
            }
            return self.refuse_status(queue, bhs, turn, Status::TASK_SET_FULL);
        };
        if quiet {
            self.session(session).places.push(place);
            return self.refuse_status(queue, bhs, turn, Status::BUSY);
        }
        let tag = self.insert(queue, session, place, bhs, layout);
        if layout.data > 0 && self.connection(queue).framing.data_digest {
            // A command whose immediate data is harmed never was.
            self.connection(queue).unproved = Some(task);
            return;
        }
        self.deliver(queue, tag, task, turn);
    }

    /// Makes a place for a command.
    fn insert(&mut self, queue: u32, session: u32, place: u16, bhs: &Bhs, layout: Layout) -> Tag {
        let command: &ScsiCommand = bhs.of();
        let known = self.sessions[session as usize].as_mut().expect("its connection is open");
        let expected = if command.writes() { command.expected_length.get() } else { 0 };
        let command = Command {
            tag: Tag::new(0, 0),
            session,
            connection: queue,
            itt: bhs.itt.get(),
            lun: bhs.lun,
            place,
            expected: command.expected_length.get(),
            counted: false,
            function: None,
            data_in: 0,
            incoming: incoming(
                known.parameters(),
                expected,
                bhs.is_final() || !command.writes(),
                layout.data,
                known.early_bytes,
            ),
            phase: At::Held,
        };
        let tag = self.commands.insert(command).expect("room for the places of each session");
        self.command(tag).tag = tag;
        self.session(session).names.put(bhs.itt.get(), tag);
        if layout.data > 0 {
            self.connection(queue).sink = Sink::Command(tag);
        }
        tag
    }

    /// A command's immediate data is proved sound, or harmed (RFC 7143 7.7).
    pub(super) fn on_proved(&mut self, queue: u32, tag: Tag, task: Task, sound: bool) {
        let bhs = self.connection(queue).receiver.bhs();
        let Some(command) = self.commands.get_mut(tag) else { return };
        command.incoming.arriving = false;
        let session = command.session;
        let turn = self.session(session).turn(bhs.cmd_sn(), bhs.is_immediate());
        if !sound {
            self.discard(tag);
            return self.reject(queue, &bhs, RejectReason::DATA_DIGEST_ERROR);
        }
        if turn == Turn::Ignore {
            return self.discard(tag);
        }
        self.deliver(queue, tag, task, turn);
    }

    /// Gives a command to the group, or puts it aside until older ones are in.
    fn deliver(&mut self, queue: u32, tag: Tag, task: Task, turn: Turn) {
        let (session, now) = (task.queue, self.now);
        let bhs = self.connection(queue).receiver.bhs();
        let known = self.session(session);
        if turn == Turn::Wait {
            let held =
                Held { cmd_sn: bhs.cmd_sn(), immediate: false, connection: queue, what: What::Command(tag, task) };
            return known.hold(held, now);
        }
        if !bhs.is_immediate() {
            known.advance();
            known.counted += 1;
            self.command(tag).counted = true;
        }
        self.release(tag, task);
        self.release_held(session);
    }

    /// The group has the command from here on.
    pub(super) fn release(&mut self, tag: Tag, task: Task) {
        let command = self.command(tag);
        command.phase = At::New;
        let (session, queue) = (command.session, command.connection);
        self.session(session).open += 1;
        self.connection(queue).open += 1;
        self.note(Note::Command(tag, task));
    }

    /// Forgets a command that the group never had.
    pub(super) fn discard(&mut self, tag: Tag) {
        let Some(command) = self.commands.remove(tag) else { return };
        let known = self.session(command.session);
        known.names.take(command.itt);
        known.places.push(command.place);
    }

    /// Rejects a numbered request; its number counts as taken.
    pub(super) fn refuse(&mut self, queue: u32, bhs: &Bhs, turn: Turn, reason: RejectReason) {
        self.take_number(queue, bhs, turn);
        self.reject(queue, bhs, reason);
    }

    /// Answers a command on the spot.
    fn refuse_status(&mut self, queue: u32, bhs: &Bhs, turn: Turn, status: Status) {
        self.take_number(queue, bhs, turn);
        self.push_status(queue, bhs.itt.get(), status);
    }

    fn take_number(&mut self, queue: u32, bhs: &Bhs, turn: Turn) {
        let now = self.now;
        let Some(session) = self.connection(queue).session else { return };
        match turn {
            Turn::Now if !bhs.is_immediate() => {
                self.session(session).advance();
                self.release_held(session);
            }
            Turn::Wait => {
                let held = Held { cmd_sn: bhs.cmd_sn(), immediate: false, connection: queue, what: What::Nothing };
                self.session(session).hold(held, now);
            }
            Turn::Now | Turn::Ignore => {}
        }
    }

    /// SCSI Data-Out (RFC 7143 11.7).
    pub(super) fn on_data_out(&mut self, queue: u32, bhs: &Bhs, layout: Layout) {
        let pdu: &DataOut = bhs.of();
        let Some(session) = self.connection(queue).session else { return };
        let Some(tag) = self.session(session).names.get(pdu.itt.get()) else { return };
        let command = self.command(tag);
        let expected = match pdu.ttt.get() {
            RESERVED_TAG => command.incoming.unsolicited,
            ttt => command.outstanding() > 0 && ttt == command.ttt(command.incoming.answering),
        };
        if !expected || command.connection != queue {
            if matches!(command.phase, At::Fetched | At::Replying) {
                return;
            }
            return self.reject(queue, bhs, RejectReason::PROTOCOL_ERROR);
        }
        let incoming = &mut command.incoming;
        let end = pdu.offset.get().checked_add(layout.data);
        if pdu.data_sn.get() != incoming.data_sn
            || pdu.offset.get() != incoming.received
            || end.is_none_or(|end| end > incoming.sequence_end)
        {
            incoming.fault.get_or_insert(fault::AMOUNT);
        }
        incoming.data_sn = incoming.data_sn.wrapping_add(1);
        (incoming.arriving, incoming.last) = (true, bhs.is_final());
        if layout.data > 0 {
            self.connection(queue).sink = Sink::Command(tag);
        } else {
            self.on_data(queue, tag, true);
        }
    }

    /// A data segment of a command is complete: immediate data or a Data-Out.
    pub(super) fn on_data(&mut self, queue: u32, tag: Tag, sound: bool) {
        let Some(command) = self.commands.get_mut(tag) else { return };
        let burst = self.sessions[command.session as usize].as_ref().map_or(0, |s| s.parameters().max_burst_length);
        let incoming = &mut command.incoming;
        incoming.arriving = false;
        if !sound {
            incoming.fault.get_or_insert(fault::CRC);
        }
        if std::mem::take(&mut incoming.last) {
            if incoming.unsolicited {
                incoming.unsolicited = false;
            } else {
                if incoming.received != incoming.sequence_end {
                    incoming.fault.get_or_insert(fault::AMOUNT);
                }
                incoming.answering += 1;
                incoming.sequence_end = incoming.asked.min(incoming.sequence_end.saturating_add(burst));
            }
            incoming.data_sn = 0;
        }
        if !sound {
            let bhs = self.connection(queue).receiver.bhs();
            self.reject(queue, &bhs, RejectReason::DATA_DIGEST_ERROR);
        }
        self.progress(tag);
    }

    /// The group wants a command's data.
    pub(super) fn begin_fetch(&mut self, tag: Tag, mut data: Data) {
        let now = self.now;
        let Self { commands, sessions, connections, .. } = self;
        let command = commands.get_mut(tag).expect("the group names open commands");
        let connection =
            connections[command.connection as usize].as_mut().expect("open commands keep their connection");
        if !connection.is_full() {
            command.phase = At::Fetched;
            return self.note(Note::Fetched(tag, data, false));
        }
        let session = sessions[command.session as usize].as_mut().expect("its commands are open");
        let early = command.incoming.received.min(data.len()).min(session.early_bytes) as usize;
        data.bytes_mut()[..early].copy_from_slice(&session.early(command.place)[..early]);
        command.phase = At::Fetching { data };
        connection.fetching += 1;
        connection.moved = now;
        self.progress(tag);
    }

    /// Goes on with a fetch when nothing more comes by itself: asks for more, or ends it.
    fn progress(&mut self, tag: Tag) {
        let Self { commands, sessions, connections, .. } = self;
        let Some(command) = commands.get_mut(tag) else { return };
        let At::Fetching { data } = &command.phase else { return };
        if command.incoming.arriving || command.incoming.unsolicited {
            return;
        }
        let (len, outstanding) = (data.len(), command.outstanding());
        let incoming = &mut command.incoming;
        if incoming.fault.is_some() || incoming.received >= len {
            if outstanding == 0 {
                let ok = incoming.fault.is_none();
                self.end_fetch(tag, ok);
            }
            return;
        }
        let parameters = sessions[command.session as usize].as_ref().expect("its commands are open").parameters();
        if incoming.r2t_sn == 0 {
            incoming.asked = incoming.received;
        }
        let queue = command.connection;
        let items = &mut connections[queue as usize].as_mut().expect("open commands keep their connection").items;
        let most = u32::from(parameters.max_outstanding_r2t).max(1);
        let before = incoming.r2t_sn;
        while incoming.r2t_sn - incoming.answering < most && incoming.asked < len {
            let (offset, wanted) = (incoming.asked, (len - incoming.asked).min(parameters.max_burst_length));
            items.push_back(Item::R2t { tag, offset, len: wanted, r2t_sn: incoming.r2t_sn });
            incoming.asked += wanted;
            if incoming.r2t_sn == incoming.answering {
                (incoming.sequence_end, incoming.data_sn) = (incoming.asked, 0);
            }
            incoming.r2t_sn += 1;
        }
        if incoming.r2t_sn != before {
            self.mark_dirty(queue);
        }
    }

    /// Ends a fetch.
    pub(super) fn end_fetch(&mut self, tag: Tag, ok: bool) {
        let command = self.command(tag);
        let queue = command.connection;
        let At::Fetching { data } = std::mem::replace(&mut command.phase, At::Fetched) else {
            unreachable!("the caller looked")
        };
        self.connection(queue).fetching -= 1;
        self.note(Note::Fetched(tag, data, ok));
    }
}

/// What data is to come with and behind a command: `data` bytes with it.
fn incoming(parameters: &iscsi::Parameters, expected: u32, is_final: bool, data: u32, early: u32) -> Incoming {
    let end = expected.min(early);
    let mut incoming =
        Incoming { sequence_end: end, unsolicited: !is_final, arriving: data > 0, ..Incoming::default() };
    if data > 0 && !parameters.immediate_data || !is_final && parameters.initial_r2t {
        incoming.fault = Some(fault::UNEXPECTED);
    } else if data > end {
        incoming.fault = Some(fault::AMOUNT);
    }
    incoming
}

/// The task that a command asks for, on nexus `queue`.
///
/// # Errors
/// Why it is rejected.
fn task(command: &ScsiCommand, ahs: &[u8], queue: u32) -> Result<Task, RejectReason> {
    let more = Additional::parse(ahs).map_err(|fault| match fault {
        AhsFault::Malformed => RejectReason::INVALID_FIELD,
        AhsFault::Unknown => RejectReason::COMMAND_NOT_SUPPORTED,
    })?;
    // No command that is served moves data both ways.
    if command.reads() && command.writes() || more.read_length.is_some() || 16 + more.cdb.len() > MOST_CDB {
        return Err(RejectReason::COMMAND_NOT_SUPPORTED);
    }
    if !command.writes() && command.data_segment_length.get() > 0 {
        return Err(RejectReason::PROTOCOL_ERROR);
    }
    let mut cdb = [0; MOST_CDB];
    cdb[..16].copy_from_slice(&command.cdb);
    cdb[16..][..more.cdb.len()].copy_from_slice(more.cdb);
    let expected = command.expected_length.get();
    Ok(Task {
        queue,
        id: command.itt.get(),
        lun: command.lun,
        cdb,
        cdb_len: (16 + more.cdb.len()) as u8,
        attribute: attribute(command.attribute())?,
        management: None,
        data_in: if command.reads() { expected } else { 0 },
        data_out: if command.writes() { expected } else { 0 },
    })
}

fn attribute(attribute: TaskAttribute) -> Result<Attribute, RejectReason> {
    match attribute {
        TaskAttribute::UNTAGGED | TaskAttribute::SIMPLE => Ok(Attribute::Simple),
        TaskAttribute::ORDERED => Ok(Attribute::Ordered),
        TaskAttribute::HEAD_OF_QUEUE => Ok(Attribute::HeadOfQueue),
        TaskAttribute::ACA => Ok(Attribute::Aca),
        _ => Err(RejectReason::INVALID_FIELD),
    }
}
