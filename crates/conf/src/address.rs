//! Addresses: `host:port` for IP, names of Fibre Channel ports.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A Fibre Channel World Wide Name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wwn(pub u64);

impl fmt::Debug for Wwn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wwn({self})")
    }
}

impl fmt::Display for Wwn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:016x}", self.0)
    }
}

impl Wwn {
    /// Reads a name in every form seen in the field: 16 hexadecimal digits, plain, with `0x`, with
    /// `naa.`, or in pairs with colons. Zero is no name.
    pub fn parse(text: &str) -> Option<Wwn> {
        let text = strip(strip(text, "naa."), "0x");
        let digits = if text.len() == 23 { pairs(text)? } else { text.to_owned() };
        let hex = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = hex.then(|| u64::from_str_radix(&digits, 16).ok())??;
        (value != 0).then_some(Wwn(value))
    }

    /// Reads a port name: the forms of [`Wwn::parse`], also after `pn-`, also as the second half
    /// of `nn-...:pn-...`.
    pub fn parse_port(text: &str) -> Option<Wwn> {
        match node_and_port(text) {
            Some((_, port)) => Some(port),
            None => Wwn::parse(strip(text, "pn-")),
        }
    }
}

/// Reads `nn-0x<WWNN>:pn-0x<WWPN>`, the form of a `Listen FC` line.
pub(crate) fn node_and_port(text: &str) -> Option<(Wwn, Wwn)> {
    let lower = text.to_ascii_lowercase();
    let (node, port) = lower.strip_prefix("nn-")?.split_once(":pn-")?;
    Some((Wwn::parse(node)?, Wwn::parse(port)?))
}

fn strip<'a>(text: &'a str, prefix: &str) -> &'a str {
    match text.get(..prefix.len()) {
        Some(head) if head.eq_ignore_ascii_case(prefix) => &text[prefix.len()..],
        _ => text,
    }
}

fn pairs(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(':').collect();
    (parts.len() == 8 && parts.iter().all(|p| p.len() == 2)).then(|| parts.concat())
}

/// An IP address and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct IpPort {
    /// Without brackets.
    pub(crate) address: String,
    pub(crate) v6: bool,
    /// `None` if the text has none.
    pub(crate) port: Option<u16>,
}

/// Reads `a.b.c.d`, `a.b.c.d:port`, `[v6]`, `[v6]:port`, or a bare IPv6 address.
/// The error is the reason for a user.
pub(crate) fn ip_port(text: &str) -> Result<IpPort, String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("the closing bracket of the IPv6 address is missing")?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(self::port(port)?),
            None if rest.is_empty() => None,
            None => return Err(format!("{rest} stands after the IPv6 address")),
        };
        return v6(address, port);
    }
    if text.matches(':').count() > 1 {
        return v6(text, None);
    }
    let (address, port) = match text.split_once(':') {
        Some((address, port)) => (address, Some(self::port(port)?)),
        None => (text, None),
    };
    match address.parse::<Ipv4Addr>() {
        Ok(_) => Ok(IpPort { address: address.to_owned(), v6: false, port }),
        Err(_) if address == "*" => Err("'*' is no address; 0.0.0.0 means all of this machine".to_owned()),
        Err(_) => Err(format!("{address} is not an IP address; names are not looked up")),
    }
}

fn port(text: &str) -> Result<u16, String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(port) if port != 0 && digits => Ok(port),
        _ => Err(format!("{text} is not a port from 1 to 65535")),
    }
}

fn v6(text: &str, port: Option<u16>) -> Result<IpPort, String> {
    let (bare, zone) = text.split_once('%').map_or((text, None), |(bare, zone)| (bare, Some(zone)));
    match bare.parse::<Ipv6Addr>() {
        Ok(_) if zone != Some("") => Ok(IpPort { address: text.to_owned(), v6: true, port }),
        _ => Err(format!("{text} is not an IPv6 address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_all_forms() {
        let name = Some(Wwn(0x2100_0024_ff5b_a06a));
        for text in [
            "21000024ff5ba06a",
            "0x21000024FF5BA06A",
            "21:00:00:24:ff:5b:a0:6a",
            "naa.21000024ff5ba06a",
            "pn-0x21000024ff5ba06a",
            "PN-21:00:00:24:ff:5b:a0:6a",
            "nn-0x20000024ff5ba06a:pn-0x21000024ff5ba06a",
        ] {
            assert_eq!(Wwn::parse_port(text), name, "{text}");
        }
        for text in [
            "",
            "21000024ff5ba06",
            "21000024ff5ba06ab",
            "0000000000000000",
            "+1000024ff5ba06a",
            "21-00-00-24-ff-5b-a0-6a",
            "10.0.0.1",
            "nn-0x20000024ff5ba06a",
            "2100:0024:ff5b:a06a:00000",
        ] {
            assert_eq!(Wwn::parse_port(text), None, "{text}");
        }
        assert_eq!(Wwn(0x21).to_string(), "0x0000000000000021");
    }

    #[test]
    fn ip_addresses() {
        let read = |t: &str| ip_port(t).map(|a| (a.address, a.v6, a.port));
        assert_eq!(read("192.0.2.1:4420"), Ok(("192.0.2.1".into(), false, Some(4420))));
        assert_eq!(read("192.0.2.1"), Ok(("192.0.2.1".into(), false, None)));
        assert_eq!(read("[::1]:4420"), Ok(("::1".into(), true, Some(4420))));
        assert_eq!(read("[fe80::1%eth0]"), Ok(("fe80::1%eth0".into(), true, None)));
        assert_eq!(read("2001:db8::1"), Ok(("2001:db8::1".into(), true, None)));
        for text in [
            "",
            "host:1",
            "*",
            "*:4420",
            "1.2.3.4:0",
            "1.2.3.4:65536",
            "1.2.3.4:+5",
            "1.2.3.4:",
            "[::1",
            "[::1]x",
            "[1.2.3.4]:1",
            "[::1%]:1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
