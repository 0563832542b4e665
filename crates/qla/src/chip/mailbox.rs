//! The mailbox: one command at a time, asynchronous events in between, and what else host_status tells.
//!
//! One event is shown at a time; the chip shows the next when this one is acknowledged. An event that nobody waits for is
//! acknowledged all the same, or no other would ever come.

use super::{Bar0, Fault};
use ring::Tick;
use std::collections::VecDeque;
use wire::isp::mailbox::{A64, Command, Mailboxes, Status, put_pair};
use wire::isp::regs::{Cause, HccrCommand, HostStatus, MAILBOXES};

const US: Tick = 1_000;
const MS: Tick = 1_000_000;

/// How long a command may take.
pub(crate) const PATIENCE: Tick = 30_000 * MS;
/// The same for the creation of a queue.
pub(crate) const QUEUE_PATIENCE: Tick = 60_000 * MS;
/// Between looks at host_status while a command is under way.
const BUSY_LOOK: Tick = 20 * US;
/// Between looks otherwise: events may wait so long.
const IDLE_LOOK: Tick = MS;
/// Events taken in a poll at most.
const EVENTS: usize = 16;

/// All mailboxes of a command or of its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words(pub Mailboxes);

impl Words {
    pub fn new(command: Command) -> Self {
        let mut words = [0; MAILBOXES];
        words[0] = command.0;
        Self(words)
    }

    /// With mailbox `n` set.
    pub fn with(mut self, n: usize, value: u16) -> Self {
        self.0[n] = value;
        self
    }

    /// With a value of 32 bits, high half first.
    pub fn with_pair(mut self, high: usize, low: usize, value: u32) -> Self {
        put_pair(&mut self.0, high, low, value);
        self
    }

    /// With a memory address where commands have it: mailboxes 2, 3, 6, 7.
    pub fn with_address(mut self, address: u64) -> Self {
        A64(address).put(&mut self.0);
        self
    }

    pub fn command(&self) -> Command {
        Command(self.0[0])
    }

    pub fn status(&self) -> Status {
        Status(self.0[0])
    }

    /// The answer, if it says that the command was done.
    pub fn done(self, command: Command) -> Result<Self, Fault> {
        match self.status() {
            Status::COMPLETE => Ok(self),
            status => Err(Fault::Refused { command, status, detail: self.0[1] }),
        }
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04x?}", &self.0[..12])
    }
}

/// What came by host_status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The answer to the command under way.
    Reply(Words),
    /// An asynchronous event: mailboxes 0 to 7.
    Event([u16; 8]),
    /// The command under way was not answered in time; the chip needs a reset.
    Silent(Command),
    /// The firmware is dead.
    Paused,
    /// The chip is gone.
    Gone,
}

/// Counts of what should not be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Oddities {
    /// Completions of commands that nobody had sent.
    pub spurious_replies: u64,
    /// Causes that have no meaning.
    pub unknown_causes: u64,
}

struct UnderWay {
    command: Command,
    until: Tick,
}

/// The driver's side of the mailboxes.
pub(crate) struct Mailbox {
    under_way: Option<UnderWay>,
    signals: VecDeque<Signal>,
    next_look: Tick,
    pub oddities: Oddities,
}

impl Mailbox {
    pub fn new() -> Self {
        let signals = VecDeque::with_capacity(EVENTS + 2);
        Self { under_way: None, signals, next_look: 0, oddities: Oddities::default() }
    }

    pub fn is_idle(&self) -> bool {
        self.under_way.is_none()
    }

    /// Sends a command. None may be under way.
    pub fn send(&mut self, bar0: &Bar0, words: &Words, patience: Tick, now: Tick) {
        assert!(self.is_idle(), "one mailbox command at a time");
        bar0.set_mailboxes(&words.0);
        bar0.hccr(HccrCommand::SET_HOST_INTERRUPT);
        self.under_way = Some(UnderWay { command: words.command(), until: now + patience });
        self.next_look = now;
    }

    /// The chip is reset: nothing is under way any more, and what it told is of its earlier life.
    pub fn forget(&mut self) {
        self.under_way = None;
        self.signals.clear();
        self.next_look = 0;
    }

    /// When to look again.
    pub fn deadline(&self) -> Tick {
        self.next_look
    }

    /// Looks at host_status if it is time to; says what came, oldest first.
    pub fn poll(&mut self, bar0: &Bar0, now: Tick) -> Option<Signal> {
        if self.signals.is_empty() && now >= self.next_look {
            self.look(bar0, now);
        }
        self.signals.pop_front()
    }

    fn look(&mut self, bar0: &Bar0, now: Tick) {
        for _ in 0..EVENTS {
            let Some(status) = bar0.host_status() else { return self.signals.push_back(Signal::Gone) };
            if status.paused() {
                return self.signals.push_back(Signal::Paused);
            }
            if !status.pending() {
                break;
            }
            self.take(bar0, status);
            bar0.hccr_flushed(HccrCommand::CLEAR_RISC_INTERRUPT);
        }
        if self.under_way.as_ref().is_some_and(|under_way| now >= under_way.until) {
            self.signals.extend(self.under_way.take().map(|late| Signal::Silent(late.command)));
        }
        self.next_look = now + if self.is_idle() { IDLE_LOOK } else { BUSY_LOOK };
    }

    fn take(&mut self, bar0: &Bar0, status: HostStatus) {
        let cause = Cause(status.cause());
        if cause.is_mailbox() {
            let mut words = Words(bar0.mailboxes());
            words.0[0] = status.mailbox0();
            if self.under_way.take().is_some() {
                self.signals.push_back(Signal::Reply(words));
            } else {
                self.oddities.spurious_replies += 1;
            }
        } else if cause == Cause::ASYNC_EVENT {
            let mut words: [u16; 8] = std::array::from_fn(|n| bar0.mailbox(n));
            words[0] = status.mailbox0();
            self.signals.push_back(Signal::Event(words));
        } else if !cause.is_response() && !cause.is_atio() {
            // Queues are looked at anyhow; the rest means nothing.
            self.oddities.unknown_causes += 1;
        }
    }
}
