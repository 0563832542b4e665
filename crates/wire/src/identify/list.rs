//! Lists that Identify returns: namespace identifiers (CNS 02h and the like; Base 2.0c 4.4.2), namespace identification
//! descriptors (CNS 03h; 5.17.2.3), I/O command sets (CNS 1Ch).

use crate::nvme::Csi;
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Namespace list: up to 1,024 NSIDs, ascending, then zeroes. Also the changed namespace list.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NsList {
    /// The identifiers.
    pub nsid: [U32; 1024],
}
assert_size!(NsList = 4096);

impl NsList {
    /// The first 1,024 of `nsids` that are greater than `after`. `nsids` must ascend; that is ours to keep.
    pub fn after(after: u32, nsids: impl Iterator<Item = u32>) -> Self {
        let mut list = Self { nsid: [U32::new(0); 1024] };
        for (entry, nsid) in list.nsid.iter_mut().zip(nsids.filter(|&n| n > after)) {
            *entry = U32::new(nsid);
        }
        list
    }

    /// The identifiers up to the first zero.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.nsid.iter().map(|n| n.get()).take_while(|&n| n != 0)
    }
}

/// Controller list (CNS 12h and 13h; Base 2.0c 4.4.1): up to 2,047 controller identifiers, ascending.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ControllerList {
    /// Number of identifiers.
    pub count: U16,
    /// The identifiers, then zeroes.
    pub cntlid: [U16; 2047],
}
assert_size!(ControllerList = 4096);

impl ControllerList {
    /// The first 2,047 of `cntlids` that are `from` or greater. `cntlids` must ascend; that is ours to keep.
    pub fn from(from: u16, cntlids: impl Iterator<Item = u16>) -> Self {
        let mut list = Self { count: U16::new(0), cntlid: [U16::new(0); 2047] };
        for (entry, cntlid) in list.cntlid.iter_mut().zip(cntlids.filter(|&c| c >= from)) {
            *entry = U16::new(cntlid);
            list.count += 1;
        }
        list
    }

    /// The identifiers, as many as the count says and fit.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.cntlid.iter().take(usize::from(self.count.get())).map(|c| c.get())
    }
}

open_enum! {
    /// Namespace identifier types.
    pub enum Nidt: u8 {
        /// IEEE EUI-64: 8 bytes, big-endian.
        EUI64 = 0x1,
        /// NGUID: 16 bytes, big-endian.
        NGUID = 0x2,
        /// UUID: 16 bytes as in RFC 4122.
        UUID = 0x3,
        /// Command set identifier: 1 byte.
        CSI = 0x4,
    }
}

/// Namespace identification descriptor header: 4 bytes; NIDL bytes follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct IdDescriptor {
    /// Identifier type.
    pub nidt: Nidt,
    /// Identifier length.
    pub nidl: u8,
    /// Reserved.
    pub rsvd: [u8; 2],
}
assert_size!(IdDescriptor = 4);

/// Writes namespace identification descriptors into 4,096 bytes.
#[derive(Clone)]
pub struct DescriptorWriter {
    bytes: [u8; 4096],
    len: usize,
}

impl Default for DescriptorWriter {
    fn default() -> Self {
        Self { bytes: [0; 4096], len: 0 }
    }
}

impl DescriptorWriter {
    fn put(mut self, nidt: Nidt, id: &[u8]) -> Self {
        // At most 4 of them are ever written, of 20 bytes: cannot overflow unless a caller writes hundreds.
        let end = self.len + 4 + id.len();
        assert!(end <= self.bytes.len(), "too many namespace identification descriptors");
        self.bytes[self.len..self.len + 2].copy_from_slice(&[nidt.0, id.len() as u8]);
        self.bytes[self.len + 4..end].copy_from_slice(id);
        self.len = end;
        self
    }

    /// Adds an EUI-64.
    #[must_use]
    pub fn eui64(self, id: &[u8; 8]) -> Self {
        self.put(Nidt::EUI64, id)
    }

    /// Adds an NGUID.
    #[must_use]
    pub fn nguid(self, id: &[u8; 16]) -> Self {
        self.put(Nidt::NGUID, id)
    }

    /// Adds a UUID.
    #[must_use]
    pub fn uuid(self, id: &[u8; 16]) -> Self {
        self.put(Nidt::UUID, id)
    }

    /// Adds the command set identifier (mandatory from Base 2.0 on).
    #[must_use]
    pub fn csi(self, csi: Csi) -> Self {
        self.put(Nidt::CSI, &[csi.0])
    }

    /// The data structure.
    pub fn finish(self) -> [u8; 4096] {
        self.bytes
    }
}

/// Iterator over received namespace identification descriptors; ends at the first that is zero or does not fit.
#[derive(Clone, Debug)]
pub struct Descriptors<'a>(&'a [u8]);

/// Reads namespace identification descriptors.
pub fn descriptors(bytes: &[u8]) -> Descriptors<'_> {
    Descriptors(bytes)
}

impl<'a> Iterator for Descriptors<'a> {
    type Item = (Nidt, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let head: IdDescriptor = crate::read(self.0)?;
        let end = 4 + usize::from(head.nidl);
        if head.nidl == 0 || end > self.0.len() {
            self.0 = &[];
            return None;
        }
        let (one, rest) = self.0.split_at(end);
        self.0 = rest;
        Some((head.nidt, &one[4..]))
    }
}

/// I/O command set data structure: up to 512 vectors of command sets that can be enabled together.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CommandSetVectors {
    /// Bit n of a vector stands for CSI n.
    pub vector: [U64; 512],
}
assert_size!(CommandSetVectors = 4096);

impl CommandSetVectors {
    /// One combination: NVM alone.
    pub const fn nvm_only() -> Self {
        let mut vector = [U64::new(0); 512];
        vector[0] = U64::new(1 << Csi::NVM.0);
        Self { vector }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_list() {
        let list = NsList::after(2, [1, 2, 3, 0x0102_0304].into_iter());
        assert_eq!(&list.as_bytes()[..12], &[3, 0, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0]);
        assert!(list.iter().eq([3, 0x0102_0304]));
        let full = NsList::after(0, 1..=5000);
        assert_eq!((full.iter().count(), full.nsid[1023].get()), (1024, 1024));
        assert_eq!(NsList::after(0xffff_fffe, 1..10).iter().count(), 0);
    }

    #[test]
    fn controller_list() {
        let list = ControllerList::from(2, [1, 2, 0x0301].into_iter());
        assert_eq!(&list.as_bytes()[..8], &[2, 0, 2, 0, 1, 3, 0, 0]);
        assert!(list.iter().eq([2, 0x0301]));
        assert_eq!(ControllerList::from(0, 0..5000).iter().count(), 2047);
        let lying: ControllerList = crate::read(&[0xff; 4096]).unwrap();
        assert_eq!(lying.iter().count(), 2047);
    }

    #[test]
    fn descriptor_bytes() {
        let b = DescriptorWriter::default().eui64(&[9; 8]).nguid(&[8; 16]).uuid(&[7; 16]).csi(Csi::NVM).finish();
        assert_eq!(&b[..5], &[1, 8, 0, 0, 9]);
        assert_eq!(&b[12..17], &[2, 16, 0, 0, 8]);
        assert_eq!(&b[32..37], &[3, 16, 0, 0, 7]);
        assert_eq!(&b[52..60], &[4, 1, 0, 0, 0, 0, 0, 0]);
        let mut seen = descriptors(&b);
        assert_eq!(seen.next(), Some((Nidt::EUI64, &[9u8; 8][..])));
        assert_eq!(seen.next(), Some((Nidt::NGUID, &[8u8; 16][..])));
        assert_eq!(seen.next(), Some((Nidt::UUID, &[7u8; 16][..])));
        assert_eq!(seen.next(), Some((Nidt::CSI, &[0u8][..])));
        assert_eq!(seen.next(), None);
        assert_eq!(seen.next(), None);
    }

    #[test]
    fn bad_descriptors_end_the_list() {
        assert_eq!(descriptors(&[3, 16, 0, 0, 1, 2]).next(), None);
        assert_eq!(descriptors(&[3, 16]).next(), None);
        let mut seen = descriptors(&[9, 1, 0, 0, 5, 3, 255, 0, 0]);
        assert_eq!(seen.next(), Some((Nidt(9), &[5u8][..])));
        assert_eq!((seen.next(), seen.next()), (None, None));
    }

    #[test]
    fn command_sets() {
        let v = CommandSetVectors::nvm_only();
        assert_eq!((v.vector[0].get(), v.vector[1].get()), (1, 0));
    }
}
