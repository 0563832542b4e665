//! The configuration as one value, and what the cores are told of it.

use crate::{Network, PortName};
use crate::view::{LogicalUnitView, MapView, NodeView, PortView, Rule};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The target port group of all ports: asymmetric access has no other yet.
pub const TARGET_PORT_GROUP: u16 = 1;

/// A port of ours in a portal group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// A name for people.
    pub label: String,
    /// Which port. On Fibre Channel only the port name counts; the node name is 0.
    pub port: PortName,
    /// Its relative target port identifier, from 1 on: the same in all groups, kept for the life of the process.
    pub relative: u16,
}

/// Ports of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortalGroup {
    /// The ports.
    pub portals: Vec<Portal>,
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
    /// Commands that one I_T nexus may have open on one logical unit.
    pub queue_depth: u32,
    /// LUN and [`Unit::id`](LogicalUnitView::id).
    pub luns: BTreeMap<u16, u32>,
    /// Who sees it where, in order.
    pub mappings: Vec<Mapping>,
}

/// A volume that is mapped somewhere.
pub type Unit = Arc<LogicalUnitView>;

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
    /// Relative target port identifiers of all ports that ever were in a group.
    pub relatives: Vec<(PortName, u16)>,
    /// Serial numbers that were set, by volume.
    pub serials: BTreeMap<String, String>,
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

    /// The node of that name, by number.
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.values().find(|node| node.name == name)
    }

    /// The logical unit of a volume.
    pub fn unit_of(&self, device: &str) -> Option<&Unit> {
        self.units.values().find(|unit| unit.info.name == device)
    }

    /// All ports that are named, each once.
    pub fn ports(&self) -> Vec<PortView> {
        let mut ports: Vec<PortView> = Vec::new();
        for portal in self.portal_groups.values().flat_map(|group| &group.portals) {
            if !ports.iter().any(|known| known.name.is_same_port(&portal.port)) {
                ports.push(portal.view());
            }
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
                ports: ports.map_or_else(Vec::new, |group| group.portals.iter().map(Portal::view).collect()),
                initiators: initiators.map_or_else(Vec::new, |group| group.rules.clone()),
                networks: initiators.map_or_else(Vec::new, |group| group.networks.clone()),
                luns: luns.clone(),
            }
        };
        NodeView {
            id: node.id,
            name: node.name.clone(),
            alias: node.alias.clone(),
            queue_depth: node.queue_depth,
            maps: node.mappings.iter().map(map).collect(),
        }
    }
}

impl Portal {
    fn view(&self) -> PortView {
        PortView { name: self.port, relative: self.relative, group: TARGET_PORT_GROUP }
    }
}
