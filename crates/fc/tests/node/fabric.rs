//! Nodes in a fabric.

use crate::rig::*;
use ::fabric::{Config as SwitchConfig, Switch};
use fc::fc2::Upcall;
use fc::{
    Arrival, Config, Fc4, Link, Names, NodeEvent, Peer, Port, PortKey, PortState, RingLink, SessionId, Topology,
    ring_links,
};
use wire::fc::els::{Command, Login};
use wire::fc::{PortId, Wwn};

impl Party for Switch {
    fn turn(&mut self, now: ring::Tick) -> usize {
        self.poll(now)
    }
}

fn switch() -> Switch {
    let config = SwitchConfig { name: "test".to_owned(), wwn: Wwn(0x1000_0024_0000_0001), domain: 1 };
    Switch::new(config, frames())
}

/// A cable to the switch, and the number of the F_Port.
fn cable(switch: &mut Switch) -> (RingLink, u16) {
    let [near, far] = ring_links(64, [nobody(), nobody()]);
    (near, switch.attach(Box::new(far)).unwrap())
}

struct Fabric {
    switch: Switch,
    host: Station,
    target: Station,
    host_port: u16,
    target_port: u16,
    clock: Clock,
}

impl Fabric {
    fn new() -> Self {
        let mut switch = switch();
        let ((near, host_port), (far, target_port)) = (cable(&mut switch), cable(&mut switch));
        let host = Station::initiator(1, near);
        let target = Station::target(2, far, &[(Fc4::Fcp, 1), (Fc4::Nvme, 2)]);
        let mut fabric = Self { switch, host, target, host_port, target_port, clock: Clock(1) };
        fabric.run(50);
        fabric
    }

    fn run(&mut self, ms: u64) {
        self.clock.run(ms, &mut [&mut self.switch, &mut self.host, &mut self.target]);
    }

    fn log_in(&mut self, fc4: Fc4) -> SessionId {
        self.log_in_with(PortKey::PHYSICAL, names(2).port, fc4).expect("a session")
    }

    fn log_in_with(&mut self, port: PortKey, name: Wwn, fc4: Fc4) -> Option<SessionId> {
        self.host.events.clear();
        self.host.node.login(port, Peer::Name(name), fc4);
        self.run(50);
        self.host.events.iter().find_map(|event| match event {
            NodeEvent::SessionUp { info, .. } if info.peer.port == name => Some(info.id),
            _ => None,
        })
    }

    fn down(&mut self) -> usize {
        let heard = self.target.heard();
        heard.iter().filter(|(_, arrival)| matches!(arrival, Arrival::SessionDown { .. })).count()
    }
}

#[test]
fn ports_get_addresses_and_find_each_other_by_name() {
    let mut fabric = Fabric::new();
    let status = shown(&mut fabric.target, fabric.clock.0);
    assert_eq!((status.state, status.topology), (PortState::Online, Some(Topology::Fabric)));
    assert!(PortId(status.port_id).is_n_port() && status.fabric.is_some());
    fabric.log_in(Fc4::Fcp);
    fabric.log_in(Fc4::Nvme);
    let ups = fabric.target.heard();
    assert_eq!(ups.len(), 3, "one FCP lane and two NVMe lanes: {ups:?}");
    assert_eq!(shown(&mut fabric.target, fabric.clock.0).sessions.len(), 2);
    assert!(fabric.log_in_with(PortKey::PHYSICAL, names(77).port, Fc4::Fcp).is_none());
    let failed = fabric.host.events.iter().any(|event| matches!(event, NodeEvent::LoginFailed { .. }));
    assert!(failed, "{:?}", fabric.host.events);
}

#[test]
fn both_protocols_at_once_share_one_port_login() {
    let mut fabric = Fabric::new();
    let peer = Peer::Name(names(2).port);
    fabric.host.node.login(PortKey::PHYSICAL, peer, Fc4::Fcp);
    fabric.host.node.login(PortKey::PHYSICAL, peer, Fc4::Nvme);
    fabric.run(50);
    assert_eq!(fabric.down(), 0, "a second PLOGI would have ended the first session");
    assert_eq!(shown(&mut fabric.target, fabric.clock.0).sessions.len(), 2);
}

#[test]
fn the_fabric_tells_when_a_port_goes_and_it_can_come_back() {
    let mut fabric = Fabric::new();
    fabric.log_in(Fc4::Fcp);
    fabric.log_in(Fc4::Nvme);
    fabric.target.heard();
    // The host's cable.
    let (port, now) = (fabric.host_port, fabric.clock.0);
    fabric.switch.set_up(port, false, now).unwrap();
    fabric.run(100);
    assert_eq!(fabric.down(), 3, "FCP's lane and both of NVMe");
    assert!(fabric.host.events.iter().any(|event| matches!(event, NodeEvent::LinkDown)));
    let now = fabric.clock.0;
    fabric.switch.set_up(port, true, now).unwrap();
    fabric.run(100);
    fabric.log_in(Fc4::Fcp);
    // The target's cable: the host hears it from the fabric.
    fabric.host.events.clear();
    let (port, now) = (fabric.target_port, fabric.clock.0);
    fabric.switch.set_up(port, false, now).unwrap();
    fabric.run(100);
    assert!(fabric.host.events.iter().any(|event| matches!(event, NodeEvent::Rscn { .. })));
    assert!(fabric.host.events.iter().any(|event| matches!(event, NodeEvent::SessionDown { .. })));
    let now = fabric.clock.0;
    fabric.switch.set_up(port, true, now).unwrap();
    fabric.run(100);
    fabric.log_in(Fc4::Fcp);
}

#[test]
fn a_storm_of_changes_leaves_sessions_that_are_not_concerned() {
    let mut fabric = Fabric::new();
    fabric.log_in(Fc4::Fcp);
    fabric.target.heard();
    for n in 0..20 {
        let (link, port) = cable(&mut fabric.switch);
        let mut other = Station::initiator(100 + n, link);
        for up in [true, false, true, false] {
            fabric.clock.run(10, &mut [&mut fabric.switch, &mut fabric.host, &mut fabric.target, &mut other]);
            let now = fabric.clock.0;
            fabric.switch.set_up(port, up, now).unwrap();
        }
    }
    fabric.run(500);
    assert_eq!(fabric.down(), 0);
    assert_eq!(shown(&mut fabric.target, fabric.clock.0).sessions.len(), 1);
}

#[test]
fn a_port_name_in_use_is_refused_and_let_in_when_it_is_free() {
    let mut fabric = Fabric::new();
    let (link, _) = cable(&mut fabric.switch);
    let mut twin = Station::initiator(2, link);
    fabric.clock.run(100, &mut [&mut fabric.switch, &mut fabric.host, &mut fabric.target, &mut twin]);
    let status = shown(&mut twin, fabric.clock.0);
    assert_eq!(status.state, PortState::Refused);
    let reason = status.reason.unwrap();
    assert!(reason.contains("0x2100002400000002 is in use by another port of the fabric"), "{reason}");
    assert!(twin.events.iter().any(|event| matches!(event, NodeEvent::Refused { .. })));
    fabric.target.port.set_up(false);
    fabric.clock.run(31_000, &mut [&mut fabric.switch, &mut fabric.host, &mut fabric.target, &mut twin]);
    assert_eq!(shown(&mut twin, fabric.clock.0).state, PortState::Online);
}

#[test]
fn virtual_ports_have_addresses_and_sessions_of_their_own() {
    let mut fabric = Fabric::new();
    let virtual_names = Names { node: names(2).node, port: names(22).port };
    let vport = fabric.target.port.add_vport(virtual_names).unwrap();
    let service = fc::Service { fc4: Fc4::Fcp, discovery: false };
    let queues = vport.attach(service, vec![nobody()]).unwrap();
    fabric.target.queues.extend(queues);
    fabric.run(100);
    let status = vport.shown();
    assert_eq!((status.state, vport.parent()), (PortState::Online, Some(names(2).port)));
    assert_ne!(status.port_id, fabric.target.port.shown().port_id);
    fabric.log_in(Fc4::Fcp);
    fabric.log_in_with(PortKey::PHYSICAL, virtual_names.port, Fc4::Fcp).expect("a session");
    let lanes: Vec<usize> = fabric.target.heard().iter().map(|(lane, _)| *lane).collect();
    assert_eq!(lanes, [0, 3]);
    // It goes; the other stays.
    vport.set_up(false);
    fabric.run(100);
    assert_eq!(vport.shown().state, PortState::Disabled);
    assert!(matches!(fabric.target.heard()[..], [(3, Arrival::SessionDown { .. })]));
    assert_eq!(shown(&mut fabric.target, fabric.clock.0).sessions.len(), 1);
    vport.set_up(true);
    fabric.run(100);
    assert_eq!(vport.shown().state, PortState::Online);
    // Its physical port goes, and comes back with it.
    fabric.target.port.set_up(false);
    fabric.run(100);
    assert_eq!(vport.shown().state, PortState::LoggingIn);
    fabric.target.port.set_up(true);
    fabric.run(600);
    assert_eq!(vport.shown().state, PortState::Online);
}

#[test]
fn an_initiator_may_have_virtual_ports_too() {
    let mut fabric = Fabric::new();
    let vport = fabric.host.port.add_vport(names(11)).unwrap();
    fabric.run(100);
    let session = fabric.log_in_with(vport.key(), names(2).port, Fc4::Fcp).expect("a session");
    let heard = fabric.target.heard();
    assert!(matches!(heard[..], [(0, Arrival::SessionUp(info))] if info.peer.port == names(11).port), "{heard:?}");
    fabric.host.node.logout(session);
    fabric.run(50);
    assert_eq!(fabric.down(), 1);
}

#[test]
fn a_host_that_moves_to_another_cable_takes_its_name_with_it() {
    let mut fabric = Fabric::new();
    fabric.log_in(Fc4::Fcp);
    fabric.target.heard();
    let (link, _) = cable(&mut fabric.switch);
    // Pulled out here, plugged in there, before anybody hears of it.
    let old = std::mem::replace(&mut fabric.host, Station::new(Config::initiator(names(1), frames()), link));
    drop(old);
    fabric.run(200);
    fabric.log_in(Fc4::Fcp);
    let heard = fabric.target.heard();
    assert!(matches!(heard[..], [(_, Arrival::SessionDown { .. }), (_, Arrival::SessionUp(_))]), "{heard:?}");
}

#[test]
fn a_fabric_without_answers_is_asked_again() {
    let [near, far] = link();
    let mut host = Station::initiator(1, near);
    let mut silent = Bare::new(far);
    let mut clock = Clock(1);
    clock.run(20_000, &mut [&mut host, &mut silent]);
    let status = shown(&mut host, clock.0);
    assert_eq!(status.state, PortState::LoggingIn);
    assert!(status.reason.is_some());
    // Now it answers.
    silent.flogi = Some(names(9));
    clock.run(10_000, &mut [&mut host, &mut silent]);
    assert_eq!(shown(&mut host, clock.0).topology, Some(Topology::PointToPoint));
    silent.link.set_up(false);
}

#[test]
fn a_port_that_logs_in_with_the_name_of_another_is_rejected_and_named() {
    logged::start();
    let mut fabric = Fabric::new();
    fabric.log_in(Fc4::Fcp);
    fabric.target.heard();
    let (link, _) = cable(&mut fabric.switch);
    let mut forger = Bare::new(link);
    let flogi = Login::fabric(Command::FLOGI, names(66).port, names(66).node, 2048, false).to_bytes();
    forger.els(0, PortId::FABRIC.0, &flogi, 1, fabric.clock.0);
    fabric.clock.run(50, &mut [&mut fabric.switch, &mut fabric.host, &mut fabric.target, &mut forger]);
    let address = forger.upcalls.iter().find_map(|upcall| match upcall {
        Upcall::Reply { context: 1, local, .. } => Some(local.0),
        _ => None,
    });
    let (address, target) = (address.expect("an address"), fabric.target.port.shown().port_id);
    let forged = Login::n_port(Command::PLOGI, names(1).port, names(1).node, 2048).to_bytes();
    forger.els(address, target, &forged, 2, fabric.clock.0);
    fabric.clock.run(50, &mut [&mut fabric.switch, &mut fabric.host, &mut fabric.target, &mut forger]);
    assert_eq!(forger.reply(2).expect("an answer")[0], Command::LS_RJT.0);
    assert_eq!(fabric.down(), 0, "who had the name keeps its session");
    let holder = PortId(fabric.host.port.shown().port_id);
    assert_eq!(logged::count(&format!("WARN port name {} is in use by the port at {holder}*", names(1).port)), 1);
    // The target's own name.
    let forged = Login::n_port(Command::PLOGI, names(2).port, names(2).node, 2048).to_bytes();
    forger.els(address, target, &forged, 3, fabric.clock.0);
    fabric.clock.run(50, &mut [&mut fabric.switch, &mut fabric.host, &mut fabric.target, &mut forger]);
    assert_eq!(forger.reply(3).expect("an answer")[0], Command::LS_RJT.0);
    assert_eq!(logged::count(&format!("WARN port name {} is in use by port {}*", names(2).port, names(2))), 1);
}

#[test]
fn the_log_says_when_a_target_port_is_there() {
    logged::start();
    let mut switch = switch();
    let (link, number) = cable(&mut switch);
    let mut target = Station::target(0x4711, link, &[(Fc4::Fcp, 1)]);
    let mut clock = Clock(1);
    clock.run(50, &mut [&mut switch, &mut target]);
    let name = "nn-0x2000002400004711:pn-0x2100002400004711";
    assert_eq!(logged::count(&format!("INFO Target port Link Up: {name}")), 1);
    switch.set_up(number, false, clock.0).unwrap();
    clock.run(50, &mut [&mut switch, &mut target]);
    assert_eq!(logged::count(&format!("INFO Target port Link Down: {name}")), 1);
    // A port that serves nobody is no target port.
    let (link, _) = cable(&mut switch);
    let mut host = Station::initiator(0x4712, link);
    clock.run(50, &mut [&mut switch, &mut target, &mut host]);
    assert_eq!(shown(&mut host, clock.0).state, PortState::Online);
    assert_eq!(logged::count("INFO Target port Link Up: nn-0x2000002400004712*"), 0);
}
