//! [`Notice`]: what a command or a task management function of one nexus does to the others that reach the same logical units,
//! on all homes.
//!
//! [`Scsi::announce`] tells all homes, this one included. Each raises the unit attention and ends the commands that the notice
//! names, and answers when they have ended; with the last answer the asker goes on ([`Then`]).
//!
//! Limits: a home that hangs holds up who asked, until it answers or the control plane takes it away.

use super::attention::Attention;
use super::management::{Asker, Function};
use super::open::Open;
use super::peer::News;
use super::scsi::Scsi;
use crate::{Origin, PortName, Reply};
use ring::Tag;
use std::sync::Arc;

/// What happens to logical units.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// The nexus that asks: its queue on the home that asks.
    pub by: u32,
    /// [`crate::LogicalUnitView::id`] of each, rising.
    pub units: Arc<[u32]>,
    /// The nexuses that are concerned.
    pub whom: Whom,
    /// What they are told.
    pub attention: Option<Attention>,
    /// Which of their commands end early.
    pub abort: Abort,
    /// When the asker goes on.
    pub wait: Wait,
}

/// Which nexuses a [`Notice`] is for.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    /// All.
    All,
    /// All but the one that asks.
    Others,
    /// These: initiator port and target port.
    These(Arc<[(PortName, PortName)]>),
}

/// What happens to the commands of these nexuses on these logical units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abort {
    /// Nothing.
    Nothing,
    /// They end early. Those that are [committed](Open::committed) are too far for that.
    Commands,
}

/// When the asker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// When all homes know.
    Told,
    /// When all homes know and the commands that [`Abort`] names have ended. With `committed` also those that are too far to
    /// end early: only a task management function may ask for that, or two commands would wait for each other.
    Ended {
        /// Also those that wait for notices of their own.
        committed: bool,
    },
}

/// How the asker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// With this reply, having been planned as [`exchange::Plan::Control`] or [`exchange::Plan::Park`].
    Answer(Reply),
    /// By [`Order::Start`], having been planned as [`exchange::Plan::Park`].
    Start,
}

impl Notice {
    /// Whether a nexus of home `here` is meant by a home `from`.
    fn means(&self, from: usize, here: usize, queue: u32, origin: &Origin) -> bool {
        match &self.whom {
            Whom::All => true,
            Whom::Others => (from, self.by) != (here, queue),
            Whom::These(nexuses) => nexuses.iter().any(|(initiator, target)| {
                initiator.is_same_port(&origin.initiator) && target.is_same_port(&origin.target)
            }),
        }
    }
}

impl Scsi {
    /// Tells all homes of `notice`; when all have done it, `tag` goes on. The asker is planned to wait before this is called,
    /// or in the same breath: its order comes in the queue of orders, at once when it waits for nobody.
    pub(crate) fn announce(&mut self, tag: Tag, notice: Notice, then: Then) {
        self.announce_all(tag, vec![notice], then);
    }

    /// Tells all homes; nobody waits for them.
    pub(crate) fn notify(&mut self, notice: Notice) {
        self.send_notices(Asker::Nobody, vec![notice]);
    }

    /// The same with several notices, which each home gets in this order.
    pub(crate) fn announce_all(&mut self, tag: Tag, notices: Vec<Notice>, then: Then) {
        if let Some(open) = self.open.get_mut(tag) {
            open.committed = then != Then::Start;
        }
        self.send_notices(Asker::Here { tag, then }, notices);
    }

    fn send_notices(&mut self, asker: Asker, notices: Vec<Notice>) {
        let live = self.homes.live();
        let homes: Vec<usize> = notices.iter().flat_map(|_| live.iter().copied()).collect();
        let token = self.functions.note(Function { asker, victims: Vec::new(), homes, resets: None }).to_u64();
        let from = self.homes.own;
        for notice in notices.into_iter().map(Arc::new) {
            for home in &live {
                self.tell(*home, News::Notice { from, token, notice: notice.clone() });
            }
        }
        self.answer_functions();
    }

    /// Does on this home what a notice says, for a home that asks.
    pub(crate) fn obey_notice(&mut self, from: usize, token: u64, notice: &Notice) {
        if let Some(attention) = notice.attention {
            self.raise_for(from, notice, attention);
        }
        if notice.abort == Abort::Commands && matches!(notice.whom, Whom::These(_)) {
            self.lift_prevention(from, notice);
        }
        let victims = self.end_for(from, notice);
        if victims.is_empty() || notice.wait == Wait::Told {
            let own = self.homes.own;
            return self.tell(from, News::Done { from: own, token });
        }
        self.functions.note(Function { asker: Asker::Home { from, token }, victims, homes: Vec::new(), resets: None });
    }

    fn raise_for(&mut self, from: usize, notice: &Notice, attention: Attention) {
        let here = self.homes.own;
        let nexuses = self.nexuses.iter_mut().enumerate();
        for (queue, nexus) in nexuses.filter_map(|(queue, nexus)| Some((queue as u32, nexus.as_mut()?))) {
            if notice.means(from, here, queue, &nexus.origin) {
                let meant = |slot: &&mut super::nexus::Slot| notice.units.binary_search(&slot.unit_id).is_ok();
                nexus.mapped_mut().filter(meant).for_each(|slot| slot.attentions.raise(attention));
            }
        }
    }

    /// Who is preempted and loses commands no longer prevents that a medium is taken out (SPC-4 5.13.11.4.5).
    fn lift_prevention(&self, from: usize, notice: &Notice) {
        let here = self.homes.own;
        let units = notice.units.iter().filter_map(|id| self.units.by_id(*id));
        for shared in units.map(|(_, unit)| &unit.view.shared) {
            for (queue, nexus) in self.nexuses.iter().enumerate() {
                let queue = queue as u32;
                if nexus.as_ref().is_some_and(|nexus| notice.means(from, here, queue, &nexus.origin)) {
                    shared.prevention.set(here, queue, false);
                }
            }
        }
    }

    /// Ends the commands that a notice is about; those to wait for.
    fn end_for(&mut self, from: usize, notice: &Notice) -> Vec<Tag> {
        if notice.abort == Abort::Nothing {
            return Vec::new();
        }
        let committed = notice.wait == Wait::Ended { committed: true };
        let meant = |open: &&Open| (committed || !open.committed) && self.is_meant(from, notice, open);
        let victims: Vec<Tag> = self.open.iter().filter(meant).map(|open| open.tag).collect();
        let asker = (from == self.homes.own).then_some(notice.by);
        let victims = self.hurry(victims, asker);
        if matches!(notice.whom, Whom::These(_)) {
            victims.iter().for_each(|tag| self.tell_cleared(*tag));
        }
        victims
    }

    /// Who loses a command to a preempting nexus and gets no status for it (TAS = 0) learns of it by a unit attention
    /// (SAM-5 5.6).
    fn tell_cleared(&mut self, tag: Tag) {
        let is_told = self.tells_aborted(tag);
        let Some(&Open { queue, slot, ended_by_other: true, .. }) = self.open.get(tag) else { return };
        if let Some(slot) = self.nexus(queue).slot_mut(slot).filter(|_| !is_told) {
            slot.attentions.raise(Attention::CommandsCleared);
        }
    }

    fn is_meant(&self, from: usize, notice: &Notice, open: &Open) -> bool {
        let Some(nexus) = self.nexuses.get(open.queue as usize).and_then(Option::as_ref) else { return false };
        notice.means(from, self.homes.own, open.queue, &nexus.origin)
            && nexus.slot(open.slot).is_some_and(|slot| notice.units.binary_search(&slot.unit_id).is_ok())
    }

    /// A home has done what a notice said.
    pub(crate) fn home_is_done(&mut self, home: usize, token: u64) {
        self.functions.home_is_done(home, token);
        self.answer_functions();
    }
}
