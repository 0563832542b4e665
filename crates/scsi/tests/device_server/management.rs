//! Task management at every state of its victims.

use crate::rig::*;
use ServiceResponse::*;
use std::sync::atomic::Ordering;

/// Where a victim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The device has it, and gives it up.
    Device,
    /// The device has it, and does it to the end.
    StubbornDevice,
    /// Its data comes.
    Fetch,
    /// It waits for an older one.
    Dormant,
    /// Its reply goes.
    Reply,
    /// It waits for a buffer.
    Buffer,
    /// It is in the middle of several steps.
    Steps,
}

const PLACES: [At; 7] = [At::Device, At::StubbornDevice, At::Fetch, At::Dormant, At::Reply, At::Buffer, At::Steps];

/// Brings a task of nexus 0 there.
fn victim(rig: &mut Rig, at: At) -> u32 {
    rig.disk(1).hold(at != At::Reply);
    rig.disk(1).stubborn.store(at == At::StubbornDevice, Ordering::Relaxed);
    let port = rig.cores[0].port_mut();
    (port.holds_fetches, port.holds_replies) = (at == At::Fetch, at == At::Reply);
    let (cdb, attribute, data_in, sends) = match at {
        At::Device | At::StubbornDevice | At::Reply => (read10(0, 1), Attribute::Simple, 512, 0),
        At::Fetch => (write10(0, 1), Attribute::Simple, 0, 512),
        At::Dormant => {
            let older = rig.task(0, 0, &read10(0, 1));
            rig.start(0, Task { data_in: 512, ..older }, Vec::new());
            (read10(0, 1), Attribute::Ordered, 512, 0)
        }
        At::Buffer => {
            for _ in 0..3 {
                let greedy = rig.task(0, 0, &read10(0, 128));
                rig.start(0, Task { data_in: LARGEST, ..greedy }, Vec::new());
            }
            (read10(0, 128), Attribute::Simple, LARGEST, 0)
        }
        At::Steps => (vec![0x41, 0, 0, 0, 0, 0, 0, 0, 200, 0], Attribute::Simple, 0, 512),
    };
    let task = rig.task(0, 0, &cdb);
    rig.start(0, Task { data_in, data_out: sends as u32, attribute, ..task }, vec![5; sends])
}

/// Lets go of all that is held.
fn release(rig: &mut Rig) {
    rig.disk(1).hold(false);
    let port = rig.cores[0].port_mut();
    (port.holds_fetches, port.holds_replies) = (false, false);
    rig.run();
}

#[test]
fn abort_task_at_every_state() {
    for at in PLACES {
        let mut rig = Rig::new();
        let id = victim(&mut rig, at);
        let query = rig.manage(0, 0, 0, Management::QueryTask { id });
        if at == At::Reply {
            rig.cores[0].port_mut().holds_replies = false;
            rig.cores[0].port_mut().holds_replies = true;
        } else {
            assert_eq!(rig.response(0, query), Some(Succeeded), "{at:?}");
        }
        let function = rig.manage(0, 0, 0, Management::AbortTask { id });
        let waits = matches!(at, At::StubbornDevice | At::Reply);
        if waits {
            assert_eq!(rig.response(0, function), None, "{at:?}: its victim has not ended");
        }
        release(&mut rig);
        let responses: Vec<_> = [function].into_iter().filter_map(|id| rig.response(0, id)).collect();
        assert_eq!(responses, [Complete], "{at:?}");
        let told = rig.ended(0, id);
        // Who was too far is replied to; who was aborted is not.
        assert_eq!(told.is_some(), at == At::Reply, "{at:?}: {told:?}");
        rig.cores[0].port_mut().ended.clear();
        rig.check_quiet();
        rig.ask_lun(&[0], 0).good();
    }
}

#[test]
fn the_answer_follows_its_victims() {
    for function in [Management::AbortTaskSet, Management::ClearTaskSet, Management::LunReset, Management::ItNexusReset]
    {
        for at in PLACES {
            let mut rig = Rig::new();
            victim(&mut rig, at);
            let id = rig.manage(0, 0, 0, function);
            release(&mut rig);
            let ended = std::mem::take(&mut rig.cores[0].port_mut().ended);
            let last = ended.last().expect("an answer");
            assert_eq!((last.id, last.reply.response), (id, Some(Complete)), "{function:?} {at:?}");
            assert!(ended.iter().filter(|ended| ended.id == id).count() == 1);
            rig.check_quiet();
        }
    }
}

#[test]
fn abort_task_is_only_for_its_nexus_and_logical_unit() {
    let mut rig = Rig::new();
    rig.add_disk(FEATURES);
    rig.put_node(node(vec![map(&[(0, 1), (1, 2)])]));
    rig.open(0, 1);
    rig.calm(0, 0, 0);
    let id = victim(&mut rig, At::Device);
    for (queue, lun) in [(1, 0), (0, 1)] {
        let query = rig.manage(0, queue, lun, Management::QueryTask { id });
        assert_eq!(rig.response(0, query), Some(Complete));
        let function = rig.manage(0, queue, lun, Management::AbortTask { id });
        assert_eq!(rig.response(0, function), Some(Complete), "there is nothing to abort");
    }
    let query = rig.manage(0, 0, 0, Management::QueryTaskSet);
    assert_eq!(rig.response(0, query), Some(Succeeded));
    let query = rig.manage(0, 0, 1, Management::QueryTaskSet);
    assert_eq!(rig.response(0, query), Some(Complete));
    release(&mut rig);
    rig.ended(0, id).expect("it was not touched").good();
}

#[test]
fn clear_task_set_leaves_other_nexuses_alone() {
    let mut rig = Rig::new();
    rig.open(0, 1);
    rig.calm(0, 1, 0);
    let id = victim(&mut rig, At::Device);
    let function = rig.manage(0, 1, 0, Management::ClearTaskSet);
    assert_eq!(rig.response(0, function), Some(Complete));
    release(&mut rig);
    rig.ended(0, id).expect("its task set is its own").good();
    assert_eq!(rig.calm(0, 0, 0), [0; 0]);
}

#[test]
fn what_is_not_there_or_not_done() {
    let mut rig = Rig::new();
    let functions = [
        (5, Management::LunReset, IncorrectLun),
        (5, Management::AbortTask { id: 1 }, IncorrectLun),
        (5, Management::AbortTaskSet, IncorrectLun),
        (5, Management::ClearTaskSet, IncorrectLun),
        (5, Management::QueryTask { id: 1 }, IncorrectLun),
        (5, Management::QueryTaskSet, IncorrectLun),
        (0, Management::ClearAca, Rejected),
        (0, Management::AbortTask { id: 1 }, Complete),
        (0, Management::QueryTask { id: 1 }, Complete),
        (5, Management::TargetReset, Complete),
        (5, Management::ItNexusReset, Complete),
    ];
    for (lun, function, response) in functions {
        let id = rig.manage(0, 0, lun, function);
        assert_eq!(rig.response(0, id), Some(response), "{function:?}");
    }
    rig.check_quiet();
}

#[test]
fn a_reset_reaches_all_homes_and_waits_for_all() {
    let mut rig = Rig::homes(3);
    for core in 0..3 {
        rig.open(core, core as u32);
        rig.calm(core, core as u32, 0);
    }
    rig.disk(1).hold(true);
    rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    let tasks: Vec<Task> = (0..3).map(|n| Task { data_in: 512, ..rig.task(n, 0, &read10(0, 1)) }).collect();
    for (core, task) in tasks.iter().enumerate() {
        rig.start(core, *task, Vec::new());
    }
    let function = rig.manage(1, 1, 0, Management::LunReset);
    assert_eq!(rig.response(1, function), None);
    rig.disk(1).hold(false);
    rig.run();
    assert_eq!(rig.response(1, function), Some(Complete));
    for (core, task) in tasks.iter().enumerate() {
        assert!(rig.ended(core, task.id).is_none(), "TAS is 0");
        assert_eq!(rig.calm(core, core as u32, 0), [0x2903]);
    }
    rig.check_quiet();
}

#[test]
fn target_reset_resets_what_the_nexus_reaches_and_no_more() {
    let mut rig = Rig::empty(2);
    for _ in 0..3 {
        rig.add_disk(FEATURES);
    }
    let PortName::Fc { wwpn, .. } = initiator(0) else { unreachable!() };
    let own = MapView { initiators: vec![Rule { allow: true, who: Who::Wwpn(wwpn) }], ..map(&[(0, 1), (1, 2)]) };
    rig.put_node(node(vec![own, map(&[(0, 2), (1, 3)])]));
    rig.open(0, 0);
    rig.open(1, 1);
    for (core, lun) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        rig.calm(core, core as u32, lun);
    }
    let function = rig.manage(0, 0, 0, Management::TargetReset);
    assert_eq!(rig.response(0, function), Some(Complete));
    let told = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(core, lun)| rig.calm(core, core as u32, lun));
    assert_eq!(told, [vec![0x2903], vec![0x2903], vec![0x2903], vec![]]);
}

#[test]
fn a_nexus_reset_is_told_to_that_nexus() {
    let mut rig = Rig::new();
    rig.open(0, 1);
    rig.calm(0, 1, 0);
    let id = victim(&mut rig, At::Device);
    let function = rig.manage(0, 0, 0, Management::ItNexusReset);
    assert_eq!((rig.response(0, function), rig.ended(0, id).is_some()), (Some(Complete), false));
    release(&mut rig);
    assert_eq!((rig.calm(0, 0, 0), rig.calm(0, 1, 0)), (vec![0x2907], vec![]));
}

#[test]
fn two_functions_wait_for_one_victim() {
    let mut rig = Rig::new();
    let id = victim(&mut rig, At::StubbornDevice);
    let functions = [
        rig.manage(0, 0, 0, Management::AbortTask { id }),
        rig.manage(0, 0, 0, Management::AbortTaskSet),
        rig.manage(0, 0, 0, Management::LunReset),
    ];
    assert!(functions.iter().all(|function| rig.response(0, *function).is_none()));
    release(&mut rig);
    assert!(functions.iter().all(|function| rig.response(0, *function) == Some(Complete)));
    rig.check_quiet();
}

#[test]
fn a_nexus_that_is_lost_while_its_function_waits() {
    let mut rig = Rig::homes(2);
    rig.open(0, 0);
    rig.open(1, 1);
    rig.calm(0, 0, 0);
    rig.calm(1, 1, 0);
    rig.disk(1).hold(true);
    rig.disk(1).stubborn.store(true, Ordering::Relaxed);
    let task = rig.task(1, 0, &read10(0, 1));
    rig.start(1, Task { data_in: 512, ..task }, Vec::new());
    let function = rig.manage(0, 0, 0, Management::LunReset);
    rig.cores[0].port_mut().lose(0);
    rig.run();
    assert_eq!(rig.cores[0].port().open_tasks(), 1, "the function waits for the other home");
    rig.disk(1).hold(false);
    rig.run();
    assert_eq!(rig.response(0, function), None);
    rig.check_quiet();
}

#[test]
fn what_comes_after_a_reset_is_not_reset() {
    let mut rig = Rig::new();
    victim(&mut rig, At::StubbornDevice);
    rig.manage(0, 0, 0, Management::LunReset);
    rig.calm(0, 0, 0);
    let task = rig.task(0, 0, &read10(0, 1));
    let id = rig.start(0, Task { data_in: 512, ..task }, Vec::new());
    release(&mut rig);
    rig.ended(0, id).expect("it is younger").good();
}
