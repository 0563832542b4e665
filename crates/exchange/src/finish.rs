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
    pub(crate) fn follow_taken(&mut self, tag: Tag, queue: u32, data: Data, plan: Plan<P::Reply>) {
        if let Plan::Io { target, op, len } = plan {
            self.open(tag).need = Need::Io { target, op, len };
            return self.submit(tag, target, op, data);
        }
        self.buffers.give(queue, data);
        self.follow(tag, plan);
    }

    pub(crate) fn on_done(&mut self, Done { tag, status, data }: Done) {
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
    pub(crate) fn on_ended(&mut self, tag: Tag, status: Status, data: Data) {
        let exchange = self.open(tag);
        if is_read(exchange.need) && status == Status::Ok && !exchange.aborted {
            let reply = self.word(tag, Outcome::Done(status));
            return self.send_data(tag, data, reply);
        }
        let same = exchange.second.as_ref().is_none_or(|wanted| status != Status::Ok || wanted.bytes() == data.bytes());
        self.give_all(tag, data);
        self.finish(tag, if same { Outcome::Done(status) } else { Outcome::Miscompare });
    }

    pub(crate) fn on_sent(&mut self, tag: Tag, data: Data) {
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
        self.set.reply(&find(&mut self.exchanges, tag).command, outcome)
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
