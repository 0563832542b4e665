//! Networks from which initiators may come.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network: `ANY`, an address, or an address and the bits that count (`192.168.2.0/24`, `[fd00::]/8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Everywhere.
    Any,
    /// The addresses that begin with the same bits.
    Of {
        /// An address of it.
        address: IpAddr,
        /// Bits that count.
        bits: u8,
    },
}

impl Network {
    /// Whether an address is of the network. An IPv4 address in IPv6 form is an IPv4 address.
    pub fn fits(&self, other: IpAddr) -> bool {
        match (self, other.to_canonical()) {
            (Self::Any, _) => true,
            (Self::Of { address: IpAddr::V4(own), bits }, IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(*bits)
            }
            (Self::Of { address: IpAddr::V6(own), bits }, IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(*bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if ["ANY", "ALL"].iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Ok(Self::Any);
        }
        let refuse =
            || format!("'{text}' is not ANY, an IP address, or one and its bits, as in 192.168.2.0/24 or [fd00::]/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let inner = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        let address: IpAddr = inner.parse().map_err(|_| refuse())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = |bits: &str| bits.bytes().all(|byte| byte.is_ascii_digit()).then(|| bits.parse().ok()).flatten();
        let bits = bits.map_or(Some(most), digits).filter(|bits| *bits <= most).ok_or_else(refuse)?;
        Ok(Self::Of { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("ANY"),
            Self::Of { address: IpAddr::V4(address), bits } => write!(f, "{address}/{bits}"),
            Self::Of { address: IpAddr::V6(address), bits } => write!(f, "[{address}]/{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().fits(address.parse().unwrap())
    }

    #[test]
    fn bits_decide() {
        assert!(fits("192.168.2.0/24", "192.168.2.255") && !fits("192.168.2.0/24", "192.168.3.0"));
        assert!(fits("10.0.0.1", "10.0.0.1") && !fits("10.0.0.1", "10.0.0.2"));
        assert!(fits("[fd00::]/8", "fdff::1") && !fits("fd00::/8", "fe80::1"));
        assert!(fits("10.0.0.0/8", "::ffff:10.1.1.1") && !fits("[::]/0", "10.1.1.1"));
        assert!(fits("0.0.0.0/0", "1.2.3.4") && fits("any", "::1") && fits("ALL", "1.1.1.1"));
    }

    #[test]
    fn networks_survive_their_text() {
        for text in ["ANY", "192.168.2.0/24", "[fd00::]/8", "[::1]/128"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0", "[::]/129", "iqn.a"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
