//! Who sees what: LUN maps, REPORT LUNS, changes while hosts are there, and how devices are closed.

use crate::rig::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn report_luns(rig: &mut Rig, select: u8, room: u32) -> Vec<u16> {
    let mut cdb = vec![0xa0, 0, select, 0, 0, 0];
    cdb.extend(room.to_be_bytes());
    cdb.extend([0, 0]);
    let data = rig.ask_lun(&cdb, room).good().data;
    let length = u32::from_be_bytes(data[..4].try_into().unwrap()) as usize;
    assert_eq!(data.len(), 8 + length);
    let well_known = |lun: &&[u8]| **lun == wire::scsi::REPORT_LUNS_LUN;
    let luns = data[8..].chunks(8).filter(|lun| !well_known(lun));
    luns.map(|lun| wire::scsi::parse_lun(lun.try_into().unwrap()).unwrap()).collect()
}

fn allow(n: u64) -> Rule {
    let PortName::Fc { wwpn, .. } = initiator(n) else { unreachable!() };
    Rule { allow: true, who: Who::Wwpn(wwpn) }
}

#[test]
fn each_initiator_sees_its_map_and_others_see_nothing() {
    let mut rig = Rig::empty(1);
    rig.add_disk(FEATURES);
    rig.add_disk(FEATURES);
    let first = MapView { initiators: vec![allow(0)], ..map(&[(0, 1), (3, 2), (300, 1)]) };
    let second = MapView { initiators: vec![allow(1)], ..map(&[(0, 2)]) };
    rig.put_node(node(vec![first, second]));
    for queue in 0..3 {
        rig.open(0, queue);
    }
    assert_eq!(report_luns(&mut rig, 0, 4096), [0, 3, 300]);
    assert_eq!(report_luns(&mut rig, 2, 4096), [0, 3, 300]);
    assert_eq!(report_luns(&mut rig, 1, 4096), [0; 0]);
    assert_eq!(rig.ask_lun(&[0xa0, 0, 3, 0, 0, 0, 0, 0, 1, 0], 256).told(), (2, 5, 0x2400));
    rig.calm(0, 0, 300);
    rig.calm(0, 1, 0);
    rig.disk(1).ops();
    rig.disk(2).ops();
    let task = rig.task(1, 0, &read10(0, 1));
    rig.run_task(Task { data_in: 512, ..task }, Vec::new()).good();
    assert_eq!((rig.disk(1).ops().len(), rig.disk(2).ops().len()), (0, 1));
    // LUN 300 in flat form, and LUN 0 likewise.
    let task = rig.task(0, 0, &read10(0, 1));
    rig.run_task(Task { data_in: 512, lun: [0x41, 0x2c, 0, 0, 0, 0, 0, 0], ..task }, Vec::new()).good();
    assert_eq!(rig.disk(1).ops().len(), 1);
    let task = rig.task(2, 0, &read10(0, 1));
    assert_eq!(rig.run_task(Task { data_in: 512, ..task }, Vec::new()).told(), (2, 5, 0x2500));
    rig.check_quiet();
}

#[test]
fn where_there_is_nothing() {
    let mut rig = Rig::empty(1);
    rig.open(0, 0);
    let inquiry = rig.ask_lun(&[0x12, 0, 0, 0, 96, 0], 96).good().data;
    assert_eq!((inquiry[0], inquiry.len()), (0x7f, 96));
    assert_eq!(rig.ask_lun(&[0x12, 1, 0x83, 0, 96, 0], 96).told(), (2, 5, 0x2400));
    assert_eq!(rig.ask_lun(&[0], 0).told(), (2, 5, 0x2500));
    assert_eq!(rig.ask_lun(&[0xff], 0).told(), (2, 5, 0x2500));
    assert_eq!(report_luns(&mut rig, 0, 64), [0]);
    let sense = rig.ask_lun(&[3, 0, 0, 0, 18, 0], 18).good().data;
    assert_eq!((sense[2], sense[12], sense[13]), (5, 0x25, 0));
    let sense = rig.ask_lun(&[3, 1, 0, 0, 18, 0], 18).good().data;
    assert_eq!(sense, [0x72, 5, 0x25, 0, 0, 0, 0, 0]);
    let task = rig.task(0, 5, &[0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(rig.run_task(Task { data_in: 256, ..task }, Vec::new()).told(), (2, 5, 0x2500));
    let task = rig.task(0, 0, &[0]);
    let odd = Task { lun: [0xc1, 2, 0, 0, 0, 0, 0, 0], ..task };
    assert_eq!(rig.run_task(odd, Vec::new()).told(), (2, 5, 0x2500));
}

#[test]
fn a_map_of_16384_luns() {
    let mut rig = Rig::empty(1);
    rig.add_disk(FEATURES);
    let luns: Vec<_> = (0..MOST_LUNS).map(|lun| (lun, 1)).collect();
    rig.put_node(node(vec![map(&luns)]));
    rig.open(0, 0);
    rig.calm(0, 0, 16_383);
    let task = rig.task(0, 16_383, &read10(0, 1));
    assert_eq!(task.lun[..2], [0x7f, 0xff]);
    rig.run_task(Task { data_in: 512, ..task }, Vec::new()).good();
    // The buffers here hold 65,536 bytes: the list is cut there, and says how long it is.
    let ended = rig.ask_lun(&[0xa0, 0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 0], 131_080).good();
    assert_eq!((ended.data.len(), &ended.data[..4]), (65_536, &131_072u32.to_be_bytes()[..]));
    assert_eq!(ended.reply.residual, Residual::Under(131_080 - 65_536));
}

#[test]
fn a_changed_map_is_told_once_to_each_nexus() {
    let mut rig = Rig::new();
    rig.open(0, 1);
    rig.add_disk(FEATURES);
    rig.calm(0, 1, 0);
    assert_eq!(rig.calm(0, 0, 0), [0; 0], "nobody sees the new disk yet");
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    // The new one was just mapped, and the change is told on one LUN only.
    assert_eq!(rig.calm(0, 0, 1), [0x2900, 0x3f0e]);
    assert_eq!(rig.calm(0, 0, 0), [0; 0]);
    // REPORT LUNS tells the other nexus.
    let task = rig.task(1, 0, &[0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    rig.run_task(Task { data_in: 256, ..task }, Vec::new()).good();
    assert_eq!(rig.calm(0, 1, 0), [0; 0]);
    assert_eq!(rig.calm(0, 1, 1), [0x2900]);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    assert_eq!(rig.calm(0, 0, 0), [0; 0], "the same map is no news");
    rig.put_node(node(vec![map(&[(0, 1), (1, 1)])]));
    assert_eq!(rig.calm(0, 0, 0), [0x3f0e], "another disk at LUN 1");
    rig.check_quiet();
}

#[test]
fn a_rule_that_changes_takes_the_luns_away() {
    let mut rig = Rig::new();
    rig.put_node(node(vec![MapView { initiators: vec![allow(7)], ..map(&[(0, 1)]) }]));
    assert_eq!(rig.ask_lun(&read10(0, 1), 512).told(), (2, 5, 0x2500));
    assert_eq!(rig.ask_lun(&[0x12, 0, 0, 0, 36, 0], 36).good().data[0], 0x7f);
    rig.put_node(node(vec![map(&[(0, 1)])]));
    assert_eq!(rig.calm(0, 0, 0), [0x2900, 0x3f0e]);
}

#[test]
fn a_logical_unit_that_goes_is_acknowledged_when_its_device_is_closed() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    let task = rig.task(0, 0, &read10(0, 1));
    let id = rig.start(0, Task { data_in: 512, ..task }, Vec::new());
    rig.ask(|ack| Message::RemoveLogicalUnit { id: 1, ack });
    assert_eq!((rig.acknowledged(), rig.disk(1).channels.load(Ordering::Relaxed)), (0, 1));
    assert_eq!(rig.ask_lun(&read10(0, 1), 512).told(), (2, 5, 0x2500));
    rig.disk(1).hold(false);
    rig.run();
    rig.run();
    assert!(rig.ended(0, id).is_some());
    assert_eq!((rig.acknowledged(), rig.disk(1).channels.load(Ordering::Relaxed)), (1, 0));
    rig.check_quiet();
}

#[test]
fn commands_of_all_states_survive_the_end_of_their_logical_unit() {
    let mut rig = Rig::new();
    rig.add_disk(FEATURES);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    rig.calm(0, 0, 0);
    rig.disk(1).hold(true);
    rig.cores[0].port_mut().holds_fetches = true;
    let read = rig.task(0, 0, &read10(0, 1));
    let write = rig.task(0, 0, &write10(0, 1));
    let ordered = rig.task(0, 0, &read10(0, 1));
    let ids = [
        rig.start(0, Task { data_in: 512, ..read }, Vec::new()),
        rig.start(0, Task { data_out: 512, ..write }, vec![1; 512]),
        rig.start(0, Task { data_in: 512, attribute: Attribute::Ordered, ..ordered }, Vec::new()),
    ];
    rig.ask(|ack| Message::RemoveLogicalUnit { id: 1, ack });
    rig.cores[0].port_mut().holds_fetches = false;
    rig.run();
    let told = ids.map(|id| rig.ended(0, id).expect("it ended").told());
    assert_eq!(told, [(2, 0xb, 0), (2, 5, 0x2500), (2, 5, 0x2500)]);
    rig.run();
    assert_eq!(rig.acknowledged(), 1);
    // Its slot is free again: the same LUN is another disk.
    rig.put_node(node(vec![map(&[(0, 2)])]));
    rig.calm(0, 0, 0);
    rig.ask_lun(&read10(0, 1), 512).good();
    rig.check_quiet();
}

#[test]
fn a_node_that_goes_leaves_its_nexuses_without_luns() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    let task = rig.task(0, 0, &read10(0, 1));
    let id = rig.start(0, Task { data_in: 512, ..task }, Vec::new());
    rig.ask(|ack| Message::RemoveNode { id: 1, ack });
    assert_eq!(rig.acknowledged(), 0, "a command is open on what the nexus lost");
    rig.disk(1).hold(false);
    rig.run();
    rig.ended(0, id).expect("it ended").good();
    rig.run();
    assert_eq!(rig.acknowledged(), 1);
    assert_eq!(rig.ask_lun(&[0], 0).told(), (2, 5, 0x2500));
}

#[test]
fn another_device_behind_a_logical_unit() {
    let mut rig = Rig::new();
    rig.tell_lun(&write10(0, 1), &[1; 512]).good();
    rig.disks.push(Disk::new(9, BLOCKS * 2, 512, FEATURES));
    rig.shared.push(Arc::default());
    let mut view = rig.unit_view(2);
    view.id = 1;
    rig.put_unit(view);
    assert_eq!(rig.calm(0, 0, 0), [0x3f03, 0x2a09]);
    assert_eq!(rig.ask_lun(&read10(0, 1), 512).good().data, [0; 512]);
    assert_eq!(rig.disk(1).channels.load(Ordering::Relaxed), 0);
}

#[test]
fn a_core_that_is_drained_answers_what_is_open_and_then_ends_its_nexuses() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    let task = rig.task(0, 0, &read10(0, 1));
    let id = rig.start(0, Task { data_in: 512, ..task }, Vec::new());
    rig.ask(|ack| Message::Drain { ack });
    assert_eq!((rig.acknowledged(), rig.cores[0].port().open_queues.len()), (0, 1));
    rig.disk(1).hold(false);
    rig.run();
    rig.ended(0, id).expect("it was answered").good();
    rig.run();
    assert_eq!((rig.acknowledged(), rig.cores[0].port().open_queues.len()), (1, 0));
    rig.open(0, 3);
    assert_eq!(rig.cores[0].port().open_queues.len(), 0, "who comes late is sent away");
}

#[test]
fn a_report_names_nexuses_and_tasks() {
    let mut rig = Rig::new();
    rig.disk(1).hold(true);
    let task = rig.task(0, 0, &read10(0, 1));
    let id = rig.start(0, Task { data_in: 512, ..task }, Vec::new());
    let waiting = Task { attribute: Attribute::Ordered, ..rig.task(0, 0, &[0]) };
    rig.start(0, waiting, Vec::new());
    let (to, answer) = std::sync::mpsc::sync_channel(1);
    rig.tell(Message::Report { to });
    let report = answer.try_recv().unwrap();
    let nexus = &report.nexuses[0];
    assert_eq!((nexus.queue, nexus.node, nexus.map, nexus.luns), (0, Some(1), Some(0), 1));
    assert_eq!(nexus.origin.initiator, initiator(0));
    let tasks: Vec<_> = nexus.tasks.iter().map(|task| (task.id, task.opcode, task.waits)).collect();
    assert_eq!(tasks, [(id, 0x28, false), (waiting.id, 0, true)]);
    assert!(nexus.tasks[0].age_ns > 0);
}
