//! What the control plane changes while hosts are connected, and the events that tell them.

use super::disk::SoftDisk;
use super::rig::*;
use crate::view::SubsystemView;
use crate::{CoreReport, Message};
use std::sync::Arc;
use std::sync::mpsc::{TryRecvError, sync_channel};
use wire::fabrics::{Connect, DISCOVERY_NQN};
use wire::identify::NsList;
use wire::limits::NSID_ALL;
use wire::nvm::Rw;
use wire::nvme::{
    AdminOpcode, Cns, Csi, Event, FeatureId, Features, GetLogPage, Identify, LogId, NvmOpcode, SglDescriptor, Sqe,
    Status,
};

fn read(nsid: u32) -> Sqe {
    Sqe { dptr: SglDescriptor::transport(512), ..Rw::sqe(NvmOpcode::READ, nsid, 0, 1, 0) }
}

fn event_request(rig: &mut Rig, at: (usize, u32)) -> u16 {
    rig.submit(at, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), &[])
}

fn changed(rig: &mut Rig, at: (usize, u32), rae: bool) -> Vec<u32> {
    let sqe = GetLogPage::sqe(LogId::CHANGED_NAMESPACES, NSID_ALL, 4096, 0, rae);
    let list: NsList = wire::read(&rig.get(at, sqe, 4096).1).unwrap();
    list.iter().collect()
}

#[test]
fn a_namespace_goes_with_io_in_flight() {
    let mut rig = Rig::new(2);
    let (_, cntlid) = rig.admin(0);
    let queues = [rig.io(0, cntlid, 1), rig.io(1, cntlid, 2)];
    rig.disk.hold(true);
    let victims: Vec<u16> = queues.iter().map(|io| rig.submit(*io, read(1), &[])).collect();
    let late = Sqe { dptr: SglDescriptor::transport(512), ..Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0) };
    rig.port(0).hold_fetch = true;
    let fetching = rig.submit(queues[0], late, &[1; 512]);
    rig.update(subsystem(&[])).unwrap();
    // Acknowledged: no core has the device open.
    assert_eq!(rig.disk.channels(), 0);
    for (io, victim) in queues.iter().zip(victims) {
        // The host may try again, and then learns that it is gone.
        assert_eq!(rig.reply(*io, victim).unwrap().0.status(), Status::ABORTED_BY_REQUEST);
        let gone = Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr();
        assert_eq!(rig.get(*io, read(1), 512).0.status(), gone);
    }
    rig.port(0).release_fetches();
    rig.run();
    let status = rig.reply(queues[0], fetching).unwrap().0.status();
    assert_eq!(status, Status::INVALID_NAMESPACE_OR_FORMAT.with_dnr());
    rig.assert_idle();
}

#[test]
fn a_change_is_acknowledged_only_when_the_devices_are_closed() {
    let mut rig = Rig::new(2);
    let (_, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    rig.disk.hold(true);
    rig.disk.be_stubborn(true);
    let cid = rig.submit(io, read(1), &[]);
    let view = Arc::new(subsystem(&[]));
    let answers = rig.post(|ack| Message::Subsystem { view: view.clone(), ack });
    // The home without I/O is done, the other is not.
    assert_eq!((answers.try_iter().count(), rig.disk.channels()), (1, 1));
    assert!(rig.cores[1].deadline().is_some());
    let gone = rig.post(|ack| Message::RemoveSubsystem { id: 1, ack });
    // Nor is the controller, whose queue that is, so its home waits too.
    assert_eq!(gone.try_iter().count(), 0);
    rig.disk.hold(false);
    rig.run();
    assert_eq!((answers.try_iter().count(), gone.try_iter().count(), rig.disk.channels()), (1, 2, 0));
    assert!(rig.reply(io, cid).is_none() && !rig.is_open(io));
    rig.assert_idle();
}

#[test]
fn hosts_are_told_of_namespaces() {
    let mut rig = Rig::new(2);
    let (near, _) = rig.admin(0);
    let (far, _) = rig.admin(1);
    let requests: Vec<u16> = [near, far].iter().map(|at| event_request(&mut rig, *at)).collect();
    assert!(rig.reply(near, requests[0]).is_none());
    let second = SoftDisk::new("second", 64, 4096, ALL);
    rig.update(subsystem(&[rig.disk.clone(), second.clone()])).unwrap();
    for (at, request) in [near, far].into_iter().zip(requests) {
        let (cqe, _) = rig.reply(at, request).expect("the event is reported");
        assert_eq!(Event::from_dw0(cqe.dw0.get()), Event::NAMESPACE_CHANGED);
        assert_eq!(changed(&mut rig, at, true), [2]);
        let (_, list) = rig.get(at, Identify::sqe(Cns::ACTIVE_NAMESPACES, 0, Csi::NVM), 4096);
        assert!(wire::read::<NsList>(&list).unwrap().iter().eq([1, 2]));
    }
    // Masked until the log was read without retaining the event.
    let request = event_request(&mut rig, near);
    rig.update(subsystem(std::slice::from_ref(&rig.disk))).unwrap();
    assert!(rig.reply(near, request).is_none());
    assert_eq!(changed(&mut rig, near, false), [2]);
    assert_eq!(rig.reply(near, request).unwrap().0.dw0.get(), Event::NAMESPACE_CHANGED.to_dw0());
    assert_eq!(changed(&mut rig, near, false), [0; 0]);
    // The same copy again is no event, a resize is one.
    let request = event_request(&mut rig, near);
    let mut view = subsystem(std::slice::from_ref(&rig.disk));
    rig.update(view.clone()).unwrap();
    assert!(rig.reply(near, request).is_none());
    view.namespaces[0].info.blocks = 512;
    let (_, cntlid) = rig.admin(0);
    let io = rig.io(0, cntlid, 1);
    rig.update(view).unwrap();
    assert!(rig.reply(near, request).is_some());
    assert_eq!(rig.get(io, Rw::sqe(NvmOpcode::READ, 1, 512, 1, 0), 512).0.status().code(), Status::LBA_OUT_OF_RANGE);
    // The device was kept open all the time.
    assert_eq!((rig.disk.channels(), second.channels()), (2, 0));
}

#[test]
fn hosts_are_told_when_all_cores_know() {
    let mut rig = Rig::new(2);
    let (at, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    let request = event_request(&mut rig, at);
    let second = SoftDisk::new("second", 64, 512, ALL);
    let view = Arc::new(subsystem(&[rig.disk.clone(), second]));
    let (ack, answers) = sync_channel(2);
    rig.mail[0].send(Message::Subsystem { view: view.clone(), ack: ack.clone() }).unwrap();
    rig.run();
    assert!(answers.try_recv().is_ok() && rig.reply(at, request).is_none());
    rig.mail[1].send(Message::Subsystem { view, ack }).unwrap();
    rig.run();
    rig.mail[0].send(Message::Settled { id: 1 }).unwrap();
    rig.run();
    assert!(rig.reply(at, request).is_some());
    assert!(rig.get(io, read(2), 512).0.status().is_success());
}

#[test]
fn who_does_not_want_events_gets_none() {
    let mut rig = Rig::new(1);
    let (at, _) = rig.admin(0);
    assert!(rig.status(at, Features::set(FeatureId::ASYNC_EVENT_CONFIG, 0, 0)).is_success());
    let request = event_request(&mut rig, at);
    rig.update(subsystem(&[])).unwrap();
    assert!(rig.reply(at, request).is_none());
    // What changed is in the log all the same.
    assert_eq!(changed(&mut rig, at, false), [1]);
}

#[test]
fn event_requests_are_limited() {
    let mut rig = Rig::new(1);
    let (at, _) = rig.admin(0);
    let waiting: Vec<u16> = (0..4).map(|_| event_request(&mut rig, at)).collect();
    let (cqe, _) = rig.call(at, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), &[]);
    assert_eq!(cqe.status(), Status::ASYNC_EVENT_LIMIT_EXCEEDED.with_dnr());
    assert!(waiting.iter().all(|cid| rig.reply(at, *cid).is_none()));
}

#[test]
fn discovery_controllers_are_told_of_the_log() {
    let mut rig = Rig::new(2);
    let (at, _) = rig.admin_of(1, DISCOVERY_NQN);
    rig.set_cc(at, ENABLE);
    let request = event_request(&mut rig, at);
    let change = |rig: &mut Rig, generation| {
        rig.mail
            .iter()
            .for_each(|home| home.send(Message::DiscoveryChanged { generation, referrals: Arc::new([]) }).unwrap());
        rig.run();
    };
    change(&mut rig, 3);
    assert_eq!(rig.reply(at, request).unwrap().0.dw0.get(), Event::DISCOVERY_CHANGED.to_dw0());
    let request = event_request(&mut rig, at);
    change(&mut rig, 4);
    assert!(rig.reply(at, request).is_none());
    let (_, page) = rig.get(at, GetLogPage::sqe(LogId::DISCOVERY, 0, 1024, 0, false), 1024);
    assert_eq!(page[0], 4);
    assert!(rig.reply(at, request).is_some());
}

#[test]
fn a_device_that_does_not_open_changes_nothing() {
    let mut rig = Rig::new(2);
    let good = SoftDisk::new("good", 64, 512, ALL);
    let broken = SoftDisk::new("broken", 64, 512, ALL);
    let error = rig.update(subsystem(&[rig.disk.clone(), good.clone(), broken])).unwrap_err();
    assert_eq!(error, "it is broken");
    rig.run();
    assert_eq!((good.channels(), rig.disk.channels()), (0, 2));
    let (_, cntlid) = rig.admin(0);
    let io = rig.io(0, cntlid, 1);
    assert!(rig.get(io, read(1), 512).0.status().is_success());
}

#[test]
fn a_host_is_taken_off_the_list() {
    let mut rig = Rig::new(2);
    let open = SubsystemView { allow_any_host: false, hosts: vec![HOST.to_owned()], ..subsystem(&[rig.disk.clone()]) };
    rig.update(open.clone()).unwrap();
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    rig.disk.hold(true);
    rig.submit(io, read(1), &[]);
    rig.update(SubsystemView { hosts: Vec::new(), ..open }).unwrap();
    assert!(!rig.is_open(admin) && !rig.is_open(io));
    rig.disk.hold(false);
    rig.assert_idle();
}

#[test]
fn a_listener_goes() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    let fresh = rig.open(1);
    let other = {
        let queue = rig.port(0).connect(LISTENER + 1);
        rig.run();
        (0, queue)
    };
    let done = rig.post(|ack| Message::RemoveListener { id: LISTENER, ack });
    assert_eq!(done.try_iter().count(), 2);
    assert!([admin, io, fresh].iter().all(|at| !rig.is_open(*at)) && rig.is_open(other));
    rig.assert_idle();
}

#[test]
fn a_subsystem_is_not_offered_at_a_listener_any_more() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    let mut view = subsystem(&[rig.disk.clone()]);
    view.listeners[0].id += 1;
    rig.update(view).unwrap();
    assert!(!rig.is_open(admin) && !rig.is_open(io));
}

#[test]
fn a_subsystem_goes() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    let (discovery, _) = rig.admin_of(0, DISCOVERY_NQN);
    rig.disk.hold(true);
    rig.submit(io, read(1), &[]);
    let done = rig.post(|ack| Message::RemoveSubsystem { id: 1, ack });
    assert_eq!(done.try_iter().collect::<Vec<_>>(), [Ok(()), Ok(())]);
    assert_eq!(rig.disk.channels(), 0);
    assert!(!rig.is_open(admin) && !rig.is_open(io) && rig.is_open(discovery));
    let at = rig.open(0);
    assert_eq!(rig.connect(at, Connect::new(0, 32, 0), &data(NQN, 0xffff)).dw0.get(), 0x1_0100);
    // And comes back, under a new number.
    rig.disk.hold(false);
    rig.update(SubsystemView { id: 9, ..subsystem(&[rig.disk.clone()]) }).unwrap();
    rig.admin(1);
    // One that nobody knows is gone already.
    assert_eq!(rig.post(|ack| Message::RemoveSubsystem { id: 77, ack }).try_iter().count(), 2);
    rig.assert_idle();
}

#[test]
fn draining_ends_everything_and_says_when() {
    let mut rig = Rig::new(2);
    let (admin, cntlid) = rig.admin(0);
    let io = rig.io(1, cntlid, 1);
    let idle = rig.open(1);
    rig.port(1).hold_fetch = true;
    let write = Sqe { dptr: SglDescriptor::transport(512), ..Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0) };
    rig.submit(io, write, &[1; 512]);
    let (ack, answers) = sync_channel(2);
    rig.mail.iter().for_each(|home| home.send(Message::Drain { ack: ack.clone() }).unwrap());
    assert_eq!(answers.try_recv(), Err(TryRecvError::Empty));
    rig.run();
    assert_eq!(answers.try_iter().count(), 2);
    assert!([admin, io, idle].iter().all(|at| !rig.is_open(*at)));
    // Late comers are sent away at once.
    let late = rig.open(0);
    assert!(!rig.is_open(late));
    rig.assert_idle();
}

#[test]
fn the_report_shows_what_is_here() {
    let mut rig = Rig::new(2);
    let (_, cntlid) = rig.admin(0);
    rig.io(1, cntlid, 1);
    rig.open(1);
    let (to, answers) = sync_channel(2);
    rig.mail.iter().for_each(|home| home.send(Message::Report { to: to.clone() }).unwrap());
    rig.run();
    let reports: Vec<CoreReport> = answers.try_iter().collect();
    let controller = &reports[0].controllers[0];
    assert_eq!((controller.cntlid, controller.num_io_qpairs, controller.hostid), (cntlid, 1, HOSTID));
    assert_eq!((controller.hostnqn.as_str(), reports[1].controllers.len()), (HOST, 0));
    let queues: Vec<_> = reports[1].queues.iter().map(|q| (q.subsystem, q.qid, q.connected)).collect();
    assert_eq!(queues, [(Some(1), 1, true), (None, 0, false)]);
    let counters = rig.cores[1].queue_counters();
    let now = [&counters.current_admin, &counters.current_io, &counters.current_unassociated].map(|c| c.get());
    assert_eq!(now, [0, 1, 1]);
}

#[test]
fn a_full_mailbox_delays_and_loses_nothing() {
    let mut rig = Rig::new(2);
    let (_, cntlid) = rig.admin(0);
    // Nobody empties home 0's mailbox for a while.
    let view = Arc::new(discovery());
    let (ack, answers) = sync_channel(64);
    while rig.mail[0].send(Message::Subsystem { view: view.clone(), ack: ack.clone() }).is_ok() {}
    let queue = rig.port(1).connect(LISTENER);
    let connect = Connect { cid: wire::U16::new(1), ..Connect::new(1, 64, 0) };
    rig.port(1).submit(queue, connect.into_sqe(), wire::IntoBytes::as_bytes(&data(NQN, cntlid)));
    for _ in 0..3 {
        rig.cores[1].poll(0);
    }
    assert_eq!(rig.cores[1].deadline(), Some(0));
    rig.run();
    assert!(rig.reply((1, queue), 1).unwrap().0.status().is_success());
    assert_eq!(answers.try_iter().count(), 64);
    rig.assert_idle();
}
