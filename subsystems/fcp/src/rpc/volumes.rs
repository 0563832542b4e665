//! Logical units: `scsi_get_devices`, `scsi_set_serial`.

use super::{answer, show};
use crate::Fcp;
use app::{Method, NoParams, When};
use schemars::JsonSchema;
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

pub(super) fn methods(fcp: &Arc<Fcp>) -> Vec<Method> {
    let (set, get) = (fcp.clone(), fcp.clone());
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
            "scsi_get_devices",
            When::Runtime,
            "Shows the block devices that are logical units, and under which identity",
            move |_: NoParams| Ok(show::devices(get.manager())),
        ),
    ]
}
