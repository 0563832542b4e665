//! What the machine is to do: worded only when it asks, so that SQHD goes out in the order of the completions.

use super::nvm_command::Nvm;
use super::reply::Fail;
use crate::Completion;
use exchange::Order;
use ring::Tag;
use wire::nvme::Status;

/// An order, not worded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// Answer a command that waits.
    Answer { queue: u32, tag: Tag, cid: u16, result: Result<u64, Fail> },
    /// Abort a command.
    Abort { queue: u32, cid: u16, token: u64 },
    /// End a queue.
    Close { queue: u32 },
}

impl Nvm {
    /// The next order, worded.
    pub(crate) fn word_order(&mut self) -> Option<Order<Completion>> {
        Some(match self.todo.pop_front()? {
            Todo::Answer { queue, tag, cid, result } => {
                let (status, value) = match result {
                    Ok(value) => (Status::SUCCESS, value),
                    Err(fail) => (fail.status, fail.dw0.into()),
                };
                Order::Answer { tag, reply: self.complete(queue, cid, status, value) }
            }
            Todo::Abort { queue, cid, token } => Order::Abort { queue, id: cid.into(), token },
            Todo::Close { queue } => Order::Close { queue },
        })
    }

    /// Has a queue ended, once.
    pub(crate) fn close_queue(&mut self, queue: u32) {
        let known = self.queues.get(queue).is_some_and(|q| !q.closing);
        if known {
            self.queues.at(queue).closing = true;
            self.todo.push_back(Todo::Close { queue });
        }
    }
}
