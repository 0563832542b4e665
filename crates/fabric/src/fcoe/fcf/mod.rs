//! A switch's side of FCoE on one interface: a Fibre Channel Forwarder that many ENodes find and log in through.
//!
//! It tells its addresses and sizes, carries logins to the switch and back, and notices who has gone. What logins mean is
//! the switch's matter: it sees plain frames on a link of its own for each ENode, which comes with the first FLOGI and
//! goes when the ENode has not been heard of for 2.5 keep-alive periods.

mod data;
mod discovery;
mod link;
mod logins;
mod peer;

use super::door::{Came, Counters, Door, batch};
use super::{Ether, MS};
use crate::Listener;
use fc::{Frames, Link};
use link::FcfLink;
use peer::Peer;
use ring::Tick;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use wire::fc::{PortId, Wwn};
use wire::fcoe::{FcMap, Mac};
use wire::fip::{Fabric, VnPort};

/// Names and numbers of an FCF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FcfConfig {
    /// Name of the switch. Must stay the same over restarts, and be another on each interface of one Ethernet.
    pub switch_name: Wwn,
    /// Name of the fabric.
    pub fabric_name: Wwn,
    /// Upper half of the addresses that it gives.
    pub map: FcMap,
    /// Smaller is chosen sooner.
    pub priority: u8,
    /// FKA_ADV_PERIOD in milliseconds, 250 to 90,000.
    pub fka_adv_period_ms: u32,
    /// The VLAN that VLAN requests are answered with; 0: without a tag.
    pub vlan: u16,
    /// Most ENodes at once.
    pub enodes: usize,
    /// Frames of one ENode that wait, each way.
    pub depth: usize,
}

impl FcfConfig {
    /// The usual numbers for this switch and fabric.
    pub fn new(switch_name: Wwn, fabric_name: Wwn) -> Self {
        Self {
            switch_name,
            fabric_name,
            map: FcMap::FABRIC,
            priority: 128,
            fka_adv_period_ms: wire::fip::FKA_ADV_PERIOD_MS,
            vlan: 0,
            enodes: 64,
            depth: 512,
        }
    }
}

/// See the module.
pub struct Fcf<E: Ether> {
    door: Door<E>,
    config: FcfConfig,
    peers: Vec<Peer>,
    accepted: VecDeque<Box<dyn Link>>,
    /// When advertisements go out to all again.
    advertise_at: Tick,
    /// When it is next looked who is silent.
    age_at: Tick,
    /// Which peer the last data frame came from: the next will mostly come from it, too.
    last: usize,
}

impl<E: Ether> Fcf<E> {
    /// One on this interface. Its frames come from `frames`.
    pub fn new(mut ether: E, config: FcfConfig, frames: Frames) -> Self {
        ether.join(wire::fip::ALL_FCFS);
        ether.join(Mac::FLOGI);
        Self {
            door: Door::new(ether, frames),
            config,
            peers: Vec::new(),
            accepted: VecDeque::new(),
            advertise_at: 0,
            age_at: 0,
            last: 0,
        }
    }

    /// What was dropped.
    pub fn counters(&self) -> Counters {
        self.door.counters
    }

    fn period(&self) -> Tick {
        Tick::from(self.config.fka_adv_period_ms.clamp(250, 90_000)) * MS
    }

    fn fabric(&self) -> Fabric {
        Fabric { vf_id: 0, map: self.config.map, name: self.config.fabric_name }
    }

    fn vn_port(&self, id: PortId, name: Wwn) -> VnPort {
        VnPort { mac: Mac::mapped(self.config.map, id), id, name }
    }

    fn peer(&mut self, mac: Mac) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.mac == mac)
    }

    /// The ENode of this address, a new one if need be: then the switch gets a link. `None` when there are too many.
    fn admit(&mut self, mac: Mac, fip: bool, now: Tick) -> Option<&mut Peer> {
        if let Some(at) = self.peers.iter().position(|peer| peer.mac == mac) {
            return Some(&mut self.peers[at]);
        }
        if self.peers.len() >= self.config.enodes {
            return None;
        }
        let nobody = || Arc::new(|| {}) as fc::Wake;
        let [ours, theirs] = fc::ring_links(self.config.depth, [nobody(), nobody()]);
        let name = format!("fcoe:{}/{mac}", self.door.ether.name());
        log::info!("fcoe: {}: ENode {mac} has come", self.door.ether.name());
        self.accepted.push_back(Box::new(FcfLink { ring: theirs, max_payload: self.door.max_payload(), name }));
        self.peers.push(Peer::new(mac, fip, ours, now));
        self.peers.last_mut()
    }

    /// Ends the link of a peer, for good.
    fn remove(&mut self, at: usize, why: &str) {
        let peer = self.peers.swap_remove(at);
        log::info!("fcoe: {}: ENode {} is gone: {why}", self.door.ether.name(), peer.mac);
        self.last = 0;
    }

    fn interface_changed(&mut self, up: bool, now: Tick) {
        log::info!("fcoe: {} is {}", self.door.ether.name(), if up { "up" } else { "down" });
        while !up && !self.peers.is_empty() {
            self.remove(0, "the interface is down");
        }
        if up {
            // Whoever still believes to be logged in with us, from before, must do it again.
            self.clear_links(wire::fip::ALL_ENODES, &[]);
            self.advertise_at = now;
        }
    }

    /// What the switch does with its end of a link.
    fn watch_ports(&mut self, now: Tick) {
        let mut at = 0;
        while at < self.peers.len() {
            let peer = &mut self.peers[at];
            if peer.ring.is_gone() {
                let (mac, vns) = (peer.mac, ports(peer));
                self.clear_links(mac, &vns);
                self.remove(at, "the switch let it go");
                continue;
            }
            if peer.ring.event(now).is_some() {
                peer.up = !peer.up;
                self.port_changed(at, now);
            }
            at += 1;
        }
    }

    fn port_changed(&mut self, at: usize, now: Tick) {
        let peer = &mut self.peers[at];
        let (mac, up, vns) = (peer.mac, peer.up, ports(peer));
        peer.forget();
        peer.seen = now;
        if up {
            self.advertise(mac);
        } else {
            self.clear_links(mac, &vns);
        }
    }
}

fn ports(peer: &Peer) -> Vec<VnPort> {
    peer.vns.iter().map(|vn| vn.port).collect()
}

impl<E: Ether> Listener for Fcf<E> {
    fn poll(&mut self, now: Tick) -> usize {
        if let Some(up) = self.door.look(now) {
            self.interface_changed(up, now);
        }
        if !self.door.status.up {
            while self.door.ether.receive(|_| ()).is_some() {}
            return 0;
        }
        self.watch_ports(now);
        let mut done = 0;
        for _ in batch() {
            match self.door.receive() {
                Some(Came::Frame { to, from, frame }) => self.frame(to, from, frame, now),
                Some(Came::Fip { to, from, body }) => self.fip(to, from, &body, now),
                Some(Came::Nothing) => {}
                None => break,
            }
            done += 1;
        }
        self.age(now);
        if now >= self.advertise_at {
            self.advertise_at = now + self.period();
            self.advertise(wire::fip::ALL_ENODES);
        }
        done
    }

    fn accept(&mut self, _now: Tick) -> Option<Box<dyn Link>> {
        self.accepted.pop_front()
    }

    fn flush(&mut self, now: Tick) {
        for at in 0..self.peers.len() {
            self.send_of(at, now);
        }
        self.door.ether.flush();
    }

    fn is_pending(&self) -> bool {
        let waits = |peer: &Peer| peer.ring.is_pending() || peer.ring.is_gone();
        self.door.ether.is_pending() || !self.accepted.is_empty() || self.peers.iter().any(waits)
    }

    fn deadline(&self) -> Option<Tick> {
        Some(self.door.next_look().min(self.advertise_at).min(self.age_at))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.door.ether.fd()
    }

    fn describe(&self) -> String {
        format!("fcoe:{}", self.door.ether.name())
    }
}

/// Who is logged in is told, so that it need not wait until it misses the advertisements.
impl<E: Ether> Drop for Fcf<E> {
    fn drop(&mut self) {
        self.clear_links(wire::fip::ALL_ENODES, &[]);
        self.door.ether.flush();
    }
}
