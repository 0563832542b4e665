//! Logical units: volumes that are mapped somewhere; and what happens to the volumes.

use crate::control::config::Config;
use crate::control::{Error, Manager};
use crate::view::LogicalUnitView;
use bdev::{Bdev, Event, Watcher};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who shares a volume that is a logical unit.
const USER: &str = "SCSI Target";

impl Manager {
    pub(super) fn volume(&self, device: &str) -> Result<Arc<dyn Bdev>, Error> {
        self.devices.get(device).ok_or_else(|| Error::NotFound(format!("there is no block device '{device}'")))
    }

    /// Makes a change that maps volumes: `edit` gets them as logical units.
    pub(super) fn map_volumes(
        &self,
        node: &str,
        luns: &[(u16, String)],
        edit: impl FnOnce(&mut Config, &[(u16, u32)]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let devices =
            luns.iter().map(|(lun, name)| Ok((*lun, self.volume(name)?))).collect::<Result<Vec<_>, Error>>()?;
        let turn = self.turn();
        let before = mapped(&turn.model().config);
        let mut shared = Vec::new();
        let result = devices.iter().try_for_each(|(_, device)| {
            let name = device.info().name;
            self.devices.share(&name, USER).map_err(|error| Error::Refused(format!("{name}: {error}")))?;
            shared.push(name);
            Ok(())
        });
        let result = result.and_then(|()| {
            turn.change(|config| {
                let units = devices.iter().map(|(lun, device)| Ok((*lun, self.unit(config, device)?)));
                let units = units.collect::<Result<Vec<_>, Error>>()?;
                edit(config, &units)
            })
        });
        if matches!(&result, Err(error) if !is_made(error)) {
            shared.iter().filter(|name| !before.contains(*name)).for_each(|name| self.devices.unshare(name, USER));
            return result;
        }
        // One may have been removed in the meantime, and the watcher has seen no logical unit on it then.
        let gone = |device: &Arc<dyn Bdev>| {
            !self.devices.get(&device.info().name).is_some_and(|listed| Arc::ptr_eq(&listed, device))
        };
        if let Some((_, device)) = devices.iter().find(|(_, device)| gone(device)) {
            let name = device.info().name;
            turn.change(|config| {
                config.drop_unit(&name);
                Ok(())
            })?;
            return Err(Error::NotFound(format!("{name} was removed just now; target node {node} is without it")));
        }
        result
    }

    /// Makes a change after which volumes may be mapped nowhere any more.
    pub(super) fn unmap_volumes(&self, edit: impl FnOnce(&mut Config) -> Result<(), Error>) -> Result<(), Error> {
        let turn = self.turn();
        let before = mapped(&turn.model().config);
        let result = turn.change(edit);
        let after = mapped(&turn.model().config);
        before.difference(&after).for_each(|name| self.devices.unshare(name, USER));
        result
    }

    /// The logical unit of a volume, made if it is not there.
    fn unit(&self, config: &mut Config, device: &Arc<dyn Bdev>) -> Result<u32, Error> {
        let info = device.info();
        if let Some(unit) = config.unit_of(&info.name) {
            return Ok(unit.id);
        }
        let meters = self.devices.meters(&info.name);
        let meters = meters.ok_or_else(|| Error::NotFound(format!("there is no block device '{}'", info.name)))?;
        let identity = config.identity(&info);
        if let Some(other) = config.units.values().find(|unit| unit.identity.serial == identity.serial) {
            let text = format!("volume {} has the serial number {} of {}", other.info.name, identity.serial, info.name);
            return Err(Error::Exists(text));
        }
        let id = config.number_unit();
        let shared = self.device.share(&info);
        config.replace(LogicalUnitView { id, device: device.clone(), info, meters, identity, shared });
        Ok(id)
    }

    /// The volume goes: every LUN on it goes first. Homes that did not close an earlier logical unit on it are told again, for
    /// they may hold it still.
    fn let_go(&self, name: &str) -> Result<(), Error> {
        let turn = self.turn();
        let leaving = turn.model().leaving(name);
        leaving.into_iter().for_each(|id| drop(turn.remove_unit(id, name)));
        let result = turn.change(|config| {
            config.drop_unit(name);
            Ok(())
        });
        let held = turn.model().held(name);
        if held.is_empty() {
            // A home that only missed the news of a node does not hold the volume.
            return result.or_else(|error| if is_made(&error) { Ok(()) } else { Err(error) });
        }
        Err(Error::Silent(format!("{} may have it open still", held.join(", "))))
    }

    fn resized(&self, name: &str) -> Result<(), Error> {
        self.turn().change(|config| {
            if let Some(unit) = config.unit_of(name).cloned() {
                config.replace(LogicalUnitView { info: unit.device.info(), ..(*unit).clone() });
            }
            Ok(())
        })
    }
}

/// Whether the change is made in spite of the error.
fn is_made(error: &Error) -> bool {
    matches!(error, Error::Silent(_))
}

fn mapped(config: &Config) -> BTreeSet<String> {
    config.units.values().map(|unit| unit.info.name.clone()).collect()
}

impl Config {
    pub(super) fn replace(&mut self, view: LogicalUnitView) {
        self.units.insert(view.id, Arc::new(view));
    }

    /// Takes a volume from all nodes.
    fn drop_unit(&mut self, device: &str) {
        let Some(id) = self.unit_of(device).map(|unit| unit.id) else { return };
        for node in self.nodes.values_mut().filter(|node| node.luns.values().any(|unit| *unit == id)) {
            Arc::make_mut(node).luns.retain(|_, unit| *unit != id);
        }
    }
}

impl Watcher for Manager {
    fn on_bdev(&self, event: &Event) -> Result<(), String> {
        let result = match event {
            Event::Added(_) => Ok(()),
            Event::Removing(name) => self.let_go(name),
            Event::Resized(name) => self.resized(name),
        };
        result.map_err(|error| error.to_string())
    }
}
