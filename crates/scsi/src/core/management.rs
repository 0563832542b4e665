//! Task management (SAM-5 7): finds the victims, has the machine end them, and answers when the last has ended.

use super::attention::Attention;
use super::notice::{Abort, Notice, Then, Wait, Whom};
use super::open::{Open, State};
use super::peer::News;
use super::scsi::Scsi;
use crate::shared::Selected;
use crate::{Management, Reply, ServiceResponse, Task};
use exchange::{Order, Plan};
use ring::{Slots, Tag};
use std::sync::Arc;
use wire::scsi::parse_lun;

/// Who waits for victims to end, or for other homes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A command or a task management function of this core.
    Here { tag: Tag, then: Then },
    /// Another home (or this one), with its name for what it asked.
    Home { from: usize, token: u64 },
    /// It was aborted.
    Nobody,
}

/// A function under way.
pub(crate) struct Function {
    pub asker: Asker,
    /// Commands of this core that have not ended.
    pub victims: Vec<Tag>,
    /// Homes that have not answered, each as often as it is asked.
    pub homes: Vec<usize>,
    /// Logical units whose reset it ends.
    pub resets: Option<Arc<[u32]>>,
}

/// All functions under way.
pub(crate) struct Functions {
    slots: Slots<Function>,
}

impl Default for Functions {
    fn default() -> Self {
        Self { slots: Slots::new(0) }
    }
}

impl Functions {
    pub fn note(&mut self, function: Function) -> Tag {
        if self.slots.len() == self.slots.capacity() {
            self.slots.grow((self.slots.capacity() * 2).max(8));
        }
        self.slots.insert(function).unwrap_or_else(|_| unreachable!("the table was grown"))
    }

    /// A home has answered.
    pub fn home_is_done(&mut self, home: usize, token: u64) {
        let Some(function) = self.slots.get_mut(Tag::from_u64(token)) else { return };
        if let Some(place) = function.homes.iter().position(|awaited| *awaited == home) {
            function.homes.swap_remove(place);
        }
    }

    /// What someone asked for ends a reset. `false`: it is over already.
    fn end_resets(&mut self, of: Tag, units: &Arc<[u32]>) -> bool {
        let asked = |function: &&mut Function| matches!(function.asker, Asker::Here { tag, .. } if tag == of);
        let function = self.slots.iter_mut().map(|(_, function)| function).find(asked);
        function.map(|function| function.resets = Some(units.clone())).is_some()
    }

    /// Whoever asked under this tag is gone.
    pub fn disown(&mut self, asker: Tag) {
        for (_, function) in self.slots.iter_mut() {
            if matches!(function.asker, Asker::Here { tag, .. } if tag == asker) {
                function.asker = Asker::Nobody;
            }
        }
    }
}

impl Scsi {
    /// Plans a task management function.
    pub(crate) fn manage(&mut self, tag: Tag, task: &Task, function: Management) -> Plan<Reply> {
        let queue = task.queue;
        let slot = parse_lun(&task.lun).and_then(|lun| self.nexus(queue).find(lun));
        let of_nexus = |open: &Open| open.queue == queue;
        match (function, slot) {
            (Management::ClearAca, _) => respond(ServiceResponse::Rejected),
            (Management::ItNexusReset, _) => {
                self.allow_removal(queue);
                self.let_go_of(queue);
                self.nexus(queue).mapped_mut().for_each(|slot| slot.attentions.raise(Attention::NexusLoss));
                self.end_all(tag, of_nexus)
            }
            (Management::TargetReset, _) => {
                let mut units: Vec<u32> = self.nexus(queue).mapped().map(|slot| slot.unit_id).collect();
                units.sort_unstable();
                self.reset(tag, queue, units.into())
            }
            (_, None) => respond(ServiceResponse::IncorrectLun),
            (Management::AbortTask { id }, Some(slot)) => {
                self.end_all(tag, |open| of_nexus(open) && open.slot == slot && open.id == id)
            }
            // TST is 001b: the task set is the nexus' own.
            (Management::AbortTaskSet | Management::ClearTaskSet, Some(slot)) => {
                self.end_all(tag, |open| of_nexus(open) && open.slot == slot)
            }
            (Management::LunReset, Some(slot)) => {
                let unit = self.nexus(queue).slot(slot).map(|slot| slot.unit_id);
                self.reset(tag, queue, unit.into_iter().collect())
            }
            (Management::QueryTask { id }, Some(slot)) => {
                self.query(|open| of_nexus(open) && open.slot == slot && open.id == id)
            }
            (Management::QueryTaskSet, Some(slot)) => self.query(|open| of_nexus(open) && open.slot == slot),
        }
    }

    fn query(&self, which: impl Fn(&Open) -> bool) -> Plan<Reply> {
        let found = self.open.iter().any(|open| open.state != State::Worded && which(open));
        respond(if found { ServiceResponse::Succeeded } else { ServiceResponse::Complete })
    }

    /// Ends commands of this core; the answer to `tag` follows the last of them.
    fn end_all(&mut self, tag: Tag, which: impl Fn(&Open) -> bool) -> Plan<Reply> {
        let victims: Vec<Tag> = self.open.iter().filter(|open| which(open)).map(|open| open.tag).collect();
        let queue = victims.first().and_then(|first| self.open.get(*first)).map(|open| open.queue);
        let victims = self.hurry(victims, queue);
        if victims.is_empty() {
            return respond(ServiceResponse::Complete);
        }
        self.functions.note(Function { asker: complete(tag), victims, homes: Vec::new(), resets: None });
        Plan::Control
    }

    /// Resets logical units on all homes.
    fn reset(&mut self, tag: Tag, by: u32, units: Arc<[u32]>) -> Plan<Reply> {
        let wait = Wait::Ended { committed: true };
        let (whom, attention) = (Whom::All, Some(Attention::Reset));
        let notice = Notice { by, units: units.clone(), whom, attention, abort: Abort::Commands, wait };
        self.announce(tag, notice, Then::Answer(Reply::function(ServiceResponse::Complete)));
        // What is selected until then says how the victims are told (TAS).
        if !self.functions.end_resets(tag, &units) {
            self.reset_shared(&units);
        }
        Plan::Control
    }

    fn reset_shared(&self, units: &[u32]) {
        units.iter().filter_map(|id| self.units.by_id(*id)).for_each(|(_, unit)| unit.view.shared.reset());
    }

    /// Has commands end early, for a nexus of this core or for another. Those whose reply is on its way end by themselves,
    /// and are waited for too.
    pub(crate) fn hurry(&mut self, victims: Vec<Tag>, asker: Option<u32>) -> Vec<Tag> {
        for tag in &victims {
            if let Some(open) = self.open.get_mut(*tag) {
                open.awaited = true;
                open.ended_by_other |= asker != Some(open.queue);
            }
            self.todo.push_back(Order::Hurry { tag: *tag });
        }
        victims
    }

    /// Whether the initiator of an aborted command gets TASK ABORTED: another nexus ended it, and TAS is set (SAM-5 5.6). Else it
    /// gets nothing: it asked for that, or learns of it by a unit attention.
    pub(crate) fn tells_aborted(&self, tag: Tag) -> bool {
        let Some(open) = self.open.get(tag).filter(|open| open.ended_by_other) else { return false };
        self.unit_at(open.queue, open.slot).is_some_and(|unit| unit.modes().has(Selected::TELLS_ABORTED))
    }

    /// A command that functions wait for has ended.
    #[cold]
    pub(crate) fn victim_gone(&mut self, victim: Tag) {
        for (_, function) in self.functions.slots.iter_mut() {
            function.victims.retain(|tag| *tag != victim);
        }
        self.answer_functions();
    }

    /// Only these homes are there: nobody waits for others.
    pub(crate) fn forget_homes(&mut self, live: &[usize]) {
        for (_, function) in self.functions.slots.iter_mut() {
            function.homes.retain(|home| live.contains(home));
        }
        self.answer_functions();
    }

    /// Answers the functions for which nobody is waited any more.
    pub(crate) fn answer_functions(&mut self) {
        let is_over = |function: &Function| function.victims.is_empty() && function.homes.is_empty();
        loop {
            let over = self.functions.slots.iter().find(|(_, function)| is_over(function)).map(|(tag, _)| tag);
            let Some(function) = over.and_then(|tag| self.functions.slots.remove(tag)) else { return };
            if let Some(units) = &function.resets {
                self.reset_shared(units);
            }
            match function.asker {
                Asker::Here { tag, then: Then::Answer(reply) } => {
                    self.settle(tag);
                    self.todo.push_back(Order::Answer { tag, reply });
                }
                Asker::Here { tag, then: Then::Start } => self.todo.push_back(Order::Start { tag }),
                Asker::Home { from, token } => {
                    let own = self.homes.own;
                    self.tell(from, News::Done { from: own, token });
                }
                Asker::Nobody => {}
            }
        }
    }
}

fn complete(tag: Tag) -> Asker {
    Asker::Here { tag, then: Then::Answer(Reply::function(ServiceResponse::Complete)) }
}

fn respond(response: ServiceResponse) -> Plan<Reply> {
    Plan::Reply(Reply::function(response))
}
