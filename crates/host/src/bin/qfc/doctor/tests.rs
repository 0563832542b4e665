//! Machines and targets that lack one thing each.

use super::finding::{Finding, State};
use super::machine::Machine;
use super::target::{self, Side};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn pages(root: &Path, free: u32) {
    let at = "sys/kernel/mm/hugepages/hugepages-2048kB";
    write(root, &format!("{at}/free_hugepages"), &format!("{free}\n"));
    write(root, &format!("{at}/nr_hugepages"), &format!("{}\n", free + 3));
}

fn function(root: &Path, address: &str, ids: [&str; 3], driver: Option<&str>, group: Option<&str>) {
    let at = format!("sys/bus/pci/devices/{address}");
    for (name, value) in ["vendor", "device", "class"].into_iter().zip(ids) {
        write(root, &format!("{at}/{name}"), &format!("{value}\n"));
    }
    for (name, to) in [("driver", driver), ("iommu_group", group)] {
        if let Some(to) = to {
            symlink(format!("../../somewhere/{to}"), root.join(&at).join(name)).unwrap();
        }
    }
}

const QLE2742: [&str; 3] = ["0x1077", "0x2261", "0x0c0400"];

fn states(findings: &[Finding]) -> Vec<(&str, State)> {
    findings.iter().map(|finding| (finding.check, finding.state)).collect()
}

fn one<'a>(findings: &'a [Finding], check: &str, state: State) -> &'a Finding {
    let mut fit = findings.iter().filter(|finding| finding.check == check && finding.state == state);
    let found = fit.next().unwrap_or_else(|| panic!("no {check} {state:?} in {findings:#?}"));
    assert!(fit.next().is_none(), "{check} {state:?} twice: {findings:#?}");
    found
}

#[test]
fn a_machine_without_adapter_and_memory() {
    let root = tempfile::tempdir().unwrap();
    function(root.path(), "0000:01:00.0", ["0x8086", "0x2261", "0x0c0400"], None, None);
    function(root.path(), "0000:02:00.0", ["0x1077", "0x8070", "0x020000"], Some("qede"), None);
    let findings = Machine(root.path().into()).examine(false);
    assert_eq!(states(&findings), [("adapter", State::Problem), ("hugepages", State::Problem)]);
    assert!(findings[0].mend.iter().any(|command| command.contains("SoftPort1")), "{findings:?}");
    assert!(findings[1].lines().contains("-> sudo scripts/setup.sh 256"), "{}", findings[1].lines());
}

#[test]
fn a_machine_where_all_is_well() {
    let root = tempfile::tempdir().unwrap();
    pages(root.path(), 100);
    function(root.path(), "0000:3b:00.0", QLE2742, Some("vfio-pci"), Some("27"));
    write(root.path(), "lib/firmware/ql2700_fw.bin", "x");
    let findings = Machine(root.path().into()).examine(false);
    assert!(findings.iter().all(|finding| finding.state == State::Ok), "{findings:#?}");
    assert_eq!(findings.len(), 5);
    assert!(one(&findings, "hugepages", State::Ok).text.contains("200 MiB"));
}

#[test]
fn each_thing_that_an_adapter_lacks_is_said_with_the_command() {
    let root = tempfile::tempdir().unwrap();
    pages(root.path(), 0);
    write(root.path(), "proc/cpuinfo", "vendor_id : AuthenticAMD");
    function(root.path(), "0000:3b:00.1", QLE2742, Some("qla2xxx"), None);
    function(root.path(), "0000:3c:00.0", ["0x1077", "0x2031", "0x0c0400"], None, Some("4"));
    function(root.path(), "0000:3d:00.0", ["0x1077", "0x2532", "0x0c0400"], Some("qla2xxx"), Some("5"));
    let findings = Machine(root.path().into()).examine(true);
    let of = |address: &str| findings.iter().filter(|f| f.subject == address).cloned().collect::<Vec<_>>();
    let first = of("0000:3b:00.1");
    let driver = one(&first, "driver", State::Problem);
    assert!(driver.text.contains("qla2xxx") && driver.mend[0].contains("bind 0000:3b:00.1"), "{driver:?}");
    assert!(driver.mend[1].contains("UnbindFromKernel"));
    assert!(one(&first, "iommu", State::Problem).mend[0].contains("amd_iommu=on"));
    assert!(one(&first, "firmware", State::Note).text.contains("ql2700_fw.bin"));
    let second = of("0000:3c:00.0");
    assert!(one(&second, "driver", State::Problem).text.contains("no driver"));
    assert!(one(&second, "iommu", State::Ok).text.contains("group 4"));
    assert!(one(&second, "firmware", State::Note).text.contains("ql2600_fw.bin"));
    assert_eq!(states(&of("0000:3d:00.0")), [("adapter", State::Note)]);
    assert_eq!(one(&findings, "hugepages", State::Ok).state, State::Ok, "the target has its memory");
}

const PORT: &str = "0x21000024ff000001";
const NAMES: &str = "nn-0x20000024ff000001:pn-0x21000024ff000001";
const HOST: &str = "0x210002d6484d8bfa";

/// What a target answers that works for one host.
fn answers() -> Value {
    json!({
        "hba_get_adapters": [],
        "fc_get_ports": [{ "wwpn": PORT, "names": NAMES, "driver": "soft", "state": "online", "reason": null, "port_id": "0x010100",
            "link": "ring", "sessions": [{ "fc4": "fcp" }] }],
        "fabric_get_fabrics": [{ "name": "fabric" }],
        "fabric_get_ports": [{ "n_ports": [{ "wwpn": PORT, "fc4": ["fcp target"] }] },
            { "n_ports": [{ "wwpn": HOST, "fc4": ["fcp initiator"] }] }],
        "fabric_get_zones": { "active": null, "default_zone": "open", "zones": [] },
        "nvmf_get_subsystems": [{ "nqn": "nqn.a", "allow_any_host": true, "hosts": [],
            "listen_addresses": [{ "trtype": "FC", "traddr": NAMES }] }],
        "scsi_get_portal_groups": [{ "tag": 1, "portals": [{ "wwpn": PORT }] }],
        "scsi_get_target_nodes": [{ "pg_ig_maps": [{ "pg_tag": 1, "ig_tag": 1 }] }],
        "scsi_get_sessions": [{ "initiator": format!("nn-0x1:pn-{HOST}"), "target": NAMES, "target_node": "disk1" }],
    })
}

fn examined(answers: &Value) -> Vec<Finding> {
    target::examine(Side { ask: &|method, _| answers.get(method).cloned(), rpc: "qfc rpc -s /t" }, None)
}

#[test]
fn a_target_where_all_is_well() {
    let findings = examined(&answers());
    assert!(findings.iter().all(|finding| finding.state == State::Ok), "{findings:#?}");
    assert_eq!(states(&findings).len(), 3);
    assert!(one(&findings, "service", State::Ok).text.contains("1 SCSI target node(s), 1 NVMe"));
}

/// Changes one answer; the finding that comes of it.
fn broken(check: &str, pointer: &str, value: Value) -> Finding {
    let mut answers = answers();
    *answers.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    one(&examined(&answers), check, State::Problem).clone()
}

#[test]
fn each_thing_that_a_target_lacks_is_said_with_the_command() {
    for (check, pointer, value, text, mend) in [
        ("link", "/fc_get_ports", json!([]), "no Fibre Channel port", "fc_port_create"),
        ("link", "/fc_get_ports/0/state", json!("disabled"), "operator", "\"up\": true"),
        ("link", "/fc_get_ports/0/state", json!("link_down"), "link down", "fabric_port_up"),
        ("link", "/fc_get_ports/0/state", json!("refused"), "refuses", "fc_port_create"),
        ("link", "/fc_get_ports/0/state", json!("logging_in"), "no fabric answers", "F_Port"),
        ("zone", "/fabric_get_zones/default_zone", json!("deny"), HOST, "fabric_zone_create"),
        ("zone", "/fabric_get_zones/active", json!("day"), HOST, "fabric_zone_activate"),
        ("host", "/scsi_get_sessions/0/target_node", Value::Null, HOST, "scsi_initiator_group_add_initiators"),
        ("host", "/nvmf_get_subsystems/0/allow_any_host", json!(false), "nqn.a", "nvmf_subsystem_add_host"),
    ] {
        let finding = broken(check, pointer, value);
        assert!(finding.text.contains(text), "{pointer}: {finding:?}");
        assert!(finding.mend.iter().any(|command| command.contains(mend)), "{pointer}: {finding:?}");
        let calls = finding.mend.iter().filter(|command| command.contains("qfc rpc"));
        calls.for_each(|command| assert!(command.contains("qfc rpc -s /t "), "{command}"));
    }
}

#[test]
fn a_port_that_offers_nothing() {
    let mut bare = answers();
    bare["scsi_get_portal_groups"][0]["portals"][0]["wwpn"] = json!("0x1");
    assert!(examined(&bare).iter().all(|finding| finding.state == State::Ok), "NVMe is still there");
    bare["nvmf_get_subsystems"][0]["listen_addresses"] = json!([]);
    let findings = examined(&bare);
    let mend = &one(&findings, "service", State::Problem).mend;
    assert!(
        mend[0].contains("nvmf_subsystem_add_listener") && mend[1].contains("scsi_create_portal_group"),
        "{mend:?}"
    );
}

#[test]
fn links_and_adapters_have_remedies_of_their_kind() {
    let mut down = answers();
    down["fc_get_ports"][0]["state"] = json!("link_down");
    for (link, driver, mend) in
        [("unix:/run/x", "soft", "qfc_fabric -l /run/x"), ("fcoe:eth0", "soft", "eth0 up"), ("32 Gb", "qla", "SFP")]
    {
        down["fc_get_ports"][0]["link"] = json!(link);
        down["fc_get_ports"][0]["driver"] = json!(driver);
        let findings = examined(&down);
        assert!(one(&findings, "link", State::Problem).mend[0].contains(mend), "{link}: {findings:?}");
    }
    let mut with = answers();
    with["hba_get_adapters"] = json!([{ "address": "0000:3b:00.0", "model": "QLE2742", "state": "given up",
        "reason": "the chip does not answer", "firmware": null, "wwpn": PORT }]);
    let findings = examined(&with);
    let finding = one(&findings, "adapter", State::Problem);
    assert!(finding.text.contains("does not answer") && finding.mend[0].contains("fc_port_reset"), "{finding:?}");
    with["hba_get_adapters"][0]["state"] = json!("loading firmware");
    assert!(one(&examined(&with), "adapter", State::Problem).text.contains("loading firmware"));
    (with["hba_get_adapters"][0]["state"], with["hba_get_adapters"][0]["firmware"]) =
        (json!("online"), json!("9.08.00"));
    assert!(one(&examined(&with), "adapter", State::Ok).text.contains("9.08.00"));
}

#[test]
fn zones_that_join_both_and_a_switch_beside_are_seen() {
    let mut zoned = answers();
    zoned["fabric_get_zones"] = json!({ "active": "day", "default_zone": "open", "zones": [
        { "active": true, "wwpns": [PORT, HOST] }, { "active": false, "wwpns": [HOST] }] });
    assert!(examined(&zoned).iter().all(|finding| finding.check != "zone"));
    zoned["fabric_get_zones"]["zones"][0]["active"] = json!(false);
    one(&examined(&zoned), "zone", State::Problem);
    let mut alone = answers();
    alone["fabric_get_fabrics"] = json!([]);
    assert!(examined(&alone).iter().all(|finding| finding.check != "zone"), "nobody knows the fabric");
    let beside = |method: &str, _| zoned.get(method).cloned();
    let sides = [&|method: &str, _| alone.get(method).cloned(), &beside as target::Ask];
    let [target, switch] = [(sides[0], "qfc rpc"), (sides[1], "qfc rpc -s /f")].map(|(ask, rpc)| Side { ask, rpc });
    let findings = target::examine(target, Some(switch));
    assert!(one(&findings, "zone", State::Problem).mend[0].starts_with("qfc rpc -s /f fabric_zone_create"));
    zoned["fabric_get_ports"][1]["n_ports"] = json!([]);
    one(&examined(&zoned), "host", State::Note);
}
