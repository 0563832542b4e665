//! Injected faults.

use crate::rig::{Host, MS, Rig};
use fabric::{Action, Match, Rule};
use wire::fc::els::{Command, Login};
use wire::fc::{PortId, Wwn};

fn two() -> (Rig, Host, Host) {
    let mut rig = Rig::new();
    let (a, b) = (rig.host(0x2100_0000_0000_000a), rig.host(0x2100_0000_0000_000b));
    (rig, a, b)
}

fn rule(action: Action, count: Option<u64>) -> Rule {
    Rule { matches: Match::default(), action, count, probability: 1.0, seed: 7 }
}

fn numbers(rig: &mut Rig, a: &mut Host, b: &mut Host, which: std::ops::Range<u32>) -> Vec<u32> {
    which.for_each(|number| a.send(b.id, number));
    rig.turn();
    b.numbers()
}

#[test]
fn frames_are_lost_doubled_and_changed() {
    let (mut rig, mut a, mut b) = two();
    let id = rig.switch.inject(rule(Action::Drop, Some(2)));
    assert_eq!(numbers(&mut rig, &mut a, &mut b, 0..4), [2, 3]);
    assert_eq!(rig.switch.injections()[0].hits, 2);
    assert!(rig.switch.inject_clear(Some(id)));
    rig.switch.inject(rule(Action::Duplicate, Some(1)));
    assert_eq!(numbers(&mut rig, &mut a, &mut b, 4..6), [4, 4, 5]);
    rig.switch.inject_clear(None);
    rig.switch.inject(rule(Action::Corrupt { offset: Some(3), xor: 0x80 }, Some(1)));
    assert_eq!(numbers(&mut rig, &mut a, &mut b, 6..8), [0x86, 7]);
}

#[test]
fn frames_are_delayed_and_overtaken() {
    let (mut rig, mut a, mut b) = two();
    rig.switch.inject(rule(Action::Delay { ns: 5 * MS }, Some(1)));
    assert_eq!(numbers(&mut rig, &mut a, &mut b, 0..3), [1, 2]);
    assert_eq!(rig.switch.deadline(), Some(rig.now + 5 * MS));
    rig.pass(5 * MS);
    assert_eq!(b.numbers(), [0]);
    rig.switch.inject(rule(Action::Reorder, Some(1)));
    assert_eq!(numbers(&mut rig, &mut a, &mut b, 10..13), [11, 10, 12]);
    rig.switch.inject(rule(Action::Reorder, Some(1)));
    assert_eq!(numbers(&mut rig, &mut a, &mut b, 20..21), []);
    rig.pass(10 * MS);
    assert_eq!(b.numbers(), [20], "nobody overtook it");
}

#[test]
fn the_switchs_own_frames_can_be_lost_too() {
    let (mut rig, mut a, mut b) = two();
    let matches = Match { s_id: Some(PortId::FABRIC), ..Match::default() };
    rig.switch.inject(Rule { matches, ..rule(Action::Drop, Some(1)) });
    let login = Login::fabric(Command::FLOGI, a.name, Wwn(1), 2112, true).to_bytes();
    a.send_els(PortId::NONE, PortId::FABRIC, &login);
    rig.turn();
    assert!(a.receive().is_none());
    assert_eq!(rig.flogi(&mut a), Ok(a.id));
    let matches = Match { wwpn: Some(b.name), els: Some(Command::PLOGI), ..Match::default() };
    rig.switch.inject(Rule { matches, ..rule(Action::Drop, None) });
    let id = a.id;
    a.send_els(id, b.id, &Login::n_port(Command::PLOGI, a.name, Wwn(1), 2112).to_bytes());
    a.send(b.id, 9);
    rig.turn();
    assert_eq!(b.numbers(), [9]);
}
