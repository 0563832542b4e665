//! Frames that no N_Port would send.

use crate::rig::Rig;
use fc::{Frame, Link};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type};

const A: u64 = 0x2100_0000_0000_000a;
const B: u64 = 0x2100_0000_0000_000b;

#[test]
fn a_port_speaks_for_itself_only() {
    let mut rig = Rig::new();
    let (mut a, mut b) = (rig.host(A), rig.host(B));
    let victim = b.id;
    let frame = |from, to| Frame::new(&FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, from, to), &[0; 4]);
    a.link.send(frame(PortId(0x03_0909), victim));
    a.link.send(frame(victim, victim));
    a.link.send(frame(PortId::NONE, victim));
    a.link.send(frame(a.id, PortId(0x03_0909)));
    a.link.send(frame(a.id, PortId(0x04_0100)));
    a.link.send(frame(a.id, PortId::BROADCAST));
    a.link.send(frame(a.id, PortId::NONE));
    a.link.send(Frame::new(&FrameHeader::new(RCtl::VFT_HEADER, Type::FCP, a.id, victim), &[0; 4]));
    let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, victim, PortId::FABRIC).with_f_ctl(FCtl::REQUEST);
    let logo = wire::fc::els::Logo::new(victim, b.name).to_bytes();
    a.link.send(Frame::new(&header, &logo));
    rig.turn();
    assert!(b.receive().is_none());
    assert_eq!(rig.switch.id_of(b.name), Some(victim), "nobody logs another out");
    let counters = rig.switch.ports()[usize::from(a.f_port)].counters;
    assert_eq!((counters.discarded_source, counters.discarded_destination, counters.discarded_other), (4, 4, 1));
}

#[test]
fn an_abort_of_anything_is_accepted() {
    let mut rig = Rig::new();
    let mut a = rig.host(A);
    let header = FrameHeader::new(RCtl::ABTS, Type::BLS, a.id, PortId::DIRECTORY).with_exchange(0x1234, 0xffff);
    a.link.send(Frame::new(&header, &[]));
    rig.turn();
    let reply = a.receive().unwrap();
    assert_eq!((reply.header().r_ctl, reply.header().ox_id()), (RCtl::BA_ACC, 0x1234));
}

/// Frames of chance, most of them nearly right, into two ports of a switch with zones and rules: nothing breaks, and who behaves is
/// served all the while.
#[test]
fn noise_breaks_nothing() {
    let mut state = 1u64;
    let mut chance = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut rig = Rig::new();
    let (mut a, mut b) = (rig.host(A), rig.host(B));
    let addresses = [0, a.id.0, b.id.0, 0xff_fffe, 0xff_fffd, 0xff_fffc, 0xff_fffa, 0xff_ffff, 0xff_fc03, 0x03_0105];
    for round in 0..50_000u32 {
        let mut bytes = [0; 24 + 400];
        let length = 24 + chance(400) as usize;
        bytes[..length].iter_mut().for_each(|byte| *byte = chance(256) as u8);
        let address = |n: u64| addresses[n as usize].to_be_bytes();
        if chance(8) != 0 {
            bytes[1..4].copy_from_slice(&address(chance(10))[1..]);
            bytes[5..8].copy_from_slice(&address(chance(10))[1..]);
            bytes[0] = [0x22, 0x23, 0x02, 0x81, 0x06][chance(5) as usize];
            bytes[8] = [1, 0x20, 8][chance(3) as usize];
            bytes[9..15].copy_from_slice(&[0x29, 0, 0, 0, 0, 0]);
            bytes[24] = [3, 4, 5, 0x51, 0x61, 0x62, 0x10, 1][chance(8) as usize];
            if bytes[8] == 0x20 {
                bytes[24] = 1;
                bytes[28..32].copy_from_slice(&[0xfc, 2, 0, 0]);
                bytes[32] = 1 + chance(3) as u8;
            }
        }
        let mut frame = Frame::new(&FrameHeader::new(RCtl(0), Type(0), PortId(0), PortId(0)), &[]);
        assert!(frame.fill(&bytes[..length]));
        let host = if chance(2) == 0 { &mut a } else { &mut b };
        host.link.send(frame);
        if round % 16 == 0 {
            rig.pass(chance(30_000_000));
            while a.receive().is_some() {}
            while b.receive().is_some() {}
        }
    }
    let mut c = rig.registered(A + 50);
    let mut d = rig.host(A + 51);
    d.send(c.id, 5);
    rig.turn();
    assert_eq!(c.numbers(), [5]);
}
