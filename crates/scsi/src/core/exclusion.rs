//! One home's part in [exclusions](crate::shared::Exclusion): its writes that are at devices, its commands that have blocks for
//! themselves or wait, and the questions between homes.
//!
//! A write is *marked* when it is given to its device and until its reply is worded. A command that excludes takes its place,
//! then asks each home ([`News::Exclude`]); a home answers when none of its marked writes is over those blocks. When somebody
//! leaves the queue, the homes of those that may go are told ([`News::Go`]).
//!
//! - Limits: reads are not held back: one that runs beside a COMPARE AND WRITE may see both old and new blocks. Other ways to the
//!   device (a namespace of NVMe, another process) are not asked.

use super::peer::News;
use super::scsi::Scsi;
use crate::shared::{Shared, Span, Who};
use exchange::Order;
use ring::Tag;
use std::sync::Arc;

/// What a write has at a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// [`crate::LogicalUnitView::id`].
    pub unit: u32,
    pub span: Span,
}

/// How a command is tied to others, to be looked at when it ends: bits of [`super::open::Open::ties`].
pub(crate) mod ties {
    /// Somebody waits for its mark.
    pub const AWAITED: u8 = 1;
    /// It is one of [`super::Ties`].
    pub const QUEUED: u8 = 2;
    /// It waited, and goes.
    pub const GOES: u8 = 4;
}

/// Where a command that is in a queue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stand {
    /// A write that waits for its turn.
    Write,
    /// It waits for its turn to exclude others.
    Waits,
    /// It asks these homes.
    Asks(Vec<usize>),
    /// It has its blocks for itself.
    Excludes,
}

struct Tie {
    tag: Tag,
    shared: Arc<Shared>,
    mark: Mark,
    stand: Stand,
    /// The machine waits for [`Order::Start`].
    paused: bool,
}

/// A question of a home, and the writes that it waits for.
struct Question {
    who: Who,
    writes: Vec<Tag>,
}

/// All commands of this home that are in queues, and all questions to it.
#[derive(Default)]
pub(crate) struct Ties {
    commands: Vec<Tie>,
    questions: Vec<Question>,
}

impl Ties {
    fn get(&mut self, tag: Tag) -> Option<&mut Tie> {
        self.commands.iter_mut().find(|tie| tie.tag == tag)
    }
}

impl Scsi {
    /// Whether a write over `span` of the logical unit at `place` may start now, and marks it. If not, and if it `waits`, it is
    /// started when its turn has come.
    #[inline]
    pub(crate) fn mark(&mut self, tag: Tag, place: u32, span: Span, waits: bool) -> bool {
        let (Some(open), Some(unit)) = (self.open.get_mut(tag), self.units.get(place)) else { return true };
        let mark = Mark { unit: unit.id, span };
        let before = std::mem::replace(&mut open.mark, mark);
        if open.ties == 0 && unit.view.shared.exclusion.is_quiet() {
            return true;
        }
        if waits {
            return self.mark_tied(tag, place, before);
        }
        open.mark = before;
        false
    }

    /// The same for steps that write to any logical unit, one after the other: the mark moves along. With `false` the step is
    /// to be [`exchange::Step::Wait`], and to be tried again.
    pub(crate) fn may_write(&mut self, tag: Tag, unit: u32, lba: u64, blocks: u64) -> bool {
        let Some((place, _)) = self.units.by_id(unit) else { return true };
        self.mark(tag, place, Span { first: lba, end: lba.saturating_add(blocks) }, true)
    }

    #[cold]
    fn mark_tied(&mut self, tag: Tag, place: u32, before: Mark) -> bool {
        let (Some(open), Some(unit)) = (self.open.get_mut(tag), self.units.get(place)) else { return true };
        let mark = open.mark;
        if open.ties & ties::GOES != 0 {
            open.ties &= !ties::GOES;
            if before == mark {
                return true;
            }
        }
        let shared = unit.view.shared.clone();
        let who = Who { home: self.homes.own, tag };
        let goes = shared.exclusion.enter(who, mark.span, false);
        if !goes {
            (open.mark, open.ties) = (Mark::default(), open.ties | ties::QUEUED);
            self.ties.commands.push(Tie { tag, shared, mark, stand: Stand::Write, paused: true });
        }
        self.mark_is_gone(tag, before);
        goes
    }

    /// Whether a command has `span` of its logical unit for itself now. If not, it is started when it has: the step is to be
    /// [`exchange::Step::Wait`].
    pub(crate) fn exclude(&mut self, tag: Tag, place: u32, span: Span) -> bool {
        if let Some(tie) = self.ties.get(tag) {
            return tie.stand == Stand::Excludes;
        }
        let (Some(open), Some(unit)) = (self.open.get_mut(tag), self.units.get(place)) else { return true };
        let (shared, mark) = (unit.view.shared.clone(), Mark { unit: unit.id, span });
        open.ties |= ties::QUEUED;
        let goes = shared.exclusion.enter(Who { home: self.homes.own, tag }, span, true);
        self.ties.commands.push(Tie { tag, shared, mark, stand: Stand::Waits, paused: false });
        if goes {
            self.ask_homes(tag);
        }
        let Some(tie) = self.ties.get(tag) else { return true };
        tie.paused = tie.stand != Stand::Excludes;
        !tie.paused
    }

    fn ask_homes(&mut self, tag: Tag) {
        let live = self.homes.live();
        let who = Who { home: self.homes.own, tag };
        let Some(tie) = self.ties.get(tag) else { return };
        tie.stand = Stand::Asks(live.clone());
        let mark = tie.mark;
        for home in live {
            self.tell(home, News::Exclude { who, mark });
        }
    }

    /// A home asks for blocks.
    pub(crate) fn on_exclude(&mut self, who: Who, mark: Mark) {
        let is_there = |open: &&mut super::open::Open| {
            open.state == super::open::State::Enabled
                && open.mark.unit == mark.unit
                && open.mark.span.overlaps(mark.span)
        };
        let mut writes = Vec::new();
        for open in self.open.iter_mut().filter(is_there) {
            open.ties |= ties::AWAITED;
            writes.push(open.tag);
        }
        if writes.is_empty() {
            return self.tell(who.home, News::Excluded { by: self.homes.own, tag: who.tag });
        }
        self.ties.questions.push(Question { who, writes });
    }

    /// A home has no write left over the blocks that a command of this home asked for.
    pub(crate) fn on_excluded(&mut self, by: usize, tag: Tag) {
        let Some(tie) = self.ties.get(tag) else { return };
        let Stand::Asks(homes) = &mut tie.stand else { return };
        homes.retain(|home| *home != by);
        if homes.is_empty() {
            tie.stand = Stand::Excludes;
            if std::mem::take(&mut tie.paused) {
                self.todo.push_back(Order::Start { tag });
            }
        }
    }

    /// A command of this home may have come to its turn.
    pub(crate) fn on_go(&mut self, tag: Tag) {
        let who = Who { home: self.homes.own, tag };
        let Some(tie) = self.ties.get(tag).filter(|tie| tie.shared.exclusion.may_go(who)) else { return };
        match tie.stand {
            Stand::Waits => self.ask_homes(tag),
            Stand::Write => {
                let mark = tie.mark;
                if let Some(open) = self.open.get_mut(tag) {
                    (open.mark, open.ties) = (mark, open.ties & !ties::QUEUED | ties::GOES);
                }
                self.leave(tag);
                self.todo.push_back(Order::Start { tag });
            }
            Stand::Asks(_) | Stand::Excludes => {}
        }
    }

    /// A command that is tied to others is over.
    #[cold]
    pub(crate) fn untie(&mut self, tag: Tag) {
        let Some(open) = self.open.get_mut(tag) else { return };
        let mark = open.mark;
        if std::mem::take(&mut open.ties) & ties::QUEUED != 0 {
            self.leave(tag);
        }
        self.mark_is_gone(tag, mark);
    }

    fn leave(&mut self, tag: Tag) {
        let Some(at) = self.ties.commands.iter().position(|tie| tie.tag == tag) else { return };
        let tie = self.ties.commands.swap_remove(at);
        for Who { home, tag } in tie.shared.exclusion.leave(Who { home: self.homes.own, tag }) {
            self.tell(home, News::Go { tag });
        }
    }

    /// Answers the questions that a mark held up.
    fn mark_is_gone(&mut self, tag: Tag, before: Mark) {
        if before == Mark::default() || self.ties.questions.is_empty() {
            return;
        }
        self.ties.questions.iter_mut().for_each(|question| question.writes.retain(|write| *write != tag));
        let mut answered = Vec::new();
        self.ties.questions.retain(|question| {
            let over = question.writes.is_empty();
            answered.extend(over.then_some(question.who));
            !over
        });
        let by = self.homes.own;
        answered.into_iter().for_each(|who| self.tell(who.home, News::Excluded { by, tag: who.tag }));
    }

    /// Homes that are gone have no writes.
    pub(crate) fn exclude_without(&mut self, live: &[usize]) {
        let gone = |tie: &Tie| match &tie.stand {
            Stand::Asks(homes) => {
                homes.iter().filter(|home| !live.contains(home)).map(|home| (*home, tie.tag)).collect()
            }
            _ => Vec::new(),
        };
        let gone: Vec<(usize, Tag)> = self.ties.commands.iter().flat_map(gone).collect();
        gone.into_iter().for_each(|(home, tag)| self.on_excluded(home, tag));
    }
}
