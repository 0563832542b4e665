//! Nodes of `fc` on a switch: logins, the name server, RSCN and commands as the N_Port logic does them.

use fabric::{Action, Config as SwitchConfig, Match, Rule, Switch};
use fc::fc2::Direction;
use fc::{
    Arrival, Config, Fc4, Frames, Names, Node, NodeEvent, Peer, PortKey, Queue, Response, RingLink, Service, Wake,
    ring_links,
};
use fc::{FcpResponse, Port, PortState, Residual, SENSE_BYTES, SoftPort};
use std::sync::Arc;
use wire::fc::{PortId, Wwn};

const MS: u64 = 1_000_000;

fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_0000_0000 | n), port: Wwn(0x2100_0024_0000_0000 | n) }
}

struct San {
    switch: Switch,
    frames: Frames,
    now: u64,
    stations: Vec<Station>,
}

struct Station {
    node: Node<RingLink>,
    port: Arc<SoftPort>,
    queues: Vec<Box<dyn Queue>>,
    events: Vec<NodeEvent>,
    commands: usize,
}

impl San {
    fn new() -> Self {
        let frames = Frames::new(4096);
        let config = SwitchConfig { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
        Self { switch: Switch::new(config, frames.clone()), frames, now: 1, stations: Vec::new() }
    }

    fn add(&mut self, make: impl FnOnce(Frames) -> Config) -> usize {
        let nobody: Wake = Arc::new(|| {});
        let [near, far] = ring_links(64, [nobody.clone(), nobody.clone()]);
        self.switch.attach(Box::new(far)).unwrap();
        let (node, port) = Node::new(make(self.frames.clone()), near, nobody);
        self.stations.push(Station { node, port, queues: Vec::new(), events: Vec::new(), commands: 0 });
        self.stations.len() - 1
    }

    fn target(&mut self, n: u64) -> usize {
        let at = self.add(|frames| Config::new(names(n), frames));
        let service = Service { fc4: Fc4::Fcp, discovery: false };
        self.stations[at].queues = self.stations[at].port.attach(service, vec![Arc::new(|| {})]).unwrap();
        at
    }

    fn initiator(&mut self, n: u64) -> usize {
        self.add(|frames| Config::initiator(names(n), frames))
    }

    /// Lets time pass in steps of a millisecond.
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += MS;
            for _ in 0..4 {
                self.switch.poll(self.now);
                let now = self.now;
                self.stations.iter_mut().for_each(|station| station.turn(now));
            }
        }
    }

    fn state(&self, at: usize) -> PortState {
        self.stations[at].port.status().state
    }
}

impl Station {
    fn turn(&mut self, now: u64) {
        self.node.poll(now);
        while let Some(event) = self.node.next_event() {
            self.events.push(event);
        }
        for queue in &mut self.queues {
            while let Some(arrival) = queue.next(now) {
                if let Arrival::Command { xid, .. } = arrival {
                    self.commands += 1;
                    queue.respond(xid, Response::Fcp(good()));
                }
            }
            queue.flush();
        }
    }

    fn key(&self) -> PortKey {
        let online = |event: &NodeEvent| match event {
            NodeEvent::Online { port, .. } => Some(*port),
            _ => None,
        };
        self.events.iter().find_map(online).expect("it is online")
    }

    fn has(&self, check: impl Fn(&NodeEvent) -> bool) -> bool {
        self.events.iter().any(check)
    }
}

fn good() -> FcpResponse {
    FcpResponse { status: 0, qualifier: 0, residual: Residual::None, code: None, sense: [0; SENSE_BYTES], sense_len: 0 }
}

#[test]
fn an_initiator_finds_a_target_by_its_name_and_commands_it() {
    let mut san = San::new();
    let (host, target) = (san.initiator(1), san.target(2));
    san.pass(100);
    assert_eq!((san.state(host), san.state(target)), (PortState::Online, PortState::Online));
    let report = san.switch.ports();
    assert_eq!(report[target].n_ports[0].fc4[0], "fcp target", "{report:?}");
    let key = san.stations[host].key();
    san.stations[host].node.login(key, Peer::Name(names(2).port), Fc4::Fcp);
    san.pass(100);
    let up = san.stations[host].events.iter().find_map(|event| match event {
        NodeEvent::SessionUp { info, .. } => Some(*info),
        _ => None,
    });
    let session = up.expect("a session").id;
    let now = san.now;
    san.stations[host].node.command(session, &[0; 32], Direction::None, 60_000 * MS, 77, now).unwrap();
    san.pass(50);
    assert_eq!(san.stations[target].commands, 1);
    let ended = |event: &NodeEvent| matches!(event, NodeEvent::Ended { context: 77, result: Ok(_), .. });
    assert!(san.stations[host].has(ended), "{:?}", san.stations[host].events);
}

#[test]
fn who_is_there_hears_of_who_comes_and_goes() {
    let mut san = San::new();
    let host = san.initiator(1);
    san.pass(100);
    san.stations[host].events.clear();
    let target = san.target(2);
    san.pass(200);
    let id: u32 = san.stations[target].port.status().port_id;
    let of = |event: &NodeEvent| matches!(event, NodeEvent::Rscn { pages, .. } if pages.iter().any(|page| page.affects(PortId(id))));
    assert!(san.stations[host].has(of), "{:?}", san.stations[host].events);
    san.stations[host].events.clear();
    san.stations[target].port.set_up(false);
    san.pass(200);
    assert!(san.stations[host].has(of));
    assert_eq!(san.switch.counters().rscn_unanswered, 0);
}

#[test]
fn a_name_that_is_in_use_is_refused_by_the_fabric() {
    let mut san = San::new();
    let first = san.target(2);
    san.pass(100);
    let second = san.target(2);
    san.pass(1000);
    assert_eq!((san.state(first), san.state(second)), (PortState::Online, PortState::Refused));
    let reason = san.stations[second].port.status().reason;
    assert!(reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{reason:?}");
}

#[test]
fn logins_get_through_although_frames_are_lost() {
    for seed in 0..5 {
        let mut san = San::new();
        let rule = Rule { matches: Match::default(), action: Action::Drop, count: None, probability: 0.2, seed };
        san.switch.inject(rule);
        let (host, target) = (san.initiator(1), san.target(2));
        san.pass(60_000);
        san.switch.inject_clear(None);
        san.pass(20_000);
        assert_eq!((san.state(host), san.state(target)), (PortState::Online, PortState::Online), "seed {seed}");
        assert_eq!(san.switch.ports()[target].n_ports[0].fc4[0], "fcp target", "seed {seed}");
    }
}
