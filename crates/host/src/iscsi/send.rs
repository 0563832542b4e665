//! Commands and their data on the way out.

use super::queue::{IscsiQueue, Use};
use crate::queue::{Payload, Slot};
use iscsi::Parameters;
use std::ops::Range;
use wire::FromZeros;
use wire::be::U32;
use wire::iscsi::{DataOut, FINAL, Pdu, RESERVED_TAG, ScsiCommand, TaskAttribute, U24, command_flags, sn_less};

impl IscsiQueue {
    /// Whether another numbered request may be sent.
    fn is_open(&self) -> bool {
        !sn_less(self.numbers.max_cmd_sn, self.numbers.cmd_sn)
    }

    pub(super) fn pump(&mut self) {
        while self.is_open() {
            let Some(slot) = self.waiting.pop_front() else { return };
            self.command(slot);
        }
    }

    /// A command with what may go with it unasked.
    fn command(&mut self, slot: Slot) {
        let Parameters { immediate_data, initial_r2t, first_burst_length, max_send_data_segment_length, .. } =
            self.parameters;
        let entry = &mut self.entries[slot.index()];
        let (bytes, direction, write) = match entry.payload {
            Payload::None => (0, 0, 0),
            Payload::Read(bytes) => (bytes, command_flags::READ, 0),
            Payload::Write(bytes) => (bytes, command_flags::WRITE, bytes),
        };
        let burst = write.min(first_burst_length);
        let with = if immediate_data { burst.min(max_send_data_segment_length) } else { 0 };
        let unasked = if initial_r2t { with } else { burst };
        let last = if unasked == with { command_flags::FINAL } else { 0 };
        (entry.used, entry.cmd_sn, entry.moved) = (Use::Busy, self.numbers.cmd_sn, unasked);
        let mut cdb = [0; 16];
        cdb[..entry.cdb.bytes().len()].copy_from_slice(entry.cdb.bytes());
        let pdu = ScsiCommand {
            opcode: ScsiCommand::OPCODE.0,
            flags: last | direction | TaskAttribute::SIMPLE.0,
            data_segment_length: U24::new(with),
            lun: entry.lun,
            itt: U32::new(entry.tag),
            expected_length: U32::new(bytes),
            cmd_sn: U32::new(self.numbers.cmd_sn),
            exp_stat_sn: U32::new(self.numbers.exp_stat_sn),
            cdb,
            ..ScsiCommand::new_zeroed()
        };
        self.numbers.cmd_sn = self.numbers.cmd_sn.wrapping_add(1);
        let at = slot.index() * self.piece;
        self.stream.queue(&pdu.to_bytes(), &self.memory[at..at + with as usize]);
        self.data_out(slot, RESERVED_TAG, with..unasked);
    }

    /// Data, unasked for or for an R2T, in segments that the target takes.
    pub(super) fn data_out(&mut self, slot: Slot, ttt: u32, range: Range<u32>) {
        let most = self.parameters.max_send_data_segment_length;
        let (mut offset, mut data_sn) = (range.start, 0);
        while offset < range.end {
            let len = most.min(range.end - offset);
            let pdu = DataOut {
                opcode: DataOut::OPCODE.0,
                flags: if offset + len == range.end { FINAL } else { 0 },
                data_segment_length: U24::new(len),
                lun: self.entries[slot.index()].lun,
                itt: U32::new(self.entries[slot.index()].tag),
                ttt: U32::new(ttt),
                exp_stat_sn: U32::new(self.numbers.exp_stat_sn),
                data_sn: U32::new(data_sn),
                offset: U32::new(offset),
                ..DataOut::new_zeroed()
            };
            let at = slot.index() * self.piece + offset as usize;
            self.stream.queue(&pdu.to_bytes(), &self.memory[at..at + len as usize]);
            (offset, data_sn) = (offset + len, data_sn + 1);
            self.seen.sent_data += 1;
        }
    }
}
