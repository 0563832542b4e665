//! What is going on: `scsi_get_sessions`.

use super::show;
use crate::Fcp;
use app::{Method, NoParams, When};
use scsi::control::Manager;
use std::sync::Arc;

pub(super) fn methods(fcp: &Arc<Fcp>) -> Vec<Method> {
    let sessions = fcp.clone();
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
        let mut ports: Vec<String> =
            ports.flat_map(|group| &group.portals).map(|portal| show::wwpn(&portal.port)).collect();
        ports.sort();
        ports.dedup();
        let luns = if luns.is_empty() { "nothing yet".to_owned() } else { luns.join(", ") };
        format!("FCP target node {} serves {luns} at {}", node.name, ports.join(", "))
    };
    manager.nodes().iter().map(node).collect()
}
