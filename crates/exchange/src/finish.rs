//! From data that came, or an operation that ended, to the reply that is out.

use crate::exchange::{Need, State, find, is_read};
use crate::{CommandSet, Group, Outcome, Plan, Port};
use bdev::{Done, Op, Status};
use dma::Data;
use ring::{Tag, Tick};

impl<P, S> Group<P, S>
where
    P: Port,
    S: CommandSet<Command = P::Command, Reply = P::Reply, Origin = P::Origin>,
{
    pub(crate) fn on_fetched(&mut self, tag: Tag, mut data: Data, ok: bool) {
        let now = self.now;
        let exchange = self.open(tag);
        assert_eq!(exchange.state, State::Fetching, "fetched by nobody's wish");
        let (queue, need) = (exchange.queue, exchange.need);
        if !ok || exchange.aborted {
            self.buffers.give(queue, data);
            return self.end_steps(tag, Outcome::FetchFailed);
        }
        match need {
            Need::Take { .. } => {
                let plan = self.set.taken(tag, &find(&mut self.exchanges, tag).command, data.bytes_mut(), now);
                self.follow_taken(tag, queue, data, plan);
            }
            Need::Io { target, op, .. } => self.launch(tag, target, op, data),
            Need::Steps { .. } => {
                self.open(tag).taken = data;
                self.go_on(tag, None);
            }
            Need::Answer { .. } | Need::Step { .. } | Need::Nothing => unreachable!("these fetch nothing"),
        }
    }

    /// Goes on with what the host sent, or without it.
    pub(crate) fn follow_taken(&mut self, tag: Tag, queue: u32, data: Data, plan: Plan<P::Reply>) {
        let Plan::Io { target, op, len: len @ 1.. } = plan else {
            assert!(!matches!(plan, Plan::Steps { take: 1.., .. }), "the host's data came already");
            self.buffers.give(queue, data);
            return self.follow(tag, plan);
        };
        self.open(tag).need = Need::Io { target, op, len };
        self.launch(tag, target, op, data);
    }

    /// Starts an operation whose data is here, if it may start now.
    #[inline]
    fn launch(&mut self, tag: Tag, target: Tag, op: Op, data: Data) {
        let exchange = find(&mut self.exchanges, tag);
        if self.set.may_start(tag, &exchange.command, op, true) {
            return self.submit(tag, target, op, data);
        }
        (exchange.state, exchange.taken) = (State::Paused, data);
    }

    pub(crate) fn on_done(&mut self, done: Done) {
        let (tag, status, data) = self.account(done);
        self.on_ended(tag, status, data);
    }

    /// The channel gave back an operation: counts it.
    #[inline]
    pub(crate) fn account(&mut self, Done { tag, status, data }: Done) -> (Tag, Status, Data) {
        let exchange = self.open(tag);
        assert_eq!(exchange.state, State::Executing, "done by nobody's wish");
        let since = exchange.since;
        let (target, op, len) = match exchange.need {
            Need::Io { target, op, len } | Need::Step { target, op, len, .. } => (target, op, len),
            _ => unreachable!("only operations execute"),
        };
        if let Some(device) = self.targets.get_mut(target) {
            device.inflight -= 1;
        }
        self.meter(target, op, status, len, since);
        (tag, status, data)
    }

    /// An operation is over and its data home.
    pub(crate) fn on_ended(&mut self, tag: Tag, status: Status, data: Data) {
        let exchange = self.open(tag);
        let (queue, need) = (exchange.queue, exchange.need);
        if is_read(need) && status == Status::Ok && !exchange.aborted {
            let reply = self.word(tag, Outcome::Done(status));
            return self.send_data(tag, data, reply);
        }
        if let Need::Step { on, whole, .. } = need {
            self.put_back(tag, on, whole, data);
            return self.go_on(tag, Some(status));
        }
        self.buffers.give(queue, data);
        self.finish(tag, Outcome::Done(status));
    }

    pub(crate) fn on_sent(&mut self, tag: Tag, data: Data) {
        let slot = &mut self.exchanges[tag.index()];
        let exchange = slot.take().expect("sent under an open tag");
        assert!(exchange.tag == tag && exchange.state == State::Replying, "sent by nobody's wish");
        self.counters.completions.add(1);
        self.set.sent(tag);
        self.buffers.give(exchange.queue, data);
        if let Some(device) = exchange.loan.and_then(|target| self.targets.get_mut(target)) {
            device.loans -= 1;
        }
        if let Some(token) = exchange.aborter {
            self.set.abort_ended(token, exchange.ended_aborted);
            self.obey();
        }
    }

    /// The command set wants a parked command, or steps that pause, to go on.
    pub(crate) fn on_start(&mut self, tag: Tag) {
        let now = self.now;
        let exchange = self.open(tag);
        if exchange.state == State::Paused {
            let Need::Io { target, op, .. } = exchange.need else { return self.go_on(tag, None) };
            let data = std::mem::take(&mut exchange.taken);
            return self.submit(tag, target, op, data);
        }
        assert_eq!(exchange.state, State::Parked, "started by nobody's wish");
        exchange.state = State::Controlling;
        let plan = self.set.resume(tag, &find(&mut self.exchanges, tag).command, now);
        self.follow(tag, plan);
    }

    pub(crate) fn on_answer(&mut self, tag: Tag, reply: P::Reply) {
        let exchange = self.open(tag);
        let waits = matches!(exchange.state, State::Controlling | State::Parked | State::Paused);
        assert!(waits, "answered by nobody's wish");
        if exchange.aborted {
            return self.finish(tag, Outcome::Aborted);
        }
        self.give_pieces(tag);
        self.send_reply(tag, reply);
    }

    /// Replies to an exchange whose data is home. An abort that came in time decides the wording, unless a device had
    /// done the work already.
    pub(crate) fn finish(&mut self, tag: Tag, outcome: Outcome) {
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
    pub(crate) fn word(&mut self, tag: Tag, outcome: Outcome) -> P::Reply {
        self.set.reply(tag, &find(&mut self.exchanges, tag).command, outcome)
    }

    #[inline]
    pub(crate) fn send_reply(&mut self, tag: Tag, reply: P::Reply) {
        self.open(tag).state = State::Replying;
        self.port.reply(tag, reply);
    }

    #[inline]
    pub(crate) fn send_data(&mut self, tag: Tag, data: Data, reply: P::Reply) {
        self.open(tag).state = State::Replying;
        self.port.send(tag, data, reply);
    }

    pub(crate) fn meter(&self, target: Tag, op: Op, status: Status, len: u32, since: Tick) {
        if let Some(meter) = self.targets.meter(target) {
            meter.count(op, status, len, self.now.saturating_sub(since));
        }
    }
}
