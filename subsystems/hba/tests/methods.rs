//! The methods, with a switch in a thread of its own.

use app::{App, Options, State, Subsystem, assemble};
use fabric::{Config, Switch};
use fc::{Frames, Link, LinkMaker, Names, Ports, RingLink, Wake, ring_links};
use hba::Hba;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wire::fc::Wwn;

/// Makes links to the switch: sends it their other ends.
#[derive(Clone)]
struct ToSwitch(Arc<Mutex<Sender<RingLink>>>);

impl LinkMaker for ToSwitch {
    fn scheme(&self) -> &'static str {
        "fabric"
    }
    fn make(&self, to: &str, _names: Names, wake: Wake) -> Result<Box<dyn Link>, String> {
        if !to.is_empty() {
            return Err(format!("there is no fabric {to}"));
        }
        let [near, far] = ring_links(64, [wake, Arc::new(|| {})]);
        self.0.lock().unwrap().send(far).map_err(|_| "the switch is gone".to_owned())?;
        Ok(Box::new(near))
    }
}

fn switch(frames: Frames, links: Receiver<RingLink>, end: Arc<AtomicBool>) {
    let config = Config { name: "test".to_owned(), wwn: Wwn(0x1000_0024_0000_0001), domain: 1 };
    let (mut switch, start) = (Switch::new(config, frames), Instant::now());
    while !end.load(Relaxed) {
        while let Ok(link) = links.try_recv() {
            switch.attach(Box::new(link)).unwrap();
        }
        if switch.poll(start.elapsed().as_nanos() as u64) == 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

struct Target {
    maker: ToSwitch,
    frames: Frames,
    app: App,
    hba: Arc<Hba>,
    ports: Arc<Ports>,
    cores: Option<reactor::Cores>,
    switch: Option<(std::thread::JoinHandle<()>, Arc<AtomicBool>)>,
}

impl Target {
    fn new() -> Self {
        let (frames, end) = (Frames::new(4096), Arc::new(AtomicBool::new(false)));
        let (links, taken) = channel();
        let mut target = Self::with(ToSwitch(Arc::new(Mutex::new(links))), frames.clone());
        let told = end.clone();
        target.switch = Some((std::thread::spawn(move || switch(frames, taken, told)), end));
        target
    }

    /// Another one on the switch of this one.
    fn beside(&self) -> Self {
        Self::with(self.maker.clone(), self.frames.clone())
    }

    fn with(maker: ToSwitch, frames: Frames) -> Self {
        let ports = Arc::new(Ports::default());
        let makers: Vec<Arc<dyn LinkMaker>> = vec![Arc::new(maker.clone())];
        let hba = Arc::new(Hba::new(ports.clone(), makers, frames.clone()));
        let cores = reactor::Cores::start(&[0], &reactor::Options::default(), |_, _| {}).unwrap();
        let memory = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let subsystems: Vec<Arc<dyn Subsystem>> = vec![hba.clone()];
        let arena = dma::Arena::new(memory).unwrap();
        let app = assemble(Options::default(), arena, cores.handles().into(), subsystems.into()).unwrap();
        hba.start(&app).unwrap();
        app.methods.enter(State::Runtime);
        Self { maker, frames, app, hba, ports, cores: Some(cores), switch: None }
    }

    fn call(&self, method: &str, params: Value) -> Value {
        self.app.methods.call(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn error(&self, method: &str, params: Value) -> (i64, String) {
        let error = self.app.methods.call(method, params).unwrap_err();
        let data = error.data.map(|data| data.as_str().unwrap_or_default().to_owned());
        (error.code, data.unwrap_or_default())
    }

    fn port(&self, name: &str) -> Value {
        self.call("fc_get_ports", json!({ "name": name }))[0].clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.hba.stop();
        assert!(self.ports.list().is_empty(), "stop takes all ports away");
        if let Some((thread, end)) = self.switch.take() {
            end.store(true, Relaxed);
            thread.join().unwrap();
        }
        assert!(self.cores.take().unwrap().stop().is_empty());
    }
}

const WWPN: &str = "0x2100002400000001";

#[test]
fn a_port_comes_up_goes_down_and_goes() {
    let target = Target::new();
    let made = target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    assert_eq!(made, WWPN);
    let port = target.port("a");
    assert_eq!((port["state"].as_str(), port["topology"].as_str()), (Some("online"), Some("fabric")), "{port}");
    assert_eq!(port["wwnn"], "0x2000002400000001");
    assert!(port["counters"]["frames_in"].as_u64().unwrap() > 0);
    target.call("fc_port_set_state", json!({ "wwpn": WWPN, "up": false }));
    assert_eq!(target.port(WWPN)["state"], "disabled");
    target.call("fc_port_set_state", json!({ "wwpn": "a", "up": true }));
    let end = Instant::now() + Duration::from_secs(5);
    while target.port("a")["state"] != "online" {
        assert!(Instant::now() < end, "{}", target.port("a"));
    }
    target.call("fc_port_delete", json!({ "name": "a" }));
    assert_eq!(target.call("fc_get_ports", json!({})), json!([]));
    assert_eq!(target.error("fc_port_delete", json!({ "name": "a" })).0, -19);
}

#[test]
fn names_in_use_are_refused_with_the_place() {
    let target = Target::new();
    target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    let (code, reason) = target.error("fc_port_create", json!({ "name": "b", "wwpn": WWPN, "link": "fabric" }));
    assert_eq!(code, -17);
    assert!(reason.contains("in use by the soft port nn-0x2000002400000001:pn-0x2100002400000001"), "{reason}");
    let (code, _) = target.error("fc_port_create", json!({ "name": "a", "link": "fabric" }));
    assert_eq!(code, -17);
    // Another process of the same fabric: only the fabric knows.
    let other = target.beside();
    let (code, reason) = other.error("fc_port_create", json!({ "wwpn": WWPN, "link": "fabric" }));
    assert_eq!(code, -17, "{reason}");
    assert!(reason.contains("fabric: port name 0x2100002400000001 is in use"), "{reason}");
    assert!(other.ports.list().is_empty());
}

#[test]
fn virtual_ports_come_and_go_with_their_parent() {
    let target = Target::new();
    target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    let made = target.call("fc_vport_create", json!({ "parent": "a" }));
    let port = target.port(made.as_str().unwrap());
    assert_eq!((port["state"].as_str(), port["parent"].as_str()), (Some("online"), Some(WWPN)), "{port}");
    assert_ne!(port["port_id"], target.port("a")["port_id"]);
    let again = target.call("fc_vport_create", json!({ "parent": WWPN, "wwpn": "0x2100002400000002" }));
    assert_eq!(target.call("fc_get_ports", json!({})).as_array().unwrap().len(), 3);
    target.call("fc_vport_delete", json!({ "wwpn": made }));
    assert_eq!(target.error("fc_vport_delete", json!({ "wwpn": made })).0, -19);
    target.call("fc_port_set_state", json!({ "wwpn": again, "up": false }));
    let methods: Vec<String> = target.hba.config().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["fc_set_options", "fc_port_create", "fc_vport_create", "fc_port_set_state"]);
    target.call("fc_port_delete", json!({ "wwpn": WWPN }));
    assert!(target.ports.list().is_empty());
}

#[test]
fn the_configuration_makes_the_same_ports_again() {
    let target = Target::new();
    target.call("fc_set_options", json!({ "transport": "FCP" }));
    target.call("fc_port_create", json!({ "name": "a", "link": "fabric", "core": 0 }));
    target.call("fc_port_create", json!({ "name": "b", "link": "fabric", "transport": "NVME" }));
    let saved = target.hba.config();
    assert_eq!(target.port("a")["transport"], json!(["fcp"]));
    assert_eq!(target.port("b")["transport"], json!(["nvme"]));
    let again = Target::new();
    for call in &saved {
        again.call(&call.method, call.params.clone());
    }
    assert_eq!(again.hba.config(), saved);
}

#[test]
fn sessions_and_counters_of_ports_and_a_reset() {
    let target = Target::new();
    target.call("fc_port_create", json!({ "name": "a", "wwpn": WWPN, "link": "fabric" }));
    target.call("fc_port_create", json!({ "name": "b", "link": "fabric" }));
    assert_eq!(target.call("fc_get_sessions", json!({})), json!([]), "nobody serves, so nobody logs in");
    let stats = target.call("fc_get_stats", json!({ "name": "a" }));
    assert_eq!(
        (stats.as_array().unwrap().len(), &stats[0]["state"], &stats[0]["sessions"]),
        (1, &json!("online"), &json!(0))
    );
    assert_eq!(target.call("fc_get_stats", json!({})).as_array().unwrap().len(), 2);
    let ups = |stats: &Value| stats[0]["counters"]["frames_out"].as_u64().unwrap();
    target.call("fc_port_reset", json!({ "name": "a" }));
    let end = Instant::now() + Duration::from_secs(5);
    while target.port("a")["state"] != "online" {
        assert!(Instant::now() < end, "{}", target.port("a"));
    }
    assert!(ups(&target.call("fc_get_stats", json!({ "name": "a" }))) > ups(&stats), "it logged in anew");
    assert_eq!(target.error("fc_port_reset", json!({ "name": "c" })).0, -19);
    assert_eq!(target.error("fc_get_stats", json!({ "name": "c" })).0, -19);
    assert_eq!(target.error("fc_port_reset", json!({})).0, -22);
}

#[test]
fn bad_parameters_are_named() {
    let target = Target::new();
    let cases = [
        (json!({ "link": "fcoe:eth0" }), "no links of the kind 'fcoe'"),
        (json!({ "link": "fabric:other" }), "there is no fabric other"),
        (json!({ "link": "fabric", "wwpn": "12" }), "wwpn: '12'"),
        (json!({ "link": "fabric", "wwpn": WWPN, "wwnn": "x" }), "wwnn: 'x'"),
        (json!({ "link": "fabric", "core": 4711 }), "core: 4711"),
    ];
    for (params, expected) in cases {
        let (code, reason) = target.error("fc_port_create", params.clone());
        assert_eq!(code, -22, "{params}");
        assert!(reason.contains(expected), "{params}: {reason}");
    }
    assert_eq!(target.error("fc_port_create", json!({ "link": "fabric", "transport": "IP" })).0, -32602);
    assert_eq!(target.error("fc_vport_create", json!({ "parent": "nobody" })).0, -19);
    assert_eq!(target.error("fc_port_delete", json!({})).0, -22);
    assert!(target.ports.list().is_empty());
}
