//! Portal groups and initiator groups.

use crate::{IscsiName, Network, PortName};
use crate::control::config::Config;
use crate::control::{Error, InitiatorGroup, Manager, Portal, PortalGroup};
use crate::view::{Rule, Who};
use std::sync::Arc;

/// A port that is to be in a portal group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPortal {
    /// A name for people.
    pub label: String,
    /// Which port.
    pub port: PortName,
    /// The relative target port identifier that it must have; `None`: the one it had, or the lowest that is free.
    pub relative: Option<u16>,
}

/// `ALL` or `ANY`, a world wide port name, a node name after `nn-`, an iSCSI name; each also after `!`, which keeps out.
/// `naa.` and 16 digits is a port name, and the iSCSI initiator that is called so.
///
/// # Errors
/// What is wrong with it.
pub fn parse_rule(text: &str) -> Result<Rule, String> {
    let (allow, name) = text.strip_prefix('!').map_or((true, text), |name| (false, name));
    if ["ALL", "ANY"].iter().any(|word| word.eq_ignore_ascii_case(name)) {
        return Ok(Rule { allow, who: Who::All });
    }
    let lower = name.to_ascii_lowercase();
    let who = match lower.strip_prefix("nn-") {
        Some(node) => wwn(node).map(Who::Wwnn),
        None => wwn(lower.strip_prefix("pn-").unwrap_or(&lower)).map(Who::Wwpn).or_else(|| iscsi(name)),
    };
    let refuse =
        || format!("'{text}' is not ALL, an iSCSI name, a WWPN of 16 hexadecimal digits, nn- and a WWNN, or one of these after '!'");
    Ok(Rule { allow, who: who.ok_or_else(refuse)? })
}

/// The rule as [`parse_rule`] reads it.
pub fn show_rule(rule: &Rule) -> String {
    let not = if rule.allow { "" } else { "!" };
    match rule.who {
        Who::All => format!("{not}ALL"),
        Who::Wwpn(name) => format!("{not}0x{name:016x}"),
        Who::Wwnn(name) => format!("{not}nn-0x{name:016x}"),
        Who::Iscsi(name) => format!("{not}{name}"),
    }
}

/// A name of the kinds that the standard has (RFC 7143 4.2.7).
fn iscsi(text: &str) -> Option<Who> {
    let name = IscsiName::new(text)?;
    ["iqn.", "eui.", "naa."].iter().any(|kind| name.as_str().strip_prefix(kind).is_some_and(|rest| !rest.is_empty())).then_some(Who::Iscsi(name))
}

/// 16 hexadecimal digits: plain, after `0x` or `naa.`, or in pairs with colons. Zero is no name.
fn wwn(text: &str) -> Option<u64> {
    let text = text.strip_prefix("naa.").unwrap_or(text);
    let text = text.strip_prefix("0x").unwrap_or(text);
    let pairs = text.len() == 23 && text.split(':').count() == 8 && text.split(':').all(|pair| pair.len() == 2);
    let digits = if pairs { text.replace(':', "") } else { text.to_owned() };
    let hex = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u64::from_str_radix(&digits, 16).ok()).flatten().filter(|name| *name != 0)
}

impl Manager {
    /// Makes a group of ports of ours.
    ///
    /// # Errors
    /// A tag of 0 or one that is taken, a port that stands twice, a relative identifier that another port has, or a port that
    /// is there and cannot be served.
    pub fn create_portal_group(&self, tag: u32, portals: &[NewPortal], comment: &str) -> Result<(), Error> {
        self.turn().change(|config| {
            check_tag(tag, config.portal_groups.contains_key(&tag), "portal")?;
            let mut group = PortalGroup { portals: Vec::new(), comment: comment.to_owned() };
            portals.iter().try_for_each(|portal| config.enter(tag, &mut group, portal))?;
            config.portal_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Adds ports to a group. Hosts that are logged in there see the nodes from now on.
    ///
    /// # Errors
    /// As [`Manager::create_portal_group`].
    pub fn add_portals(&self, tag: u32, portals: &[NewPortal]) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut group = (*config.portal_group(tag)?).clone();
            portals.iter().try_for_each(|portal| config.enter(tag, &mut group, portal))?;
            config.portal_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Takes ports from a group.
    ///
    /// # Errors
    /// No such group, or a port that is not in it.
    pub fn remove_portals(&self, tag: u32, ports: &[PortName]) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut group = (*config.portal_group(tag)?).clone();
            for port in ports {
                let at = group.portals.iter().position(|portal| portal.port.is_same_port(port));
                let at = at.ok_or_else(|| Error::NotFound(format!("{} is not in portal group {tag}", show(port))))?;
                group.portals.remove(at);
            }
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

    /// Makes a group of initiators.
    ///
    /// # Errors
    /// A tag of 0 or one that is taken, or no rules.
    pub fn create_initiator_group(&self, tag: u32, rules: &[Rule], comment: &str) -> Result<(), Error> {
        self.turn().change(|config| {
            check_tag(tag, config.initiator_groups.contains_key(&tag), "initiator")?;
            let mut group = InitiatorGroup { rules: Vec::new(), networks: vec![Network::Any], comment: comment.to_owned() };
            rules.iter().try_for_each(|rule| enter_rule(tag, &mut group, rule, None))?;
            config.initiator_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Adds rules, before the one at place `before` (from 0 on) or at the end.
    ///
    /// # Errors
    /// No such group or place, or a rule that is there.
    pub fn add_initiators(&self, tag: u32, rules: &[Rule], before: Option<usize>) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut group = (*config.initiator_group(tag)?).clone();
            if before.is_some_and(|place| place > group.rules.len()) {
                return Err(Error::Refused(format!("position: initiator group {tag} has {} lines", group.rules.len())));
            }
            for (n, rule) in rules.iter().enumerate() {
                enter_rule(tag, &mut group, rule, before.map(|place| place + n))?;
            }
            config.initiator_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Takes rules away.
    ///
    /// # Errors
    /// No such group, or a rule that is not in it.
    pub fn remove_initiators(&self, tag: u32, rules: &[Rule]) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut group = (*config.initiator_group(tag)?).clone();
            for rule in rules {
                let at = group.rules.iter().position(|known| known == rule);
                let missing = || Error::NotFound(format!("{} is not in initiator group {tag}", show_rule(rule)));
                group.rules.remove(at.ok_or_else(missing)?);
            }
            config.initiator_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Deletes a group of initiators.
    ///
    /// # Errors
    /// No such group, or one that a node is mapped to.
    pub fn delete_initiator_group(&self, tag: u32) -> Result<(), Error> {
        self.turn().change(|config| {
            config.initiator_group(tag)?;
            config.check_unused("initiator", tag, |mapping| mapping.initiator_group == tag)?;
            config.initiator_groups.remove(&tag);
            Ok(())
        })
    }
}

impl Config {
    pub(super) fn portal_group(&self, tag: u32) -> Result<Arc<PortalGroup>, Error> {
        let group = self.portal_groups.get(&tag).cloned();
        group.ok_or_else(|| Error::NotFound(format!("there is no portal group {tag}")))
    }

    pub(super) fn initiator_group(&self, tag: u32) -> Result<Arc<InitiatorGroup>, Error> {
        let group = self.initiator_groups.get(&tag).cloned();
        group.ok_or_else(|| Error::NotFound(format!("there is no initiator group {tag}")))
    }

    fn check_unused(&self, kind: &str, tag: u32, uses: impl Fn(&super::Mapping) -> bool) -> Result<(), Error> {
        match self.nodes.values().find(|node| node.mappings.iter().any(&uses)) {
            Some(node) => Err(Error::Refused(format!("{kind} group {tag} is used by target node {}", node.name))),
            None => Ok(()),
        }
    }

    fn enter(&mut self, tag: u32, group: &mut PortalGroup, new: &NewPortal) -> Result<(), Error> {
        if group.portals.iter().any(|known| known.port.is_same_port(&new.port)) {
            return Err(Error::Exists(format!("{} is in portal group {tag} already", show(&new.port))));
        }
        let relative = self.relative(&new.port, new.relative)?;
        group.portals.push(Portal { label: new.label.clone(), port: new.port, relative });
        Ok(())
    }

    /// The relative target port identifier of a port: hosts keep it, so it does not change while the process lives.
    fn relative(&mut self, port: &PortName, wanted: Option<u16>) -> Result<u16, Error> {
        let known = self.relatives.iter().find(|(name, _)| name.is_same_port(port)).map(|(_, relative)| *relative);
        let taken = |relative: u16| self.relatives.iter().any(|(_, other)| *other == relative);
        match (known, wanted) {
            (Some(known), None) => return Ok(known),
            (Some(known), Some(wanted)) if known == wanted => return Ok(known),
            (Some(known), Some(_)) => {
                return Err(Error::Refused(format!("relative_port: {} is {known} already", show(port))));
            }
            (None, Some(0)) => return Err(Error::Refused("relative_port: from 1 on".to_owned())),
            (None, Some(wanted)) if taken(wanted) => {
                return Err(Error::Exists(format!("relative_port: {wanted} is another port")));
            }
            (None, _) => {}
        }
        let free = wanted.or_else(|| (1..=u16::MAX).find(|relative| !taken(*relative)));
        let relative = free.ok_or_else(|| Error::Refused("all 65,535 relative port identifiers are in use".into()))?;
        self.relatives.push((*port, relative));
        Ok(relative)
    }
}

fn check_tag(tag: u32, taken: bool, kind: &str) -> Result<(), Error> {
    match (tag, taken) {
        (0, _) => Err(Error::Refused("tag: from 1 on".to_owned())),
        (_, true) => Err(Error::Exists(format!("there is {kind} group {tag} already"))),
        _ => Ok(()),
    }
}

fn enter_rule(tag: u32, group: &mut InitiatorGroup, rule: &Rule, place: Option<usize>) -> Result<(), Error> {
    if group.rules.contains(rule) {
        return Err(Error::Exists(format!("{} is in initiator group {tag} already", show_rule(rule))));
    }
    group.rules.insert(place.unwrap_or(group.rules.len()), rule.clone());
    Ok(())
}

fn show(port: &PortName) -> String {
    match port {
        PortName::Fc { wwpn, .. } => format!("FC port 0x{wwpn:016x}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_their_text() {
        for text in ["ALL", "!ALL", "0x21000024ff5ba06a", "!0x21000024ff5ba06a", "nn-0x20000024ff5ba06a", "!iqn.2016-06.io.x:y"] {
            assert_eq!(show_rule(&parse_rule(text).unwrap()), text);
        }
        let name = 0x2100_0024_ff5b_a06a;
        for text in ["21000024ff5ba06a", "21:00:00:24:FF:5b:a0:6a", "naa.21000024ff5ba06a", "pn-0x21000024ff5ba06a"] {
            assert_eq!(parse_rule(text).unwrap(), Rule { allow: true, who: Who::Wwpn(name) }, "{text}");
        }
        for text in
            ["", "!", "2100", "0000000000000000", "+1000024ff5ba06a", "iqn.", "iqn.a b", "21:00:00:24:ff:5b:a06a0"]
        {
            assert!(parse_rule(text).is_err(), "{text}");
        }
    }
}
