//! Random changes: the model is what a plain list of facts says, the cores have the very copies of the model, and the
//! saved configuration rebuilds it.

mod fake;

use app::Subsystem;
use fake::{Rig, listener};
use nvmf::Limits;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default, Debug, PartialEq)]
struct Facts {
    hosts: Vec<String>,
    any: bool,
    namespaces: BTreeMap<u32, String>,
    ports: BTreeSet<String>,
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

struct Play {
    rig: Rig,
    dice: Dice,
    facts: BTreeMap<String, Facts>,
    done: u32,
}

impl Play {
    fn turn(&mut self) {
        let nqn = format!("nqn.2016-06.io.spdk:cnode{}", self.dice.roll(4));
        let known = self.facts.contains_key(&nqn);
        match self.dice.roll(10) {
            0 | 1 => self.create(&nqn, known),
            9 if self.dice.roll(4) == 0 => self.delete(&nqn, known),
            2 | 3 => self.add_ns(&nqn),
            4 => self.remove_ns(&nqn),
            5 => self.host(&nqn),
            6 => self.remove_device(),
            7 | 8 => self.add_listener(&nqn),
            _ => self.remove_listener(&nqn),
        }
    }

    fn create(&mut self, nqn: &str, known: bool) {
        let any = self.dice.roll(2) == 0;
        let made =
            self.rig.call("nvmf_create_subsystem", json!({ "nqn": nqn, "allow_any_host": any, "max_namespaces": 4 }));
        assert_eq!(made.is_ok(), !known);
        if made.is_ok() {
            self.facts.insert(nqn.into(), Facts { any, ..Facts::default() });
        }
    }

    fn delete(&mut self, nqn: &str, known: bool) {
        assert_eq!(self.rig.call("nvmf_delete_subsystem", json!({ "nqn": nqn })).is_ok(), known);
        self.facts.remove(nqn);
    }

    fn add_ns(&mut self, nqn: &str) {
        let name = format!("Malloc{}", self.dice.roll(8));
        let wanted = self.dice.roll(6) as u32;
        let used = self.facts.values().any(|facts| facts.namespaces.values().any(|used| *used == name));
        let expected = self.facts.get(nqn).filter(|_| !used).and_then(|facts| {
            let free = |nsid: &u32| !facts.namespaces.contains_key(nsid) && *nsid <= 4;
            if wanted == 0 { (1..=4).find(free) } else { Some(wanted).filter(free) }
        });
        let namespace = json!({ "bdev_name": name, "nsid": wanted });
        let result = self.rig.call("nvmf_subsystem_add_ns", json!({ "nqn": nqn, "namespace": namespace }));
        assert_eq!(result.ok(), expected.map(Value::from), "{nqn} {name} {wanted}");
        if let Some(nsid) = expected {
            self.done += 1;
            self.facts.get_mut(nqn).unwrap().namespaces.insert(nsid, name);
        }
    }

    fn remove_ns(&mut self, nqn: &str) {
        let nsid = 1 + self.dice.roll(4) as u32;
        let had = self.facts.get_mut(nqn).and_then(|facts| facts.namespaces.remove(&nsid)).is_some();
        assert_eq!(self.rig.call("nvmf_subsystem_remove_ns", json!({ "nqn": nqn, "nsid": nsid })).is_ok(), had);
    }

    fn host(&mut self, nqn: &str) {
        let host = format!("nqn.2014-08.org.host:h{}", self.dice.roll(3));
        let add = self.dice.roll(2) == 0;
        let facts = self.facts.get_mut(nqn);
        let had = facts.as_ref().is_some_and(|facts| facts.hosts.contains(&host));
        let good = facts.is_some() && had != add;
        let method = if add { "nvmf_subsystem_add_host" } else { "nvmf_subsystem_remove_host" };
        assert_eq!(self.rig.call(method, json!({ "nqn": nqn, "host": host })).is_ok(), good);
        match facts {
            Some(facts) if good && add => facts.hosts.push(host),
            Some(facts) if good => facts.hosts.retain(|known| *known != host),
            _ => {}
        }
    }

    /// A volume goes, whoever uses it, and comes back as new.
    fn remove_device(&mut self) {
        let name = format!("Malloc{}", self.dice.roll(8));
        self.rig.app.bdevs.remove(&name).unwrap();
        self.rig.app.bdevs.add(fake::device(&name)).unwrap();
        self.facts.values_mut().for_each(|facts| facts.namespaces.retain(|_, used| *used != name));
    }

    fn add_listener(&mut self, nqn: &str) {
        let port = (4420 + self.dice.roll(3)).to_string();
        let good = self.facts.get_mut(nqn).is_some_and(|facts| facts.ports.insert(port.clone()));
        assert_eq!(self.rig.call("nvmf_subsystem_add_listener", listener(nqn, &port)).is_ok(), good);
        self.done += u32::from(good);
    }

    fn remove_listener(&mut self, nqn: &str) {
        let port = (4420 + self.dice.roll(3)).to_string();
        let good = self.facts.get_mut(nqn).is_some_and(|facts| facts.ports.remove(&port));
        assert_eq!(self.rig.call("nvmf_subsystem_remove_listener", listener(nqn, &port)).is_ok(), good);
    }

    fn check(&self) {
        self.rig.assert_published();
        assert_eq!(facts(&self.rig), self.facts);
        let ports: BTreeSet<&String> = self.facts.values().flat_map(|facts| &facts.ports).collect();
        let listened = self.rig.nvmf.target().listeners();
        assert_eq!(listened.iter().map(|listener| &listener.trsvcid).collect::<BTreeSet<_>>(), ports);
        assert_eq!(listened.len(), ports.len());
        for n in 0..8 {
            let name = format!("Malloc{n}");
            let used = self.facts.values().any(|facts| facts.namespaces.values().any(|used| *used == name));
            assert_eq!(self.rig.app.bdevs.claimed_by(&name).is_some(), used, "{name}");
        }
    }
}

fn facts(rig: &Rig) -> BTreeMap<String, Facts> {
    let all = rig.nvmf.target().subsystems();
    let one = |shown: &nvmf::Shown| {
        let view = &shown.view;
        Facts {
            hosts: view.hosts.clone(),
            any: view.allow_any_host,
            namespaces: view.namespaces.iter().map(|ns| (ns.nsid, ns.info.name.clone())).collect(),
            ports: view.listeners.iter().map(|listener| listener.trsvcid.clone()).collect(),
        }
    };
    all.iter().filter(|shown| !shown.view.discovery).map(|shown| (shown.view.nqn.clone(), one(shown))).collect()
}

/// What `nvmf_get_subsystems` says. The order of places is that in which they came to be listened at, which differs.
fn shown(rig: &Rig) -> Value {
    let mut all = rig.ok("nvmf_get_subsystems", Value::Null);
    for subsystem in all.as_array_mut().unwrap() {
        subsystem["listen_addresses"].as_array_mut().unwrap().sort_by_key(|address| address["trsvcid"].to_string());
    }
    all
}

/// Saving, starting anew from that and saving again gives the same.
fn check_replay(rig: &Rig) {
    let saved = rig.nvmf.config();
    let again = Rig::with(Limits::default(), &saved[..1]);
    for call in &saved[1..] {
        again.ok(&call.method, call.params.clone());
    }
    assert_eq!(again.nvmf.config(), saved);
    assert_eq!(shown(&again), shown(rig));
}

#[test]
fn model_cores_and_facts_agree_after_every_change() {
    let mut done = 0;
    for seed in 0..20 {
        let rig = Rig::new();
        rig.ok("nvmf_create_transport", json!({ "trtype": "TCP" }));
        let mut play = Play { rig, dice: Dice(seed), facts: BTreeMap::new(), done: 0 };
        for _ in 0..60 {
            play.turn();
            play.check();
        }
        done += play.done;
        check_replay(&play.rig);
    }
    assert!(done > 200, "the dice did next to nothing: {done}");
}

#[test]
fn everything_is_saved_in_an_order_that_works() {
    let rig = Rig::new();
    let other = "nqn.2016-06.io.spdk:cnode2";
    rig.ok(
        "nvmf_create_transport",
        json!({ "trtype": "TCP", "max_io_size": 65536, "in_capsule_data_size": 8192,
        "c2h_success": false, "max_queue_depth": 64, "sock_priority": 3, "abort_timeout_sec": 5, "ack_timeout": 7,
        "kas": 50, "min_kato": 15000, "acceptor_backlog": 9, "max_aq_depth": 64, "control_msg_num": 8 }),
    );
    rig.ok(
        "nvmf_discovery_add_referral",
        json!({ "address": { "trtype": "tcp", "traddr": "::1", "trsvcid": "8009" } }),
    );
    rig.ok(
        "nvmf_create_subsystem",
        json!({ "nqn": fake::NQN, "serial_number": "S", "model_number": "M", "max_namespaces": 7,
        "min_cntlid": 3, "max_cntlid": 9 }),
    );
    rig.ok("nvmf_create_subsystem", json!({ "nqn": other, "any_listener": true }));
    rig.ok("nvmf_subsystem_add_listener", listener(fake::NQN, "4420"));
    rig.ok("nvmf_subsystem_add_listener", listener("nqn.2014-08.org.nvmexpress.discovery", "8009"));
    rig.ok(
        "nvmf_subsystem_add_ns",
        json!({ "nqn": fake::NQN, "namespace": { "bdev_name": "Malloc3", "nsid": 6,
        "eui64": "0000000000000000", "nguid": "00112233445566778899AABBCCDDEEFF" } }),
    );
    rig.ok("nvmf_subsystem_add_ns", json!({ "nqn": other, "namespace": { "bdev_name": "Malloc4" } }));
    rig.ok("nvmf_subsystem_add_host", json!({ "nqn": fake::NQN, "host": fake::HOST }));
    let methods: Vec<String> = rig.nvmf.config().into_iter().map(|call| call.method).collect();
    let expected = [
        "nvmf_set_max_subsystems",
        "nvmf_create_transport",
        "nvmf_discovery_add_referral",
        "nvmf_create_subsystem",
        "nvmf_create_subsystem",
        "nvmf_subsystem_add_host",
        "nvmf_subsystem_add_ns",
        "nvmf_subsystem_add_ns",
        "nvmf_subsystem_add_listener",
        "nvmf_subsystem_add_listener",
    ];
    assert_eq!(methods, expected);
    check_replay(&rig);
}
