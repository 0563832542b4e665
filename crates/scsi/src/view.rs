//! What a core knows of the configuration: plain copies, made by the control plane, replaced whole.

use crate::{AccessStates, Identity, IscsiName, Network, Origin, PortName, Shared};
use bdev::{Bdev, Info, Meter};
use std::net::IpAddr;
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
    /// What all cores share of it: the same in all views of one logical unit.
    pub shared: Arc<Shared>,
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
    /// The asymmetric access states of its port groups: the same in all views of one target device.
    pub access: Arc<AccessStates>,
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
    /// From where, if an initiator has an address; from nowhere if it is empty.
    pub networks: Vec<Network>,
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
#[expect(clippy::large_enum_variant, reason = "an iSCSI name stands in its place, and few of these live at once")]
pub enum Who {
    /// Everyone.
    All,
    /// A Fibre Channel port, by world wide port name.
    Wwpn(u64),
    /// All ports of a Fibre Channel node, by world wide node name.
    Wwnn(u64),
    /// All ports of an iSCSI initiator.
    Iscsi(IscsiName),
}

impl Who {
    /// Whether it means that port.
    pub fn fits(&self, name: &PortName) -> bool {
        match (self, name) {
            (Self::All, _) => true,
            (Self::Wwpn(own), PortName::Fc { wwpn, .. }) => own == wwpn,
            (Self::Wwnn(own), PortName::Fc { wwnn, .. }) => own == wwnn,
            (Self::Wwpn(own), PortName::Iscsi { name, .. }) => {
                let digits = name.as_str().strip_prefix("naa.").filter(|digits| digits.len() == 16);
                digits.is_some_and(|digits| u64::from_str_radix(digits, 16) == Ok(*own))
            }
            (Self::Iscsi(own), PortName::Iscsi { name, .. }) => own == name,
            _ => false,
        }
    }
}

impl MapView {
    /// Whether it is offered at the port of ours that a nexus came by, to who came.
    pub fn serves(&self, origin: &Origin) -> bool {
        self.ports.iter().any(|port| port.name.is_same_port(&origin.target))
            && self.admits(&origin.initiator, origin.address)
    }

    /// Whether who comes from there is let in.
    pub fn admits(&self, initiator: &PortName, address: Option<IpAddr>) -> bool {
        admits(&self.initiators, &self.networks, initiator, address)
    }
}

/// Whether rules and networks let an initiator in that comes from there.
pub(crate) fn admits(rules: &[Rule], networks: &[Network], initiator: &PortName, address: Option<IpAddr>) -> bool {
    rules.iter().find(|rule| rule.who.fits(initiator)).is_some_and(|rule| rule.allow)
        && address.is_none_or(|address| networks.iter().any(|network| network.fits(address)))
}

impl NodeView {
    /// The LUN map of a nexus: place in [`maps`](Self::maps) and the map.
    pub fn map_of(&self, origin: &Origin) -> Option<(usize, &MapView)> {
        self.maps.iter().enumerate().find(|(_, map)| map.serves(origin))
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
        MapView {
            ports: vec![PortView { name: fc(port), relative: 1, group: 1 }],
            initiators,
            networks: Vec::new(),
            luns: Vec::new(),
        }
    }

    fn origin(wwpn: u64, port: u64) -> Origin {
        Origin { initiator: fc(wwpn), target: fc(port), relative_port: 1, port_group: 1, address: None }
    }

    fn rule(allow: bool, who: Who) -> Rule {
        Rule { allow, who }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = vec![rule(false, Who::Wwpn(7)), rule(true, Who::Wwnn(8 | 1 << 63)), rule(false, Who::All)];
        let map = map(1, rules);
        let serves = |wwpn| map.serves(&origin(wwpn, 1));
        assert_eq!([7, 8, 9].map(serves), [false, true, false]);
        assert!(!map.serves(&origin(8, 2)));
    }

    #[test]
    fn the_first_map_that_serves_is_the_nexuss() {
        let maps = vec![map(1, vec![rule(true, Who::Wwpn(7))]), map(1, vec![rule(true, Who::All)]), map(2, Vec::new())];
        let node = NodeView {
            id: 1,
            name: "n".into(),
            alias: String::new(),
            access: Default::default(),
            queue_depth: 64,
            maps,
        };
        let place = |wwpn, port| node.map_of(&origin(wwpn, port)).map(|(place, _)| place);
        assert_eq!([place(7, 1), place(8, 1), place(7, 2)], [Some(0), Some(1), None]);
        assert!(node.has_port(&fc(2)) && !node.has_port(&fc(3)));
    }
}
