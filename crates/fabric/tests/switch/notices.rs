//! RSCN.

use crate::rig::{MS, Rig, ids};
use wire::fc::ct::{Fc4Types, FeatureBits, Request};
use wire::fc::els::{AddressFormat, EventQualifier, RscnPage, Scr, ScrFunction};
use wire::fc::{PortId, Type};

const A: u64 = 0x2100_0000_0000_000a;
const B: u64 = 0x2100_0000_0000_000b;

#[test]
fn who_registered_hears_once_of_a_port_that_comes_and_of_one_that_goes() {
    let mut rig = Rig::new();
    let mut a = rig.host(A);
    let mut deaf = rig.host(A + 100);
    rig.scr(&mut a);
    rig.pass(20 * MS);
    assert!(a.receive().is_none());
    let b = rig.registered(B);
    assert!(a.receive().is_none(), "changes are gathered");
    rig.pass(11 * MS);
    let pages = rig.rscn(&mut a);
    assert_eq!(ids(&pages), [b.id], "login and two registrations make one");
    assert_eq!(pages[0].format(), AddressFormat::PORT);
    let id = b.id;
    drop(b);
    rig.turn();
    rig.pass(11 * MS);
    assert_eq!(rig.rscn(&mut a), [RscnPage::new(EventQualifier::REMOVED, AddressFormat::PORT, id)]);
    assert!(a.receive().is_none() && deaf.receive().is_none());
}

#[test]
fn registering_the_same_again_is_no_news_and_clear_ends_it() {
    let mut rig = Rig::new();
    let mut a = rig.host(A);
    let mut b = rig.registered(B);
    rig.scr(&mut a);
    rig.register(&mut b, Type::FCP, FeatureBits(0).with_target(true));
    rig.pass(20 * MS);
    assert!(a.receive().is_none());
    let id = b.id;
    rig.ct(&mut b, &Request::RftId(id, Fc4Types::NONE)).unwrap();
    rig.pass(20 * MS);
    assert_eq!(ids(&rig.rscn(&mut a)), [b.id]);
    assert_eq!(rig.els(&mut a, PortId::FABRIC_CONTROLLER, &Scr::new(ScrFunction::CLEAR).to_bytes()).payload()[0], 2);
    drop(b);
    rig.turn();
    rig.pass(20 * MS);
    assert!(a.receive().is_none());
    let odd = Scr::new(ScrFunction(9)).to_bytes();
    assert_eq!(rig.els(&mut a, PortId::FABRIC_CONTROLLER, &odd).payload()[0], 1);
}

#[test]
fn one_that_is_not_answered_is_sent_again_and_given_up_in_the_end() {
    let mut rig = Rig::new();
    let mut a = rig.host(A);
    rig.scr(&mut a);
    let b = rig.host(B);
    rig.pass(20 * MS);
    let first = a.receive().unwrap();
    let _c = rig.host(B + 1);
    rig.pass(20 * MS);
    assert!(a.receive().is_none(), "one at a time");
    rig.pass(2_000 * MS);
    let second = a.receive().unwrap();
    assert_eq!(first.payload(), second.payload());
    assert_ne!(first.header().ox_id(), second.header().ox_id());
    assert_eq!(ids(&[RscnPage::new(EventQualifier::NONE, AddressFormat::PORT, b.id)]), [b.id]);
    rig.pass(2_000 * MS);
    assert!(a.receive().is_some(), "third try");
    rig.pass(2_000 * MS);
    let next = a.receive().unwrap();
    assert_ne!(first.payload(), next.payload(), "given up; the next news");
    assert_eq!(rig.switch.counters().rscn_unanswered, 1);
    let deadline = rig.switch.deadline();
    assert!(deadline.is_some_and(|at| at > rig.now));
}

#[test]
fn very_many_changes_are_the_whole_fabric() {
    let mut rig = Rig::new();
    let mut a = rig.host(A);
    rig.scr(&mut a);
    let mut b = rig.host(B);
    for n in 0..100 {
        rig.fdisc(&mut b, 0x2200_0000_0000_0000 + n).unwrap();
    }
    rig.pass(20 * MS);
    let pages = rig.rscn(&mut a);
    assert_eq!((pages.len(), pages[0].format()), (1, AddressFormat::FABRIC));
}

#[test]
fn a_port_may_say_that_it_changed_itself() {
    let mut rig = Rig::new();
    let (mut a, mut b) = (rig.host(A), rig.host(B));
    rig.scr(&mut a);
    rig.pass(20 * MS);
    let mut payload = [0; 8];
    let page = RscnPage::new(EventQualifier::NONE, AddressFormat::PORT, b.id);
    wire::fc::els::write_rscn(&mut payload, &[page]).unwrap();
    assert_eq!(rig.els(&mut b, PortId::FABRIC_CONTROLLER, &payload).payload()[0], 2);
    rig.pass(20 * MS);
    assert_eq!(ids(&rig.rscn(&mut a)), [b.id]);
}
