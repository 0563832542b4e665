//! What an iSCSI login asks: may this initiator come to that node here, and where else are nodes for it.
//!
//! Answered from the model under its lock, which is held for the moment of the search.

use crate::control::config::Config;
use crate::control::{InitiatorGroup, Manager, Node, PortalGroup};
use crate::view::admits;
use crate::{IscsiName, PortName};
use std::net::IpAddr;
use std::sync::Arc;

/// Who comes, from where.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// The initiator.
    pub initiator: IscsiName,
    /// Its address.
    pub address: IpAddr,
}

/// What a visitor meets.
#[derive(Clone, Debug)]
pub enum Meeting {
    /// No such node, or none at this portal group.
    Nobody,
    /// The node is here, and no initiator group lets the visitor in.
    Stranger,
    /// The node lets the visitor in.
    Welcome(Arc<Node>),
}

/// Portal groups by tag.
pub type Groups = Vec<(u16, Arc<PortalGroup>)>;

impl Manager {
    /// What a visitor at a portal group meets who names a node.
    pub fn meet(&self, node: &str, group: u16, visitor: &Visitor) -> Meeting {
        let model = self.model();
        let here = |node: &&Arc<Node>| node.mappings.iter().any(|mapping| mapping.portal_group == u32::from(group));
        match model.config.node(node).filter(here) {
            None => Meeting::Nobody,
            Some(node) if model.config.welcomes(node, u32::from(group), visitor) => Meeting::Welcome(node.clone()),
            Some(_) => Meeting::Stranger,
        }
    }

    /// The nodes that let a visitor in at some portal group with IP portals, with these groups by tag. Private groups other
    /// than `own`, where the visitor is, are left out.
    pub fn nodes_for(&self, own: u16, visitor: &Visitor) -> Vec<(Arc<Node>, Groups)> {
        let model = self.model();
        let config = &model.config;
        let open = |tag: u16, group: &PortalGroup| group.listens && (!group.private || tag == own);
        let places = |node: &Arc<Node>| {
            let mut tags: Vec<u32> = node.mappings.iter().map(|mapping| mapping.portal_group).collect();
            tags.sort_unstable();
            tags.dedup();
            let found = tags.into_iter().filter(|tag| config.welcomes(node, *tag, visitor)).filter_map(|tag| {
                let group = config.portal_groups.get(&tag)?;
                (!group.addresses.is_empty() && open(tag as u16, group)).then(|| (tag as u16, group.clone()))
            });
            (node.clone(), found.collect::<Vec<_>>())
        };
        config.nodes.values().map(places).filter(|(_, groups)| !groups.is_empty()).collect()
    }

    /// A portal group.
    pub fn portal_group(&self, tag: u32) -> Option<Arc<PortalGroup>> {
        self.model().config.portal_groups.get(&tag).cloned()
    }
}

impl Config {
    fn welcomes(&self, node: &Node, tag: u32, visitor: &Visitor) -> bool {
        let maps = node.mappings.iter().filter(|mapping| mapping.portal_group == tag);
        maps.filter_map(|mapping| self.initiator_groups.get(&mapping.initiator_group))
            .any(|group| group.lets_in(visitor))
    }
}

impl InitiatorGroup {
    fn lets_in(&self, visitor: &Visitor) -> bool {
        let port = PortName::Iscsi { name: visitor.initiator, isid: [0; 6] };
        admits(&self.rules, &self.networks, &port, Some(visitor.address))
    }
}
