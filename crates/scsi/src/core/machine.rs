//! [`Core`]: a group with its command set, and the mailbox through which the control plane and the other homes reach it.

use super::scsi::Scsi;
use crate::{Ack, Device, LogicalUnitView, Message, Origin, Peer, Reply, Task};
use dma::Pool;
use exchange::{Counters, Group, Port};
use ring::{Mailbox, Tag, Tick};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// What one core's part of a transport is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The core: index of its counters.
    pub core: usize,
    /// Bytes of the largest transfer; less when the core's largest buffer holds less. REPORT LUNS of a full map takes
    /// 131,080 bytes, and is cut where this ends.
    pub max_transfer: u32,
    /// Operations that this core may have in flight on one device: all its nexuses together.
    pub channel_depth: u32,
    /// What all cores share.
    pub device: Arc<Device>,
}

/// What an acknowledgement waits for.
enum Until {
    /// Devices are closed, and no command is open on what its nexus lost.
    Closed(Vec<Tag>),
    /// What is in flight is answered, or the time is up; then all nexuses are ended.
    Quiet(Tick),
    Drained,
}

/// How long commands in flight may take when the process is asked to stop.
const DRAIN_NS: Tick = 1_500_000_000;

/// How often a promise that something else holds up is looked at.
const PROMISE_NS: Tick = 5_000_000;

/// One core's part of the device server behind one transport.
pub struct Core<P: Port> {
    group: Group<P, Scsi>,
    depth: u32,
    mailbox: Mailbox<Message>,
    promised: Vec<(Until, Ack)>,
    /// Devices whose descriptors nobody has asked for yet.
    fresh: Vec<Tag>,
    now: Tick,
}

impl<P> Core<P>
where
    P: Port<Command = Task, Reply = Reply, Origin = Origin>,
{
    /// Joins a port and the core's buffers. It is alone until [`Message::Homes`].
    pub fn new(config: Config, port: P, pool: Pool, mailbox: Mailbox<Message>) -> Self {
        let (depth, core) = (config.channel_depth, config.core);
        let set = Scsi::new(config, pool.largest());
        let group = Group::new(port, set, pool, core);
        Self { group, depth, mailbox, promised: Vec::new(), fresh: Vec::new(), now: 0 }
    }

    /// One turn: messages, then the group. Returns how much happened.
    pub fn poll(&mut self, now: Tick) -> usize {
        self.now = now;
        let mut work = 0;
        while let Some(message) = self.mailbox.next() {
            work += 1;
            self.group.set.now = now;
            self.on_message(message, now);
        }
        work += self.group.poll(now);
        if self.group.set.homes.has_post() {
            self.group.set.homes.send_post();
        }
        if !self.promised.is_empty() {
            self.keep_promises();
        }
        work
    }

    /// When [`poll`](Self::poll) must be called although no descriptor says so and nothing came to the mailbox.
    pub fn deadline(&self) -> Option<Tick> {
        if self.group.set.homes.has_post() || !self.mailbox.is_empty() {
            return Some(0);
        }
        let promise = (!self.promised.is_empty()).then_some(self.now + PROMISE_NS);
        self.group.deadline().into_iter().chain(promise).min()
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

    fn on_message(&mut self, message: Message, now: Tick) {
        match message {
            Message::Homes { own, all, ack } => {
                self.group.set.put_homes(own, all);
                let _ = ack.try_send(Ok(()));
            }
            Message::LogicalUnit { view, ack } => match self.device_of(&view) {
                Ok(target) => {
                    let gone = self.group.set.put_unit(&view, target);
                    self.close(gone, ack, now);
                }
                Err(why) => {
                    let _ = ack.try_send(Err(why));
                }
            },
            Message::RemoveLogicalUnit { id, ack } => {
                let gone = self.group.set.remove_unit(id);
                self.close(gone, ack, now);
            }
            Message::Node { view, ack } => {
                self.group.set.put_node(view);
                self.close(None, ack, now);
            }
            Message::RemoveNode { id, ack } => {
                self.group.set.remove_node(id);
                self.close(None, ack, now);
            }
            Message::AccessChanged { node, ack } => {
                self.group.set.access_changed(node);
                let _ = ack.try_send(Ok(()));
            }
            Message::Drain { ack } => {
                for queue in self.group.set.start_draining() {
                    self.group.port.quiesce(queue);
                }
                self.promised.push((Until::Quiet(now + DRAIN_NS), ack));
            }
            Message::Report { to } => {
                let _ = to.try_send(self.group.set.report());
            }
            Message::Peer(Peer(news)) => self.group.set.on_news(news),
        }
    }

    /// The device of a logical unit: the one that is open already, or a new one.
    fn device_of(&mut self, view: &LogicalUnitView) -> Result<Tag, String> {
        if let Some(kept) = self.group.set.units.kept(view) {
            return Ok(kept);
        }
        let channel = view.device.channel(self.depth)?;
        let target = self.group.attach(channel, view.meters.clone());
        self.fresh.push(target);
        Ok(target)
    }

    /// Closes a device, and acknowledges when that is done.
    fn close(&mut self, gone: Option<Tag>, ack: Ack, now: Tick) {
        gone.iter().for_each(|target| self.group.detach(*target, now));
        self.promised.push((Until::Closed(gone.into_iter().collect()), ack));
    }

    /// Acknowledges what came true.
    fn keep_promises(&mut self) {
        let (group, now) = (&mut self.group, self.now);
        self.promised.retain_mut(|(until, ack)| {
            let done = match until {
                Until::Closed(targets) => {
                    targets.iter().all(|target| !group.is_attached(*target)) && group.set.is_settled()
                }
                Until::Drained => group.set.is_drained(),
                Until::Quiet(limit) if now > *limit || group.is_quiet() => {
                    group.set.close_all();
                    *until = Until::Drained;
                    false
                }
                Until::Quiet(_) => false,
            };
            if done {
                let _ = ack.try_send(Ok(()));
            }
            !done
        });
    }
}
