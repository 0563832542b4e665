//! A turn of a switch that forwards neither allocates nor frees, with zones, queues and all.

use fabric::zoning::Member;
use fabric::{Config, Switch};
use fc::{Frames, Link, RingLink, ring_links};
use std::collections::BTreeSet;
use std::sync::Arc;
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

#[global_allocator]
static ALLOCATOR: frugal::Frugal = frugal::Frugal;

fn plug(switch: &mut Switch, frames: &mut Frames, name: u64, ring: usize) -> (RingLink, PortId) {
    let [far, mut near] = ring_links(ring, [Arc::new(|| {}), Arc::new(|| {})]);
    switch.attach(Box::new(far)).unwrap();
    near.event(0);
    switch.poll(0);
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC).with_f_ctl(FCtl::REQUEST);
    let mut frame = frames.take().unwrap();
    frame.set(&header, &Login::fabric(Command::FLOGI, Wwn(name), Wwn(1), 2112, true).to_bytes());
    near.send(frame);
    switch.poll(0);
    let reply = near.receive(0).unwrap();
    let id = reply.header().d_id();
    frames.give(reply);
    (near, id)
}

#[test]
fn forwarding_neither_allocates_nor_frees() {
    let mut frames = Frames::new(2048);
    let config = Config { name: "test".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
    let mut switch = Switch::new(config, frames.clone());
    let (mut a, of_a) = plug(&mut switch, &mut frames, 0xa, 256);
    let (mut b, of_b) = plug(&mut switch, &mut frames, 0xb, 8);
    switch
        .rezone(0, |zoning| {
            zoning.create_zone("z", BTreeSet::from([Member::Name(Wwn(0xa)), Member::Name(Wwn(0xb))]))?;
            zoning.activate(None)
        })
        .unwrap();
    let mut got = 0;
    for turn in 0..20_000u64 {
        while a.room() > 0
            && let Some(mut frame) = frames.take()
        {
            // One of many goes nowhere: discarding is free of allocations, too.
            let to = if turn % 7 == 0 { PortId(0x03_7777) } else { of_b };
            frame.set(&FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, of_a, to), &[0; 512]);
            a.send(frame);
        }
        let mut poll = || switch.poll(turn);
        if turn < 100 {
            poll()
        } else {
            frugal::without_allocation(poll)
        };
        while let Some(frame) = b.receive(turn) {
            got += 1;
            frames.give(frame);
        }
    }
    let ports = switch.ports();
    assert!(got > 10_000 && ports[0].counters.held_back > 0 && ports[0].counters.discarded_destination > 0, "{got}");
}
