//! Virtual adapters on their sockets.

mod common;

use app::Subsystem;
use common::Target;
use fc::Port;
use pci::Device;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use vfio_user::Client;

fn ids(device: &mut Client) -> [u8; 4] {
    let mut ids = [0; 4];
    device.read_config(0, &mut ids).unwrap();
    ids
}

fn hba(target: &Target) -> Value {
    target.ok("fabric_get_hbas", json!({ "name": "vm1" }))[0].clone()
}

#[test]
fn a_guest_finds_the_adapter_while_the_core_sleeps_and_leaves_it_as_it_was() {
    let (target, dir) = (Target::start(), tempfile::tempdir().unwrap());
    let socket = dir.path().join("vm1.sock");
    let wwpn = target.ok("fabric_hba_create", json!({ "socket": socket }));
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let before = hba(&target);
    assert_eq!(
        (&before["connected"], &before["driver"], &before["wwpn"]),
        (&json!(false), &json!("not loaded"), &wwpn)
    );
    assert_eq!(
        (&before["model"], &before["fabric"], &before["cable"]),
        (&json!("QLE2742"), &json!("fabric"), &json!("in"))
    );
    let sleeps = || target.app.cores[0].stats().sleeps.get();
    let falls_asleep = |who: &str| {
        let before = sleeps();
        hba(&target);
        target.until(who, |_| (sleeps() > before).then_some(()));
    };
    falls_asleep("an adapter without a guest lets its core sleep");
    let mut guest = Client::connect(&socket).unwrap();
    assert_eq!(ids(&mut guest), [0x77, 0x10, 0x61, 0x22]);
    assert_eq!(hba(&target)["connected"], true);
    let error = Client::connect(&socket).unwrap_err().to_string();
    assert!(error.contains("another client"), "{error}");
    falls_asleep("so does a guest that does nothing");
    drop(guest);
    target.until("gone", |_| (hba(&target)["connected"] == false).then_some(()));
    assert_eq!(ids(&mut Client::connect(&socket).unwrap()), [0x77, 0x10, 0x61, 0x22]);
    assert!(target.fabric.serves().iter().any(|line| line.contains("vm1.sock") && line.contains("vfio-user-pci")));
}

/// A host with the driver of real adapters, on a thread of its own.
struct Host {
    port: Arc<qla::QlaPort>,
    thread: Option<std::thread::JoinHandle<()>>,
    end: Arc<AtomicBool>,
}

impl Host {
    fn start(socket: &Path) -> Self {
        let memory = dma::Options { backing: dma::Backing::Ordinary, single_file: true, reserve: 0 };
        let (arena, device) = (dma::Arena::new(memory).unwrap(), Client::connect(socket).unwrap());
        let settings = qla::Settings::default();
        let (mut adapter, port) = qla::Adapter::new(Box::new(device), settings, &arena, Arc::new(|| {})).unwrap();
        let end = Arc::new(AtomicBool::new(false));
        let (told, began) = (end.clone(), Instant::now());
        let thread = std::thread::spawn(move || {
            while !told.load(Relaxed) {
                if adapter.poll(began.elapsed().as_nanos() as u64) == 0 {
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        });
        Self { port, thread: Some(thread), end }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end.store(true, Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_driver_brings_it_up_and_its_cable_is_pulled() {
    let (target, dir) = (Target::start(), tempfile::tempdir().unwrap());
    let socket = dir.path().join("vm1.sock");
    let wwpn = target.ok("fabric_hba_create", json!({ "socket": socket }));
    let host = Host::start(&socket);
    let shows =
        |what: &str, key: &str, wanted: Value| target.until(what, |_| (hba(&target)[key] == wanted).then_some(()));
    shows("online", "link", json!("online"));
    let shown = hba(&target);
    assert_eq!((&shown["driver"], &shown["port_id"]), (&json!("firmware started"), &json!("0x010100")), "{shown}");
    assert_eq!((&shown["n_ports"][0]["wwpn"], &json!(host.port.names().port.to_string())), (&wwpn, &wwpn));
    assert!(shown["counters"]["frames_out"].as_u64().unwrap() > 0 && shown["sessions"] == json!([]));
    target.ok("fabric_hba_set_cable", json!({ "name": "vm1", "in": false }));
    target.until("the driver sees it", |_| (host.port.shown().state == fc::PortState::LinkDown).then_some(()));
    shows("dark", "port_id", Value::Null);
    target.ok("fabric_hba_set_cable", json!({ "name": "vm1", "in": true }));
    shows("online again", "port_id", json!("0x010100"));
    drop(host);
    shows("as after power on", "driver", json!("not loaded"));
    shows("nobody is left", "n_ports", json!([]));
}

#[test]
fn adapters_are_saved_whole_and_come_back_the_same() {
    let (target, dir) = (Target::start(), tempfile::tempdir().unwrap());
    let at = |name: &str| dir.path().join(name);
    target.ok("fabric_create", json!({ "name": "a" }));
    target.ok("fabric_create", json!({ "name": "b", "domain": 2 }));
    let one = json!({ "fabric": "b", "name": "vm1", "socket": at("s1"), "wwpn": "21000024ff0a0001", "fc4_priority": "nvme",
        "model": "QLE2672", "serial": "S1", "vectors": 8, "core": 0 });
    target.ok("fabric_hba_create", one);
    target.ok("fabric_hba_create", json!({ "fabric": "a", "socket": at("vm2.sock") }));
    let (saved, hbas) = (target.fabric.config(), target.ok("fabric_get_hbas", json!({})));
    let methods: Vec<&str> = saved.iter().map(|call| call.method.as_str()).collect();
    assert_eq!(methods, ["fabric_create", "fabric_hba_create", "fabric_create", "fabric_hba_create"]);
    assert_eq!((&hbas[0]["model"], &hbas[0]["wwnn"]), (&json!("QLE2672"), &json!("0x20000024ff0a0001")));
    let mut guest = Client::connect(&at("s1")).unwrap();
    assert_eq!(ids(&mut guest), [0x77, 0x10, 0x31, 0x20], "an ISP2031");
    drop((guest, target));
    assert!(!at("s1").exists() && !at("vm2.sock").exists(), "the sockets go with the process's fabrics");
    let again = Target::start();
    saved.iter().for_each(|call| drop(again.ok(&call.method, call.params.clone())));
    assert_eq!(again.fabric.config(), saved);
    let names = |hbas: &Value| -> Vec<_> { hbas.as_array().unwrap().iter().map(|hba| hba["wwpn"].clone()).collect() };
    assert_eq!(names(&again.ok("fabric_get_hbas", json!({}))), names(&hbas));
}

#[test]
fn an_adapter_goes_before_its_fabric_and_is_a_dead_device_then() {
    let (target, dir) = (Target::start(), tempfile::tempdir().unwrap());
    let socket = dir.path().join("vm1.sock");
    target.ok("fabric_create", json!({ "name": "san" }));
    target.ok("fabric_hba_create", json!({ "socket": socket }));
    assert_eq!(target.ok("fabric_get_ports", json!({})).as_array().unwrap().len(), 1);
    assert!(target.refused("fabric_delete", json!({ "name": "san" })).contains("vm1"));
    for (pulled, shown) in [(false, "out"), (true, "in")] {
        target.ok("fabric_hba_set_cable", json!({ "name": "vm1", "in": pulled }));
        assert_eq!(hba(&target)["cable"], shown);
    }
    let mut guest = Client::connect(&socket).unwrap();
    target.ok("fabric_hba_delete", json!({ "name": "vm1" }));
    assert!(!socket.exists() && guest.read_config(0, &mut [0; 2]).is_err());
    target.until("the F_Port is free", |_| {
        target.ok("fabric_get_ports", json!({})).as_array().unwrap().is_empty().then_some(())
    });
    assert!(target.refused("fabric_hba_delete", json!({ "name": "vm1" })).contains("no adapter 'vm1'"));
    target.ok("fabric_delete", json!({ "name": "san" }));
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing_behind() {
    let (target, dir) = (Target::start(), tempfile::tempdir().unwrap());
    let at = |name: &str| dir.path().join(name);
    target.ok("fabric_create", json!({}));
    target.ok("fabric_hba_create", json!({ "name": "vm1", "socket": at("vm1"), "wwpn": "21000024ff0a0001" }));
    let foreign = UnixListener::bind(at("foreign")).unwrap();
    std::fs::write(at("file"), "precious").unwrap();
    for (wrong, part) in [
        (json!({ "name": "other", "socket": at("vm1") }), "serves it"),
        (json!({ "socket": at("foreign") }), "another process serves it"),
        (json!({ "socket": at("file") }), "not a socket"),
        (json!({ "socket": at("none").join("s") }), "No such file"),
        (json!({ "name": "vm1", "socket": at("s") }), "adapter vm1"),
        (json!({ "socket": at("s"), "wwpn": "21000024ff0a0001" }), "0x21000024ff0a0001"),
        (json!({ "socket": at("s"), "fabric": "none" }), "no fabric 'none'"),
        (json!({ "socket": at("s"), "core": 77 }), "core 77"),
        (json!({ "socket": "relative" }), "absolute"),
    ] {
        let text = target.refused("fabric_hba_create", wrong.clone());
        assert!(text.contains(part), "{wrong}: {text}");
    }
    assert_eq!(std::fs::read(at("file")).unwrap(), b"precious");
    assert!(!at("s").exists() && Path::exists(&at("foreign")));
    assert_eq!(target.ok("fabric_get_ports", json!({})).as_array().unwrap().len(), 1, "no F_Port is lost to a refusal");
    assert_eq!(target.ok("fabric_get_hbas", json!({})).as_array().unwrap().len(), 1);
    drop(foreign);
    target.ok("fabric_hba_create", json!({ "socket": at("foreign") }));
}
