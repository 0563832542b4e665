//! A small command set with late answers, parked commands and aborts; it can ask another core for an answer.

use crate::chance::Chance;
use crate::command::{Command, Ending, Kind, Reply, paint, stamp, stamp_of};
use bdev::{Op, Range};
use exchange::{CommandSet, Order, Outcome, Piece, Plan, Step};
use ring::{Mailbox, Sender, Tag, Tick};
use std::collections::VecDeque;

/// What command sets on two cores tell each other.
#[derive(Clone, Copy, Debug)]
pub enum Note {
    /// Please decide this.
    Ask(Tag, u64),
    /// Decided.
    Told(Tag, u64),
}

/// A line to the command set of another core.
pub struct Line {
    /// Into the other.
    pub to: Sender<Note>,
    /// From the other.
    pub from: Mailbox<Note>,
}

struct Late {
    tag: Tag,
    serial: u64,
    due: Tick,
    parked: bool,
    /// It waits between two steps, and goes on then.
    starts: bool,
}

/// The command set.
pub struct SoftSet {
    chance: Chance,
    /// The group's name of each disk.
    pub targets: Vec<Tag>,
    late: Vec<Late>,
    orders: VecDeque<Order<Reply>>,
    line: Option<Line>,
    /// What did not fit into the mailbox.
    unsent: VecDeque<Note>,
    now: Tick,
    /// Queues that are open.
    pub queues: Vec<u32>,
    /// Half of the parked commands are never answered.
    pub parks_for_ever: bool,
}

impl SoftSet {
    /// A command set for at most `depth` commands.
    pub fn new(depth: usize, line: Option<Line>, chance: Chance) -> Self {
        Self {
            chance,
            targets: Vec::new(),
            late: Vec::with_capacity(depth),
            orders: VecDeque::with_capacity(2 * depth),
            line,
            unsent: VecDeque::with_capacity(depth),
            now: 0,
            queues: Vec::with_capacity(64),
            parks_for_ever: true,
        }
    }

    fn answer_later(&mut self, tag: Tag, serial: u64) -> Plan<Reply> {
        if self.line.is_some() && self.chance.once_in(2) {
            self.unsent.push_back(Note::Ask(tag, serial));
        } else {
            let due = self.now + self.chance.below(50_000);
            self.late.push(Late { tag, serial, due, parked: false, starts: false });
        }
        Plan::Control
    }

    fn park(&mut self, tag: Tag, serial: u64) -> Plan<Reply> {
        let due = if self.parks_for_ever && self.chance.once_in(2) {
            Tick::MAX
        } else {
            self.now + self.chance.below(200_000)
        };
        self.late.push(Late { tag, serial, due, parked: true, starts: false });
        Plan::Park
    }

    /// Commands that wait between two steps; the group holds both of their buffers.
    pub fn paused(&self) -> usize {
        self.late.iter().filter(|late| late.starts).count()
    }

    fn correspond(&mut self) {
        let Some(line) = &mut self.line else { return };
        while let Some(note) = line.from.next() {
            match note {
                Note::Ask(tag, serial) => self.unsent.push_back(Note::Told(tag, serial)),
                Note::Told(tag, serial) => self.orders.push_back(answer(tag, serial, true)),
            }
        }
        while let Some(note) = self.unsent.pop_front() {
            if line.to.send(note).is_err() {
                return self.unsent.push_front(note);
            }
        }
    }
}

impl AsMut<SoftSet> for SoftSet {
    fn as_mut(&mut self) -> &mut SoftSet {
        self
    }
}

fn answer(tag: Tag, serial: u64, yes: bool) -> Order<Reply> {
    Order::Answer { tag, reply: Reply { serial, ending: Ending::Answered(yes) } }
}

/// The block operation of a command.
fn op_of(command: &Command) -> Op {
    let (block, blocks) = (command.block, command.blocks);
    match command.kind {
        Kind::Read | Kind::Compare => Op::Read { block, blocks },
        Kind::Write => Op::Write { block, blocks, fua: command.serial.is_multiple_of(2) },
        Kind::Zeroes => Op::WriteZeroes { block, blocks: u64::from(blocks), unmap: false, fua: false },
        Kind::Unmap | Kind::UnmapTaken => Op::Unmap { ranges: 1 },
        _ => Op::Flush,
    }
}

impl CommandSet for SoftSet {
    type Command = Command;
    type Reply = Reply;
    type Origin = u32;

    fn plan(&mut self, tag: Tag, command: &Command, now: Tick) -> Plan<Reply> {
        self.now = now;
        assert!(self.queues.contains(&command.queue), "a command of a queue that is not open");
        let target = self.targets[command.disk];
        let serial = command.serial;
        match command.kind {
            Kind::Nothing => Plan::Reply(Reply { serial, ending: Ending::Answered(true) }),
            Kind::Read => Plan::Io { target, op: op_of(command), len: command.gets() },
            Kind::Write | Kind::Unmap | Kind::Flush | Kind::Zeroes => {
                Plan::Io { target, op: op_of(command), len: command.sends() }
            }
            Kind::UnmapTaken | Kind::Take | Kind::TakeControl => Plan::Take { len: command.sends() },
            Kind::Compare => Plan::Steps { take: command.sends(), scratch: command.sends() },
            Kind::Answer => Plan::Answer { len: command.gets() },
            Kind::Control => self.answer_later(tag, serial),
            Kind::Park => self.park(tag, serial),
            Kind::Abort { victim } => {
                self.orders.push_back(Order::Abort { queue: command.queue, id: victim, token: tag.to_u64() });
                self.late.push(Late { tag, serial, due: Tick::MAX, parked: false, starts: false });
                Plan::Control
            }
        }
    }

    fn answer(&mut self, _tag: Tag, command: &Command, data: &mut [u8]) -> Reply {
        paint(data, command.serial);
        Reply { serial: command.serial, ending: Ending::Answered(true) }
    }

    fn taken(&mut self, tag: Tag, command: &Command, data: &mut [u8], now: Tick) -> Plan<Reply> {
        self.now = now;
        assert_eq!(data.len() as u32, command.sends());
        let reply = Reply { serial: command.serial, ending: Ending::Answered(true) };
        match command.kind {
            Kind::UnmapTaken => {
                let range = Range::read(data, 0);
                assert_eq!(
                    (range.block, range.blocks),
                    (command.block, u64::from(command.blocks)),
                    "not what was sent"
                );
                Plan::Io { target: self.targets[command.disk], op: op_of(command), len: command.sends() }
            }
            kind => {
                assert_eq!(stamp_of(&data[..512]), Some(stamp(command.serial, command.block)), "not what was sent");
                if kind == Kind::Take { Plan::Reply(reply) } else { self.answer_later(tag, command.serial) }
            }
        }
    }

    fn step(
        &mut self,
        tag: Tag,
        command: &Command,
        taken: &mut [u8],
        scratch: &mut [u8],
        last: Option<bdev::Status>,
    ) -> Step<Reply> {
        if last.is_none() && self.chance.once_in(3) {
            let due = self.now + self.chance.below(50_000);
            self.late.push(Late { tag, serial: command.serial, due, parked: true, starts: true });
            return Step::Wait;
        }
        let target = self.targets[command.disk];
        match last {
            None => Step::Io { on: Piece::Scratch, target, op: op_of(command), len: command.sends() },
            Some(bdev::Status::Ok) if taken != scratch => Step::Done(Outcome::Miscompare),
            Some(status) => Step::Done(Outcome::Done(status)),
        }
    }

    fn reply(&mut self, _tag: Tag, command: &Command, outcome: Outcome) -> Reply {
        let ending = match outcome {
            Outcome::Done(status) => Ending::Done(status),
            Outcome::Miscompare => Ending::Miscompare,
            Outcome::FetchFailed => Ending::FetchFailed,
            Outcome::Aborted => Ending::Aborted,
        };
        Reply { serial: command.serial, ending }
    }

    fn unpark(&mut self, tag: Tag) {
        let place = self.late.iter().position(|late| late.tag == tag && late.parked);
        match place {
            Some(place) => drop(self.late.swap_remove(place)),
            None => {
                let before = self.orders.len();
                self.orders.retain(
                    |order| !matches!(order, Order::Answer { tag: named, .. } | Order::Start { tag: named } if *named == tag),
                );
                assert_eq!(self.orders.len() + 1, before, "unparked what was not parked");
            }
        }
    }

    fn id(&self, command: &Command) -> u32 {
        command.id
    }

    fn abort_ended(&mut self, token: u64, aborted: bool) {
        let tag = Tag::from_u64(token);
        let place = self.late.iter().position(|late| late.tag == tag).expect("an abort that was asked for, ended once");
        let late = self.late.swap_remove(place);
        self.orders.push_back(answer(tag, late.serial, aborted));
    }

    fn opened(&mut self, queue: u32, origin: u32, _now: Tick) {
        assert_eq!(origin, queue ^ 0xABCD, "another's origin");
        assert!(!self.queues.contains(&queue), "opened twice");
        self.queues.push(queue);
    }

    fn closed(&mut self, queue: u32) {
        let place = self.queues.iter().position(|open| *open == queue).expect("only open queues close");
        self.queues.swap_remove(place);
    }

    fn turn(&mut self, now: Tick) {
        self.now = now;
        self.correspond();
        while let Some(place) = self.late.iter().position(|late| late.due <= now) {
            let late = self.late.swap_remove(place);
            self.orders.push_back(match late.starts {
                true => Order::Start { tag: late.tag },
                false => answer(late.tag, late.serial, true),
            });
        }
    }

    fn next_order(&mut self) -> Option<Order<Reply>> {
        self.orders.pop_front()
    }

    fn deadline(&self) -> Option<Tick> {
        let post = self.line.as_ref().is_some_and(|line| !line.from.is_empty()) || !self.unsent.is_empty();
        let soon = post.then_some(self.now);
        self.late.iter().map(|late| late.due).filter(|due| *due != Tick::MAX).chain(soon).min()
    }
}
