//! One change at a time: who has the turn may tell the cores and change the model.

use crate::control::model::{Entry, Model};
use crate::control::publish::{Home, ask, homes, tell};
use crate::control::{Error, Target};
use crate::message::{Ack, Message};
use crate::view::SubsystemView;
use std::sync::MutexGuard;

/// The right to change. The model is locked only for moments, never while cores are waited for.
pub(crate) struct Turn<'a> {
    pub target: &'a Target,
    pub(super) _guard: Option<MutexGuard<'a, ()>>,
}

/// Told and done, apart from homes that did not answer in time.
#[derive(Default)]
#[must_use]
pub(crate) struct Told(Option<Error>);

impl Told {
    /// Both were told.
    pub fn and(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// Ends the change with `value`, or with the error about those that did not answer.
    pub fn done<T>(self, value: T) -> Result<T, Error> {
        self.0.map_or(Ok(value), Err)
    }
}

impl Turn<'_> {
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.target.model()
    }

    /// All homes of all transports.
    pub fn homes(&self) -> Vec<Home> {
        let transports = self.model().transports.clone();
        transports.iter().flat_map(|transport| homes(&**transport)).collect()
    }

    /// Replaces a subsystem by an edited copy, with all cores and then in the model.
    pub fn edit<T>(
        &self,
        nqn: &str,
        edit: impl FnOnce(&mut SubsystemView) -> Result<T, Error>,
    ) -> Result<(T, Told), Error> {
        let entry = self.model().subsystem(nqn)?;
        let mut view = (*entry.view).clone();
        let value = edit(&mut view)?;
        let told = self.put(entry.with(view))?;
        Ok((value, told))
    }

    /// Puts a subsystem in place of the one with its number. When a core cannot do it, all go back to the old one.
    pub fn put(&self, mut entry: Entry) -> Result<Told, Error> {
        let (homes, limit) = (self.homes(), self.target.limits.answer);
        let view = &entry.view;
        let answers = ask(&homes, |ack| Message::Subsystem { view: view.clone(), ack }, limit);
        let settled = || Message::Settled { id: view.id };
        if let Some(why) = answers.refused {
            self.take_back(view.id, &homes);
            tell(&homes, settled, limit);
            return Err(Error::Failed(why));
        }
        tell(&homes, settled, limit);
        let told = Told(answers.silence(limit).err());
        entry.silent = answers.silent;
        self.model().subsystems.insert(entry.view.id, entry);
        Ok(told)
    }

    /// Has all homes return to what the model says.
    fn take_back(&self, id: u32, homes: &[Home]) {
        let old = self.model().subsystems.get(&id).map(|entry| entry.view.clone());
        let message = |ack: Ack| match &old {
            Some(view) => Message::Subsystem { view: view.clone(), ack },
            None => Message::RemoveSubsystem { id, ack },
        };
        let answers = ask(homes, message, self.target.limits.answer);
        if !answers.is_done() {
            log::error!(target: "nvmf", "subsystem {id} could not be put back: {:?} {:?}", answers.refused, answers.silent);
        }
        if let Some(entry) = self.model().subsystems.get_mut(&id) {
            entry.silent = answers.silent;
        }
    }

    /// Takes a subsystem away from all cores and from the model. One that has silent homes stays, so that it can be
    /// deleted again.
    pub fn remove(&self, id: u32) -> Told {
        let limit = self.target.limits.answer;
        let answers = ask(&self.homes(), |ack| Message::RemoveSubsystem { id, ack }, limit);
        let mut model = self.model();
        match (answers.is_done(), model.subsystems.get_mut(&id)) {
            (false, Some(entry)) => entry.silent.clone_from(&answers.silent),
            _ => drop(model.subsystems.remove(&id)),
        }
        Told(answers.refused.clone().map(Error::Failed).or(answers.silence(limit).err()))
    }

    /// Tells all cores that a listener is gone.
    pub fn close(&self, listener: u32) -> Told {
        let limit = self.target.limits.answer;
        let answers = ask(&self.homes(), |ack| Message::RemoveListener { id: listener, ack }, limit);
        Told(answers.refused.clone().map(Error::Failed).or(answers.silence(limit).err()))
    }

    /// Brings the views that name listeners they do not own up to date.
    pub fn refresh_offers(&self) -> Told {
        let changed = |model: &Model| {
            let stale = |entry: &&Entry| entry.view.listeners != model.offered(entry);
            model.subsystems.values().filter(stale).cloned().collect::<Vec<_>>()
        };
        let entries = changed(&self.model());
        entries.into_iter().fold(Told::default(), |told, entry| {
            let listeners = self.model().offered(&entry);
            let view = SubsystemView { listeners, ..(*entry.view).clone() };
            told.and(self.put(entry.with(view)).unwrap_or_else(|error| Told(Some(error))))
        })
    }

    /// Counts a change of the discovery log, and tells it.
    pub fn discovery_changed(&self) {
        self.model().generation += 1;
        let message = self.model().discovery();
        tell(&self.homes(), message, self.target.limits.answer);
    }
}
