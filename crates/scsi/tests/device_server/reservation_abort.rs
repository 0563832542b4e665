//! PREEMPT AND ABORT, and what else reaches the homes of others: who loses which commands, who waits for whom.

use crate::reservation_rig::*;
use crate::rig::*;
use std::sync::atomic::Ordering;

/// A read of host `n` that the disk holds.
fn stuck(hosts: &mut Hosts, n: usize) -> u32 {
    hosts.start(n, &read10(0, 1), 512, &[])
}

fn preempt(hosts: &mut Hosts, n: usize, whom: usize) -> u32 {
    let list = list(key(n), key(whom), 0);
    hosts.start(n, &[0x5f, PREEMPT_AND_ABORT, 5, 0, 0, 0, 0, 0, 24, 0], 0, &list)
}

fn registered(count: usize) -> Hosts {
    let mut hosts = Hosts::new(count);
    (0..count).for_each(|n| hosts.register(n));
    assert_eq!(hosts.reserve(0, 5), GOOD);
    hosts
}

fn release(hosts: &mut Hosts) {
    hosts.rig.disk(1).stubborn.store(false, Ordering::Relaxed);
    hosts.rig.disk(1).hold(false);
    hosts.rig.run();
}

#[test]
fn the_answer_follows_the_last_command_of_the_preempted() {
    let mut hosts = registered(3);
    hosts.rig.disk(1).hold(true);
    hosts.rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    let victims = [stuck(&mut hosts, 0), stuck(&mut hosts, 0)];
    let bystander = stuck(&mut hosts, 2);
    let asked = preempt(&mut hosts, 1, 0);
    assert!(hosts.rig.ended(1, asked).is_none(), "its victims have not ended");
    release(&mut hosts);
    hosts.rig.ended(1, asked).expect("answered").good();
    assert!(victims.iter().all(|id| hosts.rig.ended(0, *id).is_none()), "TAS is 0: nothing is said");
    hosts.rig.ended(2, bystander).expect("it goes on").good();
    assert_eq!(hosts.calm_all(), [vec![0x2f00, REGISTRATIONS_PREEMPTED], vec![], vec![]]);
    assert_eq!(hosts.reservation(), Some((key(1), 5)));
    hosts.rig.check_quiet();
}

#[test]
fn with_tas_the_preempted_get_task_aborted() {
    let mut hosts = registered(2);
    let mode = [&[0; 4][..], &[0x0a, 10, 2 | 0x20, 0x10, 0, 0x40, 0, 0, 0xff, 0xff, 0, 0]].concat();
    assert_eq!(hosts.ask(1, &[0x15, 0x10, 0, 0, 16, 0], 0, &mode).told(), GOOD);
    hosts.calm_all();
    hosts.rig.disk(1).hold(true);
    let victim = stuck(&mut hosts, 0);
    let asked = preempt(&mut hosts, 1, 0);
    release(&mut hosts);
    hosts.rig.ended(1, asked).expect("answered").good();
    assert_eq!(hosts.rig.ended(0, victim).expect("TAS is 1").told(), (0x40, 0, 0));
    assert_eq!(hosts.calm(0), [REGISTRATIONS_PREEMPTED], "it knows of its command");
    // Its own ABORT TASK SET says nothing, TAS or not.
    hosts.rig.disk(1).hold(true);
    let own = stuck(&mut hosts, 1);
    hosts.rig.manage(1, 1, 0, Management::AbortTaskSet);
    release(&mut hosts);
    assert!(hosts.rig.ended(1, own).is_none());
    hosts.rig.check_quiet();
}

#[test]
fn plain_preempt_aborts_nothing() {
    let mut hosts = registered(2);
    hosts.rig.disk(1).hold(true);
    let read = stuck(&mut hosts, 0);
    assert_eq!(hosts.out(1, PREEMPT, 5, key(1), key(0), 0), GOOD);
    release(&mut hosts);
    hosts.rig.ended(0, read).expect("it was there before").good();
}

#[test]
fn a_write_whose_data_comes_late_is_ended_too() {
    let mut hosts = registered(2);
    hosts.rig.cores[0].port_mut().holds_fetches = true;
    let write = hosts.start(0, &write10(3, 1), 0, &[7; 512]);
    let asked = preempt(&mut hosts, 1, 0);
    hosts.rig.cores[0].port_mut().holds_fetches = false;
    hosts.rig.run();
    hosts.rig.ended(1, asked).expect("answered").good();
    assert!(hosts.rig.ended(0, write).is_none());
    let data = hosts.ask(1, &read10(3, 1), 512, &[]).good().data;
    assert!(data.iter().all(|byte| *byte != 7), "nothing of it reached the disk");
}

#[test]
fn two_that_preempt_each_other_do_not_wait_for_each_other() {
    let mut hosts = registered(2);
    hosts.rig.disk(1).hold(true);
    hosts.rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    let reads = [stuck(&mut hosts, 0), stuck(&mut hosts, 1)];
    let first = preempt(&mut hosts, 0, 1);
    // Host 1 is registered no more: it registers again before it fights back.
    assert_eq!(hosts.calm(1), [0x2f00, REGISTRATIONS_PREEMPTED]);
    hosts.register(1);
    let second = preempt(&mut hosts, 1, 0);
    assert!(hosts.rig.ended(0, first).is_none() && hosts.rig.ended(1, second).is_none());
    release(&mut hosts);
    hosts.rig.ended(0, first).expect("answered").good();
    hosts.rig.ended(1, second).expect("answered").good();
    assert!(reads.iter().enumerate().all(|(n, id)| hosts.rig.ended(n, *id).is_none()));
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((key(1), 5)), vec![key(1)]));
    hosts.rig.check_quiet();
}

#[test]
fn a_reset_waits_for_one_that_preempts() {
    let mut hosts = registered(3);
    hosts.rig.disk(1).hold(true);
    hosts.rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    stuck(&mut hosts, 0);
    let asked = preempt(&mut hosts, 1, 0);
    let reset = hosts.rig.manage(2, 2, 0, Management::LunReset);
    let abort = hosts.rig.manage(1, 1, 0, Management::AbortTask { id: asked });
    assert!(hosts.rig.response(2, reset).is_none() && hosts.rig.response(1, abort).is_none());
    release(&mut hosts);
    assert_eq!(hosts.rig.response(2, reset), Some(ServiceResponse::Complete));
    assert_eq!(hosts.rig.response(1, abort), Some(ServiceResponse::Complete));
    hosts.rig.ended(1, asked).expect("too far to be aborted").good();
    hosts.rig.check_quiet();
}

#[test]
fn who_preempts_may_be_lost_meanwhile() {
    let mut hosts = registered(2);
    hosts.rig.disk(1).hold(true);
    hosts.rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    stuck(&mut hosts, 0);
    preempt(&mut hosts, 1, 0);
    hosts.rig.cores[1].port_mut().lose(1);
    hosts.rig.run();
    release(&mut hosts);
    assert_eq!((hosts.reservation(), hosts.keys()), (Some((key(1), 5)), vec![key(1)]));
    hosts.rig.check_quiet();
}

#[test]
fn a_home_that_is_taken_away_is_waited_for_no_longer() {
    let mut hosts = registered(3);
    hosts.rig.disk(1).hold(true);
    hosts.rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    stuck(&mut hosts, 2);
    let asked = preempt(&mut hosts, 1, 2);
    let reset = hosts.rig.manage(0, 0, 0, Management::LunReset);
    assert!(hosts.rig.ended(1, asked).is_none() && hosts.rig.response(0, reset).is_none());
    hosts.rig.put_homes(&[2]);
    hosts.rig.ended(1, asked).expect("nobody is left to wait for").good();
    assert_eq!(hosts.rig.response(0, reset), Some(ServiceResponse::Complete));
    release(&mut hosts);
}

#[test]
fn a_home_that_does_not_know_the_others_yet_answers_when_it_does() {
    let mut hosts = registered(2);
    let (mail, _inbox) = ring::mailbox::<Message>(4, || {});
    let (ack, _answer) = std::sync::mpsc::sync_channel(1);
    // Home 1 alone knows of a third one, which never answers, and then of its end.
    let told = |hosts: &mut Hosts, third: Option<ring::Sender<Message>>| {
        let all = hosts.rig.senders().into_iter().map(Some).chain([third]).collect();
        assert!(hosts.rig.senders()[1].send(Message::Homes { own: 1, all, ack: ack.clone() }).is_ok());
        hosts.rig.run();
    };
    told(&mut hosts, Some(mail));
    let reset = hosts.rig.manage(1, 1, 0, Management::LunReset);
    assert!(hosts.rig.response(1, reset).is_none());
    told(&mut hosts, None);
    assert_eq!(hosts.rig.response(1, reset), Some(ServiceResponse::Complete));
}

#[test]
fn who_is_preempted_no_longer_keeps_the_medium_in() {
    let mut hosts = registered(2);
    let mut view = hosts.rig.unit_view(1);
    view.identity.removable = true;
    hosts.rig.put_unit(view);
    hosts.calm_all();
    assert_eq!(hosts.told(0, &[0x1e, 0, 0, 0, 1, 0]), GOOD);
    let eject = [0x1b, 0, 0, 0, 2, 0];
    assert_eq!(hosts.told(1, &eject), illegal(0x5302));
    let asked = preempt(&mut hosts, 1, 0);
    hosts.rig.ended(1, asked).expect("answered").good();
    assert_eq!(hosts.told(1, &eject), GOOD);
}
