//! What the cores of the transport tell each other, and the control plane tells them. All of it is control path.

use fc::{Names, Queue, SessionId, Xid};
use ring::{Mailbox, Sender};
use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;

/// Says that it was done. Dropping it unsent says that it will not be.
pub type Done = SyncSender<()>;

/// A connection that is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewConnection {
    pub(crate) association: u64,
    pub(crate) qid: u16,
    /// Place of the port's queue, the same on all cores.
    pub(crate) lane: usize,
    pub(crate) session: SessionId,
    pub(crate) local: Names,
    pub(crate) peer: Names,
    pub(crate) entries: u32,
    pub(crate) ersp_ratio: u16,
}

/// A message to one core's port.
pub enum Note {
    /// A Fibre Channel port is listened on: here is this core's queue of it.
    Adopt {
        /// The place for it, the same on all cores.
        lane: usize,
        /// The listener that hosts come by.
        listener: u32,
        /// The queue.
        queue: Box<dyn Queue>,
    },
    /// To the first core. No more associations on a port; says when the last is gone. With `end`, they are ended.
    Leave {
        /// Which port.
        lane: usize,
        /// They are not waited for.
        end: bool,
        /// The answer.
        done: Done,
    },
    /// The port serves us no more: ends what there is of it and lets go of its queue.
    Retire {
        /// Which port.
        lane: usize,
        /// The answer.
        done: Done,
    },
    /// To a connection's core.
    Open(NewConnection),
    /// To a connection's core: it ends.
    Close {
        /// Its identifier.
        connection: u64,
    },
    /// To the first core: the answer to [`Note::Open`]; none when there is no room.
    Opened {
        /// The association.
        association: u64,
        /// The queue.
        qid: u16,
        /// The connection.
        connection: Option<u64>,
    },
    /// To the first core: a connection is gone, with all its commands.
    Gone {
        /// Its association.
        association: u64,
        /// Its queue.
        qid: u16,
    },
    /// To the first core: an association's host broke the rules.
    Broken {
        /// The association.
        association: u64,
    },
}

/// A link service request that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub lane: usize,
    pub xid: Xid,
}

/// A core's mailbox, and the ways to all others. What a full mailbox refuses waits here, in order.
pub struct Mail {
    home: usize,
    inbox: Mailbox<Note>,
    homes: Vec<Sender<Note>>,
    waiting: VecDeque<(usize, Note)>,
}

impl Mail {
    /// For the core `home`; `homes` leads to the mailboxes of all cores, by number.
    pub fn new(home: usize, inbox: Mailbox<Note>, homes: Vec<Sender<Note>>) -> Self {
        Self { home, inbox, homes, waiting: VecDeque::new() }
    }

    /// This core's number.
    pub fn home(&self) -> usize {
        self.home
    }

    /// How many cores there are.
    pub fn homes(&self) -> usize {
        self.homes.len()
    }

    pub(crate) fn next(&mut self) -> Option<Note> {
        self.inbox.next()
    }

    pub(crate) fn send(&mut self, to: usize, note: Note) {
        self.waiting.push_back((to, note));
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) {
        let mut refused: VecDeque<(usize, Note)> = VecDeque::new();
        for (to, note) in std::mem::take(&mut self.waiting) {
            if refused.iter().any(|(full, _)| *full == to) {
                refused.push_back((to, note));
            } else if let Err(ring::Full(note)) = self.homes[to].send(note) {
                refused.push_back((to, note));
            }
        }
        self.waiting = refused;
    }

    pub(crate) fn is_pending(&self) -> bool {
        !self.inbox.is_empty() || !self.waiting.is_empty()
    }
}
