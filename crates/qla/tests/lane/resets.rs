//! The adapter is reset, or does not answer.

use crate::chip::Chip;
use crate::rig::*;
use fc::{Arrival, Fc4, Queue};
use qla::lane::{FromLane, ToLane};
use wire::isp::iocb::CtioStatus;

/// Resets, and gives what was said and told.
fn reset(rig: &mut Rig) -> (Vec<Arrival>, Vec<FromLane>) {
    rig.tell(ToLane::Quiesce { generation: 42 });
    let arrivals = rig.arrivals();
    (arrivals, rig.told())
}

fn resume(rig: &mut Rig) {
    let (chip, pair) = Chip::new(&rig.arena, 256, 128);
    rig.chip = chip;
    rig.tell(ToLane::Resume { pair: Some(pair) });
    assert!(rig.arrivals().is_empty());
}

#[test]
fn a_reset_ends_everything_and_gives_the_rings_back() {
    let mut rig = Rig::fcp();
    let (idle, receiving, sending, responding) = (rig.command(1), rig.command(2), rig.command(3), rig.command(4));
    let ending = rig.command(5);
    let data = rig.data(100);
    rig.queue.receive(receiving, 0, data);
    let data = rig.data(100);
    rig.queue.transmit(sending, 0, data, None);
    let data = rig.data(100);
    rig.queue.transmit(responding, 0, data, Some(GOOD));
    rig.queue.terminate(ending);
    let old = rig.iocbs();
    assert_eq!(old.len(), 4);
    rig.tell(ToLane::Abort { exchange: 2, token: 1 });
    assert!(matches!(rig.arrivals()[..], [Arrival::Abort { xid }] if xid == receiving));
    let (arrivals, told) = reset(&mut rig);
    let mut seen = Vec::new();
    for arrival in arrivals {
        seen.push(match arrival {
            Arrival::Abort { xid } => ('a', xid),
            Arrival::Received { xid, data, ok: false } => {
                rig.pool.give(data);
                ('r', xid)
            }
            Arrival::Sent { xid, data, ok: false } => {
                rig.pool.give(data);
                ('s', xid)
            }
            other => panic!("{other:?}"),
        });
    }
    let expected = [
        ('a', idle),
        ('r', receiving),
        ('a', sending),
        ('s', sending),
        ('a', responding),
        ('s', responding),
        ('a', ending),
        ('s', ending),
    ];
    assert_eq!(seen, expected);
    assert!(matches!(told[..], [FromLane::Quiet { generation: 42, pair: Some(_) }]), "{}", told.len());
    assert!(!rig.queue.is_pending());
    // Owners that are slow to end meet nothing.
    rig.queue.terminate(idle);
    rig.ended(idle, true);
    resume(&mut rig);
    assert_eq!(rig.end.open(), 2);
    let data = rig.data(10);
    rig.queue.receive(receiving, 0, data);
    rig.received(receiving, false);
    rig.queue.respond(receiving, GOOD);
    rig.ended(receiving, false);
    rig.queue.respond(sending, GOOD);
    rig.ended(sending, false);
    assert!(rig.iocbs().is_empty());
    // What the old adapter had to say comes too late.
    let xid = rig.command(1);
    rig.queue.respond(xid, GOOD);
    let entry = rig.iocb();
    for old in &old {
        rig.complete(old, CtioStatus::SUCCESS);
    }
    assert!(rig.arrivals().is_empty());
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn sessions_go_before_the_reset_is_answered() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    let data = rig.data(100);
    rig.queue.receive(xid, 0, data);
    rig.queue.flush();
    rig.end.push(ToLane::SessionDown(fc::SessionId(1)));
    let (arrivals, told) = reset(&mut rig);
    assert!(matches!(arrivals[..2], [Arrival::Abort { .. }, Arrival::SessionDown { .. }]), "{arrivals:?}");
    let mut arrivals = arrivals;
    match arrivals.pop() {
        Some(Arrival::Received { data, ok: false, .. }) => rig.pool.give(data),
        other => panic!("{other:?}"),
    }
    assert!(matches!(told[..], [FromLane::Quiet { .. }]), "that the session is down goes without saying");
    rig.queue.terminate(xid);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn what_waits_for_room_ends_too_and_is_not_sent_later() {
    let mut rig = Rig::new(Fc4::Fcp, 32, 8, 8);
    let xids: Vec<_> = (0..20).map(|n| rig.command(n)).collect();
    xids.iter().for_each(|xid| rig.queue.respond(*xid, GOOD));
    rig.queue.flush();
    let (arrivals, _) = reset(&mut rig);
    let ends = arrivals.iter().filter(|arrival| matches!(arrival, Arrival::Sent { ok: false, .. }));
    assert_eq!(ends.count(), 20);
    resume(&mut rig);
    assert!(rig.iocbs().is_empty());
    rig.is_clean();
}

#[test]
fn before_it_is_resumed_nothing_goes_out_and_nothing_is_lost() {
    let mut rig = Rig::quiet(Fc4::Fcp, 8, 64, 64);
    rig.tell(ToLane::SessionUp(session(1, Fc4::Fcp)));
    rig.arrival();
    let xid = rig.command(1);
    rig.queue.respond(xid, GOOD);
    rig.queue.flush();
    assert!(rig.arrivals().is_empty());
    resume(&mut rig);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn a_ctio_that_does_not_come_back_is_said_to_be_lost_once() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    rig.now += 100_000 * MS;
    assert!(rig.arrivals().is_empty() && rig.told().is_empty(), "the owner may take its time");
    rig.queue.respond(xid, GOOD);
    let entry = rig.iocb();
    rig.now += 15_000 * MS;
    assert!(rig.arrivals().is_empty() && rig.told().is_empty());
    rig.now += 5_000 * MS;
    assert!(rig.arrivals().is_empty());
    assert!(matches!(rig.told()[..], [FromLane::Lost]));
    rig.now += 5_000 * MS;
    assert!(rig.arrivals().is_empty() && rig.told().is_empty());
    assert!(rig.queue.is_pending());
    let (arrivals, _) = reset(&mut rig);
    assert!(matches!(arrivals[..], [Arrival::Abort { .. }, Arrival::Sent { ok: false, .. }]));
    resume(&mut rig);
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.is_clean();
    // And again.
    let xid = rig.command(1);
    rig.queue.respond(xid, GOOD);
    rig.queue.flush();
    rig.now += 21_000 * MS;
    assert!(rig.arrivals().is_empty());
    assert!(matches!(rig.told()[..], [FromLane::Lost]));
    reset(&mut rig);
}

#[test]
fn who_drops_a_queue_gives_its_rings_back() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    let data = rig.data(100);
    rig.queue.receive(xid, 0, data);
    rig.queue.logout(fc::SessionId(1));
    let Rig { queue, mut end, mut chip, pool, .. } = rig;
    assert!(!end.is_abandoned());
    drop(queue);
    assert_eq!(chip.take().len(), 1, "what was ordered last goes out");
    assert!(!end.is_abandoned());
    assert!(matches!(end.next(), Some(FromLane::Logout(_))));
    assert!(matches!(end.next(), Some(FromLane::Quiet { generation: 0, pair: Some(_) })));
    assert!(end.is_abandoned());
    let census = pool.census();
    assert_eq!(census.total[0].count - census.free[0].count, 1, "memory at the adapter is used for nothing else");
}
