//! Devices that go, loans that keep them, and the order in which queues end.

use crate::rig::{Call, READ, Rig, Word, pieces};
use bdev::Status;
use exchange::{Event, Order, Outcome, Plan};

const SECOND: u64 = 1_000_000_000;

fn rig() -> Rig {
    Rig::new(&[pieces(4096, 4)])
}

fn lender() -> Rig {
    let mut rig = rig();
    rig.group.port.lends = true;
    rig.disk.borrow_mut().lend_from = Some(rig.arena.region(4096).unwrap());
    rig
}

#[test]
fn an_idle_device_goes_in_the_next_turn() {
    let mut rig = rig();
    rig.group.detach(rig.target, rig.now);
    assert!(rig.group.deadline().is_some_and(|at| at <= rig.now), "a sleeping core wakes for it");
    rig.poll();
    assert!(!rig.group.is_attached(rig.target));
}

#[test]
fn what_is_in_flight_is_hurried_and_what_comes_later_is_told() {
    let mut rig = rig();
    rig.command(0, rig.read());
    rig.command(1, rig.write(4096));
    rig.group.detach(rig.target, rig.now);
    rig.group.detach(rig.target, rig.now);
    assert!(rig.all_calls().contains(&Call::Reset));
    let removed = Word::Told(Outcome::Done(Status::Removed));
    assert_eq!(rig.command_on(1, 2, rig.read()), [Call::Reply(2, removed)]);
    assert_eq!(rig.fetched(1, true), [Call::Reply(1, removed)]);
    assert!(rig.group.is_attached(rig.target), "one read is not home");
    assert_eq!(rig.done(0, Status::Aborted), [Call::Reply(0, Word::Told(Outcome::Done(Status::Aborted)))]);
    assert!(!rig.group.is_attached(rig.target));
    assert_eq!(rig.census(), (3, 0, 0));
}

#[test]
fn a_loan_keeps_its_device_for_a_second_then_its_queue_ends() {
    let mut rig = lender();
    rig.command_on(2, 0, rig.read());
    rig.group.detach(rig.target, rig.now);
    let (begin, due) = (rig.now, rig.now + SECOND);
    assert_eq!(rig.group.deadline(), Some(due));
    rig.now = due - 1;
    assert_eq!(rig.poll(), []);
    rig.now = due;
    assert_eq!(rig.poll(), [Call::CloseQueue(2)]);
    assert_eq!(rig.poll(), [], "once a second, not in every turn");
    rig.now = begin + 2 * SECOND;
    assert_eq!(rig.poll(), [Call::CloseQueue(2)]);
    rig.sent(0);
    assert!(!rig.group.is_attached(rig.target));
}

#[test]
fn a_loan_that_comes_home_in_time_ends_no_queue() {
    let mut rig = lender();
    rig.command(0, rig.read());
    rig.group.detach(rig.target, rig.now);
    rig.poll();
    assert!(rig.group.is_attached(rig.target));
    assert_eq!(rig.sent(0), []);
    assert!(!rig.group.is_attached(rig.target));
}

#[test]
fn a_device_that_goes_lends_nothing() {
    let mut rig = lender();
    rig.command(0, rig.read());
    rig.group.detach(rig.target, rig.now);
    assert_eq!(rig.command(1, rig.read()), [Call::Reply(1, Word::Told(Outcome::Done(Status::Removed)))]);
}

#[test]
fn a_device_knows_the_time_before_its_first_operation() {
    let mut rig = rig();
    rig.now = 12_345;
    rig.command(0, rig.read());
    let calls = rig.all_calls();
    assert_eq!(calls[..2], [Call::Turn(12_345), Call::Submit(0, READ)]);
    rig.command(1, rig.read());
    let turns = rig.all_calls().iter().filter(|call| matches!(call, Call::Turn(_))).count();
    assert_eq!(turns, 1, "once a turn");
}

#[test]
fn a_queue_is_opened_closed_on_order_and_told_of_in_order() {
    let mut rig = rig();
    assert_eq!(rig.event(Event::Opened { queue: 7, origin: () }), [Call::Opened(7)]);
    rig.command_on(7, 0, Plan::Park);
    assert_eq!(rig.order(Order::Close { queue: 7 }), [Call::CloseQueue(7)]);
    assert_eq!(rig.lost(0), [Call::Unpark(0), Call::Reply(0, Word::Told(Outcome::Aborted))]);
    assert_eq!(rig.sent(0), []);
    assert_eq!(rig.event(Event::Closed { queue: 7 }), [Call::Closed(7)]);
    assert_eq!(rig.event(Event::Opened { queue: 7, origin: () }), [Call::Opened(7)]);
}

#[test]
#[should_panic(expected = "in use")]
fn a_port_that_gives_a_tag_twice_is_found_out() {
    let mut rig = rig();
    rig.command(0, Plan::Park);
    rig.command(0, Plan::Park);
}
