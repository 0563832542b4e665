//! Submission and completion queue entries. NVMe Base 2.0c 3.3.3.1 and 3.3.3.2.

use super::{SglDescriptor, Status};
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Submission queue entry: 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Sqe {
    /// Opcode; which list it is from depends on the queue.
    pub opcode: u8,
    /// FUSE in bits 1:0, PSDT in 7:6; see [`Sqe::fuse`] and [`Sqe::psdt`].
    pub flags: u8,
    /// Command identifier, the host's own.
    pub cid: U16,
    /// Namespace identifier.
    pub nsid: U32,
    /// Dword 2.
    pub cdw2: U32,
    /// Dword 3.
    pub cdw3: U32,
    /// Metadata pointer.
    pub mptr: U64,
    /// Data pointer; over Fabrics always one SGL descriptor.
    pub dptr: SglDescriptor,
    /// Dword 10.
    pub cdw10: U32,
    /// Dword 11.
    pub cdw11: U32,
    /// Dword 12.
    pub cdw12: U32,
    /// Dword 13.
    pub cdw13: U32,
    /// Dword 14.
    pub cdw14: U32,
    /// Dword 15.
    pub cdw15: U32,
}
assert_size!(Sqe = 64);
assert_offset!(Sqe: nsid = 4, mptr = 16, dptr = 24, cdw10 = 40, cdw15 = 60);

/// FUSE value of a command that is not fused.
pub const FUSE_NONE: u8 = 0;
/// FUSE value of the first of a fused pair.
pub const FUSE_FIRST: u8 = 1;
/// FUSE value of the second of a fused pair.
pub const FUSE_SECOND: u8 = 2;
/// PSDT value: PRPs (not over Fabrics).
pub const PSDT_PRP: u8 = 0;
/// PSDT value: SGL; MPTR is a contiguous buffer. What a Fabrics host sends.
pub const PSDT_SGL: u8 = 1;
/// PSDT value: SGL; MPTR points to an SGL segment.
pub const PSDT_SGL_METADATA_SGL: u8 = 2;

impl Sqe {
    /// All zero but opcode and NSID.
    pub fn new(opcode: u8, nsid: u32) -> Self {
        let mut sqe = Self::new_zeroed();
        sqe.opcode = opcode;
        sqe.flags = PSDT_SGL << 6;
        sqe.nsid = U32::new(nsid);
        sqe
    }

    /// Fused operation: 0 none, 1 first, 2 second, 3 reserved.
    pub const fn fuse(&self) -> u8 {
        self.flags & 3
    }

    /// PRP or SGL for data transfer.
    pub const fn psdt(&self) -> u8 {
        self.flags >> 6
    }

    /// Which way the data goes: the low two bits of every opcode say (Base 2.0c 3.3.3.1). Fabrics commands keep the
    /// same rule in FCTYPE instead; see [`crate::fabrics::FcType::transfer`].
    pub const fn transfer(&self) -> Transfer {
        Transfer::of(self.opcode)
    }

    /// Dwords 10 and 11 as one number.
    pub const fn cdw10_11(&self) -> u64 {
        self.cdw10.get() as u64 | (self.cdw11.get() as u64) << 32
    }

    /// Writes dwords 10 and 11 as one number.
    pub fn set_cdw10_11(&mut self, value: u64) {
        self.cdw10 = U32::new(value as u32);
        self.cdw11 = U32::new((value >> 32) as u32);
    }
}

/// Data transfer direction, from bits 1:0 of an opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transfer {
    /// 00b: none.
    None,
    /// 01b: host to controller.
    HostToController,
    /// 10b: controller to host.
    ControllerToHost,
    /// 11b: both ways (no command that we serve).
    Bidirectional,
}

impl Transfer {
    /// From an opcode or a Fabrics command type.
    pub const fn of(opcode: u8) -> Self {
        match opcode & 3 {
            0 => Self::None,
            1 => Self::HostToController,
            2 => Self::ControllerToHost,
            _ => Self::Bidirectional,
        }
    }
}

/// Completion queue entry: 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Cqe {
    /// Command specific.
    pub dw0: U32,
    /// Command specific (Fabrics: upper half of a property); otherwise reserved.
    pub dw1: U32,
    /// Submission queue head pointer; FFFFh where flow control is off by agreement.
    pub sqhd: U16,
    /// Submission queue identifier; reserved over Fabrics.
    pub sqid: U16,
    /// The command's identifier.
    pub cid: U16,
    /// Status field, phase tag in bit 0; see [`Cqe::status`].
    pub status: U16,
}
assert_size!(Cqe = 16);
assert_offset!(Cqe: sqhd = 8, cid = 12, status = 14);

impl Cqe {
    /// A completion; SQHD is zero until [`Cqe::with_sqhd`].
    pub const fn new(cid: u16, status: Status) -> Self {
        Self {
            dw0: U32::new(0),
            dw1: U32::new(0),
            sqhd: U16::new(0),
            sqid: U16::new(0),
            cid: U16::new(cid),
            status: U16::new(status.to_wire()),
        }
    }

    /// With dword 0 set.
    #[must_use]
    pub const fn with_dw0(mut self, dw0: u32) -> Self {
        self.dw0 = U32::new(dw0);
        self
    }

    /// With dwords 0 and 1 set: the value of Property Get.
    #[must_use]
    pub const fn with_value(mut self, value: u64) -> Self {
        self.dw0 = U32::new(value as u32);
        self.dw1 = U32::new((value >> 32) as u32);
        self
    }

    /// With the submission queue head pointer set.
    #[must_use]
    pub const fn with_sqhd(mut self, sqhd: u16) -> Self {
        self.sqhd = U16::new(sqhd);
        self
    }

    /// Dwords 0 and 1 as one number.
    pub const fn value(&self) -> u64 {
        self.dw0.get() as u64 | (self.dw1.get() as u64) << 32
    }

    /// The status without the phase tag.
    pub const fn status(&self) -> Status {
        Status::from_wire(self.status.get())
    }

    /// The phase tag (PCIe queues only; reserved over Fabrics).
    pub const fn phase(&self) -> bool {
        self.status.get() & 1 != 0
    }
}

impl core::fmt::Debug for Cqe {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cqe")
            .field("cid", &self.cid.get())
            .field("status", &self.status())
            .field("dw0", &self.dw0.get())
            .field("dw1", &self.dw1.get())
            .field("sqhd", &self.sqhd.get())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqe_bytes() {
        let mut sqe = Sqe::new(0x02, 0x0403_0201);
        sqe.cid = U16::new(0xbeef);
        sqe.set_cdw10_11(0x1122_3344_5566_7788);
        let b = sqe.as_bytes();
        assert_eq!(&b[..8], &[0x02, 0x40, 0xef, 0xbe, 1, 2, 3, 4]);
        assert_eq!(&b[40..48], &[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
        assert_eq!(sqe.cdw10_11(), 0x1122_3344_5566_7788);
        assert_eq!((sqe.psdt(), sqe.fuse()), (PSDT_SGL, FUSE_NONE));
        sqe.flags = 0x82;
        assert_eq!((sqe.psdt(), sqe.fuse()), (PSDT_SGL_METADATA_SGL, FUSE_SECOND));
        assert_eq!(sqe.transfer(), Transfer::ControllerToHost);
    }

    #[test]
    fn transfer_directions() {
        assert_eq!(Transfer::of(0x00), Transfer::None);
        assert_eq!(Transfer::of(0x01), Transfer::HostToController);
        assert_eq!(Transfer::of(0x06), Transfer::ControllerToHost);
        assert_eq!(Transfer::of(0x7f), Transfer::Bidirectional);
    }

    #[test]
    fn cqe_bytes() {
        let cqe = Cqe::new(0x1234, Status::INVALID_FIELD.with_dnr()).with_dw0(0xa1b2_c3d4).with_sqhd(7);
        let expected = [0xd4, 0xc3, 0xb2, 0xa1, 0, 0, 0, 0, 7, 0, 0, 0, 0x34, 0x12, 0x04, 0x80];
        assert_eq!(cqe.as_bytes(), &expected);
        assert_eq!(cqe.status(), Status::INVALID_FIELD.with_dnr());
        assert!(!cqe.phase());
        assert_eq!(cqe.with_value(0x0000_0002_0000_0001).value(), 0x0000_0002_0000_0001);
        assert_eq!(Cqe::read_from_bytes(&expected[..]).ok(), Some(cqe));
    }
}
