//! VN2VN ports among themselves.

use super::lan::Station;
use super::*;
use wire::fc::els::Logo;

struct Port {
    link: Vn2vnLink<Station>,
    told: Vec<LinkEvent>,
    came: Vec<FrameBox>,
}

struct World {
    lan: Lan,
    now: Tick,
    ports: Vec<Port>,
}

impl World {
    fn new() -> Self {
        Self { lan: Lan::new(), now: 0, ports: Vec::new() }
    }

    fn add(&mut self, n: u8, name: u64) -> usize {
        let link = Vn2vnLink::new(self.lan.station(mac(n)), names(name), Frames::new(64));
        self.ports.push(Port { link, told: Vec::new(), came: Vec::new() });
        self.ports.len() - 1
    }

    fn run(&mut self, time: Tick) {
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            for port in &mut self.ports {
                port.told.extend(events(&mut port.link, self.now));
                port.came.extend(frames(&mut port.link, self.now));
                port.link.flush(self.now);
            }
        }
    }

    fn address(&self, at: usize) -> PortId {
        let of = |event: &LinkEvent| match event {
            LinkEvent::Up(Attachment::Assigned(id)) => Some(*id),
            _ => None,
        };
        self.ports[at].told.iter().rev().find_map(of).expect("an address")
    }

    fn take(&mut self, at: usize) -> Vec<LinkEvent> {
        std::mem::take(&mut self.ports[at].told)
    }
}

#[test]
fn two_find_each_other_and_talk() {
    let mut world = World::new();
    let (a, b) = (world.add(1, 0x1001), world.add(2, 0x1002));
    world.run(5 * S);
    let (x, y) = (PortId(0x1001), PortId(0x1002));
    assert_eq!(world.take(a), [LinkEvent::Up(Attachment::Assigned(x)), LinkEvent::PeerUp(y)]);
    assert_eq!(world.take(b), [LinkEvent::Up(Attachment::Assigned(y)), LinkEvent::PeerUp(x)]);
    assert_eq!(world.ports[a].link.peer_name(y), Some(names(0x1002).port));
    let payload = [5; 2112];
    world.ports[a].link.send(data(x, y, &payload));
    world.ports[b].link.send(data(y, x, &payload[..4]));
    world.run(STEP);
    assert_eq!(world.ports[b].came.pop().expect("it came").payload(), payload);
    assert_eq!(world.ports[a].came.pop().expect("it came").payload(), &payload[..4]);
    // Beacons keep it so.
    world.run(120 * S);
    assert!(world.take(a).is_empty() && world.take(b).is_empty());
    // A logout goes by FIP, and so does its reply.
    world.ports[a].link.send(super::els(x, y, 7, &Logo::new(x, names(0x1001).port).to_bytes()));
    world.run(2 * STEP);
    let logo = world.ports[b].came.pop().expect("the logout");
    let reply = Frame::new(&els::reply_header(logo.header()), &[2, 0, 0, 0]);
    world.ports[b].link.send(reply);
    world.run(2 * STEP);
    assert_eq!(world.ports[a].came.pop().and_then(|reply| els::command(&reply)), Some(Command::LS_ACC));
    assert_eq!(world.ports[a].link.counters(), Counters::default());
}

#[test]
fn a_third_comes_and_goes() {
    let mut world = World::new();
    let (a, b) = (world.add(1, 0x1001), world.add(2, 0x1002));
    world.run(5 * S);
    let c = world.add(3, 0x1003);
    world.run(5 * S);
    let z = PortId(0x1003);
    assert!(world.take(a).contains(&LinkEvent::PeerUp(z)) && world.take(b).contains(&LinkEvent::PeerUp(z)));
    let told = world.take(c);
    assert!(told.contains(&LinkEvent::PeerUp(PortId(0x1001))) && told.contains(&LinkEvent::PeerUp(PortId(0x1002))));
    world.ports.truncate(2);
    world.run(15 * S);
    assert!(world.take(a).is_empty(), "two beacons may be missed");
    world.run(10 * S);
    assert_eq!((world.take(a), world.take(b)), (vec![LinkEvent::PeerDown(z)], vec![LinkEvent::PeerDown(z)]));
    // It comes back under the same name and address.
    world.add(3, 0x1003);
    world.run(5 * S);
    assert_eq!(world.take(a), [LinkEvent::PeerUp(z)]);
}

#[test]
fn one_that_restarts_sooner_than_its_silence_is_noticed_logs_in_again() {
    let mut world = World::new();
    let a = world.add(1, 0x1001);
    world.add(2, 0x1002);
    world.run(5 * S);
    world.take(a);
    world.ports.truncate(1);
    world.add(2, 0x1002);
    world.run(5 * S);
    let y = PortId(0x1002);
    assert_eq!(world.take(a), [LinkEvent::PeerDown(y), LinkEvent::PeerUp(y)]);
}

#[test]
fn two_that_want_the_same_address() {
    let mut world = World::new();
    let (a, b) = (world.add(1, 0x1_0007), world.add(2, 0x2_0007));
    world.run(10 * S);
    let (x, y) = (world.address(a), world.address(b));
    assert_ne!(x, y);
    assert_eq!(world.take(a)[1..], [LinkEvent::PeerUp(y)]);
    assert_eq!(world.take(b)[1..], [LinkEvent::PeerUp(x)]);
    // One who comes later does not get it either.
    let c = world.add(3, 0x3_0007);
    world.run(10 * S);
    let z = world.address(c);
    assert!(z != x && z != y);
    assert!(!world.take(a).contains(&LinkEvent::Down) && !world.take(b).contains(&LinkEvent::Down));
}

#[test]
fn two_networks_that_are_joined() {
    let mut world = World::new();
    let a = world.add(1, 0x1_0007);
    world.lan.set_up(mac(1), false);
    let b = world.add(2, 0x2_0007);
    world.run(5 * S);
    assert_eq!(world.address(b), PortId(7));
    // While it was apart the first could take the same address: here it is told so by the claim of the second.
    world.lan.set_up(mac(1), true);
    world.lan.set_up(mac(2), false);
    world.run(S);
    world.lan.set_up(mac(2), true);
    world.run(30 * S);
    assert_ne!(world.address(a), world.address(b));
    assert!(world.take(b).contains(&LinkEvent::PeerUp(world.address(a))));
}

#[test]
fn down_by_will_and_by_the_interface() {
    let mut world = World::new();
    let (a, b) = (world.add(1, 0x1001), world.add(2, 0x1002));
    world.run(5 * S);
    world.take(a);
    world.ports[b].link.set_up(false);
    world.run(30 * S);
    assert_eq!(world.take(a), [LinkEvent::PeerDown(PortId(0x1002))]);
    assert_eq!(world.take(b).last(), Some(&LinkEvent::Down));
    world.ports[b].link.set_up(true);
    world.run(5 * S);
    assert_eq!(world.take(a), [LinkEvent::PeerUp(PortId(0x1002))]);
    world.lan.set_up(mac(1), false);
    world.run(S);
    assert_eq!(world.take(a), [LinkEvent::Down]);
}
