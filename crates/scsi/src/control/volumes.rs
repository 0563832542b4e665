//! What volumes are called: what was set stays with the volume, under its UUID, whatever its name is and whether it is mapped.

use crate::control::config::{Config, Unit};
use crate::control::names::{check_inquiry, check_serial};
use crate::control::{Error, Manager};
use crate::identity::Identity;
use crate::view::LogicalUnitView;
use bdev::Info;
use uuid::Uuid;

/// What was set of a volume's identity; the rest is made from its UUID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Unit serial number (VPD page 80h).
    pub serial: Option<String>,
    /// T10 vendor identification.
    pub vendor: Option<String>,
    /// Product identification.
    pub product: Option<String>,
    /// The medium can be taken out (RMB).
    pub removable: bool,
}

impl Manager {
    /// Sets the serial number that hosts know a volume by, or returns to the one made from its UUID.
    ///
    /// # Errors
    /// As [`Manager::set_naming`].
    pub fn set_serial(&self, device: &str, serial: Option<&str>) -> Result<(), Error> {
        self.set_naming(device, |naming| naming.serial = serial.map(str::to_owned))
    }

    /// Changes what a volume is called. Hosts that see it are told to look again.
    ///
    /// # Errors
    /// No such volume, a text that cannot be one, or a serial number that another volume has.
    pub fn set_naming(&self, device: &str, edit: impl FnOnce(&mut Naming)) -> Result<(), Error> {
        let info = self.volume(device)?.info();
        self.turn().change(|config| {
            let mut naming = config.volumes.get(&info.uuid).cloned().unwrap_or_default();
            edit(&mut naming);
            naming.check()?;
            config.check_serial_free(&info, naming.serial.as_deref())?;
            if naming == Naming::default() {
                config.volumes.remove(&info.uuid);
            } else {
                config.volumes.insert(info.uuid, naming);
            }
            if let Some(unit) = config.unit_of(&info.name).cloned() {
                let identity = config.identity(&unit.info);
                config.replace(LogicalUnitView { identity, ..(*unit).clone() });
            }
            Ok(())
        })
    }

    /// What was set of volumes that are there, by name.
    pub fn namings(&self) -> Vec<(String, Naming)> {
        let set = self.model().config.volumes.clone();
        let named = |(uuid, naming): (Uuid, Naming)| Some((self.devices.get(&uuid.to_string())?.info().name, naming));
        let mut all: Vec<_> = set.into_iter().filter_map(named).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

impl Naming {
    fn check(&self) -> Result<(), Error> {
        self.serial.as_deref().map_or(Ok(()), check_serial)?;
        self.vendor.as_deref().map_or(Ok(()), |text| check_inquiry("vendor", text, 8))?;
        self.product.as_deref().map_or(Ok(()), |text| check_inquiry("product", text, 16))
    }
}

impl Config {
    /// Under which names hosts know a volume.
    pub(super) fn identity(&self, info: &Info) -> Identity {
        let mut identity = Identity::of(info.uuid);
        let Some(naming) = self.volumes.get(&info.uuid) else { return identity };
        let own = [&mut identity.serial, &mut identity.vendor, &mut identity.product];
        for (own, set) in own.into_iter().zip([&naming.serial, &naming.vendor, &naming.product]) {
            if let Some(set) = set {
                own.clone_from(set);
            }
        }
        identity.removable = naming.removable;
        identity
    }

    fn check_serial_free(&self, info: &Info, serial: Option<&str>) -> Result<(), Error> {
        let Some(serial) = serial else { return Ok(()) };
        let mapped = |unit: &&Unit| unit.info.uuid != info.uuid && unit.identity.serial == serial;
        if let Some(other) = self.units.values().find(mapped) {
            return Err(Error::Exists(format!("serial_number: volume {} has that", other.info.name)));
        }
        let set = |(uuid, naming): &(&Uuid, &Naming)| **uuid != info.uuid && naming.serial.as_deref() == Some(serial);
        match self.volumes.iter().find(set) {
            Some((uuid, _)) => Err(Error::Exists(format!("serial_number: volume {uuid} has that"))),
            None => Ok(()),
        }
    }
}
