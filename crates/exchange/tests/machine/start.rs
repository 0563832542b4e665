//! Commands that wait for the command set and then go on, and commands that it wants ended.

use crate::rig::{Call, READ, Rig, Word, pieces, tag};
use bdev::Status;
use exchange::{Order, Outcome, Plan};

fn rig() -> Rig {
    Rig::new(&[pieces(4096, 1)])
}

const ABORTED: Word = Word::Told(Outcome::Aborted);

#[test]
fn a_parked_command_goes_on_when_told() {
    let mut rig = rig();
    rig.group.set.after_start = rig.read();
    assert_eq!(rig.command(0, Plan::Park), []);
    assert_eq!(rig.order(Order::Start { tag: tag(0) }), [Call::Submit(0, READ)]);
    let calls = rig.done(0, Status::Ok);
    assert_eq!(calls, [Call::Send(0, Word::Told(Outcome::Done(Status::Ok)))]);
    rig.sent(0);
    assert_eq!(rig.all_calls().iter().filter(|call| **call == Call::Sent(0)).count(), 1);
    assert_eq!(rig.census(), (0, 0, 0));
}

#[test]
fn it_may_be_parked_again_or_answered() {
    let mut rig = rig();
    rig.group.set.after_start = Plan::Park;
    rig.command(0, Plan::Park);
    assert_eq!(rig.order(Order::Start { tag: tag(0) }), []);
    rig.group.set.after_start = Plan::Reply(Word::Plain(8));
    assert_eq!(rig.order(Order::Start { tag: tag(0) }), [Call::Reply(0, Word::Plain(8))]);
}

#[test]
#[should_panic(expected = "nobody's wish")]
fn what_is_not_parked_cannot_be_started() {
    let mut rig = rig();
    rig.command(0, rig.read());
    rig.order(Order::Start { tag: tag(0) });
}

#[test]
fn who_is_hurried_ends_as_if_aborted() {
    let mut rig = rig();
    rig.command(0, Plan::Park);
    rig.command(1, rig.read());
    rig.command(2, rig.read());
    assert_eq!(rig.census(), (3, 4096, 1));
    let calls = rig.order(Order::Hurry { tag: tag(0) });
    assert_eq!(calls, [Call::Unpark(0), Call::Reply(0, ABORTED)]);
    assert_eq!(rig.order(Order::Hurry { tag: tag(2) }), [Call::Reply(2, ABORTED)]);
    assert_eq!(rig.order(Order::Hurry { tag: tag(1) }), [Call::Cancel(1)]);
    assert_eq!(rig.order(Order::Hurry { tag: tag(1) }), []);
    assert_eq!(rig.done(1, Status::Aborted), [Call::Reply(1, ABORTED)]);
    assert_eq!(rig.order(Order::Hurry { tag: tag(1) }), [], "its reply is on the way");
}

#[test]
fn who_is_gone_or_answered_by_the_set_is_left_alone() {
    let mut rig = rig();
    assert_eq!(rig.order(Order::Hurry { tag: tag(60) }), []);
    rig.command(0, Plan::Control);
    assert_eq!(rig.order(Order::Hurry { tag: tag(0) }), []);
    let reply = Word::Plain(3);
    assert_eq!(rig.order(Order::Answer { tag: tag(0), reply }), [Call::Reply(0, reply)]);
}

#[test]
fn room_is_announced_once_for_each_size() {
    let mut rig = rig();
    rig.command(0, Plan::Park);
    assert!(!rig.all_calls().iter().any(|call| matches!(call, Call::Places(_))), "it was, with the first queue");
}
