//! Several operations of one command, one after the other.

use crate::rig::{Call, READ, Rig, WRITE, Word, pieces, tag};
use bdev::{Op, Status};
use exchange::{Order, Outcome, Piece, Plan, Step};

const TWO: Plan<Word> = Plan::Steps { take: 512, scratch: 4096 };

/// A rig whose command 0 takes these steps; its data has come.
fn steps(at_once: Option<Status>, steps: impl Fn(&Rig) -> Vec<Step<Word>>) -> (Rig, Vec<Call>) {
    let mut rig = Rig::new(&[pieces(4096, 2)]);
    rig.disk.borrow_mut().at_once = at_once;
    rig.group.set.steps = steps(&rig).into();
    assert_eq!(rig.command(0, TWO), [Call::Fetch(0)]);
    let calls = rig.fetched(0, true);
    (rig, calls)
}

fn many(count: usize) -> impl Fn(&Rig) -> Vec<Step<Word>> {
    move |rig| vec![rig.io(Piece::Taken, WRITE, 512); count]
}

fn step(last: Option<Status>) -> Call {
    Call::Step(0, 512, 4096, last)
}

fn told(outcome: Outcome) -> Call {
    Call::Reply(0, Word::Told(outcome))
}

const OK: Outcome = Outcome::Done(Status::Ok);

#[test]
fn operations_run_one_after_the_other_on_either_piece() {
    let (mut rig, calls) =
        steps(None, |rig| vec![rig.io(Piece::Scratch, READ, 1024), rig.io(Piece::Taken, WRITE, 512)]);
    assert_eq!(calls, [step(None), Call::Submit(0, READ)]);
    assert_eq!(rig.disk.borrow().held[&0].1.len(), 1024, "the first bytes of the piece");
    assert_eq!(rig.done(0, Status::Ok), [step(Some(Status::Ok)), Call::Submit(0, WRITE)]);
    assert_eq!(rig.disk.borrow().held[&0].1.len(), 512);
    assert_eq!(rig.done(0, Status::Ok), [step(Some(Status::Ok)), told(OK)]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn the_bytes_of_both_pieces_stay() {
    let (mut rig, _) = steps(None, |rig| vec![rig.io(Piece::Scratch, READ, 1024), rig.io(Piece::Scratch, WRITE, 4096)]);
    rig.disk.borrow_mut().held.get_mut(&0).unwrap().1.bytes_mut().fill(7);
    rig.done(0, Status::Ok);
    assert_eq!(rig.disk.borrow().held[&0].1.bytes()[..1024], [7; 1024]);
    rig.done(0, Status::Ok);
}

#[test]
fn the_command_set_hears_of_a_failure_and_decides() {
    let (mut rig, _) = steps(None, |rig| vec![rig.io(Piece::Scratch, READ, 512), Step::Reply(Word::Plain(4))]);
    let calls = rig.done(0, Status::ReadError);
    assert_eq!(calls, [step(Some(Status::ReadError)), Call::Reply(0, Word::Plain(4))]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn an_operation_without_data_leaves_both_pieces_where_they_are() {
    let op = Op::WriteZeroes { block: 0, blocks: 9, unmap: true, fua: false };
    let (mut rig, calls) = steps(None, |rig| vec![rig.io(Piece::Taken, op, 0)]);
    assert_eq!(calls, [step(None), Call::Submit(0, op)]);
    assert!(rig.disk.borrow().held[&0].1.is_empty());
    assert_eq!(rig.done(0, Status::Ok), [step(Some(Status::Ok)), told(OK)]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn a_step_waits_until_it_is_started() {
    let (mut rig, calls) = steps(None, |rig| vec![Step::Wait, Step::Wait, rig.io(Piece::Taken, WRITE, 512)]);
    assert_eq!(calls, [step(None)]);
    assert_eq!((rig.poll(), rig.census()), (vec![], (1, 8192, 0)));
    assert_eq!(rig.order(Order::Start { tag: tag(0) }), [step(None)]);
    assert_eq!(rig.order(Order::Start { tag: tag(0) }), [step(None), Call::Submit(0, WRITE)]);
    assert_eq!(rig.done(0, Status::Ok), [step(Some(Status::Ok)), told(OK)]);
}

#[test]
fn a_step_that_waits_may_be_answered() {
    let (mut rig, _) = steps(None, |_| vec![Step::Wait]);
    let reply = Word::Plain(6);
    assert_eq!(rig.order(Order::Answer { tag: tag(0), reply }), [Call::Reply(0, reply)]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn steps_without_any_data_wait_for_nobody() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    rig.command_on(1, 0, rig.read());
    rig.command_on(2, 1, rig.read());
    rig.group.set.steps = [rig.io(Piece::Scratch, Op::Flush, 0)].into();
    let calls = rig.command(2, Plan::Steps { take: 0, scratch: 0 });
    assert_eq!(calls, [Call::Step(2, 0, 0, None), Call::Submit(2, Op::Flush)]);
}

#[test]
fn steps_after_a_take_get_a_piece_of_their_own_and_the_data_is_given_back_first() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    rig.group.set.after_take = Plan::Steps { take: 0, scratch: 4096 };
    rig.command(0, Plan::Take { len: 512 });
    let calls = rig.fetched(0, true);
    assert_eq!(calls, [Call::Step(0, 0, 4096, None), told(OK)]);
}

#[test]
fn data_that_does_not_come_ends_it_before_the_first_step() {
    let mut rig = Rig::new(&[pieces(4096, 2)]);
    rig.command(0, TWO);
    assert_eq!(rig.fetched(0, false), [told(Outcome::FetchFailed)]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn a_quick_device_does_not_keep_the_core() {
    let (mut rig, calls) = steps(Some(Status::Ok), many(100));
    assert_eq!(calls.len(), 2 * 64);
    assert_eq!(rig.group.deadline(), Some(rig.now), "a sleeping core goes on");
    let calls = rig.poll();
    assert_eq!((calls.len(), calls.last()), (2 * 36 + 2, Some(&told(OK))));
    assert_eq!(rig.group.deadline(), None);
}

#[test]
fn large_steps_rest_sooner() {
    let mut rig = Rig::new(&[pieces(512 << 10, 2)]);
    rig.disk.borrow_mut().at_once = Some(Status::Ok);
    rig.group.set.steps = vec![rig.io(Piece::Scratch, WRITE, 512 << 10); 5].into();
    let calls = rig.command(0, Plan::Steps { take: 0, scratch: 512 << 10 });
    assert_eq!(calls.len(), 4, "a mebibyte in a turn");
    assert_eq!((rig.poll().len(), rig.poll().len()), (4, 4));
}

#[test]
fn an_abort_while_the_device_has_it_ends_it_there() {
    let (mut rig, _) = steps(None, many(3));
    assert_eq!(rig.order(Order::Hurry { tag: tag(0) }), [Call::Cancel(0)]);
    assert_eq!(rig.done(0, Status::Ok), [told(Outcome::Aborted)]);
    assert_eq!(rig.group.set.steps.len(), 2);
}

#[test]
fn a_device_that_goes_is_one_that_failed() {
    let (mut rig, _) = steps(Some(Status::Ok), many(100));
    rig.group.detach(rig.target, rig.now);
    rig.group.set.steps.truncate(1);
    let removed = Status::Removed;
    let calls = rig.poll();
    assert_eq!(calls[calls.len() - 2..], [step(Some(removed)), told(Outcome::Done(removed))]);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn an_operation_without_data_after_a_take_gives_the_data_back() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    let op = Op::WriteZeroes { block: 0, blocks: 9, unmap: true, fua: false };
    rig.group.set.after_take = Plan::Io { target: rig.target, op, len: 0 };
    rig.command(0, Plan::Take { len: 512 });
    assert_eq!(rig.fetched(0, true), [Call::Submit(0, op)]);
    assert!(rig.disk.borrow().held[&0].1.is_empty());
    assert_eq!(rig.census(), (1, 0, 0));
    assert_eq!(rig.done(0, Status::Ok), [told(OK)]);
}

#[test]
fn a_write_that_may_not_start_starts_when_told() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    rig.group.set.holds = true;
    rig.command(0, rig.write(4096));
    assert_eq!(rig.fetched(0, true), []);
    assert_eq!(rig.order(Order::Start { tag: tag(0) }), [Call::Submit(0, WRITE)]);
    assert_eq!(rig.disk.borrow().held[&0].1.len(), 4096);
    assert_eq!(rig.done(0, Status::Ok), [told(OK)]);
}

#[test]
fn the_scratch_buffer_may_go_to_the_host() {
    let reply = Word::Plain(5);
    let (mut rig, calls) = steps(None, |_| vec![Step::Send { len: 24, reply }]);
    assert_eq!(calls, [step(None), Call::Send(0, reply)]);
    assert_eq!(rig.group.port.held[&0].len(), 24);
    assert_eq!(rig.census(), (1, 4096, 0));
    rig.sent(0);
    assert_eq!(rig.census(), (0, 0, 0));
}
