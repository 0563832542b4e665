//! One NVMe/TCP connection: commands in, completions out, moved on by [`TcpQueue::poll`].
//!
//! A turn is one send of all that waits and one receive. All memory is there from the start.

mod check;
mod input;
mod outgoing;
mod receive;
mod table;

use super::{Completion, Payload, QueueOptions, Seen, Slot};
use crate::{Error, Link, Result};
use input::Input;
use outgoing::Outgoing;
use receive::Incoming;
use std::collections::VecDeque;
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::Duration;
use table::Table;
use wire::nvme::{Cqe, FABRICS_OPCODE, SglDescriptor, Sqe};
use wire::tcp::{CapsuleCmd, H2CData, Sender, TermReq};

/// What an R2T allows to send.
#[derive(Debug, Clone, Copy)]
struct Grant {
    slot: Slot,
    ttag: u16,
    at: u32,
    left: u32,
}

/// See the module.
pub struct TcpQueue {
    link: Link,
    options: QueueOptions,
    table: Table,
    out: Outgoing,
    input: Input,
    incoming: Incoming,
    grants: VecDeque<Grant>,
    done: VecDeque<Completion>,
    /// Slots whose completion waits for their last bytes to leave.
    late: usize,
    seen: Seen,
    dead: bool,
    /// Why, until it was told.
    failure: Option<Error>,
    epoll: Option<os::Epoll>,
}

impl TcpQueue {
    /// A queue on a negotiated connection. The Connect command is [`crate::controller`]'s.
    pub fn new(link: Link, options: QueueOptions) -> TcpQueue {
        let slots = options.entries.clamp(2, 4096) - 1;
        TcpQueue {
            table: Table::new(slots, options.buffer as usize),
            out: Outgoing::new(usize::from(slots)),
            input: Input::new(options.strict),
            incoming: Incoming::default(),
            grants: VecDeque::with_capacity(usize::from(slots) * link.maxr2t.min(4) as usize),
            done: VecDeque::with_capacity(usize::from(slots)),
            late: 0,
            seen: Seen::default(),
            dead: false,
            failure: None,
            epoll: None,
            link,
            options,
        }
    }

    /// A free slot, if there is one.
    pub fn take(&mut self) -> Option<Slot> {
        self.table.take()
    }

    /// Gives a slot back.
    ///
    /// # Panics
    /// If a command is in it, or it was not taken.
    pub fn give(&mut self, slot: Slot) {
        self.table.give(slot);
    }

    /// All of the slot's buffer.
    ///
    /// # Panics
    /// If a command is in it.
    pub fn buffer(&self, slot: Slot) -> &[u8] {
        assert!(self.table.is_taken(slot));
        self.table.bytes(slot, 0..self.table.piece())
    }

    /// All of the slot's buffer, to be filled before [`TcpQueue::start`].
    ///
    /// # Panics
    /// If a command is in it.
    pub fn buffer_mut(&mut self, slot: Slot) -> &mut [u8] {
        assert!(self.table.is_taken(slot));
        self.table.bytes_mut(slot, 0..self.table.piece())
    }

    /// Queues a command: CID and data pointer are filled in here. It leaves with the next [`TcpQueue::poll`].
    ///
    /// # Panics
    /// If the slot is not the caller's, or its buffer is shorter than the data.
    pub fn start(&mut self, slot: Slot, mut sqe: Sqe, payload: Payload) {
        let fabrics = sqe.opcode == FABRICS_OPCODE;
        let limit = if fabrics { wire::limits::TCP_ADMIN_IN_CAPSULE_BYTES } else { self.options.in_capsule };
        let inside = matches!(payload, Payload::Write(n) if n > 0 && n <= limit);
        let bytes = payload.bytes();
        sqe.dptr = if inside { SglDescriptor::in_capsule(0, bytes) } else { SglDescriptor::transport(bytes) };
        sqe.cid = self.table.begin(slot, payload).into();
        let capsule = CapsuleCmd::new(&self.link.to, sqe, if inside { bytes } else { 0 });
        self.queue_pdu(&capsule.to_bytes(), capsule.ch.pdo, slot, 0..if inside { bytes } else { 0 });
        self.table.entries[slot.index()].in_capsule = inside;
    }

    /// Header, its digest, padding, data, its digest.
    #[inline]
    fn queue_pdu(&mut self, header: &[u8], pdo: u8, slot: Slot, part: std::ops::Range<u32>) {
        let framing = &self.link.to;
        self.out.header(header);
        if framing.hdgst {
            self.out.header(&crc32c::crc32c(header).to_le_bytes());
        }
        if part.is_empty() {
            return;
        }
        let padding = u32::from(pdo) - framing.header_bytes(header.len() as u8);
        self.out.header(&[0; 128][..padding as usize]);
        self.table.entries[slot.index()].unsent += 1;
        self.out.data(slot, part.clone());
        if framing.ddgst {
            self.out.header(&crc32c::crc32c(self.table.bytes(slot, part)).to_le_bytes());
        }
    }

    /// Data for R2Ts, in pieces of MAXH2CDATA at most, as long as not too much waits to be sent.
    fn pump(&mut self) {
        while let Some(grant) = self.grants.front_mut() {
            if self.out.is_full() {
                return;
            }
            let len = grant.left.min(self.link.maxh2cdata);
            let (slot, ttag, at) = (grant.slot, grant.ttag, grant.at);
            grant.at += len;
            grant.left -= len;
            let last = grant.left == 0;
            let entry = &mut self.table.entries[slot.index()];
            entry.queued += len;
            let cid = entry.cid;
            if last {
                entry.open_r2ts -= 1;
                self.grants.pop_front();
            }
            self.seen.sent_data += 1;
            let pdu = H2CData::new(&self.link.to, cid, ttag, at, len, last);
            self.queue_pdu(&pdu.to_bytes(), pdu.ch.pdo, slot, at..at + len);
        }
    }

    /// One turn: sends what waits, receives what came. Returns how many completions can be taken with [`TcpQueue::next_done`].
    ///
    /// # Errors
    /// The connection is dead: broken, closed, or the target broke the standard (it is told by a TermReq). All later calls fail.
    pub fn poll(&mut self) -> Result<usize> {
        if self.dead {
            return self.after_death();
        }
        match self.turn() {
            Ok(()) => Ok(self.done.len()),
            Err(error) => {
                self.die(&error);
                self.failure = Some(error);
                self.after_death()
            }
        }
    }

    /// Completions that came before the end count; then the end is told.
    fn after_death(&mut self) -> Result<usize> {
        match self.done.len() {
            0 => Err(self.failure.take().unwrap_or(Error::Closed { what: "it is no longer used" })),
            n => Ok(n),
        }
    }

    fn turn(&mut self) -> Result<()> {
        self.pump();
        if !self.out.is_empty() {
            self.out
                .flush(&self.link.stream, &mut self.table)
                .map_err(|source| Error::Lost { what: "sending", source })?;
            self.release_late();
        }
        self.receive()
    }

    /// The next completion.
    #[inline]
    pub fn next_done(&mut self) -> Option<Completion> {
        self.done.pop_front()
    }

    fn complete(&mut self, slot: Slot, cqe: Cqe) {
        let entry = &mut self.table.entries[slot.index()];
        if entry.open_r2ts > 0 {
            // The controller gave up early (an error status: a success was refused by the checks).
            self.grants.retain(|grant| grant.slot != slot);
        }
        if entry.unsent > 0 {
            entry.answer = Some(cqe);
            self.late += 1;
        } else {
            self.table.end(slot);
            self.done.push_back(Completion { slot, cqe });
        }
    }

    fn release_late(&mut self) {
        if self.late == 0 {
            return;
        }
        for index in 0..self.table.entries.len() {
            let entry = &mut self.table.entries[index];
            if entry.unsent == 0
                && let Some(cqe) = entry.answer.take()
            {
                let slot = Slot(index as u16);
                self.late -= 1;
                self.table.end(slot);
                self.done.push_back(Completion { slot, cqe });
            }
        }
    }

    /// Waits until something may have come, at most for `limit`. Sends first what waits.
    ///
    /// # Errors
    /// As [`TcpQueue::poll`].
    pub fn wait(&mut self, limit: Duration) -> Result<()> {
        if self.poll()? > 0 || self.dead {
            return Ok(());
        }
        let lost = |source| Error::Lost { what: "waiting", source };
        if self.epoll.is_none() {
            let epoll = os::Epoll::new().map_err(lost)?;
            epoll.add(self.link.stream.as_fd(), 0, os::Interest::READ).map_err(lost)?;
            self.epoll = Some(epoll);
        }
        // With bytes waiting to be sent nothing tells us when: look again soon.
        let limit =
            if self.out.is_empty() && self.grants.is_empty() { limit } else { limit.min(Duration::from_millis(1)) };
        let epoll = self.epoll.as_ref().expect("made above");
        epoll.wait(&mut [os::Ready::NONE], Some(limit)).map_err(lost)?;
        Ok(())
    }

    /// The completion of the command in `slot`, if it has come; others are kept in order.
    pub fn done_in(&mut self, slot: Slot) -> Option<Cqe> {
        let at = self.done.iter().position(|done| done.slot == slot)?;
        self.done.remove(at).map(|done| done.cqe)
    }

    /// Commands outstanding, those included whose completion waits in [`TcpQueue::next_done`]'s list no more.
    pub fn outstanding(&self) -> usize {
        self.table.busy
    }

    /// What came so far.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// What both sides agreed on.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Bytes of each slot's buffer.
    pub fn buffer_bytes(&self) -> u32 {
        self.table.piece()
    }

    /// Whether the connection is of no more use.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    fn die(&mut self, error: &Error) {
        self.dead = true;
        if let (Error::Violation(violation), true) = (error, self.out.is_empty()) {
            let header = self.input.bytes();
            let (pdu, length) = TermReq::pdu(Sender::Host, violation.fault, &header[..header.len().min(24)]);
            // Best effort: the connection ends anyway.
            let _ = (&self.link.stream).write(&pdu[..length]);
        }
        let _ = self.link.stream.shutdown(Shutdown::Write);
    }
}

impl std::fmt::Debug for TcpQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpQueue")
            .field("outstanding", &self.table.busy)
            .field("seen", &self.seen)
            .field("dead", &self.dead)
            .finish()
    }
}
