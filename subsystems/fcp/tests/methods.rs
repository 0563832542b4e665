//! The methods, on two cores and FC ports that only remember: what is served when, what is shown, and that the saved calls
//! rebuild all of it.

use app::{App, Options, RpcError, State, Subsystem};
use bdev::{Bdev, Channel, Features, Info};
use fc::{
    Arrival, Fc4, Names, Port, PortState, PortStatus, Ports, Queue, Response, Service, SessionId, SessionInfo, Xid,
};
use fcp::FcpFactory;
use reactor::{Clock, Cores, Idle};
use ring::Tick;
use scsi_target::ScsiTarget;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;
use wire::fc::{PortId, Wwn};

const HOMES: usize = 2;

fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_ff00_0000 | n), port: Wwn(0x2100_0024_ff00_0000 | n) }
}

fn wwpn(n: u64) -> String {
    format!("0x{:016x}", names(n).port.0)
}

/// Queues that are there.
type Live = Arc<AtomicUsize>;

struct FakePort {
    names: Names,
    serves: Vec<Fc4>,
    attached: AtomicBool,
    full: AtomicBool,
    live: Live,
    /// Of the first queue: what arrives, and whether its session is wanted gone.
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    wakers: Mutex<Vec<Arc<dyn Fn() + Send + Sync>>>,
}

impl FakePort {
    fn new(n: u64, serves: &[Fc4]) -> Arc<Self> {
        Arc::new(Self {
            names: names(n),
            serves: serves.to_vec(),
            attached: AtomicBool::new(false),
            full: AtomicBool::new(false),
            live: Live::default(),
            arrivals: Arc::default(),
            wakers: Mutex::default(),
        })
    }

    fn bring(&self, arrival: Arrival) {
        self.arrivals.lock().unwrap().push(arrival);
        self.wakers.lock().unwrap().iter().for_each(|wake| wake());
    }

    fn log_in(&self, n: u64) {
        self.bring(Arrival::SessionUp(SessionInfo {
            id: SessionId(n as u32),
            fc4: Fc4::Fcp,
            local: self.names,
            local_id: PortId(1),
            peer: names(0x1000 | n),
            peer_id: PortId(2),
            parameters: 0,
        }));
    }
}

impl Port for FakePort {
    fn names(&self) -> Names {
        self.names
    }
    fn driver(&self) -> &'static str {
        "fake"
    }
    fn parent(&self) -> Option<Wwn> {
        None
    }
    fn serves(&self) -> &[Fc4] {
        &self.serves
    }
    fn status(&self) -> PortStatus {
        PortStatus {
            state: PortState::Online,
            reason: None,
            port_id: 1,
            topology: None,
            fabric: None,
            link: String::new(),
            max_payload: 2048,
            sessions: Vec::new(),
            counters: Vec::new(),
        }
    }
    fn attach(
        &self,
        service: Service,
        wakers: Vec<Arc<dyn Fn() + Send + Sync>>,
    ) -> Result<Vec<Box<dyn Queue>>, String> {
        assert_eq!(service.fc4, Fc4::Fcp);
        if self.full.load(SeqCst) {
            return Err("there is no memory".into());
        }
        assert!(!self.attached.swap(true, SeqCst), "attached once");
        let lanes = wakers.len();
        *self.wakers.lock().unwrap() = wakers;
        let queue = |n: usize| {
            self.live.fetch_add(1, SeqCst);
            let arrivals = if n == 0 { self.arrivals.clone() } else { Arc::default() };
            Box::new(FakeQueue { live: self.live.clone(), arrivals }) as Box<dyn Queue>
        };
        Ok((0..lanes).map(queue).collect())
    }
    fn detach(&self, fc4: Fc4) {
        assert!(fc4 == Fc4::Fcp && self.attached.swap(false, SeqCst), "detached once");
        for session in 0..16 {
            self.bring(Arrival::SessionDown { session: SessionId(session) });
        }
    }
    fn set_up(&self, _up: bool) {}
}

struct FakeQueue {
    live: Live,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Drop for FakeQueue {
    fn drop(&mut self) {
        self.live.fetch_sub(1, SeqCst);
    }
}

impl Queue for FakeQueue {
    fn next(&mut self, _now: Tick) -> Option<Arrival> {
        let mut arrivals = self.arrivals.lock().unwrap();
        (!arrivals.is_empty()).then(|| arrivals.remove(0))
    }
    fn receive(&mut self, _: Xid, _: u32, _: dma::Data) {}
    fn transmit(&mut self, _: Xid, _: u32, _: dma::Data, _: Option<Response>) {}
    fn respond(&mut self, _: Xid, _: Response) {}
    fn terminate(&mut self, _: Xid) {}
    fn cancel(&mut self, _: Xid) {}
    fn answer(&mut self, _: Xid, _: Box<[u8]>) {}
    fn request(&mut self, _: SessionId, _: Box<[u8]>) {}
    fn logout(&mut self, session: SessionId) {
        self.arrivals.lock().unwrap().push(Arrival::SessionDown { session });
    }
    fn flush(&mut self) {}
    fn places(&self) -> usize {
        16
    }
    fn is_pending(&self) -> bool {
        !self.arrivals.lock().unwrap().is_empty()
    }
}

/// A disk that is opened and not used.
struct Disk(String);

impl Bdev for Disk {
    fn info(&self) -> Info {
        Info {
            name: self.0.clone(),
            product: "Test disk",
            uuid: Uuid::new_v5(&Uuid::NAMESPACE_OID, self.0.as_bytes()),
            block_size: 512,
            physical_block_size: 512,
            blocks: 1024,
            features: Features {
                write: true,
                unmap: false,
                unmap_zeroes: false,
                write_zeroes: false,
                volatile_cache: false,
            },
        }
    }
    fn channel(&self, _: u32) -> Result<Box<dyn Channel>, String> {
        if self.0 == "Broken" { Err("it is broken".into()) } else { Ok(Box::new(Idle_)) }
    }
    fn driver_specific(&self) -> Value {
        Value::Null
    }
}

struct Idle_;

impl Channel for Idle_ {
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
    app: App,
    ports: Arc<Ports>,
    cores: Option<Cores>,
}

impl Rig {
    fn new() -> Self {
        let ports = Arc::new(Ports::default());
        let scsi = Arc::new(ScsiTarget::new(vec![Arc::new(FcpFactory::new(ports.clone()))]));
        let options = reactor::Options {
            idle: Idle::Adaptive { spin: Duration::ZERO },
            clock: Clock::real(),
            ..reactor::Options::default()
        };
        let cores = Cores::start(&[0, 1], &options, |core, why| panic!("core {core}: {why}")).unwrap();
        let arena = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = dma::Arena::new(arena).unwrap();
        let subsystems: Arc<[Arc<dyn Subsystem>]> = Arc::new([scsi.clone() as Arc<dyn Subsystem>]);
        let app = app::assemble(
            Options { cores: vec![0, 1], ..Options::default() },
            arena,
            cores.handles().into(),
            subsystems,
        );
        let app = app.unwrap();
        for name in ["A", "B", "C", "Broken"] {
            app.bdevs.add(Arc::new(Disk(name.into()))).unwrap();
        }
        scsi.start(&app).unwrap();
        app.methods.enter(State::Runtime);
        Self { scsi, app, ports, cores: Some(cores) }
    }

    fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.app.methods.call(method, params)
    }

    #[track_caller]
    fn ok(&self, method: &str, params: Value) -> Value {
        self.call(method, params.clone()).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    #[track_caller]
    fn refused(&self, method: &str, params: Value, part: &str) {
        let error = self.call(method, params.clone()).expect_err(method);
        assert_eq!((error.code, error.message.as_str()), (-32602, "Invalid parameters"), "{error}");
        assert!(error.to_string().contains(part), "{method} {params}: {error}");
    }

    /// Groups 1 of port 1 and of all initiators, and node `disk1`.
    fn configure(&self) {
        self.ok("scsi_set_serial", json!({ "bdev_name": "A", "serial_number": "ONE" }));
        let portals = json!([{ "label": "FC1", "wwpn": wwpn(1) }, { "wwpn": wwpn(2), "relative_port": 9 }]);
        self.ok("scsi_create_portal_group", json!({ "tag": 1, "portals": portals, "comment": "both" }));
        self.ok(
            "scsi_create_initiator_group",
            json!({ "tag": 4, "initiators": [format!("!{}", wwpn(0x1003)), "all"] }),
        );
        let luns = json!([{ "lun_id": 0, "bdev_name": "A" }, { "lun_id": 7, "bdev_name": "B" }]);
        let maps = json!([{ "pg_tag": 1, "ig_tag": 4 }]);
        let node = json!({ "name": "disk1", "alias_name": "Data Disk1", "luns": luns, "pg_ig_maps": maps });
        self.ok("scsi_create_target_node", node);
    }

    fn saved(&self) -> Value {
        serde_json::to_value(self.scsi.config()).unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.scsi.stop();
        let died = self.cores.take().map(Cores::stop).unwrap_or_default();
        assert!(died.is_empty() || std::thread::panicking(), "{died:?}");
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_is_saved_rebuilds_it() {
    let first = Rig::new();
    assert_eq!(first.saved(), json!([]));
    first.configure();
    first.ok("scsi_target_node_set_queue_depth", json!({ "name": "disk1", "queue_depth": 16 }));
    let saved = first.saved();
    let methods: Vec<&str> = saved.as_array().unwrap().iter().map(|call| call["method"].as_str().unwrap()).collect();
    let wanted =
        ["scsi_set_serial", "scsi_create_portal_group", "scsi_create_initiator_group", "scsi_create_target_node"];
    assert_eq!(methods, wanted);
    let again = Rig::new();
    for call in first.scsi.config() {
        again.ok(&call.method, call.params);
    }
    assert_eq!(again.saved(), saved);
    let shown = |rig: &Rig| ["scsi_get_target_nodes", "scsi_get_portal_groups"].map(|method| rig.ok(method, json!({})));
    assert_eq!(shown(&again), shown(&first));
    let needs = first.scsi.memory(2, &first.scsi.config());
    assert_eq!((needs.len(), needs[0].bytes), (1, 2 * fcp::memory()));
    assert!(first.scsi.memory(2, &[]).is_empty());
}

#[test]
fn ports_are_served_while_a_group_names_them() {
    let rig = Rig::new();
    let [early, late, other, nvme] =
        [(1, Fc4::Fcp), (2, Fc4::Fcp), (3, Fc4::Fcp), (4, Fc4::Nvme)].map(|(n, fc4)| FakePort::new(n, &[fc4]));
    let served = |port: &FakePort| port.attached.load(SeqCst);
    for port in [&early, &other, &nvme] {
        rig.ports.add(port.clone()).unwrap();
    }
    rig.configure();
    assert!(served(&early) && !served(&other), "those that are named, as they come");
    rig.ports.add(late.clone()).unwrap();
    assert!(served(&late));
    let shown = rig.ok("scsi_get_portal_groups", json!({ "tag": 1 }));
    assert_eq!(shown[0]["portals"][1]["relative_port"], 9);
    assert_eq!((&shown[0]["portals"][0]["state"], &shown[0]["comment"]), (&json!("online"), &json!("both")));
    until("lanes", || early.live.load(SeqCst) == HOMES);
    rig.ok("scsi_portal_group_add_portals", json!({ "tag": 1, "portals": [{ "wwpn": wwpn(3) }, { "wwpn": wwpn(4) }] }));
    assert!(served(&other) && !served(&nvme), "one that does not serve FCP is left alone");
    rig.ok("scsi_portal_group_remove_portals", json!({ "tag": 1, "wwpns": [wwpn(3)] }));
    assert_eq!((served(&other), other.live.load(SeqCst)), (false, 0), "its lanes are given back before the answer");
    rig.ports.remove(names(1).port).unwrap();
    assert_eq!((served(&early), early.live.load(SeqCst)), (false, 0));
    // One that cannot be served undoes the change.
    other.full.store(true, SeqCst);
    rig.refused("scsi_portal_group_add_portals", json!({ "tag": 1, "portals": [{ "wwpn": wwpn(3) }] }), "no memory");
    assert_eq!(rig.ok("scsi_get_portal_groups", json!({}))[0]["portals"].as_array().unwrap().len(), 3);
    rig.scsi.stop();
    assert_eq!((served(&late), late.live.load(SeqCst)), (false, 0));
}

#[test]
fn sessions_are_shown_with_what_they_see() {
    let rig = Rig::new();
    let port = FakePort::new(1, &[Fc4::Fcp, Fc4::Nvme]);
    rig.ports.add(port.clone()).unwrap();
    rig.configure();
    port.log_in(2);
    port.log_in(3);
    let sessions = || rig.ok("scsi_get_sessions", json!({})).as_array().unwrap().clone();
    until("two sessions", || sessions().len() == 2);
    let (seen, masked) = (sessions()[0].clone(), sessions()[1].clone());
    assert_eq!(seen["initiator"], names(0x1002).to_string());
    assert_eq!((&seen["target"], &seen["relative_port"]), (&json!(names(1).to_string()), &json!(1)));
    assert_eq!((&seen["target_node"], &seen["luns"], &seen["ig_tag"]), (&json!("disk1"), &json!(2), &json!(4)));
    assert_eq!((&masked["target_node"], &masked["luns"]), (&Value::Null, &json!(0)), "kept out by its line");
    rig.ok("scsi_initiator_group_remove_initiators", json!({ "tag": 4, "initiators": [format!("!{}", wwpn(0x1003))] }));
    assert_eq!(sessions()[1]["luns"], 2, "the mask is live");
    rig.ok("scsi_target_node_add_lun", json!({ "name": "disk1", "bdev_name": "C" }));
    assert_eq!(sessions()[0]["luns"], 3);
    rig.ok("scsi_delete_target_node", json!({ "name": "disk1" }));
    assert_eq!(sessions()[0]["target_node"], Value::Null);
}

#[test]
fn devices_are_shown_with_their_identity() {
    let rig = Rig::new();
    rig.configure();
    let shown = rig.ok("scsi_get_devices", json!({}));
    let uuid = rig.app.bdevs.get("A").unwrap().info().uuid;
    assert_eq!((&shown[0]["device_name"], &shown[0]["serial_number"]), (&json!("A"), &json!("ONE")));
    assert_eq!((&shown[0]["uuid"], &shown[0]["num_blocks"]), (&json!(uuid.to_string()), &json!(1024)));
    let eui: String = bdev::identity::eui64(uuid).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown[0]["eui64"], eui, "the one that NVMe hosts see");
    assert_eq!(shown[1]["luns"], json!([{ "target_node": "disk1", "lun_id": 7 }]));
}

#[test]
fn what_is_wrong_is_told() {
    let rig = Rig::new();
    rig.configure();
    rig.refused("scsi_create_portal_group", json!({ "tag": 1, "portals": [] }), "portal group 1 already");
    rig.refused("scsi_create_portal_group", json!({ "tag": 0, "portals": [] }), "from 1 on");
    rig.refused("scsi_create_portal_group", json!({ "tag": 2, "portals": [{ "wwpn": "10.0.0.1" }] }), "not a WWPN");
    rig.refused("scsi_create_portal_group", json!({ "tag": 2, "portals": [{ "wwpn": "ALL" }] }), "not a WWPN");
    rig.refused("scsi_create_initiator_group", json!({ "tag": 5, "initiators": ["iqn."] }), "'iqn.' is not ALL");
    rig.refused("scsi_create_target_node", json!({ "name": "d", "x": 1 }), "unknown field");
    rig.refused("scsi_create_target_node", json!({ "name": "disk1" }), "already");
    rig.refused("scsi_target_node_add_lun", json!({ "name": "disk1", "bdev_name": "Z" }), "no block device 'Z'");
    rig.refused("scsi_target_node_add_lun", json!({ "name": "disk1", "bdev_name": "Broken" }), "it is broken");
    rig.refused("scsi_target_node_remove_lun", json!({ "name": "disk1", "lun_id": 3 }), "no LUN 3");
    rig.refused("scsi_delete_portal_group", json!({ "tag": 1 }), "used by target node disk1");
    rig.refused("scsi_delete_initiator_group", json!({ "tag": 9 }), "no initiator group 9");
    rig.refused("scsi_get_target_nodes", json!({ "name": "x" }), "no target node 'x'");
    rig.refused("scsi_get_portal_groups", json!({ "tag": 7 }), "no portal group 7");
    rig.refused("scsi_set_serial", json!({ "bdev_name": "A", "serial_number": "" }), "serial_number");
    assert_eq!(rig.app.bdevs.claimed_by("Broken"), None);
}

#[test]
fn a_removed_volume_leaves_its_node() {
    let rig = Rig::new();
    rig.configure();
    rig.app.bdevs.remove("A").unwrap();
    let shown = rig.ok("scsi_get_target_nodes", json!({}));
    assert_eq!(shown[0]["luns"], json!([{ "lun_id": 7, "bdev_name": "B" }]));
}
