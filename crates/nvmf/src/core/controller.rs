//! A controller, and those that are at home here.

use super::aer::Events;
use super::error_log::ErrorLog;
use super::feature_values::Values;
use crate::cntlids::ControllerId;
use ring::{Slots, Tag, Tick};
use std::collections::BTreeSet;
use wire::nvme::{Cc, Csts};

/// An I/O queue of a controller, wherever it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    /// The home that the queue lives on.
    pub home: usize,
    /// Its number there.
    pub queue: u32,
    pub qid: u16,
    /// Its end was ordered.
    pub closing: bool,
}

/// When a controller is given up because its host is silent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeepAlive {
    /// Keep Alive Timeout; 0: none.
    pub timeout_ms: u32,
    /// For a discovery controller without Keep Alive Timeout: any command counts as a sign of life.
    pub any_command: bool,
    /// The last sign of life.
    pub last: Tick,
}

impl KeepAlive {
    pub fn deadline(&self) -> Option<Tick> {
        (self.timeout_ms > 0).then(|| self.last + Tick::from(self.timeout_ms) * 1_000_000)
    }
}

/// A controller. It lives as long as its admin queue, and then until the last of its I/O queues is gone.
pub(crate) struct Controller {
    /// Place of the subsystem on this core.
    pub subsystem: u32,
    /// The subsystem.
    pub subsystem_id: u32,
    pub cntlid: u16,
    /// Holds the identifier as long as the controller lives.
    pub _id: ControllerId,
    pub discovery: bool,
    pub hostnqn: String,
    pub hostid: [u8; 16],
    /// The admin queue's number.
    pub queue: u32,
    /// The listener that it came by.
    pub listener: u32,
    /// The admin queue is gone, or its end was ordered: nothing new begins.
    pub ending: bool,
    /// The admin queue is gone.
    pub headless: bool,
    pub cc: Cc,
    pub csts: Csts,
    /// I/O queues that Set Features granted.
    pub granted: u16,
    pub attached: Vec<Attached>,
    pub alive: KeepAlive,
    pub values: Values,
    pub events: Events,
    /// Namespaces that changed since the host looked.
    pub changed: BTreeSet<u32>,
    /// The host is to be told once all cores know.
    pub untold: bool,
    pub errors: ErrorLog,
    /// Abort commands that wait for their victims.
    pub aborts: u8,
}

impl Controller {
    pub fn attached(&self, qid: u16) -> Option<&Attached> {
        self.attached.iter().find(|a| a.qid == qid)
    }

    /// Whether I/O queues may connect.
    pub fn takes_queues(&self) -> bool {
        self.csts.rdy() && self.cc.en() && !self.csts.cfs() && self.cc.shn() == Cc::SHN_NONE && !self.ending
    }
}

/// The controllers that are at home here.
pub(crate) struct Controllers {
    slots: Slots<Controller>,
    /// The earliest keep-alive deadline, or an earlier time.
    deadline: Option<Tick>,
}

impl Default for Controllers {
    fn default() -> Self {
        Self { slots: Slots::new(0), deadline: None }
    }
}

impl Controllers {
    pub fn insert(&mut self, controller: Controller) -> Tag {
        if self.slots.len() == self.slots.capacity() {
            self.slots.grow((self.slots.capacity() * 2).max(8));
        }
        self.slots.insert(controller).unwrap_or_else(|_| unreachable!("the table was grown"))
    }

    pub fn get(&self, tag: Tag) -> Option<&Controller> {
        self.slots.get(tag)
    }

    pub fn get_mut(&mut self, tag: Tag) -> Option<&mut Controller> {
        self.slots.get_mut(tag)
    }

    pub fn remove(&mut self, tag: Tag) -> Option<Controller> {
        self.slots.remove(tag)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Tag, &Controller)> {
        self.slots.iter()
    }

    pub fn find(&self, subsystem_id: u32, cntlid: u16) -> Option<Tag> {
        self.iter().find(|(_, c)| c.subsystem_id == subsystem_id && c.cntlid == cntlid).map(|(tag, _)| tag)
    }

    /// The tags of those for which `wanted` holds.
    pub fn which(&self, wanted: impl Fn(&Controller) -> bool) -> Vec<Tag> {
        self.iter().filter(|(_, c)| wanted(c)).map(|(tag, _)| tag).collect()
    }

    /// An event request was aborted.
    pub fn forget_event_request(&mut self, tag: Tag) {
        self.slots.iter_mut().any(|(_, controller)| controller.events.forget(tag));
    }

    /// Notes that some deadline may have become `deadline`.
    pub fn sooner(&mut self, deadline: Option<Tick>) {
        self.deadline = self.deadline.into_iter().chain(deadline).min();
    }

    /// Those that are silent for too long at `now`. Cheap unless something may be due.
    pub fn silent(&mut self, now: Tick) -> Vec<Tag> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        let due = self.which(|c| !c.ending && c.alive.deadline().is_some_and(|deadline| deadline <= now));
        let later = |c: &Controller| if c.ending { None } else { c.alive.deadline().filter(|d| *d > now) };
        self.deadline = self.iter().filter_map(|(_, c)| later(c)).min();
        due
    }

    pub fn deadline(&self) -> Option<Tick> {
        self.deadline
    }
}
