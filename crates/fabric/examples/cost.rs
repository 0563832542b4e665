//! What it costs to forward a frame: one thread, two ports on rings, frames of 24 + 2,048 bytes that nobody looks into.

use fabric::{Config, Switch};
use fc::{Frames, Link, RingLink, ring_links};
use std::sync::Arc;
use std::time::Instant;
use wire::fc::els::{Command, Login};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, Wwn};

const FRAMES: u64 = 20_000_000;

fn plug(switch: &mut Switch, frames: &mut Frames, name: u64) -> (RingLink, PortId) {
    let [far, mut near] = ring_links(512, [Arc::new(|| {}), Arc::new(|| {})]);
    switch.attach(Box::new(far)).expect("a free F_Port");
    near.event(0);
    switch.poll(0);
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::NONE, PortId::FABRIC).with_f_ctl(FCtl::REQUEST);
    let mut frame = frames.take().expect("a frame");
    frame.set(&header, &Login::fabric(Command::FLOGI, Wwn(name), Wwn(1), 2112, true).to_bytes());
    near.send(frame);
    switch.poll(0);
    let reply = near.receive(0).expect("an accept");
    let id = reply.header().d_id();
    frames.give(reply);
    (near, id)
}

fn main() {
    let mut frames = Frames::new(2048);
    let config = Config { name: "cost".into(), wwn: Wwn(0x1000_0271_6663_0001), domain: 3 };
    let mut switch = Switch::new(config, frames.clone());
    let (mut a, of_a) = plug(&mut switch, &mut frames, 0xa);
    let (mut b, of_b) = plug(&mut switch, &mut frames, 0xb);
    let header = FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, of_a, of_b);
    let (mut got, mut in_switch) = (0u64, 0u128);
    let began = Instant::now();
    while got < FRAMES {
        for _ in 0..64 {
            let Some(mut frame) = frames.take() else { break };
            *frame.header_mut() = header;
            frame.set_payload_len(2048);
            a.send(frame);
        }
        let turn = Instant::now();
        switch.poll(got);
        in_switch += turn.elapsed().as_nanos();
        while let Some(frame) = b.receive(got) {
            got += 1;
            frames.give(frame);
        }
    }
    let whole = began.elapsed().as_nanos();
    println!("{} ns a frame, of which {} ns in the switch", whole / u128::from(got), in_switch / u128::from(got));
}
