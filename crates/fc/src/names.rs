//! World wide names of a port.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use wire::fc::Wwn;

/// A port's node name and port name (FC-FS-5, 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Names {
    /// World wide node name.
    pub node: Wwn,
    /// World wide port name.
    pub port: Wwn,
}

/// The form in which NVMe over FC and the log write both: `nn-0x20000024ff7799ab:pn-0x21000024ff7799ab`.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nn-0x{:016x}:pn-0x{:016x}", self.node.0, self.port.0)
    }
}

impl Serialize for Names {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Not of the form `nn-0x<16 hex digits>:pn-0x<16 hex digits>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not of the form nn-0x20000024ff7799ab:pn-0x21000024ff7799ab")]
pub struct ParseNamesError(String);

impl FromStr for Names {
    type Err = ParseNamesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseNamesError(text.to_owned());
        let (node, port) = text.split_once([':', ',']).ok_or_else(refuse)?;
        let name = |part: &str, prefix: &str| {
            let digits = part.strip_prefix(prefix)?;
            let digits = digits.strip_prefix("0x").unwrap_or(digits);
            (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten().map(Wwn)
        };
        let node = name(node, "nn-").ok_or_else(refuse)?;
        Ok(Self { node, port: name(port, "pn-").ok_or_else(refuse)? })
    }
}
