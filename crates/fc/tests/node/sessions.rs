//! Sessions as the queues see them: order of their ends and begins, full rings, races of logins, links that flap.

use crate::point_to_point::good;
use crate::rig::*;
use crate::services::*;
use fc::{Arrival, Fc4, Link, Port, PortState, SessionId, Xid};
use wire::fc::PortId;
use wire::fc::els::{Command, Logo};

/// The connection identifier of an NVMe command IU.
fn nvme_command(connection: u64) -> [u8; 96] {
    let mut iu = [0; 96];
    iu[..2].copy_from_slice(&[0xfd, 0x28]);
    iu[8..16].copy_from_slice(&connection.to_be_bytes());
    iu
}

fn session_of(arrivals: &[(usize, Arrival)]) -> SessionId {
    let up = arrivals.iter().rev().find_map(|(_, arrival)| match arrival {
        Arrival::SessionUp(info) => Some(info.id),
        _ => None,
    });
    up.expect("a session")
}

/// A target with a session for FCP, and commands open in it.
fn with_commands(count: u64) -> (Station, Bare, Clock, SessionId, Vec<Xid>) {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
    let session = session_of(&target.heard());
    for context in 0..count {
        peer.command(THEM, US, Fc4::Fcp, &[0; 32], context, clock.0);
    }
    clock.settle(&mut [&mut target, &mut peer]);
    let heard = target.heard();
    let xids = heard.iter().map(|(_, arrival)| match arrival {
        Arrival::Command { xid, session: of, .. } if *of == session => *xid,
        other => panic!("{other:?}"),
    });
    let xids: Vec<Xid> = xids.collect();
    assert_eq!(xids.len() as u64, count);
    (target, peer, clock, session, xids)
}

/// Aborts of all exchanges, then the end of the session, and whatever comes after.
fn aborted_then_down(arrivals: &[(usize, Arrival)], count: usize, session: SessionId) -> &[(usize, Arrival)] {
    let (aborts, rest) = arrivals.split_at(count);
    assert!(aborts.iter().all(|(_, arrival)| matches!(arrival, Arrival::Abort { .. })), "{arrivals:?}");
    assert!(matches!(rest[0].1, Arrival::SessionDown { session: down } if down == session), "{arrivals:?}");
    &rest[1..]
}

#[test]
fn a_new_plogi_ends_all_before_anything_new_begins() {
    let (mut target, mut peer, mut clock, session, xids) = with_commands(3);
    // PLOGI and PRLI right behind it.
    ask(&mut target, &mut peer, &mut clock, &plogi(9));
    ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
    let arrivals = target.heard();
    let rest = aborted_then_down(&arrivals, 3, session);
    assert!(matches!(rest, [(0, Arrival::SessionUp(info))] if info.id != session));
    // The old exchanges are still the queue's to end.
    xids.into_iter().for_each(|xid| target.queues[0].terminate(xid));
    target.queues[0].flush();
    clock.settle(&mut [&mut target, &mut peer]);
    let ends = target.heard();
    assert_eq!(ends.len(), 3);
    assert!(ends.iter().all(|(_, arrival)| matches!(arrival, Arrival::Sent { .. })));
}

#[test]
fn the_same_name_at_another_address_takes_the_place_of_the_old_one() {
    let (mut target, mut peer, mut clock, session, _) = with_commands(2);
    let other = 0x010203;
    assert_eq!(ask_from(other, &mut target, &mut peer, &mut clock, &plogi(9))[0], Command::LS_ACC.0);
    ask_from(other, &mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
    let arrivals = target.heard();
    let rest = aborted_then_down(&arrivals, 2, session);
    assert!(matches!(rest, [(0, Arrival::SessionUp(info))] if info.peer_id == PortId(other)));
    // Nobody is logged in at the old address any more.
    let logo = Logo::new(PortId(THEM), names(9).port).to_bytes();
    ask(&mut target, &mut peer, &mut clock, &logo);
    assert!(target.heard().is_empty());
}

#[test]
fn a_link_that_goes_down_ends_all_and_comes_back() {
    let (mut target, mut peer, mut clock, session, xids) = with_commands(3);
    peer.link.set_up(false);
    clock.settle(&mut [&mut target, &mut peer]);
    let arrivals = target.heard();
    assert!(aborted_then_down(&arrivals, 3, session).is_empty());
    assert_eq!(shown(&mut target, clock.0).state, PortState::LinkDown);
    target.queues[0].respond(xids[0], good());
    target.queues[0].terminate(xids[1]);
    target.queues[0].terminate(xids[2]);
    target.queues[0].flush();
    clock.settle(&mut [&mut target, &mut peer]);
    assert_eq!(target.heard().len(), 3, "each ends once");
    peer.link.set_up(true);
    clock.run(10, &mut [&mut target, &mut peer]);
    assert_eq!(ask(&mut target, &mut peer, &mut clock, &plogi(9))[0], Command::LS_ACC.0);
    assert_eq!(shown(&mut target, clock.0).state, PortState::Online);
    assert_eq!(shown(&mut target, clock.0).sessions.len(), 0);
}

#[test]
fn a_link_that_flaps_in_every_step_of_a_login_leaves_nothing_behind() {
    for after in 0..40 {
        let [near, far] = link();
        let mut host = Station::initiator(2, near);
        let mut target = Station::target(1, far, &[(Fc4::Fcp, 1)]);
        let mut clock = Clock(1);
        let peer = fc::Peer::Name(names(1).port);
        for step in 0..after {
            host.turn(clock.0);
            if step == 8 {
                host.node.login(fc::PortKey::PHYSICAL, peer, Fc4::Fcp);
            }
            target.turn(clock.0);
        }
        target.port.set_up(false);
        clock.run(3, &mut [&mut host, &mut target]);
        assert_eq!(shown(&mut target, clock.0).state, PortState::Disabled, "after {after}");
        target.port.set_up(true);
        clock.run(600, &mut [&mut host, &mut target]);
        host.events.clear();
        host.node.login(fc::PortKey::PHYSICAL, peer, Fc4::Fcp);
        clock.run(10, &mut [&mut host, &mut target]);
        let up = host.events.iter().any(|event| matches!(event, fc::NodeEvent::SessionUp { .. }));
        assert!(up, "after {after}: {:?}", host.events);
        // Every session that came up and is not up now went down, in that order.
        let mut open = Vec::new();
        for (_, arrival) in target.heard() {
            match arrival {
                Arrival::SessionUp(info) => open.push(info.id),
                Arrival::SessionDown { session } => assert_eq!(open.pop(), Some(session)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(open.len(), 1, "after {after}");
    }
}

#[test]
fn prli_races_leave_one_session() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    let prli = pages(Command::PRLI, &[fcp_initiator()]);
    // Twice at once, and a PLOGI between two.
    for (context, payload) in [&prli[..], &prli, &plogi(9), &prli].into_iter().enumerate() {
        peer.els(THEM, US, payload, 1000 + context as u64, clock.0);
    }
    clock.settle(&mut [&mut target, &mut peer]);
    for context in 1000..1004 {
        assert_eq!(peer.reply(context).map(|answer| answer[0]), Some(Command::LS_ACC.0));
    }
    let mut open = Vec::new();
    for (_, arrival) in target.heard() {
        match arrival {
            Arrival::SessionUp(info) => open.push(info.id),
            Arrival::SessionDown { session } => {
                assert_eq!(open.pop(), Some(session), "its own end before the next begin")
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(open.len(), 1);
    assert_eq!(shown(&mut target, clock.0).sessions.len(), 1);
}

#[test]
fn full_rings_keep_the_order() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 1)]);
    ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
    let session = session_of(&target.heard());
    // More than a ring holds, while the queue does not look.
    target.deaf = true;
    for round in 0..60 {
        for context in 0..60 {
            peer.command(THEM, US, Fc4::Fcp, &[0; 32], round * 100 + context, clock.0);
        }
        clock.settle(&mut [&mut target, &mut peer]);
    }
    ask(&mut target, &mut peer, &mut clock, &plogi(9));
    ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
    target.deaf = false;
    clock.settle(&mut [&mut target, &mut peer]);
    let arrivals = target.heard();
    let (commands, rest) = arrivals.split_at(3600);
    assert!(commands.iter().all(|(_, arrival)| matches!(arrival, Arrival::Command { .. })));
    let rest = aborted_then_down(rest, 3600, session);
    assert!(matches!(rest, [(0, Arrival::SessionUp(_))]), "{rest:?}");
}

#[test]
fn commands_go_to_the_lane_that_their_connection_or_session_says() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Nvme, 3)]);
    ask(&mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[nvme_initiator()]));
    let ups = target.heard();
    assert_eq!(ups.iter().map(|(lane, _)| *lane).collect::<Vec<_>>(), [0, 1, 2], "all of them hear of the session");
    for connection in 0..9u64 {
        peer.command(THEM, US, Fc4::Nvme, &nvme_command(connection << 8 | connection), connection, clock.0);
        clock.settle(&mut [&mut target, &mut peer]);
        let [(lane, Arrival::Command { .. })] = target.heard()[..] else { panic!("one command") };
        assert_eq!(lane as u64, connection % 3);
    }
    peer.command(THEM, US, Fc4::Nvme, &[0xfd, 0x28, 0, 0], 99, clock.0);
    clock.settle(&mut [&mut target, &mut peer]);
    assert!(target.heard().is_empty(), "too short to say its connection");
}

#[test]
fn fcp_sessions_take_turns_with_the_lanes() {
    let (mut target, mut peer, mut clock) = logged_in(&[(Fc4::Fcp, 2)]);
    for (n, from) in [(20, 0x010201), (21, 0x010202), (22, 0x010203)] {
        ask_from(from, &mut target, &mut peer, &mut clock, &plogi(n));
        ask_from(from, &mut target, &mut peer, &mut clock, &pages(Command::PRLI, &[fcp_initiator()]));
        peer.command(from, US, Fc4::Fcp, &[0; 32], n, clock.0);
        clock.settle(&mut [&mut target, &mut peer]);
    }
    let lanes: Vec<usize> = target.heard().iter().map(|(lane, _)| *lane).collect();
    assert_eq!(lanes, [0, 0, 1, 1, 0, 0], "a session and its command on the same");
}

#[test]
fn a_detached_service_is_gone_and_may_come_back() {
    let (mut target, mut peer, mut clock, session, xids) = with_commands(1);
    target.port.detach(Fc4::Fcp);
    clock.settle(&mut [&mut target, &mut peer]);
    let arrivals = target.heard();
    assert!(aborted_then_down(&arrivals, 1, session).is_empty());
    assert_eq!(peer.asked(Command::LOGO), 1);
    target.queues[0].terminate(xids[0]);
    target.queues[0].flush();
    clock.settle(&mut [&mut target, &mut peer]);
    assert_eq!(target.heard().len(), 1);
    target.queues.clear();
    ask(&mut target, &mut peer, &mut clock, &plogi(9));
    let prli = pages(Command::PRLI, &[fcp_initiator()]);
    assert_eq!(ask(&mut target, &mut peer, &mut clock, &prli)[0], Command::LS_RJT.0);
    target.serve(Fc4::Fcp, 1);
    assert!(target.port.attach(fc::Service { fc4: Fc4::Fcp, discovery: false }, vec![nobody()]).is_err());
    assert_eq!(ask(&mut target, &mut peer, &mut clock, &prli)[0], Command::LS_ACC.0);
    assert_eq!(target.heard().len(), 1);
}

#[test]
fn a_queue_may_log_a_session_out() {
    let (mut target, mut peer, mut clock, session, _) = with_commands(0);
    target.queues[0].logout(session);
    target.queues[0].flush();
    clock.settle(&mut [&mut target, &mut peer]);
    assert!(matches!(target.heard()[..], [(0, Arrival::SessionDown { session: down })] if down == session));
    assert_eq!(peer.asked(Command::LOGO), 1);
}
