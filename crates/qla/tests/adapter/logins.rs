//! Logins, commands of both protocols, aborts, link services, logouts.

use super::rig::{Rig, names, nvme_iu, read, write};
use fc::fc2::Direction;
use fc::{Fc4, NodeEvent, Port};

#[test]
fn fcp_commands_of_both_directions() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 16));
    let mut data = rig.pool.take(4096).unwrap();
    data.bytes_mut().fill(0xa7);
    let context = rig.command(session, &write(8), Direction::Out(data));
    rig.pass(20);
    let (response, _) = rig.ended(context).expect("an end");
    assert_eq!(response.expect("a response")[10], 0);
    assert!(rig.disks.iter().any(|disk| disk.written == [0xa7; 4096]));
    assert!(rig.is_quiet());
    let status = rig.port.shown();
    assert_eq!((status.sessions.len(), status.sessions[0].fc4, status.sessions[0].peer), (1, Fc4::Fcp, names(1)));
}

#[test]
fn both_protocols_at_once_and_nvme_by_connection() {
    let mut rig = Rig::online();
    let fcp = rig.login(Fc4::Fcp);
    let nvme = rig.login(Fc4::Nvme);
    // Disks 2 and 3 are of NVMe: both know the session, and the connection chooses.
    assert!(rig.disks[2..].iter().all(|disk| disk.sessions.len() == 1));
    for connection in 0..4 {
        assert!(rig.nvme_reads(nvme, 4096, connection), "{connection}");
    }
    assert_eq!((rig.disks[2].commands, rig.disks[3].commands), (2, 2));
    assert!(rig.reads(fcp, 8));
    let context = rig.command(nvme, &nvme_iu(0, 1), Direction::None);
    rig.pass(10);
    assert_eq!(rig.ended(context).unwrap().0.unwrap(), [0; 12]);
}

#[test]
fn sessions_of_fcp_go_to_queues_in_turn() {
    let mut rig = Rig::online();
    for _ in 0..4 {
        let session = rig.login(Fc4::Fcp);
        rig.node.logout(session.id);
        rig.pass(50);
    }
    assert_eq!((rig.disks[0].downs.len(), rig.disks[1].downs.len()), (2, 2));
}

#[test]
fn link_services_are_answered() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Nvme);
    let mut payload = vec![0; 1024];
    payload[0] = 3;
    payload[1000] = 9;
    rig.node.ls(session.id, &payload, 2_000_000_000, 77, rig.now).unwrap();
    rig.pass(20);
    let reply = rig.events.iter().find_map(|event| match event {
        NodeEvent::LsReply { context: 77, result } => Some(result.as_ref().map(|payload| payload.bytes().to_vec())),
        _ => None,
    });
    let reply = reply.expect("an answer").expect("an answer");
    assert_eq!((reply.len(), reply[0]), (56, 2));
    assert_eq!((rig.disks[2].requests, rig.disks[3].requests), (1, 0));
}

#[test]
fn a_request_of_ours_reaches_the_initiator() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Nvme);
    let ours = rig.disks[2].sessions[0].id;
    rig.disks[2].queue.request(ours, vec![5; 48].into());
    rig.pass(20);
    let came =
        rig.events.iter().any(|event| matches!(event, NodeEvent::LsRequest { session: of, .. } if *of == session.id));
    assert!(came, "{:?}", rig.events);
}

#[test]
fn an_abort_ends_the_command_it_names_and_no_other() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.disks[0].lazy = true;
    rig.disks[1].lazy = true;
    let data = rig.pool.take(4096).unwrap();
    let (first, second) =
        (rig.command(session, &read(8), Direction::In(data)), rig.command(session, &read(0), Direction::None));
    rig.pass(10);
    assert_eq!(rig.commands(), 2);
    // Nothing answers: the initiator's time-out aborts both in the end; here the first at once.
    let xid = rig.node.open_exchanges();
    assert!(xid >= 2);
    rig.sleep(11_000);
    rig.pass(50);
    let aborts: u64 = rig.disks.iter().map(|disk| disk.aborts).sum();
    assert_eq!(aborts, 2);
    assert!(rig.ended(first).unwrap().0.is_err() && rig.ended(second).unwrap().0.is_err());
    assert!(rig.is_quiet());
    assert_eq!(rig.resets(), 0);
    rig.disks.iter_mut().for_each(|disk| disk.lazy = false);
    assert!(rig.reads(session, 8));
}

#[test]
fn a_logout_with_commands_open_ends_them_first() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.disks.iter_mut().for_each(|disk| disk.lazy = true);
    rig.command(session, &read(0), Direction::None);
    rig.pass(10);
    rig.node.logout(session.id);
    rig.pass(100);
    assert_eq!(rig.disks.iter().map(|disk| disk.aborts).sum::<u64>(), 1);
    assert!(rig.is_quiet() && rig.disks.iter().all(|disk| disk.sessions.is_empty()));
    assert!(rig.port.shown().sessions.is_empty());
    rig.disks.iter_mut().for_each(|disk| disk.lazy = false);
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 8));
}

#[test]
fn a_queue_logs_a_peer_out() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    let (disk, ours) = rig.disks.iter().enumerate().find_map(|(n, d)| d.sessions.first().map(|s| (n, s.id))).unwrap();
    rig.disks[disk].queue.logout(ours);
    rig.pass(50);
    let down = |event: &NodeEvent| matches!(event, NodeEvent::SessionDown { session: of, .. } if *of == session.id);
    assert!(rig.events.iter().any(down), "{:?}", rig.events);
    assert_eq!(rig.disks[disk].downs, [ours]);
}

#[test]
fn a_service_that_is_not_attached_is_refused_and_a_detached_one_logs_out() {
    let mut rig = Rig::new();
    rig.serve(Fc4::Fcp, 1);
    rig.until(5_000, |rig| rig.shown().state == fc::PortState::Online);
    let id = rig.switch.id_of(names(2).port).unwrap();
    rig.node.login(fc::PortKey::PHYSICAL, fc::Peer::Id(id), Fc4::Nvme);
    rig.pass(500);
    assert!(rig.session().is_none());
    let session = rig.login(Fc4::Fcp);
    assert!(rig.port.attach(fc::Service { fc4: Fc4::Fcp, discovery: false }, vec![super::rig::nobody()]).is_err());
    rig.port.detach(Fc4::Fcp);
    rig.pass(100);
    assert_eq!(rig.disks[0].downs.len(), 1);
    assert!(rig.port.shown().sessions.is_empty(), "{session:?}");
    // The queue goes, its pair at the chip too, and another takes its place.
    let pairs = rig.port.adapter().queue_pairs;
    rig.disks.clear();
    rig.pass(50);
    rig.serve(Fc4::Fcp, 1);
    rig.pass(50);
    assert_eq!((pairs, rig.port.adapter().queue_pairs), (1, 1));
    let session = rig.login(Fc4::Fcp);
    assert!(rig.reads(session, 8));
}

#[test]
fn a_peer_that_comes_again_replaces_its_old_login() {
    let mut rig = Rig::online();
    let session = rig.login(Fc4::Fcp);
    rig.disks.iter_mut().for_each(|disk| disk.lazy = true);
    rig.command(session, &read(0), Direction::None);
    rig.pass(10);
    // Its link bounces: it logs in again.
    let f_port = rig.switch.f_port_of(names(1).port).unwrap();
    rig.switch.set_up(f_port, false, rig.now).unwrap();
    rig.pass(2);
    rig.switch.set_up(f_port, true, rig.now).unwrap();
    rig.pass(200);
    rig.disks.iter_mut().for_each(|disk| disk.lazy = false);
    let session = rig.login(Fc4::Fcp);
    rig.pass(500);
    assert_eq!(rig.port.shown().sessions.len(), 1);
    assert!(rig.reads(session, 8));
    assert!(rig.is_quiet());
}

#[test]
fn a_peer_that_vanishes_is_missed_by_the_change_of_the_fabric() {
    let mut rig = Rig::online();
    rig.login(Fc4::Fcp);
    let f_port = rig.switch.f_port_of(names(1).port).unwrap();
    rig.switch.set_up(f_port, false, rig.now).unwrap();
    rig.until(5_000, |rig| rig.port.shown().sessions.is_empty());
    rig.pass(50);
    assert!(rig.disks.iter().all(|disk| disk.sessions.is_empty()));
}

#[test]
fn a_queue_without_places_answers_task_set_full() {
    let settings = qla::Settings { places: 2, ..qla::Settings::default() };
    let mut rig = Rig::with(settings, emu::isp::Identity::new(names(2)));
    rig.serve(Fc4::Fcp, 1);
    rig.until(5_000, |rig| rig.shown().state == fc::PortState::Online);
    let session = rig.login(Fc4::Fcp);
    rig.disks[0].lazy = true;
    let contexts: Vec<u64> = (0..4).map(|_| rig.command(session, &read(0), Direction::None)).collect();
    rig.pass(20);
    assert_eq!(rig.commands(), 2);
    let full = contexts.iter().filter_map(|context| rig.ended(*context)).map(|(response, _)| response.unwrap()[11]);
    assert_eq!(full.collect::<Vec<_>>(), [0x28, 0x28]);
}

#[test]
fn without_queue_pairs_everything_goes_by_the_base_queue() {
    let settings = qla::Settings { queue_pairs: 0, ..qla::Settings::default() };
    let mut rig = Rig::with(settings, emu::isp::Identity::new(names(2)));
    rig.serve_both();
    rig.until(5_000, |rig| rig.shown().state == fc::PortState::Online);
    assert_eq!(rig.port.adapter().queue_pairs, 0);
    let (fcp, nvme) = (rig.login(Fc4::Fcp), rig.login(Fc4::Nvme));
    assert!(rig.reads(fcp, 16) && rig.nvme_reads(nvme, 8192, 1));
    rig.port.reset().unwrap();
    rig.until(10_000, |rig| rig.resets() == 1 && rig.shown().state == fc::PortState::Online);
    let fcp = rig.login(Fc4::Fcp);
    assert!(rig.reads(fcp, 16));
    assert!(rig.is_quiet());
}
