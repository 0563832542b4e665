//! What there is, as methods show it.

use super::auth::Auth;
use super::nodes::State;
use crate::ScsiTarget;
use app::Call;
use scsi::control::{InitiatorGroup, Manager, Naming, PortGroupState, PortalGroup, ShownNode, Unit, show_rule};
use scsi::{Network, NexusReport, PortName, TaskReport};
use serde_json::{Value, json};

/// A port name as configuration has it.
pub(super) fn wwpn(port: &PortName) -> String {
    match port {
        PortName::Fc { wwpn, .. } => format!("0x{wwpn:016x}"),
        other => other.to_string(),
    }
}

/// An entry of `scsi_get_portal_groups`.
pub(super) fn portal_group(tag: u32, group: &PortalGroup, scsi: &ScsiTarget) -> Value {
    let portal = |portal: &scsi::control::Portal| {
        json!({
            "label": portal.label,
            "wwpn": wwpn(&portal.port),
            "relative_port": portal.relative,
            "state": scsi.state(&portal.port).unwrap_or_else(|| "absent".to_owned()),
        })
    };
    let portals = group.portals.iter().map(portal).chain(group.addresses.iter().map(address));
    let mut value = json!({ "tag": tag, "portals": portals.collect::<Vec<_>>() });
    on_ip(&mut value, group);
    comment(&mut value, &group.comment);
    value
}

/// An IP portal, as parameters have it.
pub(super) fn address(portal: &scsi::control::Address) -> Value {
    let mut value = json!({ "host": portal.host, "port": portal.address.port() });
    if !portal.label.is_empty() {
        value["label"] = json!(portal.label);
    }
    value
}

/// What a portal group has only for its IP portals.
pub(super) fn on_ip(value: &mut Value, group: &PortalGroup) {
    if !group.addresses.is_empty() {
        value["relative_port"] = json!(group.relative);
        value["private"] = json!(group.private);
        value["wait"] = json!(!group.listens);
    }
    if let Some(auth) = group.auth {
        value["auth"] = json!(Auth::of(auth));
    }
}

/// An entry of `scsi_get_initiator_groups`, and the parameters of `scsi_create_initiator_group`.
pub(super) fn initiator_group(tag: u32, group: &InitiatorGroup) -> Value {
    let mut value = json!({ "tag": tag, "initiators": group.rules.iter().map(show_rule).collect::<Vec<_>>() });
    if group.networks != [Network::Any] {
        value["netmasks"] = json!(group.networks.iter().map(Network::to_string).collect::<Vec<_>>());
    }
    comment(&mut value, &group.comment);
    value
}

pub(super) fn comment(value: &mut Value, comment: &str) {
    if !comment.is_empty() {
        value["comment"] = json!(comment);
    }
}

/// The call that names a volume so.
pub(super) fn naming(volume: &str, naming: &Naming) -> Call {
    if *naming == (Naming { serial: naming.serial.clone(), ..Naming::default() }) {
        return Call::new("scsi_set_serial", json!({ "bdev_name": volume, "serial_number": naming.serial }));
    }
    let mut params = json!({ "bdev_name": volume });
    for (name, set) in [("serial_number", &naming.serial), ("vendor", &naming.vendor), ("product", &naming.product)] {
        if let Some(set) = set {
            params[name] = json!(set);
        }
    }
    params["removable"] = json!(naming.removable);
    Call::new("scsi_set_volume", params)
}

/// A target port group, as `scsi_set_target_port_group` has it.
pub(super) fn port_group(group: &PortGroupState) -> Value {
    json!({ "pg_tag": group.tag, "state": State::of(group.state), "preferred": group.preferred })
}

/// An entry of `scsi_get_target_nodes`, and the parameters of `scsi_create_target_node`.
pub(super) fn node(shown: &ShownNode, units: &[Unit]) -> Value {
    let node = &shown.node;
    let name = |id: u32| units.iter().find(|unit| unit.id == id).map_or("", |unit| &unit.info.name);
    let luns = node.luns.iter().map(|(lun, id)| json!({ "lun_id": lun, "bdev_name": name(*id) }));
    let maps = node.mappings.iter().map(|map| json!({ "pg_tag": map.portal_group, "ig_tag": map.initiator_group }));
    let mut value = json!({
        "name": node.name,
        "alias_name": node.alias,
        "luns": luns.collect::<Vec<_>>(),
        "pg_ig_maps": maps.collect::<Vec<_>>(),
        "queue_depth": node.queue_depth,
    });
    if node.auth != scsi::control::Auth::default() {
        value["auth"] = json!(Auth::of(node.auth));
    }
    for (name, is_so) in [("header_digest", node.header_digest), ("data_digest", node.data_digest)] {
        if is_so {
            value[name] = json!(true);
        }
    }
    if !shown.unacknowledged.is_empty() {
        value["unacknowledged"] = json!(shown.unacknowledged);
    }
    value
}

/// The answer of `scsi_get_devices`.
pub(super) fn devices(manager: &Manager) -> Vec<Value> {
    let nodes = manager.nodes();
    let one = |unit: &Unit| {
        let luns = nodes.iter().flat_map(|shown| {
            let of_it = shown.node.luns.iter().filter(|(_, id)| **id == unit.id);
            of_it.map(|(lun, _)| json!({ "target_node": shown.node.name, "lun_id": lun }))
        });
        json!({
            "id": unit.id,
            "device_name": unit.info.name,
            "uuid": unit.identity.uuid.to_string(),
            "naa": hexadecimal(&unit.identity.naa),
            "eui64": hexadecimal(&unit.identity.eui64),
            "vendor": unit.identity.vendor,
            "product": unit.identity.product,
            "revision": unit.identity.revision,
            "serial_number": unit.identity.serial,
            "removable": unit.identity.removable,
            "block_size": unit.info.block_size,
            "num_blocks": unit.info.blocks,
            "luns": luns.collect::<Vec<_>>(),
        })
    };
    manager.units().iter().map(one).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer of `scsi_get_sessions`.
pub(super) fn sessions(manager: &Manager) -> Vec<Value> {
    let nodes = manager.nodes();
    let one = |home: &str, nexus: &NexusReport| {
        let node = nodes.iter().find(|shown| Some(shown.node.id) == nexus.node);
        let mapping = node.and_then(|shown| shown.node.mappings.get(nexus.map?));
        json!({
            "initiator": nexus.origin.initiator.to_string(),
            "target": nexus.origin.target.to_string(),
            "address": nexus.origin.address.map(|address| address.to_string()),
            "relative_port": nexus.origin.relative_port,
            "target_node": node.map(|shown| &shown.node.name),
            "pg_tag": mapping.map(|mapping| mapping.portal_group),
            "ig_tag": mapping.map(|mapping| mapping.initiator_group),
            "luns": nexus.luns,
            "thread": home,
            "commands": nexus.tasks.iter().map(task).collect::<Vec<_>>(),
        })
    };
    let reports = manager.reports();
    reports.iter().flat_map(|(home, report)| report.nexuses.iter().map(|nexus| one(home, nexus))).collect()
}

fn task(task: &TaskReport) -> Value {
    json!({
        "lun": task.lun,
        "opcode": format!("{:02x}", task.opcode),
        "waits": task.waits,
        "age_us": task.age_ns / 1000,
    })
}
