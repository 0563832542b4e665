//! Commands of several steps: two pieces at most, which the group holds between the steps.

use crate::exchange::{Need, State, find};
use crate::{CommandSet, Group, Outcome, Piece, Port, Step};
use bdev::{Op, Status};
use dma::Data;
use ring::Tag;

/// Steps, and bytes moved by them, that a device may end at once in one turn before others are served.
const STEPS_AT_ONCE: u32 = 64;
const BYTES_AT_ONCE: u32 = 1 << 20;

impl<P, S> Group<P, S>
where
    P: Port,
    S: CommandSet<Command = P::Command, Reply = P::Reply, Origin = P::Origin>,
{
    pub(crate) fn start_steps(&mut self, tag: Tag, queue: u32, take: u32, scratch: u32) -> bool {
        let Some((taken, scratch)) = self.buffers.take_two(queue, take, scratch) else { return false };
        let exchange = self.open(tag);
        exchange.scratch = scratch;
        if take == 0 {
            self.go_on(tag, None);
        } else {
            exchange.state = State::Fetching;
            self.port.fetch(tag, taken);
        }
        true
    }

    /// The next steps, until one takes its time, waits, or is the end.
    pub(crate) fn go_on(&mut self, tag: Tag, mut last: Option<Status>) {
        if self.open(tag).aborted {
            return self.end_steps(tag, Outcome::Aborted);
        }
        let mut bytes = 0;
        for _ in 0..STEPS_AT_ONCE {
            let exchange = find(&mut self.exchanges, tag);
            let (taken, scratch) = (exchange.taken.bytes_mut(), exchange.scratch.bytes_mut());
            match self.set.step(tag, &exchange.command, taken, scratch, last) {
                Step::Io { on, target, op, len } => {
                    last = self.run_step(tag, on, target, op, len);
                    bytes += len;
                }
                Step::Wait => return exchange.state = State::Paused,
                Step::Done(outcome) => return self.end_steps(tag, outcome),
                Step::Reply(reply) => {
                    self.give_pieces(tag);
                    return self.send_reply(tag, reply);
                }
                Step::Send { len, reply } => {
                    let mut data = std::mem::take(&mut exchange.scratch);
                    data.truncate(len);
                    self.give_pieces(tag);
                    return self.send_data(tag, data, reply);
                }
            }
            if last.is_none() {
                return;
            }
            if bytes >= BYTES_AT_ONCE {
                break;
            }
        }
        self.open(tag).state = State::Resting;
        self.resting.push_back((tag, last));
    }

    /// Gives an operation to the device. How it ended, if it did at once.
    fn run_step(&mut self, tag: Tag, on: Piece, target: Tag, op: Op, len: u32) -> Option<Status> {
        let exchange = self.open(tag);
        let mut data = if len == 0 { Data::empty() } else { std::mem::take(exchange.piece(on)) };
        let whole = data.len();
        data.truncate(len);
        exchange.need = Need::Step { on, target, op, len, whole };
        let (status, data) = self.try_submit(tag, target, op, data)?;
        self.put_back(tag, on, whole, data);
        Some(status)
    }

    /// A piece is home, as long as it was.
    pub(crate) fn put_back(&mut self, tag: Tag, on: Piece, whole: u32, mut data: Data) {
        if whole > 0 {
            self.buffers.resize(&mut data, whole);
            *self.open(tag).piece(on) = data;
        }
    }

    /// Steps whose turn was over go on.
    pub(crate) fn go_on_resting(&mut self) -> usize {
        let count = self.resting.len();
        for _ in 0..count {
            let Some((tag, last)) = self.resting.pop_front() else { break };
            self.go_on(tag, last);
        }
        count
    }

    pub(crate) fn end_steps(&mut self, tag: Tag, outcome: Outcome) {
        self.give_pieces(tag);
        self.finish(tag, outcome);
    }

    /// Gives back what the group holds for steps.
    pub(crate) fn give_pieces(&mut self, tag: Tag) {
        let exchange = find(&mut self.exchanges, tag);
        self.buffers.give(exchange.queue, std::mem::take(&mut exchange.taken));
        self.buffers.give(exchange.queue, std::mem::take(&mut exchange.scratch));
    }
}
