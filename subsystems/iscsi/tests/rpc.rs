//! SPDK's methods on a target of two cores that listens on loopback: their answers, what is saved, what is refused.

use app::{App, Options, RpcError, State, Subsystem};
use bdev::{Bdev, Channel, Features, Info};
use iscsi_target::{Iscsi, IscsiFactory};
use reactor::{Clock, Cores, Idle};
use ring::Tick;
use scsi_target::ScsiTarget;
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A disk that is opened and not used.
struct Disk(&'static str);

impl Bdev for Disk {
    fn info(&self) -> Info {
        let features =
            Features { write: true, unmap: false, unmap_zeroes: false, write_zeroes: false, volatile_cache: false };
        let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, self.0.as_bytes());
        let (block_size, physical_block_size, blocks) = (512, 512, 1024);
        Info { name: self.0.into(), product: "Test disk", uuid, block_size, physical_block_size, blocks, features }
    }
    fn channel(&self, _: u32) -> Result<Box<dyn Channel>, String> {
        Ok(Box::new(Quiet))
    }
    fn driver_specific(&self) -> Value {
        Value::Null
    }
}

struct Quiet;

impl Channel for Quiet {
    fn submit(&mut self, _: ring::Tag, _: bdev::Op, _: dma::Data) -> Option<bdev::Done> {
        panic!("no test does I/O")
    }
    fn cancel(&mut self, _: ring::Tag) {}
    fn reset(&mut self) {}
    fn turn(&mut self, _: Tick) {}
    fn next(&mut self) -> Option<bdev::Done> {
        None
    }
    fn bell(&mut self) {}
}

struct Rig {
    scsi: Arc<ScsiTarget>,
    iscsi: Arc<Iscsi>,
    app: App,
    cores: Option<Cores>,
}

impl Rig {
    /// `first` is called before the start.
    fn new(first: &[(&str, Value)]) -> Self {
        let state = Arc::new(iscsi_target::State::default());
        let scsi = Arc::new(ScsiTarget::new(vec![Arc::new(IscsiFactory::new(state.clone()))]));
        let iscsi = Arc::new(Iscsi::new(scsi.clone(), state));
        let clock = Clock::real();
        let options =
            reactor::Options { idle: Idle::Adaptive { spin: Duration::ZERO }, clock, ..reactor::Options::default() };
        let cores = Cores::start(&[0, 1], &options, |core, why| panic!("core {core}: {why}")).unwrap();
        let arena = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let subsystems: Arc<[Arc<dyn Subsystem>]> = Arc::new([iscsi.clone() as Arc<dyn Subsystem>, scsi.clone()]);
        let options = Options { cores: vec![0, 1], ..Options::default() };
        let app = app::assemble(options, dma::Arena::new(arena).unwrap(), cores.handles().into(), subsystems).unwrap();
        for name in ["A", "B"] {
            app.bdevs.add(Arc::new(Disk(name))).unwrap();
        }
        let rig = Self { scsi, iscsi, app, cores: Some(cores) };
        for (method, params) in first {
            rig.ok(method, params.clone());
        }
        rig.iscsi.start(&rig.app).unwrap();
        rig.scsi.start(&rig.app).unwrap();
        rig.app.methods.enter(State::Runtime);
        rig
    }

    #[track_caller]
    fn ok(&self, method: &str, params: Value) -> Value {
        let result: Result<Value, RpcError> = self.app.methods.call(method, params.clone());
        result.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    #[track_caller]
    fn refused(&self, method: &str, params: Value, part: &str) {
        let error = self.app.methods.call(method, params.clone()).expect_err(method);
        assert_eq!((error.code, error.message.as_str()), (-32602, "Invalid parameters"), "{error}");
        assert!(error.to_string().contains(part), "{method} {params}: {error}");
    }

    /// Portal group 1 on `port`, initiator group 2, node `disk1`.
    fn configure(&self, port: u16) {
        let portals = json!([{ "host": "127.0.0.1", "port": port.to_string() }]);
        self.ok("iscsi_create_portal_group", json!({ "tag": 1, "portals": portals, "private": false, "wait": false }));
        let group = json!({ "tag": 2, "initiators": ["ANY"], "netmasks": ["127.0.0.1/32"] });
        self.ok("iscsi_create_initiator_group", group);
        self.ok("iscsi_create_target_node", node());
    }

    fn saved(&self) -> Value {
        json!([self.iscsi.config(), self.scsi.config()])
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.scsi.stop();
        let died = self.cores.take().map(Cores::stop).unwrap_or_default();
        assert!(died.is_empty() || std::thread::panicking(), "{died:?}");
    }
}

/// What SPDK's client sends for `iscsi_create_target_node disk1 "Data Disk1" A:0 1:2 64 -d`.
fn node() -> Value {
    json!({ "luns": [{ "bdev_name": "A", "lun_id": 0 }], "pg_ig_maps": [{ "pg_tag": 1, "ig_tag": 2 }], "name": "disk1",
        "alias_name": "Data Disk1", "queue_depth": 64, "disable_chap": true, "require_chap": false, "mutual_chap": false,
        "header_digest": false, "data_digest": false })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn answers_have_spdks_form() {
    let rig = Rig::new(&[]);
    let port = free_port();
    rig.configure(port);
    let groups =
        json!([{ "tag": 1, "private": false, "portals": [{ "host": "127.0.0.1", "port": port.to_string() }] }]);
    assert_eq!(rig.ok("iscsi_get_portal_groups", json!({})), groups);
    let initiators = json!([{ "tag": 2, "initiators": ["ANY"], "netmasks": ["127.0.0.1/32"] }]);
    assert_eq!(rig.ok("iscsi_get_initiator_groups", json!({})), initiators);
    let mut wanted = node();
    wanted["name"] = json!("iqn.2016-06.io.spdk:disk1");
    wanted["chap_group"] = json!(0);
    let shown = rig.ok("iscsi_get_target_nodes", json!({}));
    assert_eq!(shown.as_array().unwrap().len(), 1);
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&shown[0][name], value, "{name}");
    }
    assert_eq!(rig.ok("iscsi_get_connections", json!({})), json!([]));
    let none = json!({ "invalid": 0, "running": 0, "exiting": 0, "exited": 0 });
    assert_eq!(rig.ok("iscsi_get_stats", json!({})), none);
    TcpStream::connect(("127.0.0.1", port)).expect("it listens");
}

#[test]
fn what_is_saved_rebuilds_it_without_secrets() {
    let options =
        json!({ "max_sessions": 16, "node_base": "iqn.2020-01.org.example", "require_chap": true, "chap_group": 3 });
    let first =
        Rig::new(&[("iscsi_set_options", options), ("scsi_set_options", json!({ "state_directory": "/nowhere" }))]);
    first.configure(free_port());
    let secret = json!({ "user": "u", "secret": "TopSecret1234", "muser": "m", "msecret": "OtherSecret12" });
    first.ok("iscsi_create_auth_group", json!({ "tag": 3, "secrets": [secret] }));
    first.ok("iscsi_target_node_set_auth", json!({ "name": "disk1", "require_chap": true, "chap_group": 3 }));
    first.ok("iscsi_portal_group_set_auth", json!({ "tag": 1, "disable_chap": true }));
    let volume = json!({ "bdev_name": "A", "vendor": "ACME", "removable": true });
    first.ok("scsi_set_volume", volume);
    let name = "iqn.2020-01.org.example:disk1";
    first.ok("scsi_set_target_port_group", json!({ "name": name, "pg_tag": 1, "state": "standby", "preferred": true }));
    let shown = first.ok("iscsi_get_auth_groups", json!({}));
    assert_eq!(shown, json!([{ "tag": 3, "secrets": [{ "user": "u", "muser": "m" }] }]));
    let saved = first.saved();
    assert!(!saved.to_string().contains("Secret"), "{saved}");
    let calls: Vec<_> = first.iscsi.config().into_iter().chain(first.scsi.config()).collect();
    drop(first);
    let is_startup = |method: &str| method.ends_with("_set_options");
    let early: Vec<(&str, Value)> =
        calls.iter().filter(|call| is_startup(&call.method)).map(|call| (&*call.method, call.params.clone())).collect();
    assert_eq!(early.len(), 2);
    let again = Rig::new(&early);
    for call in calls.iter().filter(|call| !is_startup(&call.method)) {
        again.ok(&call.method, call.params.clone());
    }
    assert_eq!(again.saved(), saved);
    let group = &again.ok("scsi_get_target_nodes", json!({}))[0]["port_groups"][0];
    assert_eq!(group, &json!({ "pg_tag": 1, "state": "standby", "preferred": true }));
    assert_eq!(again.ok("scsi_get_devices", json!({}))[0]["vendor"], "ACME");
}

#[test]
fn groups_listen_while_they_are_there() {
    let rig = Rig::new(&[]);
    let (port, other) = (free_port(), free_port());
    rig.configure(port);
    let late = json!({ "tag": 7, "portals": [{ "host": "127.0.0.1", "port": other }], "wait": true });
    rig.ok("iscsi_create_portal_group", late);
    assert!(TcpStream::connect(("127.0.0.1", other)).is_err(), "it waits");
    rig.ok("iscsi_start_portal_group", json!({ "tag": 7 }));
    TcpStream::connect(("127.0.0.1", other)).expect("it listens");
    rig.ok("iscsi_delete_portal_group", json!({ "tag": 7 }));
    assert!(TcpStream::connect(("127.0.0.1", other)).is_err(), "it is gone");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let portals = json!([{ "host": "127.0.0.1", "port": taken.local_addr().unwrap().port() }]);
    rig.refused("iscsi_create_portal_group", json!({ "tag": 8, "portals": portals }), "cannot listen");
    assert_eq!(rig.ok("iscsi_get_portal_groups", json!({})).as_array().unwrap().len(), 1, "nothing is left of it");
    rig.ok("iscsi_delete_target_node", json!({ "name": "disk1" }));
    rig.ok("iscsi_delete_portal_group", json!({ "tag": 1 }));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_relative_port_identifier_is_the_tag_or_the_lowest_that_is_free() {
    let rig = Rig::new(&[]);
    let group = |tag: u32, relative: Option<u16>| {
        let portals = json!([{ "host": "127.0.0.1", "port": free_port() }]);
        rig.ok("scsi_create_portal_group", json!({ "tag": tag, "portals": portals, "relative_port": relative }));
        rig.ok("scsi_get_portal_groups", json!({ "tag": tag }))[0]["relative_port"].clone()
    };
    assert_eq!([group(5, None), group(6, Some(1)), group(1, None)], [5, 1, 2]);
    rig.ok("scsi_delete_portal_group", json!({ "tag": 1 }));
    assert_eq!(group(1, None), 2, "kept while the process lives");
}

#[test]
fn what_is_wrong_is_told() {
    let rig = Rig::new(&[]);
    rig.configure(free_port());
    let portal = |host: &str| json!({ "tag": 4, "portals": [{ "host": host, "port": "3260" }] });
    rig.refused("iscsi_create_portal_group", portal("example.org"), "is no IP address");
    rig.refused("iscsi_create_portal_group", json!({ "tag": 4, "portals": [] }), "at least one");
    rig.refused(
        "iscsi_create_portal_group",
        json!({ "tag": 70000, "portals": [{ "host": "127.0.0.1" }] }),
        "up to 65535",
    );
    let group = |name: &str, mask: &str| json!({ "tag": 9, "initiators": [name], "netmasks": [mask] });
    rig.refused("iscsi_create_initiator_group", group("nobody", "ANY"), "initiators: 'nobody'");
    rig.refused("iscsi_create_initiator_group", group("ANY", "10.0.0.0/64"), "netmasks: '10.0.0.0/64'");
    rig.refused("iscsi_create_target_node", node(), "already");
    rig.refused("iscsi_target_node_set_auth", json!({ "name": "disk1", "mutual_chap": true }), "needs require_chap");
    rig.refused("iscsi_target_node_set_redirect", json!({ "name": "disk1", "pg_tag": 1 }), "not supported");
    rig.refused("iscsi_target_node_request_logout", json!({ "name": "x" }), "there is no target node");
    rig.refused(
        "iscsi_auth_group_add_secret",
        json!({ "tag": 1, "user": "u", "secret": "s" }),
        "no authentication group 1",
    );
    rig.refused("iscsi_delete_portal_group", json!({ "tag": 1 }), "used by target node");
    rig.refused(
        "scsi_create_portal_group",
        json!({ "tag": 5, "portals": [{ "wwpn": "21000024ff5ba06a" }] }),
        "no transport",
    );
    let bad = json!({ "name": "a b", "pg_ig_maps": [{ "pg_tag": 1, "ig_tag": 2 }], "luns": [] });
    rig.refused("iscsi_create_target_node", bad, "must be an iSCSI name");
    let mapped = json!({ "name": "disk2", "pg_ig_maps": [{ "pg_tag": 1, "ig_tag": 2 }] });
    rig.refused("scsi_create_target_node", mapped, "must be an iSCSI name");
    rig.refused("scsi_set_volume", json!({ "bdev_name": "A", "vendor": "longer than 8" }), "vendor");
    let late = rig.app.methods.call("iscsi_set_options", json!({ "max_sessions": 1 })).unwrap_err();
    assert_eq!(late.code, -1, "only before the start");
}
