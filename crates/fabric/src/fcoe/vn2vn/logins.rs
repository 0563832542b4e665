//! Link services by FIP between VN2VN ports: FLOGI, which this link does by itself, and LOGO, which it carries.

use super::Vn2vnLink;
use super::peers::Login as State;
use crate::fcoe::{Ether, MS, els};
use fc::{Frame, FrameBox, LinkEvent};
use ring::Tick;
use wire::fc::els::{Command, Explanation, Login, Reason, Reject};
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED};
use wire::fcoe::Mac;
use wire::fip::{DescriptorType, Els, Flags, Kind, Message};

/// After how long without an answer a FLOGI is sent again.
const AGAIN: Tick = 2_000 * MS;
/// Logouts whose replies are remembered to go by FIP.
const LOGOUTS: usize = 64;
/// The OX_IDs that this link uses itself begin here; the exchanges above count from zero.
const OX_IDS: u16 = 0xf000;

impl<E: Ether> Vn2vnLink<E> {
    pub(super) fn send_ls(&mut self, to: Mac, kind: Kind, service: DescriptorType, frame: &FrameBox) {
        let (own, from) = (self.own().mac, self.door.status.mac);
        self.door
            .send_fip(to, from, kind, Flags::default(), |writer| writer.els(service, frame.bytes()).mac(own).finish());
    }

    /// Sends a FLOGI to a peer.
    pub(super) fn log_in(&mut self, at: usize) {
        let ox_id = OX_IDS | (self.next_ox_id & 0xfff);
        self.next_ox_id = self.next_ox_id.wrapping_add(1);
        self.peers.0[at].login = State::Sent(ox_id, self.now + AGAIN);
        let (to, id) = (self.peers.0[at].enode, self.peers.0[at].port.id);
        let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, self.own().id, id).with_f_ctl(FCtl::REQUEST);
        let payload = self.login(Command::FLOGI);
        let frame = Frame::new(&header.with_exchange(ox_id, UNASSIGNED), &payload);
        self.send_ls(to, Kind::LsRequest, DescriptorType::FLOGI, &frame);
    }

    fn login(&self, command: Command) -> [u8; 116] {
        let size = self.door.max_payload();
        Login::fabric(command, self.names.port, self.names.node, size, false).to_bytes()
    }

    fn came_up(&mut self, id: PortId) {
        if let Some(peer) = self.peers.get(id) {
            if peer.login == State::Done {
                self.events.push_back(LinkEvent::PeerDown(id));
            }
            self.events.push_back(LinkEvent::PeerUp(id));
            if let Some(peer) = self.peers.get(id) {
                peer.login = State::Done;
            }
        }
    }

    /// A frame out of a message, if it is of a port that we know and for us.
    fn unwrapped(&mut self, message: &Message<'_>) -> Option<(DescriptorType, FrameBox)> {
        let Els { kind, frame: bytes } = message.els()?;
        let mut frame = self.door.frames.take()?;
        let ours = frame.fill(bytes) && els::command(&frame).is_some() && frame.header().d_id() == self.own().id;
        if !ours || !self.is_up() {
            self.door.count_stranger(frame);
            return None;
        }
        Some((kind, frame))
    }

    pub(super) fn ls_request(&mut self, from: Mac, message: &Message<'_>) -> Option<FrameBox> {
        let (kind, frame) = self.unwrapped(message)?;
        let (header, command) = (*frame.header(), els::command(&frame));
        let known = self.peers.enode(header.s_id()) == Some(from);
        match (kind, command) {
            (DescriptorType::FLOGI, Some(Command::FLOGI)) => self.login_asked(from, &header, known),
            (DescriptorType::LOGO, Some(Command::LOGO)) if known => {
                self.fip_logouts.truncate(LOGOUTS - 1);
                self.fip_logouts.push_front((header.s_id(), header.ox_id()));
                return Some(frame);
            }
            _ => self.door.counters.strangers += 1,
        }
        self.door.frames.give(frame);
        None
    }

    /// A FLOGI of a peer. One in either direction is enough, so when ours crossed it nothing more is waited for; was it long done, the
    /// peer begins anew.
    fn login_asked(&mut self, from: Mac, request: &FrameHeader, known: bool) {
        if !known {
            let reject = Reject::new(Reason::FIP_ERROR, Explanation::NOT_A_NEIGHBOR);
            return self.send_ls(from, Kind::LsReply, DescriptorType::FLOGI, &els::reject(request, reject));
        }
        let frame = Frame::new(&els::reply_header(request), &self.login(Command::LS_ACC));
        self.send_ls(from, Kind::LsReply, DescriptorType::FLOGI, &frame);
        self.came_up(request.s_id());
    }

    pub(super) fn ls_reply(&mut self, from: Mac, message: &Message<'_>) -> Option<FrameBox> {
        let (kind, frame) = self.unwrapped(message)?;
        let (header, command) = (*frame.header(), els::command(&frame));
        let (id, ox_id, again) = (header.s_id(), header.ox_id(), self.now + AGAIN);
        if kind == DescriptorType::LOGO && self.peers.enode(id) == Some(from) {
            return Some(frame);
        }
        let waiting = self
            .peers
            .get(id)
            .filter(|peer| peer.enode == from && matches!(peer.login, State::Sent(sent, _) if sent == ox_id));
        match (waiting, command) {
            (Some(_), Some(Command::LS_ACC)) => self.came_up(id),
            (Some(peer), _) => peer.login = State::Due(again),
            // Late, or of a login that crossed the peer's.
            (None, _) => {}
        }
        self.door.frames.give(frame);
        None
    }

    /// Whether the request that this replies to came by FIP.
    pub(super) fn answers_fip(&mut self, to: PortId, ox_id: u16) -> bool {
        let Some(at) = self.fip_logouts.iter().position(|known| *known == (to, ox_id)) else { return false };
        self.fip_logouts.remove(at);
        true
    }
}
