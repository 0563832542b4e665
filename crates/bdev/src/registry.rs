//! The one list of block devices, kept by the control plane.

use crate::{Channel, Info, Meter};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// A block device. Made and removed by the control plane; used through its channels.
pub trait Bdev: Send + Sync {
    /// What it is.
    fn info(&self) -> Info;

    /// Opens a queue for at most `depth` operations in flight. Called on the core that will use it.
    ///
    /// # Errors
    /// A sentence for the operator: what failed and what to do.
    fn channel(&self, depth: u32) -> Result<Box<dyn Channel>, String>;

    /// What `bdev_get_bdevs` shows under `driver_specific`.
    fn driver_specific(&self) -> Value;

    /// The device below, for one that stands on another: it goes when that goes.
    fn base(&self) -> Option<String> {
        None
    }

    /// It has left the list. What is in flight ends as it would; what its channels are given from now on ends as
    /// [`crate::Status::Removed`].
    fn removed(&self) {}
}

/// Why the registry said no. SPDK's error numbers are in the names of its texts.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The name or the UUID is taken (`EEXIST`).
    #[error("File exists")]
    Exists,
    /// There is no such device (`ENODEV`).
    #[error("No such device")]
    NotFound,
    /// A user of the device did not let go (`EBUSY`).
    #[error("Device or resource busy: {0}")]
    Busy(String),
}

impl Error {
    /// The negative error number that SPDK's clients expect.
    pub fn code(&self) -> i64 {
        match self {
            Self::Exists => -17,
            Self::NotFound => -19,
            Self::Busy(_) => -16,
        }
    }
}

/// What happens to a device, told to those who use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is in the list now.
    Added(String),
    /// It goes: let go of it before returning. Its channels must be dropped on every core.
    Removing(String),
    /// Its size changed.
    Resized(String),
}

/// Someone who uses devices. Called on the control thread that makes the change, without the registry's lock.
pub trait Watcher: Send + Sync {
    /// Reacts to `event`.
    ///
    /// # Errors
    /// A sentence saying who still holds the device; the removal then fails as busy.
    fn on_bdev(&self, event: &Event) -> Result<(), String>;
}

#[derive(Clone)]
struct Entry {
    device: Arc<dyn Bdev>,
    meters: Arc<[Meter]>,
    claim: Option<String>,
    shares: Vec<String>,
}

impl Entry {
    /// Who has the device: one alone, or some who share it.
    fn holders(&self) -> Option<String> {
        let shares = (!self.shares.is_empty()).then(|| self.shares.join(", "));
        self.claim.clone().or(shares)
    }
}

/// The list of block devices, by name and by UUID.
pub struct Registry {
    cores: usize,
    entries: Mutex<BTreeMap<String, Entry>>,
    watchers: Mutex<Vec<Arc<dyn Watcher>>>,
}

impl Registry {
    /// An empty list for a process with that many cores.
    pub fn new(cores: usize) -> Self {
        Self { cores, entries: Mutex::default(), watchers: Mutex::default() }
    }

    /// Has `watcher` told of every event from now on.
    pub fn watch(&self, watcher: Arc<dyn Watcher>) {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    /// Adds a device under its name.
    ///
    /// # Errors
    /// [`Error::Exists`] when the name or the UUID is taken.
    pub fn add(&self, device: Arc<dyn Bdev>) -> Result<(), Error> {
        let info = device.info();
        let mut entries = self.lock();
        if entries.values().any(|entry| clash(&entry.device.info(), &info)) {
            return Err(Error::Exists);
        }
        let meters = (0..self.cores).map(|_| Meter::default()).collect();
        entries.insert(info.name.clone(), Entry { device, meters, claim: None, shares: Vec::new() });
        drop(entries);
        // A watcher may not want it; that is no reason for the device not to be there.
        let _ = self.tell(&Event::Added(info.name));
        Ok(())
    }

    /// Removes a device, and first those that stand on it, with I/O in flight or without.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Busy`] when a user did not let go.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let name = self.get(name).ok_or(Error::NotFound)?.info().name;
        for above in self.above(&name) {
            self.remove(&above)?;
        }
        self.tell(&Event::Removing(name.clone())).map_err(Error::Busy)?;
        let entry = self.lock().remove(&name).ok_or(Error::NotFound)?;
        entry.device.removed();
        Ok(())
    }

    /// Tells the users of a device that its size changed.
    pub fn resized(&self, name: &str) {
        let _ = self.tell(&Event::Resized(name.to_owned()));
    }

    /// The device of that name, or with that UUID written out.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Bdev>> {
        self.find(name).map(|entry| entry.device)
    }

    /// What each core counts of a device, indexed by core.
    pub fn meters(&self, name: &str) -> Option<Arc<[Meter]>> {
        self.find(name).map(|entry| entry.meters)
    }

    /// All devices, by name.
    pub fn list(&self) -> Vec<Arc<dyn Bdev>> {
        self.lock().values().map(|entry| entry.device.clone()).collect()
    }

    /// Notes that `user` has the device to itself, or `None` that nobody has. Shown by `bdev_get_bdevs`.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Busy`] when another user has it.
    pub fn claim(&self, name: &str, user: Option<&str>) -> Result<(), Error> {
        let mut entries = self.lock();
        let entry = entries.get_mut(name).ok_or(Error::NotFound)?;
        match (entry.holders(), user) {
            (Some(holder), Some(user)) if holder != user => Err(Error::Busy(format!("claimed by {holder}"))),
            _ => {
                entry.claim = user.map(str::to_owned);
                Ok(())
            }
        }
    }

    /// Notes that `user` has the device together with others who share it: protocols that serve one volume. Sharing twice is
    /// sharing once.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Busy`] when someone has it to itself.
    pub fn share(&self, name: &str, user: &str) -> Result<(), Error> {
        let mut entries = self.lock();
        let entry = entries.get_mut(name).ok_or(Error::NotFound)?;
        if let Some(holder) = &entry.claim {
            return Err(Error::Busy(format!("claimed by {holder}")));
        }
        if !entry.shares.iter().any(|known| known == user) {
            entry.shares.push(user.to_owned());
        }
        Ok(())
    }

    /// Notes that `user` shares the device no more. One that is gone is nobody's anyway.
    pub fn unshare(&self, name: &str, user: &str) {
        if let Some(entry) = self.lock().get_mut(name) {
            entry.shares.retain(|known| known != user);
        }
    }

    /// Who has the device: one alone, or some who share it, with commas between.
    pub fn claimed_by(&self, name: &str) -> Option<String> {
        self.lock().get(name)?.holders()
    }

    fn find(&self, name: &str) -> Option<Entry> {
        let entries = self.lock();
        let by_uuid = || {
            let uuid = Uuid::parse_str(name).ok()?;
            entries.values().find(|entry| entry.device.info().uuid == uuid)
        };
        entries.get(name).or_else(by_uuid).cloned()
    }

    fn above(&self, name: &str) -> Vec<String> {
        let entries = self.lock();
        let stands_on = |entry: &&Entry| entry.device.base().as_deref() == Some(name);
        entries.values().filter(stands_on).map(|entry| entry.device.info().name).collect()
    }

    fn tell(&self, event: &Event) -> Result<(), String> {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        watchers.iter().try_for_each(|watcher| watcher.on_bdev(event))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn clash(a: &Info, b: &Info) -> bool {
    a.name == b.name || a.uuid == b.uuid || a.name == b.uuid.to_string() || b.name == a.uuid.to_string()
}
