//! What is going on: `scsi_get_sessions`.

use super::show;
use crate::ScsiTarget;
use app::{Method, NoParams, When};
use scsi::control::{Manager, PortalGroup};
use std::sync::Arc;

pub(super) fn methods(scsi: &Arc<ScsiTarget>) -> Vec<Method> {
    let sessions = scsi.clone();
    vec![Method::new(
        "scsi_get_sessions",
        When::Runtime,
        "Shows the initiators that are logged in, and what they have open",
        move |_: NoParams| Ok(show::sessions(sessions.manager())),
    )]
}

/// What is served, for people.
pub(crate) fn served(manager: &Manager) -> Vec<String> {
    let units = manager.units();
    let groups = manager.portal_groups();
    let node = |shown: &scsi::control::ShownNode| {
        let node = &shown.node;
        let luns: Vec<String> = node
            .luns
            .iter()
            .map(|(lun, id)| {
                format!("LUN {lun} {}", units.iter().find(|unit| unit.id == *id).map_or("", |u| &u.info.name))
            })
            .collect();
        let ports = node.mappings.iter().filter_map(|mapping| groups.get(&mapping.portal_group));
        let places = |group: &Arc<PortalGroup>| {
            let fc = group.portals.iter().map(|portal| show::wwpn(&portal.port)).collect::<Vec<_>>();
            fc.into_iter().chain(group.addresses.iter().map(|portal| portal.address.to_string())).collect::<Vec<_>>()
        };
        let mut ports: Vec<String> = ports.flat_map(places).collect();
        ports.sort();
        ports.dedup();
        let luns = if luns.is_empty() { "nothing yet".to_owned() } else { luns.join(", ") };
        format!("SCSI target node {} serves {luns} at {}", node.name, ports.join(", "))
    };
    manager.nodes().iter().map(node).collect()
}
