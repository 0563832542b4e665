//! The methods that belong to no subsystem: framework, threads, log, notifications, and those of all block devices.

mod bdev;
mod framework;
mod histogram;
mod inspect;
mod iostat;
mod logs;
mod misc;

use crate::{App, Call, Method, Subsystem};
use std::sync::Arc;

pub(crate) use bdev::Announcer;

/// What the built-in methods work on.
#[derive(Clone)]
pub(crate) struct Built {
    pub(crate) app: App,
    pub(crate) subsystems: Arc<[Arc<dyn Subsystem>]>,
    pub(crate) generic: Arc<misc::Generic>,
}

impl Built {
    pub(crate) fn new(app: App, subsystems: Arc<[Arc<dyn Subsystem>]>) -> Self {
        Self { app, subsystems, generic: Arc::default() }
    }

    /// All built-in methods.
    pub(crate) fn methods(&self) -> Vec<Method> {
        [
            framework::methods(self),
            inspect::methods(self),
            logs::methods(),
            misc::methods(self),
            bdev::methods(self),
            iostat::methods(self),
            histogram::methods(self),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The sections of a saved configuration in the order of their subsystems, each with those it needs before it.
    pub(crate) fn sections(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let mut sections: Vec<(&str, Vec<&str>)> = vec![("bdev", Vec::new())];
        for subsystem in self.subsystems.iter().filter(|s| !s.section().is_empty()) {
            let own = subsystem.section();
            let needs = subsystem.after().iter().filter_map(|name| self.section_of(name)).filter(|s| *s != own);
            let needs: Vec<&str> = needs.collect();
            let at = sections.iter().position(|(name, _)| *name == own).unwrap_or_else(|| {
                sections.push((own, Vec::new()));
                sections.len() - 1
            });
            let known = &mut sections[at].1;
            needs.into_iter().for_each(|need| {
                if !known.contains(&need) {
                    known.push(need)
                }
            });
        }
        sections
    }

    fn section_of(&self, name: &str) -> Option<&'static str> {
        self.subsystems.iter().find(|s| s.name() == name).map(|s| s.section()).filter(|s| !s.is_empty())
    }

    /// The calls that rebuild one section, or `None` when there is no such section.
    pub(crate) fn config(&self, section: &str) -> Option<Vec<Call>> {
        self.sections().iter().find(|(name, _)| *name == section)?;
        let mut calls = if section == "bdev" { self.generic.config() } else { Vec::new() };
        calls.extend(self.subsystems.iter().filter(|s| s.section() == section).flat_map(|s| s.config()));
        if section == "bdev" {
            calls.push(Call::new("bdev_wait_for_examine", serde_json::Value::Null));
        }
        Some(calls)
    }
}
