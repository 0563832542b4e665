//! What an FCF knows of one ENode.

use fc::{Link, RingLink};
use ring::Tick;
use wire::fc::{PortId, Wwn};
use wire::fcoe::Mac;
use wire::fip::{DescriptorType, VnPort};

/// Most requests to the fabric of one ENode that wait for their reply.
const PENDING: usize = 32;
/// Most N_Ports of one ENode.
const VN_PORTS: usize = 256;

/// A login or logout that the fabric has not answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub ox_id: u16,
    pub kind: DescriptorType,
    pub name: Wwn,
    pub way: Way,
}

/// How a request came, and so how its reply goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Fip,
    /// In a plain frame: an ENode without FIP.
    Frame,
    /// We made it ourselves: the reply is for nobody.
    Ours,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Vn {
    pub port: VnPort,
    /// When it was last heard of.
    pub seen: Tick,
}

/// An ENode: one link of the switch, and the N_Ports on it.
pub(super) struct Peer {
    pub mac: Mac,
    /// It speaks FIP, and so sends keep-alives.
    pub fip: bool,
    pub seen: Tick,
    pub vns: Vec<Vn>,
    pub ring: RingLink,
    /// The switch lets its port be up.
    pub up: bool,
    pending: Vec<Pending>,
}

impl Peer {
    /// `ring` is our end of the link; the other end exists already.
    pub(super) fn new(mac: Mac, fip: bool, mut ring: RingLink, now: Tick) -> Self {
        ring.event(now);
        Self { mac, fip, seen: now, vns: Vec::new(), ring, up: true, pending: Vec::new() }
    }

    pub(super) fn expect(&mut self, pending: Pending) {
        self.pending.retain(|known| known.ox_id != pending.ox_id);
        if self.pending.len() == PENDING {
            self.pending.remove(0);
        }
        self.pending.push(pending);
    }

    pub(super) fn expected(&mut self, ox_id: u16) -> Option<Pending> {
        let at = self.pending.iter().position(|known| known.ox_id == ox_id)?;
        Some(self.pending.remove(at))
    }

    /// It has been given this address; a FLOGI's ends all of before.
    pub(super) fn grant(&mut self, port: VnPort, kind: DescriptorType, now: Tick) {
        if kind == DescriptorType::FLOGI {
            self.vns.clear();
        }
        self.vns.retain(|vn| vn.port.id != port.id);
        if self.vns.len() < VN_PORTS {
            self.vns.push(Vn { port, seen: now });
        }
    }

    pub(super) fn vn(&mut self, mac: Mac) -> Option<&mut Vn> {
        self.vns.iter_mut().find(|vn| vn.port.mac == mac)
    }

    pub(super) fn has(&self, id: PortId) -> bool {
        self.vns.iter().any(|vn| vn.port.id == id)
    }

    /// All logins with the fabric are gone.
    pub(super) fn forget(&mut self) {
        self.vns.clear();
        self.pending.clear();
    }
}
