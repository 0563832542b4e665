//! Rings that are full, doorbells, many exchanges.

use crate::rig::*;
use fc::{Arrival, Fc4, Queue, Response};
use std::sync::atomic::Ordering::SeqCst;
use wire::isp::iocb::{Ctio7, CtioStatus};

#[test]
fn what_has_no_room_goes_out_later_in_its_order() {
    let mut rig = Rig::new(Fc4::Fcp, 32, 8, 64);
    let xids: Vec<_> = (0..32).map(|n| rig.command(n)).collect();
    for xid in &xids {
        let data = rig.data(16);
        // Two entries each: three fit.
        rig.queue.transmit(*xid, 0, data, Some(Response::Fcp(check_condition(18))));
    }
    assert_eq!(rig.queue.counters().waited, 29);
    let (mut exchanges, mut done) = (Vec::new(), 0);
    while done < 32 {
        rig.queue.flush();
        // A slow adapter.
        for entry in rig.chip.take_some(3) {
            if flags(&entry).send_status() {
                exchanges.push(Ctio7::of(&entry).exchange_address.get());
                rig.complete(&entry, CtioStatus::SUCCESS);
            }
        }
        for arrival in rig.arrivals() {
            match arrival {
                Arrival::Sent { xid, data, ok: true } => {
                    assert_eq!(xid, xids[done]);
                    rig.pool.give(data);
                    done += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(exchanges.into_iter().eq(0..32));
    rig.is_clean();
}

#[test]
fn room_is_used_without_a_new_order() {
    let mut rig = Rig::new(Fc4::Fcp, 32, 8, 64);
    let xids: Vec<_> = (0..10).map(|n| rig.command(n)).collect();
    xids.iter().for_each(|xid| rig.queue.respond(*xid, GOOD));
    rig.queue.flush();
    assert_eq!(rig.chip.take().len(), 6);
    assert!(rig.queue.is_pending() && rig.arrivals().is_empty());
    assert_eq!(rig.chip.take().len(), 4, "the doorbell rang although nobody flushed");
}

#[test]
fn small_rings_wrap_for_long() {
    for (requests, responses) in [(8, 8), (9, 11), (16, 8)] {
        let mut rig = Rig::new(Fc4::Fcp, 4, requests, responses);
        for round in 0..500_u32 {
            let xid = rig.command(round);
            let data = rig.data(4096);
            rig.queue.receive(xid, 0, data);
            let entry = rig.iocb();
            rig.complete(&entry, CtioStatus::SUCCESS);
            rig.received(xid, true);
            let data = rig.data(64);
            rig.queue.transmit(xid, 0, data, Some(Response::Fcp(check_condition(18))));
            let entries = rig.iocbs();
            rig.complete(&entries[1], CtioStatus::SUCCESS);
            rig.ended(xid, true);
        }
        rig.is_clean();
        assert_eq!(rig.queue.counters().stale, 0);
    }
}

#[test]
fn a_batch_has_one_doorbell_and_completions_few_writes() {
    let mut rig = Rig::fcp();
    let xids: Vec<_> = (0..32).map(|n| rig.command(n)).collect();
    let before = rig.chip.bar.writes.load(SeqCst);
    for xid in &xids {
        let data = rig.data(16);
        rig.queue.transmit(*xid, 0, data, Some(GOOD));
    }
    let entries = rig.iocbs();
    assert_eq!(entries.len(), 32);
    let completions: Vec<_> = entries.iter().map(|entry| completion(entry, CtioStatus::SUCCESS)).collect();
    rig.chip.complete(&completions);
    for arrival in rig.arrivals() {
        match arrival {
            Arrival::Sent { data, ok: true, .. } => rig.pool.give(data),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(rig.chip.bar.writes.load(SeqCst) - before, 2, "a doorbell, and how far the completions were read");
    assert_eq!(rig.queue.doorbells(), 1);
    rig.is_clean();
}

#[test]
fn its_home_knows_how_many_have_room() {
    let mut rig = Rig::new(Fc4::Fcp, 3, 64, 64);
    let xids: Vec<_> = (0..3)
        .map(|n| {
            assert!(rig.end.has_room());
            rig.command(n)
        })
        .collect();
    assert!(!rig.end.has_room());
    rig.queue.respond(xids[1], GOOD);
    let entry = rig.iocb();
    assert!(!rig.end.has_room());
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xids[1], true);
    assert!(rig.end.has_room());
    assert_eq!(rig.end.open(), 2);
    // A home that does not look: the command ends at once, and is not counted for ever.
    for n in 10..13 {
        rig.tell(qla::lane::ToLane::Command(command(1, n)));
    }
    let arrivals = rig.arrivals();
    assert!(matches!(arrivals[..], [Arrival::Command { .. }]), "{arrivals:?}");
    let ends: Vec<_> =
        rig.chip.take().iter().map(|entry| (flags(entry).terminate(), flags(entry).no_completion())).collect();
    assert_eq!(ends, [(true, true); 2]);
    assert_eq!(rig.end.open(), 3);
}
