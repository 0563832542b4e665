//! Each row of the table of states in the crate's header, for an abort by identifier and for a peer that is gone.

use crate::rig::{Call, READ, Rig, WRITE, Word, pieces, tag};
use bdev::Status;
use exchange::{Event, Order, Outcome, Piece, Plan, Step};

const ABORTED: Word = Word::Told(Outcome::Aborted);
const TWO: Plan<Word> = Plan::Steps { take: 4096, scratch: 4096 };

fn rig() -> Rig {
    Rig::new(&[pieces(4096, 4)])
}

/// Runs `what` twice: with an abort by identifier and with a peer that is gone. It gets the calls of the abort.
fn both_ways(what: impl Fn(&mut Rig, fn(&mut Rig, u32) -> Vec<Call>, bool)) {
    what(&mut rig(), |rig, place| rig.abort(place), true);
    what(&mut rig(), |rig, place| rig.lost(place), false);
}

/// The exchange is over and nothing is left; who asked for the abort is told `aborted`.
fn ends(rig: &mut Rig, place: u32, by_id: bool, aborted: bool) {
    let told = if by_id { vec![Call::AbortEnded(77, aborted)] } else { vec![] };
    assert_eq!(rig.sent(place), told);
    assert_eq!(rig.census(), (0, 0, 0));
}

#[test]
fn waiting_leaves_the_queue() {
    both_ways(|rig, abort, by_id| {
        *rig = Rig::new(&[pieces(4096, 1)]);
        rig.command_on(1, 0, rig.read());
        assert_eq!(rig.command(1, rig.read()), []);
        assert_eq!(rig.census().2, 1);
        assert_eq!(abort(rig, 1), [Call::Reply(1, ABORTED)]);
        assert_eq!(rig.census().2, 0);
        rig.done(0, Status::Ok);
        rig.sent(0);
        ends(rig, 1, by_id, true);
    });
}

#[test]
fn fetching_waits_for_the_data_and_never_reaches_the_disk() {
    for ok in [false, true] {
        both_ways(|rig, abort, by_id| {
            assert_eq!(rig.command(0, rig.write(4096)), [Call::Fetch(0)]);
            assert_eq!(abort(rig, 0), [Call::CancelFetch(0)]);
            assert_eq!(rig.census(), (1, 4096, 0));
            assert_eq!(rig.fetched(0, ok), [Call::Reply(0, ABORTED)]);
            assert_eq!(rig.census(), (1, 0, 0));
            ends(rig, 0, by_id, true);
        });
    }
}

#[test]
fn executing_waits_for_the_disk_and_tells_how_it_ended() {
    for (status, word) in [(Status::Aborted, Outcome::Aborted), (Status::Ok, Outcome::Done(Status::Ok))] {
        both_ways(|rig, abort, by_id| {
            rig.command(0, rig.write(4096));
            rig.fetched(0, true);
            assert_eq!(abort(rig, 0), [Call::Cancel(0)]);
            assert!(rig.all_calls().contains(&Call::Bell), "the device is told at once");
            assert_eq!(rig.poll(), []);
            assert_eq!(rig.done(0, status), [Call::Reply(0, Word::Told(word))]);
            assert_eq!(rig.census(), (1, 0, 0));
            ends(rig, 0, by_id, word == Outcome::Aborted);
        });
    }
}

#[test]
fn an_executing_read_that_is_aborted_sends_no_data() {
    both_ways(|rig, abort, by_id| {
        rig.command(0, rig.read());
        abort(rig, 0);
        assert_eq!(rig.done(0, Status::Ok), [Call::Reply(0, ABORTED)]);
        ends(rig, 0, by_id, true);
    });
}

#[test]
fn an_executing_step_gives_both_buffers_back() {
    both_ways(|rig, abort, by_id| {
        rig.group.set.steps = [rig.io(Piece::Scratch, READ, 4096)].into();
        rig.command(0, TWO);
        rig.fetched(0, true);
        assert_eq!(rig.census(), (1, 8192, 0));
        assert_eq!(abort(rig, 0), [Call::Cancel(0)]);
        assert_eq!(rig.done(0, Status::Ok), [Call::Reply(0, ABORTED)], "no step follows");
        ends(rig, 0, by_id, true);
    });
}

#[test]
fn steps_that_fetch_give_both_buffers_back() {
    both_ways(|rig, abort, by_id| {
        rig.command(0, TWO);
        assert_eq!(abort(rig, 0), [Call::CancelFetch(0)]);
        assert_eq!(rig.fetched(0, true), [Call::Reply(0, ABORTED)]);
        ends(rig, 0, by_id, true);
    });
}

#[test]
fn steps_that_pause_are_forgotten_at_once() {
    both_ways(|rig, abort, by_id| {
        rig.group.set.steps = [Step::Wait].into();
        rig.command(0, TWO);
        assert_eq!(rig.fetched(0, true), [Call::Step(0, 4096, 4096, None)]);
        assert_eq!(rig.census(), (1, 8192, 0));
        assert_eq!(abort(rig, 0), [Call::Unpark(0), Call::Reply(0, ABORTED)]);
        ends(rig, 0, by_id, true);
    });
}

#[test]
fn steps_that_rest_end_in_the_next_turn() {
    both_ways(|rig, abort, by_id| {
        rig.disk.borrow_mut().at_once = Some(Status::Ok);
        rig.group.set.steps = (0..200).map(|_| rig.io(Piece::Taken, WRITE, 4096)).collect();
        rig.command(0, TWO);
        rig.fetched(0, true);
        rig.group.set.steps.truncate(70);
        // The turn of the abort goes on with 64 of them first; the abort then finds it resting again.
        abort(rig, 0);
        assert_eq!((rig.group.set.steps.len(), rig.census().1), (6, 8192));
        assert_eq!(rig.poll(), [Call::Reply(0, ABORTED)]);
        ends(rig, 0, by_id, true);
    });
}

#[test]
fn a_write_that_may_not_start_is_forgotten_at_once() {
    both_ways(|rig, abort, by_id| {
        rig.group.set.holds = true;
        rig.command(0, rig.write(4096));
        assert_eq!(rig.fetched(0, true), []);
        assert_eq!(rig.census(), (1, 4096, 0));
        assert_eq!(abort(rig, 0), [Call::Unpark(0), Call::Reply(0, ABORTED)]);
        ends(rig, 0, by_id, true);
    });
}

#[test]
fn controlling_is_too_far_for_an_abort_by_identifier() {
    let mut rig = rig();
    rig.command(0, Plan::Control);
    assert_eq!(rig.abort(0), [Call::AbortEnded(77, false)], "an abort of itself must not wait for itself");
    let answer = Order::Answer { tag: tag(0), reply: Word::Plain(3) };
    assert_eq!(rig.order(answer), [Call::Reply(0, Word::Plain(3))]);
    assert_eq!(rig.sent(0), []);
}

#[test]
fn controlling_waits_for_its_answer_when_the_peer_is_gone() {
    let mut rig = rig();
    rig.command(0, Plan::Control);
    assert_eq!(rig.lost(0), []);
    assert_eq!(rig.order(Order::Answer { tag: tag(0), reply: Word::Plain(3) }), [Call::Reply(0, ABORTED)]);
    assert_eq!(rig.sent(0), []);
}

#[test]
fn parked_is_forgotten_at_once() {
    both_ways(|rig, abort, by_id| {
        rig.command(0, Plan::Park);
        assert_eq!(abort(rig, 0), [Call::Unpark(0), Call::Reply(0, ABORTED)]);
        ends(rig, 0, by_id, true);
    });
}

#[test]
fn replying_is_too_late() {
    let mut rig = rig();
    rig.command(0, Plan::Reply(Word::Plain(1)));
    assert_eq!(rig.abort(0), [Call::AbortEnded(77, false)]);
    assert_eq!(rig.lost(0), []);
    assert_eq!(rig.sent(0), []);
}

#[test]
fn nobody_by_that_name_is_told_at_once() {
    let mut rig = rig();
    rig.command(0, Plan::Park);
    assert_eq!(rig.abort(5), [Call::AbortEnded(77, false)]);
    let elsewhere = Order::Abort { queue: 1, id: 0, token: 8 };
    assert_eq!(rig.order(elsewhere), [Call::AbortEnded(8, false)]);
    rig.abort(0);
    assert_eq!(rig.sent(0), [Call::AbortEnded(77, true)]);
}

#[test]
fn a_name_used_again_means_the_command_that_has_no_reply_yet() {
    let mut rig = rig();
    rig.command(0, Plan::Reply(Word::Plain(1)));
    // The host has the reply and uses the identifier 0 again, before the port has said that it is sent.
    let again = Event::Command { tag: tag(1), queue: 0, command: (0, Plan::Park) };
    rig.event(again);
    assert_eq!(rig.abort(0), [Call::Unpark(1), Call::Reply(1, ABORTED)]);
    assert_eq!((rig.sent(0), rig.sent(1)), (vec![], vec![Call::AbortEnded(77, true)]));
}

#[test]
fn a_second_abort_of_the_same_command_is_told_no() {
    let mut rig = rig();
    rig.command(0, rig.read());
    rig.abort(0);
    assert_eq!(rig.order(Order::Abort { queue: 0, id: 0, token: 78 }), [Call::AbortEnded(78, false)]);
    assert_eq!(rig.lost(0), [], "and a loss later hurries nobody twice");
    rig.done(0, Status::Aborted);
    assert_eq!(rig.sent(0), [Call::AbortEnded(77, true)]);
}
