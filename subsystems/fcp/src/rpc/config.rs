//! The calls that rebuild what is configured: groups before the nodes that name them, so that no host meets a node half built.

use super::show;
use app::Call;
use scsi::control::{Manager, PortalGroup};
use serde_json::{Value, json};

pub(crate) fn calls(manager: &Manager) -> Vec<Call> {
    let units = manager.units();
    let serials = manager
        .serials()
        .into_iter()
        .map(|(name, serial)| Call::new("scsi_set_serial", json!({ "bdev_name": name, "serial_number": serial })));
    let portals = manager.portal_groups();
    let portals = portals.iter().map(|(tag, group)| Call::new("scsi_create_portal_group", portal_group(*tag, group)));
    let initiators = manager.initiator_groups();
    let initiators = initiators
        .iter()
        .map(|(tag, group)| Call::new("scsi_create_initiator_group", show::initiator_group(*tag, group)));
    let nodes = manager.nodes();
    let nodes = nodes.into_iter().map(|mut shown| {
        shown.unacknowledged.clear();
        Call::new("scsi_create_target_node", show::node(&shown, &units))
    });
    serials.chain(portals).chain(initiators).chain(nodes).collect()
}

fn portal_group(tag: u32, group: &PortalGroup) -> Value {
    let portal = |portal: &scsi::control::Portal| json!({ "label": portal.label, "wwpn": show::wwpn(&portal.port), "relative_port": portal.relative });
    let mut value = json!({ "tag": tag, "portals": group.portals.iter().map(portal).collect::<Vec<_>>() });
    show::comment(&mut value, &group.comment);
    value
}
