//! The open tasks of a core: what must be known of each between its plan and the end of its reply.

use super::exclusion::Mark;
use super::fail::Transfer;
use crate::Attribute;
use crate::shared::Span;
use ring::{Tag, Tick};

/// No logical unit.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// Where a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none.
    #[default]
    Free,
    /// It waits for older ones.
    Dormant,
    /// It runs.
    Enabled,
    /// Its reply is on its way.
    Worded,
}

/// How far a command of several steps is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The operation that ran last.
    pub last: Last,
    /// Blocks that are done.
    pub done: u32,
}

/// An operation of a command of several steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Last {
    /// None yet.
    #[default]
    Nothing,
    Read,
    Write,
}

/// An open command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub tag: Tag,
    pub state: State,
    pub attribute: Attribute,
    /// First byte of its CDB.
    pub opcode: u8,
    /// A task management function waits for its end.
    pub awaited: bool,
    /// A command or function of another nexus ended it.
    pub ended_by_other: bool,
    /// Its effect is made; it only waits to be answered, and cannot end early.
    pub committed: bool,
    pub lun: u16,
    pub queue: u32,
    /// Its nexus' slot of the logical unit, or [`NO_SLOT`].
    pub slot: u32,
    /// The initiator's name for it.
    pub id: u32,
    pub transfer: Transfer,
    /// How far its steps are.
    pub progress: Progress,
    /// What it writes to, while that is at a device.
    pub mark: Mark,
    /// It is a SANITIZE that has begun.
    pub erases: bool,
    /// How it is tied to commands that exclude others.
    pub ties: u8,
    pub since: Tick,
}

impl Open {
    pub const fn new(tag: Tag, queue: u32, slot: u32, id: u32, since: Tick) -> Self {
        Self {
            tag,
            state: State::Enabled,
            attribute: Attribute::Simple,
            opcode: 0,
            awaited: false,
            ended_by_other: false,
            committed: false,
            erases: false,
            lun: 0,
            queue,
            slot,
            id,
            transfer: Transfer { wanted: 0, expected: 0, moves: 0, descriptors: false },
            progress: Progress { last: Last::Nothing, done: 0 },
            mark: Mark { unit: 0, span: Span { first: 0, end: 0 } },
            ties: 0,
            since,
        }
    }
}

/// All open commands, at the places of their tags.
#[derive(Default)]
pub(crate) struct OpenTable {
    places: Vec<Open>,
}

const NOBODY: Open = Open { state: State::Free, ..Open::new(Tag::new(u32::MAX, 0), 0, NO_SLOT, 0, 0) };

impl OpenTable {
    /// Makes room. Not on the I/O path.
    pub fn grow(&mut self, places: usize) {
        if places > self.places.len() {
            self.places.resize(places, NOBODY);
        }
    }

    #[inline]
    pub fn begin(&mut self, open: Open) {
        if open.tag.index() >= self.places.len() {
            self.grow(open.tag.index() + 1);
        }
        self.places[open.tag.index()] = open;
    }

    /// The command of that name, if it is one.
    #[inline]
    pub fn get(&self, tag: Tag) -> Option<&Open> {
        self.places.get(tag.index()).filter(|open| open.tag == tag && open.state != State::Free)
    }

    #[inline]
    pub fn get_mut(&mut self, tag: Tag) -> Option<&mut Open> {
        self.places.get_mut(tag.index()).filter(|open| open.tag == tag && open.state != State::Free)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Open> {
        self.places.iter_mut().filter(|open| open.state != State::Free)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Open> {
        self.places.iter().filter(|open| open.state != State::Free)
    }
}
