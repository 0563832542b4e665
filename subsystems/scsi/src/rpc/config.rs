//! The calls that rebuild what is configured: groups before the nodes that name them, so that no host meets a node half built.

use super::show;
use app::Call;
use scsi::AccessState;
use scsi::control::{Manager, Node, PortGroupState, PortalGroup};
use serde_json::{Value, json};

pub(crate) fn calls(manager: &Manager) -> Vec<Call> {
    let units = manager.units();
    let namings = manager.namings().into_iter().map(|(name, naming)| show::naming(&name, &naming));
    let portals = manager.portal_groups();
    let portals = portals.iter().map(|(tag, group)| Call::new("scsi_create_portal_group", portal_group(*tag, group)));
    let initiators = manager.initiator_groups();
    let initiators = initiators
        .iter()
        .map(|(tag, group)| Call::new("scsi_create_initiator_group", show::initiator_group(*tag, group)));
    let nodes = manager.nodes();
    let states = nodes.clone().into_iter().flat_map(|shown| states(&shown.node));
    let nodes = nodes.into_iter().map(|mut shown| {
        shown.unacknowledged.clear();
        Call::new("scsi_create_target_node", show::node(&shown, &units))
    });
    namings.chain(portals).chain(initiators).chain(nodes).chain(states).collect()
}

/// The target port groups that are not as they begin.
fn states(node: &Node) -> Vec<Call> {
    let begin = |group: &PortGroupState| group.state == AccessState::ActiveOptimized && !group.preferred;
    let groups = node.port_groups().into_iter().filter(|group| !begin(group));
    let call = |group: PortGroupState| {
        let mut params = show::port_group(&group);
        params["name"] = json!(node.name);
        Call::new("scsi_set_target_port_group", params)
    };
    groups.map(call).collect()
}

fn portal_group(tag: u32, group: &PortalGroup) -> Value {
    let portal = |portal: &scsi::control::Portal| json!({ "label": portal.label, "wwpn": show::wwpn(&portal.port), "relative_port": portal.relative });
    let portals = group.portals.iter().map(portal).chain(group.addresses.iter().map(show::address));
    let mut value = json!({ "tag": tag, "portals": portals.collect::<Vec<_>>() });
    show::on_ip(&mut value, group);
    show::comment(&mut value, &group.comment);
    value
}
