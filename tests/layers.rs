//! The arrows between our crates, as decided. A new one is a decision: make it here and in docs/architecture.md.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Which of our crates each of our crates may use (tests and examples aside).
const EDGES: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("ring", &[]),
    ("frugal", &[]),
    ("stats", &[]),
    ("conf", &[]),
    ("dma", &[]),
    ("os", &["dma"]),
    ("reactor", &["os", "ring", "stats"]),
    ("bdev", &["dma", "ring", "stats"]),
    ("fc", &["dma", "ring", "stats", "wire"]),
    ("fabric", &["dma", "fc", "os", "ring", "stats", "wire"]),
    ("pci", &["dma", "os", "ring"]),
    ("vfio_user", &["dma", "os", "pci", "ring"]),
    ("emu", &["dma", "fc", "pci", "ring", "wire"]),
    ("qla", &["dma", "fc", "pci", "ring", "wire"]),
    ("exchange", &["bdev", "dma", "ring", "stats"]),
    ("nvmf", &["bdev", "dma", "exchange", "reactor", "ring", "stats", "wire"]),
    ("scsi", &["bdev", "dma", "exchange", "reactor", "ring", "stats", "wire"]),
    ("app", &["bdev", "conf", "dma", "os", "reactor", "stats"]),
    ("iscsi", &[]),
    ("host", &["dma", "fabric", "fc", "iscsi", "os", "reactor", "ring", "stats", "wire"]),
    ("testbed", &["host", "wire"]),
    ("sim", &["bdev", "dma", "exchange", "fabric", "fc", "fcp", "nvmf", "nvmf_fc", "ring", "scsi", "stats", "wire"]),
    ("bdev_malloc", &["app", "bdev", "dma", "ring"]),
    ("bdev_null", &["app", "bdev", "dma", "ring"]),
    ("bdev_uring", &["app", "bdev", "dma", "os", "ring"]),
    ("bdev_delay", &["app", "bdev", "dma", "ring"]),
    ("bdev_error", &["app", "bdev", "dma", "ring"]),
    ("nvmf_target", &["app", "bdev", "nvmf", "ring"]),
    ("nvmf_fc", &["app", "dma", "exchange", "fc", "nvmf", "nvmf_target", "os", "reactor", "ring", "wire"]),
    ("nvmf_tcp", &["app", "dma", "exchange", "nvmf", "nvmf_target", "os", "reactor", "ring", "stats", "wire"]),
    ("scsi_target", &["app", "scsi"]),
    ("fcp", &["app", "dma", "exchange", "fc", "os", "reactor", "ring", "scsi", "scsi_target", "wire"]),
    ("iscsi_target", &["app", "dma", "exchange", "iscsi", "os", "reactor", "ring", "scsi", "scsi_target", "wire"]),
    ("rpc", &["app", "os", "reactor"]),
    ("fabric_target", &["app", "dma", "emu", "fabric", "fc", "os", "pci", "reactor", "ring", "vfio_user", "wire"]),
    ("hba", &["app", "dma", "emu", "fc", "pci", "qla", "reactor", "ring", "vfio_user", "wire"]),
    ("qfc_fabric", &["app", "fabric_target", "rpc"]),
    (
        "qfc",
        &[
            "app",
            "bdev_delay",
            "bdev_error",
            "bdev_malloc",
            "bdev_null",
            "bdev_uring",
            "fabric_target",
            "fc",
            "fcp",
            "hba",
            "iscsi_target",
            "nvmf_fc",
            "nvmf_target",
            "nvmf_tcp",
            "rpc",
            "scsi_target",
        ],
    ),
];

#[test]
fn crates_use_only_what_lies_below_them() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().expect("a name")).collect();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let allowed = EDGES.iter().find(|(of, _)| *of == name).map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("crate {name} is new: give it a line here"));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let on = dependency["name"].as_str().expect("a name");
            if ours.contains(on) && dependency["kind"].is_null() {
                assert!(allowed.contains(&on), "{name} uses {on}, which is no decided arrow");
            }
        }
    }
    for (name, _) in EDGES {
        assert!(ours.contains(name), "there is no crate {name} any more");
    }
}
