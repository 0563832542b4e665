//! `switch`: frames of any content into two F_Ports of a switch. Input: records of a byte (bit 0: which port; bits 7:1: how much time
//! passes), two bytes of length and a frame.

use fabric::{Config, Switch};
use fc::{Frame, FrameBox, Frames, Link, RingLink, ring_links};
use std::sync::Arc;
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

/// What nobody else on the switch is called: the port that must be served whatever came before.
const LAST: u64 = 0x2fff_0000_0000_0001;

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let config = Config { name: "fuzz".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
    let mut switch = Switch::new(config, Frames::new(256));
    let mut hosts = [plug(&mut switch), plug(&mut switch)];
    for (n, host) in hosts.iter_mut().enumerate() {
        log_in(&mut switch, host, 0x2100_0000_0000_0000 + n as u64, 0);
    }
    let mut now = 1;
    let mut rest = data;
    while let [how, high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (bytes, next) = tail.split_at(length);
        rest = next;
        let mut frame = empty();
        if frame.fill(bytes) {
            hosts[usize::from(how & 1)].send(frame);
        }
        now += u64::from(how >> 1) * 5_000_000;
        switch.poll(now);
        hosts.iter_mut().for_each(|host| while host.receive(now).is_some() {});
    }
    if switch.id_of(Wwn(LAST)).is_some() {
        return;
    }
    let mut last = plug(&mut switch);
    let id = log_in(&mut switch, &mut last, LAST, now);
    let taken =
        switch.ports().iter().flat_map(|port| &port.n_ports).filter(|port| port.port_id == id.to_string()).count();
    assert_eq!(taken, 1, "an address belongs to one port");
}

fn empty() -> FrameBox {
    Frame::new(&FrameHeader::new(RCtl(0), Type(0), PortId::NONE, PortId::NONE), &[])
}

fn plug(switch: &mut Switch) -> RingLink {
    let [far, mut near] = ring_links(64, [Arc::new(|| {}), Arc::new(|| {})]);
    switch.attach(Box::new(far)).expect("a free F_Port");
    near.event(0);
    switch.poll(0);
    near
}

fn log_in(switch: &mut Switch, host: &mut RingLink, name: u64, now: u64) -> PortId {
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC).with_f_ctl(FCtl::REQUEST);
    host.send(Frame::new(&header, &Login::fabric(Command::FLOGI, Wwn(name), Wwn(1), 2112, true).to_bytes()));
    switch.poll(now);
    let reply = host.receive(now).expect("an answer to FLOGI");
    assert_eq!(reply.payload().first(), Some(&Command::LS_ACC.0), "FLOGI of a new name is accepted");
    reply.header().d_id()
}
