//! Order and wake-ups of lanes.

use super::*;
use ring::Tag;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn counter() -> (Arc<AtomicUsize>, Wake) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    (
        count,
        Arc::new(move || {
            counted.fetch_add(1, Relaxed);
        }),
    )
}

fn xid(index: u32) -> Xid {
    Xid(Tag::new(index, 0))
}

#[test]
fn arrivals_keep_their_order_when_the_ring_is_full() {
    let (woken, wake) = counter();
    let (mut end, mut lane) = lane(1, wake, Arc::new(|| {}));
    let (mut sent, mut seen) = (0, 0);
    // More than the ring holds, and read in pieces: what waits must not be overtaken.
    for round in 1..20 {
        for _ in 0..round {
            end.push(Arrival::Abort { xid: xid(sent) });
            sent += 1;
        }
        end.flush();
        for _ in 0..round / 2 {
            let Some(Arrival::Abort { xid: got }) = lane.next(0) else { panic!("nothing came") };
            assert_eq!(got, xid(seen));
            seen += 1;
        }
    }
    while seen < sent {
        end.flush();
        let Some(Arrival::Abort { xid: got }) = lane.next(0) else { panic!("lost after {seen} of {sent}") };
        assert_eq!(got, xid(seen));
        seen += 1;
    }
    assert!(!end.is_pending() && !lane.is_pending());
    assert!(woken.load(Relaxed) > 19);
}

#[test]
fn orders_keep_their_order_and_wake_once_a_turn() {
    let (woken, wake) = counter();
    let (mut end, mut lane) = lane(1, Arc::new(|| {}), wake);
    for index in 0..40 {
        lane.terminate(xid(index));
    }
    assert_eq!(woken.load(Relaxed), 0, "not before the turn ends");
    lane.flush();
    assert_eq!(woken.load(Relaxed), 1);
    for index in 0..40 {
        if index == 20 {
            assert!(lane.is_pending(), "what waits fits now, so its core may not sleep");
        }
        let Some(Order::Terminate { xid: got }) = end.next().or_else(|| {
            lane.flush();
            end.next()
        }) else {
            panic!("nothing came")
        };
        assert_eq!(got, xid(index));
    }
    lane.flush();
    lane.flush();
    assert!(end.next().is_none() && !lane.is_pending());
    let woken_at_rest = woken.load(Relaxed);
    lane.flush();
    assert_eq!(woken.load(Relaxed), woken_at_rest, "an empty turn wakes nobody");
}

#[test]
fn a_full_ring_does_not_keep_the_other_side_awake() {
    let (mut end, mut lane) = lane(1, Arc::new(|| {}), Arc::new(|| {}));
    for index in 0..40 {
        end.push(Arrival::Abort { xid: xid(index) });
    }
    end.flush();
    assert!(!end.is_pending(), "nothing to do until the queue reads");
    assert!(lane.is_pending());
    assert!(lane.next(0).is_some());
    assert!(end.is_pending());
}

#[test]
fn who_makes_room_wakes_who_waits_for_it() {
    let (woken, wake) = counter();
    let (mut end, mut lane) = lane(1, Arc::new(|| {}), wake);
    for index in 0..16 {
        end.push(Arrival::Abort { xid: xid(index) });
    }
    end.flush();
    assert!(lane.next(0).is_some());
    lane.flush();
    assert_eq!(woken.load(Relaxed), 0, "nobody waited");
    end.push(Arrival::Abort { xid: xid(16) });
    end.push(Arrival::Abort { xid: xid(17) });
    assert!(lane.next(0).is_some() && lane.next(0).is_some());
    lane.flush();
    assert_eq!(woken.load(Relaxed), 1, "the node waited for room");
}

#[test]
fn an_end_learns_that_its_queue_is_gone_after_its_last_order() {
    let (mut end, mut lane) = lane(4, Arc::new(|| {}), Arc::new(|| {}));
    lane.logout(SessionId(7));
    assert!(!end.is_abandoned());
    drop(lane);
    assert!(!end.is_abandoned());
    assert!(matches!(end.next(), Some(Order::Logout { session: SessionId(7) })));
    assert!(end.is_abandoned());
}
