//! The commands of one queue: a fixed table, and a fixed piece of memory for the data of each.

use super::{Payload, Slot};
use std::ops::Range;
use wire::nvme::Cqe;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Free,
    /// The caller has it: before `start`, and after the completion was handed out.
    Taken,
    /// The command is at the controller.
    Busy,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub used: Use,
    /// Index in the low bits, a number that changes with each use above: an answer to an earlier command is noticed.
    pub cid: u16,
    pub payload: Payload,
    /// Data went with the capsule, so an R2T may not come.
    pub in_capsule: bool,
    /// Bytes received (read), or asked for by R2Ts (write).
    pub moved: u32,
    /// Bytes of a write that are queued for sending.
    pub queued: u32,
    /// R2Ts of which not all data is queued for sending.
    pub open_r2ts: u32,
    /// Pieces of this slot's memory that wait in the socket's queue.
    pub unsent: u32,
    /// The completion, when it came while pieces were unsent.
    pub answer: Option<Cqe>,
}

pub(crate) struct Table {
    pub entries: Vec<Entry>,
    free: Vec<u16>,
    memory: Vec<u8>,
    piece: usize,
    mask: u16,
    pub busy: usize,
}

impl Table {
    pub fn new(slots: u16, piece: usize) -> Table {
        let entry = |cid| Entry {
            used: Use::Free,
            cid,
            payload: Payload::None,
            in_capsule: false,
            moved: 0,
            queued: 0,
            open_r2ts: 0,
            unsent: 0,
            answer: None,
        };
        Table {
            entries: (0..slots).map(entry).collect(),
            free: (0..slots).rev().collect(),
            memory: vec![0; piece * usize::from(slots)],
            piece,
            mask: slots.next_power_of_two() - 1,
            busy: 0,
        }
    }

    pub fn take(&mut self) -> Option<Slot> {
        let index = self.free.pop()?;
        self.entries[usize::from(index)].used = Use::Taken;
        Some(Slot(index))
    }

    pub fn give(&mut self, slot: Slot) {
        let entry = &mut self.entries[slot.index()];
        assert!(entry.used == Use::Taken, "slot {} is not the caller's", slot.0);
        entry.used = Use::Free;
        self.free.push(slot.0);
    }

    /// Marks a command as sent, under a CID that its slot did not have the last time.
    pub fn begin(&mut self, slot: Slot, payload: Payload) -> u16 {
        assert!(payload.bytes() as usize <= self.piece, "the data does not fit the slot");
        let step = self.mask.wrapping_add(1);
        let entry = &mut self.entries[slot.index()];
        assert!(entry.used == Use::Taken, "slot {} is not the caller's", slot.0);
        let cid = entry.cid.wrapping_add(step);
        *entry = Entry {
            used: Use::Busy,
            cid,
            payload,
            in_capsule: false,
            moved: 0,
            queued: 0,
            open_r2ts: 0,
            unsent: 0,
            answer: None,
        };
        self.busy += 1;
        cid
    }

    /// The slot of an outstanding command.
    #[inline]
    pub fn find(&mut self, cid: u16) -> Option<(Slot, &mut Entry)> {
        let slot = Slot(cid & self.mask);
        let entry = self.entries.get_mut(slot.index())?;
        (entry.used == Use::Busy && entry.cid == cid && entry.answer.is_none()).then_some((slot, entry))
    }

    /// The command is over: the slot is the caller's again.
    pub fn end(&mut self, slot: Slot) {
        self.entries[slot.index()].used = Use::Taken;
        self.busy -= 1;
    }

    pub fn is_taken(&self, slot: Slot) -> bool {
        self.entries[slot.index()].used == Use::Taken
    }

    #[inline]
    pub fn bytes(&self, slot: Slot, part: Range<u32>) -> &[u8] {
        let at = slot.index() * self.piece;
        &self.memory[at + part.start as usize..at + part.end as usize]
    }

    #[inline]
    pub fn bytes_mut(&mut self, slot: Slot, part: Range<u32>) -> &mut [u8] {
        let at = slot.index() * self.piece;
        &mut self.memory[at + part.start as usize..at + part.end as usize]
    }

    pub fn piece(&self) -> u32 {
        self.piece as u32
    }
}
