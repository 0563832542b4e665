//! Where a controller or a SCSI disk is. iSCSI's form is in [`crate::iscsi`].

use crate::iscsi::IscsiAddress;
use fc::Names;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// Where a target's port is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Address and TCP port.
    Tcp(SocketAddr),
    /// Names of a Fibre Channel port. Which fabric it is on is in [`crate::FcOptions`].
    Fc(Names),
}

/// A listener and, unless it is the discovery service, a subsystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The port.
    pub place: Place,
    /// NQN of the subsystem; the discovery NQN when none was given.
    pub nqn: String,
}

/// A logical unit behind a Fibre Channel port: `fcp://nn-0x…:pn-0x…/LUN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScsiAddress {
    /// The target port.
    pub port: Names,
    /// Its number there.
    pub lun: u16,
}

/// A volume, over whichever protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeAddress {
    /// A subsystem, of which a namespace is meant.
    Nvme(Address),
    /// A logical unit over Fibre Channel.
    Scsi(ScsiAddress),
    /// A logical unit over iSCSI.
    Iscsi(IscsiAddress),
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an address: {why}; write tcp://127.0.0.1:4420/nqn..., tcp://[::1]:4420/nqn..., 127.0.0.1:4420, \
     fc://nn-0x20000024ff7799ab:pn-0x21000024ff7799ab/nqn..., fcp://nn-0x20000024ff7799ab:pn-0x21000024ff7799ab/LUN or \
     iscsi://127.0.0.1/iqn.../LUN"
)]
pub struct AddressError {
    text: String,
    why: String,
}

impl AddressError {
    pub(crate) fn new(text: &str, why: String) -> AddressError {
        AddressError { text: text.to_owned(), why }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(socket) => write!(f, "tcp://{socket}"),
            Self::Fc(names) => write!(f, "fc://{names}"),
        }
    }
}

impl Address {
    /// From its parts as nvme-cli has them: `traddr` (IPv4, IPv6 or a name; or the names of a Fibre Channel port, which has no
    /// `trsvcid`), `trsvcid` (port), NQN.
    ///
    /// # Errors
    /// The host is not known, or the names are not of the right form.
    pub fn new(traddr: &str, trsvcid: u16, nqn: &str) -> Result<Address, AddressError> {
        let fail = |why: String| AddressError { text: traddr.to_owned(), why };
        if traddr.starts_with("nn-") {
            let names = traddr.parse().map_err(|error: fc::ParseNamesError| fail(error.to_string()))?;
            return Ok(Address { place: Place::Fc(names), nqn: nqn.to_owned() });
        }
        Ok(Address { place: Place::Tcp(socket(traddr, trsvcid)?), nqn: nqn.to_owned() })
    }

    /// The discovery service at the same place.
    #[must_use]
    pub fn discovery(&self) -> Address {
        Address { place: self.place, nqn: wire::fabrics::DISCOVERY_NQN.to_owned() }
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
        let (scheme, rest) =
            text.split_once("://").unwrap_or((if text.starts_with("nn-") { "fc" } else { "tcp" }, text));
        if !matches!(scheme, "tcp" | "nvme-tcp" | "nvme+tcp" | "fc" | "nvme-fc" | "nvme+fc") {
            return Err(fail("the transports are tcp and fc"));
        }
        let (place, nqn) = rest.split_once('/').unwrap_or((rest, ""));
        let nqn = if nqn.is_empty() { wire::fabrics::DISCOVERY_NQN } else { nqn };
        if !nqn.starts_with("nqn.") {
            return Err(fail("the subsystem does not begin with nqn."));
        }
        let why = |e: AddressError| AddressError { text: text.to_owned(), why: e.why };
        if scheme.ends_with("fc") {
            return match place.parse() {
                Ok(names) => Ok(Address { place: Place::Fc(names), nqn: nqn.to_owned() }),
                Err(error) => Err(fail(&format!("{error}"))),
            };
        }
        let (host, port) = split_port(place).ok_or_else(|| fail("the port is not a number"))?;
        if host.is_empty() {
            return Err(fail("there is no host"));
        }
        let default =
            if nqn == wire::fabrics::DISCOVERY_NQN { wire::limits::DISCOVERY_PORT } else { wire::limits::NVME_PORT };
        Address::new(host, port.unwrap_or(default), nqn).map_err(why)
    }
}

impl FromStr for ScsiAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<ScsiAddress, AddressError> {
        let fail = |why: String| AddressError { text: text.to_owned(), why };
        let rest = text.strip_prefix("fcp://").unwrap_or(text);
        let (names, lun) = rest.split_once('/').unwrap_or((rest, "0"));
        let port = names.parse().map_err(|error: fc::ParseNamesError| fail(error.to_string()))?;
        match lun.parse() {
            Ok(lun) if lun < 16_384 => Ok(ScsiAddress { port, lun }),
            _ => Err(fail(format!("'{lun}' is no logical unit number from 0 to 16383"))),
        }
    }
}

impl FromStr for VolumeAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<VolumeAddress, AddressError> {
        match text.split_once("://") {
            Some(("fcp", _)) => text.parse().map(Self::Scsi),
            Some(("iscsi", _)) => text.parse().map(Self::Iscsi),
            _ => text.parse().map(Self::Nvme),
        }
    }
}

impl fmt::Display for ScsiAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fcp://{}/{}", self.port, self.lun)
    }
}

impl fmt::Display for VolumeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nvme(address) => address.fmt(f),
            Self::Scsi(address) => address.fmt(f),
            Self::Iscsi(address) => address.fmt(f),
        }
    }
}

/// The first address of a host: IPv4, IPv6 (in brackets or not) or a name.
pub(crate) fn socket(host: &str, port: u16) -> Result<SocketAddr, AddressError> {
    let fail = |why: String| AddressError::new(host, why);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    let found = (bare, port).to_socket_addrs().map_err(|e| fail(format!("not an IP address, and as a name: {e}")))?;
    { found }.next().ok_or_else(|| fail("the name has no address".to_owned()))
}

/// Host and port of `1.2.3.4:5`, `[::1]:5`, `::1`, `name`.
pub(crate) fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
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
        write!(f, "{}/{}", self.place, self.nqn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> (String, String) {
        let address: Address = text.parse().unwrap();
        let Place::Tcp(socket) = address.place else { panic!("{address}") };
        (socket.to_string(), address.nqn)
    }

    #[test]
    fn forms() {
        let text = "tcp://127.0.0.1:4420/nqn.2016-06.io.spdk:a";
        assert_eq!(tcp(text), ("127.0.0.1:4420".to_owned(), "nqn.2016-06.io.spdk:a".to_owned()));
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        assert_eq!(tcp("tcp://[::1]:4421/nqn.2016-06.io.spdk:a").0, "[::1]:4421");
        assert_eq!(tcp("::1"), ("[::1]:8009".to_owned(), wire::fabrics::DISCOVERY_NQN.to_owned()));
        assert!(tcp("127.0.0.1/nqn.2016-06.io.spdk:a").0.ends_with(":4420"));
        assert!("::1".parse::<Address>().unwrap().discovery().is_discovery());
    }

    #[test]
    fn fibre_channel_forms() {
        let port = "nn-0x20000024ff7799ab:pn-0x21000024ff7799ab";
        for text in [port.to_owned(), format!("fc://{port}"), format!("nvme+fc://{port}/")] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), format!("fc://{port}/{}", wire::fabrics::DISCOVERY_NQN), "{text}");
        }
        assert_eq!(Address::new(port, 0, "nqn.a").unwrap().to_string(), format!("fc://{port}/nqn.a"));
        let disk: VolumeAddress = format!("fcp://{port}/300").parse().unwrap();
        assert_eq!(disk.to_string(), format!("fcp://{port}/300"));
        assert!(matches!(disk, VolumeAddress::Scsi(ScsiAddress { lun: 300, .. })));
        let bad = |text: &str| text.parse::<VolumeAddress>().unwrap_err().to_string();
        assert!(bad(&format!("fcp://{port}/16384")).contains("16384") && bad("fc://nn-1:pn-2/nqn.a").contains("nn-1"));
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
