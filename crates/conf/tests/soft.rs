//! `[Fabric]` and `[SoftPort]` become calls, in an order that works, and mistakes are told with their remedy.

use conf::parse_and_translate;
use serde_json::json;

fn calls(text: &str) -> Vec<(String, serde_json::Value)> {
    let plan = parse_and_translate("soft.conf", text.as_bytes());
    assert!(!plan.has_errors(), "{:?}", plan.diagnostics);
    plan.calls.into_iter().map(|call| (call.method, call.params)).collect()
}

fn errors(text: &str) -> String {
    let plan = parse_and_translate("soft.conf", text.as_bytes());
    assert!(plan.has_errors(), "{text}");
    plan.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const PORT: &str = "nn-0x20000024ff000001:pn-0x21000024ff000001";

#[test]
fn a_fabric_with_zones_and_a_port_on_it() {
    let text = format!(
        "[SoftPort1]\n Names {PORT}\n Transport FCP\n VPort nn-0x20000024ff000001:pn-0x22000024ff000001\n\
         [Fabric1]\n Domain 7\n Listen unix:/run/f.sock\n Listen fcoe:eth0\n\
         Alias host 10000000c9000001\n Zone z1 host 21000024ff000001\n"
    );
    let calls = calls(&text);
    let wanted = [
        ("fabric_create", json!({"name": "fabric1", "domain": 7})),
        ("fabric_listen", json!({"fabric": "fabric1", "path": "/run/f.sock"})),
        ("fabric_listen", json!({"fabric": "fabric1", "interface": "eth0"})),
        ("fabric_alias_create", json!({"fabric": "fabric1", "name": "host", "members": ["10000000c9000001"]})),
        ("fabric_zone_create", json!({"fabric": "fabric1", "name": "z1", "members": ["host", "21000024ff000001"]})),
        ("fabric_zone_activate", json!({"fabric": "fabric1"})),
        (
            "fc_port_create",
            json!({"wwnn": "0x20000024ff000001", "wwpn": "0x21000024ff000001", "link": "fabric", "transport": "FCP"}),
        ),
        (
            "fc_vport_create",
            json!({"parent": "0x21000024ff000001", "wwnn": "0x20000024ff000001", "wwpn": "0x22000024ff000001"}),
        ),
    ];
    assert_eq!(calls, wanted.map(|(method, params)| (method.to_owned(), params)));
}

#[test]
fn virtual_adapters_for_guests() {
    let text = format!(
        "[Fabric]\n VirtualHba /run/vm1.sock\n VirtualHba /run/vm2.sock {PORT} NVMe\n VirtualHba /run/vm3.sock fcp\n"
    );
    let wanted = [
        json!({"fabric": "fabric", "socket": "/run/vm1.sock"}),
        json!({"fabric": "fabric", "socket": "/run/vm2.sock", "wwnn": "0x20000024ff000001", "wwpn": "0x21000024ff000001", "fc4_priority": "nvme"}),
        json!({"fabric": "fabric", "socket": "/run/vm3.sock", "fc4_priority": "fcp"}),
    ];
    let calls = calls(&text);
    assert!(calls[1..].iter().all(|(method, _)| method == "fabric_hba_create"));
    assert_eq!(calls[1..].iter().map(|(_, params)| params.clone()).collect::<Vec<_>>(), wanted);
    assert!(errors("[Fabric]\n VirtualHba /run/vm1.sock 2100\n").contains("neither names nor a protocol"));
}

#[test]
fn ports_come_before_what_listens_on_them() {
    let text = format!(
        "[Malloc]\n NumberOfLuns 1\n LunSizeInMB 16\n[Subsystem1]\n NQN nqn.2026-11.org.qfc:a\n SN A\n \
         AllowAnyHost Yes\n Listen FC {PORT}\n Namespace Malloc0\n[SoftPort1]\n Names {PORT}\n"
    );
    let methods: Vec<_> = calls(&text).into_iter().map(|(method, _)| method).collect();
    let at = |name: &str| methods.iter().position(|method| method == name).unwrap_or_else(|| panic!("{methods:?}"));
    assert!(at("fc_port_create") < at("nvmf_subsystem_add_listener"));
    assert!(at("bdev_malloc_create") < at("fc_port_create"));
}

#[test]
fn mistakes_are_told() {
    assert!(errors("[SoftPort1]\n Link fabric\n").contains("add Names nn-0x"));
    assert!(errors("[SoftPort1]\n Names 21000024ff000001\n").contains("are not the names of a port"));
    assert!(errors(&format!("[SoftPort1]\n Names {PORT}\n Link tcp:x\n")).contains("vn2vn:eth0"));
    assert!(errors(&format!("[SoftPort1]\n Names {PORT}\n Link fcoe\n")).contains("is no link"));
    assert!(errors("[Fabric1]\n Listen /run/f.sock\n").contains("unix:/run/fabric.sock"));
    assert!(errors("[Fabric1]\n WWN 12\n").contains("16 hexadecimal digits"));
    assert!(errors(&format!("[SoftPort1]\n Names {PORT}\n Transport SCSI\n")).contains("FCP, NVME or BOTH"));
}
