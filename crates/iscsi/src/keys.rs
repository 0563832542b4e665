//! The keys of RFC 7143 section 13 (and 7144's iSCSIProtocolLevel): who may send each, when, and by what rule it is settled.

/// An operational key with a rule of its own, in the order in which a logical request's are looked at: what decides about another
/// key's value or relevance comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Id {
    HeaderDigest,
    DataDigest,
    MaxConnections,
    InitialR2t,
    ImmediateData,
    MaxRecvDataSegmentLength,
    MaxBurstLength,
    FirstBurstLength,
    DefaultTime2Wait,
    DefaultTime2Retain,
    MaxOutstandingR2t,
    DataPduInOrder,
    DataSequenceInOrder,
    ErrorRecoveryLevel,
    TaskReporting,
    ProtocolLevel,
}

/// How a key is settled (section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Each side declares its own; no answer.
    Declared {
        /// The least.
        least: u32,
        /// The greatest.
        greatest: u32,
    },
    /// The first of the originator's values that the responder takes.
    List,
    /// Yes if one of both says Yes.
    Or,
    /// Yes if both say Yes.
    And,
    /// The lower number.
    Lower {
        /// The least.
        least: u32,
        /// The greatest.
        greatest: u32,
    },
    /// The higher number.
    Higher {
        /// The least.
        least: u32,
        /// The greatest.
        greatest: u32,
    },
}

/// An operational key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Which one.
    pub id: Id,
    /// Its name.
    pub name: &'static str,
    /// Its rule.
    pub rule: Rule,
    /// Only in the login of the leading connection (LO).
    pub leading: bool,
    /// Irrelevant in a discovery session.
    pub normal: bool,
}

/// 2^24 - 1: the longest burst or data segment.
const LENGTH: u32 = (1 << 24) - 1;

const fn key(id: Id, name: &'static str, rule: Rule, leading: bool, normal: bool) -> Key {
    Key { id, name, rule, leading, normal }
}

const fn lower(least: u32, greatest: u32) -> Rule {
    Rule::Lower { least, greatest }
}

/// All operational keys, in the order of [`Id`].
pub static OPERATIONAL: [Key; 16] = [
    key(Id::HeaderDigest, "HeaderDigest", Rule::List, false, false),
    key(Id::DataDigest, "DataDigest", Rule::List, false, false),
    key(Id::MaxConnections, "MaxConnections", lower(1, 65_535), true, true),
    key(Id::InitialR2t, "InitialR2T", Rule::Or, true, true),
    key(Id::ImmediateData, "ImmediateData", Rule::And, true, true),
    key(Id::MaxRecvDataSegmentLength, MRDSL, Rule::Declared { least: 512, greatest: LENGTH }, false, false),
    key(Id::MaxBurstLength, "MaxBurstLength", lower(512, LENGTH), true, true),
    key(Id::FirstBurstLength, "FirstBurstLength", lower(512, LENGTH), true, true),
    key(Id::DefaultTime2Wait, "DefaultTime2Wait", Rule::Higher { least: 0, greatest: 3600 }, true, false),
    key(Id::DefaultTime2Retain, "DefaultTime2Retain", lower(0, 3600), true, false),
    key(Id::MaxOutstandingR2t, "MaxOutstandingR2T", lower(1, 65_535), true, true),
    key(Id::DataPduInOrder, "DataPDUInOrder", Rule::Or, true, true),
    key(Id::DataSequenceInOrder, "DataSequenceInOrder", Rule::Or, true, true),
    key(Id::ErrorRecoveryLevel, "ErrorRecoveryLevel", lower(0, 2), true, false),
    key(Id::TaskReporting, "TaskReporting", Rule::List, true, true),
    key(Id::ProtocolLevel, "iSCSIProtocolLevel", lower(0, 31), true, true),
];

/// The one operational key that may also be sent in the full feature phase.
pub const MRDSL: &str = "MaxRecvDataSegmentLength";

/// What a key is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who is who: allowed in both stages, never answered.
    Identity(Identity),
    /// AuthMethod and the keys of CHAP: security stage only.
    Security,
    /// Operational stage only.
    Operational(&'static Key),
    /// Full feature phase only.
    SendTargets,
    /// RFC 7143 section 13.25: still answered, with this.
    Obsolete(&'static str),
    /// What only a target sends.
    Targets,
    /// Anything else, X- keys too: NotUnderstood.
    Unknown,
}

/// Keys that say who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    InitiatorName,
    InitiatorAlias,
    TargetName,
    SessionType,
    /// RFC 4850: told for the record, never answered.
    NodeArchitecture,
}

/// Classifies a key by its name (names are case sensitive).
pub fn kind(name: &str) -> Kind {
    match name {
        "InitiatorName" => Kind::Identity(Identity::InitiatorName),
        "InitiatorAlias" => Kind::Identity(Identity::InitiatorAlias),
        "TargetName" => Kind::Identity(Identity::TargetName),
        "SessionType" => Kind::Identity(Identity::SessionType),
        "X#NodeArchitecture" => Kind::Identity(Identity::NodeArchitecture),
        "AuthMethod" | "CHAP_A" | "CHAP_I" | "CHAP_C" | "CHAP_N" | "CHAP_R" => Kind::Security,
        "SendTargets" => Kind::SendTargets,
        "TargetAlias" | "TargetAddress" | "TargetPortalGroupTag" => Kind::Targets,
        "IFMarker" | "OFMarker" => Kind::Obsolete("No"),
        "IFMarkInt" | "OFMarkInt" => Kind::Obsolete("Reject"),
        _ => OPERATIONAL.iter().find(|key| key.name == name).map_or(Kind::Unknown, Kind::Operational),
    }
}

/// A set of operational keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Set(u32);

impl Set {
    /// Adds one.
    pub fn insert(&mut self, id: Id) {
        self.0 |= 1 << id as u8;
    }

    /// Takes one out; whether it was there.
    pub fn remove(&mut self, id: Id) -> bool {
        let was = self.has(id);
        self.0 &= !(1 << id as u8);
        was
    }

    /// Whether it is there.
    pub fn has(self, id: Id) -> bool {
        self.0 & 1 << id as u8 != 0
    }

    /// Whether none is there.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_its_ids() {
        for (at, key) in OPERATIONAL.iter().enumerate() {
            assert_eq!(key.id as usize, at, "{}", key.name);
            assert_eq!(kind(key.name), Kind::Operational(key));
        }
        assert_eq!(kind("headerdigest"), Kind::Unknown);
        assert_eq!(kind("OFMarkInt"), Kind::Obsolete("Reject"));
    }
}
