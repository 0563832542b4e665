//! Third-party copies (SPC-4 5.16, 6.4 and on; SBC-3 5.8, 5.49): EXTENDED COPY with both kinds of list identifier, tokens, and
//! the questions about them. Each logical unit is a copy manager.
//!
//! | what | where |
//! | --- | --- |
//! | a parameter list becomes segments | `list` |
//! | segments become moves: who is meant, what fits | `resolve` |
//! | moves become steps: read into the scratch buffer, write from it | `job` |
//! | list identifiers, copies under way, what is said of those that ended | `record` |
//! | POPULATE TOKEN, WRITE USING TOKEN | `token`; the tokens themselves: `shared::tokens` |
//! | Third-Party Copy page, RECEIVE COPY OPERATING PARAMETERS | `page` |
//!
//! - Owns: the copies of this core's nexuses. A copy runs on the home of its nexus; both devices are open there.
//! - In: parameter lists; ends of operations.
//! - Out: steps; parameter data.
//! - Limits: those of the constants here, announced and checked. A copy holds one buffer while it runs, of [`CHUNK`] at most.
//!   Sources and destinations are the logical units that the same nexus is shown, by designators of theirs that fit into a
//!   descriptor (NAA, EUI-64, UUID; of T10 vendor identification none fits). IMMED is taken as permission: the status comes
//!   when all is done. PRIORITY is not looked at. What is said of a copy that ended is kept, also when it was asked for, until
//!   its list identifier is used anew, [`MOST_RECORDS`] younger ones of the nexus ended, or the nexus ends.
//! - Not done: inline data, held data (and RECEIVE COPY DATA with it), residual data of inexact segments (PAD and CAT: such a
//!   segment is refused), offsets within a block, tokens of other devices, the status and sense data of a source or
//!   destination inside our own sense data.

mod job;
mod list;
mod page;
mod record;
mod resolve;
mod token;

pub(crate) use page::page;
pub(crate) use record::Copies;

use self::job::{End, Job};
use self::list::List;
use self::record::Ended;
use super::block::{Planned, Way, Work};
use super::fail::Fail;
use super::scsi::Scsi;
use crate::{Reply, Task};
use exchange::Plan;
use ring::Tag;
use wire::scsi::copy::{Lid1Header, Lid4Header, PopulateHeader, UseHeader};
use wire::scsi::{Asc, Command, Status};

/// Sources and destinations of one list (MAXIMUM CSCD DESCRIPTOR COUNT).
pub(crate) const MOST_CSCDS: u32 = 8;
/// Segments of one list (MAXIMUM SEGMENT DESCRIPTOR COUNT).
pub(crate) const MOST_SEGMENTS: u32 = 8;
/// Bytes of all descriptors of a list (MAXIMUM DESCRIPTOR LIST LENGTH).
pub(crate) const MOST_LIST: u32 = (MOST_CSCDS + MOST_SEGMENTS) * 32;
/// Bytes of one segment (MAXIMUM SEGMENT LENGTH).
pub(crate) const MOST_SEGMENT: u32 = 64 << 20;
/// Copies that one home runs at once; more get BUSY (TOTAL CONCURRENT COPIES).
pub(crate) const MOST_COPIES: usize = 64;
/// Copies that ended, of one nexus, of which something can be said.
pub(crate) const MOST_RECORDS: usize = 16;
/// Bytes of one step.
pub(crate) const CHUNK: u32 = 256 << 10;
/// Ranges of a POPULATE TOKEN or WRITE USING TOKEN (MAXIMUM RANGE DESCRIPTORS).
pub(crate) const MOST_RANGES: u32 = 128;
/// Bytes of one POPULATE TOKEN or WRITE USING TOKEN (MAXIMUM TOKEN TRANSFER SIZE).
pub(crate) const MOST_TOKEN: u64 = 256 << 20;
/// Bytes at which one WRITE USING TOKEN does best (OPTIMAL TRANSFER COUNT).
pub(crate) const BEST_TOKEN: u64 = 64 << 20;
/// Seconds that a token may stay unused (MAXIMUM INACTIVITY TIMEOUT), and those of one that does not say (DEFAULT INACTIVITY
/// TIMEOUT).
pub(crate) const MOST_IDLE: u32 = 600;
pub(crate) const USUAL_IDLE: u32 = 60;

/// A copy, before its parameter list is there.
pub(crate) fn plan(command: &Command, task: &Task) -> Planned {
    let (length, least, most) = match *command {
        Command::ExtendedCopy { lid4: false, length } => (length, size_of::<Lid1Header>(), MOST_LIST),
        Command::ExtendedCopy { lid4: true, length } => (length, size_of::<Lid4Header>(), MOST_LIST),
        Command::PopulateToken { length, .. } => (length, size_of::<PopulateHeader>(), MOST_RANGES * 16),
        Command::WriteUsingToken { length, .. } => (length, size_of::<UseHeader>(), MOST_RANGES * 16),
        _ => return Err(Fail::NO_COMMAND),
    };
    if length == 0 {
        return Ok(Work::DONE);
    }
    let (least, moves) = (least as u32, length.min(task.data_out));
    if moves < least || length - least > most {
        return Err(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR));
    }
    Ok(Work { plan: Some(Plan::Take { len: moves }), way: Way::Out, wanted: length, moves })
}

impl Scsi {
    /// A copy, with its parameter list. `None`: there is nothing to do.
    pub(crate) fn copy_taken(&mut self, tag: Tag, command: &Command, list: &[u8]) -> Result<Option<Plan<Reply>>, Fail> {
        if self.copies.running() >= MOST_COPIES {
            return Err(Fail::Status(Status::BUSY));
        }
        match *command {
            Command::ExtendedCopy { lid4, .. } => self.extended_copy(tag, lid4, list),
            Command::PopulateToken { list: id, .. } => self.populate_token(tag, id, list).map(|()| None),
            Command::WriteUsingToken { list: id, .. } => self.write_using_token(tag, id, list),
            _ => Err(Fail::NO_COMMAND),
        }
    }

    fn extended_copy(&mut self, tag: Tag, lid4: bool, list: &[u8]) -> Result<Option<Plan<Reply>>, Fail> {
        let (queue, slot) = self.asker(tag)?;
        let unit = self.unit_at(queue, slot).ok_or(Fail::NO_UNIT)?;
        let (id, shift) = (unit.id, unit.shift);
        let list = List::read(lid4, list)?;
        let moves = self.moves(queue, End { slot: Some(slot), unit: id }, &list)?;
        self.copies.claim(queue, id, list.id)?;
        let record = Ended::new(queue, id, list.id, lid4.into(), shift);
        Ok(self.start_copy(Job::new(tag, moves, record)))
    }
}
