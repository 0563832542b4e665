//! The machine: every state, every event, and abort, in one place.

use crate::buffers::Buffers;
use crate::targets::Targets;
use crate::{CommandSet, Event, Order, Outcome, Plan, Port};
use bdev::{Channel, Done, Meter, Op, Status};
use dma::{Data, Pool};
use ring::{Tag, Tick};
use stats::Counter;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Where an exchange is, and so who holds its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the queue for a buffer. There is no data yet.
    Waiting,
    /// The port holds the data.
    Fetching,
    /// The channel holds the data.
    Executing,
    /// The command set will answer.
    Controlling,
    /// The command set may answer.
    Parked,
    /// The port holds the data (if any) and the reply.
    Replying,
}

/// What an exchange is about, once planned.
#[derive(Clone, Copy, Debug)]
enum Need {
    Answer { len: u32 },
    Take { len: u32 },
    Io { target: Tag, op: Op, len: u32 },
    Compare { target: Tag, block: u64, blocks: u32, len: u32 },
    Nothing,
}

struct Exchange<C> {
    tag: Tag,
    queue: u32,
    state: State,
    need: Need,
    since: Tick,
    aborted: bool,
    /// The reply said «aborted».
    ended_aborted: bool,
    /// The device whose memory is being sent.
    loan: Option<Tag>,
    /// The host's data of a comparison, while the blocks are read.
    second: Option<Data>,
    /// Who asked for the abort and waits for the end.
    aborter: Option<u64>,
    command: C,
}

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
    exchanges: Vec<Option<Exchange<P::Command>>>,
    targets: Targets,
    buffers: Buffers,
    counters: Arc<Counters>,
    now: Tick,
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
            counters: Arc::default(),
            now: 0,
        }
    }

    /// One turn of the core. Returns how much happened.
    pub fn poll(&mut self, now: Tick) -> usize {
        self.now = now;
        self.set.turn(now);
        let mut work = self.reap() + self.obey();
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
        self.set.deadline().into_iter().chain(self.targets.deadline()).min()
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
    fn obey(&mut self) -> usize {
        let mut work = 0;
        while let Some(order) = self.set.next_order() {
            work += 1;
            match order {
                Order::Answer { tag, reply } => self.on_answer(tag, reply),
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
            second: None,
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
    }

    fn follow(&mut self, tag: Tag, plan: Plan<P::Reply>) {
        let need = match plan {
            Plan::Reply(reply) => return self.send_reply(tag, reply),
            Plan::Control => return self.open(tag).state = State::Controlling,
            Plan::Park => return self.open(tag).state = State::Parked,
            Plan::Answer { len } => Need::Answer { len },
            Plan::Take { len } => Need::Take { len },
            Plan::Io { target, op, len } => Need::Io { target, op, len },
            Plan::Compare { target, block, blocks, len } => Need::Compare { target, block, blocks, len },
        };
        let exchange = self.open(tag);
        (exchange.state, exchange.need) = (State::Waiting, need);
        let queue = exchange.queue;
        // What needs no buffer waits for none. Nobody else overtakes those that wait: they are served in order at the end
        // of the turn.
        let someone_waits = self.buffers.someone_waits();
        if self.start_without_buffer(tag, &need) || !someone_waits && self.start(tag, queue, &need) {
            return;
        }
        self.counters.buffer_waits.add(1);
        self.buffers.wait(tag, !someone_waits);
    }

    /// Starts waiting exchanges, oldest first, as far as there are buffers that they may have. Looks again if some came
    /// back meanwhile, because operations failed at once.
    fn serve_waiting(&mut self) -> usize {
        let mut served = 0;
        loop {
            match self.buffers.look() {
                0 => return served,
                count => served += self.serve_first(count),
            }
        }
    }

    fn serve_first(&mut self, count: usize) -> usize {
        let mut served = 0;
        for _ in 0..count {
            let Some(tag) = self.buffers.pop_waiting() else { return served };
            let exchange = self.open(tag);
            let (queue, need) = (exchange.queue, exchange.need);
            if !self.buffers.was_refused(queue) && self.start(tag, queue, &need) {
                served += 1;
            } else {
                self.buffers.wait_again(tag, queue);
            }
        }
        served
    }

    /// Starts an operation that moves no data, or a read from the device's own memory.
    #[inline]
    fn start_without_buffer(&mut self, tag: Tag, need: &Need) -> bool {
        let Need::Io { target, op, len } = *need else { return false };
        if len == 0 {
            self.submit(tag, target, op, Data::empty());
            return true;
        }
        matches!(op, Op::Read { .. }) && self.port.lends(tag) && self.lend(tag, target, op, len)
    }

    /// Starts a planned exchange, or returns `false` when the buffer that it needs is not to be had.
    ///
    /// The need comes along, because reading back what was just written costs more than all the rest here.
    #[inline]
    fn start(&mut self, tag: Tag, queue: u32, need: &Need) -> bool {
        match *need {
            Need::Answer { len } => self.start_answer(tag, queue, len),
            Need::Io { target, op: op @ Op::Write { .. }, len } if self.write_through(tag, target, op, len) => true,
            Need::Take { len } | Need::Io { op: Op::Write { .. } | Op::Unmap { .. }, len, .. } => {
                self.start_fetch(tag, queue, len)
            }
            Need::Io { target, op, len } => self.start_read(tag, queue, target, op, len),
            Need::Compare { len, .. } => self.start_compare(tag, queue, len),
            Need::Nothing => unreachable!("only planned exchanges wait"),
        }
    }

    fn start_answer(&mut self, tag: Tag, queue: u32, len: u32) -> bool {
        let Some(mut data) = self.buffers.take(queue, len) else { return false };
        let reply = self.set.answer(&find(&mut self.exchanges, tag).command, data.bytes_mut());
        self.send_data(tag, data, reply);
        true
    }

    /// Writes data that came with the command to a device in RAM, from where it is.
    fn write_through(&mut self, tag: Tag, target: Tag, op: Op, len: u32) -> bool {
        let Some(bytes) = self.port.arrived(tag, len) else { return false };
        let Some(device) = self.targets.usable(target) else { return false };
        let Some(status) = device.channel.write_now(op, bytes) else { return false };
        self.meter(target, op, status, len, self.now);
        let reply = self.word(tag, Outcome::Done(status));
        self.send_reply(tag, reply);
        true
    }

    fn start_fetch(&mut self, tag: Tag, queue: u32, len: u32) -> bool {
        let Some(data) = self.buffers.take(queue, len) else { return false };
        self.open(tag).state = State::Fetching;
        self.port.fetch(tag, data);
        true
    }

    fn start_compare(&mut self, tag: Tag, queue: u32, len: u32) -> bool {
        let Some((first, second)) = self.buffers.take_two(queue, len) else { return false };
        let exchange = self.open(tag);
        exchange.state = State::Fetching;
        exchange.second = Some(second);
        self.port.fetch(tag, first);
        true
    }

    fn start_read(&mut self, tag: Tag, queue: u32, target: Tag, op: Op, len: u32) -> bool {
        let Some(data) = self.buffers.take(queue, len) else { return false };
        self.submit(tag, target, op, data);
        true
    }

    /// Sends a read from the device's own memory, if it lends it.
    fn lend(&mut self, tag: Tag, target: Tag, op: Op, len: u32) -> bool {
        let Some(device) = self.targets.usable(target) else { return false };
        let Some(data) = device.channel.lend(op) else { return false };
        device.loans += 1;
        self.meter(target, op, Status::Ok, len, self.now);
        self.open(tag).loan = Some(target);
        let reply = self.word(tag, Outcome::Done(Status::Ok));
        self.send_data(tag, data, reply);
        true
    }

    fn submit(&mut self, tag: Tag, target: Tag, op: Op, data: Data) {
        let now = self.now;
        let exchange = self.open(tag);
        (exchange.state, exchange.since) = (State::Executing, now);
        let Some(device) = self.targets.usable(target) else {
            return self.on_ended(tag, Status::Removed, data);
        };
        device.turn(now);
        device.inflight += 1;
        device.dirty = true;
        if let Some(done) = device.channel.submit(tag, op, data) {
            self.on_done(done);
        }
    }

    fn on_fetched(&mut self, tag: Tag, mut data: Data, ok: bool) {
        let now = self.now;
        let exchange = self.open(tag);
        assert_eq!(exchange.state, State::Fetching, "fetched by nobody's wish");
        let (queue, need) = (exchange.queue, exchange.need);
        if !ok || exchange.aborted {
            self.give_all(tag, data);
            return self.finish(tag, Outcome::FetchFailed);
        }
        match need {
            Need::Take { .. } => {
                let plan = self.set.taken(tag, &find(&mut self.exchanges, tag).command, data.bytes_mut(), now);
                self.follow_taken(tag, queue, data, plan);
            }
            Need::Io { target, op, .. } => self.submit(tag, target, op, data),
            Need::Compare { target, block, blocks, .. } => {
                let blank = self.open(tag).second.replace(data).expect("taken with the first");
                self.submit(tag, target, Op::Read { block, blocks }, blank);
            }
            Need::Answer { .. } | Need::Nothing => unreachable!("these fetch nothing"),
        }
    }

    /// Goes on with what the host sent, or without it.
    fn follow_taken(&mut self, tag: Tag, queue: u32, data: Data, plan: Plan<P::Reply>) {
        if let Plan::Io { target, op, len } = plan {
            self.open(tag).need = Need::Io { target, op, len };
            return self.submit(tag, target, op, data);
        }
        self.buffers.give(queue, data);
        self.follow(tag, plan);
    }

    fn on_done(&mut self, Done { tag, status, data }: Done) {
        let exchange = self.open(tag);
        assert_eq!(exchange.state, State::Executing, "done by nobody's wish");
        let since = exchange.since;
        let (target, op, len) = match exchange.need {
            Need::Io { target, op, len } => (target, op, len),
            Need::Compare { target, block, blocks, len } => (target, Op::Read { block, blocks }, len),
            _ => unreachable!("only operations execute"),
        };
        if let Some(device) = self.targets.get_mut(target) {
            device.inflight -= 1;
        }
        self.meter(target, op, status, len, since);
        self.on_ended(tag, status, data);
    }

    /// An operation is over and its data home.
    fn on_ended(&mut self, tag: Tag, status: Status, data: Data) {
        let exchange = self.open(tag);
        if is_read(exchange.need) && status == Status::Ok && !exchange.aborted {
            let reply = self.word(tag, Outcome::Done(status));
            return self.send_data(tag, data, reply);
        }
        let same = exchange.second.as_ref().is_none_or(|wanted| status != Status::Ok || wanted.bytes() == data.bytes());
        self.give_all(tag, data);
        self.finish(tag, if same { Outcome::Done(status) } else { Outcome::Miscompare });
    }

    fn on_sent(&mut self, tag: Tag, data: Data) {
        let slot = &mut self.exchanges[tag.index()];
        let exchange = slot.take().expect("sent under an open tag");
        assert!(exchange.tag == tag && exchange.state == State::Replying, "sent by nobody's wish");
        self.counters.completions.add(1);
        self.buffers.give(exchange.queue, data);
        if let Some(device) = exchange.loan.and_then(|target| self.targets.get_mut(target)) {
            device.loans -= 1;
        }
        if let Some(token) = exchange.aborter {
            self.set.abort_ended(token, exchange.ended_aborted);
            self.obey();
        }
    }

    /// Notes the abort and hurries whoever holds the data. Nobody takes data from its holder.
    fn on_abort(&mut self, tag: Tag) {
        self.counters.aborts.add(1);
        let exchange = self.open(tag);
        let (state, need) = (exchange.state, exchange.need);
        if std::mem::replace(&mut exchange.aborted, true) {
            return;
        }
        match state {
            State::Waiting => {
                self.buffers.stop_waiting(tag);
                self.finish(tag, Outcome::Aborted);
            }
            State::Fetching => self.port.cancel(tag),
            State::Executing => {
                let (Need::Io { target, .. } | Need::Compare { target, .. }) = need else {
                    unreachable!("only operations execute")
                };
                if let Some(device) = self.targets.get_mut(target) {
                    device.channel.cancel(tag);
                    device.dirty = true;
                }
            }
            // The answer comes all the same.
            State::Controlling => {}
            State::Parked => {
                self.set.unpark(tag);
                self.finish(tag, Outcome::Aborted);
            }
            // The reply is on its way: too late.
            State::Replying => {}
        }
    }

    fn abort_by_id(&mut self, queue: u32, id: u32, token: u64) {
        let set = &self.set;
        // A host may give the name again as soon as it has the reply, so one that is replied to does not count.
        let named = |exchange: &&mut Exchange<P::Command>| {
            exchange.queue == queue && exchange.state != State::Replying && set.id(&exchange.command) == id
        };
        match self.exchanges.iter_mut().flatten().find(named) {
            // What the command set is answering is too far: nothing hurries it, and it might be this very abort.
            Some(victim) if victim.state != State::Controlling && victim.aborter.is_none() => {
                victim.aborter = Some(token);
                let tag = victim.tag;
                self.on_abort(tag);
            }
            _ => self.set.abort_ended(token, false),
        }
    }

    fn on_answer(&mut self, tag: Tag, reply: P::Reply) {
        let exchange = self.open(tag);
        assert!(matches!(exchange.state, State::Controlling | State::Parked), "answered by nobody's wish");
        if exchange.aborted {
            return self.finish(tag, Outcome::Aborted);
        }
        self.send_reply(tag, reply);
    }

    /// Replies to an exchange whose data is home. An abort that came in time decides the wording, unless a device had
    /// done the work already.
    fn finish(&mut self, tag: Tag, outcome: Outcome) {
        let exchange = self.open(tag);
        let outcome = match outcome {
            Outcome::Done(Status::Aborted) | Outcome::FetchFailed if exchange.aborted => Outcome::Aborted,
            Outcome::Done(Status::Ok) if exchange.aborted && is_read(exchange.need) => Outcome::Aborted,
            outcome => outcome,
        };
        exchange.ended_aborted = outcome == Outcome::Aborted;
        let reply = self.word(tag, outcome);
        self.send_reply(tag, reply);
    }

    /// Has the command set word the reply.
    #[inline]
    fn word(&mut self, tag: Tag, outcome: Outcome) -> P::Reply {
        self.set.reply(&find(&mut self.exchanges, tag).command, outcome)
    }

    #[inline]
    fn send_reply(&mut self, tag: Tag, reply: P::Reply) {
        self.open(tag).state = State::Replying;
        self.port.reply(tag, reply);
    }

    #[inline]
    fn send_data(&mut self, tag: Tag, data: Data, reply: P::Reply) {
        self.open(tag).state = State::Replying;
        self.port.send(tag, data, reply);
    }

    fn give_all(&mut self, tag: Tag, data: Data) {
        let exchange = self.open(tag);
        let (queue, second) = (exchange.queue, exchange.second.take());
        self.buffers.give(queue, data);
        if let Some(second) = second {
            self.buffers.give(queue, second);
        }
    }

    fn meter(&self, target: Tag, op: Op, status: Status, len: u32, since: Tick) {
        if let Some(meter) = self.targets.meter(target) {
            meter.count(op, status, len, self.now.saturating_sub(since));
        }
    }

    /// Lets go of devices that are wanted back, and of queues that keep them from going.
    fn close_targets(&mut self) {
        let Some(overdue) = self.targets.close_idle(self.now) else { return };
        for exchange in self.exchanges.iter().flatten().filter(|exchange| exchange.loan == Some(overdue)) {
            self.port.close(exchange.queue);
        }
    }

    #[inline]
    fn open(&mut self, tag: Tag) -> &mut Exchange<P::Command> {
        find(&mut self.exchanges, tag)
    }
}

/// The exchange under `tag`. A port or channel that names another breaks its contract.
#[inline]
fn find<C>(exchanges: &mut [Option<Exchange<C>>], tag: Tag) -> &mut Exchange<C> {
    let exchange = exchanges[tag.index()].as_mut().expect("the tag is open");
    assert!(exchange.tag == tag, "the tag is of this turn");
    exchange
}

/// Whether the reply to it, done, comes with data.
fn is_read(need: Need) -> bool {
    matches!(need, Need::Io { op: Op::Read { .. }, .. })
}
