//! Portal groups: ports of ours, on Fibre Channel and on IP.

use crate::PortName;
use crate::control::config::{Config, Key, Known};
use crate::control::{Address, Auth, Error, Manager, Portal, PortalGroup};
use std::net::SocketAddr;
use std::sync::Arc;

/// An FC port that is to be in a portal group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPortal {
    /// A name for people.
    pub label: String,
    /// Which port.
    pub port: PortName,
    /// The relative target port identifier that it must have; `None`: the one it had, or the lowest that is free.
    pub relative: Option<u16>,
}

/// A portal group to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPortalGroup {
    /// Its number, from 1 to 65,535: also its target port group, and on IP its portal group tag.
    pub tag: u32,
    /// FC ports.
    pub portals: Vec<NewPortal>,
    /// IP portals.
    pub addresses: Vec<Address>,
    /// The relative target port identifier of its iSCSI target ports; `None`: the tag if it is free, or the lowest that is.
    pub relative: Option<u16>,
    /// See [`PortalGroup::private`].
    pub private: bool,
    /// Nothing listens until [`Manager::start_portal_group`].
    pub wait: bool,
    /// A remark.
    pub comment: String,
}

impl Manager {
    /// Makes a group of ports of ours.
    ///
    /// # Errors
    /// A tag that cannot be or that is taken, a port that stands twice, a relative identifier that another port has, or a port
    /// that is there and cannot be served.
    pub fn create_portal_group(&self, new: &NewPortalGroup) -> Result<(), Error> {
        let tag = new.tag;
        self.turn().change(|config| {
            check_tag(tag, config.portal_groups.contains_key(&tag), "portal")?;
            if u16::try_from(tag).is_err() {
                return Err(Error::Refused("tag: of a portal group, up to 65535".to_owned()));
            }
            let mut group = PortalGroup {
                private: new.private,
                listens: !new.wait,
                comment: new.comment.clone(),
                ..PortalGroup::default()
            };
            new.portals.iter().try_for_each(|portal| config.enter(tag, &mut group, portal))?;
            new.addresses
                .iter()
                .try_for_each(|address| config.enter_address(tag, &mut group, address, new.relative))?;
            config.portal_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Adds ports to a group. Hosts that are logged in there see the nodes from now on.
    ///
    /// # Errors
    /// As [`Manager::create_portal_group`].
    pub fn add_portals(&self, tag: u32, portals: &[NewPortal], addresses: &[Address]) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut group = (*config.portal_group(tag)?).clone();
            portals.iter().try_for_each(|portal| config.enter(tag, &mut group, portal))?;
            addresses.iter().try_for_each(|address| config.enter_address(tag, &mut group, address, None))?;
            config.portal_groups.insert(tag, Arc::new(group));
            config.check_node_names()
        })
    }

    /// Takes ports from a group.
    ///
    /// # Errors
    /// No such group, or a port that is not in it.
    pub fn remove_portals(&self, tag: u32, ports: &[PortName], addresses: &[SocketAddr]) -> Result<(), Error> {
        self.change_portal_group(tag, |group| {
            for port in ports {
                let at = group.portals.iter().position(|portal| portal.port.is_same_port(port));
                let at = at.ok_or_else(|| Error::NotFound(format!("{} is not in portal group {tag}", show(port))))?;
                group.portals.remove(at);
            }
            for address in addresses {
                let at = group.addresses.iter().position(|known| known.address == *address);
                let at = at.ok_or_else(|| Error::NotFound(format!("{address} is not in portal group {tag}")))?;
                group.addresses.remove(at);
            }
            Ok(())
        })
    }

    /// Lets a group that was made to wait listen.
    ///
    /// # Errors
    /// No such group, or an address that cannot be listened on.
    pub fn start_portal_group(&self, tag: u32) -> Result<(), Error> {
        self.change_portal_group(tag, |group| {
            group.listens = true;
            Ok(())
        })
    }

    /// Says what a discovery session at the group must prove; `None`: as everywhere.
    ///
    /// # Errors
    /// No such group.
    pub fn set_portal_group_auth(&self, tag: u32, auth: Option<Auth>) -> Result<(), Error> {
        self.change_portal_group(tag, |group| {
            group.auth = auth;
            Ok(())
        })
    }

    fn change_portal_group(
        &self,
        tag: u32,
        edit: impl FnOnce(&mut PortalGroup) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut group = (*config.portal_group(tag)?).clone();
            edit(&mut group)?;
            config.portal_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Deletes a group of ports.
    ///
    /// # Errors
    /// No such group, or one that a node is mapped to.
    pub fn delete_portal_group(&self, tag: u32) -> Result<(), Error> {
        self.turn().change(|config| {
            config.portal_group(tag)?;
            config.check_unused("portal", tag, |mapping| mapping.portal_group == tag)?;
            config.portal_groups.remove(&tag);
            Ok(())
        })
    }
}

impl Config {
    pub(super) fn portal_group(&self, tag: u32) -> Result<Arc<PortalGroup>, Error> {
        let group = self.portal_groups.get(&tag).cloned();
        group.ok_or_else(|| Error::NotFound(format!("there is no portal group {tag}")))
    }

    fn enter(&mut self, tag: u32, group: &mut PortalGroup, new: &NewPortal) -> Result<(), Error> {
        if group.portals.iter().any(|known| known.port.is_same_port(&new.port)) {
            return Err(Error::Exists(format!("{} is in portal group {tag} already", show(&new.port))));
        }
        let key = Key::Port(new.port);
        let relative = self.relative(key, new.relative, None)?;
        group.portals.push(Portal { label: new.label.clone(), port: new.port, relative });
        Ok(())
    }

    fn enter_address(
        &mut self,
        tag: u32,
        group: &mut PortalGroup,
        new: &Address,
        relative: Option<u16>,
    ) -> Result<(), Error> {
        let mut all = self.portal_groups.values().flat_map(|group| &group.addresses).chain(&group.addresses);
        if all.any(|known| known.address == new.address) {
            return Err(Error::Exists(format!("{} is in a portal group already", new.address)));
        }
        let own = tag as u16;
        group.relative = self.relative(Key::Group(own), relative, Some(own))?;
        group.addresses.push(new.clone());
        Ok(())
    }

    /// The relative target port identifier of a port: hosts keep it, so it does not change while the process lives.
    fn relative(&mut self, key: Key, wanted: Option<u16>, liked: Option<u16>) -> Result<u16, Error> {
        let known = self.known(&key).map(|known| known.relative);
        let taken = |relative: &u16| self.relatives.iter().any(|other| other.relative == *relative);
        match (known, wanted) {
            (Some(known), None) => return Ok(known),
            (Some(known), Some(wanted)) if known == wanted => return Ok(known),
            (Some(known), Some(_)) => {
                return Err(Error::Refused(format!("relative_port: {key} is {known} already")));
            }
            (None, Some(0)) => return Err(Error::Refused("relative_port: from 1 on".to_owned())),
            (None, Some(wanted)) if taken(&wanted) => {
                return Err(Error::Exists(format!("relative_port: {wanted} is another port")));
            }
            (None, _) => {}
        }
        let free = wanted.or(liked.filter(|liked| !taken(liked)));
        let free = free.or_else(|| (1..=u16::MAX).find(|relative| !taken(relative)));
        let relative = free.ok_or_else(|| Error::Refused("all 65,535 relative port identifiers are in use".into()))?;
        self.relatives.push(Known { key, relative });
        Ok(relative)
    }
}

pub(super) fn check_tag(tag: u32, taken: bool, kind: &str) -> Result<(), Error> {
    match (tag, taken) {
        (0, _) => Err(Error::Refused("tag: from 1 on".to_owned())),
        (_, true) => Err(Error::Exists(format!("there is {kind} group {tag} already"))),
        _ => Ok(()),
    }
}

/// A port for people.
pub(super) fn show(port: &PortName) -> String {
    match port {
        PortName::Fc { wwpn, .. } => format!("FC port 0x{wwpn:016x}"),
        other => other.to_string(),
    }
}
