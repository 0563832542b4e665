//! The kept inputs through the same code, with the usual compiler: `cargo test --no-default-features` in this folder.

use std::path::Path;

/// Runs every file of a folder; a panic names its file.
fn run(target: &str, one: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        if let Err(panic) = std::panic::catch_unwind(|| one(&bytes)) {
            eprintln!("that was {}", file.display());
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn pdu() {
    run("pdu", qfc_fuzz::pdu::run);
}

#[test]
fn port() {
    run("port", qfc_fuzz::port::run);
}

#[test]
fn capsule() {
    run("capsule", qfc_fuzz::capsule::run);
}

#[test]
fn conf() {
    run("conf", qfc_fuzz::conf::run);
}

#[test]
fn jsonrpc() {
    run("jsonrpc", qfc_fuzz::jsonrpc::run);
}

#[test]
fn json_config() {
    run("json_config", qfc_fuzz::json_config::run);
}

#[test]
fn iscsi_login() {
    run("iscsi_login", qfc_fuzz::iscsi_login::run);
}

#[test]
fn iscsi_pdu() {
    run("iscsi_pdu", qfc_fuzz::iscsi_pdu::run);
}

#[test]
fn els() {
    run("els", qfc_fuzz::els::run);
}

#[test]
fn ct() {
    run("ct", qfc_fuzz::ct::run);
}

#[test]
fn fcp() {
    run("fcp", qfc_fuzz::fcp::run);
}

#[test]
fn fcnvme() {
    run("fcnvme", qfc_fuzz::fcnvme::run);
}

#[test]
fn fip() {
    run("fip", qfc_fuzz::fip::run);
}

#[test]
fn scsi() {
    run("scsi", qfc_fuzz::scsi::run);
}

#[test]
fn fcp_port() {
    run("fcp_port", qfc_fuzz::fcp_port::run);
}

#[test]
fn fcnvme_port() {
    run("fcnvme_port", qfc_fuzz::fcnvme_port::run);
}

#[test]
fn switch() {
    run("switch", qfc_fuzz::switch::run);
}

#[test]
fn fip_machine() {
    run("fip_machine", qfc_fuzz::fip_machine::run);
}

#[test]
fn vfio_user() {
    run("vfio_user", qfc_fuzz::vfio_user::run);
}

#[test]
fn qla_lane() {
    run("qla_lane", qfc_fuzz::qla_lane::run);
}
