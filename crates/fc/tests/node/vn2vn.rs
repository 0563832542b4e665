//! Ports that their links gave an address to, without a fabric (FCoE VN2VN).

use crate::rig::*;
use fc::{Attachment, Fc4, FrameBox, Link, LinkEvent, NodeEvent, Peer, PortKey, PortState, RingLink, Topology};
use ring::Tick;
use wire::fc::{PortId, Wwn};

/// A ring that says what a VN2VN link says.
struct Claimed {
    ring: RingLink,
    own: PortId,
    peer: PortId,
    /// Whether it knows the peer's name.
    name: Option<Wwn>,
    found: bool,
}

impl Link for Claimed {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        match self.ring.event(now) {
            Some(LinkEvent::Up(_)) => {
                self.found = true;
                Some(LinkEvent::Up(Attachment::Assigned(self.own)))
            }
            None if std::mem::take(&mut self.found) => Some(LinkEvent::PeerUp(self.peer)),
            other => other,
        }
    }
    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        self.ring.receive(now)
    }
    fn room(&self) -> usize {
        self.ring.room()
    }
    fn send(&mut self, frame: FrameBox) {
        self.ring.send(frame);
    }
    fn flush(&mut self, now: Tick) {
        self.ring.flush(now);
    }
    fn set_up(&mut self, up: bool) {
        self.ring.set_up(up);
    }
    fn max_payload(&self) -> u16 {
        self.ring.max_payload()
    }
    fn is_pending(&self) -> bool {
        self.found || self.ring.is_pending()
    }
    fn peer_name(&self, _peer: PortId) -> Option<Wwn> {
        self.name
    }
    fn describe(&self) -> String {
        "claimed".to_owned()
    }
}

#[test]
fn neighbours_log_in_whoever_has_the_larger_name_and_whether_names_are_known() {
    for (host, target) in [(1, 2), (2, 1)] {
        for known in [true, false] {
            let [near, far] = link();
            let claim = |ring, own, peer, name| Claimed {
                ring,
                own: PortId(own),
                peer: PortId(peer),
                name: known.then_some(name),
                found: false,
            };
            let near = claim(near, 0x101, 0x102, names(target).port);
            let far = claim(far, 0x102, 0x101, names(host).port);
            let mut initiator = Station::initiator(host, near);
            let mut served = Station::target(target, far, &[(Fc4::Fcp, 1)]);
            let mut clock = Clock(1);
            clock.run(50, &mut [&mut initiator, &mut served]);
            let status = shown(&mut served, clock.0);
            assert_eq!((status.state, status.topology), (PortState::Online, Some(Topology::Vn2vn)));
            assert_eq!(status.port_id, 0x102);
            let met = initiator.events.iter().any(|event| matches!(event, NodeEvent::PeerUp { .. }));
            assert!(met, "{host} {target} {known}: {:?}", initiator.events);
            initiator.node.login(PortKey::PHYSICAL, Peer::Name(names(target).port), Fc4::Fcp);
            clock.run(50, &mut [&mut initiator, &mut served]);
            assert_eq!(shown(&mut served, clock.0).sessions.len(), 1, "{host} {target} {known}");
            assert_eq!(served.heard().len(), 1);
        }
    }
}
