//! What there is, as methods show it.

use fc::Ports;
use scsi::control::{InitiatorGroup, Manager, PortalGroup, ShownNode, Unit, show_rule};
use scsi::{NexusReport, PortName, TaskReport};
use serde_json::{Value, json};
use wire::fc::Wwn;

/// A port name as configuration has it.
pub(super) fn wwpn(port: &PortName) -> String {
    match port {
        PortName::Fc { wwpn, .. } => format!("0x{wwpn:016x}"),
        other => other.to_string(),
    }
}

/// An entry of `scsi_get_portal_groups`.
pub(super) fn portal_group(tag: u32, group: &PortalGroup, ports: &Ports) -> Value {
    let portal = |portal: &scsi::control::Portal| {
        let name = match portal.port {
            PortName::Fc { wwpn, .. } => wwpn,
            _ => 0,
        };
        let state = ports.find(Wwn(name)).map(|port| port.status().state);
        json!({
            "label": portal.label,
            "wwpn": wwpn(&portal.port),
            "relative_port": portal.relative,
            "state": state.map_or_else(|| json!("absent"), |state| json!(state)),
        })
    };
    let mut value = json!({ "tag": tag, "portals": group.portals.iter().map(portal).collect::<Vec<_>>() });
    comment(&mut value, &group.comment);
    value
}

/// An entry of `scsi_get_initiator_groups`, and the parameters of `scsi_create_initiator_group`.
pub(super) fn initiator_group(tag: u32, group: &InitiatorGroup) -> Value {
    let mut value = json!({ "tag": tag, "initiators": group.rules.iter().map(show_rule).collect::<Vec<_>>() });
    comment(&mut value, &group.comment);
    value
}

pub(super) fn comment(value: &mut Value, comment: &str) {
    if !comment.is_empty() {
        value["comment"] = json!(comment);
    }
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
