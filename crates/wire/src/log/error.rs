//! Error Information log page (01h). NVMe Base 2.0c 5.16.1.2.

use crate::nvme::{Csi, Status};
use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// One entry: 64 bytes; the newest comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ErrorEntry {
    /// Number of the error over the controller's life; 0 marks an unused entry.
    pub error_count: U64,
    /// Submission queue.
    pub sqid: U16,
    /// Command identifier; FFFFh when the error is not of one command.
    pub cid: U16,
    /// Status field as in a completion, phase tag in bit 0; see [`ErrorEntry::status`].
    pub status: U16,
    /// Byte (bits 7:0) and bit (10:8) of the SQE that was wrong; FFFFh for none.
    pub parameter: U16,
    /// First logical block with the error.
    pub lba: U64,
    /// Namespace.
    pub nsid: U32,
    /// Log page that has more about it; 0 for none.
    pub vsia: u8,
    /// Transport type, see [`super::TrType`]; 0 where it does not matter.
    pub trtype: u8,
    /// Command set (2.0).
    pub csi: Csi,
    /// Opcode (2.0).
    pub opcode: u8,
    /// Command specific information.
    pub command_specific: U64,
    /// Transport type specific information.
    pub transport_specific: U16,
    /// Reserved.
    pub rsvd42: [u8; 21],
    /// Log page version: 1 where CSI and opcode are filled in.
    pub version: u8,
}
assert_size!(ErrorEntry = 64);
assert_offset!(ErrorEntry: status = 12, parameter = 14, lba = 16, nsid = 24, vsia = 28, opcode = 31, command_specific = 32,
    transport_specific = 40, version = 63);

impl ErrorEntry {
    /// CID and parameter location when there is none.
    pub const NONE: u16 = 0xffff;

    /// The status without the phase tag.
    pub const fn status(&self) -> Status {
        Status::from_wire(self.status.get())
    }

    /// PARAMETER ERROR LOCATION of one bit of the SQE.
    pub const fn location(byte: u8, bit: u8) -> u16 {
        byte as u16 | ((bit & 7) as u16) << 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    #[test]
    fn bytes() {
        let mut e = ErrorEntry::new_zeroed();
        e.error_count = U64::new(3);
        e.sqid = U16::new(1);
        e.cid = U16::new(0x0a0b);
        e.status = U16::new(Status::LBA_OUT_OF_RANGE.with_dnr().to_wire());
        e.parameter = U16::new(ErrorEntry::location(40, 3));
        e.nsid = U32::new(9);
        e.version = 1;
        let b = e.as_bytes();
        assert_eq!(&b[..16], &[3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x0b, 0x0a, 0x00, 0x81, 40, 3]);
        assert_eq!((b[24], b[63]), (9, 1));
        assert_eq!(e.status(), Status::LBA_OUT_OF_RANGE.with_dnr());
    }
}
