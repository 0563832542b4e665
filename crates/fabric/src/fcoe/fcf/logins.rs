//! Logins and logouts with the fabric, and the addresses that come of them. FC-BB-6 7.8.4.

use super::Fcf;
use super::peer::{Pending, Way};
use crate::fcoe::{Ether, els};
use fc::{FrameBox, Link};
use ring::Tick;
use wire::fc::els::{Command, Explanation, Reason, Reject};
use wire::fc::{PortId, RCtl};
use wire::fcoe::Mac;
use wire::fip::{DescriptorType, Els, Flags, Kind, Message};

impl<E: Ether> Fcf<E> {
    /// FLOGI, FDISC or LOGO by FIP.
    pub(super) fn ls_request(&mut self, from: Mac, message: &Message<'_>, now: Tick) {
        let Some(Els { kind, frame: bytes }) = message.els() else { return };
        let Some(mut frame) = self.door.frames.take() else { return };
        if !frame.fill(bytes) || els::fip_kind(&frame) != Some(kind) || message.mac().is_none() {
            self.door.counters.fip_faults += 1;
            return self.door.frames.give(frame);
        }
        match self.may_request(from, kind, message.flags, now) {
            Ok(()) => self.request(from, kind, Way::Fip, frame),
            Err(reject) => {
                let reply = els::reject(frame.header(), reject);
                self.door.frames.give(frame);
                self.reply_by_fip(from, kind, &reply, None);
            }
        }
    }

    fn may_request(&mut self, from: Mac, kind: DescriptorType, flags: Flags, now: Tick) -> Result<(), Reject> {
        let login = kind != DescriptorType::LOGO;
        if login && !flags.fpma() {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::MAC_MODE));
        }
        let peer = match kind {
            DescriptorType::FLOGI => self.admit(from, true, now),
            _ => self.peer(from),
        };
        match peer {
            Some(peer) if peer.up => {
                peer.seen = now;
                peer.fip = true;
                Ok(())
            }
            Some(_) => Err(Reject::new(Reason::UNABLE, Explanation::NONE)),
            None if kind == DescriptorType::FLOGI => {
                Err(Reject::new(Reason::UNABLE, Explanation::INSUFFICIENT_RESOURCES))
            }
            None => Err(Reject::LOGIN_REQUIRED),
        }
    }

    /// Hands a request of `enode` to the switch and remembers how its reply goes.
    pub(super) fn request(&mut self, enode: Mac, kind: DescriptorType, way: Way, frame: FrameBox) {
        let (ox_id, name) = (frame.header().ox_id(), els::port_name(&frame));
        match self.peer(enode) {
            Some(peer) => {
                peer.expect(Pending { ox_id, kind, name, way });
                peer.ring.send(frame);
            }
            None => self.door.count_stranger(frame),
        }
    }

    /// A FLOGI in a plain frame, of one who knows no FIP.
    pub(super) fn plain_login(&mut self, from: Mac, frame: FrameBox, now: Tick) {
        match self.admit(from, false, now) {
            Some(peer) if peer.up => {
                peer.fip = false;
                peer.seen = now;
                self.request(from, DescriptorType::FLOGI, Way::Frame, frame);
            }
            _ => self.door.count_stranger(frame),
        }
    }

    /// A reply of the fabric to peer `at`, when it is one: to a request that waits for it.
    pub(super) fn awaited(&mut self, at: usize, frame: &FrameBox) -> Option<Pending> {
        let header = frame.header();
        let reply = header.r_ctl == RCtl::ELS_REPLY && header.s_id() == PortId::FABRIC;
        if reply { self.peers[at].expected(header.ox_id()) } else { None }
    }

    /// Sends the fabric's reply, and does what it means for addresses.
    pub(super) fn reply(&mut self, at: usize, pending: Pending, frame: FrameBox, now: Tick) {
        let (mac, id) = (self.peers[at].mac, frame.header().d_id());
        let accepted = els::command(&frame) == Some(Command::LS_ACC);
        let mut granted = None;
        match pending.kind {
            DescriptorType::LOGO if accepted => {
                granted = Some(Mac::mapped(self.config.map, id));
                self.peers[at].vns.retain(|vn| vn.port.id != id);
            }
            kind if accepted => {
                let port = self.vn_port(id, pending.name);
                granted = Some(port.mac);
                self.peers[at].grant(port, kind, now);
            }
            _ => {}
        }
        match pending.way {
            Way::Fip => self.reply_by_fip(mac, pending.kind, &frame, granted),
            Way::Frame => self.reply_by_frame(mac, granted, &frame),
            Way::Ours => {}
        }
        self.door.frames.give(frame);
    }

    fn reply_by_fip(&mut self, to: Mac, kind: DescriptorType, frame: &FrameBox, granted: Option<Mac>) {
        let (from, flags) = (self.door.status.mac, Flags::default().with_fpma(true).with_fcf(true));
        self.door.send_fip(to, from, Kind::LsReply, flags, |writer| {
            let writer = writer.els(kind, frame.bytes());
            match granted {
                Some(mac) => writer.mac(mac).finish(),
                None => writer.finish(),
            }
        });
    }

    /// To one without FIP the reply goes to the address that it sent from, as pre-FIP adapters expect, and to the one that it is given,
    /// which is where Linux takes it from. A second copy belongs to no exchange any more and does nothing.
    fn reply_by_frame(&mut self, mac: Mac, granted: Option<Mac>, frame: &FrameBox) {
        let from = self.door.status.mac;
        for to in [Some(mac), granted].into_iter().flatten() {
            self.door.copy_frame(to, from, frame);
        }
    }
}
