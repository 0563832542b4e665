//! A lane without queues of its own: all goes by the home.

use crate::rig::*;
use fc::{Arrival, Fc4, Queue, Response};
use qla::lane::{FromLane, ToLane, lane_of};
use qla::ring::Entry;
use wire::isp::iocb::CtioStatus;

fn rig() -> Rig {
    let mut rig = Rig::quiet(Fc4::Fcp, 64, 64, 64);
    rig.tell(ToLane::Resume { pair: None });
    rig.tell(ToLane::SessionUp(session(1, Fc4::Fcp)));
    rig.arrival();
    rig
}

/// IOCBs that the home is asked to send.
fn iocbs(rig: &mut Rig) -> Vec<Vec<Entry>> {
    rig.queue.flush();
    let iocb = |told| match told {
        FromLane::Iocb(iocb) => iocb.entries().to_vec(),
        _ => panic!("something else was told"),
    };
    rig.told().into_iter().map(iocb).collect()
}

#[test]
fn ctios_go_up_and_their_completions_come_down() {
    let mut rig = rig();
    let xid = rig.command(1);
    let data = rig.data(16);
    rig.queue.receive(xid, 0, data);
    let up = iocbs(&mut rig);
    assert!(up.len() == 1 && up[0].len() == 1 && rig.queue.is_pending());
    assert_eq!(lane_of(handle(&up[0][0])), Some(NUMBER));
    rig.tell(ToLane::Completion(completion(&up[0][0], CtioStatus::SUCCESS)));
    rig.received(xid, true);
    let data = rig.data(16);
    rig.queue.transmit(xid, 0, data, Some(Response::Fcp(check_condition(20))));
    let up = iocbs(&mut rig);
    assert!(up.len() == 1 && up[0].len() == 2, "data and status stay together");
    rig.tell(ToLane::Completion(completion(&up[0][1], CtioStatus::SUCCESS)));
    rig.ended(xid, true);
    rig.is_clean();
}

#[test]
fn more_than_the_ring_holds_waits_in_order() {
    let mut rig = rig();
    // 64 places: the ring holds 128 messages.
    for round in 0..10 {
        let xids: Vec<_> = (0..64).map(|n| rig.command(n + 100 * round)).collect();
        for xid in &xids {
            rig.queue.respond(*xid, GOOD);
            (0..3).for_each(|_| rig.queue.logout(fc::SessionId(7)));
        }
        rig.queue.flush();
        let mut sent = Vec::new();
        while sent.len() < 64 {
            for told in rig.told() {
                if let FromLane::Iocb(iocb) = told {
                    sent.push(iocb.entries()[0]);
                }
            }
            rig.queue.flush();
        }
        for entry in &sent {
            rig.end.push(ToLane::Completion(completion(entry, CtioStatus::SUCCESS)));
        }
        let mut ended = Vec::new();
        while ended.len() < 64 {
            rig.end.flush();
            for arrival in rig.arrivals() {
                match arrival {
                    Arrival::Sent { xid, ok: true, .. } => ended.push(xid),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(ended, xids);
        rig.told();
    }
    rig.is_clean();
}

#[test]
fn a_reset_has_no_rings_to_give_back() {
    let mut rig = rig();
    let xid = rig.command(1);
    rig.queue.respond(xid, GOOD);
    let up = iocbs(&mut rig);
    rig.tell(ToLane::Quiesce { generation: 3 });
    assert!(matches!(rig.arrivals()[..], [Arrival::Abort { .. }, Arrival::Sent { ok: false, .. }]));
    assert!(matches!(rig.told()[..], [FromLane::Quiet { generation: 3, pair: None }]));
    rig.tell(ToLane::Completion(completion(&up[0][0], CtioStatus::SUCCESS)));
    rig.is_clean();
}
