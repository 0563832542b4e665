//! One queue of a model host: what it sends next and what it may be told.

use crate::chance::Chance;
use crate::command::{Command, Ending, Kind, Reply, stamp_of};
use crate::oracle::{Oracle, Step};
use bdev::Status;
use ring::Tick;

/// Blocks of a command at most.
pub const MOST_BLOCKS: usize = 16;
/// Identifiers of a queue.
pub const IDS: usize = 64;

/// A queue's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Not there yet, or again.
    Coming(Tick),
    /// There.
    Open,
    /// Its peer is gone.
    Lost,
    /// Over.
    Gone,
}

/// How a queue's host behaves.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    /// Commands that it wants done; `u32::MAX` for no end.
    pub backlog: u32,
    /// Commands that it has out at most.
    pub window: u32,
    /// It takes no reply.
    pub stalled: bool,
    /// The longest that it takes for anything, in nanoseconds.
    pub delay: Tick,
    /// One command in so many is an abort.
    pub aborts: u64,
    /// One command in so many is followed by the loss of the queue.
    pub losses: u64,
    /// Reads and writes only.
    pub plain: bool,
}

/// A queue.
pub struct Queue {
    /// Its behaviour.
    pub habit: Habit,
    /// Its life.
    pub life: Life,
    /// When its next command comes.
    pub next_at: Tick,
    /// Exchanges open in the group.
    pub open: u32,
    /// Commands without reply that count for the window.
    pub out: u32,
    /// Identifiers in use.
    ids: [bool; IDS],
    /// When an abort of this identifier was last asked for.
    asked: [Step; IDS],
    /// When a command of this identifier last ended as aborted.
    aborted: [Step; IDS],
    /// Told to close, lost at.
    pub close_at: Option<Tick>,
}

/// A command as its host and the port remember it.
pub struct Open {
    /// What was asked.
    pub command: Command,
    /// When, in the order of things.
    pub invoked: Step,
    /// When, by the clock.
    pub since: Tick,
    /// The group fetches.
    pub fetching: bool,
    /// A fetch went wrong.
    pub fetch_failed: bool,
    /// The group replied.
    pub replied: bool,
    /// The host has the reply.
    pub told: bool,
    /// The group knows that the peer is gone.
    pub abort_told: bool,
    /// Whether data may be lent.
    pub lends: bool,
    /// What a comparison expects in its blocks.
    pub compared: [u64; MOST_BLOCKS],
}

impl Open {
    /// What a comparison expects in `block`.
    pub fn expects(&self, block: u64) -> u64 {
        self.compared[(block - self.command.block) as usize]
    }
}

impl Queue {
    /// A queue that comes at `at`.
    pub fn new(habit: Habit, at: Tick) -> Self {
        let never = [0; IDS];
        let life = Life::Coming(at);
        Self {
            habit,
            life,
            next_at: at,
            open: 0,
            out: 0,
            ids: [false; IDS],
            asked: never,
            aborted: never,
            close_at: None,
        }
    }

    /// Whether a command may be sent now.
    pub fn sends(&self, now: Tick) -> bool {
        self.life == Life::Open
            && self.close_at.is_none()
            && self.habit.backlog > 0
            && self.out < self.habit.window
            && self.next_at <= now
            && self.ids.contains(&false)
    }

    /// Whether everything that it wanted is done.
    pub fn is_done(&self) -> bool {
        self.habit.backlog == 0 && self.out == 0 || self.habit.stalled
    }

    /// Makes the next command.
    pub fn make(
        &mut self,
        queue: u32,
        serial: u64,
        disks: usize,
        blocks: u64,
        most: u32,
        chance: &mut Chance,
    ) -> Command {
        let id = self.take_id(chance);
        let kind = self.pick_kind(id, chance);
        let count = chance.between(1, u64::from(most));
        let block = chance.below(blocks - count + 1);
        let disk = chance.below(disks as u64) as usize;
        if self.habit.backlog != u32::MAX {
            self.habit.backlog -= 1;
        }
        if kind != Kind::Park {
            self.out += 1;
        }
        let blocks = if matches!(kind, Kind::Flush | Kind::Nothing | Kind::Control) { 0 } else { count as u32 };
        Command { queue, id, serial, kind, disk, block, blocks }
    }

    /// An identifier that is free; often the one freed last or a low one, so that they are used again soon.
    fn take_id(&mut self, chance: &mut Chance) -> u32 {
        let start = chance.below(8) as usize;
        let id = (start..IDS).chain(0..start).find(|id| !self.ids[*id]).expect("checked by `sends`");
        self.ids[id] = true;
        id as u32
    }

    fn pick_kind(&mut self, own: u32, chance: &mut Chance) -> Kind {
        if self.habit.plain {
            return if chance.once_in(2) { Kind::Read } else { Kind::Write };
        }
        let aborts = self.habit.aborts;
        if chance.once_in(aborts) {
            // Most of the time one that is out, now and then itself or none.
            let used: u64 = chance.below(IDS as u64);
            let victim = (used as usize..IDS).chain(0..used as usize).find(|id| self.ids[*id]).unwrap_or(0) as u32;
            return Kind::Abort { victim: if chance.once_in(16) { own } else { victim } };
        }
        match chance.below(24) {
            0..8 => Kind::Read,
            8..15 => Kind::Write,
            15 => Kind::Flush,
            16 => Kind::Zeroes,
            17 => Kind::Unmap,
            18 => Kind::UnmapTaken,
            19 => Kind::Compare,
            20 => Kind::Answer,
            21 => {
                if chance.once_in(2) {
                    Kind::Take
                } else {
                    Kind::TakeControl
                }
            }
            22 => Kind::Control,
            _ => match chance.below(4) {
                0 => Kind::Park,
                _ => Kind::Nothing,
            },
        }
    }

    /// Notes that an abort was sent.
    pub fn note_sent(&mut self, command: &Command, invoked: Step) {
        if let Kind::Abort { victim } = command.kind {
            self.asked[victim as usize] = invoked;
        }
    }

    /// A reply came: checks it. `step` is now, in the order of things.
    pub fn told(&mut self, open: &Open, reply: Reply, bytes: &[u8], oracle: &Oracle, step: Step, hints: Hints) {
        let command = &open.command;
        assert_eq!(reply.serial, command.serial, "another command's reply: {command:?}");
        self.ids[command.id as usize] = false;
        if command.kind != Kind::Park {
            self.out -= 1;
        }
        let legit = match reply.ending {
            Ending::Done(Status::Ok) => has_data(command, bytes) && true_of_blocks(open, bytes, oracle),
            Ending::Done(Status::ReadError) => hints.fails && matches!(command.kind, Kind::Read | Kind::Compare),
            Ending::Done(Status::WriteError) => hints.fails && !matches!(command.kind, Kind::Read | Kind::Compare),
            Ending::Done(Status::Removed | Status::Aborted) => hints.detached,
            Ending::Done(_) => false,
            Ending::Miscompare => command.kind == Kind::Compare && may_miscompare(open, oracle),
            Ending::FetchFailed => open.fetch_failed,
            Ending::Aborted => self.asked[command.id as usize] > open.invoked,
            Ending::Answered(yes) => self.answer_is_true(open, yes, bytes),
        };
        assert!(
            legit,
            "{command:?} (since {}) was told {:?}: {}",
            open.invoked,
            reply.ending,
            blocks_of(command, oracle)
        );
        let carries = matches!(reply.ending, Ending::Done(Status::Ok) | Ending::Answered(_));
        assert!(carries || bytes.is_empty(), "an error with data");
        if reply.ending == Ending::Aborted {
            self.aborted[command.id as usize] = step;
        }
    }

    fn answer_is_true(&self, open: &Open, yes: bool, bytes: &[u8]) -> bool {
        match open.command.kind {
            Kind::Abort { victim } => !yes || self.aborted[victim as usize] > open.invoked,
            Kind::Answer => bytes.chunks(512).all(|block| stamp_of(block) == Some(open.command.serial)),
            Kind::Nothing | Kind::Take | Kind::TakeControl | Kind::Control | Kind::Park => bytes.is_empty(),
            _ => false,
        }
    }
}

/// What else a reply is judged by.
#[derive(Clone, Copy)]
pub struct Hints {
    /// Disks fail now and then.
    pub fails: bool,
    /// The command's disk was taken away.
    pub detached: bool,
}

fn has_data(command: &Command, bytes: &[u8]) -> bool {
    bytes.len() as u32 == if command.kind == Kind::Read { command.gets() } else { 0 }
}

fn true_of_blocks(open: &Open, bytes: &[u8], oracle: &Oracle) -> bool {
    let Open { command, invoked, .. } = open;
    let may_be = |block, value| oracle.may_be(command.disk, block, value, *invoked);
    match command.kind {
        Kind::Read => {
            let blocks = command.range().zip(bytes.chunks(512));
            blocks.into_iter().all(|(block, bytes)| stamp_of(bytes).is_some_and(|value| may_be(block, value)))
        }
        Kind::Compare => command.range().all(|block| may_be(block, open.expects(block))),
        Kind::Write | Kind::Flush | Kind::Zeroes | Kind::Unmap | Kind::UnmapTaken => true,
        _ => false,
    }
}

fn may_miscompare(open: &Open, oracle: &Oracle) -> bool {
    let Open { command, invoked, .. } = open;
    command.range().any(|block| oracle.may_differ(command.disk, block, open.expects(block), *invoked))
}

fn blocks_of(command: &Command, oracle: &Oracle) -> String {
    command
        .range()
        .take(4)
        .map(|block| format!("\n  block {block}: {}", oracle.describe(command.disk, block)))
        .collect()
}
