//! The initiator ports that are here now, on any core.

use crate::PortName;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The initiator port of each nexus, as often as it has nexuses.
#[derive(Debug, Default)]
pub(crate) struct Known {
    ports: Mutex<Vec<PortName>>,
}

impl Known {
    fn ports(&self) -> MutexGuard<'_, Vec<PortName>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A nexus of that initiator port is there.
    pub fn add(&self, port: PortName) {
        self.ports().push(port);
    }

    /// One of its nexuses is gone.
    pub fn remove(&self, port: &PortName) {
        let mut ports = self.ports();
        if let Some(place) = ports.iter().position(|known| known == port) {
            ports.swap_remove(place);
        }
    }

    /// Those that `is` takes, each once.
    pub fn find(&self, is: impl Fn(&PortName) -> bool) -> Vec<PortName> {
        let mut found: Vec<PortName> = Vec::new();
        for port in self.ports().iter().filter(|port| is(port)) {
            if !found.contains(port) {
                found.push(*port);
            }
        }
        found
    }
}
