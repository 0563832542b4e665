//! Being found, and noticing who has gone: advertisements, VLANs, keep-alives, Clear Virtual Links. FC-BB-6 7.8.

use super::Fcf;
use crate::fcoe::els;
use crate::fcoe::peer_timeout;
use crate::fcoe::{Ether, MS};
use fc::Link;
use ring::Tick;
use wire::fc::PortId;
use wire::fcoe::Mac;
use wire::fip::{ALL_FCFS, DescriptorType, Flags, Kind, Message, VnPort};

use super::peer::{Pending, Way};

/// OX_ID of the logouts that we write for ports that have gone.
const GONE: u16 = 0xfff0;
/// How many ports one Clear Virtual Links names at most.
const NAMED: usize = 64;

impl<E: Ether> Fcf<E> {
    pub(super) fn fip(&mut self, to: Mac, from: Mac, body: &[u8], now: Tick) {
        if to != self.door.status.mac && to != ALL_FCFS {
            return;
        }
        let Ok(message) = Message::parse(body) else {
            self.door.counters.fip_faults += 1;
            return;
        };
        match message.kind {
            Kind::Solicitation => self.solicited(from, &message),
            Kind::VlanRequest => self.vlan_requested(from),
            Kind::LsRequest => self.ls_request(from, &message, now),
            Kind::KeepAlive => self.keep_alive(from, &message, now),
            // What other switches and VN2VN ports say to each other.
            _ => {}
        }
    }

    /// The answer proves by its length that frames of that size get through: it is padded to what the ENode can receive.
    fn solicited(&mut self, from: Mac, message: &Message<'_>) {
        let size = message.max_frame().unwrap_or_default();
        let down = self.peer(from).is_some_and(|peer| !peer.up);
        if down || message.flags.f_port() || message.mac() != Some(from) || size > self.door.max_frame() {
            return;
        }
        self.send_advertisement(from, Flags::default().with_solicited(true), usize::from(size));
    }

    pub(super) fn advertise(&mut self, to: Mac) {
        self.send_advertisement(to, Flags::default(), 0);
    }

    fn send_advertisement(&mut self, to: Mac, flags: Flags, length: usize) {
        let room = self.peers.len() < self.config.enodes || self.peers.iter().any(|peer| peer.mac == to);
        let flags = flags.with_fpma(true).with_fcf(true).with_f_port(true).with_available(room);
        let (from, fabric, config) = (self.door.status.mac, self.fabric(), self.config);
        let period = (self.period() / MS) as u32;
        self.door.send_fip(to, from, Kind::Advertisement, flags, |writer| {
            let writer = writer.priority(config.priority).mac(from).name(config.switch_name);
            writer.fabric(fabric).fka_adv_period(period, false).finish_padded(length)
        });
    }

    fn vlan_requested(&mut self, to: Mac) {
        let (from, vlan, flags) = (self.door.status.mac, self.config.vlan, Flags::default().with_fcf(true));
        let fill = |writer: wire::fip::Writer<'_>| writer.mac(from).vlan(vlan).finish();
        self.door.send_fip(to, from, Kind::VlanNotification, flags, fill);
    }

    fn keep_alive(&mut self, from: Mac, message: &Message<'_>, now: Tick) {
        let Some(enode) = message.mac().filter(|mac| mac.is_station()) else { return };
        let Some(peer) = self.peer(enode).filter(|peer| peer.up) else {
            // One who logged in before we were (re)started, or whose time was over.
            self.clear_links(enode, &[]);
            return;
        };
        let mut vns = message.vn_ports().peekable();
        if vns.peek().is_none() && from == enode {
            peer.seen = now;
        }
        for port in vns {
            if let Some(vn) = peer.vns.iter_mut().find(|vn| vn.port == port && from == port.mac) {
                vn.seen = now;
            }
        }
    }

    /// Tells an ENode, or all, that logins are gone: those named, or all when none is.
    pub(super) fn clear_links(&mut self, to: Mac, ports: &[VnPort]) {
        let (from, name) = (self.door.status.mac, self.config.switch_name);
        let flags = Flags::default().with_fpma(true).with_fcf(true);
        for named in ports.chunks(NAMED).chain(ports.is_empty().then_some(ports)) {
            self.door.send_fip(to, from, Kind::ClearVirtualLinks, flags, |writer| {
                let writer = writer.mac(from).name(name);
                named.iter().fold(writer, |writer, port| writer.vn_port(*port)).finish()
            });
        }
    }

    /// Lets those go who have been silent for too long.
    pub(super) fn age(&mut self, now: Tick) {
        if now < self.age_at {
            return;
        }
        let (enode, vn) = (peer_timeout(self.period()), peer_timeout(Tick::from(wire::fip::FKA_VN_PERIOD_MS) * MS));
        self.age_at = now + self.period() / 2;
        for at in (0..self.peers.len()).rev() {
            let peer = &self.peers[at];
            if !peer.fip || !peer.up {
                continue;
            }
            if now >= peer.seen + enode {
                let (mac, vns) = (peer.mac, super::ports(peer));
                self.clear_links(mac, &vns);
                self.remove(at, "no keep-alive came");
                continue;
            }
            let silent = peer.vns.iter().filter(|known| now >= known.seen + vn).map(|known| known.port);
            for port in silent.collect::<Vec<_>>() {
                self.vn_gone(at, port);
            }
        }
    }

    /// One N_Port of an ENode is gone: the switch hears it as a logout.
    fn vn_gone(&mut self, at: usize, port: VnPort) {
        self.clear_links(self.peers[at].mac, &[port]);
        let peer = &mut self.peers[at];
        peer.vns.retain(|vn| vn.port.id != port.id);
        let ox_id = GONE | (port.id.0 & 0xf) as u16;
        peer.expect(Pending { ox_id, kind: DescriptorType::LOGO, name: port.name, way: Way::Ours });
        peer.ring.send(els::logo(port.id, PortId::FABRIC, port.name, ox_id));
    }
}
