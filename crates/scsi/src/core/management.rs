//! Task management (SAM-5 7): finds the victims, has the machine end them, and answers when the last has ended.
//!
//! TAS is 0: a command that another nexus ended gets no status; its initiator learns of it by a unit attention.

use super::attention::Attention;
use super::open::{Open, State};
use super::scsi::Scsi;
use crate::{Management, Peer, Reply, ServiceResponse, Task};
use exchange::{Order, Plan};
use ring::{Slots, Tag};
use std::sync::Arc;
use wire::scsi::parse_lun;

/// Who waits for victims to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    /// A task management function of this core.
    Task(Tag),
    /// A reset that another home (or this one) asked for.
    Home { from: usize, token: u64 },
}

/// A function under way.
struct Function {
    asker: Asker,
    /// Commands of this core that have not ended.
    victims: Vec<Tag>,
    /// Homes that have not answered.
    homes: usize,
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
    fn note(&mut self, function: Function) -> Tag {
        if self.slots.len() == self.slots.capacity() {
            self.slots.grow((self.slots.capacity() * 2).max(8));
        }
        self.slots.insert(function).unwrap_or_else(|_| unreachable!("the table was grown"))
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
                self.nexus(queue).mapped_mut().for_each(|slot| slot.attentions.raise(Attention::NexusLoss));
                self.end_all(tag, of_nexus)
            }
            (Management::TargetReset, _) => {
                let mut units: Vec<u32> = self.nexus(queue).mapped().map(|slot| slot.unit_id).collect();
                units.sort_unstable();
                self.reset(tag, units.into())
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
                self.reset(tag, unit.into_iter().collect())
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
        let victims = self.hurry(which);
        if victims.is_empty() {
            return respond(ServiceResponse::Complete);
        }
        self.functions.note(Function { asker: Asker::Task(tag), victims, homes: 0 });
        Plan::Control
    }

    /// Resets logical units on all homes.
    fn reset(&mut self, tag: Tag, units: Arc<[u32]>) -> Plan<Reply> {
        let (from, homes) = (self.config.home, self.config.homes);
        let function = Function { asker: Asker::Task(tag), victims: Vec::new(), homes };
        let token = self.functions.note(function).to_u64();
        for home in 0..homes {
            self.tell(home, Peer::Reset { from, token, units: units.clone() });
        }
        Plan::Control
    }

    /// Resets logical units on this home, for one that asks.
    pub(crate) fn reset_for(&mut self, from: usize, token: u64, units: &[u32]) {
        let is_meant = |unit: u32| units.binary_search(&unit).is_ok();
        for nexus in self.nexuses.iter_mut().flatten() {
            for slot in nexus.mapped_mut().filter(|slot| is_meant(slot.unit_id)) {
                slot.attentions.raise(Attention::Reset);
            }
        }
        let meant: Vec<Tag> =
            self.open.iter().filter(|open| self.unit_of(open).is_some_and(is_meant)).map(|o| o.tag).collect();
        let victims = self.hurry(|open| meant.contains(&open.tag));
        if victims.is_empty() {
            return self.tell(from, Peer::ResetDone { token });
        }
        self.functions.note(Function { asker: Asker::Home { from, token }, victims, homes: 0 });
    }

    fn unit_of(&self, open: &Open) -> Option<u32> {
        let nexus = self.nexuses[open.queue as usize].as_ref()?;
        nexus.slot(open.slot).map(|slot| slot.unit_id)
    }

    /// Has commands end early. Those whose reply is on its way end by themselves, and are waited for too.
    fn hurry(&mut self, which: impl Fn(&Open) -> bool) -> Vec<Tag> {
        let victims: Vec<Tag> = self.open.iter().filter(|open| which(open)).map(|open| open.tag).collect();
        for tag in &victims {
            if let Some(open) = self.open.get_mut(*tag) {
                open.awaited = true;
            }
            self.todo.push_back(Order::Hurry { tag: *tag });
        }
        victims
    }

    /// A command that functions wait for has ended.
    #[cold]
    pub(crate) fn victim_gone(&mut self, victim: Tag) {
        for (_, function) in self.functions.slots.iter_mut() {
            function.victims.retain(|tag| *tag != victim);
        }
        self.answer_functions();
    }

    /// Another home (or this one) has reset what it was asked to.
    pub(crate) fn home_is_reset(&mut self, token: u64) {
        if let Some(function) = self.functions.slots.get_mut(Tag::from_u64(token)) {
            function.homes = function.homes.saturating_sub(1);
        }
        self.answer_functions();
    }

    /// Answers the functions for which nobody is waited any more.
    fn answer_functions(&mut self) {
        let is_over = |function: &Function| function.victims.is_empty() && function.homes == 0;
        loop {
            let over = self.functions.slots.iter().find(|(_, function)| is_over(function)).map(|(tag, _)| tag);
            let Some(function) = over.and_then(|tag| self.functions.slots.remove(tag)) else { return };
            match function.asker {
                Asker::Task(tag) => {
                    let reply = Reply::function(ServiceResponse::Complete);
                    self.todo.push_back(Order::Answer { tag, reply });
                }
                Asker::Home { from, token } => self.tell(from, Peer::ResetDone { token }),
            }
        }
    }
}

fn respond(response: ServiceResponse) -> Plan<Reply> {
    Plan::Reply(Reply::function(response))
}
