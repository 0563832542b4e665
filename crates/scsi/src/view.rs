//! What a core knows of the configuration: plain copies, made by the control plane, replaced whole.

use crate::{Identity, PortName};
use bdev::{Bdev, Info, Meter};
use std::sync::Arc;

/// Logical units of a LUN map: 0 to 16,383, the range of flat space addressing (SAM-5 4.7.7.4).
pub const MOST_LUNS: u16 = 16_384;

/// A logical unit: one for each volume that is mapped anywhere, shared by all nodes and maps.
#[derive(Clone)]
pub struct LogicalUnitView {
    /// Its number, never reused.
    pub id: u32,
    /// The volume behind it.
    pub device: Arc<dyn Bdev>,
    /// What the volume said when this copy was made.
    pub info: Info,
    /// What the cores count of it.
    pub meters: Arc<[Meter]>,
    /// Under which names hosts know it.
    pub identity: Identity,
}

/// A SCSI target device (SAM-5 4.5.5): what istgt and SCST call a target node. A new copy replaces the old one whole; `id`
/// says which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its number, never reused.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// A name for people.
    pub alias: String,
    /// Commands that one I_T nexus may have open on one logical unit; more get TASK SET FULL.
    pub queue_depth: u32,
    /// Who sees what at which ports. The first that has the port and lets the initiator in is the nexus's.
    pub maps: Vec<MapView>,
}

/// A LUN map (SPC-4 would say: the logical unit inventory of an I_T nexus).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapView {
    /// Our ports at which it is offered.
    pub ports: Vec<PortView>,
    /// Who may use it: the first rule that fits decides; where none fits, nobody may.
    pub initiators: Vec<Rule>,
    /// Logical units: LUN (below [`MOST_LUNS`]) and [`LogicalUnitView::id`], by rising LUN.
    pub luns: Vec<(u16, u32)>,
}

/// One of our ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortView {
    /// Its name.
    pub name: PortName,
    /// Relative target port identifier, from 1 on.
    pub relative: u16,
    /// Target port group.
    pub group: u16,
}

/// One line of a list of initiators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Let in, or keep out.
    pub allow: bool,
    /// Whom.
    pub who: Who,
}

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everyone.
    All,
    /// A Fibre Channel port, by world wide port name.
    Wwpn(u64),
    /// All ports of a Fibre Channel node, by world wide node name.
    Wwnn(u64),
}

impl Who {
    /// Whether it means that port.
    pub fn fits(&self, name: &PortName) -> bool {
        match (self, name) {
            (Self::All, _) => true,
            (Self::Wwpn(own), PortName::Fc { wwpn, .. }) => own == wwpn,
            (Self::Wwnn(own), PortName::Fc { wwnn, .. }) => own == wwnn,
        }
    }
}

impl MapView {
    /// Whether it is offered at our port `target` to `initiator`.
    pub fn serves(&self, initiator: &PortName, target: &PortName) -> bool {
        self.ports.iter().any(|port| port.name.is_same_port(target))
            && self.initiators.iter().find(|rule| rule.who.fits(initiator)).is_some_and(|rule| rule.allow)
    }
}

impl NodeView {
    /// The LUN map of a nexus: place in [`maps`](Self::maps) and the map.
    pub fn map_of(&self, initiator: &PortName, target: &PortName) -> Option<(usize, &MapView)> {
        self.maps.iter().enumerate().find(|(_, map)| map.serves(initiator, target))
    }

    /// Whether one of its maps is offered at that port of ours.
    pub fn has_port(&self, target: &PortName) -> bool {
        self.maps.iter().flat_map(|map| &map.ports).any(|port| port.name.is_same_port(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fc(wwpn: u64) -> PortName {
        PortName::Fc { wwnn: wwpn | 1 << 63, wwpn }
    }

    fn map(port: u64, initiators: Vec<Rule>) -> MapView {
        MapView { ports: vec![PortView { name: fc(port), relative: 1, group: 1 }], initiators, luns: Vec::new() }
    }

    fn rule(allow: bool, who: Who) -> Rule {
        Rule { allow, who }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = vec![rule(false, Who::Wwpn(7)), rule(true, Who::Wwnn(8 | 1 << 63)), rule(false, Who::All)];
        let map = map(1, rules);
        let serves = |wwpn| map.serves(&fc(wwpn), &fc(1));
        assert_eq!([7, 8, 9].map(serves), [false, true, false]);
        assert!(!map.serves(&fc(8), &fc(2)));
    }

    #[test]
    fn the_first_map_that_serves_is_the_nexuss() {
        let maps = vec![map(1, vec![rule(true, Who::Wwpn(7))]), map(1, vec![rule(true, Who::All)]), map(2, Vec::new())];
        let node = NodeView { id: 1, name: "n".into(), alias: String::new(), queue_depth: 64, maps };
        let place = |wwpn, port| node.map_of(&fc(wwpn), &fc(port)).map(|(place, _)| place);
        assert_eq!([place(7, 1), place(8, 1), place(7, 2)], [Some(0), Some(1), None]);
        assert!(node.has_port(&fc(2)) && !node.has_port(&fc(3)));
    }
}
