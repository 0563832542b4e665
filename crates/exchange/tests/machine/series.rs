//! Several operations of one command, one after the other.

use crate::rig::{Call, Rig, WRITE, Word, pieces};
use bdev::{Op, Status};
use exchange::{Event, Order, Outcome, Plan};

const TAKE: Plan<Word> = Plan::Take { len: 512 };

fn step(block: u64) -> Op {
    Op::Write { block, blocks: 1, fua: false }
}

/// A rig whose command 0 is a series of `steps` after its first write; its data has come.
fn series(steps: u64, at_once: Option<Status>) -> (Rig, Vec<Call>) {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    rig.disk.borrow_mut().at_once = at_once;
    rig.group.set.after_take = Plan::Series { target: rig.target, op: WRITE, len: 512 };
    rig.group.set.steps.extend((0..steps).map(step));
    assert_eq!(rig.command(0, TAKE), [Call::Fetch(0)]);
    let calls = rig.fetched(0, true);
    (rig, calls)
}

fn told(outcome: Outcome) -> Call {
    Call::Reply(0, Word::Told(outcome))
}

#[test]
fn the_operations_run_one_after_the_other_with_the_same_data() {
    let (mut rig, calls) = series(2, None);
    assert_eq!(calls, [Call::Submit(0, WRITE)]);
    assert_eq!(rig.done(0, Status::Ok), [Call::Submit(0, step(0))]);
    assert_eq!(rig.disk.borrow().held[&0].1.len(), 512);
    assert_eq!(rig.done(0, Status::Ok), [Call::Submit(0, step(1))]);
    assert_eq!(rig.done(0, Status::Ok), [told(Outcome::Done(Status::Ok))]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn the_first_that_fails_is_the_last() {
    let (mut rig, _) = series(2, None);
    assert_eq!(rig.done(0, Status::WriteError), [told(Outcome::Done(Status::WriteError))]);
    assert_eq!((rig.census(), rig.group.set.steps.len()), ((1, 0, 0), 2));
}

#[test]
fn a_quick_device_does_not_keep_the_core() {
    let (mut rig, calls) = series(100, Some(Status::Ok));
    assert_eq!(calls.len(), 65, "the first and 64 more");
    assert_eq!(rig.group.deadline(), Some(rig.now), "a sleeping core goes on");
    let calls = rig.poll();
    assert_eq!((calls.len(), calls.last()), (37, Some(&told(Outcome::Done(Status::Ok)))));
    assert_eq!(rig.group.deadline(), None);
}

#[test]
fn an_abort_between_two_turns_ends_it() {
    let (mut rig, _) = series(100, Some(Status::Ok));
    let tag = crate::rig::tag(0);
    rig.group.port.events.push_back(Event::Abort { tag });
    // The turn goes on with the resting ones first: 36 are left, so 64 more are in order.
    rig.group.set.steps.extend((0..100).map(step));
    rig.poll();
    assert_eq!(rig.poll(), [told(Outcome::Aborted)]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn an_abort_while_the_device_has_it_ends_it_there() {
    let (mut rig, _) = series(2, None);
    assert_eq!(rig.order(Order::Hurry { tag: crate::rig::tag(0) }), [Call::Cancel(0)]);
    assert_eq!(rig.done(0, Status::Ok), [told(Outcome::Aborted)]);
    assert_eq!(rig.group.set.steps.len(), 2);
}

#[test]
fn a_device_that_goes_ends_it() {
    let (mut rig, _) = series(100, Some(Status::Ok));
    rig.group.detach(rig.target, rig.now);
    assert_eq!(rig.poll(), [told(Outcome::Done(Status::Removed))]);
}

#[test]
fn an_operation_without_data_after_a_take_gives_the_data_back() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    let op = Op::WriteZeroes { block: 0, blocks: 9, unmap: true, fua: false };
    rig.group.set.after_take = Plan::Io { target: rig.target, op, len: 0 };
    rig.command(0, TAKE);
    assert_eq!(rig.fetched(0, true), [Call::Submit(0, op)]);
    assert!(rig.disk.borrow().held[&0].1.is_empty());
    assert_eq!(rig.census(), (1, 0, 0));
    assert_eq!(rig.done(0, Status::Ok), [told(Outcome::Done(Status::Ok))]);
}
