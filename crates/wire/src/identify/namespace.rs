//! Identify Namespace (CNS 00h; NVM 1.0c 4.1.5.1), its I/O command set independent part (CNS 08h; Base 2.0c 5.17.2.8)
//! and the NVM command set's further part (CNS 05h, CSI 00h; NVM 1.0c 4.1.5).

use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// LBA format: 4 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LbaFormat {
    /// Metadata bytes per block.
    pub ms: U16,
    /// Block size as a power of two: 9 or more; 0 for a format that is not there.
    pub lbads: u8,
    /// Relative performance: bits 1:0, 0 is best.
    pub rp: u8,
}
assert_size!(LbaFormat = 4);

impl LbaFormat {
    /// A format without metadata.
    pub const fn new(lbads: u8) -> Self {
        Self { ms: U16::new(0), lbads, rp: 0 }
    }

    /// Bytes of a block; `None` where LBADS makes no sense (below 9 or above 31).
    pub const fn block_bytes(&self) -> Option<u32> {
        match self.lbads {
            9..=31 => Some(1 << self.lbads),
            _ => None,
        }
    }
}

/// Identify Namespace of the NVM command set. Sizes are in logical blocks. Fields that the standard calls "0's based" are marked.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
#[expect(missing_docs, reason = "the names are the standard's, and its text on each is the documentation")]
pub struct Namespace {
    pub nsze: U64,
    pub ncap: U64,
    pub nuse: U64,
    pub nsfeat: u8,
    /// Number of LBA formats, zero-based.
    pub nlbaf: u8,
    /// Format in use: index bits 3:0 and 6:5; bit 4: metadata at the end of the data.
    pub flbas: u8,
    pub mc: u8,
    pub dpc: u8,
    pub dps: u8,
    pub nmic: u8,
    pub rescap: u8,
    pub fpi: u8,
    pub dlfeat: u8,
    /// Zero-based.
    pub nawun: U16,
    /// Zero-based.
    pub nawupf: U16,
    /// Zero-based.
    pub nacwu: U16,
    /// Zero-based; 0 for no boundary.
    pub nabsn: U16,
    pub nabo: U16,
    /// Zero-based; 0 for no boundary.
    pub nabspf: U16,
    pub noiob: U16,
    /// Bytes.
    pub nvmcap: [u8; 16],
    /// Zero-based.
    pub npwg: U16,
    /// Zero-based.
    pub npwa: U16,
    /// Zero-based.
    pub npdg: U16,
    /// Zero-based.
    pub npda: U16,
    /// Zero-based.
    pub nows: U16,
    pub mssrl: U16,
    pub mcl: U32,
    /// Zero-based.
    pub msrc: u8,
    pub kpios: u8,
    pub nulbaf: u8,
    pub rsvd83: u8,
    pub kpiodaag: U32,
    pub rsvd88: [u8; 4],
    pub anagrpid: U32,
    pub rsvd96: [u8; 3],
    pub nsattr: u8,
    pub nvmsetid: U16,
    pub endgid: U16,
    /// Big-endian, as written.
    pub nguid: [u8; 16],
    /// Big-endian, as written.
    pub eui64: [u8; 8],
    pub lbaf: [LbaFormat; 64],
    pub vs: [u8; 3712],
}
assert_size!(Namespace = 4096);
assert_offset!(Namespace:
    nsfeat = 24, nlbaf = 25, flbas = 26, mc = 27, dpc = 28, dps = 29, nmic = 30, rescap = 31, fpi = 32, dlfeat = 33,
    nawun = 34, nawupf = 36, nacwu = 38, nabsn = 40, nabo = 42, nabspf = 44, noiob = 46, nvmcap = 48, npwg = 64, npwa = 66,
    npdg = 68, npda = 70, nows = 72, mssrl = 74, mcl = 76, msrc = 80, nulbaf = 82, anagrpid = 92, nsattr = 99,
    nvmsetid = 100, endgid = 102, nguid = 104, eui64 = 120, lbaf = 128, vs = 384,
);

impl Namespace {
    /// Index of the format in use.
    pub const fn format_index(&self) -> u8 {
        self.flbas & 0xf | (self.flbas >> 1) & 0x30
    }

    /// The format in use.
    pub const fn format(&self) -> LbaFormat {
        self.lbaf[self.format_index() as usize]
    }
}

/// Bits of Identify Namespace fields, and of the independent structure where it has the same field.
pub mod ns_bits {
    /// NSFEAT: thin provisioning.
    pub const NSFEAT_THIN: u8 = 1 << 0;
    /// NSFEAT: NAWUN, NAWUPF and NACWU are filled in.
    pub const NSFEAT_ATOMICS: u8 = 1 << 1;
    /// NSFEAT: NGUID and EUI64 are never used again.
    pub const NSFEAT_UID_REUSE: u8 = 1 << 3;
    /// NSFEAT: NPWG, NPWA, NPDG, NPDA and NOWS are filled in.
    pub const NSFEAT_OPTPERF: u8 = 1 << 4;
    /// NMIC: may be attached to two or more controllers.
    pub const NMIC_SHARED: u8 = 1 << 0;
    /// DLFEAT bits 2:0: deallocated blocks read as zeroes.
    pub const DLFEAT_ZEROES: u8 = 1;
    /// DLFEAT: Write Zeroes takes the Deallocate bit.
    pub const DLFEAT_WZ_DEAC: u8 = 1 << 3;
    /// NSATTR: write protected.
    pub const NSATTR_WRITE_PROTECTED: u8 = 1 << 0;
    /// NSTAT (independent structure): the namespace is ready.
    pub const NSTAT_READY: u8 = 1 << 0;
    /// NSFEAT of the independent structure: UID reuse.
    pub const INDEPENDENT_UID_REUSE: u8 = 1 << 3;
    /// NSFEAT of the independent structure: rotational media.
    pub const INDEPENDENT_ROTATIONAL: u8 = 1 << 4;
    /// NSFEAT of the independent structure: no volatile write cache on this namespace.
    pub const INDEPENDENT_VWCNP: u8 = 1 << 5;
}

/// I/O command set independent Identify Namespace.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NamespaceIndependent {
    /// Common features, see [`ns_bits`].
    pub nsfeat: u8,
    /// Sharing.
    pub nmic: u8,
    /// Reservation capabilities.
    pub rescap: u8,
    /// Format progress.
    pub fpi: u8,
    /// ANA group.
    pub anagrpid: U32,
    /// Attributes.
    pub nsattr: u8,
    /// Reserved.
    pub rsvd9: u8,
    /// NVM set.
    pub nvmsetid: U16,
    /// Endurance group.
    pub endgid: U16,
    /// Status: [`ns_bits::NSTAT_READY`].
    pub nstat: u8,
    /// Key per I/O status (2.1).
    pub kpios: u8,
    /// Maximum key tag (2.1).
    pub maxkt: U16,
    /// Reserved.
    pub rsvd18: [u8; 2],
    /// Reachability group (2.1).
    pub rgrpid: U32,
    /// Reserved.
    pub rsvd24: [u8; 4072],
}
assert_size!(NamespaceIndependent = 4096);
assert_offset!(NamespaceIndependent: anagrpid = 4, nsattr = 8, nvmsetid = 10, endgid = 12, nstat = 14, rgrpid = 20);

/// NVM command set specific Identify Namespace: protection formats. All zero without protection information.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NamespaceNvm {
    /// Logical block storage tag mask.
    pub lbstm: U64,
    /// Protection information capabilities.
    pub pic: u8,
    /// Protection information format attribute (NVM 1.1).
    pub pifa: u8,
    /// Reserved.
    pub rsvd10: [u8; 2],
    /// Extended LBA formats.
    pub elbaf: [U32; 64],
    /// Large preferred deallocate granularity (NVM 1.1).
    pub npdgl: U32,
    /// Preferred read granularity (NVM 1.1).
    pub nprg: U32,
    /// Preferred read alignment (NVM 1.1).
    pub npra: U32,
    /// Optimal read size (NVM 1.1).
    pub nors: U32,
    /// Large preferred deallocate alignment (NVM 1.1).
    pub npdal: U32,
    /// LBA format placement shard size (NVM 1.1).
    pub lbapss: U32,
    /// Tracked LBA allocation granularity (NVM 1.1).
    pub tlbaag: U32,
    /// Reserved.
    pub rsvd296: [u8; 3800],
}
assert_size!(NamespaceNvm = 4096);
assert_offset!(NamespaceNvm: elbaf = 12, npdgl = 268);

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    #[test]
    fn golden_fields() {
        let mut n = Namespace::new_zeroed();
        n.nsze = U64::new(0x0001_0000_0000);
        n.dlfeat = ns_bits::DLFEAT_ZEROES | ns_bits::DLFEAT_WZ_DEAC;
        n.eui64 = [1, 2, 3, 4, 5, 6, 7, 8];
        n.lbaf[0] = LbaFormat::new(12);
        n.anagrpid = U32::new(1);
        let b = n.as_bytes();
        assert_eq!(&b[..8], &[0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!((b[33], b[92]), (9, 1));
        assert_eq!(&b[120..132], &[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 12, 0]);
        assert_eq!(n.format().block_bytes(), Some(4096));
    }

    #[test]
    fn format_index_has_two_parts() {
        let mut n = Namespace::new_zeroed();
        n.flbas = 0x7f;
        assert_eq!(n.format_index(), 63);
        n.flbas = 0x20;
        assert_eq!(n.format_index(), 16);
        n.flbas = 0x10;
        assert_eq!(n.format_index(), 0);
        assert_eq!(n.format().block_bytes(), None);
        assert_eq!(LbaFormat::new(255).block_bytes(), None);
        assert_eq!(LbaFormat::new(9).block_bytes(), Some(512));
    }

    #[test]
    fn independent_part() {
        let mut n = NamespaceIndependent::new_zeroed();
        n.nmic = ns_bits::NMIC_SHARED;
        n.anagrpid = U32::new(2);
        n.nstat = ns_bits::NSTAT_READY;
        assert_eq!(&n.as_bytes()[..16], &[0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    }
}
