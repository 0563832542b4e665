//! Connect: every check with the parameter that it points to.

use super::rig::*;
use crate::view::SubsystemView;
use wire::fabrics::{Connect, ConnectData, DISCOVERY_NQN, Nqn, Where, data_offset, parse_connect_invalid, sqe_offset};
use wire::nvme::{FeatureId, Features, Property, QueueCount, SglDescriptor, Sqe, Status};
use wire::{IntoBytes, U16};

const INVALID: Status = Status::CONNECT_INVALID_PARAMETERS;

/// A Connect on a fresh queue: its status, which must say «do not retry», and the parameter it points to.
fn refused(rig: &mut Rig, sqe: Connect, data: &ConnectData) -> (Status, (Where, u16)) {
    let at = rig.open(0);
    let cqe = rig.connect(at, sqe, data);
    assert!(cqe.status().dnr(), "{cqe:?}");
    (cqe.status().code(), parse_connect_invalid(cqe.dw0.get()))
}

fn admin() -> Connect {
    Connect::new(0, 32, 0)
}

#[test]
fn names_are_checked() {
    let mut rig = Rig::new(1);
    let good = data(NQN, 0xffff);
    let unknown = data("nqn.2016-06.io.spdk:other", 0xffff);
    assert_eq!(refused(&mut rig, admin(), &unknown), (INVALID, (Where::Data, data_offset::SUBNQN)));
    for bad in [[0; 256], [b'x'; 256], [0xff; 256]] {
        let sub = ConnectData { subnqn: Nqn(bad), ..good };
        assert_eq!(refused(&mut rig, admin(), &sub), (INVALID, (Where::Data, data_offset::SUBNQN)));
    }
    for bad in [[b'x'; 256], [0xff; 256]] {
        let host = ConnectData { hostnqn: Nqn(bad), ..good };
        assert_eq!(refused(&mut rig, admin(), &host), (INVALID, (Where::Data, data_offset::HOSTNQN)));
    }
    // An empty host name is a name.
    let at = rig.open(0);
    assert!(rig.connect(at, admin(), &ConnectData { hostnqn: Nqn([0; 256]), ..good }).status().is_success());
    // 223 bytes are allowed, 224 are not.
    let mut long = [0; 256];
    long[..223].fill(b'h');
    let at = rig.open(0);
    assert!(rig.connect(at, admin(), &ConnectData { hostnqn: Nqn(long), ..good }).status().is_success());
    long[223] = b'h';
    let host = ConnectData { hostnqn: Nqn(long), ..good };
    assert_eq!(refused(&mut rig, admin(), &host), (INVALID, (Where::Data, data_offset::HOSTNQN)));
    rig.assert_idle();
}

#[test]
fn hosts_and_listeners_are_checked() {
    let mut rig = Rig::new(1);
    let closed = SubsystemView { allow_any_host: false, ..subsystem(&[rig.disk.clone()]) };
    rig.update(closed.clone()).unwrap();
    assert_eq!(refused(&mut rig, admin(), &data(NQN, 0xffff)).0, Status::CONNECT_INVALID_HOST);
    rig.update(SubsystemView { hosts: vec![HOST.to_owned()], ..closed }).unwrap();
    rig.admin(0);
    // Offered at another listener only: as if it did not exist.
    let mut elsewhere = subsystem(&[rig.disk.clone()]);
    elsewhere.listeners[0].id = LISTENER + 1;
    rig.update(elsewhere.clone()).unwrap();
    let at = (INVALID, (Where::Data, data_offset::SUBNQN));
    assert_eq!(refused(&mut rig, admin(), &data(NQN, 0xffff)), at);
    elsewhere.any_listener = true;
    rig.update(elsewhere).unwrap();
    rig.admin(0);
    rig.assert_idle();
}

#[test]
fn format_and_sizes_are_checked() {
    let mut rig = Rig::new(1);
    let good = data(NQN, 0xffff);
    let at_size = (INVALID, (Where::Sqe, sqe_offset::SQSIZE));
    for entries in [0, 1, 129, 0xffff] {
        assert_eq!(refused(&mut rig, Connect::new(0, entries, 0), &good), at_size, "{entries} entries");
    }
    let (_, cntlid) = rig.admin(0);
    for entries in [1, 129] {
        assert_eq!(refused(&mut rig, Connect::new(1, entries, 0), &data(NQN, cntlid)), at_size);
    }
    let format = Connect { recfmt: U16::new(1), ..admin() };
    assert_eq!(refused(&mut rig, format, &good).0, Status::CONNECT_INCOMPATIBLE_FORMAT);
    rig.assert_idle();
}

#[test]
fn too_little_data_is_refused() {
    let mut rig = Rig::new(1);
    let bytes = data(NQN, 0xffff);
    for len in [0, 16, 1023] {
        let at = rig.open(0);
        let mut sqe = admin();
        sqe.sgl1 = SglDescriptor::in_capsule(0, len);
        let (cqe, _) = rig.call(at, sqe.into_sqe(), &bytes.as_bytes()[..len as usize]);
        assert_eq!(cqe.status(), Status::DATA_SGL_LENGTH_INVALID.with_dnr());
        // The queue is as it was: a sound Connect works.
        assert!(rig.connect(at, admin(), &bytes).status().is_success());
    }
    // By R2T is fine, a second time on the queue is not.
    let at = rig.open(0);
    let mut sqe = admin();
    sqe.sgl1 = SglDescriptor::transport(1024);
    assert!(rig.connect(at, sqe, &bytes).status().is_success());
    assert_eq!(rig.connect(at, admin(), &bytes).status(), Status::COMMAND_SEQUENCE_ERROR.with_dnr());
    rig.assert_idle();
}

#[test]
fn controllers_are_made_as_hosts_come() {
    let mut rig = Rig::new(1);
    for wanted in [0, 1, 0xfffe] {
        let at_cntlid = (INVALID, (Where::Data, data_offset::CNTLID));
        assert_eq!(refused(&mut rig, admin(), &data(NQN, wanted)), at_cntlid);
    }
    let mut few = subsystem(&[rig.disk.clone()]);
    (few.min_cntlid, few.max_cntlid) = (5, 6);
    rig.update(few).unwrap();
    let (first, id) = rig.admin(0);
    assert_eq!((id, rig.admin(0).1), (5, 6));
    // Full: the host may try again later.
    let at = rig.open(0);
    let cqe = rig.connect(at, admin(), &data(NQN, 0xffff));
    assert_eq!(cqe.status(), Status::CONNECT_CONTROLLER_BUSY);
    rig.port(0).lose(first.1);
    rig.run();
    assert_eq!(rig.admin(0).1, 5);
}

#[test]
fn nothing_comes_before_connect() {
    let mut rig = Rig::new(1);
    let at = rig.open(0);
    for sqe in [Sqe::new(0x02, 1), Sqe::new(0x18, 0), wire::fabrics::PropertyGet::sqe(Property::CAP)] {
        assert_eq!(rig.status(at, sqe), Status::COMMAND_SEQUENCE_ERROR.with_dnr());
    }
}

#[test]
fn io_queues_are_checked() {
    let mut rig = Rig::new(1);
    let (admin, cntlid) = rig.admin_of(0, NQN);
    let good = data(NQN, cntlid);
    let connect = Connect::new(1, 64, 0);
    // Before CC.EN.
    assert_eq!(refused(&mut rig, connect, &good).0, Status::COMMAND_SEQUENCE_ERROR);
    rig.set_cc(admin, ENABLE);
    let other_host = ConnectData { hostnqn: Nqn::new("nqn.2014-08.org.other:host").unwrap(), ..good };
    let by_data = |offset| (INVALID, (Where::Data, offset));
    assert_eq!(refused(&mut rig, connect, &other_host), by_data(data_offset::HOSTNQN));
    let other_id = ConnectData { hostid: [9; 16], ..good };
    assert_eq!(refused(&mut rig, connect, &other_id), by_data(data_offset::HOSTID));
    for wrong in [cntlid + 1, 0xfff0, 0xfffe, 0xffff] {
        assert_eq!(refused(&mut rig, connect, &data(NQN, wrong)), by_data(data_offset::CNTLID));
    }
    let at_qid = (INVALID, (Where::Sqe, sqe_offset::QID));
    assert_eq!(refused(&mut rig, Connect::new(5, 64, 0), &good), at_qid);
    let two = QueueCount::default().with_nsq_z(1).with_ncq_z(0);
    assert_eq!(rig.call(admin, Features::set(FeatureId::NUMBER_OF_QUEUES, 0, two.0), &[]).0.dw0.get(), 0x1_0001);
    assert_eq!(refused(&mut rig, Connect::new(3, 64, 0), &good), at_qid);
    rig.io(0, cntlid, 1);
    // The same queue identifier again.
    assert_eq!(refused(&mut rig, connect, &good).0, Status::COMMAND_SEQUENCE_ERROR);
    rig.io(0, cntlid, 2);
    // Wrong entry sizes.
    let (odd, cntlid) = rig.admin_of(0, NQN);
    rig.set_cc(odd, 0x0045_0001);
    assert_eq!(refused(&mut rig, connect, &data(NQN, cntlid)), at_qid);
    // A controller of the other subsystem has no I/O queues.
    let (discovery, cntlid) = rig.admin_of(0, DISCOVERY_NQN);
    rig.set_cc(discovery, ENABLE);
    assert_eq!(refused(&mut rig, connect, &data(DISCOVERY_NQN, cntlid)), at_qid);
    rig.assert_idle();
}

#[test]
fn a_queue_that_does_not_connect_is_closed() {
    let mut rig = Rig::new(1);
    let idle = rig.open(0);
    let failed = rig.open(0);
    rig.connect(failed, admin(), &data("nqn.2016-06.io.spdk:other", 0xffff));
    let (connected, _) = rig.admin(0);
    rig.wait(9_999);
    assert!(rig.is_open(idle) && rig.is_open(failed));
    rig.wait(1);
    assert!(!rig.is_open(idle) && !rig.is_open(failed) && rig.is_open(connected));
    assert_eq!(rig.port(0).closed.len(), 2);
}
