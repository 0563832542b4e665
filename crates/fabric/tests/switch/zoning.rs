//! Zones as ports feel them.

use crate::rig::{MS, Rig, ids};
use fabric::zoning::{DefaultZone, Member, Zoning};
use std::collections::BTreeSet;
use wire::fc::ct::{Command, PortEntries, PortIdObject, Reject, Request};
use wire::fc::{PortId, Type, Wwn};

const A: u64 = 0x2100_0000_0000_000a;
const B: u64 = 0x2100_0000_0000_000b;
const C: u64 = 0x2100_0000_0000_000c;

fn zone(names: &[u64]) -> BTreeSet<Member> {
    names.iter().map(|name| Member::Name(Wwn(*name))).collect()
}

fn zones(zoning: &mut Zoning) -> Result<(), fabric::Refused> {
    zoning.create_zone("a_b", zone(&[A, B]))?;
    zoning.create_zone("c_b", zone(&[C, B]))?;
    zoning.activate(None)
}

#[test]
fn frames_and_answers_stay_within_a_zone() {
    let mut rig = Rig::new();
    let (mut a, mut b, mut c) = (rig.registered(A), rig.registered(B), rig.registered(C));
    a.send(c.id, 1);
    rig.turn();
    assert_eq!(c.numbers(), [1], "open without zones");
    rig.switch.rezone(rig.now, zones).unwrap();
    a.send(c.id, 2);
    a.send(b.id, 3);
    c.send(b.id, 4);
    rig.turn();
    let mut heard = b.numbers();
    heard.sort();
    assert_eq!((heard, c.numbers()), (vec![3, 4], vec![]));
    assert_eq!(rig.switch.ports()[usize::from(a.f_port)].counters.discarded_zone, 1);
    let request = Request::ByType { command: Command::GID_FT, domain: 0, area: 0, type_: Type::FCP };
    let body = rig.ct(&mut a, &request).unwrap();
    let seen: Vec<PortId> = PortEntries::new(&body).map(PortIdObject::id).collect();
    assert_eq!(seen, [a.id, b.id]);
    assert_eq!(rig.ct(&mut a, &Request::ByName(Command::GID_PN, Wwn(C))), Err(Reject::NO_PORT_NAME));
    assert_eq!(rig.ct(&mut a, &Request::ById(Command::GPN_ID, c.id)), Err(Reject::NO_PORT_ID));
    let late = rig.registered(0x2100_0000_0000_000d);
    a.send(late.id, 5);
    rig.turn();
    assert_eq!(rig.switch.ports()[usize::from(a.f_port)].counters.discarded_zone, 2, "also who comes later");
}

#[test]
fn who_loses_or_gains_a_port_by_zones_hears_of_it_and_nobody_else() {
    let mut rig = Rig::new();
    let (mut a, mut b, mut c) = (rig.registered(A), rig.registered(B), rig.registered(C));
    [&mut a, &mut b, &mut c].into_iter().for_each(|host| rig.scr(host));
    rig.switch.rezone(rig.now, zones).unwrap();
    rig.pass(20 * MS);
    assert_eq!(ids(&rig.rscn(&mut a)), [c.id]);
    assert_eq!(ids(&rig.rscn(&mut c)), [a.id]);
    assert!(b.receive().is_none());
    rig.switch.set_up(c.f_port, false, rig.now).unwrap();
    rig.pass(20 * MS);
    assert_eq!(ids(&rig.rscn(&mut b)), [c.id]);
    assert!(a.receive().is_none(), "not of a port in another zone");
    rig.switch.rezone(rig.now, |zoning| zoning.remove_member("a_b", &Member::Name(Wwn(B)))).unwrap();
    rig.pass(20 * MS);
    assert_eq!((ids(&rig.rscn(&mut a)), ids(&rig.rscn(&mut b))), (vec![b.id], vec![a.id]));
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let mut rig = Rig::new();
    let (mut a, mut b) = (rig.host(A), rig.host(B));
    let change = |zoning: &mut Zoning| {
        zoning.create_zone("x", BTreeSet::new())?;
        zoning.create_zone("x", BTreeSet::new())?;
        zoning.activate(None)
    };
    assert!(rig.switch.rezone(rig.now, change).is_err());
    assert!(rig.switch.zoning().zones.is_empty());
    rig.switch
        .rezone(rig.now, |zoning| {
            zoning.default_zone = DefaultZone::Deny;
            Ok(())
        })
        .unwrap();
    a.send(b.id, 1);
    rig.turn();
    assert!(b.numbers().is_empty());
}
