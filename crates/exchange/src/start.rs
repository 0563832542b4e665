//! From a plan to the first step: who needs a buffer, who waits for one, who does without.

use crate::exchange::{Need, State, find};
use crate::{CommandSet, Group, Outcome, Plan, Port};
use bdev::{Op, Status};
use dma::Data;
use ring::Tag;

impl<P, S> Group<P, S>
where
    P: Port,
    S: CommandSet<Command = P::Command, Reply = P::Reply, Origin = P::Origin>,
{
    pub(crate) fn follow(&mut self, tag: Tag, plan: Plan<P::Reply>) {
        let need = match plan {
            Plan::Reply(reply) => return self.send_reply(tag, reply),
            Plan::Control => return self.open(tag).state = State::Controlling,
            Plan::Park => return self.open(tag).state = State::Parked,
            Plan::Answer { len } => Need::Answer { len },
            Plan::Take { len } => Need::Take { len },
            Plan::Io { target, op, len } => Need::Io { target, op, len },
            Plan::Steps { take, scratch } => Need::Steps { take, scratch },
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
    pub(crate) fn serve_waiting(&mut self) -> usize {
        let mut served = 0;
        loop {
            match self.buffers.look() {
                0 => return served,
                count => served += self.serve_first(count),
            }
        }
    }

    pub(crate) fn serve_first(&mut self, count: usize) -> usize {
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

    /// Starts what moves no data, or a read from the device's own memory.
    #[inline]
    pub(crate) fn start_without_buffer(&mut self, tag: Tag, need: &Need) -> bool {
        let Need::Io { target, op, len } = *need else {
            let steps = matches!(need, Need::Steps { take: 0, scratch: 0 });
            if steps {
                self.go_on(tag, None);
            }
            return steps;
        };
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
    pub(crate) fn start(&mut self, tag: Tag, queue: u32, need: &Need) -> bool {
        match *need {
            Need::Answer { len } => self.start_answer(tag, queue, len),
            Need::Io { target, op: op @ Op::Write { .. }, len } if self.write_through(tag, target, op, len) => true,
            Need::Take { len } | Need::Io { op: Op::Write { .. } | Op::Unmap { .. }, len, .. } => {
                self.start_fetch(tag, queue, len)
            }
            Need::Io { target, op, len } => self.start_read(tag, queue, target, op, len),
            Need::Steps { take, scratch } => self.start_steps(tag, queue, take, scratch),
            Need::Step { .. } | Need::Nothing => unreachable!("only planned exchanges wait"),
        }
    }

    pub(crate) fn start_answer(&mut self, tag: Tag, queue: u32, len: u32) -> bool {
        let Some(mut data) = self.buffers.take(queue, len) else { return false };
        let reply = self.set.answer(tag, &find(&mut self.exchanges, tag).command, data.bytes_mut());
        self.send_data(tag, data, reply);
        true
    }

    /// Writes data that came with the command to a device in RAM, from where it is.
    pub(crate) fn write_through(&mut self, tag: Tag, target: Tag, op: Op, len: u32) -> bool {
        let Some(bytes) = self.port.arrived(tag, len) else { return false };
        if !self.set.may_start(tag, &find(&mut self.exchanges, tag).command, op, false) {
            return false;
        }
        let Some(device) = self.targets.usable(target) else { return false };
        let Some(status) = device.channel.write_now(op, bytes) else { return false };
        self.meter(target, op, status, len, self.now);
        let reply = self.word(tag, Outcome::Done(status));
        self.send_reply(tag, reply);
        true
    }

    pub(crate) fn start_fetch(&mut self, tag: Tag, queue: u32, len: u32) -> bool {
        let Some(data) = self.buffers.take(queue, len) else { return false };
        self.open(tag).state = State::Fetching;
        self.port.fetch(tag, data);
        true
    }

    pub(crate) fn start_read(&mut self, tag: Tag, queue: u32, target: Tag, op: Op, len: u32) -> bool {
        let Some(data) = self.buffers.take(queue, len) else { return false };
        self.submit(tag, target, op, data);
        true
    }

    /// Sends a read from the device's own memory, if it lends it.
    pub(crate) fn lend(&mut self, tag: Tag, target: Tag, op: Op, len: u32) -> bool {
        let Some(device) = self.targets.usable(target) else { return false };
        let Some(data) = device.channel.lend(op) else { return false };
        device.loans += 1;
        self.meter(target, op, Status::Ok, len, self.now);
        self.open(tag).loan = Some(target);
        let reply = self.word(tag, Outcome::Done(Status::Ok));
        self.send_data(tag, data, reply);
        true
    }

    pub(crate) fn submit(&mut self, tag: Tag, target: Tag, op: Op, data: Data) {
        if let Some((status, data)) = self.try_submit(tag, target, op, data) {
            self.on_ended(tag, status, data);
        }
    }

    /// Gives an operation to the device, unless that is going. Says how it ended, if it did at once.
    #[inline]
    pub(crate) fn try_submit(&mut self, tag: Tag, target: Tag, op: Op, data: Data) -> Option<(Status, Data)> {
        let now = self.now;
        let exchange = self.open(tag);
        (exchange.state, exchange.since) = (State::Executing, now);
        let Some(device) = self.targets.usable(target) else {
            return Some((Status::Removed, data));
        };
        device.turn(now);
        device.inflight += 1;
        device.dirty = true;
        let done = device.channel.submit(tag, op, data)?;
        let (_, status, data) = self.account(done);
        Some((status, data))
    }
}
