//! A node, an adapter, on a core.

use fc::{Link, Node};
use qla::Adapter;
use reactor::{Poller, Wake};
use ring::Tick;
use std::os::fd::BorrowedFd;

/// Runs a node on a reactor.
pub struct NodePoller<L: Link> {
    node: Node<L>,
    name: String,
}

impl<L: Link> NodePoller<L> {
    /// A poller that is called `fc_` and `name`.
    pub fn new(node: Node<L>, name: &str) -> Self {
        Self { node, name: format!("fc_{name}") }
    }
}

impl<L: Link> Poller for NodePoller<L> {
    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, now: Tick) -> usize {
        self.node.poll(now)
    }

    /// Whoever has something for the node puts it into a lane, the mailbox or the link and then wakes the core: all three are
    /// looked at here.
    fn wake(&mut self) -> Wake {
        if self.node.is_pending() {
            return Wake::Ready;
        }
        self.node.deadline().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.node.fd()
    }
}

/// Runs an adapter's driver on a reactor.
pub struct AdapterPoller {
    adapter: Adapter,
    name: String,
}

impl AdapterPoller {
    /// A poller that is called `hba_` and the adapter's address.
    pub fn new(adapter: Adapter, address: &str) -> Self {
        Self { adapter, name: format!("hba_{address}") }
    }
}

impl Poller for AdapterPoller {
    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, now: Tick) -> usize {
        self.adapter.poll(now)
    }

    /// The driver has no interrupts: what the adapter itself has for us is found at the deadline at the latest.
    fn wake(&mut self) -> Wake {
        if self.adapter.is_pending() {
            return Wake::Ready;
        }
        self.adapter.deadline().map_or(Wake::Event, Wake::At)
    }
}
