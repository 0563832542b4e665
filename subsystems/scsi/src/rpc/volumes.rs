//! Logical units: `scsi_get_devices`, `scsi_set_serial`.

use super::{answer, show};
use crate::ScsiTarget;
use app::{Method, NoParams, When};
use schemars::JsonSchema;
use scsi::control::Naming;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Serial {
    /// The block device, by name or UUID
    bdev_name: String,
    /// At most 64 printable ASCII characters; absent: the one made from the UUID
    serial_number: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Volume {
    /// The block device, by name or UUID
    bdev_name: String,
    /// Unit serial number; empty: the one made from the UUID
    serial_number: Option<String>,
    /// T10 vendor identification, at most 8 characters; empty: QFC
    vendor: Option<String>,
    /// Product identification, at most 16 characters; empty: qfc disk
    product: Option<String>,
    /// The medium can be taken out
    removable: Option<bool>,
}

impl Volume {
    fn apply(self, naming: &mut Naming) {
        let given = [self.serial_number, self.vendor, self.product];
        let all = [&mut naming.serial, &mut naming.vendor, &mut naming.product];
        for (set, given) in all.into_iter().zip(given) {
            if let Some(given) = given {
                *set = Some(given).filter(|text| !text.is_empty());
            }
        }
        naming.removable = self.removable.unwrap_or(naming.removable);
    }
}

pub(super) fn methods(scsi: &Arc<ScsiTarget>) -> Vec<Method> {
    let (set, volume, get) = (scsi.clone(), scsi.clone(), scsi.clone());
    vec![
        Method::new(
            "scsi_set_serial",
            When::Runtime,
            "Sets the serial number that hosts know a block device by",
            move |p: Serial| {
                set.manager().set_serial(&p.bdev_name, p.serial_number.as_deref()).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_set_volume",
            When::Runtime,
            "Changes how hosts know a block device; what is not given stays as it is",
            move |mut p: Volume| {
                let name = std::mem::take(&mut p.bdev_name);
                volume.manager().set_naming(&name, |naming| p.apply(naming)).map(|()| true).map_err(answer)
            },
        ),
        Method::new(
            "scsi_get_devices",
            When::Runtime,
            "Shows the block devices that are logical units, and under which identity",
            move |_: NoParams| Ok(show::devices(get.manager())),
        ),
    ]
}
