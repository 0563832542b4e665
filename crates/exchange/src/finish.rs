//! From data that came, or an operation that ended, to the reply that is out.

use crate::exchange::{Need, State, find, is_read, is_series};
use crate::{CommandSet, Group, Outcome, Plan, Port};
use bdev::{Done, Op, Status};
use dma::Data;
use ring::{Tag, Tick};

/// Operations of a series that a device may end at once, one after the other, in one turn.
const SERIES_AT_ONCE: u32 = 64;

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
            Need::Answer { .. } | Need::Series { .. } | Need::Nothing => unreachable!("these fetch nothing"),
        }
    }

    /// Goes on with what the host sent, or without it.
    pub(crate) fn follow_taken(&mut self, tag: Tag, queue: u32, data: Data, plan: Plan<P::Reply>) {
        let (need, target, op) = match plan {
            Plan::Io { target, op, len } if len > 0 => (Need::Io { target, op, len }, target, op),
            Plan::Series { target, op, len } => (Need::Series { target, op, len }, target, op),
            _ => {
                self.buffers.give(queue, data);
                return self.follow(tag, plan);
            }
        };
        self.open(tag).need = need;
        self.submit(tag, target, op, data);
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
            Need::Io { target, op, len } | Need::Series { target, op, len } => (target, op, len),
            Need::Compare { target, block, blocks, len } => (target, Op::Read { block, blocks }, len),
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
        if is_read(exchange.need) && status == Status::Ok && !exchange.aborted {
            let reply = self.word(tag, Outcome::Done(status));
            return self.send_data(tag, data, reply);
        }
        if is_series(exchange.need) && status == Status::Ok && !exchange.aborted {
            return self.go_on(tag, data);
        }
        let same = exchange.second.as_ref().is_none_or(|wanted| status != Status::Ok || wanted.bytes() == data.bytes());
        self.give_all(tag, data);
        self.finish(tag, if same { Outcome::Done(status) } else { Outcome::Miscompare });
    }

    /// The next operations of a series, or its end. A device that is done with each at once gets only so many in a turn.
    pub(crate) fn go_on(&mut self, tag: Tag, mut data: Data) {
        for _ in 0..SERIES_AT_ONCE {
            let exchange = self.open(tag);
            let Need::Series { target, .. } = exchange.need else { unreachable!("only a series goes on") };
            let next = if exchange.aborted { None } else { self.set.next_op(tag) };
            let Some(next) = next else {
                self.give_all(tag, data);
                return self.finish(tag, Outcome::Done(Status::Ok));
            };
            if let Need::Series { op, .. } = &mut self.open(tag).need {
                *op = next;
            }
            match self.try_submit(tag, target, next, data) {
                None => return,
                Some((Status::Ok, back)) => data = back,
                Some((status, back)) => {
                    self.give_all(tag, back);
                    return self.finish(tag, Outcome::Done(status));
                }
            }
        }
        self.open(tag).state = State::Resting;
        self.resting.push_back((tag, data));
    }

    /// Series whose turn was over go on.
    pub(crate) fn go_on_resting(&mut self) -> usize {
        let count = self.resting.len();
        for _ in 0..count {
            let Some((tag, data)) = self.resting.pop_front() else { break };
            self.go_on(tag, data);
        }
        count
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

    /// The command set wants a parked command to go on.
    pub(crate) fn on_start(&mut self, tag: Tag) {
        let now = self.now;
        let exchange = self.open(tag);
        assert_eq!(exchange.state, State::Parked, "started by nobody's wish");
        exchange.state = State::Controlling;
        let plan = self.set.resume(tag, &find(&mut self.exchanges, tag).command, now);
        self.follow(tag, plan);
    }

    pub(crate) fn on_answer(&mut self, tag: Tag, reply: P::Reply) {
        let exchange = self.open(tag);
        assert!(matches!(exchange.state, State::Controlling | State::Parked), "answered by nobody's wish");
        if exchange.aborted {
            return self.finish(tag, Outcome::Aborted);
        }
        self.send_reply(tag, reply);
    }

    /// Replies to an exchange whose data is home. An abort that came in time decides the wording, unless a device had
    /// done the work already.
    pub(crate) fn finish(&mut self, tag: Tag, outcome: Outcome) {
        let exchange = self.open(tag);
        let outcome = match outcome {
            Outcome::Done(Status::Aborted) | Outcome::FetchFailed if exchange.aborted => Outcome::Aborted,
            Outcome::Done(Status::Ok) if exchange.aborted && is_series(exchange.need) => Outcome::Aborted,
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

    pub(crate) fn give_all(&mut self, tag: Tag, data: Data) {
        let exchange = self.open(tag);
        let (queue, second) = (exchange.queue, exchange.second.take());
        self.buffers.give(queue, data);
        if let Some(second) = second {
            self.buffers.give(queue, second);
        }
    }

    pub(crate) fn meter(&self, target: Tag, op: Op, status: Status, len: u32, since: Tick) {
        if let Some(meter) = self.targets.meter(target) {
            meter.count(op, status, len, self.now.saturating_sub(since));
        }
    }
}
