//! TRADDR of FC: `nn-0x<node name>:pn-0x<port name>`. FC-NVMe-2 (transport address), NVMe-oF discovery.

use crate::fc::Wwn;

/// A port as discovery, connect and listeners name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrAddr {
    /// Node name.
    pub node: Wwn,
    /// Port name.
    pub port: Wwn,
}

impl TrAddr {
    /// The port with these names.
    pub const fn new(node: Wwn, port: Wwn) -> Self {
        Self { node, port }
    }
}

impl core::fmt::Display for TrAddr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "nn-{}:pn-{}", self.node, self.port)
    }
}

/// The text is none of the forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrAddrError;

impl core::fmt::Display for TrAddrError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("is not nn-0x<16 hexadecimal digits>:pn-0x<16 hexadecimal digits>")
    }
}

impl core::error::Error for TrAddrError {}

impl core::str::FromStr for TrAddr {
    type Err = TrAddrError;

    /// Takes `nn-0x...:pn-0x...`, and the short form `nn-...:pn-...` without any `0x`; a comma may stand for the colon.
    fn from_str(text: &str) -> Result<Self, TrAddrError> {
        let rest = text.strip_prefix("nn-").ok_or(TrAddrError)?;
        let (node, port) = rest.split_once([':', ',']).ok_or(TrAddrError)?;
        let port = port.strip_prefix("pn-").ok_or(TrAddrError)?;
        // Both names in the same form, of full length: anything else is refused by hosts too.
        let (node, port) = match (node.strip_prefix("0x"), port.strip_prefix("0x")) {
            (Some(node), Some(port)) => (node, port),
            (None, None) => (node, port),
            _ => return Err(TrAddrError),
        };
        let name = |digits: &str| match digits.len() {
            16 => digits.parse().map_err(|_| TrAddrError),
            _ => Err(TrAddrError),
        };
        Ok(Self { node: name(node)?, port: name(port)? })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn forms() {
        let addr = TrAddr::new(Wwn(0x2000_0024_ff77_99ab), Wwn(0x2100_0024_ff77_99ab));
        let text = "nn-0x20000024ff7799ab:pn-0x21000024ff7799ab";
        assert_eq!(addr.to_string(), text);
        for text in [
            text,
            "nn-20000024ff7799ab:pn-21000024ff7799ab",
            "nn-20000024FF7799AB:pn-21000024FF7799AB",
            "nn-0x20000024ff7799ab,pn-0x21000024ff7799ab",
        ] {
            assert_eq!(text.parse(), Ok(addr), "{text}");
        }
        for text in [
            "",
            "nn-0x20000024ff7799ab",
            "pn-0x21000024ff7799ab:nn-0x20000024ff7799ab",
            "nn-0x20000024ff7799ab:pn-21000024ff7799ab",
            "nn-0x20000024ff7799ab:pn-0x21000024ff7799a",
            "nn-0x20000024ff7799ab:pn-0x21000024ff7799ag",
            "nn-0x20000024ff7799ab:pn-0x21000024ff7799ab ",
            "nn-0x0x000024ff7799ab:pn-0x21000024ff7799ab",
            "nn-20:00:00:24:ff:77:99:ab:pn-21000024ff7799ab",
        ] {
            assert_eq!(text.parse::<TrAddr>(), Err(TrAddrError), "{text}");
        }
    }
}
