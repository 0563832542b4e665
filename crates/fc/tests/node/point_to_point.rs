//! Two nodes on one link.

use crate::rig::*;
use fc::fc2::Direction;
use fc::{Arrival, Fc4, FcpResponse, NodeEvent, Peer, PortKey, PortState, Residual, Response, SessionId, Topology};

fn pair(initiator: u64, target: u64) -> (Station, Station, Clock) {
    let [near, far] = link();
    let mut host = Station::initiator(initiator, near);
    let mut target = Station::target(target, far, &[(Fc4::Fcp, 2), (Fc4::Nvme, 2)]);
    let mut clock = Clock(1);
    clock.settle(&mut [&mut host, &mut target]);
    (host, target, clock)
}

fn session(host: &Station) -> Option<SessionId> {
    host.events.iter().rev().find_map(|event| match event {
        NodeEvent::SessionUp { info, .. } => Some(info.id),
        _ => None,
    })
}

pub fn good() -> Response {
    Response::Fcp(FcpResponse {
        status: 0,
        qualifier: 0,
        residual: Residual::None,
        code: None,
        sense: [0; fc::SENSE_BYTES],
        sense_len: 0,
    })
}

#[test]
fn both_get_addresses_whoever_has_the_larger_name() {
    for (initiator, target) in [(1, 2), (2, 1)] {
        let (host, mut target, clock) = pair(initiator, target);
        let status = shown(&mut target, clock.0);
        assert_eq!((status.state, status.topology), (PortState::Online, Some(Topology::PointToPoint)));
        let id = if initiator == 2 { 2 } else { 1 };
        assert_eq!(status.port_id, id);
        let online = host.events.iter().any(|event| matches!(event, NodeEvent::Online { .. }));
        assert!(online, "{:?}", host.events);
        assert!(host.events.iter().any(|event| matches!(event, NodeEvent::PeerUp { .. })));
    }
}

#[test]
fn a_command_goes_and_its_response_comes() {
    for (initiator, target) in [(1, 2), (2, 1)] {
        let (mut host, mut target, mut clock) = pair(initiator, target);
        let peer = Peer::Name(target_name(target.port.as_ref()));
        host.node.login(PortKey::PHYSICAL, peer, Fc4::Fcp);
        clock.settle(&mut [&mut host, &mut target]);
        let session = session(&host).expect("logged in");
        let arrivals = target.heard();
        assert!(
            matches!(arrivals[..], [(0, Arrival::SessionUp(info))] if info.peer == names(initiator)),
            "{arrivals:?}"
        );
        host.node.command(session, &[0; 32], Direction::None, 1_000 * MS, 77, clock.0).unwrap();
        clock.settle(&mut [&mut host, &mut target]);
        let (0, Arrival::Command { xid, .. }) = target.heard().pop().unwrap() else { panic!("no command") };
        target.queues[0].respond(xid, good());
        target.queues[0].flush();
        clock.settle(&mut [&mut host, &mut target]);
        assert!(matches!(target.heard()[..], [(0, Arrival::Sent { ok: true, .. })]));
        assert!(matches!(host.events.pop(), Some(NodeEvent::Ended { context: 77, result: Ok(_), .. })));
    }
}

fn target_name(port: &dyn fc::Port) -> wire::fc::Wwn {
    port.names().port
}
