//! Associations and connections on a scripted port: how they come, how they end, and what is refused.

mod rig;

use fc::{SessionId, lane_of_connection};
use nvmf::Message;
use rig::fabric::{End, Fabric};
use rig::host::{World, cqe, nqn, rw};
use rig::{DISCOVERY, HOST, LISTENER, NQN};
use wire::fcnvme::{
    CreateAssociation, CreateConnection, Disconnect, DisconnectConnection, LsCommand, LsExplanation, LsReason, LsReply,
    LsReplyFault,
};
use wire::fcp::Direction;
use wire::nvme::{AdminOpcode, Cns, Csi, GetLogPage, Identify, LogId, NvmOpcode, Sqe};

fn rejected(reason: LsReason, explanation: LsExplanation) -> LsReplyFault {
    LsReplyFault::Rejected(reason, explanation)
}

#[test]
fn a_host_comes_works_and_goes() {
    let mut world = World::new(2);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let id: wire::identify::Controller =
        wire::read(&world.get(admin, Identify::sqe(Cns::CONTROLLER, 0, Csi::NVM), 4096).data).unwrap();
    assert_eq!((id.cntlid.get(), id.ioccsz.get(), id.icdoff.get()), (cntlid, 4, 0));
    let links: Vec<_> = (1..=4).map(|qid| world.io(admin, cntlid, qid, 64, 8)).collect();
    for (n, io) in links.iter().enumerate() {
        let bytes: Vec<u8> = (0..4096).map(|at| (at * 7 + n) as u8).collect();
        world.put(*io, rw(NvmOpcode::WRITE, 8 * n as u64, 8), &bytes);
        assert_eq!(world.get(*io, rw(NvmOpcode::READ, 8 * n as u64, 8), 4096).data, bytes);
    }
    assert_eq!(world.rig.census(), (5, 0, 1));
    // An event request waits; it does not hold up the end.
    let event = world.start(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), Direction::None, 0, &[]);
    assert_eq!(world.disconnect(admin), Some(Ok(LsReply::Disconnected)));
    assert_eq!(world.seen(event).end, End::Terminated);
    let ours = Disconnect::new(admin.association).to_bytes().to_vec();
    assert_eq!(world.fabric.requests(), [(session, ours)]);
    world.rig.assert_empty();
    assert!(world.fabric.is_quiet());
}

#[test]
fn a_host_that_resets_its_controller_comes_again_at_once() {
    // As Linux does: it asks for the new association before the old one is gone. The new connection must not be taken for one of those.
    for cores in 1..=3 {
        let mut world = World::new(cores);
        let session = world.login();
        let (admin, cntlid) = world.controller(session);
        for qid in 1..=3 {
            world.io(admin, cntlid, qid, 16, 3);
        }
        world.fabric.request(session, &Disconnect::new(admin.association).to_bytes());
        let (again, cntlid) = world.controller(session);
        let io = world.io(again, cntlid, 1, 16, 3);
        assert!(world.get(io, rw(NvmOpcode::READ, 0, 1), 512).data == [0; 512], "{cores} cores");
        assert_eq!(world.rig.census(), (2, 0, 1));
    }
}

#[test]
fn connections_are_spread_and_their_identifiers_lead_to_their_cores() {
    let mut world = World::new(3);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let mut cores = [0; 3];
    cores[lane_of_connection(admin.connection, 3)] += 1;
    for qid in 1..=128 {
        let io = world.io(admin, cntlid, qid, 16, 3);
        cores[lane_of_connection(io.connection, 3)] += 1;
        // Its commands come only to that core, and it knows them.
        assert!(world.get(io, rw(NvmOpcode::READ, 0, 1), 512).data == [0; 512]);
    }
    assert_eq!(cores, [43, 43, 43]);
    let more = world.create_connection(admin, 129, 16, 3);
    assert_eq!(more.unwrap_err(), rejected(LsReason::INVALID_PARAMETERS, LsExplanation::INVALID_QUEUE_ID));
    world.disconnect(admin).unwrap().unwrap();
    world.rig.assert_empty();
    // The places are free again, and spread again.
    let (admin, cntlid) = world.controller(session);
    let io = world.io(admin, cntlid, 1, 16, 3);
    assert_ne!(lane_of_connection(io.connection, 3), lane_of_connection(admin.connection, 3));
}

#[test]
fn requests_that_are_refused() {
    let mut world = World::new(2);
    let session = world.login();
    let parameter = |explanation| rejected(LsReason::INVALID_PARAMETERS, explanation);
    for (entries, ratio, why) in [
        (33, 8, LsExplanation::INVALID_SQSIZE),
        (32, 0, LsExplanation::INVALID_ERSP_RATIO),
        (32, 31, LsExplanation::INVALID_ERSP_RATIO),
    ] {
        assert_eq!(world.associate(session, entries, ratio).unwrap_err(), parameter(why));
    }
    let sound = CreateAssociation::new(nqn(HOST), [7; 16], nqn(NQN), 32, 8);
    let chosen = CreateAssociation { cntlid: 5.into(), ..sound };
    let (mut no_host, mut no_name) = (sound, sound);
    no_host.host_nqn.0 = [0xff; 256];
    no_name.subsystem_nqn.0 = [0; 256];
    for (request, why) in [
        (chosen, LsExplanation::INVALID_CONTROLLER_ID),
        (no_host, LsExplanation::INVALID_HOST_NQN),
        (no_name, LsExplanation::INVALID_SUBSYSTEM_NQN),
    ] {
        let reply = world.ls(session, &request.to_bytes()).unwrap();
        assert_eq!(LsReply::parse(&reply, LsCommand::CREATE_ASSOCIATION), Err(parameter(why)));
    }
    // Of somebody who is not logged in (any more).
    let reply = world.ls(SessionId(99), &sound.to_bytes()).unwrap();
    let unable = Err(rejected(LsReason::UNABLE, LsExplanation::NONE));
    assert_eq!(LsReply::parse(&reply, LsCommand::CREATE_ASSOCIATION), unable);

    let (admin, _) = world.controller(session);
    world.create_connection(admin, 1, 64, 8).unwrap();
    for (qid, entries, ratio, why) in [
        (1, 64, 8, LsExplanation::INVALID_QUEUE_ID),
        (0, 64, 8, LsExplanation::INVALID_QUEUE_ID),
        (2, 65, 8, LsExplanation::INVALID_SQSIZE),
        (2, 64, 63, LsExplanation::INVALID_ERSP_RATIO),
    ] {
        assert_eq!(world.create_connection(admin, qid, entries, ratio).unwrap_err(), parameter(why));
    }
    // What is another host's is not there.
    let other = world.login();
    let stranger = rig::host::Link { session: other, ..admin };
    let none = rejected(LsReason::INVALID_ASSOCIATION, LsExplanation::NONE);
    assert_eq!(world.create_connection(stranger, 2, 64, 8).unwrap_err(), none);
    assert_eq!(world.disconnect(stranger), Some(Err(none)));
    let unknown = rig::host::Link { association: admin.association ^ 1, ..admin };
    assert_eq!(world.disconnect(unknown), Some(Err(none)));
    let one = |connection| DisconnectConnection::new(admin.association, connection).to_bytes();
    let reply = world.ls(session, &one(1)).unwrap();
    let no_connection = Err(rejected(LsReason::INVALID_CONNECTION, LsExplanation::NONE));
    assert_eq!(LsReply::parse(&reply, LsCommand::DISCONNECT_CONNECTION), no_connection);
    // Nonsense.
    for (payload, reason) in [
        (&[9, 0, 0, 0, 0, 0, 0, 0][..], LsReason::INVALID_COMMAND),
        (&[][..], LsReason::LOGICAL_ERROR),
        (&[3, 0, 0, 0][..], LsReason::LOGICAL_ERROR),
        (&[5; 48][..], LsReason::LOGICAL_ERROR),
    ] {
        let reply = world.ls(session, payload).unwrap();
        assert_eq!((reply[0], reply[33]), (1, reason.0), "{payload:?}");
    }
    assert_eq!(world.rig.census(), (2, 0, 1));
}

#[test]
fn one_connection_ends_alone_and_can_be_made_again() {
    let mut world = World::new(2);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let io = world.io(admin, cntlid, 1, 64, 8);
    let request = DisconnectConnection::new(io.association, io.connection).to_bytes();
    let reply = world.ls(session, &request).unwrap();
    assert_eq!(LsReply::parse(&reply, LsCommand::DISCONNECT_CONNECTION), Ok(LsReply::Disconnected));
    // What comes for it still is terminated, and hurts nothing else.
    let at = world.start(io, rw(NvmOpcode::READ, 0, 1), Direction::Read, 512, &[]);
    assert_eq!(world.seen(at).end, End::Terminated);
    assert_eq!(world.rig.census(), (1, 0, 1));
    let again = world.io(admin, cntlid, 1, 64, 8);
    assert_ne!(again.connection, io.connection);
    // A reset ends the I/O connections, too.
    world.set_cc(admin, 0);
    assert_eq!((world.csts(admin), world.rig.census()), (0, (1, 0, 1)));
    world.set_cc(admin, 0x0046_0001);
    let again = world.io(admin, cntlid, 1, 64, 8);
    assert_eq!(world.get(again, rw(NvmOpcode::READ, 0, 1), 512).data, [0; 512]);
    assert!(world.fabric.requests().is_empty());
}

#[test]
fn an_association_that_is_not_wanted_is_ended_and_its_host_told() {
    let told = |world: &World, association: u64, session| {
        let ours = Disconnect::new(association).to_bytes().to_vec();
        assert_eq!(world.fabric.requests(), [(session, ours)]);
    };
    // The listener goes.
    let mut world = World::new(2);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    world.io(admin, cntlid, 1, 64, 8);
    let answers = world.rig.post(|ack| Message::RemoveListener { id: LISTENER, ack });
    assert_eq!(answers.try_iter().count(), 2);
    told(&world, admin.association, session);
    world.rig.assert_empty();
    // The subsystem goes.
    let (admin, cntlid) = world.controller(session);
    world.io(admin, cntlid, 1, 64, 8);
    world.rig.post(|ack| Message::RemoveSubsystem { id: 1, ack });
    told(&world, admin.association, session);
    world.rig.assert_empty();
    // The host is silent.
    let mut world = World::new(2);
    let session = world.login();
    let link = world.associate(session, 32, 8).unwrap();
    let data = wire::fabrics::ConnectData::new([7; 16], 0xffff, nqn(NQN), nqn(HOST));
    let sqe = wire::fabrics::Connect::new(0, 32, 1000).into_sqe();
    let seen = world.put(link, sqe, wire::IntoBytes::as_bytes(&data));
    assert!(cqe(&seen).status().is_success());
    world.rig.wait(999);
    assert!(world.fabric.requests().is_empty());
    world.rig.wait(2);
    told(&world, link.association, session);
    world.rig.assert_empty();
    // No Connect came.
    let link = world.associate(session, 32, 8).unwrap();
    world.rig.wait(11_000);
    told(&world, link.association, session);
    world.rig.assert_empty();
}

#[test]
fn connect_must_be_for_the_queue_that_the_connection_is_for() {
    let mut world = World::new(1);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let io = world.create_connection(admin, 2, 64, 8).unwrap();
    for (qid, entries, offset) in [(1, 64, 42), (0, 64, 42), (2, 63, 44)] {
        let completion = world.connect(io, qid, entries, cntlid, NQN);
        assert_eq!((completion.status().code().0, completion.dw0.get()), (0x182, offset), "{qid} {entries}");
    }
    assert!(world.connect(io, 2, 64, cntlid, NQN).status().is_success());
    let link = world.associate(session, 32, 8).unwrap();
    assert_eq!(world.connect(link, 1, 32, cntlid, NQN).dw0.get(), 42);
}

#[test]
fn a_host_that_goes_takes_everything_along() {
    let mut world = World::new(3);
    let (first, second) = (world.login(), world.login());
    let (admin, cntlid) = world.controller(first);
    let ios: Vec<_> = (1..=3).map(|qid| world.io(admin, cntlid, qid, 64, 8)).collect();
    let (other, other_cntlid) = world.controller(second);
    let bystander = world.io(other, other_cntlid, 1, 64, 8);
    world.rig.disk.hold(true);
    let mut open = vec![world.start(admin, Sqe::new(AdminOpcode::ASYNC_EVENT_REQUEST.0, 0), Direction::None, 0, &[])];
    for io in &ios {
        open.push(world.start(*io, rw(NvmOpcode::READ, 0, 1), Direction::Read, 512, &[]));
        world.fabric.starve(true);
        open.push(world.start(*io, rw(NvmOpcode::WRITE, 0, 1), Direction::Write, 512, &[1; 512]));
    }
    world.fabric.logout(first);
    world.rig.run();
    assert!(open.iter().all(|at| world.seen(*at).end == End::Terminated));
    assert_eq!(world.rig.census(), (2, 0, 1));
    assert!(world.fabric.requests().is_empty(), "nobody is there to be told");
    world.rig.disk.hold(false);
    world.fabric.starve(false);
    world.rig.assert_idle();
    assert_eq!(world.get(bystander, rw(NvmOpcode::READ, 0, 1), 512).data, [0; 512]);
}

#[test]
fn a_host_that_goes_while_its_queues_are_made() {
    // After each number of single turns.
    for turns in 0..8 {
        let mut world = World::new(2);
        let session = world.login();
        let (admin, _) = world.controller(session);
        world.fabric.request(session, &CreateConnection::new(admin.association, 1, 64, 8).to_bytes());
        let request = CreateAssociation::new(nqn(HOST), [7; 16], nqn(NQN), 32, 8);
        world.fabric.request(session, &request.to_bytes());
        world.rig.steps(turns);
        world.fabric.logout(session);
        world.rig.run();
        world.rig.assert_empty();
        // The same by its own wish, for the first.
        let session = world.login();
        let (admin, _) = world.controller(session);
        let asked = world.fabric.request(session, &CreateConnection::new(admin.association, 1, 64, 8).to_bytes());
        world.rig.steps(turns);
        world.disconnect(admin).unwrap().unwrap();
        assert!(world.fabric.answer(asked).is_some(), "every request is answered");
        world.rig.assert_empty();
    }
}

#[test]
fn a_disconnect_is_answered_when_everything_is_over() {
    let mut world = World::new(2);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let io = world.io(admin, cntlid, 1, 64, 8);
    world.fabric.hold(true);
    let at = world.start(io, rw(NvmOpcode::READ, 0, 1), Direction::Read, 512, &[]);
    // The reply is on its way, so the first request has to wait, and the second comes too late for anything.
    assert_eq!(world.disconnect(admin), None);
    let reply = world.disconnect(admin);
    let none = rejected(LsReason::INVALID_ASSOCIATION, LsExplanation::NONE);
    assert_eq!(reply, Some(Err(none)));
    world.fabric.hold(false);
    world.rig.run();
    assert!(matches!(world.seen(at).end, End::Response(_)));
    world.rig.assert_empty();
}

#[test]
fn a_port_goes_with_io_in_flight_and_its_place_is_used_again() {
    let mut world = World::new(2);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let io = world.io(admin, cntlid, 1, 64, 8);
    world.fabric.hold(true);
    let at = world.start(io, rw(NvmOpcode::READ, 0, 1), Direction::Read, 512, &[]);
    world.fabric.logout(session);
    let gone = world.rig.retire(0);
    // The core with the open exchange keeps its queue until that is over, and the first until the association is.
    assert!(gone.try_iter().count() < 2);
    world.fabric.hold(false);
    world.rig.run();
    assert_eq!(gone.try_iter().count(), 2);
    world.seen(at);
    world.rig.assert_empty();
    let mut next = Fabric::new(2);
    world.rig.adopt(0, LISTENER, next.queues());
    let session = next.login();
    world.fabric = next;
    world.rig.run();
    world.controller(session);
}

#[test]
fn no_more_associations_on_a_port_that_is_left() {
    let mut world = World::new(2);
    let session = world.login();
    let (admin, _) = world.controller(session);
    let (done, gone) = std::sync::mpsc::sync_channel(1);
    world.rig.notes[0].send(nvmf_fc::Note::Leave { lane: 0, end: false, done }).unwrap();
    world.rig.run();
    let unable = rejected(LsReason::UNABLE, LsExplanation::NONE);
    assert_eq!(world.associate(session, 32, 8).unwrap_err(), unable);
    // The one that is there goes on, with more queues.
    world.create_connection(admin, 1, 64, 8).unwrap();
    assert!(gone.try_recv().is_err());
    world.disconnect(admin).unwrap().unwrap();
    assert!(gone.try_recv().is_ok());
}

#[test]
fn two_ports_are_kept_apart() {
    let mut world = World::new(2);
    let session = world.login();
    let (admin, _) = world.controller(session);
    let mut second = Fabric::new(2);
    world.rig.adopt(1, 8, second.queues());
    // The same number of a session, and the association and connection of the first port.
    let same = second.login();
    assert_eq!(same, session);
    let first = std::mem::replace(&mut world.fabric, second);
    let none = rejected(LsReason::INVALID_ASSOCIATION, LsExplanation::NONE);
    assert_eq!(world.disconnect(admin), Some(Err(none)));
    let at = world.start(admin, Sqe::new(AdminOpcode::KEEP_ALIVE.0, 0), Direction::None, 0, &[]);
    assert_eq!(world.seen(at).end, End::Terminated);
    // The subsystem is not offered at the second one's listener; discovery is.
    let link = world.associate(session, 32, 8).unwrap();
    assert_eq!(world.connect(link, 0, 32, 0xffff, NQN).status().code().0, 0x182);
    world.fabric = first;
    assert_eq!(world.csts(admin), 1);
}

#[test]
fn the_discovery_controller_answers_over_fc() {
    let mut world = World::new(1);
    let session = world.login();
    let link = world.associate(session, 32, 8).unwrap();
    assert!(world.connect(link, 0, 32, 0xffff, DISCOVERY).status().is_success());
    world.set_cc(link, 0x0046_0001);
    let page = world.get(link, GetLogPage::sqe(LogId::DISCOVERY, 0, 2048, 0, false), 2048).data;
    let entry: &wire::log::DiscoveryEntry = wire::parse(&page[1024..]).unwrap();
    assert_eq!((page[8], entry.trtype), (1, wire::log::TrType::FC));
    assert_eq!(wire::unpadded(&entry.traddr).unwrap(), rig::fabric::local().to_string());
    // It has no I/O queues.
    let io = world.create_connection(link, 1, 64, 8).unwrap();
    assert!(!world.connect(io, 1, 64, 1, DISCOVERY).status().is_success());
}

#[test]
fn arrivals_are_taken_in_portions() {
    let mut world = World::new(1);
    let session = world.login();
    let (admin, cntlid) = world.controller(session);
    let io = world.io(admin, cntlid, 1, 64, 8);
    let sqe = rw(NvmOpcode::READ, 0, 1);
    // Commands that are terminated at once never stop coming; a turn ends all the same.
    let stale = rig::host::Link { connection: io.connection ^ 1 << 40, ..io };
    let unit = world.unit(stale, sqe, Direction::Read, 512, false);
    let sent: Vec<_> =
        (0..1000).map(|_| world.fabric.command(session, stale.connection, &unit.to_bytes(), &[])).collect();
    world.rig.step();
    assert!(world.rig.is_pending());
    let over = sent.iter().filter(|at| world.fabric.seen(**at).is_some()).count();
    assert!((1..1000).contains(&over), "{over}");
    world.rig.run();
}
