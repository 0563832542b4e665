//! Where a logical unit is: `iscsi://HOST[:PORT]/NODE[/LUN]`, as other tools write it.

use crate::AddressError;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// A logical unit of an iSCSI node, or the node, or (without a name) the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IscsiAddress {
    /// The portal.
    pub portal: SocketAddr,
    /// The node's name; empty for a discovery.
    pub node: String,
    /// Number of the logical unit.
    pub lun: u16,
}

impl IscsiAddress {
    /// From its parts; `host` is an address or a name.
    ///
    /// # Errors
    /// No such host.
    pub fn new(host: &str, port: Option<u16>, node: &str, lun: u16) -> Result<IscsiAddress, AddressError> {
        let portal = crate::address::socket(host, port.unwrap_or(wire::iscsi::PORT))?;
        Ok(IscsiAddress { portal, node: node.to_owned(), lun })
    }
}

impl FromStr for IscsiAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<IscsiAddress, AddressError> {
        let fail = |why: String| AddressError::new(text, why);
        let rest = text.strip_prefix("iscsi://").unwrap_or(text);
        if rest.contains('@') {
            return Err(fail("no user and password here, where everyone can read them: --chap-file FILE".to_owned()));
        }
        let mut parts = rest.splitn(3, '/');
        let place = parts.next().unwrap_or_default();
        let (node, lun) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (host, port) =
            crate::address::split_port(place).ok_or_else(|| fail("the port is not a number".to_owned()))?;
        if host.is_empty() {
            return Err(fail("there is no host".to_owned()));
        }
        if !node.is_empty() && iscsi::normalise(node).is_none() {
            return Err(fail(format!("'{node}' is no name of a node: iqn...., eui.... or naa....")));
        }
        let lun = match (lun, lun.parse()) {
            ("", _) => 0,
            (_, Ok(lun)) if lun < 16_384 => lun,
            _ => return Err(fail(format!("'{lun}' is no logical unit number from 0 to 16383"))),
        };
        IscsiAddress::new(host, port, node, lun)
    }
}

impl fmt::Display for IscsiAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "iscsi://{}", self.portal)?;
        if self.node.is_empty() { Ok(()) } else { write!(f, "/{}/{}", self.node, self.lun) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let shown = |text: &str| text.parse::<IscsiAddress>().unwrap().to_string();
        assert_eq!(shown("iscsi://127.0.0.1/iqn.2016-06.io.spdk:d"), "iscsi://127.0.0.1:3260/iqn.2016-06.io.spdk:d/0");
        assert_eq!(shown("iscsi://[::1]:3261/iqn.a:b/7"), "iscsi://[::1]:3261/iqn.a:b/7");
        assert_eq!(shown("127.0.0.1"), "iscsi://127.0.0.1:3260");
        let bad = |text: &str| text.parse::<IscsiAddress>().unwrap_err().to_string();
        assert!(bad("iscsi://127.0.0.1/disk1").contains("iqn."));
        assert!(bad("iscsi://127.0.0.1/iqn.a/x").contains("'x'"));
        assert!(bad("iscsi://user%secret@127.0.0.1/iqn.a/0").contains("--chap-file"));
        assert!(bad("iscsi://127.0.0.1:port/iqn.a").contains("port"));
    }
}
