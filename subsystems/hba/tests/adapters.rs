//! Adapters: models in the process, driven by the driver of real ones.

mod common;

use app::{Call, Subsystem};
use common::Target;
use serde_json::{Value, json};

const WWPN: &str = "0x21000024ff0a0001";

fn adapter(target: &Target) -> Value {
    let adapters = target.call("hba_get_adapters", json!({}));
    assert_eq!(adapters.as_array().unwrap().len(), 1, "{adapters}");
    adapters[0].clone()
}

#[test]
fn a_model_is_attached_comes_online_is_reset_and_detached() {
    let target = Target::new();
    let made = target.call("hba_attach", json!({ "address": "virtual", "name": "a", "wwpn": WWPN }));
    assert_eq!(made, json!([WWPN]));
    let port = target.online("a");
    assert_eq!(
        (&port["driver"], &port["wwpn"], &port["wwnn"]),
        (&json!("qla"), &json!(WWPN), &json!("0x20000024ff0a0001"))
    );
    let shown = adapter(&target);
    assert_eq!(
        (&shown["model"], &shown["address"], &shown["name"]),
        (&json!("QLE2742"), &json!("virtual"), &json!("a"))
    );
    assert!(shown["firmware"].is_string() && shown["serial"].is_string() && shown["temperature"].is_u64(), "{shown}");
    let resets = shown["resets"].as_u64().unwrap();
    target.call("fc_port_reset", json!({ "name": "a" }));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while adapter(&target)["resets"].as_u64().unwrap() == resets {
        assert!(std::time::Instant::now() < end, "{}", adapter(&target));
    }
    target.online("a");
    target.call("fc_port_set_state", json!({ "wwpn": WWPN, "up": false }));
    target.call("fc_port_set_state", json!({ "wwpn": WWPN, "up": true }));
    target.online("a");
    assert_eq!(target.error("fc_port_delete", json!({ "name": "a" })).0, -22);
    target.call("hba_detach", json!({ "name": "a" }));
    assert_eq!(target.call("hba_get_adapters", json!({})), json!([]));
    assert_eq!(target.call("fc_get_ports", json!({})), json!([]));
    assert_eq!(target.error("hba_detach", json!({ "name": "a" })).0, -19);
}

#[test]
fn names_are_changed_and_saved() {
    let target = Target::new();
    target.call("hba_attach", json!({ "address": "virtual", "wwpn": WWPN }));
    target.call("fc_port_create", json!({ "name": "soft", "link": "fabric" }));
    target.online(WWPN);
    let new = "0x21000024ff0a0002";
    assert_eq!(target.call("fc_port_set_names", json!({ "name": WWPN, "wwpn": new })), new);
    assert_eq!(target.online(new)["wwnn"], "0x20000024ff0a0002");
    let vport = target.call("fc_vport_create", json!({ "parent": new }));
    target.online(vport.as_str().unwrap());
    let (code, reason) = target.error("fc_port_set_names", json!({ "name": new, "wwpn": WWPN }));
    assert!(code == -22 && reason.contains("fc_vport_delete"), "{reason}");
    assert_eq!(target.error("fc_port_set_names", json!({ "name": "soft", "wwpn": WWPN })).0, -22);
    let saved = target.hba.config();
    let methods: Vec<&str> = saved.iter().map(|call| call.method.as_str()).collect();
    assert_eq!(methods, ["fc_set_options", "fc_port_create", "hba_attach", "fc_vport_create"]);
    drop(target);
    let again = Target::new();
    saved.iter().for_each(|call| drop(again.call(&call.method, call.params.clone())));
    assert_eq!(again.hba.config(), saved);
    assert_eq!(again.online(new)["driver"], "qla");
}

#[test]
fn models_stand_for_adapters_that_are_not_there() {
    let target = Target::new();
    target.call("fc_set_options", json!({ "transport": "FCP" }));
    let names = ["nn-0x20000024ff0b0001:pn-0x21000024ff0b0001", "21000024ff0b0002"];
    let made = target.call("hba_attach", json!({ "address": "auto", "names": names }));
    assert_eq!(made, json!(["0x21000024ff0b0001", "0x21000024ff0b0002"]));
    for name in ["0x21000024ff0b0001", "0x21000024ff0b0002"] {
        assert_eq!(target.online(name)["transport"], json!(["fcp"]));
    }
}

#[test]
fn models_of_two_processes_meet_on_a_fabric() {
    let target = Target::new();
    let other = target.beside();
    target.call("hba_attach", json!({ "address": "virtual", "name": "a" }));
    other.call("hba_attach", json!({ "address": "virtual", "name": "a" }));
    let (one, two) = (target.online("a"), other.online("a"));
    assert!(one["port_id"] != two["port_id"] && one["wwpn"] != two["wwpn"] && one["fabric"] == two["fabric"]);
}

#[test]
fn the_memory_that_is_told_is_enough() {
    let target = Target::new();
    let attach = [Call::new("hba_attach", json!({ "address": "virtual" }))];
    let told: u64 = target.hba.memory(1, &attach).iter().map(|need| need.bytes).sum();
    let before = target.app.arena.usage().used;
    let made = target.call("hba_attach", json!({ "address": "virtual" }));
    let port = target.ports.find(made[0].as_str().unwrap().parse().unwrap()).unwrap();
    let own = target.app.arena.usage().used - before;
    let wake: fc::Wake = std::sync::Arc::new(|| {});
    let service = |fc4| fc::Service { fc4, discovery: false };
    let lanes = [fc::Fc4::Fcp, fc::Fc4::Nvme].map(|fc4| port.attach(service(fc4), vec![wake.clone()]).unwrap());
    target.online(made[0].as_str().unwrap());
    let used = target.app.arena.usage().used - before;
    println!("{} KiB, with two lanes {} KiB, told {} KiB", own >> 10, used >> 10, told >> 10);
    assert!(used as u64 <= told, "{used} of {told}");
    assert!(target.hba.memory(4, &[]).is_empty());
    let auto = [Call::new("hba_attach", json!({ "address": "auto", "names": ["1", "2", "3"] }))];
    assert_eq!(target.hba.memory(1, &auto)[0].bytes, 3 * told);
    drop(lanes);
}

#[test]
fn what_cannot_be_attached_is_refused_and_leaves_nothing() {
    let target = Target::new();
    target.call("fc_port_create", json!({ "name": "soft", "wwpn": WWPN, "link": "fabric" }));
    for (wrong, part) in [
        (json!({ "address": "virtual", "wwpn": WWPN }), "in use by the soft port"),
        (json!({ "address": "virtual", "wwnn": WWPN }), "wwpn"),
        (json!({ "address": "virtual", "link": "fabric:other" }), "there is no fabric other"),
        (json!({ "address": "virtual", "name": "soft" }), "a port soft is there"),
        (json!({ "address": "virtual", "core": 4711 }), "core: 4711"),
        (json!({ "address": "vfio-user:/nowhere/at/all" }), "cannot connect"),
        (json!({ "address": "ffff:ff:1f.7" }), "no such PCI function"),
        (json!({ "address": "nonsense" }), "nonsense"),
        (json!({ "address": "auto", "names": ["x"] }), "names: 'x'"),
    ] {
        let (_, reason) = target.error("hba_attach", wrong.clone());
        assert!(reason.contains(part), "{wrong}: {reason}");
    }
    assert_eq!(target.ports.list().len(), 1);
    let pollers = target.app.cores[0].stats().pollers().len();
    assert_eq!(pollers, 1, "the soft port's");
}

#[test]
fn firmware_from_a_file_that_is_not_there_is_refused() {
    if std::path::Path::new("/lib/firmware/ql2700_fw.bin").exists() {
        return;
    }
    let target = Target::new();
    target.call("fc_set_options", json!({ "load_firmware_from_file": true }));
    let (_, reason) = target.error("hba_attach", json!({ "address": "virtual" }));
    assert!(reason.contains("/lib/firmware/ql2700_fw.bin") && reason.contains("LoadFWfromFile"), "{reason}");
    assert_eq!(target.error("fc_set_options", json!({ "multi_atio": true })).0, -22);
    target.call("hba_attach", json!({ "address": "auto", "names": [WWPN] }));
    assert_eq!(target.online(WWPN)["driver"], "qla", "a model that only stands in needs no such file");
}
