//! Sessions that come and go, link service requests, logouts.

use crate::rig::*;
use fc::{Arrival, Fc4, Queue, SessionId};
use qla::lane::{FromLane, ToLane};
use wire::isp::iocb::CtioStatus;

#[test]
fn all_of_a_session_is_ended_before_it_is_said_to_be_gone() {
    let mut rig = Rig::fcp();
    rig.tell(ToLane::SessionUp(session(2, Fc4::Fcp)));
    rig.arrival();
    let (idle, receiving, responding) = (rig.command(1), rig.command(2), rig.command(3));
    let other = rig.command_of(2, 4);
    let data = rig.data(100);
    rig.queue.receive(receiving, 0, data);
    rig.queue.respond(responding, GOOD);
    let at_adapter = rig.iocbs();
    assert_eq!(at_adapter.len(), 2);
    rig.tell(ToLane::SessionDown(SessionId(1)));
    let arrivals = rig.arrivals();
    let aborts: Vec<_> = arrivals[..3]
        .iter()
        .map(|arrival| match arrival {
            Arrival::Abort { xid } => *xid,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(aborts, [idle, receiving, responding]);
    assert!(matches!(arrivals[3..], [Arrival::SessionDown { session: SessionId(1) }]));
    let ends = rig.iocbs();
    assert_eq!(ends.len(), 3, "each of its exchanges is ended at the adapter");
    assert!(ends.iter().all(|entry| flags(entry).terminate()));
    rig.complete(&at_adapter[0], CtioStatus::PORT_LOGGED_OUT);
    rig.received(receiving, false);
    rig.complete(&at_adapter[1], CtioStatus::PORT_LOGGED_OUT);
    for end in &ends {
        assert!(!rig.told().iter().any(|told| matches!(told, FromLane::Down(_))));
        rig.complete(end, CtioStatus::INVALID_RX_ID);
        for arrival in rig.arrivals() {
            assert!(matches!(arrival, Arrival::Sent { xid, ok: false, .. } if xid == responding), "{arrival:?}");
        }
    }
    assert!(matches!(rig.told()[..], [FromLane::Down(SessionId(1))]));
    // What its owner still sends is swallowed.
    rig.queue.respond(idle, GOOD);
    rig.ended(idle, false);
    rig.queue.terminate(receiving);
    rig.ended(receiving, true);
    assert!(rig.iocbs().is_empty());
    // The other one was not touched, and the address of an old exchange may be anybody's.
    let again = rig.command_of(2, 1);
    for xid in [other, again] {
        rig.queue.respond(xid, GOOD);
        let entry = rig.iocb();
        rig.complete(&entry, CtioStatus::SUCCESS);
        rig.ended(xid, true);
    }
    rig.is_clean();
}

#[test]
fn an_abort_does_not_find_the_exchange_of_a_session_that_is_down() {
    let mut rig = Rig::fcp();
    let old = rig.command(1);
    rig.tell(ToLane::SessionDown(SessionId(1)));
    assert_eq!(rig.arrivals().len(), 2);
    let end = rig.iocb();
    rig.complete(&end, CtioStatus::SUCCESS);
    assert!(rig.arrivals().is_empty());
    rig.tell(ToLane::SessionUp(session(2, Fc4::Fcp)));
    rig.arrival();
    let new = rig.command_of(2, 1);
    rig.tell(ToLane::Abort { exchange: 1, token: 1 });
    assert!(matches!(rig.arrivals()[..], [Arrival::Abort { xid }] if xid == new));
    rig.queue.terminate(old);
    rig.ended(old, true);
    rig.queue.terminate(new);
    let entry = rig.iocb();
    rig.complete(&entry, CtioStatus::SUCCESS);
    rig.ended(new, true);
    assert!(matches!(rig.told()[..], [FromLane::Down(_), FromLane::Aborted { token: 1, found: true }]));
    rig.is_clean();
}

#[test]
fn a_session_without_exchanges_is_gone_at_once() {
    let mut rig = Rig::fcp();
    rig.tell(ToLane::SessionDown(SessionId(1)));
    assert!(matches!(rig.arrivals()[..], [Arrival::SessionDown { session: SessionId(1) }]));
    assert!(matches!(rig.told()[..], [FromLane::Down(SessionId(1))]));
    rig.is_clean();
}

#[test]
fn an_exchange_that_was_being_aborted_is_waited_for_too() {
    let mut rig = Rig::fcp();
    let xid = rig.command(1);
    rig.tell(ToLane::Abort { exchange: 1, token: 9 });
    rig.arrival();
    rig.queue.terminate(xid);
    let end = rig.iocb();
    rig.tell(ToLane::SessionDown(SessionId(1)));
    assert!(matches!(rig.arrivals()[..], [Arrival::SessionDown { .. }]), "the abort was told before");
    assert!(rig.told().is_empty());
    rig.complete(&end, CtioStatus::PORT_LOGGED_OUT);
    rig.ended(xid, true);
    assert!(matches!(rig.told()[..], [FromLane::Aborted { token: 9, found: true }, FromLane::Down(SessionId(1))]));
    rig.is_clean();
}

#[test]
fn requests_are_answered_once_and_forgotten_with_their_session() {
    let mut rig = Rig::nvme();
    let ask = |rig: &mut Rig, exchange| {
        let payload = Box::from([1, 2, 3]);
        rig.tell(ToLane::Request { session: SessionId(1), exchange, ox_id: 0x77, payload });
        match rig.arrival() {
            Arrival::Request { xid, session: SessionId(1), payload } => {
                assert_eq!(payload[..], [1, 2, 3]);
                xid
            }
            other => panic!("{other:?}"),
        }
    };
    let (first, second) = (ask(&mut rig, 10), ask(&mut rig, 11));
    assert!(first != second && first.0.index() >= rig.queue.places(), "no command has such a name");
    rig.queue.answer(second, Box::from([5]));
    rig.queue.answer(second, Box::from([6]));
    match &rig.told()[..] {
        [FromLane::Answer { session: SessionId(1), exchange: 11, ox_id: 0x77, payload }] => {
            assert_eq!(payload[..], [5]);
        }
        _ => panic!("one answer"),
    }
    rig.tell(ToLane::SessionDown(SessionId(1)));
    rig.arrival();
    rig.queue.answer(first, Box::from([7]));
    assert!(matches!(rig.told()[..], [FromLane::Down(_)]));
    rig.queue.request(SessionId(3), Box::from([8]));
    rig.queue.logout(SessionId(4));
    assert!(matches!(
        rig.told()[..],
        [FromLane::Request { session: SessionId(3), .. }, FromLane::Logout(SessionId(4))]
    ));
    rig.is_clean();
}
