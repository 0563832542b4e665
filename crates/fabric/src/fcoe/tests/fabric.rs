//! ENodes and a switch.

use super::lan::Station;
use super::*;
use crate::Listener;
use wire::fc::els::{Logo, LsRjt};
use wire::fip::{self, ALL_FCFS, DescriptorType, Flags, Kind, Message};

const SWITCH: Mac = mac_of(1);

const fn mac_of(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

/// A switch that gives addresses and carries nothing: what comes is kept.
struct Switch {
    fcf: Fcf<Station>,
    ports: Vec<(Box<dyn Link>, Vec<LinkEvent>)>,
    next: u32,
    came: Vec<FrameBox>,
}

impl Switch {
    fn new(lan: &Lan) -> Self {
        let config = FcfConfig { enodes: 2, ..FcfConfig::new(Wwn(0x1000_0000_0000_0001), Wwn(0x1000_0000_0000_0002)) };
        let fcf = Fcf::new(lan.station(SWITCH), config, Frames::new(64));
        Self { fcf, ports: Vec::new(), next: 0x010000, came: Vec::new() }
    }

    fn turn(&mut self, now: Tick) {
        self.fcf.poll(now);
        while let Some(link) = self.fcf.accept(now) {
            self.ports.push((link, Vec::new()));
        }
        for (link, told) in &mut self.ports {
            told.extend(events(link, now));
            while let Some(frame) = link.receive(now) {
                match answer(&frame, &mut self.next) {
                    Some(reply) => link.send(reply),
                    None => self.came.push(frame),
                }
            }
            link.flush(now);
        }
        self.fcf.flush(now);
    }
}

fn answer(frame: &FrameBox, next: &mut u32) -> Option<FrameBox> {
    let header = *frame.header();
    let reply = els::reply_header(&header);
    match els::command(frame)? {
        Command::FLOGI | Command::FDISC => {
            *next += 1;
            let header = FrameHeader { d_id: PortId(*next).to_bytes(), ..reply };
            Some(Frame::new(&header, &Login::fabric_accept(Wwn(1), Wwn(2), 2112, true).to_bytes()))
        }
        Command::LOGO => Some(Frame::new(&reply, &[2, 0, 0, 0])),
        _ => None,
    }
}

struct World {
    lan: Lan,
    now: Tick,
    switch: Switch,
    host: EnodeLink<Station>,
    told: Vec<LinkEvent>,
    came: Vec<FrameBox>,
}

impl World {
    fn new() -> Self {
        let lan = Lan::new();
        let (switch, host) = (Switch::new(&lan), EnodeLink::new(lan.station(mac(2)), names(2), Frames::new(64)));
        Self { lan, now: 0, switch, host, told: Vec::new(), came: Vec::new() }
    }

    fn host_turn(&mut self) {
        self.told.extend(events(&mut self.host, self.now));
        self.came.extend(frames(&mut self.host, self.now));
        self.host.flush(self.now);
    }

    fn run(&mut self, time: Tick) {
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            self.switch.turn(self.now);
            self.host_turn();
        }
    }

    /// Runs the host alone: the switch is silent.
    fn run_host(&mut self, time: Tick) {
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            self.host_turn();
        }
    }

    fn log_in(&mut self, command: Command, n: u64) -> PortId {
        self.host.send(login(command, n, n as u16));
        self.run(100 * MS);
        let reply = self.came.pop().expect("a reply");
        assert_eq!(els::command(&reply), Some(Command::LS_ACC));
        assert_eq!(reply.header().ox_id(), n as u16);
        reply.header().d_id()
    }

    fn online() -> (Self, PortId) {
        let mut world = Self::new();
        world.run(2 * S);
        assert_eq!(world.told, [LinkEvent::Up(Attachment::Login)]);
        world.told.clear();
        let id = world.log_in(Command::FLOGI, 2);
        (world, id)
    }
}

#[test]
fn found_logged_in_and_frames_both_ways() {
    let (mut world, id) = World::online();
    assert_eq!(id, PortId(0x010001));
    assert_eq!(world.switch.ports.len(), 1);
    assert_eq!(world.switch.ports[0].1, [LinkEvent::Up(Attachment::Login)]);
    assert_eq!(world.switch.ports[0].0.describe(), "fcoe:lan/02:00:00:00:00:02");
    assert_eq!((world.host.max_payload(), world.switch.ports[0].0.max_payload()), (2112, 2112));
    let there: Vec<u8> = (0..2112).map(|i| i as u8).collect();
    for length in [0, 4, 2112] {
        world.host.send(data(id, PortId::DIRECTORY, &there[..length]));
        world.run(STEP);
        let came = world.switch.came.pop().expect("it came");
        assert_eq!((came.header().s_id(), came.payload()), (id, &there[..length]));
        world.switch.ports[0].0.send(data(PortId::DIRECTORY, id, &there[..length]));
        world.run(2 * STEP);
        assert_eq!(world.came.pop().expect("it came").payload(), &there[..length]);
    }
    assert_eq!((world.host.counters(), world.switch.fcf.counters()), Default::default());
}

#[test]
fn keep_alives_keep_it_up_and_silence_takes_it_down() {
    let (mut world, _) = World::online();
    world.run(300 * S);
    assert_eq!(world.told, []);
    assert!(!world.switch.ports[0].0.is_gone());
    // The switch falls silent.
    world.run_host(21 * S);
    assert_eq!(world.told, [LinkEvent::Down]);
    // And comes back: the host finds it again.
    world.run(15 * S);
    assert_eq!(world.told, [LinkEvent::Down, LinkEvent::Up(Attachment::Login)]);
    world.log_in(Command::FLOGI, 2);
    // The host falls silent.
    let end = world.now + 25 * S;
    while world.now < end {
        world.now += STEP;
        world.switch.turn(world.now);
    }
    assert!(world.switch.ports.iter().all(|(link, _)| link.is_gone()), "the link goes with the host");
}

#[test]
fn further_ports_and_logouts() {
    let (mut world, first) = World::online();
    let second = world.log_in(Command::FDISC, 3);
    assert_ne!(first, second);
    for id in [first, second] {
        world.switch.ports[0].0.send(data(PortId::DIRECTORY, id, &[1; 8]));
        world.run(2 * STEP);
        assert_eq!(world.came.pop().map(|frame| frame.header().d_id()), Some(id));
    }
    world.host.send(els(second, PortId::FABRIC, 9, &Logo::new(second, names(3).port).to_bytes()));
    world.run(2 * STEP);
    assert_eq!(world.came.pop().and_then(|reply| els::command(&reply)), Some(Command::LS_ACC));
    world.host.send(data(second, PortId::DIRECTORY, &[1; 8]));
    world.switch.ports[0].0.send(data(PortId::DIRECTORY, second, &[1; 8]));
    world.run(2 * STEP);
    assert!(world.came.is_empty() && world.switch.came.is_empty(), "it is logged out");
    // Taking the port down logs out what is left, and the switch hears it.
    world.host.set_up(false);
    world.run(2 * STEP);
    assert_eq!(world.told, [LinkEvent::Down]);
    world.switch.ports[0].0.send(data(PortId::DIRECTORY, first, &[1; 8]));
    world.run(2 * STEP);
    assert_eq!(world.switch.fcf.counters().strangers, 2, "both are strangers to it now");
}

#[test]
fn a_port_taken_down_by_the_switch_and_up_again() {
    let (mut world, _) = World::online();
    world.switch.ports[0].0.set_up(false);
    world.run(5 * S);
    assert_eq!(world.told, [LinkEvent::Down]);
    world.run(60 * S);
    assert_eq!(world.told, [LinkEvent::Down], "it stays down");
    assert!(!world.switch.ports[0].0.is_gone());
    world.switch.ports[0].0.set_up(true);
    world.run(5 * S);
    assert_eq!(world.told, [LinkEvent::Down, LinkEvent::Up(Attachment::Login)]);
    assert_eq!(world.switch.ports[0].1.len(), 3);
    world.log_in(Command::FLOGI, 2);
}

#[test]
fn a_switch_that_restarts_has_its_hosts_log_in_again() {
    let (mut world, _) = World::online();
    let lan = world.lan.clone();
    // Killed: it says nothing any more.
    lan.set_up(SWITCH, false);
    world.switch = Switch::new(&lan);
    world.run(S);
    assert_eq!(world.told, [LinkEvent::Down, LinkEvent::Up(Attachment::Login)]);
    world.log_in(Command::FLOGI, 2);
    // One that ends in order says so.
    world.told.clear();
    drop(std::mem::replace(&mut world.switch, Switch::new(&Lan::new())));
    world.run_host(S);
    assert_eq!(world.told, [LinkEvent::Down]);
    world.switch = Switch::new(&lan);
    world.run(3 * S);
    assert_eq!(world.told, [LinkEvent::Down, LinkEvent::Up(Attachment::Login)]);
    // The interface of the host goes and comes.
    world.told.clear();
    lan.set_up(mac(2), false);
    world.run(2 * S);
    assert_eq!(world.told, [LinkEvent::Down]);
    lan.set_up(mac(2), true);
    world.run(3 * S);
    assert_eq!(world.told, [LinkEvent::Down, LinkEvent::Up(Attachment::Login)]);
}

#[test]
fn one_port_that_is_cleared_does_not_take_the_others_along() {
    let (mut world, first) = World::online();
    let second = world.log_in(Command::FDISC, 3);
    let mut slot = [0; 128];
    let flags = Flags::default().with_fcf(true);
    let port = fip::VnPort { mac: Mac::mapped(wire::fcoe::FcMap::FABRIC, second), id: second, name: names(3).port };
    let length = packet::put_fip(&mut slot, mac(2), SWITCH, |body| {
        let writer = fip::Writer::new(body, Kind::ClearVirtualLinks, flags).mac(SWITCH);
        writer.name(Wwn(0x1000_0000_0000_0001)).vn_port(port).finish()
    });
    world.lan.inject(&slot[..length]);
    world.run(STEP);
    assert_eq!(world.told, []);
    let logo = world.came.pop().expect("the port is told");
    assert_eq!((els::command(&logo), logo.header().d_id()), (Some(Command::LOGO), second));
    world.switch.ports[0].0.send(data(PortId::DIRECTORY, first, &[1; 8]));
    world.run(2 * STEP);
    assert_eq!(world.came.len(), 1);
}

/// A host written by hand: only what is sent and what comes.
fn by_hand(world: &mut World, station: &mut Station, fill: impl FnOnce(&mut [u8]) -> usize) -> Vec<Vec<u8>> {
    station.send(fill);
    world.run(2 * STEP);
    std::iter::from_fn(|| station.receive(<[u8]>::to_vec)).collect()
}

#[test]
fn solicitations_vlans_and_address_modes() {
    let mut world = World::new();
    world.run(S);
    let mut host = world.lan.station(mac(9));
    let solicit = |size: u16| {
        move |slot: &mut [u8]| {
            packet::put_fip(slot, ALL_FCFS, mac(9), |body| {
                let writer = fip::Writer::new(body, Kind::Solicitation, Flags::default().with_fpma(true));
                writer.mac(mac(9)).name(Wwn(9)).max_frame(size).finish()
            })
        }
    };
    let [answer] = &by_hand(&mut world, &mut host, solicit(1498))[..] else { panic!("one answer") };
    assert_eq!(answer.len(), 14 + 1498, "padded to what the host receives");
    let message = Message::parse(&answer[14..]).unwrap();
    assert!(message.flags.solicited() && message.flags.available() && message.flags.f_port());
    assert_eq!(message.fka_adv_period(), Some((8000, false)));
    assert!(by_hand(&mut world, &mut host, solicit(4000)).is_empty(), "larger than frames here can be");
    let [answer] = &by_hand(&mut world, &mut host, |slot| {
        packet::put_fip(slot, ALL_FCFS, mac(9), |body| {
            fip::Writer::new(body, Kind::VlanRequest, Flags::default()).mac(mac(9)).finish()
        })
    })[..] else {
        panic!("one answer")
    };
    let message = Message::parse(&answer[14..]).unwrap();
    assert_eq!((message.kind, message.vlans().collect::<Vec<_>>()), (Kind::VlanNotification, vec![0]));
    // A host that wants to keep its own address (SPMA) is told why it cannot.
    let [answer] = &by_hand(&mut world, &mut host, |slot| {
        packet::put_fip(slot, SWITCH, mac(9), |body| {
            let writer = fip::Writer::new(body, Kind::LsRequest, Flags::default().with_spma(true));
            writer.els(DescriptorType::FLOGI, login(Command::FLOGI, 9, 1).bytes()).mac(mac(9)).finish()
        })
    })[..] else {
        panic!("one answer")
    };
    let els = Message::parse(&answer[14..]).unwrap().els().unwrap();
    let reject = wire::parse::<LsRjt>(&els.frame[24..]).unwrap().reject();
    assert_eq!(reject.explanation, wire::fc::els::Explanation::MAC_MODE);
    assert!(world.switch.ports.is_empty());
}

#[test]
fn hosts_without_fip_and_strangers() {
    let mut world = World::new();
    world.run(S);
    let mut host = world.lan.station(mac(9));
    host.join(Mac::mapped(wire::fcoe::FcMap::FABRIC, PortId(0x010001)));
    let flogi = login(Command::FLOGI, 9, 5);
    let answers = by_hand(&mut world, &mut host, |slot| packet::put_frame(slot, Mac::FLOGI, mac(9), &flogi));
    let granted = Mac::mapped(wire::fcoe::FcMap::FABRIC, PortId(0x010001));
    let to: Vec<_> = answers.iter().map(|answer| Mac(*answer.first_chunk().unwrap())).collect();
    assert_eq!(to, [mac(9), granted]);
    let (frame, crc) = wire::fcoe::unwrap(&answers[0][14..]).unwrap();
    assert_eq!((wire::fc::crc(frame), frame[24]), (crc, Command::LS_ACC.0));
    // What it sends from now on comes from the address that it was given; from elsewhere, or with another's S_ID, it is dropped.
    let sent = |from: Mac, id: u32| {
        let frame = data(PortId(id), PortId::DIRECTORY, &[3; 4]);
        move |slot: &mut [u8]| packet::put_frame(slot, SWITCH, from, &frame)
    };
    by_hand(&mut world, &mut host, sent(granted, 0x010001));
    assert_eq!(world.switch.came.len(), 1);
    by_hand(&mut world, &mut host, sent(granted, 0x010002));
    by_hand(&mut world, &mut host, sent(mac(9), 0x010001));
    by_hand(&mut world, &mut host, |slot| {
        let length = sent(granted, 0x010001)(slot);
        slot[50] ^= 1;
        length
    });
    assert_eq!(world.switch.came.len(), 1);
    let counters = world.switch.fcf.counters();
    assert_eq!((counters.strangers, counters.crc_errors), (2, 1));
    // Without keep-alives it stays.
    world.run(100 * S);
    assert!(!world.switch.ports[0].0.is_gone());
}

#[test]
fn more_hosts_than_it_has_room_for() {
    let mut world = World::new();
    world.run(2 * S);
    for n in [11, 12, 13] {
        let mut host = world.lan.station(mac(n));
        let answers = by_hand(&mut world, &mut host, |slot| {
            packet::put_fip(slot, SWITCH, mac(n), |body| {
                let writer = fip::Writer::new(body, Kind::LsRequest, Flags::default().with_fpma(true));
                writer.els(DescriptorType::FLOGI, login(Command::FLOGI, n.into(), 1).bytes()).mac(Mac::NONE).finish()
            })
        });
        let els = Message::parse(&answers[0][14..]).unwrap().els().unwrap();
        assert_eq!(els.frame[24] == Command::LS_ACC.0, n < 13, "{n}");
    }
    assert_eq!(world.switch.ports.len(), 2);
}

#[test]
fn an_mtu_too_small_for_full_frames() {
    let lan = Lan::new();
    let (mut switch, host) = (Switch::new(&lan), EnodeLink::new(lan.station(mac(2)), names(2), Frames::new(64)));
    lan.set_mtu(mac(2), 1500);
    switch.turn(0);
    let mut world = World { lan, now: 0, switch, host, told: Vec::new(), came: Vec::new() };
    world.run(3 * S);
    assert_eq!(world.told, [LinkEvent::Up(Attachment::Login)]);
    assert_eq!(world.host.max_payload(), 1452);
}
