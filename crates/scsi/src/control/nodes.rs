//! Target nodes: their LUNs and who sees them.

use crate::IscsiName;
use crate::control::config::Config;
use crate::control::names::{check_alias, check_name};
use crate::control::{Auth, Error, Manager, Mapping, Node};
use crate::view::MOST_LUNS;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Commands of a nexus on a logical unit, unless configured.
pub const DEFAULT_QUEUE_DEPTH: u32 = 64;
/// The largest queue depth that a node may have.
const MOST_QUEUE_DEPTH: u32 = 65_535;

/// A target node to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNode {
    /// Its name.
    pub name: String,
    /// A name for people.
    pub alias: String,
    /// See [`Node::queue_depth`].
    pub queue_depth: u32,
    /// LUN and volume, by name or UUID.
    pub luns: Vec<(u16, String)>,
    /// Who sees it where.
    pub mappings: Vec<Mapping>,
    /// See [`Node::auth`].
    pub auth: Auth,
    /// See [`Node::header_digest`].
    pub header_digest: bool,
    /// See [`Node::data_digest`].
    pub data_digest: bool,
}

impl NewNode {
    /// One without LUNs, that nobody sees.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            alias: String::new(),
            queue_depth: DEFAULT_QUEUE_DEPTH,
            luns: Vec::new(),
            mappings: Vec::new(),
            auth: Auth::default(),
            header_digest: false,
            data_digest: false,
        }
    }
}

impl Manager {
    /// Makes a target node.
    ///
    /// # Errors
    /// Anything in it that cannot be, a name that is taken, a volume that is not there or that someone else has, or a core
    /// that cannot open it.
    pub fn create_node(&self, new: &NewNode) -> Result<(), Error> {
        check_name(&new.name)?;
        check_alias(&new.alias)?;
        check_depth(new.queue_depth)?;
        self.map_volumes(&new.name, &new.luns, |config, luns| {
            if config.node(&new.name).is_some() {
                return Err(Error::Exists(format!("there is a target node '{}' already", new.name)));
            }
            let mut mappings = Vec::new();
            new.mappings.iter().try_for_each(|mapping| config.enter_mapping(&new.name, &mut mappings, mapping))?;
            let node = Node {
                id: config.number_node(),
                name: new.name.clone(),
                alias: new.alias.clone(),
                access: Arc::default(),
                queue_depth: new.queue_depth,
                luns: BTreeMap::new(),
                mappings,
                auth: new.auth,
                header_digest: new.header_digest,
                data_digest: new.data_digest,
            };
            enter_luns(config, node, luns)
        })
    }

    /// Deletes a target node: hosts lose its logical units.
    ///
    /// # Errors
    /// No such node.
    pub fn delete_node(&self, name: &str) -> Result<(), Error> {
        self.unmap_volumes(|config| {
            let id = config.find(name)?.id;
            config.nodes.remove(&id);
            Ok(())
        })
    }

    /// Changes how many commands a nexus may have open on a logical unit.
    ///
    /// # Errors
    /// No such node, or a depth that cannot be.
    pub fn set_queue_depth(&self, name: &str, depth: u32) -> Result<(), Error> {
        check_depth(depth)?;
        self.turn().change(|config| {
            let node = config.find(name)?;
            config.put(Node { queue_depth: depth, ..(*node).clone() });
            Ok(())
        })
    }

    /// Says what who logs in to a node must prove.
    ///
    /// # Errors
    /// No such node.
    pub fn set_auth(&self, name: &str, auth: Auth) -> Result<(), Error> {
        self.turn().change(|config| {
            let node = config.find(name)?;
            config.put(Node { auth, ..(*node).clone() });
            Ok(())
        })
    }

    /// Adds a volume, at the lowest free LUN unless one is given; returns the LUN.
    ///
    /// # Errors
    /// No such node or volume, a LUN that is taken or cannot be, a volume that someone else has, or a core that cannot open it.
    pub fn add_lun(&self, name: &str, lun: Option<u16>, device: &str) -> Result<u16, Error> {
        let free = |node: &Node| (0..MOST_LUNS).find(|lun| !node.luns.contains_key(lun));
        let lun = match lun {
            Some(lun) => lun,
            None => {
                let node = self.model().config.find(name)?;
                free(&node).ok_or_else(|| Error::Refused(format!("all {MOST_LUNS} LUNs are in use")))?
            }
        };
        self.map_volumes(name, &[(lun, device.to_owned())], |config, luns| {
            let node = (*config.find(name)?).clone();
            enter_luns(config, node, luns)
        })?;
        Ok(lun)
    }

    /// Removes a LUN, and waits until all cores have closed its volume if no other leads to it.
    ///
    /// # Errors
    /// No such node or LUN.
    pub fn remove_lun(&self, name: &str, lun: u16) -> Result<(), Error> {
        self.unmap_volumes(|config| {
            let mut node = (*config.find(name)?).clone();
            let gone = node.luns.remove(&lun);
            gone.ok_or_else(|| Error::NotFound(format!("target node {name} has no LUN {lun}")))?;
            config.put(node);
            Ok(())
        })
    }

    /// Lets initiators see a node at ports.
    ///
    /// # Errors
    /// No such node or group, or a mapping that is there.
    pub fn add_mappings(&self, name: &str, mappings: &[Mapping]) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut node = (*config.find(name)?).clone();
            mappings.iter().try_for_each(|mapping| config.enter_mapping(name, &mut node.mappings, mapping))?;
            config.put(node);
            Ok(())
        })
    }

    /// Lets initiators see a node at ports no more.
    ///
    /// # Errors
    /// No such node or mapping.
    pub fn remove_mappings(&self, name: &str, mappings: &[Mapping]) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut node = (*config.find(name)?).clone();
            for mapping in mappings {
                let at = node.mappings.iter().position(|known| known == mapping);
                let missing = || Error::NotFound(format!("target node {name} is not mapped so"));
                node.mappings.remove(at.ok_or_else(missing)?);
            }
            config.put(node);
            Ok(())
        })
    }
}

impl Config {
    pub(super) fn find(&self, name: &str) -> Result<Arc<Node>, Error> {
        self.node(name).cloned().ok_or_else(|| Error::NotFound(format!("there is no target node '{name}'")))
    }

    pub(super) fn put(&mut self, node: Node) {
        self.nodes.insert(node.id, Arc::new(node));
    }

    /// Nodes at IP portals have iSCSI names.
    pub(super) fn check_node_names(&self) -> Result<(), Error> {
        let maps = self.nodes.values().flat_map(|node| node.mappings.iter().map(move |mapping| (node, mapping)));
        maps.into_iter().try_for_each(|(node, mapping)| self.check_node_name(&node.name, mapping))
    }

    fn check_node_name(&self, name: &str, mapping: &Mapping) -> Result<(), Error> {
        let group = self.portal_group(mapping.portal_group)?;
        if group.addresses.is_empty() || IscsiName::new(name).is_some_and(|name| name.is_typed()) {
            return Ok(());
        }
        let text = format!("target node {name}: at IP portals its name must be an iSCSI name (iqn., eui. or naa.)");
        Err(Error::Refused(text))
    }

    fn enter_mapping(&self, name: &str, known: &mut Vec<Mapping>, mapping: &Mapping) -> Result<(), Error> {
        self.check_node_name(name, mapping)?;
        self.initiator_group(mapping.initiator_group)?;
        let (portals, initiators) = (mapping.portal_group, mapping.initiator_group);
        if known.contains(mapping) {
            let text =
                format!("target node {name} is mapped to portal group {portals} and initiator group {initiators}");
            return Err(Error::Exists(text));
        }
        let on_fc = !self.portal_group(mapping.portal_group)?.portals.is_empty();
        let other = self.nodes.values().find(|node| node.name != name && node.mappings.contains(mapping));
        if let Some(other) = other.filter(|_| on_fc) {
            // On Fibre Channel an initiator names no node: the first node that has the port and lets the initiator in is the nexus's.
            log::warn!(
                target: "scsi",
                "target node {name} is not seen by initiator group {initiators} at portal group {portals}: {} is",
                other.name
            );
        }
        known.push(*mapping);
        Ok(())
    }
}

fn enter_luns(config: &mut Config, mut node: Node, luns: &[(u16, u32)]) -> Result<(), Error> {
    for (lun, unit) in luns {
        if *lun >= MOST_LUNS {
            return Err(Error::Refused(format!("lun_id: {lun} is not below {MOST_LUNS}")));
        }
        if node.luns.insert(*lun, *unit).is_some() {
            return Err(Error::Exists(format!("target node {} has a LUN {lun}", node.name)));
        }
        if let Some((other, _)) = node.luns.iter().find(|(other, id)| *id == unit && *other != lun) {
            let text = format!("target node {}: LUN {other} and LUN {lun} are the same volume", node.name);
            return Err(Error::Refused(text));
        }
    }
    config.put(node);
    Ok(())
}

fn check_depth(depth: u32) -> Result<(), Error> {
    if (1..=MOST_QUEUE_DEPTH).contains(&depth) {
        return Ok(());
    }
    Err(Error::Refused(format!("queue_depth: {depth} is not from 1 to {MOST_QUEUE_DEPTH}")))
}
