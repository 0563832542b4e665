//! [`Target`]: the control side of NVMe-oF.

use crate::control::model::{Entry, Model};
use crate::control::publish::{ask, homes, reports, tell};
use crate::control::turn::Turn;
use crate::control::{Error, Referral, Transport};
use crate::message::{CoreReport, Message};
use crate::view::{ListenerView, SubsystemView, Trtype};
use bdev::Registry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Cores may take that long to do what was changed (closing a device waits for its I/O).
    pub answer: Duration,
    /// ... to say what is there.
    pub report: Duration,
    /// ... to end all queues at the end of the process.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer: Duration::from_secs(10), report: Duration::from_secs(1), drain: Duration::from_secs(3) }
    }
}

/// A subsystem, for those who ask.
#[derive(Clone)]
pub struct Shown {
    /// What the cores know of it.
    pub view: Arc<SubsystemView>,
    /// Where it is offered by its own account.
    pub own: Vec<ListenerView>,
    /// Homes that have not done the latest change yet; empty unless one hangs.
    pub unacknowledged: Vec<String>,
}

/// The control side of NVMe-oF: transports, listeners, subsystems.
///
/// Changes are made one after the other: each is checked, then told to all homes of all transports, and is in the model
/// once they have answered. Questions are answered from the model at any time, also while a core hangs.
pub struct Target {
    pub(super) devices: Arc<Registry>,
    pub(super) limits: Limits,
    changes: Mutex<()>,
    model: Mutex<Model>,
}

impl Target {
    /// One without transports, with the discovery subsystem. It must be made known to `devices` with
    /// [`Registry::watch`], so that a device can be removed while it is in use.
    pub fn new(devices: Arc<Registry>, max_subsystems: u32, limits: Limits) -> Self {
        Self { devices, limits, changes: Mutex::default(), model: Mutex::new(Model::new(max_subsystems)) }
    }

    pub(super) fn turn(&self) -> Turn<'_> {
        let guard = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        Turn { target: self, _guard: Some(guard) }
    }

    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a transport, and tells its homes all that there is.
    ///
    /// # Errors
    /// [`Error::Exists`], or [`Error::Failed`] with the reason of `make`, or of a core.
    pub fn add_transport(
        &self,
        trtype: Trtype,
        make: impl FnOnce() -> Result<Arc<dyn Transport>, String>,
    ) -> Result<(), Error> {
        let turn = self.turn();
        if turn.model().transport(trtype).is_some() {
            return Err(Error::Exists(format!("Transport type '{}' already exists", trtype.name())));
        }
        let transport = make().map_err(Error::Failed)?;
        if let Err(why) = self.introduce(&*transport) {
            transport.stop();
            return Err(why);
        }
        turn.model().transports.push(transport);
        Ok(())
    }

    fn introduce(&self, transport: &dyn Transport) -> Result<(), Error> {
        let (homes, limit) = (homes(transport), self.limits.answer);
        let (entries, discovery) = {
            let model = self.model();
            (model.subsystems.values().cloned().collect::<Vec<_>>(), model.discovery())
        };
        for Entry { view, .. } in &entries {
            let answers = ask(&homes, |ack| Message::Subsystem { view: view.clone(), ack }, limit);
            answers.refused.clone().map_or(Ok(()), |why| Err(Error::Failed(why)))?;
            answers.silence(limit)?;
        }
        tell(&homes, discovery, limit);
        Ok(())
    }

    /// All transports, as they were made.
    pub fn transports(&self) -> Vec<Arc<dyn Transport>> {
        self.model().transports.clone()
    }

    /// All subsystems, the discovery subsystem first, then as they were made.
    pub fn subsystems(&self) -> Vec<Shown> {
        self.model().subsystems.values().cloned().map(Shown::from).collect()
    }

    /// The subsystem of that name.
    ///
    /// # Errors
    /// [`Error::NoSubsystem`].
    pub fn subsystem(&self, nqn: &str) -> Result<Shown, Error> {
        self.model().subsystem(nqn).map(Shown::from)
    }

    /// All addresses that are listened at.
    pub fn listeners(&self) -> Vec<ListenerView> {
        self.model().listeners.clone()
    }

    /// Discovery services elsewhere.
    pub fn referrals(&self) -> Vec<Referral> {
        self.model().referrals.clone()
    }

    /// The limit of [`Target::create_subsystem`].
    pub fn max_subsystems(&self) -> u32 {
        self.model().max_subsystems
    }

    /// The generation counter of the discovery log page.
    pub fn generation(&self) -> u64 {
        self.model().generation
    }

    /// Controllers and queues of each home, named. A home that does not answer is left out.
    pub fn reports(&self) -> Vec<(String, CoreReport)> {
        let transports = self.transports();
        let homes: Vec<_> = transports.iter().flat_map(|transport| homes(&**transport)).collect();
        reports(&homes, self.limits.report)
    }

    /// The end: stops to accept, ends all queues in an orderly way, stops the transports. Called once.
    pub fn stop(&self) {
        let turn = self.last_turn();
        let (transports, listeners) = {
            let mut model = turn.model();
            (std::mem::take(&mut model.transports), std::mem::take(&mut model.listeners))
        };
        for listener in listeners {
            let transport = transports.iter().find(|transport| transport.view().trtype == listener.trtype);
            if let Some(Err(why)) = transport.map(|transport| transport.unlisten(listener.id)) {
                log::warn!(target: "nvmf", "{} {}: {why}", listener.traddr, listener.trsvcid);
            }
        }
        let homes: Vec<_> = transports.iter().flat_map(|transport| homes(&**transport)).collect();
        let answers = ask(&homes, |ack| Message::Drain { ack }, self.limits.drain);
        if !answers.is_done() {
            log::warn!(target: "nvmf", "stopping without {}: not drained in time", answers.silent.join(", "));
        }
        transports.iter().for_each(|transport| transport.stop());
    }

    /// The turn, or after a while no turn: a change that waits for a core that hangs must not hold up the end.
    fn last_turn(&self) -> Turn<'_> {
        let until = Instant::now() + self.limits.drain;
        loop {
            match self.changes.try_lock() {
                Ok(guard) => return Turn { target: self, _guard: Some(guard) },
                Err(TryLockError::Poisoned(guard)) => return Turn { target: self, _guard: Some(guard.into_inner()) },
                Err(TryLockError::WouldBlock) if Instant::now() >= until => return Turn { target: self, _guard: None },
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl From<Entry> for Shown {
    fn from(entry: Entry) -> Self {
        Self { view: entry.view, own: entry.own, unacknowledged: entry.silent }
    }
}
