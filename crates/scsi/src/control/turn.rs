//! One change at a time: who has the turn may tell the cores and change the model.

use crate::control::config::{Config, Unit};
use crate::control::manager::Model;
use crate::control::publish::{Answers, Home, ask, ask_each, homes, silence};
use crate::control::{Error, Listener, Manager};
use crate::message::{Ack, Message};
use crate::view::NodeView;
use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard};

/// The right to change. The model is locked only for moments, never while cores are waited for.
pub(crate) struct Turn<'a> {
    pub manager: &'a Manager,
    pub(super) _guard: Option<MutexGuard<'a, ()>>,
}

/// Where things are offered.
struct Places {
    ports: Vec<crate::PortView>,
    listeners: Vec<Listener>,
}

impl Places {
    fn of(config: &Config) -> Self {
        Self { ports: config.ports(), listeners: config.listeners() }
    }
}

/// Homes that did not answer in time.
type Silent = BTreeSet<String>;

impl Turn<'_> {
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.manager.model()
    }

    /// All homes of all transports.
    pub fn homes(&self) -> Vec<Home> {
        let transports = self.model().transports.clone();
        transports.iter().flat_map(|transport| homes(&**transport)).collect()
    }

    /// Replaces the configuration by an edited copy: with all cores, then in the model. When a core cannot do it, all go back
    /// to the old one.
    pub fn change<T>(&self, edit: impl FnOnce(&mut Config) -> Result<T, Error>) -> Result<T, Error> {
        let old = self.model().config.clone();
        let mut new = old.clone();
        let value = edit(&mut new)?;
        let mapped: BTreeSet<u32> = new.nodes.values().flat_map(|node| node.luns.values().copied()).collect();
        new.units.retain(|id, _| mapped.contains(id));
        let silent = self.publish(&old, &new).inspect_err(|_| self.model().config.keep_numbers(&new))?;
        let places = Places::of(&new);
        self.model().config = new.clone();
        if let Err(why) = self.offer(&Places::of(&old), &places) {
            self.return_to(&new, old);
            return Err(why);
        }
        self.say_goodbye(&old, &new);
        silence(&silent.into_iter().collect::<Vec<_>>(), self.manager.limits.answer)?;
        Ok(value)
    }

    /// Tells the transports which target devices are gone.
    fn say_goodbye(&self, old: &Config, new: &Config) {
        let transports = self.model().transports.clone();
        for node in old.nodes.values().filter(|node| !new.nodes.contains_key(&node.id)) {
            transports.iter().for_each(|transport| transport.removed(&node.name));
        }
    }

    /// Undoes a change that all homes have made, because a transport could not follow.
    fn return_to(&self, new: &Config, mut old: Config) {
        old.keep_numbers(new);
        if let Err(why) = self.publish(new, &old).and_then(|_| self.offer(&Places::of(new), &Places::of(&old))) {
            log::error!(target: "scsi", "a change could not be undone: {why}");
        }
        self.model().config = old;
    }

    /// Tells the transports which ports are named and where to listen, if that is new.
    fn offer(&self, old: &Places, new: &Places) -> Result<(), Error> {
        let transports = self.model().transports.clone();
        let mut failed = Vec::new();
        if old.ports != new.ports {
            failed.extend(transports.iter().filter_map(|transport| transport.offer(&new.ports).err()));
        }
        if old.listeners != new.listeners {
            failed.extend(transports.iter().filter_map(|transport| transport.listen(&new.listeners).err()));
        }
        if failed.is_empty() { Ok(()) } else { Err(Error::Failed(failed.join("; "))) }
    }

    /// Tells all homes what is new: first what leads nowhere yet, last what nothing leads to any more.
    fn publish(&self, old: &Config, new: &Config) -> Result<Silent, Error> {
        let mut silent = Silent::new();
        let units: Vec<&Unit> =
            new.units.values().filter(|unit| old.units.get(&unit.id).is_none_or(|o| !Arc::ptr_eq(o, unit))).collect();
        let nodes: Vec<NodeView> = new
            .nodes
            .values()
            .map(|node| new.view(node))
            .filter(|view| old.nodes.get(&view.id).is_none_or(|node| old.view(node) != *view))
            .collect();
        let told = units.iter().try_for_each(|unit| self.tell_unit(unit, &mut silent));
        let told = told.and_then(|()| nodes.iter().try_for_each(|view| self.tell_node(view, &mut silent)));
        if let Err(why) = told {
            self.take_back(old, &nodes, &units);
            return Err(why);
        }
        for id in old.nodes.keys().filter(|id| !new.nodes.contains_key(id)) {
            silent.extend(self.remove_node(*id));
        }
        for unit in old.units.values().filter(|unit| !new.units.contains_key(&unit.id)) {
            silent.extend(self.remove_unit(unit.id, &unit.info.name));
        }
        Ok(silent)
    }

    fn ask(&self, message: impl Fn(Ack) -> Message) -> Answers {
        ask(&self.homes(), message, self.manager.limits.answer)
    }

    fn tell_unit(&self, unit: &Unit, silent: &mut Silent) -> Result<(), Error> {
        let answers = self.ask(|ack| Message::LogicalUnit { view: unit.clone(), ack });
        silent.extend(answers.silent);
        answers.refused.map_or(Ok(()), |why| Err(Error::Failed(why)))
    }

    fn tell_node(&self, view: &NodeView, silent: &mut Silent) -> Result<(), Error> {
        let shared = Arc::new(view.clone());
        let answers = self.ask(|ack| Message::Node { view: shared.clone(), ack });
        self.model().note_node(view.id, &answers.silent);
        silent.extend(answers.silent);
        answers.refused.map_or(Ok(()), |why| Err(Error::Failed(why)))
    }

    fn remove_node(&self, id: u32) -> Vec<String> {
        let answers = self.ask(|ack| Message::RemoveNode { id, ack });
        self.model().note_node(id, &[]);
        complain(&answers);
        answers.silent
    }

    /// Takes a logical unit from all cores; those that do not answer are remembered, for they may have its volume open still.
    pub fn remove_unit(&self, id: u32, device: &str) -> Vec<String> {
        let answers = self.ask(|ack| Message::RemoveLogicalUnit { id, ack });
        complain(&answers);
        self.model().note_leaving(id, device, &answers.silent);
        answers.silent
    }

    /// Has all homes return to the old configuration.
    fn take_back(&self, old: &Config, nodes: &[NodeView], units: &[&Unit]) {
        let mut silent = Silent::new();
        for view in nodes {
            let told = match old.nodes.get(&view.id) {
                Some(node) => self.tell_node(&old.view(node), &mut silent),
                None => {
                    silent.extend(self.remove_node(view.id));
                    Ok(())
                }
            };
            note(view.name.as_str(), told);
        }
        for unit in units {
            let told = match old.units.get(&unit.id) {
                Some(known) => self.tell_unit(known, &mut silent),
                None => {
                    silent.extend(self.remove_unit(unit.id, &unit.info.name));
                    Ok(())
                }
            };
            note(&unit.info.name, told);
        }
        if !silent.is_empty() {
            log::error!(target: "scsi", "a change could not be taken back with {silent:?}");
        }
    }

    /// Numbers the homes of a new transport, which nobody knows of yet. The first of the numbers.
    pub fn add_homes(&self, homes: &[Home]) -> usize {
        let mut model = self.model();
        let first = model.homes.len();
        model.homes.extend(homes.iter().cloned().map(Some));
        first
    }

    /// Tells all homes which there are. A transport may serve only when all of them know it.
    pub fn tell_homes(&self) -> Result<(), Error> {
        let all = self.model().homes.clone();
        let senders: Arc<[_]> = all.iter().map(|home| home.as_ref().map(Home::sender)).collect();
        let (places, live): (Vec<usize>, Vec<Home>) =
            all.into_iter().enumerate().filter_map(|(place, home)| Some((place, home?))).unzip();
        let message = |n: usize, ack| Message::Homes { own: places[n], all: senders.clone(), ack };
        let answers = ask_each(&live, message, self.manager.limits.answer);
        answers.refused.map_or(Ok(()), |why| Err(Error::Failed(why)))?;
        silence(&answers.silent, self.manager.limits.answer)
    }

    /// The homes from `first` on are gone; the others wait for them no longer.
    pub fn drop_homes(&self, first: usize) {
        self.model().homes[first..].iter_mut().for_each(|home| *home = None);
        note("the list of cores", self.tell_homes());
    }

    /// Tells the homes of a transport all that there is.
    pub fn introduce(&self, homes: &[Home]) -> Result<(), Error> {
        let limit = self.manager.limits.answer;
        let config = self.model().config.clone();
        let done = |answers: Answers| {
            answers.refused.map_or(Ok(()), |why| Err(Error::Failed(why)))?;
            silence(&answers.silent, limit)
        };
        for unit in config.units.values() {
            done(ask(homes, |ack| Message::LogicalUnit { view: unit.clone(), ack }, limit))?;
        }
        for node in config.nodes.values() {
            let view = Arc::new(config.view(node));
            done(ask(homes, |ack| Message::Node { view: view.clone(), ack }, limit))?;
        }
        Ok(())
    }
}

fn complain(answers: &Answers) {
    if let Some(why) = &answers.refused {
        log::error!(target: "scsi", "{why}");
    }
}

fn note(what: &str, told: Result<(), Error>) {
    if let Err(why) = told {
        log::error!(target: "scsi", "{what} could not be put back: {why}");
    }
}
