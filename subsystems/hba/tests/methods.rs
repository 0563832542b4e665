//! The methods, for ports in software.

mod common;

use app::Subsystem;
use common::Target;
use serde_json::{Value, json};

const WWPN: &str = "0x2100002400000001";

#[test]
fn a_port_comes_up_goes_down_and_goes() {
    let target = Target::new();
    let made = target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    assert_eq!(made, WWPN);
    let port = target.port("a");
    assert_eq!((port["state"].as_str(), port["topology"].as_str()), (Some("online"), Some("fabric")), "{port}");
    assert_eq!(port["wwnn"], "0x2000002400000001");
    assert!(port["counters"]["frames_in"].as_u64().unwrap() > 0);
    target.call("fc_port_set_state", json!({ "wwpn": WWPN, "up": false }));
    assert_eq!(target.port(WWPN)["state"], "disabled");
    target.call("fc_port_set_state", json!({ "wwpn": "a", "up": true }));
    target.online("a");
    target.call("fc_port_delete", json!({ "name": "a" }));
    assert_eq!(target.call("fc_get_ports", json!({})), json!([]));
    assert_eq!(target.error("fc_port_delete", json!({ "name": "a" })).0, -19);
}

#[test]
fn names_in_use_are_refused_with_the_place() {
    let target = Target::new();
    target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    let (code, reason) = target.error("fc_port_create", json!({ "name": "b", "wwpn": WWPN, "link": "fabric" }));
    assert_eq!(code, -17);
    assert!(reason.contains("in use by the soft port nn-0x2000002400000001:pn-0x2100002400000001"), "{reason}");
    let (code, _) = target.error("fc_port_create", json!({ "name": "a", "link": "fabric" }));
    assert_eq!(code, -17);
    // Another process of the same fabric: only the fabric knows.
    let other = target.beside();
    let (code, reason) = other.error("fc_port_create", json!({ "wwpn": WWPN, "link": "fabric" }));
    assert_eq!(code, -17, "{reason}");
    assert!(reason.contains("fabric: port name 0x2100002400000001 is in use"), "{reason}");
    assert!(other.ports.list().is_empty());
}

#[test]
fn virtual_ports_come_and_go_with_their_parent() {
    let target = Target::new();
    target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    let made = target.call("fc_vport_create", json!({ "parent": "a" }));
    let port = target.port(made.as_str().unwrap());
    assert_eq!((port["state"].as_str(), port["parent"].as_str()), (Some("online"), Some(WWPN)), "{port}");
    assert_ne!(port["port_id"], target.port("a")["port_id"]);
    let again = target.call("fc_vport_create", json!({ "parent": WWPN, "wwpn": "0x2100002400000002" }));
    assert_eq!(target.call("fc_get_ports", json!({})).as_array().unwrap().len(), 3);
    target.call("fc_vport_delete", json!({ "wwpn": made }));
    assert_eq!(target.error("fc_vport_delete", json!({ "wwpn": made })).0, -19);
    target.call("fc_port_set_state", json!({ "wwpn": again, "up": false }));
    let methods: Vec<String> = target.hba.config().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["fc_set_options", "fc_port_create", "fc_vport_create", "fc_port_set_state"]);
    target.call("fc_port_delete", json!({ "wwpn": WWPN }));
    assert!(target.ports.list().is_empty());
}

#[test]
fn the_configuration_makes_the_same_ports_again() {
    let target = Target::new();
    target.call("fc_set_options", json!({ "transport": "FCP" }));
    target.call("fc_port_create", json!({ "name": "a", "link": "fabric", "core": 0 }));
    target.call("fc_port_create", json!({ "name": "b", "link": "fabric", "transport": "NVME" }));
    let saved = target.hba.config();
    assert_eq!(target.port("a")["transport"], json!(["fcp"]));
    assert_eq!(target.port("b")["transport"], json!(["nvme"]));
    let again = Target::new();
    for call in &saved {
        again.call(&call.method, call.params.clone());
    }
    assert_eq!(again.hba.config(), saved);
}

#[test]
fn sessions_and_counters_of_ports_and_a_reset() {
    let target = Target::new();
    target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    target.call("fc_port_create", json!({ "name": "b", "link": "fabric" }));
    assert_eq!(target.call("fc_get_sessions", json!({})), json!([]), "nobody serves, so nobody logs in");
    let stats = target.call("fc_get_stats", json!({ "name": "a" }));
    assert_eq!(
        (stats.as_array().unwrap().len(), &stats[0]["state"], &stats[0]["sessions"]),
        (1, &json!("online"), &json!(0))
    );
    assert_eq!(target.call("fc_get_stats", json!({})).as_array().unwrap().len(), 2);
    let ups = |stats: &Value| stats[0]["counters"]["frames_out"].as_u64().unwrap();
    target.call("fc_port_reset", json!({ "name": "a" }));
    target.online("a");
    assert!(ups(&target.call("fc_get_stats", json!({ "name": "a" }))) > ups(&stats), "it logged in anew");
    assert_eq!(target.error("fc_port_reset", json!({ "name": "c" })).0, -19);
    assert_eq!(target.error("fc_get_stats", json!({ "name": "c" })).0, -19);
    assert_eq!(target.error("fc_port_reset", json!({})).0, -22);
}

#[test]
fn bad_parameters_are_named() {
    let target = Target::new();
    let cases = [
        (json!({ "link": "fcoe:eth0" }), "no links of the kind 'fcoe'"),
        (json!({ "link": "fabric:other" }), "there is no fabric other"),
        (json!({ "link": "fabric", "wwpn": "12" }), "wwpn: '12'"),
        (json!({ "link": "fabric", "wwpn": WWPN, "wwnn": "x" }), "wwnn: 'x'"),
        (json!({ "link": "fabric", "core": 4711 }), "core: 4711"),
    ];
    for (params, expected) in cases {
        let (code, reason) = target.error("fc_port_create", params.clone());
        assert_eq!(code, -22, "{params}");
        assert!(reason.contains(expected), "{params}: {reason}");
    }
    assert_eq!(target.error("fc_port_create", json!({ "link": "fabric", "transport": "IP" })).0, -32602);
    assert_eq!(target.error("fc_vport_create", json!({ "parent": "nobody" })).0, -19);
    assert_eq!(target.error("fc_port_delete", json!({})).0, -22);
    assert!(target.ports.list().is_empty());
}
