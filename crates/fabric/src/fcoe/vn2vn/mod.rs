//! VN2VN: N_Ports on one Ethernet without a switch (FC-BB-6 7.9). Each chooses its address, asks whether someone has it,
//! claims it and says by beacons that it is still there.
//!
//! Before two ports log in with each other (PLOGI) they exchange FLOGI by FIP. This link does that by itself and then says
//! that the peer is up; of the two the one with the greater port name sends the PLOGI
//! ([`peer_name`](fc::Link::peer_name)).

mod address;
mod logins;
mod peers;

use super::door::{Came, Counters, Door, batch};
use super::{Ether, els};
use address::{Address, Phase};
use fc::{Attachment, FrameBox, Frames, Link, LinkEvent, Names};
use peers::Peers;
use ring::Tick;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use wire::fc::els::Command;
use wire::fc::{PortId, RCtl, Wwn};
use wire::fcoe::{FcMap, Mac};
use wire::fip::{ALL_VN2VN, DescriptorType, Fc4Types, Flags, Kind, Message, VnPort};

/// A link to all VN2VN ports on an interface. See the module.
pub struct Vn2vnLink<E: Ether> {
    door: Door<E>,
    names: Names,
    on: bool,
    address: Address,
    peers: Peers,
    events: VecDeque<LinkEvent>,
    room: usize,
    /// Logouts that came by FIP: their replies go so, too.
    fip_logouts: VecDeque<(PortId, u16)>,
    next_ox_id: u16,
    now: Tick,
}

impl<E: Ether> Vn2vnLink<E> {
    /// One for the port of these names. Its frames come from `frames`.
    pub fn new(mut ether: E, names: Names, frames: Frames) -> Self {
        ether.join(ALL_VN2VN);
        Self {
            door: Door::new(ether, frames),
            names,
            on: true,
            address: Address::new(names.port),
            peers: Peers::default(),
            events: VecDeque::new(),
            room: 0,
            fip_logouts: VecDeque::new(),
            next_ox_id: 0,
            now: 0,
        }
    }

    /// What was dropped.
    pub fn counters(&self) -> Counters {
        self.door.counters
    }

    fn own(&self) -> VnPort {
        let id = self.address.id();
        VnPort { mac: Mac::mapped(FcMap::VN2VN, id), id, name: self.names.port }
    }

    fn is_up(&self) -> bool {
        self.address.phase() == Phase::Up
    }

    /// Sends a message of this protocol. Claims say more than probes and beacons.
    fn say(&mut self, to: Mac, kind: Kind, length: usize) {
        let (own, enode, node, size) = (self.own(), self.door.status.mac, self.names.node, self.door.max_frame());
        let from = if kind == Kind::Beacon { own.mac } else { enode };
        self.door.send_fip(to, from, kind, Flags::default(), |writer| {
            let writer = writer.mac(enode).name(node).vn_port(own);
            match kind {
                // Which types the port does, its process login will say: this names what may be asked for.
                Kind::ClaimNotification | Kind::ClaimResponse => {
                    let types = Fc4Types { fcp: Some(0), nvme: Some(0) };
                    writer.fc4_types(types).max_frame(size).finish_padded(length)
                }
                _ => writer.finish(),
            }
        });
    }

    /// The address is not ours any more, or the interface is gone.
    fn lose(&mut self) {
        if self.is_up() {
            self.events.push_back(LinkEvent::Down);
        }
        if matches!(self.address.phase(), Phase::Claim | Phase::Up) {
            self.door.ether.leave(self.own().mac);
        }
        self.peers.clear();
        self.fip_logouts.clear();
        self.address.stop();
    }

    fn turn(&mut self, now: Tick) {
        self.now = now;
        if let Some(up) = self.door.look(now) {
            self.lose();
            if up && self.on {
                self.address.start(now);
            }
        }
        self.advance();
        if self.is_up() {
            self.look_after_peers();
        }
        self.room = self.door.ether.room();
    }

    /// The next step to an address, when it is time for it.
    fn advance(&mut self) {
        let Some(phase) = self.address.step(self.now) else { return };
        match phase {
            Phase::Probe1 | Phase::Probe2 => self.say(ALL_VN2VN, Kind::ProbeRequest, 0),
            Phase::Claim => {
                self.door.ether.join(self.own().mac);
                self.say(ALL_VN2VN, Kind::ClaimNotification, 0);
            }
            Phase::Up => {
                if self.address.has_just_come_up() {
                    log::info!("fcoe: {}: VN2VN address {}", self.door.ether.name(), self.own().id);
                    self.events.push_back(LinkEvent::Up(Attachment::Assigned(self.own().id)));
                }
                self.say(ALL_VN2VN, Kind::Beacon, 0);
            }
            Phase::Off | Phase::Start => {}
        }
    }

    /// Somebody else has the address, or wants it more.
    fn yield_address(&mut self) {
        log::info!("fcoe: {}: VN2VN address {} belongs to another", self.door.ether.name(), self.own().id);
        self.lose();
        self.address.start_again(self.now);
    }

    fn fip(&mut self, to: Mac, from: Mac, body: &[u8]) -> Option<FrameBox> {
        if to != self.door.status.mac && to != ALL_VN2VN {
            return None;
        }
        let Ok(message) = Message::parse(body) else {
            self.door.counters.fip_faults += 1;
            return None;
        };
        match message.kind {
            Kind::LsRequest => return self.ls_request(from, &message),
            Kind::LsReply => return self.ls_reply(from, &message),
            _ => {}
        }
        let port = message.vn_ports().next()?;
        let ours = port.id == self.address.id();
        match message.kind {
            Kind::ProbeRequest if ours => self.probed(message.mac()?, port, message.flags.recorded()),
            Kind::ProbeReply if ours => self.probe_answered(),
            Kind::ClaimNotification if ours => self.claimed_ours(port),
            Kind::ClaimNotification => self.claimed(&message, port),
            Kind::ClaimResponse if !ours => self.add_peer(&message, port),
            Kind::Beacon if !ours => self.beacon(&message, port),
            _ => {}
        }
        None
    }

    fn probed(&mut self, enode: Mac, port: VnPort, recorded: bool) {
        match self.address.phase() {
            Phase::Claim | Phase::Up => self.say(enode, Kind::ProbeReply, 0),
            Phase::Probe1 | Phase::Probe2 if self.names.port > port.name && !recorded => {
                self.say(enode, Kind::ProbeReply, 0);
            }
            Phase::Start | Phase::Probe1 | Phase::Probe2 => self.yield_address(),
            Phase::Off => {}
        }
    }

    fn probe_answered(&mut self) {
        match self.address.phase() {
            Phase::Up => self.say(ALL_VN2VN, Kind::ClaimNotification, 0),
            Phase::Off => {}
            _ => self.yield_address(),
        }
    }

    fn claimed_ours(&mut self, port: VnPort) {
        match self.address.phase() {
            Phase::Off => {}
            Phase::Claim | Phase::Up if self.names.port > port.name => {
                self.say(ALL_VN2VN, Kind::ClaimNotification, 0);
            }
            _ => self.yield_address(),
        }
    }

    fn claimed(&mut self, message: &Message<'_>, port: VnPort) {
        if matches!(self.address.phase(), Phase::Claim | Phase::Up) {
            // Padded, so that it shows which size gets through.
            let size = message.max_frame().unwrap_or_default().min(self.door.max_frame());
            let Some(enode) = message.mac() else { return };
            self.say(enode, Kind::ClaimResponse, usize::from(size));
            self.add_peer(message, port);
        }
    }

    #[inline]
    fn accepts(&self, to: Mac, from: Mac, frame: &FrameBox) -> bool {
        let (header, own) = (frame.header(), self.own());
        self.is_up()
            && to == own.mac
            && header.d_id() == own.id
            && from == Mac::mapped(FcMap::VN2VN, header.s_id())
            && self.peers.has(header.s_id())
    }
}

impl<E: Ether> Link for Vn2vnLink<E> {
    fn event(&mut self, now: Tick) -> Option<LinkEvent> {
        self.turn(now);
        self.events.pop_front()
    }

    fn receive(&mut self, now: Tick) -> Option<FrameBox> {
        self.now = now;
        for _ in batch() {
            match self.door.receive()? {
                Came::Frame { to, from, frame } if self.accepts(to, from, &frame) => return Some(frame),
                Came::Frame { frame, .. } => self.door.count_stranger(frame),
                Came::Fip { to, from, body } => {
                    if let Some(frame) = self.fip(to, from, &body) {
                        return Some(frame);
                    }
                }
                Came::Nothing => {}
            }
        }
        None
    }

    fn room(&self) -> usize {
        self.room
    }

    fn send(&mut self, frame: FrameBox) {
        let (header, own) = (frame.header(), self.own());
        let Some(enode) = self.peers.enode(header.d_id()).filter(|_| self.is_up()) else {
            return self.door.count_stranger(frame);
        };
        self.room = self.room.saturating_sub(1);
        let reply = header.r_ctl == RCtl::ELS_REPLY && self.answers_fip(header.d_id(), header.ox_id());
        if header.r_ctl == RCtl::ELS_REQUEST && els::command(&frame) == Some(Command::LOGO) {
            self.send_ls(enode, Kind::LsRequest, DescriptorType::LOGO, &frame);
        } else if reply {
            self.send_ls(enode, Kind::LsReply, DescriptorType::LOGO, &frame);
        } else {
            return self.door.send_frame(Mac::mapped(FcMap::VN2VN, header.d_id()), own.mac, frame);
        }
        self.door.frames.give(frame);
    }

    fn flush(&mut self, _now: Tick) {
        self.door.ether.flush();
        self.room = self.door.ether.room();
    }

    fn set_up(&mut self, up: bool) {
        if self.on == up {
            return;
        }
        self.on = up;
        if !up {
            self.lose();
        } else if self.door.status.up {
            self.address.start(self.now);
        }
    }

    fn max_payload(&self) -> u16 {
        self.door.max_payload()
    }

    fn is_pending(&self) -> bool {
        !self.events.is_empty() || self.door.ether.is_pending()
    }

    fn deadline(&self) -> Option<Tick> {
        let own = self.address.deadline().min(self.peers.deadline());
        Some(own.min(self.door.next_look()))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.door.ether.fd()
    }

    fn peer_name(&self, peer: PortId) -> Option<Wwn> {
        self.peers.name(peer)
    }

    fn describe(&self) -> String {
        format!("vn2vn:{}", self.door.ether.name())
    }
}
