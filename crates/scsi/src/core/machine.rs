//! [`Core`]: a group with its command set, and the mailbox through which the control plane and the other homes reach it.

use super::scsi::Scsi;
use crate::{Message, Origin, Reply, Task};
use dma::Pool;
use exchange::{Counters, Group, Port};
use ring::{Mailbox, Sender, Tag, Tick};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// What one core's part of a transport is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which home this is.
    pub home: usize,
    /// How many there are.
    pub homes: usize,
    /// The core: index of its counters.
    pub core: usize,
    /// Bytes of the largest transfer; less when the core's largest buffer holds less.
    pub max_transfer: u32,
    /// Operations that this core may have in flight on one device: all its nexuses together.
    pub channel_depth: u32,
}

/// One core's part of the device server behind one transport.
pub struct Core<P: Port> {
    group: Group<P, Scsi>,
    mailbox: Mailbox<Message>,
    homes: Vec<Sender<Message>>,
    /// Devices whose descriptors nobody has asked for yet.
    fresh: Vec<Tag>,
    now: Tick,
}

impl<P> Core<P>
where
    P: Port<Command = Task, Reply = Reply, Origin = Origin>,
{
    /// Joins a port and the core's buffers. `homes` leads to the mailboxes of all homes, this one included, by number.
    ///
    /// # Panics
    /// When there are not as many mailboxes as homes.
    pub fn new(config: Config, port: P, pool: Pool, mailbox: Mailbox<Message>, homes: Vec<Sender<Message>>) -> Self {
        assert!(homes.len() == config.homes && config.home < config.homes, "a mailbox for each home");
        let core = config.core;
        let group = Group::new(port, Scsi::new(config), pool, core);
        Self { group, mailbox, homes, fresh: Vec::new(), now: 0 }
    }

    /// One turn: messages, then the group. Returns how much happened.
    pub fn poll(&mut self, now: Tick) -> usize {
        self.now = now;
        self.group.poll(now)
    }

    /// When [`poll`](Self::poll) must be called although no descriptor says so and nothing came to the mailbox.
    pub fn deadline(&self) -> Option<Tick> {
        if !self.mailbox.is_empty() || self.homes.is_empty() {
            return Some(0);
        }
        self.group.deadline()
    }

    /// The fabric.
    pub fn port(&self) -> &P {
        &self.group.port
    }

    /// The fabric, for what only it knows.
    pub fn port_mut(&mut self) -> &mut P {
        &mut self.group.port
    }

    /// The counters of the exchange machine, for anyone to read.
    pub fn counters(&self) -> Arc<Counters> {
        self.group.counters()
    }

    /// Open exchanges, bytes of buffers out, and exchanges that wait for one.
    pub fn census(&self) -> (usize, usize, usize) {
        self.group.census()
    }

    /// Whether descriptors of devices were opened that [`take_new_fds`](Self::take_new_fds) has not shown yet.
    pub fn has_new_fds(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Shows each descriptor that wakes a sleeping core for a device, once, after the device was opened. It is closed
    /// with the device, and so leaves an epoll set by itself.
    pub fn take_new_fds(&mut self, mut show: impl FnMut(BorrowedFd<'_>)) {
        for target in std::mem::take(&mut self.fresh) {
            if let Some(fd) = self.group.target_fd(target) {
                show(fd);
            }
        }
    }
}
