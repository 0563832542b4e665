//! A queue of a controller, whatever carries it: commands in, completions out, moved on by [`Queue::poll`].

mod tcp;
mod types;

pub use tcp::TcpQueue;
pub use types::{Completion, Io, Payload, QueueOptions, Seen, Slot};

use crate::fibre::FcQueue;
use crate::iscsi::IscsiQueue;
use crate::scsi::{Answer, Cdb, ScsiQueue};
use crate::{Error, Link, Result};
use std::time::{Duration, Instant};
use wire::nvm::Rw;
use wire::nvme::{Cqe, NvmOpcode, Sqe};

/// See the module. All memory is there from the start.
#[derive(Debug)]
pub enum Queue {
    /// An NVMe/TCP connection.
    Tcp(Box<TcpQueue>),
    /// An FC-NVMe connection.
    Fc(Box<FcQueue>),
    /// Commands to a SCSI logical unit.
    Scsi(Box<ScsiQueue>),
    /// The same over iSCSI.
    Iscsi(Box<IscsiQueue>),
}

macro_rules! each {
    ($queue:expr, $inner:ident => $body:expr) => {
        match $queue {
            Queue::Tcp($inner) => $body,
            Queue::Fc($inner) => $body,
            Queue::Scsi($inner) => $body,
            Queue::Iscsi($inner) => $body,
        }
    };
}

impl Queue {
    /// A queue on a negotiated connection. The Connect command is [`crate::controller`]'s.
    pub fn tcp(link: Link, options: QueueOptions) -> Queue {
        Queue::Tcp(Box::new(TcpQueue::new(link, options)))
    }

    /// A free slot, if there is one.
    pub fn take(&mut self) -> Option<Slot> {
        each!(self, queue => queue.take())
    }

    /// Gives a slot back.
    ///
    /// # Panics
    /// If a command is in it, or it was not taken.
    pub fn give(&mut self, slot: Slot) {
        each!(self, queue => queue.give(slot))
    }

    /// All of the slot's buffer.
    ///
    /// # Panics
    /// If a command is in it.
    pub fn buffer(&self, slot: Slot) -> &[u8] {
        each!(self, queue => queue.buffer(slot))
    }

    /// All of the slot's buffer, to be filled before [`Queue::start`].
    ///
    /// # Panics
    /// If a command is in it.
    pub fn buffer_mut(&mut self, slot: Slot) -> &mut [u8] {
        each!(self, queue => queue.buffer_mut(slot))
    }

    /// Queues a block operation on namespace `nsid` (a logical unit is the queue's own), which moves `bytes`.
    ///
    /// # Panics
    /// As [`Queue::start`].
    #[inline]
    pub fn start_io(&mut self, slot: Slot, nsid: u32, io: Io, bytes: u32) {
        match self {
            Queue::Scsi(queue) => return queue.start_io(slot, io, bytes),
            Queue::Iscsi(queue) => return queue.start_io(slot, io, bytes),
            Queue::Tcp(_) | Queue::Fc(_) => {}
        }
        match io {
            Io::Read { block, blocks } => {
                self.start(slot, Rw::sqe(NvmOpcode::READ, nsid, block, blocks, 0), Payload::Read(bytes));
            }
            Io::Write { block, blocks } => {
                self.start(slot, Rw::sqe(NvmOpcode::WRITE, nsid, block, blocks, 0), Payload::Write(bytes));
            }
            Io::Flush => self.start(slot, Sqe::new(NvmOpcode::FLUSH.0, nsid), Payload::None),
        }
    }

    /// Queues an NVMe command: CID and data pointer are filled in here. It leaves with the next [`Queue::poll`].
    ///
    /// # Panics
    /// If the slot is not the caller's, its buffer is shorter than the data, or the queue speaks SCSI.
    #[inline]
    pub fn start(&mut self, slot: Slot, sqe: Sqe, payload: Payload) {
        match self {
            Queue::Tcp(queue) => queue.start(slot, sqe, payload),
            Queue::Fc(queue) => queue.start(slot, sqe, payload),
            Queue::Scsi(_) | Queue::Iscsi(_) => panic!("an NVMe command for a SCSI queue"),
        }
    }

    /// Queues a SCSI command to the queue's logical unit.
    ///
    /// # Panics
    /// As [`Queue::start`], and if the queue speaks NVMe.
    pub fn start_scsi(&mut self, slot: Slot, cdb: Cdb, payload: Payload) {
        match self {
            Queue::Scsi(queue) => queue.start(slot, cdb, payload),
            Queue::Iscsi(queue) => queue.start(slot, cdb, payload),
            Queue::Tcp(_) | Queue::Fc(_) => panic!("a SCSI command for an NVMe queue"),
        }
    }

    /// What a logical unit said to the SCSI command that was last in a slot.
    pub fn said(&self, slot: Slot) -> Option<&Answer> {
        match self {
            Queue::Scsi(queue) => queue.said(slot),
            Queue::Iscsi(queue) => queue.said(slot),
            Queue::Tcp(_) | Queue::Fc(_) => None,
        }
    }

    /// One turn: sends what waits, receives what came. Returns how many completions can be taken with [`Queue::next_done`].
    ///
    /// # Errors
    /// The connection is dead: broken, closed, or the target broke the standard. All later calls fail.
    #[inline]
    pub fn poll(&mut self) -> Result<usize> {
        each!(self, queue => queue.poll())
    }

    /// The next completion.
    #[inline]
    pub fn next_done(&mut self) -> Option<Completion> {
        each!(self, queue => queue.next_done())
    }

    /// Waits until something may have come, at most for `limit`. Sends first what waits.
    ///
    /// # Errors
    /// As [`Queue::poll`].
    pub fn wait(&mut self, limit: Duration) -> Result<()> {
        each!(self, queue => queue.wait(limit))
    }

    /// Waits for the completion of the command in `slot`, which must be the only one outstanding that the caller waits for; others are kept
    /// in order. For control commands and tests.
    ///
    /// # Errors
    /// As [`Queue::poll`], and a time-out after `limit` (the connection stays as it is).
    pub fn wait_for(&mut self, slot: Slot, what: &str, limit: Duration) -> Result<Cqe> {
        let begin = Instant::now();
        loop {
            self.poll()?;
            if let Some(cqe) = each!(self, queue => queue.done_in(slot)) {
                return Ok(cqe);
            }
            let spent = begin.elapsed();
            if spent >= limit {
                return Err(Error::Timeout { what: what.to_owned(), after: limit });
            }
            if spent > Duration::from_micros(500) {
                self.wait((limit - spent).min(Duration::from_millis(100)))?;
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Commands outstanding, those included whose completion waits in [`Queue::next_done`]'s list no more.
    pub fn outstanding(&self) -> usize {
        each!(self, queue => queue.outstanding())
    }

    /// What came so far.
    pub fn seen(&self) -> Seen {
        each!(self, queue => queue.seen())
    }

    /// Bytes of each slot's buffer.
    pub fn buffer_bytes(&self) -> u32 {
        each!(self, queue => queue.buffer_bytes())
    }

    /// Whether the connection is of no more use.
    pub fn is_dead(&self) -> bool {
        each!(self, queue => queue.is_dead())
    }
}
