//! What the target is made of, in SPDK's shapes.

use nvmf::{ListenerView, NamespaceView, Referral, Shown, adrfam_name};
use serde_json::{Value, json};

/// An address: of a listener, and as parameter `listen_address`.
pub(crate) fn listener(listener: &ListenerView) -> Value {
    json!({
        "trtype": listener.trtype.name(),
        "adrfam": adrfam_name(listener.adrfam),
        "traddr": listener.traddr,
        "trsvcid": listener.trsvcid,
    })
}

/// A referral, and the parameters of `nvmf_discovery_add_referral`.
pub(crate) fn referral(referral: &Referral) -> Value {
    let address = &referral.address;
    json!({
        "address": {
            "trtype": address.trtype.name(),
            "adrfam": adrfam_name(address.adrfam),
            "traddr": address.traddr,
            "trsvcid": address.trsvcid,
        },
        "secure_channel": referral.secure_channel,
        "subnqn": referral.subnqn,
    })
}

/// Bytes as upper-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// An entry of `nvmf_get_subsystems`.
pub(crate) fn subsystem(shown: &Shown) -> Value {
    let view = &shown.view;
    let mut value = json!({
        "nqn": view.nqn,
        "subtype": if view.discovery { "Discovery" } else { "NVMe" },
        "listen_addresses": view.listeners.iter().map(listener).collect::<Vec<_>>(),
        "allow_any_host": view.allow_any_host,
        "hosts": view.hosts.iter().map(|nqn| json!({ "nqn": nqn })).collect::<Vec<_>>(),
    });
    if !view.discovery {
        value["serial_number"] = json!(view.serial);
        value["model_number"] = json!(view.model);
        value["max_namespaces"] = json!(view.max_namespaces);
        value["passthrough"] = json!(false);
        value["min_cntlid"] = json!(view.min_cntlid);
        value["max_cntlid"] = json!(view.max_cntlid);
        value["dmrsl"] = json!(0);
        value["wzsl"] = json!(0);
        value["namespaces"] = view.namespaces.iter().map(namespace).collect();
    }
    if !shown.unacknowledged.is_empty() {
        value["unacknowledged"] = json!(shown.unacknowledged);
    }
    value
}

fn namespace(namespace: &NamespaceView) -> Value {
    let mut value = json!({
        "nsid": namespace.nsid,
        "bdev_name": namespace.info.name,
        "name": namespace.info.name,
        "nguid": hexadecimal(&namespace.nguid),
    });
    if namespace.eui64 != [0; 8] {
        value["eui64"] = json!(hexadecimal(&namespace.eui64));
    }
    value["uuid"] = json!(namespace.uuid.to_string());
    value
}
