//! [`Core`]: a group with its command set, and the mailbox through which the control plane and the other homes reach it.

use super::nvm_command::Nvm;
use super::queue::QueueCounters;
use super::subsystem::Opened;
use crate::view::{NamespaceView, SubsystemView, TransportView};
use crate::{Ack, Capsule, Completion, Message, Origin, Peer};
use dma::Pool;
use exchange::{Counters, Group, Port};
use ring::{Full, Mailbox, Sender, Tag, Tick};
use std::collections::VecDeque;
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
    /// Options and limits.
    pub transport: TransportView,
    /// Operations that this core may have in flight on one device: all its queues' depths together.
    pub channel_depth: u32,
}

/// What an acknowledgement waits for.
enum Until {
    Devices(Vec<Tag>),
    Subsystem(u32, Vec<Tag>),
    Listener(u32),
    /// What is in flight is answered, or the time is up; then all queues are ended.
    Quiet(Tick),
    Drained,
}

/// How long commands in flight may take when the process is asked to stop.
const DRAIN_NS: Tick = 1_500_000_000;

/// One core's part of NVMe-oF over one transport.
pub struct Core<P: Port> {
    group: Group<P, Nvm>,
    depth: u32,
    mailbox: Mailbox<Message>,
    homes: Vec<Sender<Message>>,
    promised: Vec<(Until, Ack)>,
    /// Devices whose descriptors nobody has asked for yet.
    fresh: Vec<Tag>,
    now: Tick,
}

/// How often a promise that something else holds up is looked at.
const PROMISE_NS: Tick = 5_000_000;

impl<P> Core<P>
where
    P: Port<Command = Capsule, Reply = Completion, Origin = Origin>,
{
    /// Joins a port and the core's buffers. `homes` leads to the mailboxes of all homes, this one included, by number.
    ///
    /// # Panics
    /// When there are not as many mailboxes as homes.
    pub fn new(config: Config, port: P, pool: Pool, mailbox: Mailbox<Message>, homes: Vec<Sender<Message>>) -> Self {
        assert!(homes.len() == config.homes && config.home < config.homes, "a mailbox for each home");
        let (depth, core) = (config.channel_depth, config.core);
        let set = Nvm::new(config, pool.largest());
        let group = Group::new(port, set, pool, core);
        Self { group, depth, mailbox, homes, promised: Vec::new(), fresh: Vec::new(), now: 0 }
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
        if !self.group.set.post.is_empty() {
            self.send_post();
        }
        if !self.promised.is_empty() {
            self.keep_promises();
        }
        work
    }

    /// When [`poll`](Self::poll) must be called although no descriptor says so and nothing came to the mailbox.
    pub fn deadline(&self) -> Option<Tick> {
        if !self.group.set.post.is_empty() || !self.mailbox.is_empty() {
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

    /// The counters of the core's queues, for anyone to read.
    pub fn queue_counters(&self) -> Arc<QueueCounters> {
        self.group.set.queues.counters.clone()
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
            Message::Subsystem { view, ack } => self.on_subsystem(&view, ack, now),
            Message::Settled { id } => self.group.set.tell_hosts(id),
            Message::RemoveSubsystem { id, ack } => {
                let targets = self.group.set.start_removing(id);
                targets.iter().for_each(|target| self.group.detach(*target, now));
                self.promised.push((Until::Subsystem(id, targets), ack));
            }
            Message::DiscoveryChanged { generation, referrals } => {
                self.group.set.discovery_changed(generation, referrals);
            }
            Message::RemoveListener { id, ack } => {
                self.group.set.close_listener(id);
                self.promised.push((Until::Listener(id), ack));
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
            Message::Peer(peer) => self.group.set.on_peer(peer),
        }
    }

    fn on_subsystem(&mut self, view: &Arc<SubsystemView>, ack: Ack, now: Tick) {
        let mut opened = Vec::with_capacity(view.namespaces.len());
        let mut new = Vec::new();
        for namespace in &view.namespaces {
            let target = match self.group.set.subsystems.kept(view.id, namespace) {
                Some(kept) => Ok(kept),
                None => self.open(namespace).inspect(|target| new.push(*target)),
            };
            match target {
                Ok(target) => opened.push(Opened { view: namespace, target }),
                Err(why) => {
                    new.into_iter().for_each(|target| self.group.detach(target, now));
                    let _ = ack.try_send(Err(why));
                    return;
                }
            }
        }
        let gone = self.group.set.replace(view, &opened);
        gone.iter().for_each(|target| self.group.detach(*target, now));
        self.fresh.extend(new);
        self.promised.push((Until::Devices(gone), ack));
    }

    fn open(&mut self, namespace: &NamespaceView) -> Result<Tag, String> {
        let channel = namespace.device.channel(self.depth)?;
        Ok(self.group.attach(channel, namespace.meters.clone()))
    }

    /// Acknowledges what came true.
    fn keep_promises(&mut self) {
        let (group, now) = (&mut self.group, self.now);
        let closed = |group: &Group<P, Nvm>, targets: &[Tag]| targets.iter().all(|target| !group.is_attached(*target));
        self.promised.retain_mut(|(until, ack)| {
            let done = match until {
                Until::Devices(targets) => closed(group, targets),
                Until::Subsystem(id, targets) => closed(group, targets) && group.set.is_removed(*id),
                Until::Listener(id) => group.set.is_listener_closed(*id),
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

    /// Sends what waits for other homes, in order; what a full mailbox refuses waits for the next turn.
    fn send_post(&mut self) {
        let mut refused: VecDeque<(usize, Peer)> = VecDeque::new();
        let post = &mut self.group.set.post;
        for _ in 0..post.len() {
            let Some((home, peer)) = post.pop_front() else { break };
            if refused.iter().any(|(full, _)| *full == home) {
                refused.push_back((home, peer));
            } else if let Err(Full(Message::Peer(peer))) = self.homes[home].send(Message::Peer(peer)) {
                refused.push_back((home, peer));
            }
        }
        post.extend(refused);
    }
}
