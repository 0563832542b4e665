//! Names of SCSI ports, and their form in parameter data (TransportID, SPC-4 7.6.4).

use std::fmt;

/// An iSCSI name (RFC 7143 4.2.7), inline. ASCII letters are kept in lower case, as the standard's preparation of names has
/// them, so that names compare as it wants; what its preparation does beyond ASCII is not done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IscsiName {
    bytes: [u8; IscsiName::MOST],
    len: u8,
}

impl IscsiName {
    /// Bytes of the longest name (RFC 7143 4.2.7.1).
    pub const MOST: usize = 223;

    /// The name, if it can be one: 1 to 223 bytes without blanks, control characters and commas. The kinds of names (`iqn.`,
    /// `eui.`, `naa.`) are not told apart: initiators with names of no kind are met in the field.
    pub fn new(name: &str) -> Option<Self> {
        let odd = |c: char| c == ',' || c.is_control() || c.is_whitespace();
        if name.is_empty() || name.len() > Self::MOST || name.chars().any(odd) {
            return None;
        }
        let mut bytes = [0; Self::MOST];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        bytes.make_ascii_lowercase();
        Some(Self { bytes, len: name.len() as u8 })
    }

    /// Whether it is of a kind that the standard has: `iqn.`, `eui.` or `naa.`.
    pub fn is_typed(&self) -> bool {
        let rest = |kind| self.as_str().strip_prefix(kind).is_some_and(|rest: &str| !rest.is_empty());
        ["iqn.", "eui.", "naa."].into_iter().any(rest)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        // What `new` took was UTF-8, and lower case of ASCII keeps it so.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for IscsiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for IscsiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a SCSI port, on either side (SAM-5 4.6: initiator port name, target port name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortName {
    /// Fibre Channel.
    Fc {
        /// World wide node name.
        wwnn: u64,
        /// World wide port name.
        wwpn: u64,
    },
    /// An initiator port of iSCSI (RFC 7143 4.2.5).
    Iscsi {
        /// The initiator's name.
        name: IscsiName,
        /// Initiator session identifier.
        isid: [u8; 6],
    },
    /// A target port of iSCSI: a node at a portal group.
    IscsiTarget {
        /// The target's name.
        name: IscsiName,
        /// Target portal group tag.
        group: u16,
    },
}

impl PortName {
    /// Whether both name the same port: the names of the nodes behind Fibre Channel ports do not count.
    pub fn is_same_port(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fc { wwpn: a, .. }, Self::Fc { wwpn: b, .. }) => a == b,
            _ => self == other,
        }
    }

    /// The TransportID of an initiator port (SPC-4 7.6.4). On iSCSI it has the session identifier (format 01b).
    pub fn transport_id(&self) -> Vec<u8> {
        match self {
            Self::Fc { wwpn, .. } => {
                let mut id = vec![0; FC_ID_BYTES];
                id[8..16].copy_from_slice(&wwpn.to_be_bytes());
                id
            }
            Self::Iscsi { .. } => iscsi_id(WITH_ISID, &self.to_string()),
            Self::IscsiTarget { name, .. } => iscsi_id(0, name.as_str()),
        }
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fc { wwnn, wwpn } => write!(f, "nn-0x{wwnn:016x}:pn-0x{wwpn:016x}"),
            Self::Iscsi { name, isid: [a, b, c, d, e, g] } => {
                write!(f, "{name}{ISID_MARK}{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{g:02x}")
            }
            Self::IscsiTarget { name, group } => write!(f, "{name},t,0x{group:04x}"),
        }
    }
}

/// What stands between name and session identifier (SPC-4 table 507).
const ISID_MARK: &str = ",i,0x";
/// Bytes of a TransportID of Fibre Channel.
const FC_ID_BYTES: usize = 24;
/// PROTOCOL IDENTIFIER of Fibre Channel.
const FC_PROTOCOL: u8 = 0;
/// PROTOCOL IDENTIFIER of iSCSI.
const ISCSI_PROTOCOL: u8 = 5;
/// FORMAT CODE 01b in place.
const WITH_ISID: u8 = 1 << 6;
/// The least ADDITIONAL LENGTH of iSCSI.
const LEAST_TEXT: usize = 20;

fn iscsi_id(format: u8, text: &str) -> Vec<u8> {
    // Ends in at least one zero, and at a multiple of four.
    let bytes = (text.len() + 1).next_multiple_of(4).max(LEAST_TEXT);
    let mut id = vec![0; 4 + bytes];
    id[0] = format | ISCSI_PROTOCOL;
    id[2..4].copy_from_slice(&(bytes as u16).to_be_bytes());
    id[4..4 + text.len()].copy_from_slice(text.as_bytes());
    id
}

/// What a TransportID in parameter data names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportId {
    /// One initiator port. On Fibre Channel the name of the node is 0: it is not said.
    Port(PortName),
    /// All ports of an iSCSI initiator (format 00b).
    IscsiNode(IscsiName),
}

impl TransportId {
    /// The first TransportID in `bytes` and how long it is; `None` if it is cut short, of another protocol, or not well formed.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        match *bytes.first()? {
            FC_PROTOCOL => {
                let wwpn = u64::from_be_bytes(bytes.get(..FC_ID_BYTES)?[8..16].try_into().ok()?);
                Some((Self::Port(PortName::Fc { wwnn: 0, wwpn }), FC_ID_BYTES))
            }
            code if code & 0x3f == ISCSI_PROTOCOL => parse_iscsi(code >> 6, bytes),
            _ => None,
        }
    }

    /// Whether it names that initiator port.
    pub fn names(&self, port: &PortName) -> bool {
        match (self, port) {
            (Self::Port(named), port) => named.is_same_port(port),
            (Self::IscsiNode(named), PortName::Iscsi { name, .. }) => named == name,
            _ => false,
        }
    }
}

fn parse_iscsi(format: u8, bytes: &[u8]) -> Option<(TransportId, usize)> {
    let length = usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    if length < LEAST_TEXT || length % 4 != 0 {
        return None;
    }
    let text = bytes.get(4..4 + length)?;
    let end = text.iter().position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(&text[..end]).ok()?;
    let id = match format {
        0 => TransportId::IscsiNode(IscsiName::new(text)?),
        1 => {
            let (name, isid) = text.split_once(ISID_MARK)?;
            TransportId::Port(PortName::Iscsi { name: IscsiName::new(name)?, isid: parse_isid(isid)? })
        }
        _ => return None,
    };
    Some((id, 4 + length))
}

fn parse_isid(digits: &str) -> Option<[u8; 6]> {
    if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes = u64::from_str_radix(digits, 16).ok()?.to_be_bytes();
    bytes[2..].try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> IscsiName {
        IscsiName::new(text).unwrap()
    }

    #[test]
    fn names_are_prepared_and_bounded() {
        assert_eq!(name("iqn.2016-06.io.SPDK:Disk").as_str(), "iqn.2016-06.io.spdk:disk");
        assert_eq!(name(&"a".repeat(223)).as_str().len(), 223);
        for bad in ["", "a b", "a,t,1", "a\0", &"a".repeat(224)] {
            assert!(IscsiName::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_transport_id_survives_its_bytes() {
        let isid = [0x40, 0, 1, 0x37, 0xfe, 2];
        let port = PortName::Iscsi { name: name("iqn.1993-08.org.debian:01:ab"), isid };
        assert_eq!(port.to_string(), "iqn.1993-08.org.debian:01:ab,i,0x40000137fe02");
        for port in [port, PortName::Fc { wwnn: 0, wwpn: 0x2100_0024_ff5b_a06a }] {
            let mut bytes = port.transport_id();
            let len = bytes.len();
            assert_eq!(len % 4, 0);
            bytes.extend([0xff; 9]);
            assert_eq!(TransportId::parse(&bytes), Some((TransportId::Port(port), len)));
            assert_eq!(TransportId::parse(&bytes[..len - 1]), None);
        }
        let longest = PortName::Iscsi { name: name(&"a".repeat(223)), isid };
        assert_eq!(longest.transport_id().len(), 4 + 244);
    }

    #[test]
    fn format_00b_names_all_ports_of_an_initiator() {
        let mut bytes = vec![5, 0, 0, 20];
        bytes.extend(b"iqn.2000-01.a:B\0\0\0\0\0");
        let (id, len) = TransportId::parse(&bytes).unwrap();
        assert_eq!(len, 24);
        let port = |text| PortName::Iscsi { name: name(text), isid: [1; 6] };
        assert!(id.names(&port("iqn.2000-01.a:b")) && !id.names(&port("iqn.2000-01.a:c")));
        assert!(!id.names(&PortName::Fc { wwnn: 0, wwpn: 1 }));
    }

    #[test]
    fn malformed_ids_are_none() {
        let with = |format: u8, length: u8, text: &[u8]| {
            let mut bytes = vec![format << 6 | 5, 0, 0, length];
            bytes.extend(text);
            bytes.resize(4 + usize::from(length).max(20), 0);
            TransportId::parse(&bytes)
        };
        assert!(with(1, 24, b"iqn.a,i,0x000000000001").is_some());
        for (format, length, text) in [
            (1, 24, &b"iqn.a"[..]),
            (1, 24, b"iqn.a,i,0x00000000001"),
            (1, 24, b"iqn.a,i,0x+00000000001"),
            (0, 18, b"iqn.a"),
            (0, 16, b"iqn.a"),
            (0, 20, &[b'a'; 20]),
            (0, 20, &[0xff, 0]),
            (2, 20, b"iqn.a"),
            (0, 20, b""),
        ] {
            assert_eq!(with(format, length, text), None, "{format} {length} {text:?}");
        }
        assert_eq!(TransportId::parse(&[6; 24]), None);
        assert_eq!(TransportId::parse(&[]), None);
    }
}
