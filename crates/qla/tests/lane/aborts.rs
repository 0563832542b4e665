//! ABTS, and receives that nobody wants any more.

use crate::rig::*;
use fc::{Arrival, Queue, Response};
use qla::lane::{FromLane, ToLane};
use wire::isp::iocb::CtioStatus;

fn abort(rig: &mut Rig, exchange: u32, token: u32) {
    rig.tell(ToLane::Abort { exchange, token });
}

/// What was said about aborts.
fn aborted(rig: &mut Rig) -> Vec<(u32, bool)> {
    let answer = |told| match told {
        FromLane::Aborted { token, found } => (token, found),
        _ => panic!("something else was told"),
    };
    rig.told().into_iter().map(answer).collect()
}

#[test]
fn the_abort_is_answered_when_the_adapter_has_ended_the_exchange() {
    for swallowed in [false, true] {
        let mut rig = Rig::fcp();
        let xid = rig.command(0x10);
        abort(&mut rig, 0x10, 7);
        assert!(matches!(rig.arrivals()[..], [Arrival::Abort { xid: of }] if of == xid));
        abort(&mut rig, 0x10, 8);
        assert!(rig.arrivals().is_empty(), "told once");
        assert!(rig.iocbs().is_empty(), "it is the owner's turn");
        if swallowed {
            let data = rig.data(100);
            rig.queue.transmit(xid, 0, data, Some(GOOD));
        } else {
            rig.queue.terminate(xid);
        }
        let entry = rig.iocb();
        assert!(flags(&entry).terminate() && !flags(&entry).send_status());
        assert!(aborted(&mut rig).is_empty());
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(xid, !swallowed);
        assert_eq!(aborted(&mut rig), [(7, true), (8, true)]);
        rig.is_clean();
    }
}

#[test]
fn an_aborted_exchange_receives_and_sends_nothing() {
    let mut rig = Rig::fcp();
    let xid = rig.command(0x10);
    abort(&mut rig, 0x10, 7);
    rig.arrival();
    let data = rig.data(100);
    rig.queue.receive(xid, 0, data);
    rig.received(xid, false);
    let data = rig.data(100);
    rig.queue.transmit(xid, 0, data, None);
    rig.ended(xid, false);
    assert!(rig.iocbs().is_empty());
    rig.queue.terminate(xid);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    rig.told();
    rig.is_clean();
}

#[test]
fn memory_at_the_adapter_comes_back_with_its_ctio_and_not_before() {
    // The completion of the data first, or of the CTIO that ends the exchange.
    for data_first in [true, false] {
        let mut rig = Rig::fcp();
        let xid = rig.command(0x10);
        let data = rig.data(100);
        rig.queue.receive(xid, 0, data);
        let data = rig.iocb();
        abort(&mut rig, 0x10, 7);
        assert!(matches!(rig.arrival(), Arrival::Abort { .. }));
        let end = rig.iocb();
        assert!(flags(&end).terminate());
        let status = CtioStatus::ABORTED;
        if data_first {
            rig.complete(&data, status);
            rig.received(xid, false);
            rig.queue.terminate(xid);
            assert!(rig.iocbs().is_empty() && rig.arrivals().is_empty(), "one end is under way");
            rig.complete(&end, CtioStatus::SUCCESS);
        } else {
            rig.complete(&end, CtioStatus::SUCCESS);
            assert!(rig.arrivals().is_empty(), "the adapter may still write");
            // Even if all of them came: the exchange is no more.
            rig.complete(&data, CtioStatus::SUCCESS);
            rig.received(xid, false);
            rig.queue.terminate(xid);
            assert!(rig.iocbs().is_empty());
        }
        rig.ended(xid, true);
        assert_eq!(aborted(&mut rig), [(7, true)]);
        rig.is_clean();
    }
}

#[test]
fn a_response_on_its_way_is_called_back() {
    for leaves in [true, false] {
        let mut rig = Rig::fcp();
        let xid = rig.command(0x10);
        let data = rig.data(100);
        rig.queue.transmit(xid, 0, data, Some(GOOD));
        let response = rig.iocb();
        abort(&mut rig, 0x10, 7);
        assert!(matches!(rig.arrival(), Arrival::Abort { .. }));
        let end = rig.iocb();
        rig.complete(&response, if leaves { CtioStatus::SUCCESS } else { CtioStatus::ABORTED });
        assert!(rig.arrivals().is_empty());
        rig.complete(&end, CtioStatus::INVALID_RX_ID);
        rig.ended(xid, false);
        assert_eq!(aborted(&mut rig), [(7, true)]);
        rig.is_clean();
    }
}

#[test]
fn what_waits_for_room_does_not_go_out_any_more() {
    let mut rig = Rig::new(fc::Fc4::Fcp, 32, 8, 8);
    let xids: Vec<_> = (0..8).map(|n| rig.command(0x10 + n)).collect();
    for xid in &xids {
        let data = rig.data(100);
        rig.queue.receive(*xid, 0, data);
    }
    assert_eq!(rig.queue.counters().ctios, 6);
    abort(&mut rig, 0x17, 7);
    let mut arrivals = rig.arrivals();
    match arrivals.pop() {
        Some(Arrival::Received { xid, ok: false, data }) if xid == xids[7] => rig.pool.give(data),
        other => panic!("{other:?}"),
    }
    assert!(matches!(arrivals[..], [Arrival::Abort { xid }] if xid == xids[7]));
    let first = rig.iocbs();
    assert!(first.iter().all(|entry| flags(entry).data_out()) && first.len() == 6);
    let rest = rig.iocbs();
    assert!(flags(&rest[0]).data_out() && flags(&rest[1]).terminate() && rest.len() == 2);
}

#[test]
fn an_exchange_that_is_not_here_is_said_not_to_be() {
    let mut rig = Rig::fcp();
    let xid = rig.command(0x10);
    abort(&mut rig, 0x11, 1);
    abort(&mut rig, u32::MAX, 2);
    assert!(rig.arrivals().is_empty());
    assert_eq!(aborted(&mut rig), [(1, false), (2, false)]);
    rig.queue.respond(xid, GOOD);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, true);
    abort(&mut rig, 0x10, 3);
    assert!(rig.arrivals().is_empty());
    assert_eq!(aborted(&mut rig), [(3, false)]);
    rig.is_clean();
}

/// The firmware knows of the abort before we do, and the exchange is over before we hear of it.
#[test]
fn an_abort_that_comes_late_finds_what_it_ended() {
    let mut rig = Rig::fcp();
    let xid = rig.command(0x10);
    rig.queue.respond(xid, GOOD);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::ABORTED);
    assert!(rig.arrivals().is_empty());
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(xid, false);
    abort(&mut rig, 0x10, 3);
    assert!(rig.arrivals().is_empty());
    abort(&mut rig, 0x10, 4);
    assert!(rig.arrivals().is_empty());
    assert_eq!(aborted(&mut rig), [(3, true), (4, false)]);
    rig.is_clean();
}

#[test]
fn the_firmware_ended_it_and_the_abort_follows() {
    let mut rig = Rig::fcp();
    let xid = rig.command(0x10);
    let data = rig.data(10);
    rig.queue.receive(xid, 0, data);
    let done = terminated(&rig.iocb(), CtioStatus::ABORTED);
    rig.chip.complete(&[done]);
    rig.received(xid, false);
    abort(&mut rig, 0x10, 7);
    assert!(matches!(rig.arrival(), Arrival::Abort { .. }));
    assert!(rig.told().is_empty(), "the owner has it still");
    rig.queue.terminate(xid);
    assert!(rig.iocbs().is_empty(), "there is nothing left to end");
    rig.ended(xid, true);
    assert_eq!(aborted(&mut rig), [(7, true)]);
    rig.is_clean();
}

#[test]
fn a_receive_that_is_cancelled_may_still_come_and_else_ends_soon() {
    for comes in [true, false] {
        let mut rig = Rig::fcp();
        let xid = rig.command(0x10);
        let data = rig.data(100);
        rig.queue.receive(xid, 0, data);
        let data = rig.iocb();
        rig.now += 5_000 * MS;
        rig.arrivals();
        rig.queue.cancel(xid);
        rig.queue.cancel(xid);
        rig.now += 400 * MS;
        assert!(rig.arrivals().is_empty() && rig.iocbs().is_empty());
        if comes {
            rig.complete(&data, CtioStatus::SUCCESS);
            rig.received(xid, true);
            rig.queue.respond(xid, Response::Fcp(check_condition(18)));
            let entry = rig.iocb();
            rig.complete(&entry, CtioStatus::SUCCESS);
            rig.ended(xid, true);
        } else {
            rig.now += 700 * MS;
            assert!(rig.arrivals().is_empty());
            let end = rig.iocb();
            assert!(flags(&end).terminate());
            rig.complete(&data, CtioStatus::ABORTED);
            rig.received(xid, false);
            rig.queue.respond(xid, Response::Fcp(check_condition(18)));
            assert!(rig.arrivals().is_empty());
            rig.complete(&end, CtioStatus::SUCCESS);
            rig.ended(xid, false);
        }
        rig.is_clean();
    }
}

#[test]
fn a_receive_that_was_not_sent_is_cancelled_at_once() {
    let mut rig = Rig::new(fc::Fc4::Fcp, 32, 8, 8);
    let xids: Vec<_> = (0..7).map(|n| rig.command(0x10 + n)).collect();
    for xid in &xids {
        let data = rig.data(100);
        rig.queue.receive(*xid, 0, data);
    }
    rig.queue.cancel(xids[6]);
    rig.received(xids[6], false);
    assert_eq!(rig.iocbs().len(), 6);
    assert!(rig.iocbs().is_empty());
}
