//! Every mistake that users made, and some that they could make: what is said, on which line, and
//! what is done.

use conf::{Idle, Plan, Severity, parse_and_translate};
use serde_json::json;

fn read(text: &str) -> Plan {
    parse_and_translate("f", text.as_bytes())
}

fn said(plan: &Plan) -> Vec<String> {
    plan.diagnostics.iter().map(ToString::to_string).collect()
}

/// Exactly these remarks, each given by its beginning.
#[track_caller]
fn expect(text: &str, beginnings: &[&str]) -> Plan {
    let plan = read(text);
    let said = said(&plan);
    assert_eq!(said.len(), beginnings.len(), "{said:#?}");
    for (said, beginning) in said.iter().zip(beginnings) {
        assert!(said.starts_with(beginning), "said   {said}\nwanted {beginning}");
    }
    plan
}

fn methods(plan: &Plan) -> Vec<&str> {
    plan.calls.iter().map(|c| c.method.as_str()).collect()
}

const VOLUMES: &str = "[Malloc]\nNumberOfLuns 2\nLunSizeInMB 1\n";

/// A file with line 4 on in a good subsystem.
fn subsystem(lines: &str) -> String {
    format!("{VOLUMES}[Subsystem1]\nNQN nqn.2016-06.io.spdk:a\nSN S1\nAllowAnyHost Yes\n{lines}")
}

#[test]
fn display_has_file_line_severity_message_and_remedy() {
    let plan = read("[Malloc]\nNumberOfLun 1\n");
    assert_eq!(
        said(&plan)[1],
        "f:2: warning: [Malloc] \"NumberOfLun\" is not known; it is ignored (did you mean NumberOfLuns?)"
    );
    assert!(plan.diagnostics.iter().all(|d| d.severity == Severity::Warning && d.file == "f"));
}

#[test]
fn names_are_read_in_any_case() {
    let plan = expect("[malloc]\nnumberofluns 1\nLUNSIZEINMB 2\n", &[]);
    assert_eq!(plan.calls[0].params, json!({"name": "Malloc0", "num_blocks": 4096, "block_size": 512}));
}

#[test]
fn unknown_sections_and_keys() {
    expect(
        "[Maloc]\n[Foobarbaz]\n[Global]\nType TCP\nWhatever 1\nReactorMask = 0x1\n",
        &[
            "f:1: warning: section [Maloc] is not known; it is ignored (did you mean Malloc?)",
            "f:2: warning: section [Foobarbaz] is not known; it is ignored (remove it",
            "f:4: warning: [Global] \"Type\" is not known; it is ignored (it belongs in [Transport])",
            "f:5: warning: [Global] \"Whatever\" is not known",
            "f:6: error: [Global] ReactorMask: \"=0x1\" is neither a mask nor a core list",
        ],
    );
}

#[test]
fn repeated_sections_are_merged_and_repeated_single_keys_told() {
    let plan = expect(
        "[Malloc]\nNumberOfLuns 1\n[MALLOC]\nLunSizeInMB 1\nNumberOfLuns 7\n",
        &[
            "f:3: warning: [MALLOC] stood already on line 1; both are read as one section",
            "f:5: warning: [Malloc] NumberOfLuns stood already on line 2; this one is ignored",
        ],
    );
    assert_eq!(plan.calls.len(), 1);
}

#[test]
fn repeated_sections_with_their_own_identity_are_both_used() {
    let text = "[Transport]\nType TCP\n[Transport]\nMaxQueueDepth 7\n";
    let plan = expect(text, &["f:3: warning: [Transport] stood already on line 1; both are read as one"]);
    assert_eq!(plan.calls[0].params, json!({"trtype": "TCP", "max_queue_depth": 7}));
    let text = format!(
        "{}Listen TCP 127.0.0.1\n[Transport]\nType TCP\n[Subsystem1]\nNQN nqn.2016-06.io.spdk:b\nSN S2\nAllowAnyHost Yes\nListen TCP 127.0.0.1\n",
        subsystem("")
    );
    let plan =
        expect(&text, &["f:11: warning: [Subsystem1] stood already on line 4; as this one has its own NQN, both"]);
    assert_eq!(methods(&plan).iter().filter(|m| **m == "nvmf_create_subsystem").count(), 2);
}

#[test]
fn numbers_and_booleans_that_cannot_be_read() {
    let plan = expect(
        "[Malloc]\nNumberOfLuns 1\nLunSizeInMB 1\nBlockSize 4k\n[Global]\nNoPci maybe\nSharedMemoryID x\nIdle sleepy\nIdleSpinUs -1\n[Bdev]\nBdevIoPoolSize 0x10\n",
        &[
            "f:4: warning: [Malloc] BlockSize: \"4k\" is not a number from 512 to 65536; 512 is used",
            "f:6: warning: [Global] NoPci: \"maybe\" is not Yes or No; No is used",
            "f:7: warning: [Global] SharedMemoryID is not a number",
            "f:8: warning: [Global] Idle: \"sleepy\" is not known; adaptive is used",
            "f:9: warning: [Global] IdleSpinUs: \"-1\" is not a number",
            "f:11: warning: [Bdev] BdevIoPoolSize: \"0x10\" is not a number from 1 to 4294967295; 65535 is used",
        ],
    );
    assert_eq!(methods(&plan), ["bdev_malloc_create"]);
    assert_eq!(plan.calls[0].params["block_size"], 512);
}

#[test]
fn start_options() {
    let plan = expect(
        "[Global]\nReactorMask [0, 2-3]\nTpointGroupMask 0xFFFF\nNoPci on\nSharedMemoryID 3\nPciWhitelist 0000:04:00.0\nPciWhitelist 05:00.1\nIdle Spin\n[Rpc]\nListen /run/q.sock\n",
        &[],
    );
    let o = plan.options;
    assert_eq!((o.reactor_mask.as_deref(), o.tpoint_group_mask.as_deref()), (Some("[0,2-3]"), Some("0xFFFF")));
    assert_eq!((o.no_pci, o.shm_id, o.idle), (Some(true), Some(3), Some(Idle::Spin)));
    assert_eq!(o.pci_allowed, ["0000:04:00.0", "05:00.1"]);
    assert_eq!(o.rpc_listen.as_deref(), Some("/run/q.sock"));
}

#[test]
fn pci_lists_exclude_each_other_and_must_be_right() {
    let plan = expect(
        "[Global]\nPciWhitelist 0000:04:00.0\nPciBlacklist zz:00.0\n",
        &[
            "f:3: error: [Global] PciBlacklist: \"zz:00.0\" is not a PCI function",
            "f:3: error: [Global] PciBlacklist and PciWhitelist exclude",
        ],
    );
    assert!(plan.has_errors());
}

#[test]
fn malloc_without_its_counts_makes_nothing() {
    let plan = expect(
        "[Malloc]\nNumberOfLuns 0\nLunSizeInMB 1\n",
        &[
            "f:1: warning: [Malloc] needs NumberOfLuns and LunSizeInMB; no RAM disk is made",
            "f:2: warning: [Malloc] NumberOfLuns: \"0\" is not a number from 1 to 16384",
        ],
    );
    assert!(plan.calls.is_empty());
    let plan = read("[Malloc]\nNumberOfLuns 1\nLunSizeInMB 18446744073709551615\n");
    assert!(plan.calls.is_empty() && !plan.diagnostics.is_empty());
}

#[test]
fn block_devices_with_flaws() {
    let plan = expect(
        "[Null]\nDev A\nDev B 10 1000\nDev C 1 512 8 1\nDev C 1\nDev D 1 512 0 9\n[AIO]\nAIO /f E 777\nAIO \"\" \"\"\n",
        &[
            "f:2: warning: [Null] Dev needs 2 value(s) and has 1",
            "f:3: warning: [Null] block size 1000 is not a power of two; this line is ignored",
            "f:5: error: block device \"C\" exists already, from line 4",
            "f:6: warning: [Null] Dev: \"9\" is not a number from 0 to 3; this line is ignored",
            "f:8: warning: [AIO] block size 777 is not a power of two; the file's own is used",
            "f:9: warning: AIO: the name is empty; this line is ignored",
        ],
    );
    assert_eq!(
        plan.calls[0].params,
        json!({"name": "C", "num_blocks": 2048, "block_size": 512, "md_size": 8, "dif_type": 1})
    );
    assert_eq!(plan.calls[1].params, json!({"name": "E", "filename": "/f"}));
    assert_eq!(plan.calls.len(), 2);
}

#[test]
fn error_devices_stand_on_devices_that_exist() {
    let text = format!(
        "{VOLUMES}[Split]\nSplit Malloc0 2\n[BdevError]\nBdevError Malloc1\nBdevError Malloc7\nBdevError Malloc0p1\n"
    );
    let plan = expect(
        &text,
        &[
            "f:4: warning: [Split] has no meaning here yet",
            "f:8: error: [BdevError]: there is no block device \"Malloc7\" (did you mean Malloc",
            "f:9: warning: [BdevError]: block device \"Malloc0p1\" (line 5) is of a kind that is not there yet",
        ],
    );
    assert_eq!(plan.calls[2].params, json!({"base_name": "Malloc1"}));
    assert_eq!(plan.calls.len(), 3);
}

#[test]
fn modules_that_are_not_here_are_told_once_each() {
    let names = [
        "Ioat",
        "Vmd",
        "Gpt",
        "Blobfs",
        "VirtioPci",
        "RAID0",
        "Passthru",
        "Pmem",
        "Ceph",
        "crypto",
        "OCF",
        "iSCSI_Initiator",
        "VirtioUser1",
        "VhostScsi0",
        "VhostBlk0",
        "QoS",
        "AuthGroup1",
    ];
    for name in names {
        let plan = read(&format!("[{name}]\nEnable Yes\n"));
        let at_one = plan.diagnostics.iter().filter(|d| d.line == 1).count();
        assert_eq!(at_one, 1, "{name}: {:?}", said(&plan));
        assert!(!plan.has_errors() && plan.calls.is_empty(), "{name}");
    }
}

#[test]
fn transports_with_errors() {
    let plan = expect(
        "[Transport1]\nMaxQueueDepth 1\n[Transport2]\nType TPC\n[Transport3]\nType tcp\n[Transport4]\nType TCP\n",
        &[
            "f:1: error: [Transport1] has no Type (add Type TCP)",
            "f:4: error: [Transport2] Type: transport type \"TPC\" is not known (",
            "f:8: error: [Transport4]: there is a TCP transport already",
        ],
    );
    assert_eq!(methods(&plan), ["nvmf_create_transport"]);
}

#[test]
fn old_transport_keys_fill_what_a_transport_leaves_open() {
    let text = "[Nvmf]\nMaxQueuesPerSession 5\nMaxIOSize 65536\n[Transport1]\nType TCP\nMaxIOSize 131072\n";
    let plan = expect(
        text,
        &["f:2: warning: [Nvmf] MaxQueuesPerSession is a setting of transports", "f:3: warning: [Nvmf] MaxIOSize"],
    );
    assert_eq!(plan.calls[0].params, json!({"trtype": "TCP", "max_io_size": 131072, "max_io_qpairs_per_ctrlr": 4}));
}

#[test]
fn transport_keys_map_to_parameters() {
    let text = "[Transport]\nType TCP\nMaxQueueDepth 64\nMaxQueuesPerSession 128\nInCapsuleDataSize 0\nMaxIOSize 4096\nIOUnitSize 4096\nMaxAQDepth 32\nNumSharedBuffers 511\nBufCacheSize 32\nC2HSuccess 1\nSockPriority 6\nDifInsertOrStrip No\n";
    let plan = expect(text, &[]);
    assert_eq!(
        plan.calls[0].params,
        json!({"trtype": "TCP", "max_queue_depth": 64, "max_io_qpairs_per_ctrlr": 127, "in_capsule_data_size": 0,
               "max_io_size": 4096, "io_unit_size": 4096, "max_aq_depth": 32, "num_shared_buffers": 511,
               "buf_cache_size": 32, "c2h_success": true, "sock_priority": 6, "dif_insert_or_strip": false})
    );
    let text = "[Transport]\nType TCP\nMaxQueuesPerSession 1\nSockPriority 7\nNoSRQ Yes\n";
    expect(
        text,
        &[
            "f:3: warning: [Transport] MaxQueuesPerSession: \"1\" is not a number from 2",
            "f:4: warning",
            "f:5: warning: [Transport] NoSRQ has no meaning for TCP",
        ],
    );
}

#[test]
fn a_transport_is_added_when_subsystems_need_it() {
    let plan = expect(
        &subsystem("Listen TCP 127.0.0.1:4420\n"),
        &["f:8: warning: Listen TCP: no [Transport] section has Type TCP"],
    );
    let call = plan.calls.iter().find(|c| c.method == "nvmf_create_transport").unwrap();
    assert_eq!((&call.params, call.line), (&json!({"trtype": "TCP"}), 8));
}

#[test]
fn subsystems_need_nqn_and_serial_number() {
    let plan = expect(
        "[Subsystem1]\nSN S\n[Subsystem2]\nNQN nqn.2016-06.io.spdk:a\n[Subsystem3]\nNQN nqn.2016\nSN 123456789012345678901\nAllowAnyHost Yes\nListen FC nn-0x20000024ff7799ab:pn-0x21000024ff7799ab\n",
        &[
            "f:1: error: [Subsystem1] has no NQN",
            "f:3: error: [Subsystem2] has no SN",
            "f:6: error: [Subsystem3] NQN: \"nqn.2016\" is not a valid NQN",
            "f:7: error: [Subsystem3] SN: \"123456789012345678901\" is longer than 20",
        ],
    );
    assert!(plan.has_errors());
}

#[test]
fn two_subsystems_of_one_nqn_are_an_error() {
    let text = format!(
        "{}Listen TCP ::1\n[Transport]\nType TCP\n[Subsystem2]\nNQN nqn.2016-06.io.spdk:a\nSN S2\nAllowAnyHost Yes\nListen TCP ::1\n",
        subsystem("")
    );
    expect(&text, &["f:11: error: [Subsystem2]: another subsystem has NQN"]);
}

#[test]
fn hosts_and_the_default_of_allow_any_host() {
    let base = "[Transport]\nType TCP\n[Subsystem1]\nNQN nqn.2016-06.io.spdk:a\nSN S1\nListen TCP 127.0.0.1\n";
    let plan = expect(base, &["f:3: warning: [Subsystem1] has neither Host nor AllowAnyHost Yes: no host may connect"]);
    assert_eq!(plan.calls[1].params["allow_any_host"], false);
    let plan = expect(
        &format!("{base}AllowAnyHost Yes\nHost nqn.2016-06.io.spdk:i\nHost nqn.2016-06.io.spdk:i\nHost bad\n"),
        &[
            "f:8: warning: [Subsystem1] has AllowAnyHost Yes, so its Host lines keep nobody out",
            "f:9: warning: [Subsystem1] Host \"nqn.2016-06.io.spdk:i\" stands twice",
            "f:10: error: [Subsystem1] Host: \"bad\" is not a valid NQN",
        ],
    );
    assert_eq!(plan.calls[1].params["allow_any_host"], true);
    let plan = expect(
        &format!("{base}AllowAnyHost sure\nHost nqn.2016-06.io.spdk:i\n"),
        &["f:7: warning: [Subsystem1] AllowAnyHost: \"sure\" is not Yes or No; No is used"],
    );
    assert_eq!(plan.calls[1].params["allow_any_host"], false);
}

#[test]
fn namespaces_are_checked() {
    let text = subsystem(
        "Listen TCP 127.0.0.1\nNamespace Malloc0\nNamespace Malloc1 1\nNamespace Malloc2\nNamespace Malloc1 0\nNamespace Malloc1 3 xyz\n[Transport]\nType TCP\n",
    );
    let plan = expect(
        &text,
        &[
            "f:10: error: [Subsystem1] Namespace: namespace ID 1 is in use already",
            "f:11: error: [Subsystem1] Namespace: there is no block device \"Malloc2\" (did you mean Malloc",
            "f:12: error: [Subsystem1] Namespace: \"0\" is not a namespace ID from 1 to 16384",
            "f:13: error: [Subsystem1] Namespace: \"xyz\" is not a UUID",
        ],
    );
    assert_eq!(methods(&plan).iter().filter(|m| **m == "nvmf_subsystem_add_ns").count(), 1);
}

#[test]
fn max_namespaces_always_holds_those_of_the_file() {
    let max = |lines: &str| {
        let plan = read(&subsystem(&format!("Listen TCP 127.0.0.1\n{lines}")));
        plan.calls.iter().find(|c| c.method == "nvmf_create_subsystem").unwrap().params.get("max_namespaces").cloned()
    };
    assert_eq!(max("Namespace Malloc0\n"), None);
    assert_eq!(max("Namespace Malloc0\nNamespace Malloc1\nMaxNamespaces 0\n"), Some(json!(2)));
    assert_eq!(max("Namespace Malloc0 9\nMaxNamespaces 4\n"), Some(json!(9)));
    assert_eq!(max("Namespace Malloc0 40\n"), Some(json!(40)));
    assert_eq!(max("MaxNamespaces 8\n"), Some(json!(8)));
}

#[test]
fn listen_lines_that_cannot_be_read_are_errors() {
    let text = subsystem(
        "Listen TCP host:4420\nListen UDP 1.2.3.4:1\nListen FC 21000024ff7799ab\nListen TCP 1.2.3.4:99999\nListen TCP\nListen TCP *\n",
    );
    let plan = expect(
        &text,
        &[
            "f:8: error: [Subsystem1] Listen: host is not an IP address",
            "f:9: error: [Subsystem1] Listen: transport type \"UDP\" is not known",
            "f:10: error: [Subsystem1] Listen: \"21000024ff7799ab\" is not the name of an FC port",
            "f:11: error: [Subsystem1] Listen: 99999 is not a port",
            "f:12: warning: [Subsystem1] Listen needs 2 value(s)",
            "f:12: error: [Subsystem1] Listen:",
            "f:13: error: [Subsystem1] Listen: '*' is no address",
        ],
    );
    assert!(
        plan.calls.iter().all(|call| call.params.get("any_listener").is_none()),
        "a bad Listen must not open the subsystem to all"
    );
}

#[test]
fn no_listen_line_means_any_listener_and_is_told() {
    let plan = expect(
        &subsystem("Namespace Malloc0\n"),
        &["f:4: warning: [Subsystem1] has no Listen: it is served on every listener"],
    );
    let create = plan.calls.iter().find(|call| call.method == "nvmf_create_subsystem").unwrap();
    assert_eq!(create.params["any_listener"], true);
    assert!(!methods(&plan).contains(&"nvmf_subsystem_add_listener"));
}

#[test]
fn old_subsystem_keys() {
    let text = format!(
        "[Transport]\nType TCP\n{}Listen TCP 127.0.0.1\nMode Virtual\nCore 3\nNVMe 0000:04:00.0\n",
        subsystem("")
    );
    expect(&text, &["f:11: warning: Mode", "f:12: warning: Core", "f:13: warning: NVMe"]);
    assert!(read(&subsystem("Mode Direct\n")).has_errors());
}

#[test]
fn trailing_comments_do_not_become_values() {
    let text = format!(
        "[Transport]\nType TCP\n{}Listen TCP 127.0.0.1\nNamespace Malloc0 # boot\nMN \"#1\"\nNamespace Malloc1 7 # x\n",
        subsystem("")
    );
    let plan = expect(
        &text,
        &["f:11: warning: Namespace: the text from '#' on is taken as a comment", "f:13: warning: Namespace: the text"],
    );
    let namespaces: Vec<_> = plan.calls.iter().filter_map(|c| c.params.get("namespace")).collect();
    assert_eq!(namespaces, [&json!({"bdev_name": "Malloc0"}), &json!({"bdev_name": "Malloc1", "nsid": 7})]);
}

#[test]
fn empty_files_are_refused() {
    expect("", &["f: error: the file has no section"]);
    assert!(read("Key 1\n").has_errors());
}

#[test]
fn remarks_are_bounded_and_an_error_is_never_lost() {
    let mut text = "[Global]\n".to_owned();
    text.push_str(&"Nonsense 1\n".repeat(3000));
    assert!(!read(&text).has_errors());
    text.push_str("[Subsystem1]\n");
    let plan = read(&text);
    assert!(plan.has_errors() && plan.diagnostics.len() <= conf::limits::DIAGNOSTICS + 1);
}

#[test]
fn the_discovery_nqn_is_taken() {
    let text = subsystem("Listen FC nn-0x20000024ff7799ab:pn-0x21000024ff7799ab\n");
    let text = text.replace("nqn.2016-06.io.spdk:a", "nqn.2014-08.org.nvmexpress.discovery");
    let plan = expect(&text, &["f:4: error: [Subsystem1]: nqn.2014-08.org.nvmexpress.discovery is the discovery"]);
    assert!(!methods(&plan).contains(&"nvmf_create_subsystem"));
}

#[test]
fn a_repeated_section_completes_one_without_identity() {
    let plan = expect(
        "[Transport]\nMaxQueueDepth 7\n[Transport]\nType TCP\n",
        &["f:3: warning: [Transport] stood already on line 1; both are read as one"],
    );
    assert_eq!(plan.calls[0].params, json!({"trtype": "TCP", "max_queue_depth": 7}));
}

#[test]
fn an_error_device_on_a_device_that_is_not_there_yet_is_not_there_either() {
    let text = format!(
        "{}Listen TCP ::1\nNamespace EE_Malloc0p1\n[Split]\nSplit Malloc0 2\n[BdevError]\nBdevError Malloc0p1\n[Transport]\nType TCP\n",
        subsystem("")
    );
    expect(
        &text,
        &[
            "f:9: warning: [Subsystem1] Namespace: block device \"EE_Malloc0p1\" (line 13) is of a kind that is not there yet",
            "f:10: warning: [Split]",
            "f:13: warning: [BdevError]: block device \"Malloc0p1\" (line 11)",
        ],
    );
}
