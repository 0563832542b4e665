//! The Fibre Channel part: what is checked, and which calls it becomes.

use conf::fc::{FcTransport, InitiatorRule};
use conf::{Plan, Severity, Wwn, parse_and_translate};

fn read(text: &str) -> Plan {
    parse_and_translate("f", text.as_bytes())
}

fn errors(plan: &Plan) -> Vec<String> {
    let errors = plan.diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| format!("{}: {}", d.line, d.message)).collect()
}

#[track_caller]
fn only_error(text: &str, line: usize, part: &str) {
    let errors = errors(&read(text));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with(&format!("{line}: ")) && errors[0].contains(part), "{errors:?}");
}

/// Lines 1 to 9; a target node follows.
const GROUPS: &str = "[Malloc]\nNumberOfLuns 2\nLunSizeInMB 1\n[PortalGroup1]\nPortal FC1 0x21000024ff5ba06a\n[InitiatorGroup4]\nInitiatorName ALL\n[QFC]\nTransport FCP\n";

fn target(lines: &str) -> String {
    format!("{GROUPS}[TargetNode1]\n{lines}")
}

#[test]
fn qfc_defaults() {
    let plan = read("[QFC]\n");
    let ports = plan.fc.ports.as_ref().unwrap();
    assert_eq!(ports.transport, FcTransport::Both);
    assert_eq!((ports.backend_fcp.name.as_str(), ports.backend_fcp.reactor), ("spdkscsi", None));
    assert_eq!((ports.backend_nvme.name.as_str(), ports.backend_nvme.reactor), ("spdknvme", None));
    assert!(!ports.unbind_from_kernel && !ports.load_firmware_from_file && !ports.multi_atio);
    assert!(plan.diagnostics.is_empty(), "{:?}", plan.diagnostics);
    assert_eq!(calls(&plan), [r#"1 hba_attach {"address":"auto","names":[]}"#], "what is found, and nothing is set");
}

/// Calls with their lines.
fn calls(plan: &Plan) -> Vec<String> {
    plan.calls.iter().map(|call| format!("{} {} {}", call.line, call.method, call.params)).collect()
}

#[test]
fn settings_of_adapters_become_a_call() {
    let plan =
        read("[QFC]\nLoadFWfromFile Yes\nUnbindFromKernel No\nNumberOfATIOQ 8\nNumberOfNvmeATIO 5\nHba virtual\n");
    let options = r#"1 fc_set_options {"unbind_from_kernel":false,"load_firmware_from_file":true,"atio_queues":8,"nvme_atio_queues":5}"#;
    assert_eq!(calls(&plan), [options, r#"6 hba_attach {"address":"virtual"}"#]);
}

#[test]
fn adapters_are_named_by_their_address() {
    let names = "nn-0x20000024ff000001:pn-0x21000024ff000001";
    let plan = read(&format!("[QFC]\nHba 0000:3b:00.0\nHba vfio-user:/run/hba.sock\nHba virtual {names}\nHba auto\n"));
    assert!(plan.diagnostics.is_empty(), "{:?}", plan.diagnostics);
    let wanted = [
        r#"2 hba_attach {"address":"0000:3b:00.0"}"#,
        r#"3 hba_attach {"address":"vfio-user:/run/hba.sock"}"#,
        r#"4 hba_attach {"address":"virtual","wwnn":"0x20000024ff000001","wwpn":"0x21000024ff000001"}"#,
        r#"5 hba_attach {"address":"auto"}"#,
    ];
    assert_eq!(calls(&plan), wanted);
    only_error("[QFC]\nHba eth0\n", 2, "\"eth0\" is no adapter");
    only_error("[QFC]\nHba vfio-user:relative\n", 2, "is no adapter");
    only_error("[QFC]\nHba virtual 2100\n", 2, "are not the names of a port");
}

#[test]
fn adapters_are_looked_for_unless_ports_are_in_software() {
    let names = "nn-0x20000024ff000001:pn-0x21000024ff000001";
    let soft = read(&format!("[QFC]\nTransport FCP\n[SoftPort1]\nNames {names}\n"));
    assert!(soft.calls.iter().all(|call| call.method != "hba_attach"));
    assert!(read("[Malloc]\n").calls.is_empty(), "no [QFC], no adapters");
    let both = read(&format!("[QFC]\nHba virtual\n[SoftPort1]\nNames {names}\n"));
    assert_eq!(both.calls.last().unwrap().method, "hba_attach");
    let text =
        "[Malloc]\nNumberOfLuns 1\nLunSizeInMB 16\n[Subsystem1]\nNQN nqn.2026-11.org.qfc:a\nSN A\nAllowAnyHost Yes\n";
    let text = format!(
        "{text}Listen FC {names}\nNamespace Malloc0\n[PortalGroup1]\nPortal a 21000024ff000001\nPortal b 21000024ff000002\n[QFC]\n"
    );
    let wanted = serde_json::json!({"address": "auto", "names": [names, "0x21000024ff000002"]});
    assert_eq!(read(&text).calls.last().unwrap().params, wanted, "models get the names that the file has");
}

#[test]
fn qfc_values() {
    let plan = read("[QFC]\nTransport both\nBackendAppFcp SPDKSCSI:2\nBackendAppNvme other:1\nFCPQRouting hash\n");
    let ports = plan.fc.ports.as_ref().unwrap();
    assert_eq!(
        (ports.transport, ports.backend_fcp.reactor, ports.backend_nvme.reactor),
        (FcTransport::Both, Some(2), None)
    );
    let lines: Vec<usize> = plan.diagnostics.iter().map(|d| d.line).collect();
    assert_eq!(lines, [3, 4, 5]);
    only_error("[QFC]\nTransport FCOE\n", 2, "Transport: \"FCOE\" is not known");
}

#[test]
fn counts_of_atio_queues_have_two_spellings() {
    for (total, nvme) in [("NumberOfATIO", "NvmeConnectionID_ATIO"), ("NumberOfATIOQ", "NumberOfNvmeATIO")] {
        let plan = read(&format!("[Global]\nReactorMask 0xF\n[QFC]\nMultiAtioEnable Yes\n{total} 3\n{nvme} 2\n"));
        let ports = plan.fc.ports.as_ref().unwrap();
        assert_eq!((ports.atio_queues, ports.nvme_atio_queues), (Some(3), Some(2)));
        assert!(plan.diagnostics.is_empty(), "{:?}", plan.diagnostics);
    }
    let plan = read("[QFC]\nNumberOfATIO 3\nNumberOfATIOQ 4\n");
    assert_eq!(plan.fc.ports.as_ref().unwrap().atio_queues, Some(3));
    assert!(plan.diagnostics[0].message.contains("mean the same and differ"));
}

#[test]
fn counts_of_atio_queues_are_checked() {
    only_error("[QFC]\nMultiAtioEnable Yes\n", 1, "needs NumberOfATIO");
    only_error("[QFC]\nMultiAtioEnable Yes\nNumberOfATIO 2\nNumberOfNvmeATIO 3\n", 3, "more ATIO queues for NVMe");
    let plan = read("[Global]\nReactorMask 0x7\n[QFC]\nMultiAtioEnable Yes\nNumberOfATIO 3\n");
    assert!(plan.diagnostics[0].message.contains("need more than the 3 reactor(s)"), "{:?}", plan.diagnostics);
}

#[test]
fn a_good_target_node() {
    let plan = read(&target("TargetName d\nMapping portalgroup1 INITIATORGROUP4\nLUN0 Malloc0\nlun5 Malloc1\n"));
    assert_eq!(errors(&plan), [""; 0]);
    let node = &plan.fc.target_nodes[0];
    assert_eq!((node.number, node.name.as_str(), node.queue_depth, node.alias.as_deref()), (1, "d", 64, None));
    assert_eq!(node.luns.iter().map(|(n, b)| (*n, b.as_str())).collect::<Vec<_>>(), [(0, "Malloc0"), (5, "Malloc1")]);
    assert_eq!((node.mappings[0].portal_group, node.mappings[0].initiator_group), (1, 4));
    assert_eq!(plan.fc.portal_groups[0].portals[0].port, Wwn(0x2100_0024_ff5b_a06a));
    assert!(plan.diagnostics.is_empty(), "{:?}", plan.diagnostics);
    assert_eq!(plan.calls[2].params, serde_json::json!({"transport": "FCP"}));
    assert_eq!(
        calls(&plan)[3..],
        [
            r#"4 scsi_create_portal_group {"tag":1,"portals":[{"label":"FC1","wwpn":"0x21000024ff5ba06a"}]}"#,
            r#"6 scsi_create_initiator_group {"tag":4,"initiators":["ALL"]}"#,
            concat!(
                r#"10 scsi_create_target_node {"name":"d","alias_name":"","luns":[{"lun_id":0,"bdev_name":"Malloc0"},"#,
                r#"{"lun_id":5,"bdev_name":"Malloc1"}],"pg_ig_maps":[{"pg_tag":1,"ig_tag":4}],"queue_depth":64}"#
            ),
            r#"8 hba_attach {"address":"auto","names":["0x21000024ff5ba06a"]}"#,
        ]
    );
}

#[test]
fn target_nodes_with_errors() {
    let good = "TargetName d\nMapping PortalGroup1 InitiatorGroup4\n";
    only_error(&target("Mapping PortalGroup1 InitiatorGroup4\nLUN0 Malloc0\n"), 10, "has no TargetName");
    only_error(&target("TargetName d\nLUN0 Malloc0\n"), 10, "has no Mapping");
    only_error(&target(&format!("{good}LUN1 Malloc0\n")), 10, "has no LUN0");
    only_error(&target(&format!("{good}LUN0 Malloc9\n")), 13, "there is no block device \"Malloc9\"");
    only_error(&target(&format!("{good}LUN0 Malloc0\nLUN16384 Malloc1\n")), 14, "LUNs go from 0 to 16383");
    only_error(&target(&format!("{good}LUN0 Malloc0\nLUN1 Malloc0\n")), 14, "LUN0 is \"Malloc0\" already");
    let twice = format!("{good}LUN0 Malloc0\n[TargetNode2]\n{good}LUN0 Malloc1\n");
    only_error(&target(&twice), 14, "has TargetName \"d\" already");
    only_error(
        &target("TargetName d\nMapping PortalGroup2 InitiatorGroup4\nLUN0 Malloc0\n"),
        12,
        "there is no [PortalGroup2]",
    );
    only_error(
        &target("TargetName d\nMapping PortalGroup1 InitiatorGroup1\nLUN0 Malloc0\n"),
        12,
        "there is no [InitiatorGroup1]",
    );
    only_error(
        &target("TargetName d\nMapping 1 InitiatorGroup4\nLUN0 Malloc0\n"),
        12,
        "\"1\" is not the name of a PortalGroup",
    );
    only_error(&format!("{}[TargetNode]\n{good}LUN0 Malloc0\n", GROUPS), 10, "needs a number from 1");
}

#[test]
fn keys_of_iscsi_have_no_meaning_for_fc() {
    let plan = read(&target(
        "TargetName d\nMapping PortalGroup1 InitiatorGroup4\nLUN0 Malloc0\nAuthMethod None\nUseDigest Auto\nQueueDepth 0\n",
    ));
    assert!(!plan.has_errors());
    let lines: Vec<usize> = plan.diagnostics.iter().map(|d| d.line).collect();
    assert_eq!(lines, [14, 15, 16]);
    assert_eq!(plan.fc.target_nodes[0].queue_depth, 64);
}

#[test]
fn portal_groups_with_errors() {
    only_error("[PortalGroup1]\n", 1, "has no Portal");
    only_error("[PortalGroup1]\nPortal FC1 21000024ff5ba0\n", 2, "neither the WWPN of an FC port nor an IP address");
    only_error("[PortalGroup]\nPortal FC1 21000024ff5ba06a\n", 1, "needs a number");
    only_error(
        "[PortalGroup1]\nPortal A 21000024ff5ba06a\n[PortalGroupX1]\nPortal A 21000024ff5ba06b\n",
        3,
        "there is a PortalGroup with number 1 already",
    );
}

#[test]
fn a_broken_group_is_told_once() {
    let text = "[Malloc]\nNumberOfLuns 1\nLunSizeInMB 1\n[PortalGroup1]\nPortal A zzz\n[InitiatorGroup1]\nInitiatorName ALL\n[TargetNode1]\nTargetName d\nMapping PortalGroup1 InitiatorGroup1\nLUN0 Malloc0\n";
    only_error(text, 5, "zzz");
}

#[test]
fn initiator_groups() {
    let a = Wwn(0x2100_0024_ff00_0001);
    let b = Wwn(0x2100_0024_ff00_0002);
    let plan = read(
        "[InitiatorGroup1]\nInitiatorName !21:00:00:24:ff:00:00:01\nInitiatorName ANY\n[InitiatorGroup2]\nInitiatorName 21000024ff000001\n",
    );
    let groups = &plan.fc.initiator_groups;
    assert_eq!(groups[0].rules, [InitiatorRule::Deny(a), InitiatorRule::AllowAll]);
    assert_eq!((groups[0].admits(a), groups[0].admits(b)), (false, true));
    assert_eq!((groups[1].admits(a), groups[1].admits(b)), (true, false));
    let plan = read("[InitiatorGroup1]\nInitiatorName ALL\nInitiatorName !21000024ff000001\nNetmask ANY\n");
    assert!(plan.fc.initiator_groups[0].admits(a), "as in the original, the first line that fits decides");
    let told: Vec<&str> = plan.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert!(told.iter().any(|m| m.contains("an exclusion after ALL has no effect")), "{told:?}");
    assert!(told.iter().any(|m| m.contains("Netmask has no meaning for FC")), "{told:?}");
    only_error("[InitiatorGroup1]\nInitiatorName 2100\n", 2, "neither the WWPN of an initiator");
    only_error("[InitiatorGroup1]\nComment x\n", 1, "has no InitiatorName");
}

#[test]
fn a_node_that_another_hides_is_told() {
    let node = |name: &str, lun: &str| format!("TargetName {name}\nMapping PortalGroup1 InitiatorGroup4\nLUN0 {lun}\n");
    let plan = read(&target(&format!("{}[TargetNode2]\n{}", node("a", "Malloc0"), node("b", "Malloc1"))));
    assert_eq!((errors(&plan), plan.fc.target_nodes.len()), (Vec::new(), 2));
    let told = plan.diagnostics.iter().find(|d| d.line == 16).map(|d| d.message.as_str()).unwrap_or_default();
    assert!(told.contains("see that and not \"b\""), "{:?}", plan.diagnostics);
}

#[test]
fn what_stands_twice_counts_once() {
    let plan = read(
        "[PortalGroup1]\nPortal A 21000024ff5ba06a\nPortal B 0x21000024ff5ba06a\n[InitiatorGroup1]\nInitiatorName ALL\nInitiatorName ANY\n",
    );
    let lines: Vec<usize> = plan.diagnostics.iter().map(|d| d.line).collect();
    assert_eq!((lines, plan.has_errors()), (vec![3, 6], false));
    assert_eq!(plan.calls[0].params["portals"].as_array().map(Vec::len), Some(1));
    assert_eq!(plan.calls[1].params["initiators"], serde_json::json!(["ALL"]));
}

#[test]
fn fc_and_iscsi_do_not_mix() {
    let text = target(
        "TargetName d\nMapping PortalGroup1 InitiatorGroup9\nLUN0 Malloc0\n[InitiatorGroup9]\nInitiatorName iqn.2016-06.io.x:y\n",
    );
    only_error(&text, 12, "InitiatorGroup9 is for iSCSI");
}
