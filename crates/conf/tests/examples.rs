//! The example files of the field load, and mean what is written in the golden files beside them.
//!
//! A golden file holds the start options, the calls, the FC configuration and the remarks. Set
//! `CONF_BLESS=1` to write them anew, then read the difference.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use conf::{Plan, parse_and_translate};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples")
}

fn load(name: &str) -> Plan {
    let bytes = std::fs::read(folder().join(name)).unwrap();
    parse_and_translate(name, &bytes)
}

fn golden(plan: &Plan) -> String {
    let mut text = format!("{:#?}\n", plan.options);
    for (title, calls) in [("calls", &plan.calls), ("not yet", &plan.not_yet)] {
        writeln!(text, "{title}:").unwrap();
        for call in calls {
            writeln!(text, "  {:3} {} {}", call.line, call.method, call.params).unwrap();
        }
    }
    writeln!(text, "{:#?}", plan.fc).unwrap();
    plan.diagnostics.iter().for_each(|d| writeln!(text, "{d}").unwrap());
    text
}

fn check(name: &str) {
    let plan = load(&format!("{name}.conf"));
    let text = golden(&plan);
    let path = folder().join(format!("{name}.golden"));
    if std::env::var_os("CONF_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    for (i, (got, want)) in text.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(got, want, "{name}.golden line {}", i + 1);
    }
    assert_eq!(text.lines().count(), wanted.lines().count(), "{name}.golden: number of lines");
    assert!(!plan.has_errors(), "{name}: the example must load");
}

#[test]
fn fcp() {
    check("fcp");
}

#[test]
fn fc_nvme() {
    check("fc-nvme");
}

#[test]
fn minimal_fcp() {
    check("minimal-fcp");
}

#[test]
fn minimal_fc_nvme() {
    check("minimal-fc-nvme");
}

#[test]
fn nvme_tcp() {
    check("nvme-tcp");
    assert_eq!(load("nvme-tcp.conf").diagnostics, [], "a clean file has no remarks");
}

#[test]
fn spdk_20_01() {
    check("spdk-20.01");
}

#[test]
fn iscsi() {
    check("iscsi");
    assert_eq!(load("iscsi.conf").fc, conf::FcConfig::default());
}

/// Methods and parameter names as SPDK's schema has them; a call with any other name would be
/// refused by SPDK, and by our own server.
#[test]
fn calls_use_names_of_the_schema() {
    const SCHEMA: &[(&str, &[&str])] = &[
        ("bdev_set_options", &["bdev_io_pool_size", "bdev_io_cache_size"]),
        ("bdev_malloc_create", &["name", "num_blocks", "block_size"]),
        ("bdev_null_create", &["name", "num_blocks", "block_size", "md_size", "dif_type"]),
        ("bdev_aio_create", &["name", "filename", "block_size"]),
        ("bdev_uring_create", &["name", "filename", "block_size"]),
        ("bdev_error_create", &["base_name"]),
        ("bdev_nvme_attach_controller", &["name", "trtype", "traddr", "prchk_reftag", "prchk_guard", "hostnqn"]),
        ("nvmf_set_max_subsystems", &["max_subsystems"]),
        (
            "nvmf_create_transport",
            &[
                "trtype",
                "max_queue_depth",
                "max_io_qpairs_per_ctrlr",
                "in_capsule_data_size",
                "max_io_size",
                "io_unit_size",
                "max_aq_depth",
                "num_shared_buffers",
                "buf_cache_size",
                "max_srq_depth",
                "no_srq",
                "c2h_success",
                "sock_priority",
                "dif_insert_or_strip",
            ],
        ),
        ("nvmf_create_subsystem", &["nqn", "serial_number", "model_number", "max_namespaces", "allow_any_host"]),
        ("nvmf_subsystem_add_host", &["nqn", "host"]),
        ("nvmf_subsystem_add_ns", &["nqn", "namespace"]),
        ("nvmf_subsystem_add_listener", &["nqn", "listen_address"]),
        // Not in SPDK: its FC transport gets ports elsewhere, and there is no SCSI over Fibre Channel.
        (
            "fc_set_options",
            &[
                "transport",
                "unbind_from_kernel",
                "load_firmware_from_file",
                "multi_atio",
                "atio_queues",
                "nvme_atio_queues",
            ],
        ),
        ("hba_attach", &["address", "names", "wwpn", "wwnn"]),
        ("scsi_create_portal_group", &["tag", "portals", "comment"]),
        ("scsi_create_initiator_group", &["tag", "initiators", "netmasks", "comment"]),
        ("iscsi_set_options", &["auth_file", "node_base", "nop_timeout"]),
        ("scsi_create_target_node", &["name", "alias_name", "luns", "pg_ig_maps", "queue_depth", "auth"]),
    ];
    for name in ["fcp", "fc-nvme", "minimal-fcp", "minimal-fc-nvme", "nvme-tcp", "spdk-20.01", "iscsi"] {
        let plan = load(&format!("{name}.conf"));
        for call in plan.calls.iter().chain(&plan.not_yet) {
            let entry = SCHEMA.iter().find(|(method, _)| *method == call.method);
            let (_, params) = entry.unwrap_or_else(|| panic!("{name}: {}", call.method));
            for key in call.params.as_object().unwrap().keys() {
                assert!(params.contains(&key.as_str()), "{name}: {} {key}", call.method);
            }
        }
    }
}

#[test]
fn json_config_has_spdks_shape() {
    let config = conf::to_json_config(&load("nvme-tcp.conf"));
    let groups = config["subsystems"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|g| g["subsystem"].as_str().unwrap()).collect();
    assert_eq!(names, ["bdev", "nvmf"]);
    let methods: Vec<&str> =
        groups[1]["config"].as_array().unwrap().iter().map(|c| c["method"].as_str().unwrap()).collect();
    assert_eq!(methods[0], "nvmf_set_max_subsystems");
    assert_eq!(methods.last(), Some(&"nvmf_subsystem_add_listener"));
    assert_eq!(
        groups[0]["config"][0],
        serde_json::json!({"method": "bdev_malloc_create",
            "params": {"name": "Malloc0", "num_blocks": 16384, "block_size": 4096}})
    );
}
