//! Every method with what the stock client sends, and with what it must refuse.

mod fake;

use fake::{HOST, NQN, Rig, listener};
use nvmf::Limits;
use serde_json::{Value, json};

const DISCOVERY: &str = "nqn.2014-08.org.nvmexpress.discovery";

fn create_transport(trtype: &str) -> Value {
    json!({ "no_srq": false, "c2h_success": true, "trtype": trtype, "zcopy": false, "dif_insert_or_strip": false,
        "no_wr_batching": false, "disable_mappable_bar0": false, "disable_adaptive_irq": false,
        "disable_shadow_doorbells": false, "disable_command_passthru": false })
}

#[test]
fn the_client_of_26_9_builds_a_target() {
    let rig = Rig::new();
    assert_eq!(rig.ok("nvmf_create_transport", create_transport("tcp")), true);
    let create = json!({ "nqn": NQN, "serial_number": "SN1", "model_number": "MN1", "allow_any_host": true,
        "ana_reporting": false, "passthrough": false, "enable_nssr": false });
    assert_eq!(rig.ok("nvmf_create_subsystem", create), true);
    let add = json!({ "nqn": NQN, "namespace": { "bdev_name": "Malloc0", "nsid": 5, "no_auto_visible": false } });
    assert_eq!(rig.ok("nvmf_subsystem_add_ns", add), 5);
    let add = json!({ "nqn": NQN, "namespace": { "bdev_name": "Malloc1", "no_auto_visible": false } });
    assert_eq!(rig.ok("nvmf_subsystem_add_ns", add), 1);
    let add = json!({ "nqn": NQN, "secure_channel": false,
        "listen_address": { "trtype": "tcp", "traddr": "127.0.0.1", "trsvcid": "4420" } });
    assert_eq!(rig.ok("nvmf_subsystem_add_listener", add), true);
    assert_eq!(rig.ok("nvmf_subsystem_add_host", json!({ "nqn": NQN, "host": HOST })), true);
    rig.assert_published();

    let all = rig.ok("nvmf_get_subsystems", Value::Null);
    assert_eq!(
        all[0],
        json!({ "nqn": DISCOVERY, "subtype": "Discovery", "listen_addresses": [], "allow_any_host": true, "hosts": [] })
    );
    let uuid = |n: u8| rig.app.bdevs.get(&format!("Malloc{n}")).unwrap().info().uuid;
    let nguid = |n: u8| uuid(n).simple().to_string().to_uppercase();
    let eui64 = |n: u8| nvmf::identity::eui64(uuid(n)).iter().map(|b| format!("{b:02X}")).collect::<String>();
    let namespace = |nsid: u32, n: u8| {
        json!({ "nsid": nsid, "bdev_name": format!("Malloc{n}"), "name": format!("Malloc{n}"), "nguid": nguid(n),
            "eui64": eui64(n), "uuid": uuid(n).to_string() })
    };
    let expected = json!({ "nqn": NQN, "subtype": "NVMe",
        "listen_addresses": [{ "trtype": "TCP", "adrfam": "IPv4", "traddr": "127.0.0.1", "trsvcid": "4420" }],
        "allow_any_host": true, "hosts": [{ "nqn": HOST }], "serial_number": "SN1", "model_number": "MN1",
        "max_namespaces": 32, "passthrough": false, "min_cntlid": 1, "max_cntlid": 65519, "dmrsl": 0, "wzsl": 0,
        "namespaces": [namespace(1, 1), namespace(5, 0)] });
    assert_eq!(all[1], expected);
    assert_eq!(rig.shown(), expected);
    let claims: Vec<_> = (0..3).map(|n| rig.app.bdevs.claimed_by(&format!("Malloc{n}"))).collect();
    assert_eq!(claims, [Some("NVMe-oF Target".to_owned()), Some("NVMe-oF Target".to_owned()), None]);

    assert_eq!(rig.ok("nvmf_subsystem_remove_ns", json!({ "nqn": NQN, "nsid": 5 })), true);
    assert_eq!(rig.ok("nvmf_subsystem_remove_host", json!({ "nqn": NQN, "host": HOST })), true);
    assert_eq!(rig.ok("nvmf_subsystem_allow_any_host", json!({ "nqn": NQN, "allow_any_host": false })), true);
    let shown = rig.shown();
    assert_eq!((&shown["hosts"], &shown["allow_any_host"]), (&json!([]), &json!(false)));
    assert_eq!(shown["namespaces"], json!([namespace(1, 1)]));
    assert_eq!(rig.app.bdevs.claimed_by("Malloc0"), None);
    assert_eq!(rig.ok("nvmf_subsystem_remove_listener", listener(NQN, "4420")), true);
    assert_eq!(rig.shown()["listen_addresses"], json!([]));
    assert_eq!(rig.ok("nvmf_delete_subsystem", json!({ "nqn": NQN })), true);
    assert_eq!(rig.ok("nvmf_get_subsystems", Value::Null).as_array().unwrap().len(), 1);
    assert_eq!(rig.app.bdevs.claimed_by("Malloc1"), None);
    rig.assert_published();
    let generation = rig.nvmf.target().generation();
    assert!(generation >= 6, "each change of listeners and hosts counts: {generation}");
    let _ = rig.nvmf.target().reports(); // Mailboxes are in order: what was told before has arrived now.
    assert!(rig.cores.iter().all(|core| *core.generation.lock().unwrap() == generation));
}

#[test]
fn transports_are_shown_with_their_defaults() {
    let rig = Rig::new();
    rig.ok("nvmf_create_transport", json!({ "trtype": "TcP" }));
    let shown = rig.ok("nvmf_get_transports", json!({ "trtype": "tcp" }));
    let expected = json!([{ "trtype": "TCP", "max_queue_depth": 128, "max_io_qpairs_per_ctrlr": 127,
        "in_capsule_data_size": 4096, "max_io_size": 131072, "max_aq_depth": 128, "dif_insert_or_strip": false,
        "zcopy": false, "c2h_success": true, "sock_priority": 0, "control_msg_num": 32, "acceptor_backlog": 100,
        "abort_timeout_sec": 1, "ack_timeout": 0, "disable_command_passthru": false, "kas": 100, "min_kato": 10000 }]);
    assert_eq!(shown, expected);
    assert_eq!(rig.ok("nvmf_get_transports", Value::Null), expected);
    assert_eq!(rig.call("nvmf_get_transports", json!({ "trtype": "RDMA" })).unwrap_err().code, -19);
    rig.assert_published();
}

#[test]
fn the_line_of_old_tutorials_works() {
    let rig = Rig::new();
    let old = json!({ "trtype": "TCP", "io_unit_size": 16384, "max_io_qpairs_per_ctrlr": 8, "in_capsule_data_size": 8192,
        "num_shared_buffers": 4096, "buf_cache_size": 32, "max_aq_depth": 16, "min_kato": 10001, "acceptor_backlog": -1,
        "masked_oncs": ["reservs"], "masked_fuses": ["fcws"] });
    rig.ok("nvmf_create_transport", old);
    let shown = rig.ok("nvmf_get_transports", Value::Null)[0].clone();
    let got = ["max_io_qpairs_per_ctrlr", "in_capsule_data_size", "max_aq_depth", "min_kato", "acceptor_backlog"];
    assert_eq!(got.map(|name| shown[name].as_u64().unwrap()), [8, 8192, 32, 20000, 100]);
}

#[test]
fn a_subsystem_has_spdks_defaults() {
    let rig = Rig::new();
    rig.ok("nvmf_create_subsystem", json!({ "nqn": NQN, "max_namespaces": 0 }));
    let shown = rig.shown();
    assert_eq!(
        (&shown["serial_number"], &shown["model_number"]),
        (&json!("00000000000000000000"), &json!("SPDK bdev Controller"))
    );
    assert_eq!((&shown["max_namespaces"], &shown["allow_any_host"]), (&json!(32), &json!(false)));
}

#[test]
fn identities_can_be_given() {
    let rig = Rig::new();
    rig.ok("nvmf_create_subsystem", json!({ "nqn": NQN }));
    let ids = json!({ "bdev_name": "Malloc0", "nguid": "ABCDEF0123456789abcdef0123456789", "eui64": "0123456789ABCDEF",
        "uuid": "11111111-2222-3333-4444-555555555555", "anagrpid": 3, "nsid": 3 });
    rig.ok("nvmf_subsystem_add_ns", json!({ "nqn": NQN, "namespace": ids }));
    let shown = rig.shown()["namespaces"][0].clone();
    assert_eq!(shown["nguid"], "ABCDEF0123456789ABCDEF0123456789");
    assert_eq!(
        (&shown["eui64"], &shown["uuid"]),
        (&json!("0123456789ABCDEF"), &json!("11111111-2222-3333-4444-555555555555"))
    );
    for same in
        [json!({ "uuid": shown["uuid"] }), json!({ "nguid": shown["nguid"] }), json!({ "eui64": shown["eui64"] })]
    {
        let mut namespace = same.clone();
        namespace["bdev_name"] = json!("Malloc1");
        let error = rig.call("nvmf_subsystem_add_ns", json!({ "nqn": NQN, "namespace": namespace })).unwrap_err();
        assert_eq!((error.code, &*error.message), (-32602, "Invalid parameters"), "{same}");
        assert!(error.data.unwrap().as_str().unwrap().contains("of namespace 3"));
        assert_eq!(rig.app.bdevs.claimed_by("Malloc1"), None, "a refused volume is not claimed");
    }
    let none =
        json!({ "bdev_name": "Malloc1", "eui64": "0000000000000000", "uuid": "00000000-0000-0000-0000-000000000000" });
    rig.ok("nvmf_subsystem_add_ns", json!({ "nqn": NQN, "namespace": none }));
    let shown = rig.shown()["namespaces"][0].clone();
    assert_eq!(
        (shown.get("eui64"), shown["uuid"].as_str().unwrap() != "00000000-0000-0000-0000-000000000000"),
        (None, true)
    );
}

#[test]
fn what_cores_and_transports_report_is_shown() {
    let rig = Rig::small(Limits::default());
    let controllers = rig.ok("nvmf_subsystem_get_controllers", json!({ "nqn": NQN }));
    let expected = json!({ "cntlid": 7, "cntrltype": "io", "hostnqn": HOST,
        "hostid": "01010101-0101-0101-0101-010101010101", "num_io_qpairs": 2 });
    assert_eq!(controllers.as_array().unwrap().len(), fake::HOMES);
    assert_eq!(controllers[0], expected);
    let queues = rig.ok("nvmf_subsystem_get_qpairs", json!({ "nqn": NQN }));
    let address = json!({ "trtype": "TCP", "adrfam": "IPv4", "traddr": "127.0.0.1", "trsvcid": "4420" });
    let peer = json!({ "trtype": "TCP", "adrfam": "IPv4", "traddr": "10.0.0.2", "trsvcid": "50000" });
    assert_eq!(
        queues[1],
        json!({ "cntlid": 7, "qid": 0, "state": "enabled", "thread": "TCP home 1", "hostnqn": HOST,
        "listen_address": address, "peer_address": peer })
    );
    assert_eq!(rig.ok("nvmf_subsystem_get_listeners", json!({ "nqn": NQN })), json!([{ "address": address }]));
    let stats = rig.ok("nvmf_get_stats", Value::Null);
    assert_eq!(stats["poll_groups"].as_array().unwrap().len(), fake::HOMES);
    assert_eq!(
        stats["poll_groups"][2],
        json!({ "name": "reactor_2", "admin_qpairs": 0, "io_qpairs": 4,
        "current_admin_qpairs": 0, "current_io_qpairs": 0, "current_unassociated_qpairs": 0, "pending_bdev_io": 0,
        "completed_nvme_io": 0, "transports": [{ "trtype": "TCP", "pending_data_buffer": 0 }] })
    );
    assert_eq!(rig.ok("nvmf_subsystem_get_controllers", json!({ "nqn": DISCOVERY })), json!([]));
}

#[test]
fn what_is_wrong_is_refused_in_spdks_words() {
    let rig = Rig::small(Limits::default());
    let other = "nqn.2016-06.io.spdk:cnode2";
    let before = rig.ok("nvmf_get_subsystems", Value::Null);
    let invalid = "Invalid parameters";
    let missing = format!("Subsystem with NQN '{other}' not found");
    let unable = |nqn: &str| format!("Unable to create subsystem {nqn}");
    let ns = |ns: Value| json!({ "nqn": NQN, "namespace": ns });
    let cases: Vec<(&str, Value, i64, String)> = vec![
        ("nvmf_create_transport", json!({ "trtype": "TCP" }), -32603, "Transport type 'TCP' already exists".into()),
        ("nvmf_create_transport", json!({ "trtype": "RDMA" }), -32602, "Invalid transport type 'RDMA'".into()),
        ("nvmf_create_transport", json!({ "trtype": "PCIE" }), -32602, "Invalid transport type 'PCIE'".into()),
        ("nvmf_create_transport", json!({}), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "surprise": 1 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "max_queue_depth": 65536 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "max_queue_depth": 1 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "max_io_size": 100000 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "max_io_size": 1 << 30 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "in_capsule_data_size": 100 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "in_capsule_data_size": 262144 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "max_io_qpairs_per_ctrlr": 65535 }), -32602, "max_io_qpairs_per_ctrlr too large".into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "max_io_qpairs_per_ctrlr": 0 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "kas": 0 }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "dif_insert_or_strip": true }), -32602, invalid.into()),
        ("nvmf_create_transport", json!({ "trtype": "TCP", "masked_oncs": ["nvmcmps"] }), -32602, invalid.into()),
        ("nvmf_create_subsystem", json!({ "nqn": NQN }), -32603, unable(NQN)),
        ("nvmf_create_subsystem", json!({ "nqn": DISCOVERY }), -32603, unable(DISCOVERY)),
        ("nvmf_create_subsystem", json!({ "nqn": "cnode2" }), -32603, unable("cnode2")),
        ("nvmf_create_subsystem", json!({ "nqn": other, "serial_number": "x".repeat(21) }), -32602, invalid.into()),
        ("nvmf_create_subsystem", json!({ "nqn": other, "model_number": "x\n" }), -32602, invalid.into()),
        ("nvmf_create_subsystem", json!({ "nqn": other, "min_cntlid": 9, "max_cntlid": 8 }), -32602, "Invalid cntlid range [9-8]".into()),
        ("nvmf_create_subsystem", json!({ "nqn": other, "max_cntlid": 65520 }), -32602, "Invalid cntlid range [1-65520]".into()),
        ("nvmf_create_subsystem", json!({ "nqn": other, "max_namespaces": 4_000_000 }), -32603, unable(other)),
        ("nvmf_create_subsystem", json!({ "nqn": other, "ana_reporting": true }), -32602, invalid.into()),
        ("nvmf_create_subsystem", json!({ "nqn": other, "passthrough": true }), -32602, invalid.into()),
        ("nvmf_create_subsystem", json!({ "nqn": other, "enable_nssr": true }), -32602, invalid.into()),
        ("nvmf_create_subsystem", json!({ "nqn": other, "tgt_name": "x" }), -32603, "Unable to find target x".into()),
        ("nvmf_delete_subsystem", json!({ "nqn": other }), -32602, missing.clone()),
        ("nvmf_delete_subsystem", json!({ "nqn": DISCOVERY }), -32602, invalid.into()),
        ("nvmf_get_subsystems", json!({ "nqn": other }), -32602, missing.clone()),
        ("nvmf_get_subsystems", json!({ "tgt_name": "x" }), -32602, "NVMf target 'x' not found".into()),
        ("nvmf_subsystem_add_ns", json!({ "nqn": other, "namespace": { "bdev_name": "Malloc1" } }), -32602, missing.clone()),
        ("nvmf_subsystem_add_ns", json!({ "nqn": NQN }), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", json!({ "nqn": DISCOVERY, "namespace": { "bdev_name": "Malloc1" } }), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "nothing" })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc0" })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "nsid": 1 })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "nsid": 33 })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "nsid": 4294967295u32 })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "nguid": "12" })), -32602, "Invalid nguid".into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "eui64": "0123456789ABCDEG" })), -32602, "Invalid eui64".into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "uuid": "x" })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "no_auto_visible": true })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "ptpl_file": "/x" })), -32602, invalid.into()),
        ("nvmf_subsystem_add_ns", ns(json!({ "bdev_name": "Malloc1", "anagrpid": 2 })), -32602, invalid.into()),
        ("nvmf_subsystem_remove_ns", json!({ "nqn": NQN, "nsid": 2 }), -32602, invalid.into()),
        ("nvmf_subsystem_remove_ns", json!({ "nqn": other, "nsid": 1 }), -32602, missing.clone()),
        ("nvmf_subsystem_add_listener", listener(other, "4420"), -32602, missing.clone()),
        ("nvmf_subsystem_add_listener", listener(NQN, "4420"), -32602, invalid.into()),
        ("nvmf_subsystem_add_listener", listener(NQN, "22"), -32602, invalid.into()),
        ("nvmf_subsystem_add_listener", listener(NQN, "x"), -32602, invalid.into()),
        ("nvmf_subsystem_add_listener", json!({ "nqn": NQN, "listen_address": { "trtype": "rdma", "traddr": "127.0.0.1", "trsvcid": "4420" } }), -32602, invalid.into()),
        ("nvmf_subsystem_add_listener", json!({ "nqn": NQN, "secure_channel": true, "listen_address": { "trtype": "tcp", "traddr": "127.0.0.1", "trsvcid": "4421" } }), -32602, invalid.into()),
        ("nvmf_subsystem_remove_listener", listener(NQN, "4421"), -32602, invalid.into()),
        ("nvmf_subsystem_get_listeners", json!({ "nqn": other }), -32602, missing.clone()),
        ("nvmf_subsystem_get_qpairs", json!({ "nqn": other }), -32602, missing.clone()),
        ("nvmf_subsystem_get_controllers", json!({ "nqn": other }), -32602, missing.clone()),
        ("nvmf_subsystem_add_host", json!({ "nqn": other, "host": HOST }), -32602, missing.clone()),
        ("nvmf_subsystem_add_host", json!({ "nqn": NQN, "host": "x" }), -32603, "Internal error".into()),
        ("nvmf_subsystem_add_host", json!({ "nqn": NQN, "host": HOST, "psk": "k0" }), -32602, invalid.into()),
        ("nvmf_subsystem_remove_host", json!({ "nqn": NQN, "host": HOST }), -32603, "Internal error".into()),
        ("nvmf_subsystem_allow_any_host", json!({ "nqn": NQN }), -32602, invalid.into()),
        ("nvmf_set_max_subsystems", json!({ "max_subsystems": 9 }), -1, "Method may only be called before framework is initialized. Use --wait-for-rpc command line parameter and then issue this RPC before the framework_start_init RPC.".into()),
        ("nvmf_subsystem_listener_set_ana_state", listener(NQN, "4420"), -32601, "Method not found".into()),
    ];
    for (method, params, code, message) in cases {
        let error = rig.call(method, params.clone()).expect_err(&format!("{method} {params}"));
        assert_eq!((error.code, error.message), (code, message), "{method} {params}");
    }
    assert_eq!(rig.ok("nvmf_get_subsystems", Value::Null), before, "a refused call changes nothing");
    rig.assert_published();
}

#[test]
fn a_transport_that_cannot_be_made_says_why() {
    let rig = Rig::new();
    let error = rig.call("nvmf_create_transport", json!({ "trtype": "TCP", "sock_priority": 99 })).unwrap_err();
    assert_eq!((error.code, &*error.message), (-32603, "Transport type 'TCP' create failed"));
    assert_eq!(error.data, Some(json!("no such priority")));
    rig.ok("nvmf_create_transport", json!({ "trtype": "TCP" }));
}

#[test]
fn settings_before_the_start() {
    let config = json!({ "admin_cmd_passthru": { "identify_ctrlr": false, "sanitize": false }, "dhchap_digests": ["sha256"],
        "discovery_filters": [], "dup_host_policy": "allow" });
    let startup = [
        app::Call::new("nvmf_set_max_subsystems", json!({ "max_subsystems": 2 })),
        app::Call::new("nvmf_set_config", config),
        app::Call::new("nvmf_set_crdt", json!({ "crdt1": 0, "crdt2": 0, "crdt3": 0 })),
    ];
    let rig = Rig::with(Limits::default(), &startup);
    let create = |n: u32| rig.call("nvmf_create_subsystem", json!({ "nqn": format!("nqn.2016-06.io.spdk:cnode{n}") }));
    assert!(create(1).is_ok() && create(2).is_ok());
    assert_eq!(create(3).unwrap_err().code, -32603);
    rig.app.methods.enter(app::State::Startup);
    for (method, params) in [
        ("nvmf_set_config", json!({ "admin_cmd_passthru": { "identify_ctrlr": true } })),
        ("nvmf_set_config", json!({ "admin_cmd_passthru": { "surprise": false } })),
        ("nvmf_set_config", json!({ "poll_groups_mask": "0x1" })),
        ("nvmf_set_config", json!({ "discovery_filters": ["address"] })),
        ("nvmf_set_config", json!({ "dup_host_policy": "restrict_per_listener" })),
        ("nvmf_set_crdt", json!({ "crdt1": 5 })),
    ] {
        assert_eq!(rig.call(method, params.clone()).unwrap_err().code, -32602, "{params}");
    }
    let error = rig.call("nvmf_set_max_subsystems", json!({ "max_subsystems": 2 })).unwrap_err();
    assert_eq!((error.code, &*error.message), (-32603, "Must not call more than once"));
}

#[test]
fn referrals_are_kept() {
    let rig = Rig::new();
    let address = json!({ "trtype": "tcp", "traddr": "10.0.0.9", "trsvcid": "8009" });
    let params = json!({ "address": address, "secure_channel": false });
    assert_eq!(rig.ok("nvmf_discovery_add_referral", params.clone()), true);
    let shown = json!([{ "address": { "trtype": "TCP", "adrfam": "IPv4", "traddr": "10.0.0.9", "trsvcid": "8009" },
        "secure_channel": false, "subnqn": DISCOVERY }]);
    assert_eq!(rig.ok("nvmf_discovery_get_referrals", Value::Null), shown);
    assert_eq!(rig.call("nvmf_discovery_add_referral", params).unwrap_err().code, -32603);
    let without = json!({ "address": { "trtype": "tcp", "traddr": "10.0.0.9" } });
    assert_eq!(rig.call("nvmf_discovery_add_referral", without).unwrap_err().message, "Service ID is required.");
    assert_eq!(rig.ok("nvmf_discovery_remove_referral", json!({ "address": address })), true);
    let error = rig.call("nvmf_discovery_remove_referral", json!({ "address": address })).unwrap_err();
    assert_eq!((error.code, &*error.message), (-32603, "Unable to remove a referral."));
}

#[test]
fn memory_is_summed_for_the_transports_that_will_be() {
    use app::Subsystem;
    let rig = Rig::new();
    let calls = [
        app::Call::new("nvmf_create_transport", json!({ "trtype": "tcp", "max_io_size": 65536 })),
        app::Call::new("nvmf_create_transport", json!({ "trtype": "fc" })),
        app::Call::new("nvmf_create_subsystem", json!({ "nqn": NQN })),
    ];
    let needs = rig.nvmf.memory(4, &calls);
    assert_eq!(needs.iter().map(|need| need.bytes).collect::<Vec<_>>(), [4 * 65536]);
}
