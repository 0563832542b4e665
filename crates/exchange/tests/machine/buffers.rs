//! Who gets buffers, who waits, and in what order.

use crate::rig::{Call, Rig, Word, pieces, tag};
use bdev::{Op, Status};
use exchange::{Event, Outcome, Plan};

/// How many of a batch of writes on `queue` with places from `first` on got a buffer.
fn start_writes(rig: &mut Rig, queue: u32, first: u32, count: u32, len: u32) -> usize {
    let calls = (first..first + count).flat_map(|place| rig.command_on(queue, place, rig.write(len)));
    calls.filter(|call| matches!(call, Call::Fetch(_))).count()
}

#[test]
fn a_greedy_queue_gets_half_and_a_newcomer_always_some() {
    let mut rig = Rig::new(&[pieces(4096, 16)]);
    assert_eq!(start_writes(&mut rig, 0, 0, 16, 4096), 8);
    assert_eq!(start_writes(&mut rig, 1, 16, 16, 4096), 4);
    assert_eq!(start_writes(&mut rig, 2, 32, 16, 4096), 2);
    assert_eq!(rig.census(), (48, 14 * 4096, 34));
}

#[test]
fn a_greedy_queue_does_not_get_all_of_the_large_pieces() {
    let mut rig = Rig::new(&[pieces(4096, 40), pieces(65536, 4)]);
    assert_eq!(start_writes(&mut rig, 0, 0, 8, 65536), 2);
    assert_eq!(start_writes(&mut rig, 1, 8, 1, 65536), 1);
}

#[test]
fn those_that_wait_are_served_in_order_in_the_turn_in_which_a_buffer_comes_home() {
    let mut rig = Rig::new(&[pieces(4096, 2)]);
    rig.command_on(0, 0, rig.write(4096));
    rig.command_on(1, 1, rig.write(4096));
    for (queue, place) in [(2, 2), (3, 3), (0, 4)] {
        assert_eq!(rig.command_on(queue, place, rig.write(4096)), []);
    }
    assert_eq!(rig.fetched(0, false), [Call::Reply(0, Word::Told(Outcome::FetchFailed)), Call::Fetch(2)]);
    assert_eq!(rig.fetched(1, false), [Call::Reply(1, Word::Told(Outcome::FetchFailed)), Call::Fetch(3)]);
    assert_eq!(rig.census().2, 1);
    assert!(rig.group.counters().buffer_waits.get() == 3);
}

#[test]
fn who_comes_does_not_overtake_who_waits_for_a_small_piece_that_is_there() {
    // Queue 0 waits for a large piece; queue 1 wants a small one: it passes, but only at the end of the turn.
    let mut rig = Rig::new(&[pieces(4096, 4), pieces(8192, 1)]);
    rig.command_on(2, 0, rig.write(8192));
    assert_eq!(rig.command_on(0, 1, rig.write(8192)), []);
    assert_eq!(rig.command_on(1, 2, rig.write(4096)), [Call::Fetch(2)]);
    // One of queue 0 itself does not pass, or the large one might wait for ever.
    assert_eq!(rig.command_on(0, 3, rig.write(4096)), []);
    assert_eq!(rig.fetched(0, false)[1..], [Call::Fetch(1), Call::Fetch(3)]);
}

#[test]
fn what_needs_no_buffer_waits_for_none() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    rig.command(0, rig.write(4096));
    rig.command(1, rig.write(4096));
    let flush = Plan::Io { target: rig.target, op: Op::Flush, len: 0 };
    assert_eq!(rig.command(2, flush), [Call::Submit(2, Op::Flush)]);
    rig.group.port.lends = true;
    rig.disk.borrow_mut().lend_from = Some(rig.arena.region(4096).unwrap());
    assert_eq!(rig.command(3, rig.read()), [Call::Send(3, Word::Told(Outcome::Done(Status::Ok)))]);
    assert_eq!(rig.census(), (4, 4096, 1));
}

#[test]
fn an_abort_of_who_waits_lets_those_behind_it_go_on() {
    let mut rig = Rig::new(&[pieces(4096, 4), pieces(8192, 1)]);
    rig.command_on(2, 0, rig.write(8192));
    rig.command_on(0, 1, rig.write(8192));
    rig.command_on(0, 2, rig.write(4096));
    let calls = rig.lost(1);
    assert_eq!(calls, [Call::Reply(1, Word::Told(Outcome::Aborted)), Call::Fetch(2)]);
}

const TWO: Plan<Word> = Plan::Steps { take: 4096, scratch: 4096 };

#[test]
fn steps_get_their_two_pieces_though_they_are_all_there_is() {
    let mut rig = Rig::new(&[pieces(4096, 2)]);
    assert_eq!(rig.command(0, TWO), [Call::Fetch(0)]);
    assert_eq!(rig.census(), (1, 8192, 0));
    rig.fetched(0, true);
    assert_eq!(rig.census(), (1, 0, 0));
}

#[test]
fn steps_that_find_one_piece_take_none_and_do_not_spin() {
    let mut rig = Rig::new(&[pieces(4096, 2)]);
    rig.command_on(1, 0, rig.write(4096));
    assert_eq!(rig.command(1, TWO), []);
    assert_eq!(rig.census(), (2, 4096, 1));
    let before = rig.now;
    assert_eq!((rig.group.poll(before), rig.census().2), (0, 1));
    assert_eq!(rig.fetched(0, false)[1..], [Call::Fetch(1)]);
    rig.fetched(1, false);
    assert_eq!(rig.census().1, 0);
}

#[test]
fn pieces_of_two_sizes_are_taken_and_given_back() {
    let mut rig = Rig::new(&[pieces(512, 1), pieces(8192, 1)]);
    rig.command(0, Plan::Steps { take: 512, scratch: 8192 });
    assert_eq!(rig.census(), (1, 4096 + 8192, 0), "pieces are of whole pages");
    rig.fetched(0, true);
    assert_eq!(rig.census(), (1, 0, 0));
    assert_eq!(rig.command(1, Plan::Steps { take: 0, scratch: 8192 }).len(), 2, "a step and the reply");
    assert_eq!(rig.census(), (2, 0, 0));
}

#[test]
fn buffers_that_come_home_while_the_waiting_are_served_serve_the_next_of_them() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    rig.command_on(0, 0, rig.read());
    for place in 1..5 {
        rig.command_on(place % 4, place, rig.read());
    }
    rig.disk.borrow_mut().at_once = Some(Status::ReadError);
    rig.done(0, Status::ReadError);
    assert_eq!(rig.census(), (5, 0, 0), "each failed at once and left its buffer to the next, in one turn");
}

#[test]
#[should_panic(expected = "closed with exchanges open")]
fn a_port_that_closes_a_queue_whose_data_is_out_is_found_out() {
    let mut rig = Rig::new(&[pieces(4096, 1)]);
    rig.command(0, rig.write(4096));
    let data = rig.group.port.held.remove(&0);
    std::mem::forget(data);
    rig.event(Event::Closed { queue: 0 });
}

#[test]
fn taken_data_goes_on_as_the_command_set_says() {
    let mut rig = Rig::new(&[pieces(4096, 2)]);
    rig.command(0, Plan::Take { len: 16 });
    assert_eq!(rig.fetched(0, true), [Call::Reply(0, Word::Plain(9))]);
    assert_eq!(rig.census(), (1, 0, 0));
    rig.group.set.after_take = Plan::Io { target: rig.target, op: Op::Unmap { ranges: 1 }, len: 16 };
    rig.command(1, Plan::Take { len: 16 });
    assert_eq!(rig.fetched(1, true), [Call::Submit(1, Op::Unmap { ranges: 1 })]);
    assert_eq!(rig.done(1, Status::Ok), [Call::Reply(1, Word::Told(Outcome::Done(Status::Ok)))]);
    rig.command(2, Plan::Answer { len: 100 });
    assert_eq!(rig.group.port.held[&2].bytes(), [0x55; 100]);
    for place in 0..3 {
        rig.sent(place);
    }
    assert_eq!((rig.census(), tag(0).index()), ((0, 0, 0), 0));
}
