//! One session of one connection: SCSI commands in, completions out, moved on by [`IscsiQueue::poll`].

use super::login::login;
use super::stream::Stream;
use super::{Heard, IscsiAddress};
use crate::queue::{Completion, Io, Payload, Seen, Slot};
use crate::scsi::{Answer, Cdb, completion};
use crate::{Error, Options, Result};
use iscsi::Parameters;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;
use wire::nvme::Cqe;
use wire::scsi::to_lun;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Free,
    Taken,
    /// Waits for the command window.
    Waiting,
    Busy,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub used: Use,
    /// The slot's number, and above it one that changes with each use.
    pub tag: u32,
    pub cdb: Cdb,
    pub lun: [u8; 8],
    pub payload: Payload,
    /// CmdSN of the command.
    pub cmd_sn: u32,
    /// Bytes received, or sent and asked for.
    pub moved: u32,
    /// DataSN or R2TSN that is due.
    pub data_sn: u32,
    pub answer: Option<Answer>,
}

/// Sequence numbers of the session and its connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub cmd_sn: u32,
    pub max_cmd_sn: u32,
    pub exp_stat_sn: u32,
}

/// See the module.
pub struct IscsiQueue {
    pub(super) stream: Stream,
    pub(super) parameters: Parameters,
    pub(super) numbers: Numbers,
    pub(super) entries: Vec<Entry>,
    pub(super) heard: VecDeque<Heard>,
    pub(super) next_control: u32,
    pub(super) timeout: Duration,
    pub(super) seen: Seen,
    /// Check even what does no harm.
    pub(super) strict: bool,
    free: Vec<u16>,
    pub(super) waiting: VecDeque<Slot>,
    done: VecDeque<Completion>,
    pub(super) memory: Vec<u8>,
    pub(super) piece: usize,
    lun: [u8; 8],
    busy: usize,
    dead: bool,
    failure: Option<Error>,
}

impl IscsiQueue {
    /// Logs in with a session of its own, for commands to the logical unit of `address`.
    ///
    /// # Errors
    /// The target cannot be reached, refuses the login, or breaks the standard.
    pub fn connect(address: &IscsiAddress, slots: u16, buffer: u32, options: &Options) -> Result<IscsiQueue> {
        let (stream, session) = login(address.portal, &address.node, options)?;
        let slots = slots.clamp(1, 4095);
        let entry = |slot: u16| Entry {
            used: Use::Free,
            tag: slot.into(),
            cdb: Cdb::test_unit_ready(),
            lun: [0; 8],
            payload: Payload::None,
            cmd_sn: 0,
            moved: 0,
            data_sn: 0,
            answer: None,
        };
        let (cmd_sn, max_cmd_sn, exp_stat_sn) = (session.cmd_sn, session.max_cmd_sn, session.exp_stat_sn);
        Ok(IscsiQueue {
            stream,
            parameters: session.parameters,
            numbers: Numbers { cmd_sn, max_cmd_sn, exp_stat_sn },
            entries: (0..slots).map(entry).collect(),
            heard: VecDeque::new(),
            next_control: 0,
            timeout: options.link.timeout,
            strict: options.link.strict,
            seen: Seen::default(),
            free: (0..slots).rev().collect(),
            waiting: VecDeque::with_capacity(slots.into()),
            done: VecDeque::with_capacity(slots.into()),
            memory: vec![0; usize::from(slots) * buffer as usize],
            piece: buffer as usize,
            lun: to_lun(address.lun),
            busy: 0,
            dead: false,
            failure: None,
        })
    }

    /// What the login agreed on.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Commands from now on are for this logical unit.
    pub fn set_lun(&mut self, lun: u16) {
        self.lun = to_lun(lun);
    }

    /// Makes every slot's buffer as large as this at least; no slot may be taken.
    pub(crate) fn grow(&mut self, buffer: usize) {
        if buffer > self.piece {
            self.piece = buffer;
            self.memory = vec![0; self.entries.len() * buffer];
        }
    }

    /// As [`crate::Queue::take`].
    pub fn take(&mut self) -> Option<Slot> {
        let index = self.free.pop()?;
        self.entries[usize::from(index)].used = Use::Taken;
        Some(Slot(index))
    }

    /// As [`crate::Queue::give`].
    ///
    /// # Panics
    /// If a command is in the slot.
    pub fn give(&mut self, slot: Slot) {
        let entry = &mut self.entries[slot.index()];
        assert!(entry.used == Use::Taken, "slot {} is not the caller's", slot.0);
        entry.used = Use::Free;
        self.free.push(slot.0);
    }

    /// As [`crate::Queue::buffer`].
    pub fn buffer(&self, slot: Slot) -> &[u8] {
        let at = slot.index() * self.piece;
        &self.memory[at..at + self.piece]
    }

    /// As [`crate::Queue::buffer_mut`].
    ///
    /// # Panics
    /// If a command is in the slot.
    pub fn buffer_mut(&mut self, slot: Slot) -> &mut [u8] {
        assert!(self.entries[slot.index()].used == Use::Taken);
        let at = slot.index() * self.piece;
        &mut self.memory[at..at + self.piece]
    }

    /// A block operation.
    #[inline]
    pub fn start_io(&mut self, slot: Slot, io: Io, bytes: u32) {
        let (cdb, payload) = Cdb::of_io(io, bytes);
        self.start(slot, cdb, payload);
    }

    /// Any command. It leaves with the next [`IscsiQueue::poll`] that finds the command window open.
    ///
    /// # Panics
    /// If the slot is not the caller's, or its buffer is shorter than the data.
    #[inline]
    pub fn start(&mut self, slot: Slot, cdb: Cdb, payload: Payload) {
        assert!(payload.bytes() as usize <= self.piece, "the data does not fit the slot");
        let entry = &mut self.entries[slot.index()];
        assert!(entry.used == Use::Taken, "slot {} is not the caller's", slot.0);
        (entry.used, entry.cdb, entry.payload, entry.answer) = (Use::Waiting, cdb, payload, None);
        entry.lun = self.lun;
        // 15 bits above the slot's: control requests have the highest one.
        entry.tag = entry.tag.wrapping_add(1 << 16) & 0x7fff_ffff;
        (entry.moved, entry.data_sn) = (0, 0);
        self.busy += 1;
        self.waiting.push_back(slot);
    }

    /// Where a slot's data goes, and the bytes of the PDU that was given last.
    pub(super) fn copy_in(&mut self, slot: Slot, offset: u32, data: Range<usize>) {
        let at = slot.index() * self.piece + offset as usize;
        self.memory[at..at + data.len()].copy_from_slice(self.stream.data(data));
    }

    /// The slot of an outstanding command.
    #[inline]
    pub(super) fn find(&self, tag: u32) -> Option<Slot> {
        let slot = Slot(tag as u16);
        let entry = self.entries.get(slot.index())?;
        (entry.used == Use::Busy && entry.tag == tag).then_some(slot)
    }

    /// A command is over.
    pub(super) fn finish(&mut self, slot: Slot, answer: Answer) {
        let entry = &mut self.entries[slot.index()];
        entry.used = Use::Taken;
        self.busy -= 1;
        self.done.push_back(Completion { slot, cqe: completion(slot, &answer) });
        self.entries[slot.index()].answer = Some(answer);
    }

    /// As [`crate::Queue::poll`].
    ///
    /// # Errors
    /// The connection is gone, or the target broke the standard.
    pub fn poll(&mut self) -> Result<usize> {
        if !self.dead
            && let Err(error) = self.turn()
        {
            self.dead = true;
            self.stream.shut();
            self.failure = Some(error);
        }
        match (self.done.len(), self.dead) {
            (0, true) => Err(self.failure.take().unwrap_or(Error::Closed { what: "it is no longer used" })),
            (n, _) => Ok(n),
        }
    }

    fn turn(&mut self) -> Result<()> {
        self.pump();
        self.stream.flush()?;
        if self.stream.receive()? {
            self.hear()?;
            // An R2T is answered in the same turn.
            self.stream.flush()?;
        }
        Ok(())
    }

    /// As [`crate::Queue::next_done`].
    #[inline]
    pub fn next_done(&mut self) -> Option<Completion> {
        self.done.pop_front()
    }

    /// The completion of the command in `slot`, if it has come; others are kept in order.
    pub fn done_in(&mut self, slot: Slot) -> Option<Cqe> {
        let at = self.done.iter().position(|done| done.slot == slot)?;
        self.done.remove(at).map(|done| done.cqe)
    }

    /// As [`crate::Queue::wait`].
    ///
    /// # Errors
    /// As [`IscsiQueue::poll`].
    pub fn wait(&mut self, limit: Duration) -> Result<()> {
        if self.poll()? > 0 || self.dead { Ok(()) } else { self.stream.wait(limit) }
    }

    /// What came to the command that was last in a slot.
    pub fn said(&self, slot: Slot) -> Option<&Answer> {
        self.entries[slot.index()].answer.as_ref()
    }

    /// Initiator task tag and CmdSN of the command that is in a slot, for task management.
    pub fn task(&self, slot: Slot) -> (u32, u32) {
        let entry = &self.entries[slot.index()];
        (entry.tag, entry.cmd_sn)
    }

    /// As [`crate::Queue::outstanding`].
    pub fn outstanding(&self) -> usize {
        self.busy
    }

    /// PDUs that came.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// As [`crate::Queue::buffer_bytes`].
    pub fn buffer_bytes(&self) -> u32 {
        self.piece as u32
    }

    /// As [`crate::Queue::is_dead`].
    pub fn is_dead(&self) -> bool {
        self.dead
    }
}

impl Drop for IscsiQueue {
    fn drop(&mut self) {
        if !self.dead {
            self.leave();
        }
    }
}

impl std::fmt::Debug for IscsiQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IscsiQueue").field("outstanding", &self.busy).field("dead", &self.dead).finish()
    }
}
