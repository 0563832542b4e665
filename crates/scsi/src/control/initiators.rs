//! Initiator groups: who may come, and from where.

use crate::control::config::Config;
use crate::control::portals::check_tag;
use crate::control::{Error, InitiatorGroup, Manager};
use crate::view::{Rule, Who};
use crate::{IscsiName, Network};
use std::sync::Arc;

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
    let refuse = || {
        format!(
            "'{text}' is not ALL, an iSCSI name, a WWPN of 16 hexadecimal digits, nn- and a WWNN, or one of these after '!'"
        )
    };
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
    let name = IscsiName::new(text).filter(IscsiName::is_typed)?;
    Some(Who::Iscsi(name))
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
    /// Makes a group of initiators. On Fibre Channel, which has no addresses, networks do not matter.
    ///
    /// # Errors
    /// A tag of 0 or one that is taken, or a line that stands twice.
    pub fn create_initiator_group(
        &self,
        tag: u32,
        rules: &[Rule],
        networks: &[Network],
        comment: &str,
    ) -> Result<(), Error> {
        self.turn().change(|config| {
            check_tag(tag, config.initiator_groups.contains_key(&tag), "initiator")?;
            let mut group = InitiatorGroup { comment: comment.to_owned(), ..InitiatorGroup::default() };
            rules.iter().try_for_each(|rule| enter_rule(tag, &mut group, rule, None))?;
            networks.iter().try_for_each(|network| enter_network(tag, &mut group, network))?;
            config.initiator_groups.insert(tag, Arc::new(group));
            Ok(())
        })
    }

    /// Adds rules, before the one at place `before` (from 0 on) or at the end, and networks.
    ///
    /// # Errors
    /// No such group or place, or a line that is there.
    pub fn add_initiators(
        &self,
        tag: u32,
        rules: &[Rule],
        networks: &[Network],
        before: Option<usize>,
    ) -> Result<(), Error> {
        self.change_initiator_group(tag, |group| {
            if before.is_some_and(|place| place > group.rules.len()) {
                return Err(Error::Refused(format!("position: initiator group {tag} has {} lines", group.rules.len())));
            }
            for (n, rule) in rules.iter().enumerate() {
                enter_rule(tag, group, rule, before.map(|place| place + n))?;
            }
            networks.iter().try_for_each(|network| enter_network(tag, group, network))
        })
    }

    /// Takes rules and networks away.
    ///
    /// # Errors
    /// No such group, or a line that is not in it.
    pub fn remove_initiators(&self, tag: u32, rules: &[Rule], networks: &[Network]) -> Result<(), Error> {
        self.change_initiator_group(tag, |group| {
            for rule in rules {
                let at = group.rules.iter().position(|known| known == rule);
                let missing = || Error::NotFound(format!("{} is not in initiator group {tag}", show_rule(rule)));
                group.rules.remove(at.ok_or_else(missing)?);
            }
            for network in networks {
                let at = group.networks.iter().position(|known| known == network);
                let missing = || Error::NotFound(format!("{network} is not in initiator group {tag}"));
                group.networks.remove(at.ok_or_else(missing)?);
            }
            Ok(())
        })
    }

    fn change_initiator_group(
        &self,
        tag: u32,
        edit: impl FnOnce(&mut InitiatorGroup) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.turn().change(|config| {
            let mut group = (*config.initiator_group(tag)?).clone();
            edit(&mut group)?;
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
    pub(super) fn initiator_group(&self, tag: u32) -> Result<Arc<InitiatorGroup>, Error> {
        let group = self.initiator_groups.get(&tag).cloned();
        group.ok_or_else(|| Error::NotFound(format!("there is no initiator group {tag}")))
    }

    pub(super) fn check_unused(
        &self,
        kind: &str,
        tag: u32,
        uses: impl Fn(&super::Mapping) -> bool,
    ) -> Result<(), Error> {
        match self.nodes.values().find(|node| node.mappings.iter().any(&uses)) {
            Some(node) => Err(Error::Refused(format!("{kind} group {tag} is used by target node {}", node.name))),
            None => Ok(()),
        }
    }
}

fn enter_rule(tag: u32, group: &mut InitiatorGroup, rule: &Rule, place: Option<usize>) -> Result<(), Error> {
    if group.rules.contains(rule) {
        return Err(Error::Exists(format!("{} is in initiator group {tag} already", show_rule(rule))));
    }
    group.rules.insert(place.unwrap_or(group.rules.len()), rule.clone());
    Ok(())
}

fn enter_network(tag: u32, group: &mut InitiatorGroup, network: &Network) -> Result<(), Error> {
    if group.networks.contains(network) {
        return Err(Error::Exists(format!("{network} is in initiator group {tag} already")));
    }
    group.networks.push(*network);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_survive_their_text() {
        for text in
            ["ALL", "!ALL", "0x21000024ff5ba06a", "!0x21000024ff5ba06a", "nn-0x20000024ff5ba06a", "!iqn.2016-06.io.x:y"]
        {
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
