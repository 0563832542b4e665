//! ABTS to a responder, and what is left afterwards; logout and loss of the link.

use crate::rig::*;
use crate::target::command;
use fc::fc2::{Failure, Upcall};
use fc::{Fc4, Xid};
use wire::fc::bls::{BaAcc, BaRjt};
use wire::fc::{FCtl, PortId, RCtl, Type, UNASSIGNED};

impl Rig {
    fn told(&mut self, xid: Xid) {
        let upcall = self.upcall();
        assert!(
            matches!(upcall, Upcall::Abort { xid: aborted, context } if aborted == xid && context >= 1000),
            "{upcall:?}"
        );
    }

    /// Takes the end of an exchange that did not go well.
    fn swallowed(&mut self, xid: Xid) {
        let Upcall::Sent { xid: ended, data, ok: false, over: true, .. } = self.upcall() else { panic!("sent") };
        assert_eq!(ended, xid);
        self.home(data);
    }

    fn accepted(&mut self, ox_id: u16, rx_id: u16) {
        let frame = self.one();
        assert_eq!((frame.header().r_ctl, frame.header().type_), (RCtl::BA_ACC, Type::BLS));
        assert_eq!((frame.header().f_ctl(), frame.header().seq_id), (FCtl(0x99_0000), 5));
        assert_eq!((frame.header().s_id(), frame.header().d_id()), (DISK, HOST));
        assert_eq!((frame.header().ox_id(), frame.header().rx_id()), (ox_id, rx_id));
        assert_eq!(frame.payload(), BaAcc::exchange(ox_id, rx_id).to_bytes());
    }

    fn rejected(&mut self) {
        let frame = self.one();
        assert_eq!((frame.header().r_ctl, frame.payload()), (RCtl::BA_RJT, &BaRjt::UNKNOWN_EXCHANGE.to_bytes()[..]));
    }

    fn rrq(&mut self, ox_id: u16, rx_id: u16) -> bool {
        self.engine.rrq(DISK, HOST, HOST, ox_id, rx_id)
    }
}

#[test]
fn an_abort_is_accepted_when_the_owner_has_ended_the_command() {
    let mut rig = Rig::new();
    let (xid, ox_id, rx_id) = command(&mut rig);
    rig.arrive(abts(ox_id, UNASSIGNED), &[]);
    rig.told(xid);
    // Once is enough.
    rig.arrive(abts(ox_id, rx_id), &[]);
    rig.quiet();
    rig.none();
    rig.pass(5 * SECOND);
    rig.engine.terminate(xid).unwrap();
    assert!(matches!(rig.upcall(), Upcall::Sent { over: true, .. }));
    rig.accepted(ox_id, rx_id);
    // The answer was lost: it is given again.
    rig.arrive(abts(ox_id, rx_id), &[]);
    rig.accepted(ox_id, rx_id);
    rig.check_end();
}

#[test]
fn what_is_ordered_after_an_abort_is_swallowed() {
    let mut rig = Rig::new();
    for response in [None, Some(good())] {
        let (xid, ox_id, rx_id) = command(&mut rig);
        rig.arrive(abts(ox_id, rx_id), &[]);
        rig.told(xid);
        let data = painted(&mut rig.pool, 512, 0);
        rig.engine.receive(xid, 0, data).unwrap();
        let (data, ok) = rig.received();
        assert!(!ok);
        rig.engine.transmit(xid, 0, data, response).unwrap();
        if response.is_none() {
            let Upcall::Sent { data, ok: false, over: false, .. } = rig.upcall() else { panic!("sent") };
            rig.home(data);
            rig.none();
            rig.engine.respond(xid, good()).unwrap();
        }
        rig.swallowed(xid);
        rig.accepted(ox_id, rx_id);
    }
    rig.check_end();
}

#[test]
fn an_abort_stops_what_is_under_way() {
    let mut rig = Rig::new();
    // Data come.
    let (xid, ox_id, rx_id) = command(&mut rig);
    let data = painted(&mut rig.pool, 4096, 0);
    rig.engine.receive(xid, 0, data).unwrap();
    rig.one();
    rig.arrive(abts(ox_id, rx_id), &[]);
    rig.told(xid);
    let (data, ok) = rig.received();
    rig.arrive(host_data(ox_id, rx_id, 0, false), &[0xaa; 2048]);
    assert!(!ok && is_painted(data.bytes(), 0), "nothing is written after the end");
    rig.home(data);
    rig.engine.cancel(xid);
    rig.quiet();
    rig.none();
    rig.engine.terminate(xid).unwrap();
    assert!(matches!(rig.upcall(), Upcall::Sent { over: true, .. }));
    rig.accepted(ox_id, rx_id);
    // Data go, with their response; not all of them left.
    let (xid, ox_id, rx_id) = command(&mut rig);
    let data = painted(&mut rig.pool, 8192, 0);
    rig.engine.transmit(xid, 0, data, Some(good())).unwrap();
    rig.engine.next_frame(rig.now).map(|frame| rig.frames.give(frame)).unwrap();
    rig.arrive(abts(ox_id, rx_id), &[]);
    rig.swallowed_after_abort(xid);
    rig.accepted(ox_id, rx_id);
    rig.check_end();
}

impl Rig {
    /// The abort of an exchange that ended by it: nobody needs to hear of it.
    fn swallowed_after_abort(&mut self, xid: Xid) {
        let upcall = self.engine.next();
        match upcall {
            Some(Upcall::Abort { .. }) => self.swallowed(xid),
            Some(Upcall::Sent { data, ok: false, over: true, .. }) => self.home(data),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn identifiers_of_an_aborted_exchange_rest_until_rrq_or_r_a_tov() {
    let mut rig = Rig::new();
    let end = |rig: &mut Rig, ox_id| {
        let xid = rig.command(ox_id);
        rig.arrive(abts(ox_id, UNASSIGNED), &[]);
        rig.told(xid);
        rig.engine.terminate(xid).unwrap();
        assert!(matches!(rig.upcall(), Upcall::Sent { .. }));
        rig.one().header().rx_id()
    };
    let first = end(&mut rig, 5);
    // A late copy of the command is not begun.
    rig.arrive(command_header(5), &[0; 32]);
    rig.quiet();
    assert!(!rig.rrq(6, first) && !rig.rrq(5, first ^ 1));
    assert!(!rig.engine.rrq(DISK, PortId(9), HOST, 5, first) && !rig.engine.rrq(DISK, HOST, DISK, 5, first));
    assert!(rig.rrq(5, first) && !rig.rrq(5, first));
    end(&mut rig, 5);
    rig.pass(9900 * MS);
    rig.arrive(command_header(5), &[0; 32]);
    rig.quiet();
    rig.pass(200 * MS);
    let xid = rig.command(5);
    assert!(!rig.rrq(5, UNASSIGNED), "it is open");
    rig.end(xid);
    rig.check_end();
}

#[test]
fn a_command_that_comes_after_its_abort_is_not_begun() {
    let mut rig = Rig::new();
    rig.arrive(abts(7, UNASSIGNED), &[]);
    let frame = rig.one();
    assert_eq!(frame.header().r_ctl, RCtl::BA_ACC);
    rig.arrive(command_header(7), &[0; 32]);
    rig.quiet();
    rig.pass(11 * SECOND);
    let xid = rig.command(7);
    rig.end(xid);
    // What was begun and is over cannot be aborted.
    let (xid, ox_id, rx_id) = command(&mut rig);
    rig.end(xid);
    rig.arrive(abts(ox_id, rx_id), &[]);
    rig.rejected();
    rig.check_end();
}

#[test]
fn aborts_of_nothing_do_not_fill_the_table() {
    let mut rig = Rig::new();
    for ox_id in 0..100 {
        rig.arrive(abts(ox_id, UNASSIGNED), &[]);
    }
    assert_eq!(rig.sent().len(), 100, "each is answered");
    assert_eq!(rig.engine.open(), 8);
    let xid = rig.command(200);
    rig.end(xid);
    rig.check_end();
}

#[test]
fn logout_ends_what_is_between_two_ports_and_nothing_else() {
    let mut rig = Rig::new();
    let (open, ..) = command(&mut rig);
    let (receiving, ox_id, rx_id) = command(&mut rig);
    let (sending, ..) = command(&mut rig);
    let (aborted, aborted_ox, aborted_rx) = command(&mut rig);
    rig.arrive(abts(aborted_ox, aborted_rx), &[]);
    rig.told(aborted);
    let data = painted(&mut rig.pool, 4096, 0);
    rig.engine.receive(receiving, 0, data).unwrap();
    rig.one();
    let data = painted(&mut rig.pool, 4096, 0);
    rig.engine.transmit(sending, 0, data, Some(good())).unwrap();
    let mut header = command_header(1);
    header.s_id = [1, 1, 9];
    rig.arrive(header, &[0; 32]);
    let Upcall::Command { xid: other, payload, .. } = rig.upcall() else { panic!("a command") };
    rig.recycle(payload);
    let mut els = from_host(RCtl::ELS_REQUEST, 0x29_0000, 77, UNASSIGNED);
    els.type_ = Type::ELS;
    rig.arrive(els, &[3, 0, 0, 0]);
    let Upcall::Request { xid: plogi, payload, .. } = rig.upcall() else { panic!("a request") };
    rig.recycle(payload);
    assert_eq!(rig.engine.open_between(DISK, HOST, Some(Fc4::Fcp)), 4);
    assert_eq!(rig.engine.open_between(DISK, HOST, Some(Fc4::Nvme)), 0);

    rig.engine.end_between(DISK, HOST, Some(Fc4::Nvme));
    rig.quiet();
    rig.engine.end_between(DISK, HOST, None);
    let (mut aborts, mut ended) = (Vec::new(), Vec::new());
    while let Some(upcall) = rig.engine.next() {
        match upcall {
            Upcall::Abort { xid, .. } => aborts.push(xid),
            Upcall::Received { xid, data, ok: false, .. } => {
                assert_eq!(xid, receiving);
                rig.arrive(host_data(ox_id, rx_id, 0, true), &[0; 4]);
                assert!(is_painted(data.bytes(), 0));
                rig.pool.give(data);
            }
            Upcall::Sent { xid, data, ok: false, over: true, .. } => {
                ended.push(xid);
                rig.pool.give(data);
            }
            other => panic!("{other:?}"),
        }
    }
    aborts.sort_by_key(|xid| xid.0.index());
    assert_eq!(aborts, [open, receiving], "who is over by it, and who knows, need not hear of it");
    assert_eq!(ended, [sending]);
    for xid in [open, receiving, aborted] {
        rig.engine.respond(xid, good()).unwrap();
        rig.swallowed(xid);
    }
    rig.none();
    rig.engine.answer(plogi, 2112, &[2, 0, 0, 0]);
    assert_eq!(rig.one().header().r_ctl, RCtl::ELS_REPLY);
    rig.end(other);
    assert_eq!(rig.engine.open(), 0, "nothing rests after a logout");
    rig.check_end();
}

#[test]
fn loss_of_the_link_ends_all() {
    let mut rig = Rig::new();
    let (xid, ..) = command(&mut rig);
    rig.arrive(abts(60, UNASSIGNED), &[]);
    let payload = [3, 0, 0, 0];
    rig.engine.request(route(), RCtl::ELS_REQUEST, Type::ELS, &payload, SECOND, 8, rig.now).unwrap();
    rig.engine.end_all();
    rig.none();
    let mut reply = false;
    while let Some(upcall) = rig.engine.next() {
        match upcall {
            Upcall::Reply { context: 8, result: Err(Failure::LinkDown), .. } => reply = true,
            Upcall::Abort { xid: aborted, .. } => assert_eq!(aborted, xid),
            other => panic!("{other:?}"),
        }
    }
    assert!(reply);
    rig.engine.terminate(xid).unwrap();
    assert!(matches!(rig.upcall(), Upcall::Sent { over: true, .. }));
    assert_eq!(rig.engine.open(), 0);
    rig.check_end();
}

#[test]
fn rec_says_how_far_an_exchange_is() {
    let mut rig = Rig::new();
    let (xid, ox_id, rx_id) = command(&mut rig);
    let data = rig.pool.take(4096).unwrap();
    rig.engine.receive(xid, 0, data).unwrap();
    let ask = |rig: &Rig, rx_id| rig.engine.rec(DISK, HOST, HOST, ox_id, rx_id);
    assert!(ask(&rig, rx_id).unwrap().status.initiative_here());
    rig.one();
    rig.arrive(host_data(ox_id, rx_id, 0, false), &bytes(0, 2048));
    let status = ask(&rig, UNASSIGNED).unwrap();
    assert_eq!((status.ox_id, status.rx_id, status.fc4_value), (ox_id, rx_id, 2048));
    assert_eq!((status.originator, status.responder), (HOST, DISK));
    assert!(status.status.owner_is_responder() && !status.status.initiative_here() && !status.status.complete());
    assert_eq!(ask(&rig, rx_id ^ 1), None);
    assert_eq!(rig.engine.rec(DISK, PortId(7), PortId(7), ox_id, rx_id), None);
    assert_eq!(rig.engine.rec(DISK, HOST, DISK, ox_id, rx_id), None);
    rig.engine.cancel(xid);
    let (data, _) = rig.received();
    rig.home(data);
    rig.end(xid);
    assert_eq!(ask(&rig, rx_id), None);
    rig.check_end();
}
