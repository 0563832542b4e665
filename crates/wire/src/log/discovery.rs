//! Discovery log page (70h). NVMe Base 2.0c 5.16.1.23; TSAS: NVMe/TCP 1.0c.

use crate::fabrics::Nqn;
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Header: 1,024 bytes; NUMREC entries of 1,024 bytes follow.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct DiscoveryHeader {
    /// Generation counter: changes with the content. A host reads it again after the last entry.
    pub genctr: U64,
    /// Number of entries.
    pub numrec: U64,
    /// Record format: 0.
    pub recfmt: U16,
    /// Discovery log page flags (2.1): what of the wished filters was applied.
    pub dlpf: u8,
    /// Reserved.
    pub rsvd19: u8,
    /// Total log page length in bytes (2.1); 0 where not reported.
    pub tdlpl: U32,
    /// Reserved.
    pub rsvd24: [u8; 1000],
}
assert_size!(DiscoveryHeader = 1024);
assert_offset!(DiscoveryHeader: numrec = 8, recfmt = 16, tdlpl = 20);

impl DiscoveryHeader {
    /// A header.
    pub const fn new(genctr: u64, numrec: u64) -> Self {
        Self {
            genctr: U64::new(genctr),
            numrec: U64::new(numrec),
            recfmt: U16::new(0),
            dlpf: 0,
            rsvd19: 0,
            tdlpl: U32::new(0),
            rsvd24: [0; 1000],
        }
    }
}

open_enum! {
    /// Transport types.
    pub enum TrType: u8 {
        RDMA = 0x01,
        FC = 0x02,
        TCP = 0x03,
        INTRA_HOST = 0xfe,
    }
}

open_enum! {
    /// Address families.
    pub enum AdrFam: u8 {
        NONE = 0x00,
        IPV4 = 0x01,
        IPV6 = 0x02,
        INFINIBAND = 0x03,
        FC = 0x04,
        INTRA_HOST = 0xfe,
    }
}

open_enum! {
    /// Subsystem types.
    pub enum Subtype: u8 {
        /// Another discovery service.
        REFERRAL = 0x01,
        /// A subsystem with namespaces.
        NVM = 0x02,
        /// The discovery subsystem that gives this page.
        CURRENT_DISCOVERY = 0x03,
    }
}

open_enum! {
    /// Transport requirements: secure channel in bits 1:0, bit 2 set where SQ flow control can be disabled.
    pub enum Treq: u8 {
        NOT_SPECIFIED = 0x00,
        SECURE_CHANNEL_REQUIRED = 0x01,
        SECURE_CHANNEL_NOT_REQUIRED = 0x02,
    }
    aliases {
        /// Bit: the host may disable submission queue flow control.
        DISABLE_SQ_FLOW_CONTROL = 0x04,
    }
}

open_enum! {
    /// TSAS of NVMe/TCP: security of the connection.
    pub enum SecType: u8 {
        NONE = 0x00,
        TLS_1_2 = 0x01,
        TLS_1_3 = 0x02,
    }
}

/// Entry flags.
pub mod eflags {
    /// Duplicate returned information: the same log page is at other ports of this discovery subsystem.
    pub const DUPRETINFO: u16 = 1 << 0;
    /// Explicit persistent connections are supported by this discovery subsystem.
    pub const EPCSD: u16 = 1 << 1;
    /// No CDC is connected (2.1).
    pub const NCC: u16 = 1 << 2;
}

/// One entry: 1,024 bytes.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct DiscoveryEntry {
    /// Transport type.
    pub trtype: TrType,
    /// Address family.
    pub adrfam: AdrFam,
    /// Subsystem type.
    pub subtype: Subtype,
    /// Transport requirements.
    pub treq: Treq,
    /// Port identifier; the same for entries of the same port.
    pub portid: U16,
    /// Controller identifier: FFFFh for the dynamic model.
    pub cntlid: U16,
    /// Largest admin submission queue, 32 or more.
    pub asqsz: U16,
    /// Entry flags.
    pub eflags: U16,
    /// Reserved.
    pub rsvd12: [u8; 20],
    /// Transport service identifier: the port number in ASCII, space-padded; see [`exact_text`].
    pub trsvcid: [u8; 32],
    /// Reserved.
    pub rsvd64: [u8; 192],
    /// Subsystem NQN.
    pub subnqn: Nqn,
    /// Transport address in ASCII, space-padded; see [`exact_text`].
    pub traddr: [u8; 256],
    /// Transport specific address subtype.
    pub tsas: [u8; 256],
}
assert_size!(DiscoveryEntry = 1024);
assert_offset!(DiscoveryEntry: portid = 4, cntlid = 6, asqsz = 8, eflags = 10, trsvcid = 32, subnqn = 256, traddr = 512,
    tsas = 768);

/// `text` in an ASCII field, space-padded; `None` when it does not fit or is not printable ASCII. For addresses, where a
/// cut text would be another address.
pub fn exact_text<const N: usize>(text: &str) -> Option<[u8; N]> {
    let printable = text.bytes().all(|c| (0x20..=0x7e).contains(&c));
    if printable && text.len() <= N { Some(crate::padded(text)) } else { None }
}

/// TSAS of NVMe/TCP: SECTYPE in the first byte.
pub const fn tsas_tcp(sectype: SecType) -> [u8; 256] {
    let mut tsas = [0; 256];
    tsas[0] = sectype.0;
    tsas
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use zerocopy::FromZeros;

    #[test]
    fn header_bytes() {
        let h = DiscoveryHeader::new(0x0102, 3);
        assert_eq!(&h.as_bytes()[..18], &[2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(h.as_bytes()[18..].iter().all(|&b| b == 0));
    }

    #[test]
    fn entry_bytes() {
        let mut e = DiscoveryEntry::new_zeroed();
        e.trtype = TrType::TCP;
        e.adrfam = AdrFam::IPV4;
        e.subtype = Subtype::NVM;
        e.treq = Treq::SECURE_CHANNEL_NOT_REQUIRED;
        e.portid = U16::new(1);
        e.cntlid = U16::new(0xffff);
        e.asqsz = U16::new(32);
        e.trsvcid = exact_text("4420").unwrap();
        e.subnqn = Nqn::new("nqn.2016-06.io.spdk:cnode1").unwrap();
        e.traddr = exact_text("127.0.0.1").unwrap();
        e.tsas = tsas_tcp(SecType::NONE);
        let b = e.as_bytes();
        assert_eq!(&b[..12], &[3, 1, 2, 2, 1, 0, 0xff, 0xff, 32, 0, 0, 0]);
        assert_eq!(&b[32..38], b"4420  ");
        assert_eq!(&b[256..260], b"nqn.");
        assert_eq!(&b[512..522], b"127.0.0.1 ");
        assert_eq!(b[768], 0);
        let back: &[DiscoveryEntry] = crate::parse_each(b);
        assert_eq!(crate::unpadded(&back[0].traddr), Some("127.0.0.1"));
        assert_eq!(tsas_tcp(SecType::TLS_1_3)[0], 2);
    }

    #[test]
    fn addresses_are_not_cut() {
        assert_eq!(exact_text::<4>("4420"), Some(*b"4420"));
        assert_eq!(exact_text::<4>("44200"), None);
        assert_eq!(exact_text::<4>("\u{e9}"), None);
    }

    #[test]
    fn names() {
        assert_eq!(std::format!("{:?} {:?} {:?}", TrType(3), AdrFam(2), Subtype(9)), "TCP IPV6 Subtype(0x9)");
    }
}
