//! Aliases, zones and zone sets, as the administrator defined them, and what they come to.

use crate::limits::NAMES;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use wire::fc::Wwn;

/// Who may talk with whom while no zone set is active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultZone {
    /// All with all.
    #[default]
    Open,
    /// Nobody with anybody.
    Deny,
}

/// Which zones are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Active {
    /// None: the default zone.
    #[default]
    None,
    /// All that are defined.
    All,
    /// Those of a zone set.
    Set(String),
}

/// A member of a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// A port name.
    Name(Wwn),
    /// An alias.
    Alias(String),
}

impl FromStr for Member {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text.parse() {
            Ok(name) => Ok(Self::Name(name)),
            Err(_) => check_name(text).map(|()| Self::Alias(text.to_owned())),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Alias(alias) => f.write_str(alias),
        }
    }
}

impl Serialize for Member {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A change that cannot be made, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

fn refuse<T>(text: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(text.into()))
}

fn check_name(name: &str) -> Result<(), Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '^' | '.');
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if !first || name.len() > 64 || !name.chars().all(fits) {
        return refuse(format!(
            "'{name}' is neither a port name (16 hexadecimal digits) nor a name of 1 to 64 letters, digits, _ - $ ^ ."
        ));
    }
    if name.parse::<Wwn>().is_ok() {
        return refuse(format!("'{name}' is a port name, not a name for something else"));
    }
    Ok(())
}

/// What is defined.
#[derive(Clone, Debug, Default)]
pub struct Zoning {
    /// While no zone set is active.
    pub default_zone: DefaultZone,
    /// Names for port names.
    pub aliases: BTreeMap<String, BTreeSet<Wwn>>,
    /// Zones and their members.
    pub zones: BTreeMap<String, BTreeSet<Member>>,
    /// Zone sets and their zones.
    pub sets: BTreeMap<String, BTreeSet<String>>,
    /// Which are in force.
    pub active: Active,
}

impl Zoning {
    /// Defines an alias for one or several port names.
    ///
    /// # Errors
    /// A name that cannot be one, or is taken; too many.
    pub fn create_alias(&mut self, name: &str, members: BTreeSet<Wwn>) -> Result<(), Refused> {
        check_new(&self.aliases, "alias", name, members.len())?;
        self.aliases.insert(name.to_owned(), members);
        Ok(())
    }

    /// Removes an alias.
    ///
    /// # Errors
    /// There is none of that name, or a zone uses it.
    pub fn delete_alias(&mut self, name: &str) -> Result<(), Refused> {
        let member = Member::Alias(name.to_owned());
        if let Some((zone, _)) = self.zones.iter().find(|(_, members)| members.contains(&member)) {
            return refuse(format!("alias '{name}' is a member of zone '{zone}'"));
        }
        self.aliases.remove(name).map(drop).ok_or_else(|| Refused(format!("there is no alias '{name}'")))
    }

    /// Defines a zone.
    ///
    /// # Errors
    /// A name that cannot be one, or is taken; an alias that there is not; too many.
    pub fn create_zone(&mut self, name: &str, members: BTreeSet<Member>) -> Result<(), Refused> {
        check_new(&self.zones, "zone", name, members.len())?;
        members.iter().try_for_each(|member| self.check_member(member))?;
        self.zones.insert(name.to_owned(), members);
        Ok(())
    }

    /// Removes a zone.
    ///
    /// # Errors
    /// There is none of that name, or a zone set has it.
    pub fn delete_zone(&mut self, name: &str) -> Result<(), Refused> {
        if let Some((set, _)) = self.sets.iter().find(|(_, zones)| zones.contains(name)) {
            return refuse(format!("zone '{name}' is in zone set '{set}'"));
        }
        self.zones.remove(name).map(drop).ok_or_else(|| Refused(format!("there is no zone '{name}'")))
    }

    /// Adds a member to a zone.
    ///
    /// # Errors
    /// There is no such zone or alias; the zone has it already or is full.
    pub fn add_member(&mut self, zone: &str, member: Member) -> Result<(), Refused> {
        self.check_member(&member)?;
        let members = self.zone_mut(zone)?;
        if members.len() >= NAMES {
            return refuse(format!("zone '{zone}' is full"));
        }
        let text = member.to_string();
        if members.insert(member) { Ok(()) } else { refuse(format!("zone '{zone}' has {text} already")) }
    }

    /// Removes a member from a zone.
    ///
    /// # Errors
    /// There is no such zone, or it does not have it.
    pub fn remove_member(&mut self, zone: &str, member: &Member) -> Result<(), Refused> {
        if self.zone_mut(zone)?.remove(member) {
            Ok(())
        } else {
            refuse(format!("zone '{zone}' does not have {member}"))
        }
    }

    /// Defines a zone set.
    ///
    /// # Errors
    /// A name that cannot be one, or is taken; a zone that there is not; too many.
    pub fn create_set(&mut self, name: &str, zones: BTreeSet<String>) -> Result<(), Refused> {
        check_new(&self.sets, "zone set", name, zones.len())?;
        if let Some(zone) = zones.iter().find(|zone| !self.zones.contains_key(*zone)) {
            return refuse(format!("there is no zone '{zone}'"));
        }
        self.sets.insert(name.to_owned(), zones);
        Ok(())
    }

    /// Removes a zone set.
    ///
    /// # Errors
    /// There is none of that name, or it is active.
    pub fn delete_set(&mut self, name: &str) -> Result<(), Refused> {
        if self.active == Active::Set(name.to_owned()) {
            return refuse(format!("zone set '{name}' is active"));
        }
        self.sets.remove(name).map(drop).ok_or_else(|| Refused(format!("there is no zone set '{name}'")))
    }

    /// Puts a zone set in force, or all zones that are defined.
    ///
    /// # Errors
    /// There is no zone set of that name.
    pub fn activate(&mut self, set: Option<&str>) -> Result<(), Refused> {
        self.active = match set {
            None => Active::All,
            Some(name) if self.sets.contains_key(name) => Active::Set(name.to_owned()),
            Some(name) => return refuse(format!("there is no zone set '{name}'")),
        };
        Ok(())
    }

    /// What it comes to.
    pub fn effective(&self) -> Effective {
        let zones: Vec<&BTreeSet<Member>> = match &self.active {
            Active::None => return Effective { open: self.default_zone == DefaultZone::Open, zones: HashMap::new() },
            Active::All => self.zones.values().collect(),
            Active::Set(name) => self.sets.get(name).into_iter().flatten().filter_map(|z| self.zones.get(z)).collect(),
        };
        let mut effective = Effective::default();
        for (number, members) in zones.into_iter().enumerate() {
            for name in self.names(members) {
                effective.zones.entry(name).or_default().push(number as u32);
            }
        }
        effective
    }

    /// The port names of a zone, aliases resolved.
    pub fn names(&self, members: &BTreeSet<Member>) -> BTreeSet<Wwn> {
        let resolve = |member: &Member| match member {
            Member::Name(name) => BTreeSet::from([*name]),
            Member::Alias(alias) => self.aliases.get(alias).cloned().unwrap_or_default(),
        };
        members.iter().flat_map(resolve).collect()
    }

    fn zone_mut(&mut self, name: &str) -> Result<&mut BTreeSet<Member>, Refused> {
        self.zones.get_mut(name).ok_or_else(|| Refused(format!("there is no zone '{name}'")))
    }

    fn check_member(&self, member: &Member) -> Result<(), Refused> {
        match member {
            Member::Alias(alias) if !self.aliases.contains_key(alias) => refuse(format!("there is no alias '{alias}'")),
            _ => Ok(()),
        }
    }
}

fn check_new<T>(there: &BTreeMap<String, T>, what: &str, name: &str, members: usize) -> Result<(), Refused> {
    check_name(name)?;
    if there.contains_key(name) {
        return refuse(format!("there is a {what} '{name}' already"));
    }
    if there.len() >= NAMES || members > NAMES {
        return refuse(format!("more than {NAMES} are too many"));
    }
    Ok(())
}

/// Zones as they are in force: for each port name the numbers of its zones, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    open: bool,
    zones: HashMap<Wwn, Vec<u32>>,
}

impl Effective {
    /// May the two talk? A port may always talk with itself.
    pub fn allows(&self, one: Wwn, other: Wwn) -> bool {
        if self.open || one == other {
            return true;
        }
        let (Some(one), Some(other)) = (self.zones.get(&one), self.zones.get(&other)) else { return false };
        one.iter().any(|zone| other.binary_search(zone).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Wwn = Wwn(0x2100_0000_0000_000a);
    const B: Wwn = Wwn(0x2100_0000_0000_000b);
    const C: Wwn = Wwn(0x2100_0000_0000_000c);

    #[test]
    fn no_active_set_is_the_default_zone() {
        let mut zoning = Zoning::default();
        assert!(zoning.effective().allows(A, B));
        zoning.default_zone = DefaultZone::Deny;
        assert!(!zoning.effective().allows(A, B) && zoning.effective().allows(A, A));
    }

    #[test]
    fn a_common_zone_is_needed_and_aliases_are_resolved_live() {
        let mut zoning = Zoning::default();
        zoning.create_alias("array", BTreeSet::from([B])).unwrap();
        let members = BTreeSet::from([Member::Name(A), Member::Alias("array".into())]);
        zoning.create_zone("host_a", members).unwrap();
        zoning.create_zone("host_c", BTreeSet::from([Member::Name(C)])).unwrap();
        zoning.create_set("day", BTreeSet::from(["host_a".into()])).unwrap();
        zoning.activate(Some("day")).unwrap();
        let effective = zoning.effective();
        assert!(effective.allows(A, B) && effective.allows(B, A) && !effective.allows(A, C));
        zoning.add_member("host_c", "array".parse().unwrap()).unwrap();
        assert!(!zoning.effective().allows(B, C), "host_c is not in the active set");
        zoning.activate(None).unwrap();
        assert!(zoning.effective().allows(B, C) && !zoning.effective().allows(A, C));
        zoning.remove_member("host_a", &Member::Name(A)).unwrap();
        assert!(!zoning.effective().allows(A, B));
    }

    #[test]
    fn what_is_in_use_stays_and_what_is_wrong_is_named() {
        let mut zoning = Zoning::default();
        zoning.create_alias("x", BTreeSet::from([A])).unwrap();
        zoning.create_zone("z", BTreeSet::from([Member::Alias("x".into())])).unwrap();
        zoning.create_set("s", BTreeSet::from(["z".into()])).unwrap();
        zoning.activate(Some("s")).unwrap();
        let text = |result: Result<(), Refused>| result.unwrap_err().to_string();
        assert!(text(zoning.delete_alias("x")).contains("zone 'z'"));
        assert!(text(zoning.delete_zone("z")).contains("zone set 's'"));
        assert!(text(zoning.delete_set("s")).contains("active"));
        assert!(text(zoning.create_zone("z", BTreeSet::new())).contains("already"));
        assert!(text(zoning.add_member("z", Member::Alias("y".into()))).contains("no alias 'y'"));
        assert!(text(zoning.add_member("z", Member::Alias("x".into()))).contains("already"));
        assert!(text(zoning.create_set("t", BTreeSet::from(["q".into()]))).contains("no zone 'q'"));
        assert!("bad name".parse::<Member>().is_err() && "".parse::<Member>().is_err());
        assert!(zoning.create_alias("2100000000000001", BTreeSet::new()).is_err());
        assert!(zoning.activate(Some("no")).is_err());
    }
}
