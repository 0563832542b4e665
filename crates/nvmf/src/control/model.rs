//! The one list of transports, listeners and subsystems.

use crate::ControllerIds;
use crate::control::{DISCOVERY_NQN, Error, ListenAddress, Referral, Transport};
use crate::message::Message;
use crate::view::{ListenerView, ReferralView, SubsystemView, Trtype};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of the discovery subsystem.
pub(crate) const DISCOVERY_ID: u32 = 0;

/// A subsystem as the control side has it.
#[derive(Clone)]
pub(crate) struct Entry {
    /// What the cores were told.
    pub view: Arc<SubsystemView>,
    /// Where it is offered by its own account; the view may name more places.
    pub own: Vec<ListenerView>,
    /// Homes that have not acknowledged `view`.
    pub silent: Vec<String>,
}

impl Entry {
    /// The entry of a subsystem that nobody has been told of.
    pub fn new(view: SubsystemView) -> Self {
        Self { view: Arc::new(view), own: Vec::new(), silent: Vec::new() }
    }

    /// A copy with another view.
    pub fn with(&self, view: SubsystemView) -> Self {
        Self { view: Arc::new(view), ..self.clone() }
    }
}

/// The one list of transports, listeners and subsystems. It is changed by who has the [`super::turn::Turn`], and read by
/// anyone at any time.
pub(crate) struct Model {
    pub transports: Vec<Arc<dyn Transport>>,
    /// By rising number; the discovery subsystem is always there.
    pub subsystems: BTreeMap<u32, Entry>,
    /// All addresses that are listened at.
    pub listeners: Vec<ListenerView>,
    pub referrals: Vec<Referral>,
    pub max_subsystems: u32,
    /// GENCTR of the discovery log page.
    pub generation: u64,
    next_subsystem: u32,
    next_listener: u32,
}

impl Model {
    pub fn new(max_subsystems: u32) -> Self {
        let discovery = Entry::new(discovery());
        Self {
            transports: Vec::new(),
            subsystems: [(DISCOVERY_ID, discovery)].into(),
            listeners: Vec::new(),
            referrals: Vec::new(),
            max_subsystems,
            generation: 0,
            next_subsystem: DISCOVERY_ID + 1,
            next_listener: 1,
        }
    }

    /// What cores are told of the discovery log beside the subsystems.
    pub fn discovery(&self) -> impl Fn() -> Message + use<> {
        let generation = self.generation;
        let referrals: Arc<[ReferralView]> = self.referrals.iter().map(Referral::view).collect();
        move || Message::DiscoveryChanged { generation, referrals: referrals.clone() }
    }

    pub fn subsystem(&self, nqn: &str) -> Result<Entry, Error> {
        let found = self.subsystems.values().find(|entry| entry.view.nqn == nqn);
        found.cloned().ok_or_else(|| Error::NoSubsystem(nqn.to_owned()))
    }

    pub fn transport(&self, trtype: Trtype) -> Option<Arc<dyn Transport>> {
        self.transports.iter().find(|transport| transport.view().trtype == trtype).cloned()
    }

    pub fn listener(&self, address: &ListenAddress) -> Option<&ListenerView> {
        self.listeners.iter().find(|listener| address.is(listener))
    }

    /// Whether a subsystem is offered at a listener by its own account.
    pub fn is_used(&self, listener: u32) -> bool {
        self.subsystems.values().any(|entry| entry.own.iter().any(|own| own.id == listener))
    }

    /// A number for a subsystem, never given before.
    pub fn number_subsystem(&mut self) -> u32 {
        self.next_subsystem += 1;
        self.next_subsystem - 1
    }

    /// A number for a listening address, never given before.
    pub fn number_listener(&mut self) -> u32 {
        self.next_listener += 1;
        self.next_listener - 1
    }

    /// The places that the view of a subsystem names.
    pub fn offered(&self, entry: &Entry) -> Vec<ListenerView> {
        let everywhere = entry.view.any_listener && !entry.view.discovery;
        if everywhere { self.listeners.clone() } else { entry.own.clone() }
    }
}

/// The well-known discovery subsystem: at every listener, for every host.
fn discovery() -> SubsystemView {
    SubsystemView {
        id: DISCOVERY_ID,
        nqn: DISCOVERY_NQN.to_owned(),
        discovery: true,
        serial: "00000000000000000000".to_owned(),
        model: "SPDK bdev Controller".to_owned(),
        allow_any_host: true,
        hosts: Vec::new(),
        listeners: Vec::new(),
        any_listener: true,
        max_namespaces: 0,
        min_cntlid: super::MIN_CNTLID,
        max_cntlid: super::MAX_CNTLID,
        cntlids: ControllerIds::new(super::MIN_CNTLID, super::MAX_CNTLID),
        namespaces: Vec::new(),
    }
}
