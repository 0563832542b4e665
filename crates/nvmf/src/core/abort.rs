//! Abort (NVMe Base 2.0c 5.1): finds the victim's core, has the machine end it there, and answers when it is over.

use super::nvm_command::Nvm;
use super::orders::Todo;
use super::reply::{Step, Verdict};
use crate::{Capsule, Peer};
use ring::{Slots, Tag};
use wire::nvme::{Abort, Sqe, Status};

/// Abort Command Limit, zero-based (ACL).
pub(crate) const ACL_Z: u8 = 3;

/// Who waits for the end of an abort.
#[derive(Clone, Copy, Debug)]
enum Asker {
    /// An Abort command of a controller at home here.
    Command { controller: Tag, tag: Tag, queue: u32, cid: u16 },
    /// Another home.
    Peer { from: usize, token: u64 },
}

/// The aborts under way that this core asked for or was asked for.
pub(crate) struct Aborts {
    slots: Slots<Asker>,
}

impl Default for Aborts {
    fn default() -> Self {
        Self { slots: Slots::new(0) }
    }
}

impl Aborts {
    fn note(&mut self, asker: Asker) -> u64 {
        if self.slots.len() == self.slots.capacity() {
            self.slots.grow((self.slots.capacity() * 2).max(8));
        }
        self.slots.insert(asker).unwrap_or_else(|_| unreachable!("the table was grown")).to_u64()
    }

    /// Whether the command `cid` on `queue` is an Abort that waits.
    fn is_waiting(&self, queue: u32, cid: u16) -> bool {
        let same = |asker: &Asker| matches!(asker, Asker::Command { queue: q, cid: c, .. } if (*q, *c) == (queue, cid));
        self.slots.iter().any(|(_, asker)| same(asker))
    }

    fn take(&mut self, token: u64) -> Option<Asker> {
        self.slots.remove(Tag::from_u64(token))
    }
}

impl Nvm {
    pub(crate) fn plan_abort(&mut self, tag: Tag, capsule: &Capsule, sqe: &Sqe, controller: Tag) -> Verdict {
        let victim = Abort::of(sqe);
        let (admin, own_cid) = (capsule.queue, sqe.cid.get());
        let Some(known) = self.controllers.get_mut(controller) else { return not_aborted() };
        if known.aborts > ACL_Z {
            return Err(Status::ABORT_LIMIT_EXCEEDED.into());
        }
        let (cntlid, subsystem) = (known.cntlid, known.subsystem_id);
        let place = match victim.sqid {
            // Itself, or an Abort that waits: these end by themselves.
            0 if victim.cid == own_cid || self.aborts.is_waiting(admin, victim.cid) => return not_aborted(),
            0 => None,
            qid => match known.attached(qid) {
                Some(attached) => Some((attached.home, attached.queue, qid)),
                None => return not_aborted(),
            },
        };
        known.aborts += 1;
        let token = self.aborts.note(Asker::Command { controller, tag, queue: admin, cid: own_cid });
        match place {
            None => self.todo.push_back(Todo::Abort { queue: admin, cid: victim.cid, token }),
            Some((home, queue, qid)) => {
                let from = self.limits.config.home;
                self.tell(home, Peer::Abort { from, token, queue, cid: victim.cid, cntlid, subsystem, qid });
            }
        }
        Ok(Step::Control)
    }

    /// Another home (or this one) wants a command of a queue here aborted.
    pub(crate) fn abort_for(&mut self, from: usize, token: u64, queue: Option<u32>, cid: u16) {
        let Some(queue) = queue else { return self.tell(from, Peer::Aborted { token, aborted: false }) };
        let token = self.aborts.note(Asker::Peer { from, token });
        self.todo.push_back(Todo::Abort { queue, cid, token });
    }

    /// The machine says how an abort ended.
    pub(crate) fn on_abort_ended(&mut self, token: u64, aborted: bool) {
        match self.aborts.take(token) {
            Some(Asker::Peer { from, token }) => self.tell(from, Peer::Aborted { token, aborted }),
            Some(Asker::Command { controller, tag, queue, cid }) => {
                if let Some(controller) = self.controllers.get_mut(controller) {
                    controller.aborts -= 1;
                }
                let value = if aborted { Abort::ABORTED } else { Abort::NOT_ABORTED };
                self.todo.push_back(Todo::Answer { queue, tag, cid, result: Ok(value.into()) });
            }
            None => {}
        }
    }

    /// Another home says how an abort ended: the same, for a token of ours.
    pub(crate) fn on_aborted(&mut self, token: u64, aborted: bool) {
        self.on_abort_ended(token, aborted);
    }
}

fn not_aborted() -> Verdict {
    Ok(Step::Done(Abort::NOT_ABORTED.into()))
}
