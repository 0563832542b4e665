//! How PDUs of the full feature phase are put on a connection's queue: numbers, digests, and data in the initiator's portions.

use crate::commands::{Commands, Function, Phase as At};
use crate::connection::{Connection, Item, Packet, Sending};
use crate::session::Session;
use dma::Data;
use ring::Tag;
use scsi::{Reply, Residual, ServiceResponse};
use wire::be::U32;
use wire::iscsi::{
    DataIn, FINAL, Pdu, R2t, RESERVED_TAG, Response, ScsiResponse, TaskResponse, TaskResult, U24, data_flags, padding,
    residual_flags,
};
use wire::scsi::{Asc, Status};
use zerocopy::FromZeros;

/// Bytes of a payload that are queued in one piece.
const PIECE: usize = 192;

impl Connection {
    /// Whether something is not queued yet.
    pub fn has_more(&self) -> bool {
        self.sending.is_some() || !self.items.is_empty()
    }

    /// Queues the answer to the logout that ended the session.
    pub fn say_last_words(&mut self) {
        if let Some(words) = self.last_words.take() {
            self.head(&words.bhs);
            self.out.end(None);
        }
    }

    /// Queues a header of ours with its digest.
    fn head(&mut self, bhs: &[u8; 48]) {
        self.out.header(bhs);
        if self.framing.header_digest {
            self.out.header(&crc32c::crc32c(bhs).to_le_bytes());
        }
    }

    /// Queues padding and digest behind a data segment of `len` bytes whose CRC is `crc`.
    fn tail(&mut self, len: u32, crc: u32) {
        const ZEROES: [u8; 3] = [0; 3];
        let pad = &ZEROES[..padding(len)];
        self.out.header(pad);
        if self.framing.data_digest {
            self.out.header(&crc32c::crc32c_append(crc, pad).to_le_bytes());
        }
    }

    fn take_stat_sn(&mut self) -> U32 {
        let number = self.stat_sn;
        self.stat_sn = number.wrapping_add(1);
        U32::new(number)
    }
}

/// Queues the next piece of what is to go out. `false`: there is nothing.
pub(super) fn step_out(connection: &mut Connection, commands: &mut Commands, session: Option<&mut Session>) -> bool {
    let Some(session) = session else { return false };
    let numbers = (U32::new(session.exp_cmd_sn), U32::new(session.max_cmd_sn()));
    match connection.sending.take() {
        Some(Sending::Data { tag, reply, at, len }) => {
            let burst = session.parameters().max_burst_length;
            send_data(connection, commands, Progress { tag, reply, at, len, burst, numbers });
        }
        Some(Sending::Payload { packet, at, crc }) => send_payload(connection, packet, at, crc),
        None => match connection.items.pop_front() {
            None => return false,
            Some(Item::Reply { tag, data, reply }) => start_reply(connection, commands, session, (tag, data, reply)),
            Some(Item::R2t { tag, offset, len, r2t_sn }) => {
                send_r2t(connection, commands, numbers, (tag, offset, len, r2t_sn));
            }
            Some(Item::Packet(packet)) => send_packet(connection, packet, numbers),
        },
    }
    true
}

type Numbers = (U32, U32);

fn send_packet(connection: &mut Connection, mut packet: Box<Packet>, numbers: Numbers) {
    connection.packets -= 1;
    // All PDUs of a target have these numbers at these places.
    let stat_sn = if packet.takes_number { connection.take_stat_sn() } else { U32::new(connection.stat_sn) };
    packet.bhs[24..28].copy_from_slice(&stat_sn.get().to_be_bytes());
    packet.bhs[28..32].copy_from_slice(&numbers.0.get().to_be_bytes());
    packet.bhs[32..36].copy_from_slice(&numbers.1.get().to_be_bytes());
    connection.head(&packet.bhs);
    send_payload(connection, packet, 0, 0);
}

/// Queues the payload of a packet from `at` on, as far as there is room.
fn send_payload(connection: &mut Connection, packet: Box<Packet>, mut at: usize, mut crc: u32) {
    while at < packet.payload.len() {
        if !connection.out.room() {
            connection.sending = Some(Sending::Payload { packet, at, crc });
            return;
        }
        let piece = &packet.payload[at..(at + PIECE).min(packet.payload.len())];
        connection.out.header(piece);
        if connection.framing.data_digest {
            crc = crc32c::crc32c_append(crc, piece);
        }
        at += piece.len();
    }
    if !packet.payload.is_empty() {
        connection.tail(packet.payload.len() as u32, crc);
    }
    connection.out.end(None);
}

fn send_r2t(connection: &mut Connection, commands: &Commands, numbers: Numbers, what: (Tag, u32, u32, u32)) {
    let (tag, offset, len, r2t_sn) = what;
    // One that ended meanwhile wants nothing any more.
    let Some(command) = commands.get(tag).filter(|command| matches!(command.phase, At::Fetching { .. })) else {
        return;
    };
    let pdu = R2t {
        opcode: R2t::OPCODE.0,
        flags: FINAL,
        rsvd2: [0; 2],
        total_ahs_length: 0,
        data_segment_length: U24::new(0),
        lun: command.lun,
        itt: U32::new(command.itt),
        ttt: U32::new(command.ttt(r2t_sn)),
        stat_sn: U32::new(connection.stat_sn),
        exp_cmd_sn: numbers.0,
        max_cmd_sn: numbers.1,
        r2t_sn: U32::new(r2t_sn),
        offset: U32::new(offset),
        desired_length: U32::new(len),
    };
    connection.head(&pdu.to_bytes());
    connection.out.end(None);
}

fn start_reply(connection: &mut Connection, commands: &mut Commands, session: &Session, what: (Tag, Data, Reply)) {
    let (tag, data, reply) = what;
    let numbers = (U32::new(session.exp_cmd_sn), U32::new(session.max_cmd_sn()));
    let len = reply.transferred.min(data.len());
    if reply.response.is_none() && len > 0 && !data.is_empty() {
        connection.out.hold(data);
        let burst = session.parameters().max_burst_length;
        return send_data(connection, commands, Progress { tag, reply, at: 0, len, burst, numbers });
    }
    connection.out.hold(data);
    let command = commands.get(tag).expect("a queued reply is of an open command");
    match reply.response {
        Some(response) => {
            let late = matches!(command.function, Some(Function::Abort { late: true, .. }));
            let result = if late { TaskResult::NO_TASK } else { result(response) };
            send_function(connection, command.itt, result, numbers);
        }
        None => send_response(
            connection,
            (command.itt, command.data_in + command.incoming.r2t_sn),
            &faulty(reply, command.incoming.fault),
            numbers,
        ),
    }
    connection.out.end(Some(tag));
}

struct Progress {
    tag: Tag,
    reply: Reply,
    at: u32,
    len: u32,
    burst: u32,
    numbers: Numbers,
}

/// Queues Data-In PDUs as far as there is room, and the status behind them or in the last.
fn send_data(connection: &mut Connection, commands: &mut Commands, mut progress: Progress) {
    let Progress { tag, reply, len, burst, numbers, .. } = progress;
    let command = commands.get_mut(tag).expect("a queued reply is of an open command");
    let collapse = reply.status == Status::GOOD && reply.sense().is_empty();
    while progress.at < len {
        if !connection.out.room() {
            connection.sending = Some(Sending::Data { tag, reply, at: progress.at, len });
            return;
        }
        let at = progress.at;
        let part = (len - at).min(connection.framing.max_data).min(burst - at % burst);
        let last = at + part == len;
        let with_status = last && collapse;
        let mut flags = if last || (at + part).is_multiple_of(burst) { data_flags::FINAL } else { 0 };
        let (more, count) = if with_status { residual(reply.residual) } else { (0, 0) };
        flags |= more | if with_status { data_flags::STATUS } else { 0 };
        let pdu = DataIn {
            opcode: DataIn::OPCODE.0,
            flags,
            rsvd2: 0,
            status: 0,
            total_ahs_length: 0,
            data_segment_length: U24::new(part),
            lun: [0; 8],
            itt: U32::new(command.itt),
            ttt: U32::new(RESERVED_TAG),
            stat_sn: if with_status { connection.take_stat_sn() } else { U32::new(0) },
            exp_cmd_sn: numbers.0,
            max_cmd_sn: numbers.1,
            data_sn: U32::new(command.data_in),
            offset: U32::new(at),
            residual: U32::new(count),
        };
        connection.head(&pdu.to_bytes());
        queue_part(connection, at, part, len);
        command.data_in += 1;
        progress.at += part;
    }
    if !collapse {
        send_response(connection, (command.itt, command.data_in), &reply, numbers);
    }
    connection.out.end(Some(tag));
}

/// Queues a part of the data that the message holds, with what belongs behind it.
fn queue_part(connection: &mut Connection, at: u32, part: u32, len: u32) {
    let held = connection.out.held();
    let crc = if connection.framing.data_digest {
        crc32c::crc32c(&held.bytes()[at as usize..(at + part) as usize])
    } else {
        0
    };
    // The largest block that the volume can have, given how the reply is cut.
    let tearing = (len | connection.framing.max_data | at | part).trailing_zeros();
    let block = held.is_lent().then(|| 1 << tearing.min(os::SIDE_BLOCK.trailing_zeros()));
    connection.out.held_part(at..at + part, block);
    connection.tail(part, crc);
}

/// SCSI Response (RFC 7143 11.4); `what` is the task tag and how many Data-In and R2T there were.
fn send_response(connection: &mut Connection, what: (u32, u32), reply: &Reply, numbers: Numbers) {
    let sense = reply.sense();
    let len = if sense.is_empty() { 0 } else { 2 + sense.len() as u32 };
    let (flags, count) = residual(reply.residual);
    let pdu = ScsiResponse {
        opcode: ScsiResponse::OPCODE.0,
        flags: FINAL | flags,
        response: Response::COMPLETED,
        status: reply.status.0,
        data_segment_length: U24::new(len),
        itt: U32::new(what.0),
        stat_sn: connection.take_stat_sn(),
        exp_cmd_sn: numbers.0,
        max_cmd_sn: numbers.1,
        exp_data_sn: U32::new(what.1),
        residual: U32::new(count),
        ..ScsiResponse::new_zeroed()
    };
    connection.head(&pdu.to_bytes());
    if len > 0 {
        let mut bytes = [0; 2 + scsi::SENSE_BYTES];
        bytes[..2].copy_from_slice(&(sense.len() as u16).to_be_bytes());
        bytes[2..len as usize].copy_from_slice(sense);
        let bytes = &bytes[..len as usize];
        connection.out.header(bytes);
        let crc = if connection.framing.data_digest { crc32c::crc32c(bytes) } else { 0 };
        connection.tail(len, crc);
    }
}

fn send_function(connection: &mut Connection, itt: u32, response: TaskResult, numbers: Numbers) {
    let pdu = TaskResponse {
        opcode: TaskResponse::OPCODE.0,
        flags: FINAL,
        response,
        itt: U32::new(itt),
        stat_sn: connection.take_stat_sn(),
        exp_cmd_sn: numbers.0,
        max_cmd_sn: numbers.1,
        ..TaskResponse::new_zeroed()
    };
    connection.head(&pdu.to_bytes());
}

fn result(response: ServiceResponse) -> TaskResult {
    match response {
        ServiceResponse::Complete => TaskResult::COMPLETE,
        ServiceResponse::Succeeded => TaskResult::SUCCEEDED,
        ServiceResponse::Rejected => TaskResult::NOT_SUPPORTED,
        ServiceResponse::IncorrectLun => TaskResult::NO_LUN,
        ServiceResponse::Failed => TaskResult::REJECTED,
    }
}

/// The flags are the same ones in Data-In and SCSI Response.
fn residual(residual: Residual) -> (u8, u32) {
    match residual {
        Residual::None => (0, 0),
        Residual::Under(bytes) => (residual_flags::UNDERFLOW, bytes),
        Residual::Over(bytes) => (residual_flags::OVERFLOW, bytes),
    }
}

/// The reply to a command whose data did not come as it should says what was wrong with it (RFC 7143 11.4.7.2).
fn faulty(mut reply: Reply, fault: Option<Asc>) -> Reply {
    let Some(Asc(asc)) = fault.filter(|_| reply.status == Status::CHECK_CONDITION) else { return reply };
    let (key, at) = if reply.sense[0] & 0x7f >= 0x72 { (1, 2) } else { (2, 12) };
    if reply.sense_len as usize > at + 1 && reply.sense[key] & 0xf == wire::scsi::Key::ABORTED_COMMAND.0 {
        reply.sense[at..at + 2].copy_from_slice(&asc.to_be_bytes());
    }
    reply
}
