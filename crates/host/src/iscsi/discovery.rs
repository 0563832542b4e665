//! SendTargets: which nodes a portal offers, and where.

use super::{IscsiAddress, IscsiQueue, broken};
use crate::{Options, Result};
use std::net::SocketAddr;

/// A node that was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// TargetName.
    pub node: String,
    /// Where it can be reached, with the tags of the portal groups.
    pub portals: Vec<(String, u16)>,
}

/// What a discovery session on this portal is told.
///
/// # Errors
/// The portal cannot be reached, refuses the login, or breaks the standard.
pub fn discover(portal: SocketAddr, options: &Options) -> Result<Vec<Found>> {
    let address = IscsiAddress { portal, node: String::new(), lun: 0 };
    let mut session = IscsiQueue::connect(&address, 1, 0, options)?;
    let text = session.text(b"SendTargets=All\0")?;
    found(&text)
}

fn found(text: &[u8]) -> Result<Vec<Found>> {
    let mut all: Vec<Found> = Vec::new();
    // Longer than what a login takes: taken apart here.
    for pair in text.split(|byte| *byte == 0).filter(|pair| !pair.is_empty()) {
        let pair = std::str::from_utf8(pair).map_err(|_| broken("a text that is not UTF-8"))?;
        match (pair.split_once('='), all.last_mut()) {
            (Some(("TargetName", node)), _) => all.push(Found { node: node.to_owned(), portals: Vec::new() }),
            (Some(("TargetAddress", address)), Some(node)) => node.portals.push(portal(address)?),
            _ => return Err(broken(format!("{pair:?} in an answer to SendTargets"))),
        }
    }
    Ok(all)
}

/// `address[:port][,tag]`.
fn portal(address: &str) -> Result<(String, u16)> {
    let (place, tag) =
        address.rsplit_once(',').ok_or_else(|| broken(format!("TargetAddress {address:?} has no tag")))?;
    let tag = tag.parse().map_err(|_| broken(format!("TargetAddress {address:?} has no tag")))?;
    Ok((place.to_owned(), tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let text = b"TargetName=iqn.a\0TargetAddress=[::1]:3260,1\0TargetAddress=10.0.0.1:3260,2\0TargetName=iqn.b\0";
        let all = found(text).unwrap();
        assert_eq!(all[0].portals, [("[::1]:3260".to_owned(), 1), ("10.0.0.1:3260".to_owned(), 2)]);
        assert_eq!((all.len(), &*all[1].node), (2, "iqn.b"));
        for bad in [&b"TargetAddress=1\0"[..], b"TargetName=a\0TargetAddress=1\0", b"X\0"] {
            assert!(found(bad).is_err());
        }
    }
}
