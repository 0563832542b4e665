//! NVM Command Set Specification 1.0c, 3: fields of Read, Write, Write Zeroes, Compare, Verify and Dataset Management.

use crate::nvme::{NvmOpcode, Sqe};
use zerocopy::byteorder::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Dwords 10 to 15 of Read, Write, Write Zeroes, Compare and Verify (3.2.1, 3.2.4 to 3.2.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rw {
    /// First logical block.
    pub slba: u64,
    /// Dword 12: NLB and the bits.
    pub dw12: u32,
    /// Dword 13: dataset management hints and, in its upper half, DSPEC.
    pub dw13: u32,
}

impl Rw {
    /// Limited Retry.
    pub const LR: u32 = 1 << 31;
    /// Force Unit Access.
    pub const FUA: u32 = 1 << 30;
    /// Deallocate (Write Zeroes).
    pub const DEAC: u32 = 1 << 25;
    /// Storage Tag Check.
    pub const STC: u32 = 1 << 24;
    /// Namespace Zeroes (Write Zeroes, NVM 1.1): all or none without writing one by one.
    pub const NSZ: u32 = 1 << 23;

    /// Reads the command's dwords.
    #[inline]
    pub const fn of(sqe: &Sqe) -> Self {
        Self { slba: sqe.cdw10_11(), dw12: sqe.cdw12.get(), dw13: sqe.cdw13.get() }
    }

    /// Number of logical blocks: 1 to 65,536.
    #[inline]
    pub const fn nlb(&self) -> u32 {
        (self.dw12 & 0xffff) + 1
    }

    /// The block after the last one; `None` when it does not fit 64 bits.
    #[inline]
    pub const fn end(&self) -> Option<u64> {
        self.slba.checked_add(self.nlb() as u64)
    }

    /// Force Unit Access.
    #[inline]
    pub const fn fua(&self) -> bool {
        self.dw12 & Self::FUA != 0
    }

    /// Limited Retry.
    pub const fn lr(&self) -> bool {
        self.dw12 & Self::LR != 0
    }

    /// Deallocate (Write Zeroes).
    pub const fn deac(&self) -> bool {
        self.dw12 & Self::DEAC != 0
    }

    /// Storage Tag Check.
    pub const fn stc(&self) -> bool {
        self.dw12 & Self::STC != 0
    }

    /// Protection Information: PRACT in bit 3, PRCHK in 2:0.
    pub const fn prinfo(&self) -> u8 {
        (self.dw12 >> 26) as u8 & 0xf
    }

    /// Directive type (Write), bits 23:20.
    pub const fn dtype(&self) -> u8 {
        (self.dw12 >> 20) as u8 & 0xf
    }

    /// Dataset management hints: access frequency in bits 3:0, latency in 5:4, sequential in 6, incompressible in 7.
    pub const fn dsm(&self) -> u8 {
        self.dw13 as u8
    }

    /// A command without data pointer and CID. `nlb` is the number of blocks, 1 to 65,536; `bits` are [`Rw::FUA`] and the
    /// like. More blocks than fit are cut to 65,536, none counts as one.
    pub fn sqe(opcode: NvmOpcode, nsid: u32, slba: u64, nlb: u32, bits: u32) -> Sqe {
        let mut sqe = Sqe::new(opcode.0, nsid);
        sqe.set_cdw10_11(slba);
        sqe.cdw12 = U32::new(nlb.saturating_sub(1).min(0xffff) | bits & 0xffff_0000);
        sqe
    }
}

/// Dwords 10 and 11 of Dataset Management (3.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dsm {
    /// Number of ranges: 1 to 256.
    pub ranges: u32,
    /// Attributes: [`Dsm::AD`], [`Dsm::IDW`], [`Dsm::IDR`].
    pub attributes: u32,
}

impl Dsm {
    /// Deallocate.
    pub const AD: u32 = 1 << 2;
    /// Integral Dataset for Write.
    pub const IDW: u32 = 1 << 1;
    /// Integral Dataset for Read.
    pub const IDR: u32 = 1 << 0;

    /// Reads the command's dwords.
    pub const fn of(sqe: &Sqe) -> Self {
        Self { ranges: (sqe.cdw10.get() & 0xff) + 1, attributes: sqe.cdw11.get() & 7 }
    }

    /// Deallocate is asked for.
    pub const fn deallocate(&self) -> bool {
        self.attributes & Self::AD != 0
    }

    /// Bytes of the range list: 16 to 4,096.
    pub const fn bytes(&self) -> u32 {
        self.ranges * core::mem::size_of::<DsmRange>() as u32
    }

    /// A command without data pointer and CID; `ranges` 1 to 256.
    pub fn sqe(nsid: u32, ranges: u32, attributes: u32) -> Sqe {
        let mut sqe = Sqe::new(NvmOpcode::DATASET_MANAGEMENT.0, nsid);
        sqe.cdw10 = U32::new(ranges.saturating_sub(1).min(0xff));
        sqe.cdw11 = U32::new(attributes);
        sqe
    }
}

/// One range of Dataset Management: 16 bytes. Read a list with [`crate::parse_each`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct DsmRange {
    /// Context attributes (hints).
    pub cattr: U32,
    /// Length in logical blocks, *not* zero-based; 0 is a range of nothing.
    pub nlb: U32,
    /// First logical block.
    pub slba: U64,
}
assert_size!(DsmRange = 16);

impl DsmRange {
    /// A range without hints.
    pub const fn new(slba: u64, nlb: u32) -> Self {
        Self { cattr: U32::new(0), nlb: U32::new(nlb), slba: U64::new(slba) }
    }

    /// The block after the last one; `None` when it does not fit 64 bits.
    pub const fn end(&self) -> Option<u64> {
        self.slba.get().checked_add(self.nlb.get() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_fields() {
        let sqe = Rw::sqe(NvmOpcode::READ, 1, 0x1_0000_0002, 8, Rw::FUA | Rw::LR);
        assert_eq!(sqe.cdw12.get(), 0xc000_0007);
        let rw = Rw::of(&sqe);
        assert_eq!((rw.slba, rw.nlb(), rw.end()), (0x1_0000_0002, 8, Some(0x1_0000_000a)));
        assert!(rw.fua() && rw.lr() && !rw.deac() && !rw.stc());
        assert_eq!(rw.prinfo(), 0);
    }

    #[test]
    fn bits_and_ends() {
        let rw = Rw { slba: u64::MAX, dw12: 0x3f5f_ffff, dw13: 0x1234_5678 };
        assert_eq!((rw.nlb(), rw.end()), (65_536, None));
        assert_eq!((rw.prinfo(), rw.dtype(), rw.dsm()), (0xf, 5, 0x78));
        let one_bit = |bit: u32| Rw { slba: 0, dw12: 1 << bit, dw13: 0 };
        assert_eq!(
            (one_bit(25).prinfo(), one_bit(26).prinfo(), one_bit(29).prinfo(), one_bit(30).prinfo()),
            (0, 1, 8, 0)
        );
        assert_eq!((one_bit(19).dtype(), one_bit(20).dtype(), one_bit(23).dtype(), one_bit(24).dtype()), (0, 1, 8, 0));
        assert!(rw.deac() && rw.stc() && !rw.fua() && !rw.lr());
        assert_eq!(Rw { slba: u64::MAX - 1, dw12: 0, dw13: 0 }.end(), Some(u64::MAX));
    }

    #[test]
    fn builders_cut() {
        assert_eq!(Rw::of(&Rw::sqe(NvmOpcode::WRITE, 1, 0, 0, 0)).nlb(), 1);
        assert_eq!(Rw::of(&Rw::sqe(NvmOpcode::WRITE, 1, 0, 70_000, 0)).nlb(), 65_536);
        assert_eq!(Rw::of(&Rw::sqe(NvmOpcode::WRITE, 1, 0, 1, 0xffff)).nlb(), 1);
    }

    #[test]
    fn dataset_management() {
        let sqe = Dsm::sqe(1, 256, Dsm::AD);
        assert_eq!((sqe.cdw10.get(), sqe.cdw11.get()), (0xff, 4));
        let dsm = Dsm::of(&sqe);
        assert_eq!((dsm.ranges, dsm.bytes(), dsm.deallocate()), (256, 4096, true));
        let r = DsmRange::new(0x10, 0x20);
        assert_eq!(r.as_bytes(), &[0, 0, 0, 0, 0x20, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((r.end(), DsmRange::new(u64::MAX, 1).end()), (Some(0x30), None));
        let list: &[DsmRange] = crate::parse_each(r.as_bytes());
        assert_eq!(list, &[r]);
    }
}
