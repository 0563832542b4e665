//! Where a controller is: address, port and subsystem NQN.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// A listener and, unless it is the discovery service, a subsystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Address and port.
    pub socket: SocketAddr,
    /// NQN of the subsystem; the discovery NQN when none was given.
    pub nqn: String,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an address: {why}; write tcp://127.0.0.1:4420/nqn..., tcp://[::1]:4420/nqn... or 127.0.0.1:4420"
)]
pub struct AddressError {
    text: String,
    why: String,
}

impl Address {
    /// From its parts as nvme-cli has them: `traddr` (IPv4, IPv6 or a name), `trsvcid` (port), NQN.
    ///
    /// # Errors
    /// The host is not known.
    pub fn new(traddr: &str, trsvcid: u16, nqn: &str) -> Result<Address, AddressError> {
        let fail = |why: String| AddressError { text: traddr.to_owned(), why };
        let bare = traddr.trim_start_matches('[').trim_end_matches(']');
        let socket = match bare.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, trsvcid),
            Err(_) => (bare, trsvcid)
                .to_socket_addrs()
                .map_err(|e| fail(format!("not an IP address, and as a name: {e}")))?
                .next()
                .ok_or_else(|| fail("the name has no address".to_owned()))?,
        };
        Ok(Address { socket, nqn: nqn.to_owned() })
    }

    /// The discovery service at the same place.
    #[must_use]
    pub fn discovery(&self) -> Address {
        Address { socket: self.socket, nqn: wire::fabrics::DISCOVERY_NQN.to_owned() }
    }

    /// Whether this is the well-known discovery subsystem.
    pub fn is_discovery(&self) -> bool {
        self.nqn == wire::fabrics::DISCOVERY_NQN
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let fail = |why: &str| AddressError { text: text.to_owned(), why: why.to_owned() };
        let rest = match text.split_once("://") {
            Some(("tcp" | "nvme-tcp" | "nvme+tcp", rest)) => rest,
            Some(_) => return Err(fail("the only transport is tcp")),
            None => text,
        };
        let (place, nqn) = rest.split_once('/').unwrap_or((rest, ""));
        let nqn = if nqn.is_empty() { wire::fabrics::DISCOVERY_NQN } else { nqn };
        if !nqn.starts_with("nqn.") {
            return Err(fail("the subsystem does not begin with nqn."));
        }
        let (host, port) = split_port(place).ok_or_else(|| fail("the port is not a number"))?;
        if host.is_empty() {
            return Err(fail("there is no host"));
        }
        let default =
            if nqn == wire::fabrics::DISCOVERY_NQN { wire::limits::DISCOVERY_PORT } else { wire::limits::NVME_PORT };
        Address::new(host, port.unwrap_or(default), nqn).map_err(|e| AddressError { text: text.to_owned(), why: e.why })
    }
}

/// Host and port of `1.2.3.4:5`, `[::1]:5`, `::1`, `name`.
fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    if place.parse::<IpAddr>().is_ok() {
        return Some((place, None));
    }
    match place.rsplit_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((place, None)),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp://{}/{}", self.socket, self.nqn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let a: Address = "tcp://127.0.0.1:4420/nqn.2016-06.io.spdk:a".parse().unwrap();
        assert_eq!((a.socket.to_string().as_str(), a.nqn.as_str()), ("127.0.0.1:4420", "nqn.2016-06.io.spdk:a"));
        assert_eq!(a.to_string().parse::<Address>().unwrap(), a);
        let a: Address = "tcp://[::1]:4421/nqn.2016-06.io.spdk:a".parse().unwrap();
        assert_eq!(a.socket.to_string(), "[::1]:4421");
        let a: Address = "::1".parse().unwrap();
        assert_eq!((a.socket.to_string().as_str(), a.is_discovery()), ("[::1]:8009", true));
        let a: Address = "127.0.0.1/nqn.2016-06.io.spdk:a".parse().unwrap();
        assert_eq!(a.socket.port(), 4420);
        assert!(a.discovery().is_discovery());
    }

    #[test]
    fn refusals_say_why() {
        for (bad, why) in [
            ("rdma://1.2.3.4:1/nqn.x", "transport"),
            ("1.2.3.4:port", "port"),
            ("1.2.3.4:99999", "port"),
            ("1.2.3.4:1/cnode1", "nqn."),
            ("tcp://:4420", "no host"),
        ] {
            let e = bad.parse::<Address>().unwrap_err().to_string();
            assert!(e.contains(why), "{bad}: {e}");
        }
    }
}
