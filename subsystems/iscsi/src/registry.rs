//! Which sessions there are on all cores: handles are given here, and a login finds here which core its session lives on.

use scsi::{PortName, PortView};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which session an initiator means (RFC 7143 4.3.5): initiator port and target port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nexus {
    /// The initiator port.
    pub initiator: PortName,
    /// The target port; `None` for a discovery session.
    pub target: Option<PortName>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    nexus: Nexus,
    home: usize,
}

#[derive(Default)]
struct State {
    /// By handle.
    sessions: BTreeMap<u16, Entry>,
    last: u16,
    next_home: usize,
    ports: Vec<PortView>,
    stopped: bool,
}

/// The sessions of all cores. Locked when a session begins or ends.
pub struct Registry {
    state: Mutex<State>,
    homes: usize,
    most: usize,
}

/// Where a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new session, on the core of the one whose place it takes, if there is one.
    New {
        /// Its handle.
        tsih: u16,
        /// Its core.
        home: usize,
    },
    /// A session that is there.
    Old {
        /// Its core.
        home: usize,
    },
    /// There is no such session.
    Unknown,
    /// There are too many sessions.
    Full,
}

impl Registry {
    /// No sessions yet; at most `most` on `homes` cores.
    pub fn new(homes: usize, most: usize) -> Self {
        Self { state: Mutex::default(), homes, most: most.min(usize::from(u16::MAX)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds or makes the session of a login. Discovery sessions stay on the core `here` that they came to.
    pub fn place(&self, tsih: u16, nexus: &Nexus, here: usize) -> Place {
        let mut state = self.state();
        if tsih != 0 {
            let known = state.sessions.get(&tsih).filter(|entry| entry.nexus == *nexus && nexus.target.is_some());
            return known.map_or(Place::Unknown, |entry| Place::Old { home: entry.home });
        }
        let same = |entry: &&Entry| nexus.target.is_some() && entry.nexus == *nexus;
        let old = state.sessions.values().find(same).map(|entry| entry.home);
        if state.stopped || state.sessions.len() >= self.most && old.is_none() {
            return Place::Full;
        }
        let home = match old {
            Some(home) => home,
            None if nexus.target.is_none() => here,
            None => state.turn(self.homes),
        };
        let tsih = state.handle();
        state.sessions.insert(tsih, Entry { nexus: *nexus, home });
        Place::New { tsih, home }
    }

    /// A session is gone, or never came to be.
    pub fn remove(&self, tsih: u16) {
        self.state().sessions.remove(&tsih);
    }

    /// Sessions that are there or coming.
    pub fn count(&self) -> usize {
        self.state().sessions.len()
    }

    /// The cores on which a target has sessions.
    pub fn homes_of(&self, target: &PortName) -> Vec<usize> {
        let PortName::IscsiTarget { name, .. } = target else { return Vec::new() };
        let is_it = |entry: &&Entry| matches!(&entry.nexus.target, Some(PortName::IscsiTarget { name: own, .. }) if own == name);
        let mut homes: Vec<usize> = self.state().sessions.values().filter(is_it).map(|entry| entry.home).collect();
        homes.sort_unstable();
        homes.dedup();
        homes
    }

    /// From now on these are our ports.
    pub fn set_ports(&self, ports: &[PortView]) {
        self.state().ports = ports.to_vec();
    }

    /// Relative target port identifier and target port group of a port of ours; 1 and 1 of one that nobody told of.
    pub fn numbers(&self, target: &PortName) -> (u16, u16) {
        let state = self.state();
        let known = state.ports.iter().find(|port| port.name.is_same_port(target));
        known.map_or((1, 1), |port| (port.relative, port.group))
    }

    /// No more sessions.
    pub fn stop(&self) {
        self.state().stopped = true;
    }
}

impl State {
    fn turn(&mut self, homes: usize) -> usize {
        let home = self.next_home % homes;
        self.next_home = home + 1;
        home
    }

    /// A handle that nobody has; not 0.
    fn handle(&mut self) -> u16 {
        loop {
            self.last = self.last.wrapping_add(1).max(1);
            if !self.sessions.contains_key(&self.last) {
                return self.last;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scsi::IscsiName;

    fn nexus(isid: u8) -> Nexus {
        let name = |name| IscsiName::new(name).unwrap();
        Nexus {
            initiator: PortName::Iscsi { name: name("iqn.i"), isid: [isid; 6] },
            target: Some(PortName::IscsiTarget { name: name("iqn.t"), group: 1 }),
        }
    }

    #[test]
    fn sessions_are_spread_found_and_replaced() {
        let registry = Registry::new(2, 3);
        let place = |tsih, isid| registry.place(tsih, &nexus(isid), 0);
        assert_eq!(place(0, 1), Place::New { tsih: 1, home: 0 });
        assert_eq!(place(0, 2), Place::New { tsih: 2, home: 1 });
        assert_eq!(place(2, 2), Place::Old { home: 1 });
        assert_eq!(place(2, 1), Place::Unknown, "another initiator port's");
        assert_eq!(place(9, 1), Place::Unknown);
        assert_eq!(place(0, 2), Place::New { tsih: 3, home: 1 });
        assert_eq!(place(0, 3), Place::Full);
        registry.remove(1);
        assert_eq!(place(0, 3), Place::New { tsih: 4, home: 0 });
        assert_eq!(registry.homes_of(&nexus(1).target.unwrap()), [0, 1]);
    }
}
