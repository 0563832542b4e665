//! The configuration as one value, and what the cores are told of it.

use crate::control::{Listener, Naming};
use crate::view::{LogicalUnitView, MapView, NodeView, PortView, Rule};
use crate::{AccessStates, IscsiName, Network, PortName};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// An FC port of ours in a portal group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// A name for people.
    pub label: String,
    /// Which port. On Fibre Channel only the port name counts; the node name is 0.
    pub port: PortName,
    /// Its relative target port identifier, from 1 on: the same in all groups, kept for the life of the process.
    pub relative: u16,
}

/// An IP portal of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name for people.
    pub label: String,
    /// The address as it was written.
    pub host: String,
    /// Where to listen; a wildcard is every address of the machine.
    pub address: SocketAddr,
}

/// What who logs in must prove (CHAP), in SPDK's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// Nothing.
    pub disable: bool,
    /// That it knows its secret. Neither this nor `disable`: if it wants to.
    pub require: bool,
    /// We prove ourselves too.
    pub mutual: bool,
    /// The authentication group; 0: none.
    pub group: u32,
}

/// Ports of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortalGroup {
    /// FC ports.
    pub portals: Vec<Portal>,
    /// IP portals.
    pub addresses: Vec<Address>,
    /// Relative target port identifier of the iSCSI target ports here, one of each node; 0 before the first address.
    pub relative: u16,
    /// IP portals: SendTargets tells of them only who asks here.
    pub private: bool,
    /// IP portals: they listen.
    pub listens: bool,
    /// What discovery sessions here must prove; `None`: as everywhere.
    pub auth: Option<Auth>,
    /// A remark.
    pub comment: String,
}

/// Initiators, by rules: the first that fits decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitiatorGroup {
    /// The rules in order.
    pub rules: Vec<Rule>,
    /// From where those of them that have an address may come.
    pub networks: Vec<Network>,
    /// A remark.
    pub comment: String,
}

/// Who sees a node's logical units at which ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Tag of the portal group.
    pub portal_group: u32,
    /// Tag of the initiator group.
    pub initiator_group: u32,
}

/// A target node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number, never reused.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// A name for people.
    pub alias: String,
    /// The asymmetric access states of its port groups.
    pub access: Arc<AccessStates>,
    /// Commands that one I_T nexus may have open on one logical unit.
    pub queue_depth: u32,
    /// LUN and [`Unit::id`](LogicalUnitView::id).
    pub luns: BTreeMap<u16, u32>,
    /// Who sees it where, in order.
    pub mappings: Vec<Mapping>,
    /// iSCSI: what who logs in must prove.
    pub auth: Auth,
    /// iSCSI: header digests are insisted on.
    pub header_digest: bool,
    /// iSCSI: data digests are insisted on.
    pub data_digest: bool,
}

/// A volume that is mapped somewhere.
pub type Unit = Arc<LogicalUnitView>;

/// What has a relative target port identifier.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "an iSCSI name stands in its place, and few of these live at once")]
pub(crate) enum Key {
    /// An FC port.
    Port(PortName),
    /// The iSCSI target ports of a portal group: one of each node, so the identifiers differ within a target device.
    Group(u16),
}

/// What a port keeps while the process lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub key: Key,
    /// Relative target port identifier.
    pub relative: u16,
}

/// All that is configured. A clone shares what did not change.
#[derive(Clone, Default)]
pub(crate) struct Config {
    /// By number.
    pub units: BTreeMap<u32, Unit>,
    /// By number: the order in which they were made, which is the order in which a nexus looks for its node.
    pub nodes: BTreeMap<u32, Arc<Node>>,
    /// By tag.
    pub portal_groups: BTreeMap<u32, Arc<PortalGroup>>,
    /// By tag.
    pub initiator_groups: BTreeMap<u32, Arc<InitiatorGroup>>,
    /// All ports that ever were in a group.
    pub relatives: Vec<Known>,
    /// What was set of volumes, by UUID.
    pub volumes: BTreeMap<Uuid, Naming>,
    next_unit: u32,
    next_node: u32,
}

impl Config {
    /// A number for a logical unit, never given before.
    pub fn number_unit(&mut self) -> u32 {
        self.next_unit += 1;
        self.next_unit
    }

    /// A number for a target node, never given before.
    pub fn number_node(&mut self) -> u32 {
        self.next_node += 1;
        self.next_node
    }

    /// The numbers that were given: kept also when a change is not made.
    pub fn keep_numbers(&mut self, other: &Self) {
        self.next_unit = self.next_unit.max(other.next_unit);
        self.next_node = self.next_node.max(other.next_node);
    }

    /// The node of that name; iSCSI names have no case (RFC 7143 4.2.7).
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.values().find(|node| node.name.eq_ignore_ascii_case(name))
    }

    /// The logical unit of a volume.
    pub fn unit_of(&self, device: &str) -> Option<&Unit> {
        self.units.values().find(|unit| unit.info.name == device)
    }

    /// What a port keeps.
    pub fn known(&self, key: &Key) -> Option<&Known> {
        self.relatives.iter().find(|known| known.key.is(key))
    }

    /// Where transports on IP listen.
    pub fn listeners(&self) -> Vec<Listener> {
        let groups = self.portal_groups.iter().filter(|(_, group)| group.listens);
        let all = groups.flat_map(|(tag, group)| group.addresses.iter().map(|at| (*tag, at.address)));
        all.map(|(tag, address)| Listener { group: tag as u16, address }).collect()
    }

    /// All ports that are named, each once.
    pub fn ports(&self) -> Vec<PortView> {
        let mut ports: Vec<PortView> = Vec::new();
        for (tag, group) in &self.portal_groups {
            for portal in &group.portals {
                if !ports.iter().any(|known| known.name.is_same_port(&portal.port)) {
                    ports.push(portal.view(*tag));
                }
            }
        }
        for (node, mapping) in self.nodes.values().flat_map(|node| node.mappings.iter().map(move |at| (node, at))) {
            let port = self.portal_groups.get(&mapping.portal_group).and_then(|group| iscsi_port(node, mapping, group));
            ports.extend(port.filter(|port| !ports.contains(port)));
        }
        ports
    }

    /// What the cores are told of a node.
    pub fn view(&self, node: &Node) -> NodeView {
        let luns: Vec<(u16, u32)> = node.luns.iter().map(|(lun, unit)| (*lun, *unit)).collect();
        let map = |mapping: &Mapping| {
            let ports = self.portal_groups.get(&mapping.portal_group);
            let initiators = self.initiator_groups.get(&mapping.initiator_group);
            MapView {
                ports: ports.map_or_else(Vec::new, |group| {
                    let fc = group.portals.iter().map(|portal| portal.view(mapping.portal_group));
                    fc.chain(iscsi_port(node, mapping, group)).collect()
                }),
                initiators: initiators.map_or_else(Vec::new, |group| group.rules.clone()),
                networks: initiators.map_or_else(Vec::new, |group| group.networks.clone()),
                luns: luns.clone(),
            }
        };
        NodeView {
            id: node.id,
            name: node.name.clone(),
            alias: node.alias.clone(),
            access: node.access.clone(),
            queue_depth: node.queue_depth,
            maps: node.mappings.iter().map(map).collect(),
        }
    }
}

impl Portal {
    /// A portal group is a target port group.
    fn view(&self, group: u32) -> PortView {
        PortView { name: self.port, relative: self.relative, group: u16::try_from(group).unwrap_or(u16::MAX) }
    }
}

/// The iSCSI target port that a mapping makes.
fn iscsi_port(node: &Node, mapping: &Mapping, group: &PortalGroup) -> Option<PortView> {
    let tag = mapping.portal_group as u16;
    let name = IscsiName::new(&node.name).filter(|_| !group.addresses.is_empty())?;
    Some(PortView { name: PortName::IscsiTarget { name, group: tag }, relative: group.relative, group: tag })
}

impl Key {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Port(a), Self::Port(b)) => a.is_same_port(b),
            (Self::Group(a), Self::Group(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => f.write_str(&crate::control::portals::show(port)),
            Self::Group(tag) => write!(f, "portal group {tag}"),
        }
    }
}
