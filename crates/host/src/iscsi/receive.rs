//! PDUs of the target, each checked against what was asked for and against the numbers that are due.

use super::broken;
use super::control::{CONTROL, Heard};
use super::input::Whole;
use super::queue::{IscsiQueue, Use};
use crate::Result;
use crate::queue::{Payload, Slot};
use crate::scsi::Answer;
use wire::fcp::Residual;
use wire::iscsi::{
    Bhs, DataIn, NopIn, Opcode, R2t, RESERVED_TAG, Response, ScsiResponse, data_flags, residual_flags, sn_less,
};
use wire::scsi::Status;

impl IscsiQueue {
    /// All PDUs that are there whole.
    pub(super) fn hear(&mut self) -> Result<()> {
        while let Some(whole) = self.stream.next()? {
            self.window(&whole.bhs)?;
            match whole.bhs.opcode() {
                Opcode::DATA_IN => self.data_in(&whole)?,
                Opcode::SCSI_RESPONSE => self.response(&whole)?,
                Opcode::R2T => self.r2t(whole.bhs.of())?,
                Opcode::NOP_IN => self.nop_in(&whole)?,
                _ => self.control(&whole)?,
            }
        }
        Ok(())
    }

    /// ExpCmdSN and MaxCmdSN, which are at the same place in all (RFC 7143 section 4.2.2.1).
    fn window(&mut self, bhs: &Bhs) -> Result<()> {
        let number = |at: usize| bhs.specific20[at..at + 4].try_into().map(u32::from_be_bytes).expect("four bytes");
        let (expected, most) = (number(8), number(12));
        if sn_less(most, expected.wrapping_sub(1)) {
            return Err(broken(format!("MaxCmdSN {most} is below ExpCmdSN {expected} - 1")));
        }
        if sn_less(self.numbers.cmd_sn, expected) {
            return Err(broken(format!("ExpCmdSN {expected}, and {} was not sent", self.numbers.cmd_sn)));
        }
        if sn_less(self.numbers.max_cmd_sn, most) {
            self.numbers.max_cmd_sn = most;
        }
        Ok(())
    }

    /// A PDU with a status number of its own: it must be the next one.
    pub(super) fn numbered(&mut self, stat_sn: u32) -> Result<()> {
        if stat_sn != self.numbers.exp_stat_sn {
            return Err(broken(format!("StatSN {stat_sn} where {} was due", self.numbers.exp_stat_sn)));
        }
        self.numbers.exp_stat_sn = stat_sn.wrapping_add(1);
        Ok(())
    }

    fn known(&self, bhs: &Bhs) -> Result<Slot> {
        let tag = bhs.itt.get();
        self.find(tag).ok_or_else(|| broken(format!("a {} for task {tag:#x}, which is not there", bhs.opcode())))
    }

    fn data_in(&mut self, whole: &Whole) -> Result<()> {
        let slot = self.known(&whole.bhs)?;
        let pdu: &DataIn = whole.bhs.of();
        let len = whole.data.len() as u32;
        let entry = &mut self.entries[slot.index()];
        let Payload::Read(wanted) = entry.payload else { return Err(broken("data for a command that reads nothing")) };
        if pdu.data_sn.get() != entry.data_sn {
            return Err(broken(format!("DataSN {} where {} was due", pdu.data_sn, entry.data_sn)));
        }
        if pdu.offset.get() != entry.moved || len > wanted - entry.moved {
            let (offset, moved) = (pdu.offset, entry.moved);
            return Err(broken(format!("{len} bytes at {offset}, after {moved} of {wanted}")));
        }
        entry.data_sn += 1;
        entry.moved += len;
        self.seen.data += 1;
        self.copy_in(slot, pdu.offset.get(), whole.data.clone());
        if pdu.flags & data_flags::STATUS == 0 {
            return Ok(());
        }
        if pdu.flags & data_flags::FINAL == 0 {
            return Err(broken("a status in data that is not final"));
        }
        self.numbered(pdu.stat_sn.get())?;
        self.seen.successes += 1;
        let residual = residual(pdu.flags, pdu.residual.get())?;
        self.answered(slot, pdu.status, residual, Vec::new())
    }

    fn response(&mut self, whole: &Whole) -> Result<()> {
        let slot = self.known(&whole.bhs)?;
        let pdu: &ScsiResponse = whole.bhs.of();
        self.numbered(pdu.stat_sn.get())?;
        if pdu.response != Response::COMPLETED {
            return Err(crate::Error::Controller(format!("the target failed a command: response {:?}", pdu.response)));
        }
        let due = self.entries[slot.index()].data_sn;
        // Without recovery nobody reads it, and there are targets that leave it 0.
        if self.strict && pdu.exp_data_sn.get() != due {
            return Err(broken(format!("ExpDataSN {}, and {due} Data-In and R2T PDUs came", pdu.exp_data_sn)));
        }
        let sense = sense(self.stream.data(whole.data.clone()))?;
        self.seen.responses += 1;
        let residual = residual(pdu.flags, pdu.residual.get())?;
        self.answered(slot, pdu.status, residual, sense)
    }

    fn answered(&mut self, slot: Slot, status: u8, residual: Residual, sense: Vec<u8>) -> Result<()> {
        let entry = &self.entries[slot.index()];
        let wanted = entry.payload.bytes();
        let left = match residual {
            Residual::Under(left) => left,
            Residual::None | Residual::Over(_) => 0,
        };
        let due = wanted.checked_sub(left).ok_or_else(|| broken(format!("a residual of {left} of {wanted} bytes")))?;
        let moved = match entry.payload {
            Payload::Read(_) => entry.moved,
            _ => due,
        };
        if status == Status::GOOD.0 && moved != due {
            return Err(broken(format!("{moved} of {wanted} bytes moved, the residual is {left}")));
        }
        self.finish(slot, Answer { status: Status(status), sense, moved, residual });
        Ok(())
    }

    fn r2t(&mut self, pdu: &R2t) -> Result<()> {
        let tag = pdu.itt.get();
        let slot = self.find(tag).ok_or_else(|| broken(format!("an R2T for task {tag:#x}, which is not there")))?;
        let (offset, len) = (pdu.offset.get(), pdu.desired_length.get());
        let most = self.parameters.max_burst_length;
        let entry = &mut self.entries[slot.index()];
        let Payload::Write(wanted) = entry.payload else {
            return Err(broken("an R2T for a command that writes nothing"));
        };
        if pdu.r2t_sn.get() != entry.data_sn {
            return Err(broken(format!("R2TSN {} where {} was due", pdu.r2t_sn, entry.data_sn)));
        }
        if len == 0 || len > most || offset.checked_add(len).is_none_or(|end| end > wanted) {
            return Err(broken(format!("an R2T for {len} bytes at {offset} of {wanted} (MaxBurstLength {most})")));
        }
        if offset != entry.moved {
            return Err(broken(format!("an R2T at {offset} where {} was due (DataSequenceInOrder)", entry.moved)));
        }
        entry.data_sn += 1;
        entry.moved += len;
        self.seen.r2ts += 1;
        if self.strict && pdu.stat_sn.get() != self.numbers.exp_stat_sn {
            return Err(broken(format!("an R2T with StatSN {}, {} is next", pdu.stat_sn, self.numbers.exp_stat_sn)));
        }
        self.data_out(slot, pdu.ttt.get(), offset..offset + len);
        Ok(())
    }

    fn nop_in(&mut self, whole: &Whole) -> Result<()> {
        let pdu: &NopIn = whole.bhs.of();
        if pdu.itt.get() != RESERVED_TAG {
            return self.control(whole);
        }
        if pdu.ttt.get() != RESERVED_TAG {
            self.pong(pdu, whole.data.clone());
        }
        Ok(())
    }

    /// Answers to control requests, rejects and asynchronous messages.
    fn control(&mut self, whole: &Whole) -> Result<()> {
        let bhs = &whole.bhs;
        self.numbered(bhs.specific20[4..8].try_into().map(u32::from_be_bytes).expect("four bytes"))?;
        let known = match bhs.opcode() {
            Opcode::REJECT | Opcode::ASYNC_MESSAGE => true,
            Opcode::NOP_IN | Opcode::TEXT_RESPONSE | Opcode::LOGOUT_RESPONSE | Opcode::TASK_RESPONSE => {
                bhs.itt.get() & CONTROL != 0
            }
            _ => false,
        };
        if !known {
            return Err(broken(format!("a {} that nothing asked for", bhs.opcode())));
        }
        self.heard.push_back(Heard { bhs: *bhs, data: self.stream.data(whole.data.clone()).to_vec() });
        Ok(())
    }

    /// Commands that the target will not answer any more, as a task management function has it: they end with TASK ABORTED.
    pub(super) fn give_up(&mut self, which: impl Fn(u32) -> bool) {
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            if entry.used == Use::Busy && which(entry.tag) {
                let answer =
                    Answer { status: Status::TASK_ABORTED, sense: Vec::new(), moved: 0, residual: Residual::None };
                self.finish(Slot(index as u16), answer);
            }
        }
    }
}

fn residual(flags: u8, count: u32) -> Result<Residual> {
    match (flags & residual_flags::OVERFLOW != 0, flags & residual_flags::UNDERFLOW != 0) {
        (false, false) => Ok(Residual::None),
        (true, false) => Ok(Residual::Over(count)),
        (false, true) => Ok(Residual::Under(count)),
        (true, true) => Err(broken("a residual that is both over and under")),
    }
}

/// Sense data after its length (RFC 7143 section 11.4.7.2).
fn sense(data: &[u8]) -> Result<Vec<u8>> {
    let Some((length, rest)) = data.split_first_chunk::<2>() else { return Ok(Vec::new()) };
    let length = usize::from(u16::from_be_bytes(*length));
    rest.get(..length)
        .map(<[u8]>::to_vec)
        .ok_or_else(|| broken(format!("{length} bytes of sense data in {}", rest.len())))
}
