//! What homes tell each other about I/O queues and aborts.

use super::nvm_command::Nvm;
use super::orders::Todo;
use super::queue::{Queue, Role};
use super::reply::Fail;
use crate::{Attachment, Peer};
use ring::Tag;
use wire::fabrics::connect_accepted;
use wire::log::ErrorEntry;
use wire::nvme::Status;

/// Messages about failed commands that may wait to be sent; more are dropped.
const ERRORS_WAITING: usize = 64;

impl Nvm {
    /// Sends a message to a home; to this one by acting on it at once.
    pub(crate) fn tell(&mut self, home: usize, message: Peer) {
        if home == self.limits.config.home {
            self.on_peer(message);
        } else {
            self.post.push_back((home, message));
        }
    }

    /// Acts on a message.
    pub(crate) fn on_peer(&mut self, message: Peer) {
        match message {
            Peer::Attach { from, token, request } => {
                let result = self.attach(from, &request).map_err(|fail| (fail.status.0, fail.dw0));
                self.tell(from, Peer::Attached { token, result });
            }
            Peer::Attached { token, result } => self.on_attached(token, result),
            Peer::Detached { cntlid, subsystem, qid } => self.on_detached(cntlid, subsystem, qid),
            Peer::CloseQueue { queue, cntlid, subsystem, qid } => {
                if self.is_io_queue(queue, cntlid, subsystem, qid) {
                    self.close_queue(queue);
                }
            }
            Peer::Abort { from, token, queue, cid, cntlid, subsystem, qid } => {
                let known = self.is_io_queue(queue, cntlid, subsystem, qid);
                self.abort_for(from, token, known.then_some(queue), cid);
            }
            Peer::Aborted { token, aborted } => self.on_aborted(token, aborted),
            Peer::Error { cntlid, subsystem, entry } => self.on_error(cntlid, subsystem, entry),
        }
    }

    fn on_attached(&mut self, token: u64, result: Result<Attachment, (u16, u32)>) {
        let Some(asked) = self.connecting.remove(Tag::from_u64(token)) else { return };
        // The queue is there: it cannot be gone before its Connect is answered.
        let role = if result.is_ok() { Role::Io } else { Role::Fresh };
        let queue = self.queues.becomes(asked.queue, role);
        let result = match result {
            Ok(_) => {
                (queue.qid, queue.cntlid, queue.subsystem) = (asked.qid, asked.cntlid, asked.subsystem);
                queue.home = asked.home;
                (queue.entries, queue.no_flow_control) = (asked.entries, asked.no_flow_control);
                Ok(connect_accepted(asked.cntlid, 0).into())
            }
            Err((status, dw0)) => Err(Fail { status: Status(status), dw0 }),
        };
        self.todo.push_back(Todo::Answer { queue: asked.queue, tag: asked.tag, cid: asked.cid, result });
    }

    /// An I/O queue of this core is gone: its controller's home wants to know.
    pub(crate) fn tell_detached(&mut self, gone: &Queue) {
        let Some(subsystem) = self.subsystems.get(gone.subsystem).map(|s| s.view.id) else { return };
        self.tell(gone.home, Peer::Detached { cntlid: gone.cntlid, subsystem, qid: gone.qid });
    }

    fn on_detached(&mut self, cntlid: u16, subsystem: u32, qid: u16) {
        let Some(tag) = self.controllers.find(subsystem, cntlid) else { return };
        if let Some(controller) = self.controllers.get_mut(tag) {
            controller.attached.retain(|a| a.qid != qid);
        }
        self.settle(tag);
    }

    /// Whether a number of ours still means the I/O queue that another home means.
    fn is_io_queue(&self, number: u32, cntlid: u16, subsystem: u32, qid: u16) -> bool {
        let Some(queue) = self.queues.get(number) else { return false };
        let same = queue.role == Role::Io && (queue.cntlid, queue.qid) == (cntlid, qid);
        same && self.subsystems.get(queue.subsystem).is_some_and(|s| s.view.id == subsystem)
    }

    /// Notes a failed I/O command with its controller. The host can make as many as it likes, so what the other home
    /// does not take in time is dropped.
    pub(crate) fn note_error(&mut self, queue: &Queue, entry: ErrorEntry) {
        let Some(subsystem) = self.subsystems.get(queue.subsystem).map(|s| s.view.id) else { return };
        let home = queue.home;
        if home == self.limits.config.home {
            self.on_error(queue.cntlid, subsystem, entry);
        } else if self.post.len() < ERRORS_WAITING {
            self.post.push_back((home, Peer::Error { cntlid: queue.cntlid, subsystem, entry }));
        }
    }

    fn on_error(&mut self, cntlid: u16, subsystem: u32, entry: ErrorEntry) {
        let found = self.controllers.find(subsystem, cntlid);
        if let Some(controller) = found.and_then(|tag| self.controllers.get_mut(tag)) {
            controller.errors.add(entry);
        }
    }
}
