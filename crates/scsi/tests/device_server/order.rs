//! Task attributes, full task sets, and the order in which unit attentions are told.

use crate::rig::*;
use bdev::Op;

fn read(rig: &mut Rig, lba: u32, attribute: Attribute) -> u32 {
    let task = rig.task(0, 0, &read10(lba, 1));
    rig.start(0, Task { data_in: 512, attribute, ..task }, Vec::new())
}

fn started(rig: &Rig) -> Vec<u64> {
    let block = |op| if let Op::Read { block, .. } = op { block } else { panic!("{op:?}") };
    rig.disk(1).ops().into_iter().map(block).collect()
}

#[test]
fn ordered_commands_wait_and_are_waited_for() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    rig.disk(1).hold(true);
    let attributes = [Attribute::Simple, Attribute::Simple, Attribute::Ordered, Attribute::Simple, Attribute::Simple];
    let ids: Vec<_> = attributes.into_iter().enumerate().map(|(n, a)| read(&mut rig, n as u32, a)).collect();
    assert_eq!(started(&rig), [0, 1]);
    let head = read(&mut rig, 9, Attribute::HeadOfQueue);
    assert_eq!(started(&rig), [9], "the head of the queue passes all");
    rig.disk(1).hold(false);
    rig.run();
    assert_eq!(started(&rig), [2, 3, 4]);
    let order: Vec<u32> = rig.cores[0].port().ended.iter().map(|ended| ended.id).collect();
    assert_eq!(order, [ids[0], ids[1], head, ids[2], ids[3], ids[4]]);
    rig.cores[0].port_mut().ended.clear();
    rig.check_quiet();
}

#[test]
fn an_ordered_command_waits_until_the_older_are_done() {
    let mut rig = Rig::new();
    rig.disk(1).ops();
    rig.disk(1).hold(true);
    read(&mut rig, 0, Attribute::Simple);
    read(&mut rig, 1, Attribute::Ordered);
    read(&mut rig, 2, Attribute::Ordered);
    assert_eq!(started(&rig), [0]);
    rig.disk(1).hold(false);
    rig.run();
    assert_eq!(started(&rig), [1, 2]);
}

#[test]
fn other_nexuses_and_logical_units_do_not_wait() {
    let mut rig = Rig::new();
    rig.add_disk(FEATURES);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    rig.open(0, 1);
    rig.calm(0, 1, 0);
    rig.calm(0, 0, 1);
    rig.calm(0, 0, 0);
    rig.disk(1).hold(true);
    read(&mut rig, 0, Attribute::Simple);
    read(&mut rig, 1, Attribute::Ordered);
    let task = rig.task(0, 1, &read10(0, 1));
    rig.run_task(Task { data_in: 512, ..task }, Vec::new()).good();
    let task = rig.task(1, 0, &[0]);
    rig.run_task(task, Vec::new()).good();
}

#[test]
fn a_waiting_command_that_is_aborted_lets_the_younger_go() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    read(&mut rig, 0, Attribute::Simple);
    let ordered = read(&mut rig, 1, Attribute::Ordered);
    let last = rig.task(0, 0, &[0]);
    rig.start(0, last, Vec::new());
    assert!(rig.ended(0, last.id).is_none());
    rig.cores[0].port_mut().abort(ordered);
    rig.run();
    rig.ended(0, last.id).expect("it went").good();
    rig.disk(1).hold(false);
    rig.check_quiet();
}

#[test]
fn a_lost_nexus_takes_its_waiting_commands_along() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    for n in 0..3 {
        read(&mut rig, n, Attribute::Ordered);
    }
    rig.cores[0].port_mut().lose(0);
    rig.run();
    rig.check_quiet();
    rig.disk(1).hold(false);
    rig.open(0, 0);
    assert_eq!(rig.calm(0, 0, 0), [0x2900], "the queue's number is used anew");
}

#[test]
fn aca_is_refused() {
    let mut rig = Rig::new();
    let task = Task { attribute: Attribute::Aca, ..rig.task(0, 0, &[0]) };
    assert_eq!(rig.run_task(task, Vec::new()).told(), (2, 5, 0x0e03));
}

#[test]
fn a_full_task_set_says_so_and_no_more_than_it_holds() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    let ids: Vec<u32> = (0..16).map(|n| read(&mut rig, n, Attribute::Simple)).collect();
    let ended = rig.ask_lun(&read10(0, 1), 512);
    assert_eq!((ended.told(), ended.reply.residual), ((0x28, 0, 0), Residual::Under(512)));
    assert_eq!(rig.ask_lun(&[0], 0).told(), (0x28, 0, 0));
    rig.disk(1).hold(false);
    rig.run();
    assert!(ids.iter().all(|id| rig.ended(0, *id).is_some()));
    rig.ask_lun(&read10(0, 1), 512).good();
    rig.check_quiet();
}

#[test]
fn the_depth_is_for_each_nexus_and_is_free_with_the_reply() {
    let mut rig = Rig::new();
    rig.put_node(NodeView { queue_depth: 1, ..node(vec![map(&[(0, 1)])]) });
    rig.open(0, 1);
    rig.calm(0, 1, 0);
    rig.disk(1).hold(true);
    read(&mut rig, 0, Attribute::Simple);
    assert_eq!(rig.ask_lun(&[0], 0).told(), (0x28, 0, 0));
    let task = rig.task(1, 0, &[0]);
    rig.run_task(task, Vec::new()).good();
    // The reply is with the port: the initiator may have it before we hear that it is out.
    rig.cores[0].port_mut().holds_replies = true;
    rig.disk(1).hold(false);
    rig.run();
    let task = rig.task(0, 0, &[0]);
    rig.start(0, task, Vec::new());
    rig.cores[0].port_mut().holds_replies = false;
    rig.run();
    rig.ended(0, task.id).expect("it ended").good();
}

#[test]
fn attentions_stop_commands_but_three_and_are_told_in_order() {
    let mut rig = Rig::homes(1);
    rig.open(0, 0);
    rig.add_disk(FEATURES);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    rig.ask_lun(&[0x12, 0, 0, 0, 36, 0], 36).good();
    let ended = rig.ask_lun(&read10(0, 1), 512);
    assert_eq!((ended.told(), ended.reply.residual), ((2, 6, 0x2900), Residual::Under(512)));
    assert_eq!(rig.ask_lun(&[0xff], 0).told(), (2, 6, 0x3f0e), "before the operation code is looked at");
    assert_eq!(rig.ask_lun(&[0xff], 0).told(), (2, 5, 0x2000));
}

#[test]
fn request_sense_tells_an_attention_and_clears_it() {
    let mut rig = Rig::homes(1);
    rig.open(0, 0);
    let sense = rig.ask_lun(&[3, 0, 0, 0, 18, 0], 18).good().data;
    assert_eq!((sense[0], sense[2], sense[12], sense.len()), (0x70, 6, 0x29, 18));
    let sense = rig.ask_lun(&[3, 0, 0, 0, 18, 0], 18).good().data;
    assert_eq!((sense[2], sense[12]), (0, 0));
    rig.ask_lun(&[0], 0).good();
}
