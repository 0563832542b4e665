//! [`Manager`]: the control side of SCSI.

use crate::Device;
use crate::control::config::{Config, InitiatorGroup, Node, PortalGroup, Unit};
use crate::control::publish::{Home, ask, homes, reports};
use crate::control::turn::Turn;
use crate::control::{Error, Transport};
use crate::message::{CoreReport, Message};
use bdev::Registry;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Cores may take that long to do what was changed (closing a device waits for its I/O).
    pub answer: Duration,
    /// ... to say what is there.
    pub report: Duration,
    /// ... to end all nexuses at the end of the process.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer: Duration::from_secs(10), report: Duration::from_secs(1), drain: Duration::from_secs(3) }
    }
}

/// A target node, for those who ask.
#[derive(Clone, Debug)]
pub struct ShownNode {
    /// The node.
    pub node: Arc<Node>,
    /// Homes that have not done the latest change yet; empty unless one hangs.
    pub unacknowledged: Vec<String>,
}

/// The transports, the configuration, and what cores still owe. Changed by who has the [`Turn`], read by anyone at any time.
#[derive(Default)]
pub(crate) struct Model {
    pub transports: Vec<Arc<dyn Transport>>,
    /// The homes of all transports that ever were, by the number that the cores know them by.
    pub homes: Vec<Option<Home>>,
    pub config: Config,
    /// Homes that have not acknowledged the latest copy of a node.
    silent_nodes: BTreeMap<u32, Vec<String>>,
    /// Logical units that are gone, with homes that may have the volume open still.
    leaving: BTreeMap<u32, (String, Vec<String>)>,
}

impl Model {
    pub fn note_node(&mut self, id: u32, silent: &[String]) {
        if silent.is_empty() {
            self.silent_nodes.remove(&id);
        } else {
            self.silent_nodes.insert(id, silent.to_vec());
        }
    }

    pub fn note_leaving(&mut self, id: u32, device: &str, silent: &[String]) {
        if silent.is_empty() {
            self.leaving.remove(&id);
        } else {
            self.leaving.insert(id, (device.to_owned(), silent.to_vec()));
        }
    }

    /// Homes that may have a volume open although it is no logical unit any more.
    pub fn held(&self, device: &str) -> Vec<String> {
        let on_it = self.leaving.values().filter(|(name, _)| name == device);
        on_it.flat_map(|(_, silent)| silent.iter().cloned()).collect()
    }

    /// Logical units on a volume that are gone but for homes that did not say so.
    pub fn leaving(&self, device: &str) -> Vec<u32> {
        self.leaving.iter().filter(|(_, (name, _))| name == device).map(|(id, _)| *id).collect()
    }
}

/// The control side of SCSI: transports, logical units, target nodes, and who sees them.
///
/// Changes are made one after the other: each is checked, then told to all homes of all transports, and is in the model once
/// they have answered. Questions are answered from the model at any time, also while a core hangs.
pub struct Manager {
    pub(super) devices: Arc<Registry>,
    pub(super) device: Arc<Device>,
    pub(super) limits: Limits,
    changes: Mutex<()>,
    model: Mutex<Model>,
}

impl Manager {
    /// One without transports and nodes. It must be made known to `devices` with [`Registry::watch`], so that a device can be
    /// removed while it is in use.
    pub fn new(devices: Arc<Registry>, limits: Limits) -> Self {
        Self { devices, device: Arc::default(), limits, changes: Mutex::default(), model: Mutex::default() }
    }

    /// What all cores share: transports make their cores with it ([`crate::Config::device`]).
    pub fn device(&self) -> Arc<Device> {
        self.device.clone()
    }

    /// Where state is kept that is to outlive the process: reservations of hosts that ask for that (APTPL). Nowhere until this
    /// is called, and such hosts are refused.
    ///
    /// # Errors
    /// There are logical units already, which would not find there what was kept of them.
    pub fn keep_state_in(&self, directory: &Path) -> Result<(), Error> {
        let turn = self.turn();
        if !turn.model().config.units.is_empty() {
            return Err(Error::Refused("state_directory: volumes are mapped already; it must be set before".into()));
        }
        self.device.keep_state_in(directory).map_err(|why| Error::Failed(format!("state_directory: {why}")))
    }

    pub(super) fn turn(&self) -> Turn<'_> {
        let guard = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        Turn { manager: self, _guard: Some(guard) }
    }

    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the transport of that name unless it is there, and tells its homes all that there is.
    ///
    /// # Errors
    /// [`Error::Failed`] with the reason of `make`, or of a core.
    pub fn need_transport(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Arc<dyn Transport>, String>,
    ) -> Result<(), Error> {
        let turn = self.turn();
        if turn.model().transports.iter().any(|transport| transport.name() == name) {
            return Ok(());
        }
        let transport = make().map_err(Error::Failed)?;
        let (ports, listeners) = {
            let config = &turn.model().config;
            (config.ports(), config.listeners())
        };
        let own = homes(&*transport);
        let first = turn.add_homes(&own);
        let known = turn.tell_homes().and_then(|()| turn.introduce(&own));
        let offered = known
            .and_then(|()| transport.offer(&ports).and_then(|()| transport.listen(&listeners)).map_err(Error::Failed));
        if let Err(why) = offered {
            turn.drop_homes(first);
            transport.stop();
            return Err(why);
        }
        turn.model().transports.push(transport);
        Ok(())
    }

    /// All logical units, as they were made.
    pub fn units(&self) -> Vec<Unit> {
        self.model().config.units.values().cloned().collect()
    }

    /// All target nodes, as they were made.
    pub fn nodes(&self) -> Vec<ShownNode> {
        let model = self.model();
        let shown = |node: &Arc<Node>| ShownNode {
            node: node.clone(),
            unacknowledged: model.silent_nodes.get(&node.id).cloned().unwrap_or_default(),
        };
        model.config.nodes.values().map(shown).collect()
    }

    /// All portal groups, by tag.
    pub fn portal_groups(&self) -> BTreeMap<u32, Arc<PortalGroup>> {
        self.model().config.portal_groups.clone()
    }

    /// All initiator groups, by tag.
    pub fn initiator_groups(&self) -> BTreeMap<u32, Arc<InitiatorGroup>> {
        self.model().config.initiator_groups.clone()
    }

    /// The nexuses of each home, named. A home that does not answer is left out.
    pub fn reports(&self) -> Vec<(String, CoreReport)> {
        let transports = self.model().transports.clone();
        let homes: Vec<_> = transports.iter().flat_map(|transport| homes(&**transport)).collect();
        reports(&homes, self.limits.report)
    }

    /// The end: ends all nexuses in an orderly way, stops the transports. Called once.
    pub fn stop(&self) {
        let turn = self.last_turn();
        let transports = std::mem::take(&mut turn.model().transports);
        let homes: Vec<_> = transports.iter().flat_map(|transport| homes(&**transport)).collect();
        let answers = ask(&homes, |ack| Message::Drain { ack }, self.limits.drain);
        if !answers.is_done() {
            log::warn!(target: "scsi", "stopping without {}: not drained in time", answers.silent.join(", "));
        }
        transports.iter().for_each(|transport| transport.stop());
    }

    /// The turn, or after a while no turn: a change that waits for a core that hangs must not hold up the end.
    fn last_turn(&self) -> Turn<'_> {
        let until = Instant::now() + self.limits.drain;
        loop {
            match self.changes.try_lock() {
                Ok(guard) => return Turn { manager: self, _guard: Some(guard) },
                Err(TryLockError::Poisoned(guard)) => return Turn { manager: self, _guard: Some(guard.into_inner()) },
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Turn { manager: self, _guard: None };
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}
