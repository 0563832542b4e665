//! FCoE over the kernel: a switch, a port of it and two VN2VN ports on virtual Ethernets, in a network namespace of the test's own.

use fabric::fcoe::{EnodeLink, Fcf, FcfConfig, Nic, Vn2vnLink};
use fabric::{Config, Switch};
use fc::{Attachment, Frame, FrameBox, Frames, Link, LinkEvent, Names};
use std::process::Command;
use std::time::{Duration, Instant};
use wire::fc::els::{self, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED, Wwn};

/// Moves this thread into a network of its own with `a0` and `a1` joined; `false` where that is not permitted.
fn own_network() -> bool {
    if let Err(error) = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
        println!("skipped: no network namespace ({error})");
        return false;
    }
    let steps = ["link add a0 mtu 2500 type veth peer name a1 mtu 2500", "link set a0 up", "link set a1 up"];
    let done = |step: &&str| Command::new("ip").args(step.split(' ')).status().is_ok_and(|status| status.success());
    if let Some(step) = steps.iter().find(|step| !done(step)) {
        println!("skipped: 'ip {step}' failed");
        return false;
    }
    true
}

fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0000_0000_0000 | n), port: Wwn(0x2100_0000_0000_0000 | n) }
}

fn nic(name: &str) -> Nic {
    Nic::open(name).expect("an interface")
}

/// A link and all that came by it.
struct End<L> {
    link: L,
    told: Vec<LinkEvent>,
    came: Vec<FrameBox>,
}

impl<L: Link> End<L> {
    fn new(link: L) -> Self {
        Self { link, told: Vec::new(), came: Vec::new() }
    }

    fn turn(&mut self, now: u64) {
        self.told.extend(std::iter::from_fn(|| self.link.event(now)));
        self.came.extend(std::iter::from_fn(|| self.link.receive(now)));
        self.link.flush(now);
    }
}

/// Turns until it is done, in real time.
fn run(seconds: u64, mut turn: impl FnMut(u64) -> bool) {
    let start = Instant::now();
    while !turn(start.elapsed().as_nanos() as u64) {
        assert!(start.elapsed() < Duration::from_secs(seconds), "not in {seconds} s");
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_switch_and_a_port_on_two_interfaces() {
    if !own_network() {
        return;
    }
    let (config, frames) =
        (Config { name: "f".to_owned(), wwn: Wwn(0x1000_0000_0000_0001), domain: 3 }, Frames::new(256));
    let mut switch = Switch::new(config, frames.clone());
    let fcf = FcfConfig::new(Wwn(0x2800_0000_0000_0001), Wwn(0x1000_0000_0000_0001));
    switch.listen(Box::new(Fcf::new(nic("a0"), fcf, frames.clone())));
    let mut port = End::new(EnodeLink::new(nic("a1"), names(1), frames));
    assert!(port.link.fd().is_some());
    run(20, |now| {
        switch.poll(now);
        port.turn(now);
        port.told == [LinkEvent::Up(Attachment::Login)]
    });
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC);
    let header = header.with_f_ctl(FCtl::REQUEST).with_exchange(7, UNASSIGNED);
    let login = Login::fabric(els::Command::FLOGI, names(1).port, names(1).node, port.link.max_payload(), true);
    let mut sent = false;
    run(20, |now| {
        if !std::mem::replace(&mut sent, true) {
            port.link.send(Frame::new(&header, &login.to_bytes()));
        }
        switch.poll(now);
        port.turn(now);
        !port.came.is_empty()
    });
    let reply = port.came.pop().expect("a reply");
    assert_eq!((reply.header().ox_id(), reply.payload()[0]), (7, els::Command::LS_ACC.0));
    assert_eq!(reply.header().d_id().domain(), 3);
    // To itself and back by the switch, at full size, more often than the rings have slots.
    let id = reply.header().d_id();
    let (mut count, mut back) = (0, 0);
    run(60, |now| {
        while count < 3000 && count - back < 64 && port.link.room() > 0 {
            let payload = [count as u8; 2112];
            let header = FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, id, id).with_sequence(0, count as u16);
            port.link.send(Frame::new(&header, &payload));
            count += 1;
        }
        switch.poll(now);
        port.turn(now);
        for frame in port.came.drain(..) {
            assert_eq!((frame.header().seq_cnt(), frame.payload()), (back as u16, &[back as u8; 2112][..]));
            back += 1;
        }
        back == 3000
    });
    assert_eq!(port.link.counters(), Default::default());
    drop(switch);
    run(5, |now| {
        port.turn(now);
        port.told.last() == Some(&LinkEvent::Down)
    });
}

#[test]
fn two_neighbours_on_two_interfaces() {
    if !own_network() {
        return;
    }
    let mut ends = [("a0", 0x1001), ("a1", 0x1002)]
        .map(|(interface, name)| End::new(Vn2vnLink::new(nic(interface), names(name), Frames::new(64))));
    run(30, |now| {
        ends.iter_mut().for_each(|end| end.turn(now));
        let met = |told: &Vec<LinkEvent>| told.iter().any(|event| matches!(event, LinkEvent::PeerUp(_)));
        ends.iter().all(|end| met(&end.told))
    });
    let (a, b) = (PortId(0x1001), PortId(0x1002));
    assert_eq!(ends[0].told, [LinkEvent::Up(Attachment::Assigned(a)), LinkEvent::PeerUp(b)]);
    ends[0].link.send(Frame::new(&FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, a, b), &[9; 2112]));
    run(5, |now| {
        ends.iter_mut().for_each(|end| end.turn(now));
        !ends[1].came.is_empty()
    });
    assert_eq!(ends[1].came[0].payload(), [9; 2112]);
}
