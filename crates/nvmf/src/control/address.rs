//! Where a transport listens, as the RPC's `listen_address` says it.

use crate::view::{ListenerView, Trtype};
use std::fmt;
use std::net::IpAddr;

/// Address families of the discovery log page (NVMe-oF 1.1, ADRFAM).
const IPV4: u8 = 1;
const IPV6: u8 = 2;
const FC: u8 = 4;

/// Where a transport listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenAddress {
    /// The transport.
    pub trtype: Trtype,
    /// Address family as in [`ListenerView::adrfam`].
    pub adrfam: u8,
    /// The address in its shortest form.
    pub traddr: String,
    /// The port number; `none` on Fibre Channel.
    pub trsvcid: String,
}

impl ListenAddress {
    /// From the members of `listen_address`: `trtype` and `adrfam` in any letter case, `adrfam` from the address when
    /// absent.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(trtype: &str, adrfam: Option<&str>, traddr: &str, trsvcid: Option<&str>) -> Result<Self, String> {
        let kind = Trtype::parse(trtype).ok_or_else(|| format!("trtype: there is no transport '{trtype}'"))?;
        let address = match kind {
            Trtype::Fc => Self { trtype: kind, adrfam: FC, traddr: fc(traddr)?, trsvcid: "none".to_owned() },
            Trtype::Tcp | Trtype::Rdma => Self::ip(kind, traddr, trsvcid.unwrap_or_default())?,
        };
        match adrfam {
            Some(name) if !name.eq_ignore_ascii_case(adrfam_name(address.adrfam)) => {
                Err(format!("adrfam: {traddr} is not an address of {name}"))
            }
            _ => Ok(address),
        }
    }

    fn ip(trtype: Trtype, traddr: &str, trsvcid: &str) -> Result<Self, String> {
        let ip: IpAddr = traddr.parse().map_err(|_| format!("traddr: '{traddr}' is not an IPv4 or IPv6 address"))?;
        let port: u16 = trsvcid.parse().ok().filter(|port| *port != 0).ok_or_else(|| match trsvcid {
            "" => "trsvcid: the port number is needed".to_owned(),
            _ => format!("trsvcid: '{trsvcid}' is not a port number from 1 to 65535"),
        })?;
        let adrfam = if ip.is_ipv4() { IPV4 } else { IPV6 };
        Ok(Self { trtype, adrfam, traddr: ip.to_string(), trsvcid: port.to_string() })
    }

    /// As a listener with that number.
    pub(crate) fn listener(&self, id: u32) -> ListenerView {
        let Self { trtype, adrfam, traddr, trsvcid } = self.clone();
        ListenerView { id, trtype, adrfam, traddr, trsvcid }
    }

    /// Whether a listener is at this address.
    pub(crate) fn is(&self, listener: &ListenerView) -> bool {
        (self.trtype, &self.traddr, &self.trsvcid) == (listener.trtype, &listener.traddr, &listener.trsvcid)
    }
}

/// The address family's name as SPDK writes it.
pub fn adrfam_name(adrfam: u8) -> &'static str {
    match adrfam {
        IPV4 => "IPv4",
        IPV6 => "IPv6",
        FC => "FC",
        _ => "unknown",
    }
}

/// `nn-0x<16 digits>:pn-0x<16 digits>`, in lower case; hosts also write it without `0x` (FC-NVMe-2, TRADDR).
fn fc(traddr: &str) -> Result<String, String> {
    let text = traddr.to_ascii_lowercase();
    let refuse = || format!("traddr: '{traddr}' is not nn-0x<16 digits>:pn-0x<16 digits>");
    let (node, port) = text.split_once(':').ok_or_else(refuse)?;
    let name = |part: &str, prefix: &str| {
        let digits = part.strip_prefix(prefix)?;
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        let sound = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        sound.then(|| format!("{prefix}0x{digits}"))
    };
    let (node, port) = (name(node, "nn-").ok_or_else(refuse)?, name(port, "pn-").ok_or_else(refuse)?);
    Ok(format!("{node}:{port}"))
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.trtype.name(), self.traddr, self.trsvcid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(parts: [&str; 4]) -> Result<ListenAddress, String> {
        let given = |text: &'static str| (text != "-").then_some(text);
        let [trtype, adrfam, traddr, trsvcid] = parts.map(|text| &*text.to_owned().leak());
        ListenAddress::new(trtype, given(adrfam), traddr, given(trsvcid))
    }

    #[test]
    fn the_family_comes_from_the_address() {
        let four = new(["tcp", "-", "127.0.0.1", "4420"]).unwrap();
        assert_eq!((four.trtype, four.adrfam, adrfam_name(four.adrfam)), (Trtype::Tcp, 1, "IPv4"));
        let six = new(["TCP", "ipv6", "0:0::1", "04420"]).unwrap();
        assert_eq!((six.adrfam, &*six.traddr, &*six.trsvcid), (2, "::1", "4420"));
        let fc = new(["fc", "-", "nn-0x20000024ff7799AB:pn-0x21000024ff7799ab", "-"]).unwrap();
        assert_eq!((fc.adrfam, &*fc.trsvcid), (4, "none"));
        let short = new(["FC", "fc", "nn-20000024ff7799ab:pn-21000024ff7799ab", "none"]).unwrap();
        assert_eq!(short, fc);
    }

    #[test]
    fn wrong_ones_are_told() {
        for (parts, part) in [
            (["pcie", "-", "127.0.0.1", "4420"], "trtype"),
            (["tcp", "ipv6", "127.0.0.1", "4420"], "adrfam"),
            (["tcp", "-", "localhost", "4420"], "traddr"),
            (["tcp", "-", "127.0.0.1", "-"], "trsvcid"),
            (["tcp", "-", "127.0.0.1", "0"], "trsvcid"),
            (["tcp", "-", "127.0.0.1", "65536"], "trsvcid"),
            (["fc", "-", "0x21000024ff7799ab", "-"], "traddr"),
            (["fc", "-", "pn-0x20000024ff7799ab:nn-0x21000024ff7799ab", "-"], "traddr"),
            (["fc", "-", "nn-0x20000024ff7799a:pn-0x21000024ff7799ab", "-"], "traddr"),
            (["fc", "-", "nn-0x20000024ff7799a+:pn-0x21000024ff7799ab", "-"], "traddr"),
            (["fc", "ipv4", "nn-0x20000024ff7799ab:pn-0x21000024ff7799ab", "-"], "adrfam"),
        ] {
            assert!(new(parts).unwrap_err().starts_with(part), "{parts:?}");
        }
    }
}
