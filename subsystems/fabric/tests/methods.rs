//! The subsystem on a running core, by its methods.

mod common;

use app::Subsystem;
use common::Target;
use fabric::link::UnixLink;
use fc::{Frame, Link, LinkEvent, Names};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

/// What ports do with a target.
trait Ports {
    fn log_in(&self, link: &mut dyn Link, name: u64) -> PortId;
    fn embedded(&self, to: &str) -> Result<Box<dyn Link>, String>;
}

impl Ports for Target {
    fn log_in(&self, link: &mut dyn Link, name: u64) -> PortId {
        self.until("link up", |now| link.event(now).filter(|event| matches!(event, LinkEvent::Up(_))));
        let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC)
            .with_f_ctl(FCtl::REQUEST)
            .with_exchange(1, 0xffff);
        let login = Login::fabric(Command::FLOGI, Wwn(name), Wwn(1), 2112, true);
        link.send(Frame::new(&header, &login.to_bytes()));
        link.flush(self.now());
        let reply = self.until("FLOGI", |now| link.receive(now));
        assert_eq!(reply.payload()[0], 2);
        reply.header().d_id()
    }

    fn embedded(&self, to: &str) -> Result<Box<dyn Link>, String> {
        let names = Names { node: Wwn(1), port: Wwn(2) };
        fc::make_link(&self.fabric.makers(), to, names, Arc::new(|| {}))
    }
}

#[test]
fn a_port_in_the_process_makes_its_fabric_and_is_seen() {
    let target = Target::start();
    assert!(target.refused("fabric_get_ports", json!({})).contains("there is no fabric"));
    let mut link = target.embedded("fabric").unwrap();
    let id = target.log_in(&mut *link, 0x2100_0000_0000_000a);
    assert_eq!(id, PortId::new(1, 1, 0));
    let ports = target.ok("fabric_get_ports", json!({}));
    assert_eq!(ports[0]["n_ports"][0]["wwpn"], "0x210000000000000a");
    assert_eq!(ports[0]["state"], "online");
    target.ok("fabric_port_down", json!({ "wwpn": "21:00:00:00:00:00:00:0a" }));
    target.until("down", |now| link.event(now).filter(|event| *event == LinkEvent::Down));
    assert!(target.refused("fabric_port_up", json!({ "wwpn": "210000000000000a" })).contains("not logged in"));
    target.ok("fabric_port_up", json!({ "port": 0 }));
    assert_eq!(target.log_in(&mut *link, 0x2100_0000_0000_000a), id);
    let mut other = target.embedded("fabric:b").unwrap();
    target.log_in(&mut *other, 0x2100_0000_0000_000a);
    assert!(target.refused("fabric_get_ports", json!({ "fabric": "c" })).contains("no fabric 'c'"));
    let fabrics = target.ok("fabric_get_fabrics", json!({}));
    assert_ne!(fabrics[0]["wwn"], fabrics[1]["wwn"]);
    target.ok("fabric_delete", json!({ "name": "b" }));
    target.until("cable pulled", |now| other.event(now).filter(|event| *event == LinkEvent::Down));
}

#[test]
fn a_port_of_another_process_comes_by_the_socket_while_the_core_sleeps() {
    let target = Target::start();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("san.sock");
    target.ok("fabric_create", json!({ "name": "san", "wwn": "10:00:02:71:66:63:00:05", "domain": 5 }));
    target.ok("fabric_listen", json!({ "path": path }));
    assert!(target.refused("fabric_listen", json!({ "path": path })).contains("already"));
    assert!(target.refused("fabric_listen", json!({ "path": "relative" })).contains("absolute"));
    assert!(target.refused("fabric_listen", json!({})).contains("either"));
    assert!(target.refused("fabric_listen", json!({ "interface": "nonsense0" })).contains("nonsense0"));
    std::thread::sleep(Duration::from_millis(20));
    let mut link = UnixLink::new(&path, fc::Frames::new(64)).unwrap();
    let id = target.log_in(&mut link, 0x2100_0000_0000_000a);
    assert_eq!(id.domain(), 5);
    let sleeps = target.app.cores[0].stats().sleeps.get();
    assert!(sleeps > 0, "a switch without work lets its core sleep");
    assert!(target.fabric.serves()[0].contains("san.sock"));
    target.ok("fabric_unlisten", json!({ "path": path }));
    assert!(!path.exists());
    assert_eq!(target.ok("fabric_get_ports", json!({})).as_array().unwrap().len(), 1, "who is there stays");
}

#[test]
fn what_was_configured_is_saved_and_comes_back_the_same() {
    let target = Target::start();
    let dir = tempfile::tempdir().unwrap();
    target.ok("fabric_create", json!({ "default_zone": "deny", "domain": 7 }));
    target.ok("fabric_alias_create", json!({ "name": "array", "members": ["2100000000000001", "2100000000000002"] }));
    target.ok("fabric_zone_create", json!({ "name": "h1", "members": ["array"] }));
    target.ok("fabric_zone_add_member", json!({ "zone": "h1", "member": "0x210000000000000a" }));
    target.ok("fabric_zone_create", json!({ "name": "h2", "members": ["array", "210000000000000b"] }));
    target.ok("fabric_zone_remove_member", json!({ "zone": "h2", "member": "210000000000000b" }));
    target.ok("fabric_zoneset_create", json!({ "name": "day", "members": ["h1"] }));
    target.ok("fabric_zone_activate", json!({ "name": "day" }));
    target.ok("fabric_listen", json!({ "path": dir.path().join("s") }));
    let saved = target.fabric.config();
    let zones = target.ok("fabric_get_zones", json!({}));
    assert_eq!((&zones["active"], &zones["default_zone"]), (&json!("day"), &json!("deny")));
    assert_eq!(zones["zones"][0]["wwpns"].as_array().unwrap().len(), 3);
    assert!(target.refused("fabric_zone_delete", json!({ "name": "h1" })).contains("zone set 'day'"));
    drop(target);
    let again = Target::start();
    saved.iter().for_each(|call| drop(again.ok(&call.method, call.params.clone())));
    assert_eq!(again.fabric.config(), saved);
    assert_eq!(again.ok("fabric_get_zones", json!({})), zones);
    again.ok("fabric_zone_deactivate", json!({}));
    again.ok("fabric_zoneset_delete", json!({ "name": "day" }));
    again.ok("fabric_zone_delete", json!({ "name": "h1" }));
    again.ok("fabric_zone_delete", json!({ "name": "h2" }));
    again.ok("fabric_alias_delete", json!({ "name": "array" }));
    again.ok("fabric_set_default_zone", json!({ "access": "open" }));
    let zones = again.ok("fabric_get_zones", json!({}));
    assert_eq!((&zones["active"], &zones["default_zone"], &zones["zones"]), (&Value::Null, &json!("open"), &json!([])));
}

#[test]
fn faults_are_injected_by_rules_and_counted() {
    let target = Target::start();
    let mut link = target.embedded("fabric").unwrap();
    let rule = json!({ "action": "drop", "els": "flogi", "count": 1, "r_ctl": 0x22, "type": "ELS" });
    assert_eq!(target.ok("fabric_inject", rule), 1);
    target.until("link up", |now| link.event(now));
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC).with_f_ctl(FCtl::REQUEST);
    let login = Login::fabric(Command::FLOGI, Wwn(0x2100_0000_0000_000a), Wwn(1), 2112, true);
    link.send(Frame::new(&header, &login.to_bytes()));
    link.flush(0);
    target.until("hit", |_| {
        // The ring has no core of its own to wake here: any call wakes the switch's.
        let rules = target.ok("fabric_inject_get", json!({}));
        (rules[0]["hits"] == 1 && rules[0]["left"] == 0).then_some(())
    });
    let stats = target.ok("fabric_get_stats", json!({}));
    assert_eq!(stats["ports"][0]["counters"]["injected"], 1);
    for (wrong, part) in [
        (json!({ "action": "delay" }), "delay_ms"),
        (json!({ "action": "drop", "delay_ms": 5 }), "another action"),
        (json!({ "action": "corrupt", "value": 0 }), "changes nothing"),
        (json!({ "action": "drop", "probability": 1.5 }), "probability"),
        (json!({ "action": "drop", "els": "NONSENSE" }), "els"),
        (json!({ "action": "drop", "s_id": "0x1000000" }), "s_id"),
        (json!({ "action": "explode" }), "explode"),
    ] {
        let text = target.refused("fabric_inject", wrong.clone());
        assert!(text.contains(part), "{wrong}: {text}");
    }
    assert!(target.refused("fabric_inject_clear", json!({ "id": 9 })).contains("no rule 9"));
    target.ok("fabric_inject_clear", json!({}));
    assert_eq!(target.ok("fabric_inject_get", json!({})), json!([]));
}

#[test]
fn a_fabric_that_cannot_be_is_refused() {
    let target = Target::start();
    for (wrong, part) in [
        (json!({ "domain": 0 }), "domain"),
        (json!({ "domain": 240 }), "domain"),
        (json!({ "name": "a b" }), "name"),
        (json!({ "wwn": "12" }), "wwn"),
        (json!({ "core": 77 }), "core 77"),
        (json!({ "default_zone": "maybe" }), "default_zone"),
    ] {
        let text = target.refused("fabric_create", wrong.clone());
        assert!(text.contains(part), "{wrong}: {text}");
    }
    target.ok("fabric_create", json!({}));
    assert!(target.refused("fabric_create", json!({})).contains("already"));
}
