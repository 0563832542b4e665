//! Queues, waiting, and what happens when somebody takes nothing.

use crate::rig::{MS, Rig};
use fabric::limits::{HOLD, QUEUE};
use fc::Link;

const A: u64 = 0x2100_0000_0000_000a;
const B: u64 = 0x2100_0000_0000_000b;

#[test]
fn nothing_is_lost_or_reordered_between_ports_that_take_what_comes() {
    let mut rig = Rig::new();
    let mut a = rig.host(A);
    let mut b = rig.plug(B, 7);
    b.id = rig.flogi(&mut b).unwrap();
    let mut sent = 0;
    let mut got = Vec::new();
    while got.len() < 20_000 {
        while a.link.room() > 0 && sent < 20_000 {
            a.send(b.id, sent);
            sent += 1;
        }
        rig.pass(1000);
        got.append(&mut b.numbers());
    }
    assert!(got.iter().copied().eq(0..20_000));
    let counters = rig.switch.ports()[usize::from(a.f_port)].counters;
    assert!(counters.held_back > 0, "the small link has made the large one wait");
    assert_eq!(rig.switch.ports()[usize::from(b.f_port)].counters.discarded_hold_time, 0);
}

#[test]
fn a_port_that_takes_nothing_costs_others_the_hold_time_once() {
    let mut rig = Rig::new();
    let (mut a, mut good) = (rig.host(A), rig.host(B));
    let mut dead = rig.plug(B + 1, 4);
    dead.id = rig.flogi(&mut dead).unwrap();
    (0..QUEUE as u32 + 10).for_each(|n| a.send(dead.id, n));
    a.send(good.id, 1);
    for _ in 0..10 {
        rig.turn();
    }
    assert_eq!(good.numbers(), [], "it waits behind the others");
    assert!(rig.switch.is_pending());
    rig.pass(HOLD);
    (0..10).for_each(|_| rig.turn());
    assert_eq!(good.numbers(), [1]);
    (0..3000).for_each(|n| {
        a.send(dead.id, n);
        if n % 50 == 0 {
            rig.turn();
        }
    });
    a.send(good.id, 2);
    (0..10).for_each(|_| rig.turn());
    assert_eq!(good.numbers(), [2], "from now on nobody waits for it");
    assert!(rig.switch.ports()[usize::from(dead.f_port)].counters.discarded_hold_time > 1000);
    assert!(!rig.switch.is_pending());
    dead.numbers();
    a.send(dead.id, 77);
    rig.turn();
    assert_eq!(dead.numbers(), [77], "it takes frames again");
}

#[test]
fn two_ports_that_wait_for_each_other_go_on_after_the_hold_time() {
    let mut rig = Rig::new();
    let (mut a, mut b) = (rig.plug(A, 512), rig.plug(B, 512));
    a.id = rig.flogi(&mut a).unwrap();
    b.id = rig.flogi(&mut b).unwrap();
    for _ in 0..20 {
        while a.link.room() > 0 {
            a.send(b.id, 1);
        }
        while b.link.room() > 0 {
            b.send(a.id, 1);
        }
        rig.turn();
    }
    assert_eq!((a.link.room(), b.link.room()), (0, 0), "both are full, neither takes anything");
    rig.pass(HOLD + MS);
    (0..100).for_each(|_| rig.turn());
    assert!(a.link.room() > 0 && b.link.room() > 0);
    assert!(!rig.switch.is_pending());
}

#[test]
fn frames_go_home() {
    let mut rig = Rig::new();
    let (mut a, b) = (rig.host(A), rig.host(B));
    let free = rig.switch.free_frames();
    (0..60).for_each(|n| a.send(b.id, n));
    rig.turn();
    let mut b = b;
    let id = b.id;
    b.numbers();
    drop(b);
    rig.turn();
    a.send(id, 1);
    rig.turn();
    assert_eq!(rig.switch.ports()[0].counters.discarded_destination, 1);
    assert!(rig.switch.free_frames() >= free, "what was discarded is back in the pool");
}
