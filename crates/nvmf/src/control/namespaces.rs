//! Namespaces: volumes of the registry, numbered in a subsystem; and what happens to the volumes.

use crate::control::turn::{Told, Turn};
use crate::control::{Error, Target, identity};
use crate::view::{NamespaceView, SubsystemView};
use bdev::{Bdev, Event, Watcher};
use std::sync::Arc;
use uuid::Uuid;

/// Who shares a volume that is a namespace; SPDK's name.
const USER: &str = "NVMe-oF Target";

/// A namespace to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewNamespace {
    /// The volume, by name or UUID.
    pub device: String,
    /// Its number; `None`: the lowest that is free.
    pub nsid: Option<u32>,
    /// `None`: the volume's.
    pub uuid: Option<Uuid>,
    /// `None`: the volume's UUID.
    pub nguid: Option<[u8; 16]>,
    /// `None`: derived from the volume's UUID, see [`identity::eui64`]; zeroes: it has none.
    pub eui64: Option<[u8; 8]>,
}

impl Target {
    /// Adds a namespace; returns its number.
    ///
    /// # Errors
    /// No such subsystem or volume, a number or an identity that is taken or cannot be, a volume that someone else has, or
    /// a core that cannot open it.
    pub fn add_namespace(&self, nqn: &str, new: &NewNamespace) -> Result<u32, Error> {
        let turn = self.turn();
        let entry = turn.model().subsystem(nqn)?;
        let device = self.devices.get(&new.device);
        let device = device.ok_or_else(|| Error::NotFound(format!("there is no block device '{}'", new.device)))?;
        let nsid = free_nsid(&entry.view, new.nsid)?;
        let namespace = self.namespace(new, nsid, device)?;
        turn.check_unique(&namespace)?;
        let name = namespace.info.name.clone();
        self.devices.share(&name, USER).map_err(|error| Error::Refused(format!("{name}: {error}")))?;
        let device = namespace.device.clone();
        let result = turn.edit(nqn, |view| {
            let at = view.namespaces.partition_point(|known| known.nsid < nsid);
            view.namespaces.insert(at, namespace);
            Ok(())
        });
        let ((), told) = result.inspect_err(|_| self.unclaim(&name))?;
        // It may have been removed in the meantime, and the watcher has seen no namespace on it then.
        if !self.devices.get(&name).is_some_and(|listed| Arc::ptr_eq(&listed, &device)) {
            let _ = turn.drop_namespaces(&entry.view.nqn, |known| known.nsid == nsid)?;
            return Err(Error::NotFound(format!("{name} was removed just now")));
        }
        told.done(nsid)
    }

    fn namespace(&self, new: &NewNamespace, nsid: u32, device: Arc<dyn Bdev>) -> Result<NamespaceView, Error> {
        let info = device.info();
        let meters = self.devices.meters(&info.name);
        let meters = meters.ok_or_else(|| Error::NotFound(format!("there is no block device '{}'", info.name)))?;
        let some = |nguid: &[u8; 16]| *nguid != [0; 16];
        Ok(NamespaceView {
            nsid,
            device,
            meters,
            uuid: new.uuid.filter(|uuid| !uuid.is_nil()).unwrap_or(info.uuid),
            nguid: new.nguid.filter(some).unwrap_or_else(|| info.nguid()),
            eui64: new.eui64.unwrap_or_else(|| identity::eui64(info.uuid)),
            info,
        })
    }

    /// Removes a namespace, and waits until all cores have closed its volume.
    ///
    /// # Errors
    /// No such subsystem or namespace.
    pub fn remove_namespace(&self, nqn: &str, nsid: u32) -> Result<(), Error> {
        let turn = self.turn();
        let entry = turn.model().subsystem(nqn)?;
        let namespace = entry.view.namespaces.iter().find(|namespace| namespace.nsid == nsid);
        let namespace = namespace.ok_or_else(|| Error::NotFound(format!("{nqn} has no namespace {nsid}")))?;
        let told = turn.drop_namespaces(nqn, |known| known.nsid == nsid)?;
        self.unclaim(&namespace.info.name);
        told.done(())
    }

    /// Lets others have a volume again.
    pub(super) fn unclaim(&self, name: &str) {
        self.devices.unshare(name, USER);
    }

    /// The volume goes: every namespace on it goes first. Subsystems with silent homes are told again, for those may hold
    /// it still.
    fn let_go(&self, name: &str) -> Result<(), Error> {
        let turn = self.turn();
        let concerned = |entry: &&super::model::Entry| {
            !entry.silent.is_empty() || entry.view.namespaces.iter().any(|namespace| namespace.info.name == name)
        };
        let entries: Vec<_> = turn.model().subsystems.values().filter(concerned).cloned().collect();
        let mut told = Told::default();
        for entry in entries {
            told = told.and(turn.drop_namespaces(&entry.view.nqn, |namespace| namespace.info.name == name)?);
        }
        told.done(())
    }

    fn resized(&self, name: &str) -> Result<(), Error> {
        let turn = self.turn();
        let has = |view: &SubsystemView| view.namespaces.iter().any(|namespace| namespace.info.name == name);
        let views: Vec<_> = turn.model().subsystems.values().map(|entry| entry.view.clone()).collect();
        let mut told = Told::default();
        for view in views.iter().filter(|view| has(view)) {
            let ((), this) = turn.edit(&view.nqn, |view| {
                let mine = view.namespaces.iter_mut().filter(|namespace| namespace.info.name == name);
                mine.for_each(|namespace| namespace.info = namespace.device.info());
                Ok(())
            })?;
            told = told.and(this);
        }
        told.done(())
    }
}

impl Watcher for Target {
    fn on_bdev(&self, event: &Event) -> Result<(), String> {
        let result = match event {
            Event::Added(_) => Ok(()),
            Event::Removing(name) => self.let_go(name),
            Event::Resized(name) => self.resized(name),
        };
        result.map_err(|error| error.to_string())
    }
}

impl Turn<'_> {
    fn drop_namespaces(&self, nqn: &str, which: impl Fn(&NamespaceView) -> bool) -> Result<Told, Error> {
        let ((), told) = self.edit(nqn, |view| {
            view.namespaces.retain(|namespace| !which(namespace));
            Ok(())
        })?;
        Ok(told)
    }

    /// Hosts tell disks apart by these, also those of several subsystems.
    fn check_unique(&self, new: &NamespaceView) -> Result<(), Error> {
        let model = self.model();
        let taken =
            |what: &str, nqn: &str, nsid: u32| Err(Error::Exists(format!("{what} of namespace {nsid} of {nqn}")));
        for view in model.subsystems.values().map(|entry| &entry.view) {
            for known in &view.namespaces {
                if known.info.name == new.info.name {
                    return taken(&format!("block device {} is that", new.info.name), &view.nqn, known.nsid);
                }
                if known.uuid == new.uuid {
                    return taken("uuid is that", &view.nqn, known.nsid);
                }
                if known.nguid == new.nguid {
                    return taken("nguid is that", &view.nqn, known.nsid);
                }
                if known.eui64 == new.eui64 && new.eui64 != [0; 8] {
                    return taken("eui64 is that", &view.nqn, known.nsid);
                }
            }
        }
        Ok(())
    }
}

fn free_nsid(view: &SubsystemView, wanted: Option<u32>) -> Result<u32, Error> {
    let taken = |nsid: u32| view.namespaces.iter().any(|namespace| namespace.nsid == nsid);
    let most = view.max_namespaces;
    match wanted.filter(|nsid| *nsid != 0) {
        Some(nsid) if nsid > most => Err(Error::refused(format!("nsid {nsid}: {} has at most {most}", view.nqn))),
        Some(nsid) if taken(nsid) => Err(Error::Exists(format!("nsid {nsid} is in use"))),
        Some(nsid) => Ok(nsid),
        None => {
            (1..=most).find(|nsid| !taken(*nsid)).ok_or_else(|| Error::refused(format!("all {most} NSIDs are in use")))
        }
    }
}
