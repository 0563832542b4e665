//! Controllers whose queues live on several homes: connect, abort, reset, shutdown, loss, all with I/O in flight.

use super::rig::*;
use wire::fabrics::{Connect, Disconnect, PropertySet};
use wire::nvm::Rw;
use wire::nvme::{Abort, AdminOpcode, Csts, NvmOpcode, Property, SglDescriptor, Sqe, Status};

fn read() -> Sqe {
    Sqe { dptr: SglDescriptor::transport(512), ..Rw::sqe(NvmOpcode::READ, 1, 0, 1, 0) }
}

fn write() -> Sqe {
    Sqe { dptr: SglDescriptor::transport(512), ..Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0) }
}

fn abort(qid: u16, cid: u16) -> Sqe {
    Abort { sqid: qid, cid }.sqe()
}

#[test]
fn queues_of_any_home_find_the_controllers() {
    let mut rig = Rig::new(3);
    for home in [2, 0, 1, 1] {
        let (_, cntlid) = rig.admin(home);
        for (qid, home) in [(1, 0), (2, 1), (3, 2)] {
            let io = rig.io(home, cntlid, qid);
            assert!(rig.get(io, read(), 512).0.status().is_success());
        }
    }
    rig.assert_idle();
}

#[test]
fn a_far_home_refuses_with_the_parameter() {
    let mut rig = Rig::new(2);
    let (_, cntlid) = rig.admin(0);
    rig.io(1, cntlid, 1);
    let at = rig.open(1);
    let cqe = rig.connect(at, Connect::new(1, 64, 0), &data(NQN, cntlid));
    assert_eq!(cqe.status(), Status::COMMAND_SEQUENCE_ERROR.with_dnr());
    let cqe = rig.connect(at, Connect::new(9, 64, 0), &data(NQN, cntlid));
    assert_eq!((cqe.status().code(), cqe.dw0.get()), (Status::CONNECT_INVALID_PARAMETERS, 42));
    let cqe = rig.connect(at, Connect::new(2, 64, 0), &data(NQN, cntlid + 1));
    assert_eq!(cqe.dw0.get(), 0x1_0010);
    // The queue may try again.
    assert!(rig.connect(at, Connect::new(2, 64, 0), &data(NQN, cntlid)).status().is_success());
    rig.assert_idle();
}

#[test]
fn abort_aborts_where_the_victim_is() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    for (home, qid) in [(0, 1), (1, 2)] {
        let io = rig.io(home, cntlid, qid);
        // With the device.
        rig.disk.hold(true);
        let victim = rig.submit(io, read(), &[]);
        let (cqe, _) = rig.call(admin, abort(qid, victim), &[]);
        assert_eq!((cqe.status(), cqe.dw0.get()), (Status::SUCCESS, Abort::ABORTED));
        assert_eq!(rig.reply(io, victim).unwrap().0.status(), Status::ABORTED_BY_REQUEST);
        rig.disk.hold(false);
        // With the fabric.
        rig.port(home).hold_fetch = true;
        let victim = rig.submit(io, write(), &[0; 512]);
        let (cqe, _) = rig.call(admin, abort(qid, victim), &[]);
        assert_eq!(cqe.dw0.get(), Abort::ABORTED);
        assert_eq!(rig.reply(io, victim).unwrap().0.status(), Status::ABORTED_BY_REQUEST);
        rig.port(home).hold_fetch = false;
        // Done, or never there.
        assert_eq!(rig.call(admin, abort(qid, victim), &[]).0.dw0.get(), Abort::NOT_ABORTED);
        assert_eq!(rig.call(admin, abort(qid, 0xffff), &[]).0.dw0.get(), Abort::NOT_ABORTED);
    }
    assert_eq!(rig.call(admin, abort(4, 1), &[]).0.dw0.get(), Abort::NOT_ABORTED);
    rig.assert_idle();
}

#[test]
fn an_abort_of_itself_or_of_another_abort_does_nothing() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    let cid = rig.submit(admin, Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0), &[]);
    // The next identifier is the Abort's own.
    assert_eq!(rig.call(admin, abort(0, cid + 1), &[]).0.dw0.get(), Abort::NOT_ABORTED);
    rig.disk.hold(true);
    let victim = rig.submit(io, read(), &[]);
    // Both before the other home gets to see the first.
    let with_cid = |cid, sqe| Sqe { cid: wire::U16::new(cid), ..sqe };
    rig.port(0).submit(admin.1, with_cid(5000, abort(1, victim)), &[]);
    rig.port(0).submit(admin.1, with_cid(5001, abort(0, 5000)), &[]);
    rig.run();
    assert_eq!(rig.reply(admin, 5001).unwrap().0.dw0.get(), Abort::NOT_ABORTED);
    let (first, _) = rig.reply(admin, 5000).unwrap();
    assert_eq!((first.status(), first.dw0.get()), (Status::SUCCESS, Abort::ABORTED));
    rig.disk.hold(false);
    rig.assert_idle();
}

#[test]
fn aborts_that_wait_are_limited() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    rig.disk.hold(true);
    let victims: Vec<u16> = (0..5).map(|_| rig.submit(io, read(), &[])).collect();
    // All before the other home gets to see the first.
    for (cid, victim) in (5000..).zip(&victims) {
        let sqe = Sqe { cid: wire::U16::new(cid), ..abort(1, *victim) };
        rig.port(0).submit(admin.1, sqe, &[]);
    }
    rig.port(0).submit(admin.1, Sqe { cid: wire::U16::new(6000), ..abort(0, 5000) }, &[]);
    rig.run();
    let answers: Vec<(Status, u32)> =
        (5000..5005).map(|cid| rig.reply(admin, cid).unwrap().0).map(|cqe| (cqe.status(), cqe.dw0.get())).collect();
    assert_eq!(answers[..4], [(Status::SUCCESS, Abort::ABORTED); 4]);
    assert_eq!(answers[4].0, Status::ABORT_LIMIT_EXCEEDED.with_dnr());
    // An Abort that waits is not aborted. (This one found the limit reached.)
    assert_eq!(rig.reply(admin, 6000).unwrap().0.status(), Status::ABORT_LIMIT_EXCEEDED.with_dnr());
    rig.disk.hold(false);
    rig.assert_idle();
}

#[test]
fn an_event_request_can_be_aborted() {
    let mut rig = Rig::new(1);
    let (admin, _) = rig.admin(0);
    let event = rig.submit(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), &[]);
    assert_eq!(rig.call(admin, abort(0, event), &[]).0.dw0.get(), Abort::ABORTED);
    assert_eq!(rig.reply(admin, event).unwrap().0.status(), Status::ABORTED_BY_REQUEST);
    rig.assert_idle();
}

#[test]
fn reset_ends_the_io_queues_everywhere() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let queues = [rig.io(0, cntlid, 1), rig.io(1, cntlid, 2)];
    let (_, other) = rig.admin(0);
    let bystander = rig.io(1, other, 1);
    let event = rig.submit(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), &[]);
    rig.disk.hold(true);
    queues.iter().for_each(|io| {
        rig.submit(*io, read(), &[]);
        rig.submit(*io, write(), &[1; 512]);
    });
    // One home at a time: RDY stays until the other has done its part.
    let sqe = Sqe { cid: wire::U16::new(9000), ..PropertySet::sqe(Property::CC, 0) };
    rig.port(0).submit(admin.1, sqe, &[]);
    rig.cores[0].poll(0);
    rig.cores[0].poll(0);
    assert!(rig.cores[1].port().is_open(queues[1].1));
    rig.port(0).submit(
        admin.1,
        Sqe { cid: wire::U16::new(9001), ..wire::fabrics::PropertyGet::sqe(Property::CSTS) },
        &[],
    );
    rig.cores[0].poll(0);
    rig.run();
    assert_eq!(rig.reply(admin, 9001).unwrap().0.value(), 1);
    assert_eq!(rig.csts(admin), Csts::default());
    assert!(queues.iter().all(|io| !rig.is_open(*io)) && rig.is_open(admin) && rig.is_open(bystander));
    assert_eq!(rig.reply(admin, event).unwrap().0.status(), Status::ABORTED_BY_REQUEST);
    rig.disk.hold(false);
    assert!(rig.get(bystander, read(), 512).0.status().is_success());
    // It can be used again.
    rig.set_cc(admin, ENABLE);
    let io = rig.io(1, cntlid, 2);
    assert!(rig.get(io, read(), 512).0.status().is_success());
    rig.assert_idle();
}

#[test]
fn shutdown_ends_the_io_queues_and_says_when() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    rig.disk.hold(true);
    rig.submit(io, read(), &[]);
    rig.set_cc(admin, ENABLE | 1 << 14);
    assert!(!rig.is_open(io));
    assert_eq!(rig.csts(admin).shst(), Csts::SHST_COMPLETE);
    let at = rig.open(1);
    let cqe = rig.connect(at, Connect::new(1, 64, 0), &data(NQN, cntlid));
    assert_eq!(cqe.status(), Status::COMMAND_SEQUENCE_ERROR.with_dnr());
    rig.set_cc(admin, 0);
    assert_eq!(rig.csts(admin), Csts::default());
    rig.disk.hold(false);
    rig.assert_idle();
}

#[test]
fn a_lost_admin_queue_takes_its_controller_along() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let queues = [rig.io(0, cntlid, 1), rig.io(1, cntlid, 2)];
    rig.submit(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), &[]);
    rig.disk.hold(true);
    queues.iter().for_each(|io| {
        rig.submit(*io, read(), &[]);
    });
    rig.port(0).lose(admin.1);
    rig.run();
    assert!(queues.iter().all(|io| !rig.is_open(*io)));
    let at = rig.open(1);
    let cqe = rig.connect(at, Connect::new(1, 64, 0), &data(NQN, cntlid));
    assert_eq!(cqe.dw0.get(), 0x1_0010);
    rig.disk.hold(false);
    rig.assert_idle();
}

#[test]
fn a_lost_io_queue_can_come_back_on_another_home() {
    let mut rig = Rig::new(2);
    let (_, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    rig.port(1).hold_fetch = true;
    rig.submit(io, write(), &[1; 512]);
    rig.port(1).lose(io.1);
    rig.run();
    let io = rig.io(0, cntlid, 1);
    assert!(rig.get(io, read(), 512).0.status().is_success());
    rig.assert_idle();
}

#[test]
fn disconnect_while_data_is_on_its_way() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    rig.disk.hold(true);
    rig.submit(io, read(), &[]);
    rig.port(1).hold_fetch = true;
    rig.submit(io, write(), &[1; 512]);
    assert!(rig.call(io, Disconnect::sqe(), &[]).0.status().is_success());
    assert!(!rig.is_open(io) && rig.is_open(admin));
    rig.disk.hold(false);
    rig.assert_idle();
    // It is gone at its controller's home as well.
    rig.io(0, cntlid, 1);
}

#[test]
fn a_queue_that_is_lost_while_its_home_is_asked() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let at = rig.open(1);
    let connect = Connect { cid: wire::U16::new(1), ..Connect::new(1, 64, 0) };
    rig.port(1).submit(at.1, connect.into_sqe(), wire::IntoBytes::as_bytes(&data(NQN, cntlid)));
    rig.cores[1].poll(0);
    rig.port(1).lose(at.1);
    rig.cores[1].poll(0);
    rig.run();
    assert!(!rig.is_open(at) && rig.is_open(admin));
    // The identifier is free again, on any home.
    rig.io(0, cntlid, 1);
    rig.assert_idle();
}
