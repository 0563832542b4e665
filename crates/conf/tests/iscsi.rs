//! The iSCSI part of a configuration file: what it means, and what is said of its mistakes.

use conf::{Plan, Severity, parse_and_translate};
use serde_json::{Value, json};

fn read(text: &str) -> Plan {
    parse_and_translate("f", text.as_bytes())
}

/// Lines 1 to 9; more follows.
const GROUPS: &str = "[Malloc]\nNumberOfLuns 2\nLunSizeInMB 1\n[PortalGroup1]\nPortal DA1 192.0.2.1\n[InitiatorGroup1]\nInitiatorName ANY\nNetmask 192.0.2.0/24\n\n";

fn with(lines: &str) -> Plan {
    read(&format!("{GROUPS}{lines}"))
}

#[track_caller]
fn only(plan: &Plan, severity: Severity, line: usize, part: &str) {
    let said: Vec<String> = plan.diagnostics.iter().map(ToString::to_string).collect();
    let [one] = &plan.diagnostics[..] else { panic!("{said:?}") };
    assert!(one.severity == severity && one.line == line && one.message.contains(part), "{said:?}");
    assert!(!one.to_string().is_empty());
}

fn params<'a>(plan: &'a Plan, method: &str) -> &'a Value {
    &plan.calls.iter().find(|call| call.method == method).unwrap_or_else(|| panic!("{method}: {:?}", plan.calls)).params
}

const NODE: &str = "[TargetNode1]\nTargetName disk1\nMapping PortalGroup1 InitiatorGroup1\nLUN0 Malloc0\n";

#[test]
fn a_target_with_all_that_logins_need() {
    let plan = with(
        "[iSCSI]\nNodeBase iqn.2020-01.org.example\nAuthFile /etc/auth.conf\nTimeout 30\nMaxSessions 16\nImmediateData No\n\
         DiscoveryAuthMethod CHAP Mutual\nDiscoveryAuthGroup AuthGroup2\n\
         [TargetNode3]\nTargetName disk1\nTargetAlias \"Data Disk1\"\nMapping PortalGroup1 InitiatorGroup1\nAuthMethod CHAP\n\
         AuthGroup AuthGroup1\nUseDigest Header Data\nLUN0 Malloc0\nLUN5 Malloc1\nQueueDepth 32\nRemovable Yes\n",
    );
    assert_eq!(plan.diagnostics, []);
    let options = json!({"auth_file": "/etc/auth.conf", "node_base": "iqn.2020-01.org.example", "nop_timeout": 30,
        "max_sessions": 16, "immediate_data": false, "disable_chap": false, "require_chap": true, "mutual_chap": true,
        "chap_group": 2});
    assert_eq!(params(&plan, "iscsi_set_options"), &options);
    let portals = json!({"tag": 1, "portals": [{"label": "DA1", "host": "192.0.2.1", "port": 3260}]});
    assert_eq!(params(&plan, "scsi_create_portal_group"), &portals);
    let initiators = json!({"tag": 1, "initiators": ["ALL"], "netmasks": ["192.0.2.0/24"]});
    assert_eq!(params(&plan, "scsi_create_initiator_group"), &initiators);
    let node = json!({"name": "iqn.2020-01.org.example:disk1", "alias_name": "Data Disk1",
        "luns": [{"lun_id": 0, "bdev_name": "Malloc0"}, {"lun_id": 5, "bdev_name": "Malloc1"}],
        "pg_ig_maps": [{"pg_tag": 1, "ig_tag": 1}], "queue_depth": 32,
        "auth": {"disable_chap": false, "require_chap": true, "mutual_chap": false, "chap_group": 1},
        "header_digest": true, "data_digest": true});
    assert_eq!(params(&plan, "scsi_create_target_node"), &node);
    assert_eq!(params(&plan, "scsi_set_volume"), &json!({"bdev_name": "Malloc0", "removable": true}));
    let place = |method: &str| plan.calls.iter().position(|call| call.method == method).unwrap();
    assert!(place("iscsi_set_options") < place("scsi_create_portal_group"));
}

#[test]
fn one_node_on_both_protocols() {
    let text = "[PortalGroup2]\nPortal FC1 0x21000024ff5ba06a\nPortal DA2 [2001:db8::1]:3261\n[InitiatorGroup2]\n\
         InitiatorName 0x21000024ff5ba06b\nInitiatorName !iqn.2000-01.org.example:b\nInitiatorName iqn.2000-01.org.example:a\n\
         [TargetNode1]\nTargetName iqn.2020-01.org.example:d\nMapping PortalGroup2 InitiatorGroup2\nLUN0 Malloc0\n";
    let plan = with(text);
    assert_eq!(plan.diagnostics, []);
    let group = plan.calls.iter().rfind(|call| call.method == "scsi_create_portal_group").unwrap();
    let portals = json!([{"label": "FC1", "wwpn": "0x21000024ff5ba06a"},
        {"label": "DA2", "host": "2001:db8::1", "port": 3261}]);
    assert_eq!(group.params["portals"], portals);
    assert_eq!(plan.fc.portal_groups[0].portals.len(), 1);
    assert_eq!(params(&plan, "scsi_create_target_node")["name"], "iqn.2020-01.org.example:d");
}

#[test]
fn what_older_files_have() {
    let plan = with(&format!("[iSCSI]\nMinConnectionsPerCore 4\nInitialR2T Yes\n{NODE}"));
    assert!(!plan.has_errors() && plan.diagnostics.len() == 2);
    let named = params(&plan, "scsi_create_target_node")["name"].clone();
    assert_eq!(named, "iqn.2016-06.io.spdk:disk1", "the original's NodeBase");
    let text = GROUPS.replace("192.0.2.1\n", "[*]:3260@0x1\n");
    let plan = read(&format!("{text}{NODE}"));
    assert!(!plan.has_errors() && plan.diagnostics.iter().all(|d| d.line == 5), "{:?}", plan.diagnostics);
    assert_eq!(params(&plan, "scsi_create_portal_group")["portals"][0]["host"], "0.0.0.0");
}

#[test]
fn mistakes_are_told_with_their_line() {
    let error = |lines: &str, line, part: &str| only(&with(lines), Severity::Error, line, part);
    error("[InitiatorGroup2]\nInitiatorName ANY\nNetmask 10.0.0.0/33\n", 12, "is no network");
    error("[InitiatorGroup2]\nInitiatorName foo\n", 11, "nor an iSCSI name");
    error(&format!("{NODE}AuthMethod Kerberos\n"), 14, "is not None, Auto, CHAP or Mutual");
    error(&format!("{NODE}AuthMethod None CHAP\nAuthGroup AuthGroup1\n"), 14, "exclude each other");
    error(&format!("{NODE}AuthGroup 1\n"), 14, "is not the name of an AuthGroup");
    error(&format!("{NODE}UseDigest CRC\n"), 14, "is not Header, Data or Auto");
    error(&format!("{NODE}[TargetNode2]\n{}", &NODE[14..]), 14, "has TargetName \"iqn.2016-06.io.spdk:disk1\" already");
    error(
        "[InitiatorGroup3]\nInitiatorName 0x21000024ff5ba06b\n[TargetNode1]\nTargetName d\n\
         Mapping PortalGroup1 InitiatorGroup3\nLUN0 Malloc0\n[TargetNode2]\nTargetName e\nLUN0 Malloc1\n\
         Mapping PortalGroup1 InitiatorGroup1\n",
        14,
        "nobody can come",
    );
    error("[SCSI]\nStateDirectory relative\n", 11, "not an absolute path");
}

#[test]
fn what_hardly_can_be_meant_is_remarked() {
    let warning = |lines: &str, line, part: &str| only(&with(lines), Severity::Warning, line, part);
    warning(&format!("{NODE}AuthMethod CHAP\n"), 14, "without AuthGroup nobody can log in");
    warning("[iSCSI]\nErrorRecoveryLevel 2\n", 11, "only 0 is offered");
    warning("[iSCSI]\nNopInInterval 61\n", 11, "is not a number from 0 to 60");
    warning("[AuthGroup1]\nAuth user secret\n", 10, "belongs in the file that [iSCSI] AuthFile names");
    warning(&NODE.replace("LUN0", "LUN1"), 10, "has no LUN0");
    let secret = with("[AuthGroup1]\nAuth user TopSecret\n");
    assert!(secret.diagnostics.iter().all(|d| !d.to_string().contains("TopSecret")), "a secret is not repeated");
}
