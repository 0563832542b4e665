//! Changes: cores that hang or refuse, volumes that go, listeners that are shared, the end.

mod fake;

use bdev::{Error, Event, Watcher};
use fake::{NQN, Rig, listener};
use nvmf::Limits;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const OTHER: &str = "nqn.2016-06.io.spdk:cnode2";

fn short() -> Limits {
    let ms = Duration::from_millis;
    Limits { answer: ms(200), report: ms(100), drain: ms(100) }
}

fn add_ns(name: &str) -> Value {
    json!({ "nqn": NQN, "namespace": { "bdev_name": name } })
}

#[test]
fn questions_are_answered_while_a_core_hangs() {
    let rig = Rig::small(Limits { answer: Duration::from_secs(2), ..short() });
    rig.cores[1].hangs.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let change = scope.spawn(|| rig.call("nvmf_subsystem_add_ns", add_ns("Malloc1")));
        std::thread::sleep(Duration::from_millis(100));
        let started = Instant::now();
        for method in ["nvmf_get_subsystems", "nvmf_get_transports", "nvmf_get_stats", "nvmf_discovery_get_referrals"] {
            rig.ok(method, Value::Null);
        }
        rig.ok("nvmf_subsystem_get_listeners", json!({ "nqn": NQN }));
        let there = rig.ok("nvmf_subsystem_get_controllers", json!({ "nqn": NQN }));
        assert_eq!(there.as_array().unwrap().len(), fake::HOMES - 1, "those that answer are shown");
        assert!(!change.is_finished() && started.elapsed() < Duration::from_secs(1));
        let error = change.join().unwrap().unwrap_err();
        assert_eq!((error.code, &*error.message), (-32603, "Internal error"));
        assert!(error.data.unwrap().as_str().unwrap().starts_with("TCP home 1 did not answer"));
    });
    assert_eq!(rig.shown()["unacknowledged"], json!(["TCP home 1"]));
    assert_eq!(rig.shown()["namespaces"].as_array().unwrap().len(), 2, "the change is made");
    rig.cores[1].hangs.store(false, Ordering::SeqCst);
    rig.ok("nvmf_subsystem_allow_any_host", json!({ "nqn": NQN, "allow_any_host": true }));
    assert_eq!(rig.shown().get("unacknowledged"), None);
    rig.assert_published();
}

#[test]
fn a_volume_is_not_gone_while_a_core_may_hold_it() {
    let rig = Rig::small(short());
    rig.cores[2].hangs.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let error = rig.app.bdevs.remove("Malloc0").unwrap_err();
        assert!(matches!(&error, Error::Busy(who) if who.contains("TCP home 2")), "{error:?}");
        assert!(rig.app.bdevs.get("Malloc0").is_some());
    }
    rig.cores[2].hangs.store(false, Ordering::SeqCst);
    rig.app.bdevs.remove("Malloc0").unwrap();
    assert_eq!(rig.shown()["namespaces"], json!([]));
    rig.assert_published();
}

#[test]
fn a_removed_volume_leaves_its_subsystem_and_only_that() {
    let rig = Rig::small(short());
    rig.ok("nvmf_subsystem_add_ns", add_ns("Malloc1"));
    let by_uuid = rig.app.bdevs.get("Malloc2").unwrap().info().uuid.to_string();
    rig.ok("nvmf_subsystem_add_ns", add_ns(&by_uuid));
    rig.app.bdevs.remove("Malloc0").unwrap();
    rig.app.bdevs.remove("Malloc2").unwrap();
    let left = rig.shown()["namespaces"].clone();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["nsid"], &left[0]["name"]), (1, &json!(2), &json!("Malloc1")));
    rig.assert_published();
}

#[test]
fn a_resized_volume_gets_new_copies() {
    let rig = Rig::small(short());
    let disk = fake::device("Grows");
    rig.app.bdevs.add(disk.clone()).unwrap();
    rig.ok("nvmf_subsystem_add_ns", add_ns("Grows"));
    disk.0.lock().unwrap().blocks = 4096;
    rig.app.bdevs.resized("Grows");
    rig.assert_published();
    let views = rig.cores[1].views.lock().unwrap();
    assert_eq!(views[&1].namespaces[1].info.blocks, 4096);
}

#[test]
fn a_core_that_cannot_open_a_volume_undoes_it_everywhere() {
    let rig = Rig::small(short());
    *rig.cores[1].refuses.lock().unwrap() = Some("Malloc1".into());
    let before = rig.shown();
    let error = rig.call("nvmf_subsystem_add_ns", add_ns("Malloc1")).unwrap_err();
    assert_eq!((error.code, &*error.message), (-32602, "Invalid parameters"));
    assert_eq!(error.data, Some(json!("TCP home 1: Malloc1 cannot be opened")));
    assert_eq!((rig.shown(), rig.app.bdevs.claimed_by("Malloc1")), (before, None));
    rig.assert_published();
}

#[test]
fn a_volume_of_someone_else_is_refused() {
    let rig = Rig::small(short());
    rig.app.bdevs.claim("Malloc1", Some("Delay")).unwrap();
    let error = rig.call("nvmf_subsystem_add_ns", add_ns("Malloc1")).unwrap_err();
    assert!(error.data.unwrap().as_str().unwrap().contains("claimed by Delay"));
    assert_eq!(rig.app.bdevs.claimed_by("Malloc1").as_deref(), Some("Delay"));
    assert_eq!(
        rig.app.bdevs.claim("Malloc0", Some("Delay")).unwrap_err(),
        Error::Busy("claimed by NVMe-oF Target".into())
    );
}

#[test]
fn a_subsystem_that_hangs_can_be_deleted_again() {
    let rig = Rig::small(short());
    rig.cores[0].hangs.store(true, Ordering::SeqCst);
    assert_eq!(rig.call("nvmf_delete_subsystem", json!({ "nqn": NQN })).unwrap_err().code, -32603);
    assert_eq!(rig.shown()["unacknowledged"], json!(["TCP home 0"]));
    assert!(rig.app.bdevs.claimed_by("Malloc0").is_some(), "a core may have it open still");
    rig.cores[0].hangs.store(false, Ordering::SeqCst);
    rig.ok("nvmf_delete_subsystem", json!({ "nqn": NQN }));
    assert_eq!(rig.app.bdevs.claimed_by("Malloc0"), None);
    rig.assert_published();
}

#[test]
fn an_address_is_listened_at_while_anyone_uses_it() {
    let rig = Rig::small(short());
    rig.ok("nvmf_create_subsystem", json!({ "nqn": OTHER }));
    rig.ok("nvmf_subsystem_add_listener", listener(OTHER, "4420"));
    rig.ok("nvmf_subsystem_add_listener", listener(OTHER, "4421"));
    rig.ok("nvmf_subsystem_remove_listener", listener(NQN, "4420"));
    assert_eq!(*rig.log.0.lock().unwrap(), ["listen 1 4420", "listen 2 4421"]);
    rig.ok("nvmf_delete_subsystem", json!({ "nqn": OTHER }));
    assert_eq!(rig.log.0.lock().unwrap()[2..], ["unlisten 1", "unlisten 2"]);
    assert_eq!(*rig.cores[0].closed.lock().unwrap(), [1, 2]);
    rig.ok("nvmf_subsystem_add_listener", listener(NQN, "4420"));
    assert_eq!(rig.log.0.lock().unwrap()[4], "listen 3 4420", "a number is never given again");
    rig.assert_published();
}

#[test]
fn an_address_in_use_leaves_nothing_behind() {
    let rig = Rig::small(short());
    let before = rig.shown();
    let error = rig.call("nvmf_subsystem_add_listener", listener(NQN, "22")).unwrap_err();
    assert_eq!(error.data, Some(json!("TCP 127.0.0.1 22: Address already in use")));
    assert_eq!((rig.shown(), rig.nvmf.target().listeners().len()), (before, 1));
    rig.assert_published();
}

#[test]
fn a_subsystem_can_be_offered_everywhere() {
    let rig = Rig::small(short());
    rig.ok("nvmf_create_subsystem", json!({ "nqn": OTHER, "any_listener": true }));
    let places = || {
        let listeners = rig.ok("nvmf_subsystem_get_listeners", json!({ "nqn": OTHER }));
        listeners
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["address"]["trsvcid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(places(), ["4420"]);
    rig.ok("nvmf_subsystem_add_listener", listener(NQN, "4421"));
    rig.ok("nvmf_subsystem_add_listener", listener("nqn.2014-08.org.nvmexpress.discovery", "8009"));
    assert_eq!(places(), ["4420", "4421", "8009"]);
    rig.ok("nvmf_subsystem_remove_listener", listener(NQN, "4420"));
    assert_eq!(places(), ["4421", "8009"]);
    rig.assert_published();
    let view = rig.nvmf.target().subsystem(OTHER).unwrap().view;
    assert!(view.any_listener && rig.nvmf.target().subsystems()[0].view.any_listener);
}

#[test]
fn a_transport_that_comes_late_learns_what_there_is() {
    let rig = Rig::with(short(), &[]);
    rig.ok("nvmf_create_subsystem", json!({ "nqn": NQN }));
    rig.ok("nvmf_subsystem_add_ns", add_ns("Malloc0"));
    rig.ok("nvmf_subsystem_add_host", json!({ "nqn": NQN, "host": fake::HOST }));
    rig.ok("nvmf_create_transport", json!({ "trtype": "TCP" }));
    rig.assert_published();
    let _ = rig.nvmf.target().reports();
    assert_eq!(*rig.cores[0].generation.lock().unwrap(), rig.nvmf.target().generation());
}

#[test]
fn the_end_is_in_order_and_does_not_wait_for_ever() {
    use app::Subsystem;
    let rig = Rig::small(short());
    rig.nvmf.stop();
    let log = rig.log.0.lock().unwrap()[1..].to_vec();
    assert_eq!(log, ["unlisten 1", "drain", "drain", "drain", "stop"]);

    let rig = Rig::small(short());
    rig.cores[0].hangs.store(true, Ordering::SeqCst);
    let started = Instant::now();
    rig.nvmf.stop();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(rig.log.0.lock().unwrap().last().unwrap(), "stop");
}

#[test]
fn events_of_other_volumes_are_nothing() {
    let rig = Rig::small(short());
    let before = rig.shown();
    for event in [Event::Added("x".into()), Event::Resized("x".into()), Event::Removing("x".into())] {
        assert_eq!(rig.nvmf.target().on_bdev(&event), Ok(()));
    }
    assert_eq!(rig.shown(), before);
}
