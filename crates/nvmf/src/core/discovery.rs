//! The discovery log page (NVMe Base 2.0c 5.16.1.23): what a host may connect to, and where.

use super::nvm_command::Nvm;
use super::subsystem::Subsystem;
use crate::view::{ListenerView, ReferralView, Trtype};
use crate::{Address, Origin};
use std::net::IpAddr;
use wire::fabrics::Nqn;
use wire::limits::{ADMIN_QUEUE_MIN_MAX, CNTLID_DYNAMIC};
use wire::log::{
    AdrFam, DiscoveryEntry, DiscoveryHeader, SecType, Subtype, TrType, Treq, eflags, exact_text, tsas_tcp,
};
use wire::{FromZeros, IntoBytes, U16};

impl Nvm {
    /// The page for a host that asks from `origin`.
    pub(crate) fn discovery_page(&self, hostnqn: &str, origin: Origin) -> Vec<u8> {
        let admin_depth = self.limits.config.transport.max_aq_depth;
        let visible = self.subsystems.iter().map(|(_, s)| s).filter(|s| !s.going && s.allows(hostnqn));
        let here = visible.flat_map(|s| entries(s, origin, admin_depth));
        let elsewhere = self.referrals.iter().filter_map(|r| referral(r, admin_depth));
        let entries: Vec<DiscoveryEntry> = here.chain(elsewhere).collect();
        let mut page = DiscoveryHeader::new(self.generation, entries.len() as u64).as_bytes().to_vec();
        entries.iter().for_each(|entry| page.extend_from_slice(entry.as_bytes()));
        page
    }
}

fn entries(subsystem: &Subsystem, origin: Origin, admin_depth: u16) -> Vec<DiscoveryEntry> {
    let view = &subsystem.view;
    let mut all: Vec<DiscoveryEntry> =
        view.listeners.iter().filter_map(|l| entry(subsystem, l, origin, admin_depth)).collect();
    // One that is offered everywhere is offered where the host asked; there may be no other list of those places.
    let named = view.listeners.iter().any(|l| l.id == origin.listener);
    if view.any_listener && !named && !view.discovery {
        all.extend(entry(subsystem, &here(origin), origin, admin_depth));
    }
    all
}

/// The listener that took the asking connection, as far as its address shows.
fn here(origin: Origin) -> ListenerView {
    let (trtype, adrfam, traddr, trsvcid) = match origin.local {
        Address::Ip(local) => {
            let adrfam = if local.is_ipv4() { AdrFam::IPV4 } else { AdrFam::IPV6 };
            (Trtype::Tcp, adrfam, local.ip().to_string(), local.port().to_string())
        }
        Address::Fc { .. } => (Trtype::Fc, AdrFam::FC, origin.local.to_string(), "none".to_owned()),
    };
    ListenerView { id: origin.listener, trtype, adrfam: adrfam.0, traddr, trsvcid }
}

/// An entry; `None` when the host cannot be told an address: it asked by another address family than the wildcard's.
fn entry(subsystem: &Subsystem, listener: &ListenerView, origin: Origin, admin_depth: u16) -> Option<DiscoveryEntry> {
    let view = &subsystem.view;
    let traddr = reachable(&listener.traddr, origin)?;
    let mut entry = place(listener.trtype, listener.adrfam, &traddr, &listener.trsvcid, &view.nqn)?;
    entry.subtype = if view.discovery { Subtype::CURRENT_DISCOVERY } else { Subtype::NVM };
    entry.treq = match listener.trtype {
        // Whether a full response is due follows from the head of the submission queue, so it is wanted there.
        Trtype::Fc => Treq::NOT_SPECIFIED,
        Trtype::Tcp | Trtype::Rdma => Treq(Treq::SECURE_CHANNEL_NOT_REQUIRED.0 | Treq::DISABLE_SQ_FLOW_CONTROL.0),
    };
    entry.portid = U16::new(listener.id as u16);
    entry.asqsz = U16::new(admin_depth.max(ADMIN_QUEUE_MIN_MAX));
    if view.discovery {
        entry.eflags = U16::new(eflags::EPCSD | eflags::DUPRETINFO);
    }
    Some(entry)
}

/// An entry that refers to a discovery service elsewhere.
fn referral(referral: &ReferralView, admin_depth: u16) -> Option<DiscoveryEntry> {
    let ReferralView { trtype, adrfam, traddr, trsvcid, subnqn, secure_channel } = referral;
    let mut entry = place(*trtype, *adrfam, traddr, trsvcid, subnqn)?;
    entry.subtype = Subtype::REFERRAL;
    entry.treq = if *secure_channel { Treq::SECURE_CHANNEL_REQUIRED } else { Treq::SECURE_CHANNEL_NOT_REQUIRED };
    entry.asqsz = U16::new(admin_depth.max(ADMIN_QUEUE_MIN_MAX));
    Some(entry)
}

/// An entry for a name at an address; `None` when they do not fit its fields.
fn place(kind: Trtype, adrfam: u8, traddr: &str, trsvcid: &str, nqn: &str) -> Option<DiscoveryEntry> {
    let mut entry = DiscoveryEntry::new_zeroed();
    (entry.trtype, entry.adrfam) = (trtype(kind), AdrFam(adrfam));
    entry.cntlid = U16::new(CNTLID_DYNAMIC);
    (entry.traddr, entry.trsvcid) = (exact_text(traddr)?, exact_text(trsvcid)?);
    entry.subnqn = Nqn::new(nqn).ok()?;
    if kind == Trtype::Tcp {
        entry.tsas = tsas_tcp(SecType::NONE);
    }
    Some(entry)
}

/// The address at which a host can reach a listener: a wildcard becomes the one that the host used.
fn reachable(traddr: &str, origin: Origin) -> Option<String> {
    match (traddr.parse::<IpAddr>(), origin.local) {
        (Ok(ip), Address::Ip(local)) if ip.is_unspecified() => {
            (ip.is_ipv4() == local.is_ipv4()).then(|| local.ip().to_string())
        }
        // Asked over Fibre Channel, which of our addresses the host could reach is not known.
        (Ok(ip), Address::Fc { .. }) if ip.is_unspecified() => None,
        _ => Some(traddr.to_owned()),
    }
}

fn trtype(trtype: Trtype) -> TrType {
    match trtype {
        Trtype::Tcp => TrType::TCP,
        Trtype::Rdma => TrType::RDMA,
        Trtype::Fc => TrType::FC,
    }
}
