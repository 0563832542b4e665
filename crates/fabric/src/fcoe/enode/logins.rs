//! The addresses that the fabric gave to the ports of an ENode.

use super::{EnodeLink, State};
use crate::fcoe::enode::forwarders::Forwarder;
use crate::fcoe::{Ether, MS, els};
use fc::FrameBox;
use ring::Tick;
use wire::fc::els::Command;
use wire::fc::{PortId, Wwn};
use wire::fcoe::Mac;
use wire::fip::{DescriptorType, Els, Flags, Kind, Message, VnPort};

/// Most requests that wait for a reply.
const PENDING: usize = 64;
const VN_PERIOD: Tick = wire::fip::FKA_VN_PERIOD_MS as Tick * MS;
/// OX_ID of the logouts that we send when the port is taken down; nobody waits for the reply.
const LEAVING: u16 = 0xfffe;

#[derive(Clone, Copy)]
struct Login {
    port: VnPort,
    alive_at: Tick,
}

#[derive(Clone, Copy)]
struct Pending {
    ox_id: u16,
    kind: DescriptorType,
    name: Wwn,
}

#[derive(Default)]
pub(super) struct Logins {
    logins: Vec<Login>,
    pending: Vec<Pending>,
}

impl Logins {
    /// Forgets all; returns their addresses.
    pub(super) fn clear(&mut self) -> Vec<Mac> {
        self.pending.clear();
        self.logins.drain(..).map(|login| login.port.mac).collect()
    }

    /// The port that logged in with FLOGI.
    pub(super) fn first(&self) -> Option<VnPort> {
        self.logins.first().map(|login| login.port)
    }

    pub(super) fn remove(&mut self, id: PortId) -> Option<VnPort> {
        let at = self.logins.iter().position(|login| login.port.id == id)?;
        Some(self.logins.remove(at).port)
    }

    #[inline]
    pub(super) fn has(&self, mac: Mac, id: PortId) -> bool {
        self.logins.iter().any(|login| login.port.mac == mac && login.port.id == id)
    }

    #[inline]
    pub(super) fn mac(&self, id: PortId) -> Option<Mac> {
        self.logins.iter().find(|login| login.port.id == id).map(|login| login.port.mac)
    }

    /// The ports that should say now that they are there.
    pub(super) fn due(&mut self, now: Tick) -> Vec<VnPort> {
        let due = self.logins.iter_mut().filter(|login| now >= login.alive_at);
        due.map(|login| {
            login.alive_at = now + VN_PERIOD;
            login.port
        })
        .collect()
    }

    fn add(&mut self, port: VnPort, now: Tick) {
        self.remove(port.id);
        self.logins.push(Login { port, alive_at: now + VN_PERIOD });
    }
}

impl<E: Ether> EnodeLink<E> {
    /// Sends a login or logout by FIP.
    pub(super) fn request(&mut self, kind: DescriptorType, with: Forwarder, frame: FrameBox) {
        let header = frame.header();
        let (ox_id, name) = (header.ox_id(), els::port_name(&frame));
        // A login says no address: the fabric gives one.
        let mac = self.logins.mac(header.s_id()).unwrap_or(Mac::NONE);
        self.logins.pending.retain(|known| known.ox_id != ox_id);
        if self.logins.pending.len() < PENDING {
            self.logins.pending.push(Pending { ox_id, kind, name });
        }
        let (from, flags) = (self.door.status.mac, Flags::default().with_fpma(true));
        self.door.send_fip(with.mac, from, Kind::LsRequest, flags, |writer| {
            let mac = if kind == DescriptorType::LOGO { mac } else { Mac::NONE };
            writer.els(kind, frame.bytes()).mac(mac).finish()
        });
        self.door.frames.give(frame);
    }

    /// A reply to one: what it gives is ours, and the frame goes up.
    pub(super) fn replied(&mut self, from: Mac, message: &Message<'_>) -> Option<FrameBox> {
        let State::With(with, _) = self.state else { return None };
        let Els { kind, frame: bytes } = message.els().filter(|_| from == with.mac)?;
        let mut frame = self.door.frames.take()?;
        if !frame.fill(bytes) || !self.settle(kind, with, message.mac(), &frame) {
            self.door.count_stranger(frame);
            return None;
        }
        Some(frame)
    }

    /// Does what a reply means for addresses; `false` when it is none to a request of ours, or gives what cannot be.
    fn settle(&mut self, kind: DescriptorType, with: Forwarder, granted: Option<Mac>, frame: &FrameBox) -> bool {
        let (ox_id, id) = (frame.header().ox_id(), frame.header().d_id());
        let Some(at) = self.logins.pending.iter().position(|known| known.ox_id == ox_id && known.kind == kind) else {
            return false;
        };
        let accepted = els::command(frame) == Some(Command::LS_ACC);
        if accepted && kind != DescriptorType::LOGO && granted.and_then(|mac| mac.mapped_id(with.map)) != Some(id) {
            return false;
        }
        let name = self.logins.pending.remove(at).name;
        match kind {
            _ if !accepted => {}
            DescriptorType::LOGO => self.forget(id),
            DescriptorType::FLOGI => {
                for mac in self.logins.clear() {
                    self.door.ether.leave(mac);
                }
                self.granted(VnPort { mac: Mac::mapped(with.map, id), id, name });
            }
            _ => self.granted(VnPort { mac: Mac::mapped(with.map, id), id, name }),
        }
        true
    }

    fn granted(&mut self, port: VnPort) {
        self.door.ether.join(port.mac);
        self.logins.add(port, self.now);
    }

    fn forget(&mut self, id: PortId) {
        if let Some(port) = self.logins.remove(id) {
            self.door.ether.leave(port.mac);
        }
    }

    /// Logs all ports out, the first one last, without waiting for replies.
    pub(super) fn log_out(&mut self) {
        let State::With(with, _) = self.state else { return };
        let ports: Vec<_> = self.logins.logins.iter().rev().map(|login| login.port).collect();
        for port in ports {
            self.request(DescriptorType::LOGO, with, els::logo(port.id, PortId::FABRIC, port.name, LEAVING));
        }
        self.door.ether.flush();
    }
}
