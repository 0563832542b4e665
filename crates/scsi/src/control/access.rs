//! Asymmetric access (ALUA): the states of a node's target port groups, as the operator sets them.

use crate::control::publish::{ask, silence};
use crate::control::{Error, Manager, Node};
use crate::message::Message;
use crate::shared::{AccessState, Cause};

/// A target port group of a node: the ports of a portal group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortGroupState {
    /// The portal group.
    pub tag: u16,
    /// Its state.
    pub state: AccessState,
    /// Hosts are to take it first.
    pub preferred: bool,
}

impl Manager {
    /// Puts a target port group of a node into a state; hosts that see the node are told by a unit attention.
    ///
    /// # Errors
    /// No such node, or one that is not mapped to that portal group.
    pub fn set_port_group(
        &self,
        name: &str,
        tag: u16,
        state: Option<AccessState>,
        preferred: Option<bool>,
    ) -> Result<(), Error> {
        let turn = self.turn();
        let node = turn.model().config.find(name)?;
        if !node.mappings.iter().any(|mapping| mapping.portal_group == u32::from(tag)) {
            return Err(Error::NotFound(format!("target node {name} is not mapped to portal group {tag}")));
        }
        if let Some(preferred) = preferred {
            node.access.prefer(tag, preferred);
        }
        if state.is_some_and(|state| node.access.set(tag, state, Cause::Implicit)) {
            let told = ask(&turn.homes(), |ack| Message::AccessChanged { node: node.id, ack }, self.limits.answer);
            silence(&told.silent, self.limits.answer)?;
        }
        Ok(())
    }
}

impl Node {
    /// Its target port groups, by tag.
    pub fn port_groups(&self) -> Vec<PortGroupState> {
        let mut tags: Vec<u16> = self.mappings.iter().map(|mapping| mapping.portal_group as u16).collect();
        tags.sort_unstable();
        tags.dedup();
        let group = |tag| {
            let (state, preferred) = self.access.get(tag);
            PortGroupState { tag, state, preferred }
        };
        tags.into_iter().map(group).collect()
    }
}
