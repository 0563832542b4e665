//! Plain frames, both ways.

use super::Fcf;
use super::peer::Way;
use crate::fcoe::{Ether, els};
use fc::{FrameBox, Link};
use ring::Tick;
use wire::fc::PortId;
use wire::fcoe::Mac;
use wire::fip::DescriptorType;

/// Frames that one ENode gets in a turn before the next has its turn.
const SHARE: usize = 128;

impl<E: Ether> Fcf<E> {
    /// A frame from the interface. It must come from the address that the fabric gave to its S_ID.
    #[inline]
    pub(super) fn frame(&mut self, to: Mac, from: Mac, frame: FrameBox, now: Tick) {
        if to != self.door.status.mac && to != Mac::FLOGI {
            return self.door.count_stranger(frame);
        }
        let kind = els::fip_kind(&frame);
        if kind == Some(DescriptorType::FLOGI) && from.mapped_id(self.config.map).is_none() {
            return self.plain_login(from, frame, now);
        }
        let s_id = frame.header().s_id();
        match self.sender(from) {
            Some((at, id)) if self.peers[at].up && (s_id == id || s_id == PortId::NONE && kind.is_some()) => {
                let mac = self.peers[at].mac;
                match kind {
                    Some(kind) => self.request(mac, kind, Way::Frame, frame),
                    None => self.pass(at, frame),
                }
            }
            _ => self.door.count_stranger(frame),
        }
    }

    fn pass(&mut self, at: usize, frame: FrameBox) {
        let ring = &mut self.peers[at].ring;
        if ring.room() > 0 {
            ring.send(frame);
        } else {
            self.door.counters.no_room += 1;
            self.door.frames.give(frame);
        }
    }

    /// Whose address this is: the peer and the N_Port_ID.
    #[inline]
    fn sender(&mut self, from: Mac) -> Option<(usize, PortId)> {
        let of = |peer: &mut super::Peer| peer.vn(from).map(|vn| vn.port.id);
        if let Some(id) = self.peers.get_mut(self.last).and_then(of) {
            return Some((self.last, id));
        }
        let found = self.peers.iter_mut().enumerate().find_map(|(at, peer)| Some((at, of(peer)?)));
        self.last = found.map_or(0, |(at, _)| at);
        found
    }

    /// Sends what the switch has for a peer.
    pub(super) fn send_of(&mut self, at: usize, now: Tick) {
        for _ in 0..SHARE {
            if self.door.ether.room() == 0 {
                return;
            }
            let Some(frame) = self.peers[at].ring.receive(now) else { return };
            if let Some(pending) = self.awaited(at, &frame) {
                self.reply(at, pending, frame, now);
                continue;
            }
            let (id, from) = (frame.header().d_id(), self.door.status.mac);
            if self.peers[at].up && self.peers[at].has(id) {
                self.door.send_frame(Mac::mapped(self.config.map, id), from, frame);
            } else {
                self.door.count_stranger(frame);
            }
        }
    }
}
