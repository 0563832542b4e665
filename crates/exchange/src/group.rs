//! The machine's loop: what comes from the port, the channels and the command set, one at a time.
//!
//! What follows from it is in `start`, `steps`, `finish` and `abort`; an exchange itself in `exchange`.

use crate::buffers::Buffers;
use crate::exchange::{Exchange, Need, State, find};
use crate::targets::Targets;
use crate::{CommandSet, Event, Order, Port};
use bdev::{Channel, Meter, Status};
use dma::{Data, Pool};
use ring::{Tag, Tick};
use stats::Counter;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// What a group counts. Its core alone writes.
#[derive(Default)]
pub struct Counters {
    /// Commands taken in.
    pub commands: Counter,
    /// Commands over.
    pub completions: Counter,
    /// Aborts asked for, lost connections included.
    pub aborts: Counter,
    /// Times that a command had to wait for a buffer.
    pub buffer_waits: Counter,
}

/// One core's exchanges of one port and one command set.
pub struct Group<P: Port, S> {
    /// The fabric.
    pub port: P,
    /// The command set.
    pub set: S,
    pub(crate) exchanges: Vec<Option<Exchange<P::Command>>>,
    pub(crate) targets: Targets,
    pub(crate) buffers: Buffers,
    /// Steps whose turn is over, and how the last one ended.
    pub(crate) resting: VecDeque<(Tag, Option<Status>)>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) now: Tick,
}

impl<P, S> Group<P, S>
where
    P: Port,
    S: CommandSet<Command = P::Command, Reply = P::Reply, Origin = P::Origin>,
{
    /// Joins a port and a command set on `core` (the index of its counters).
    pub fn new(port: P, set: S, pool: Pool, core: usize) -> Self {
        Self {
            port,
            set,
            exchanges: Vec::new(),
            targets: Targets::new(core),
            buffers: Buffers::new(pool),
            resting: VecDeque::new(),
            counters: Arc::default(),
            now: 0,
        }
    }

    /// One turn of the core. Returns how much happened.
    pub fn poll(&mut self, now: Tick) -> usize {
        self.now = now;
        self.set.turn(now);
        let mut work = self.reap() + self.go_on_resting() + self.obey();
        while let Some(event) = self.port.next(now) {
            work += 1;
            self.on_event(event);
            self.obey();
        }
        work += self.serve_waiting() + self.obey();
        self.targets.ring_bells();
        self.port.flush();
        self.close_targets();
        work
    }

    /// Opens a device. Not on the I/O path: it may allocate.
    pub fn attach(&mut self, channel: Box<dyn Channel>, meters: Arc<[Meter]>) -> Tag {
        self.targets.attach(channel, meters)
    }

    /// Closes a device: what is in flight is hurried, what comes later is told that it is gone.
    pub fn detach(&mut self, target: Tag, now: Tick) {
        self.targets.detach(target, now);
    }

    /// Whether a device is open still; after [`detach`](Self::detach) until the last operation is home.
    pub fn is_attached(&self, target: Tag) -> bool {
        self.targets.is_open(target)
    }

    /// What wakes a sleeping core for a device.
    pub fn target_fd(&self, target: Tag) -> Option<BorrowedFd<'_>> {
        self.targets.get(target).and_then(|target| target.channel.fd())
    }

    /// When [`poll`](Self::poll) must be called although no descriptor says so.
    pub fn deadline(&self) -> Option<Tick> {
        let resting = (!self.resting.is_empty()).then_some(self.now);
        self.set.deadline().into_iter().chain(self.targets.deadline()).chain(resting).min()
    }

    /// The counters, for anyone to read.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// The largest piece of data that a plan may ask for, in bytes.
    pub fn largest_data(&self) -> u32 {
        self.buffers.largest()
    }

    /// Open exchanges, bytes of buffers out, and exchanges that wait for one. For tests and for a look from outside.
    pub fn census(&self) -> (usize, usize, usize) {
        let (out, waiting) = self.buffers.census();
        (self.exchanges.iter().flatten().count(), out, waiting)
    }

    /// Whether no exchange is on its way: what is left is answered by the command set, perhaps never.
    pub fn is_quiet(&self) -> bool {
        let resting = |exchange: &Exchange<P::Command>| matches!(exchange.state, State::Parked | State::Controlling);
        self.exchanges.iter().flatten().all(resting)
    }

    fn reap(&mut self) -> usize {
        let mut work = 0;
        for place in 0..self.targets.capacity() {
            if let Some(target) = self.targets.busy_at(place) {
                target.turn(self.now);
            }
            while let Some(done) = self.targets.busy_at(place).and_then(|target| target.channel.next()) {
                work += 1;
                self.on_done(done);
            }
        }
        work
    }

    /// Does what the command set ordered.
    pub(crate) fn obey(&mut self) -> usize {
        let mut work = 0;
        while let Some(order) = self.set.next_order() {
            work += 1;
            match order {
                Order::Answer { tag, reply } => self.on_answer(tag, reply),
                Order::Start { tag } => self.on_start(tag),
                Order::Hurry { tag } => self.hurry(tag),
                Order::Abort { queue, id, token } => self.abort_by_id(queue, id, token),
                Order::Close { queue } => self.port.close(queue),
            }
        }
        work
    }

    fn on_event(&mut self, event: Event<P::Command, P::Origin>) {
        match event {
            Event::Command { tag, queue, command } => self.on_command(tag, queue, command),
            Event::Fetched { tag, data, ok } => self.on_fetched(tag, data, ok),
            Event::Sent { tag, data } => self.on_sent(tag, data),
            Event::Abort { tag } => self.on_abort(tag),
            Event::Opened { queue, origin } => self.on_opened(queue, origin),
            Event::Closed { queue } => {
                assert!(self.buffers.is_home(queue), "a queue was closed with exchanges open");
                self.set.closed(queue);
            }
        }
    }

    /// Makes room for what the queue may bring: here, so that its commands find it and nothing allocates for them.
    fn on_opened(&mut self, queue: u32, origin: P::Origin) {
        self.buffers.open(queue);
        if self.port.places() > self.exchanges.len() {
            self.grow();
        }
        self.set.opened(queue, origin, self.now);
    }

    fn on_command(&mut self, tag: Tag, queue: u32, command: P::Command) {
        if tag.index() >= self.exchanges.len() {
            self.grow();
        }
        self.counters.commands.add(1);
        let slot = &mut self.exchanges[tag.index()];
        assert!(slot.is_none(), "the port gave a tag that is in use");
        let exchange = slot.insert(Exchange {
            tag,
            queue,
            state: State::Controlling,
            need: Need::Nothing,
            since: self.now,
            aborted: false,
            ended_aborted: false,
            loan: None,
            taken: Data::empty(),
            scratch: Data::empty(),
            aborter: None,
            command,
        });
        let plan = self.set.plan(tag, &exchange.command, self.now);
        self.follow(tag, plan);
    }

    /// The port's table grew.
    #[cold]
    fn grow(&mut self) {
        let places = self.port.places();
        self.exchanges.resize_with(places, || None);
        self.buffers.grow(places);
        self.resting.reserve(places);
        self.set.places(places);
    }

    /// Lets go of devices that are wanted back, and of queues that keep them from going.
    fn close_targets(&mut self) {
        let Some(overdue) = self.targets.close_idle(self.now) else { return };
        for exchange in self.exchanges.iter().flatten().filter(|exchange| exchange.loan == Some(overdue)) {
            self.port.close(exchange.queue);
        }
    }

    #[inline]
    pub(crate) fn open(&mut self, tag: Tag) -> &mut Exchange<P::Command> {
        find(&mut self.exchanges, tag)
    }
}
