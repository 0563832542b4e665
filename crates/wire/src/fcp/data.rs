//! FCP_XFER_RDY (FCP-4 9.3) and SRR (FCP-4 4.3 and annex C).

use crate::fc::RCtl;
use crate::fc::els::Command;
use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// FCP_XFER_RDY, and NVMe_XFER_RDY: 12 bytes. The target is ready for a burst of write data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct XferRdy {
    /// Offset in the command's data.
    pub offset: U32,
    /// Bytes that the initiator is to send.
    pub burst_length: U32,
    /// Reserved.
    pub rsvd8: [u8; 4],
}
assert_size!(XferRdy = 12);

impl XferRdy {
    /// Asks for `burst_length` bytes from `offset` on.
    pub const fn new(offset: u32, burst_length: u32) -> Self {
        Self { offset: U32::new(offset), burst_length: U32::new(burst_length), rsvd8: [0; 4] }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 12] {
        transmute!(self)
    }
}

/// Sequence retransmission request: 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Srr {
    /// [`Command::SRR`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 3],
    /// Exchange of the command.
    pub ox_id: U16,
    /// Exchange of the command.
    pub rx_id: U16,
    /// Where to begin again.
    pub offset: U32,
    /// Which information unit is to be sent again.
    pub r_ctl: RCtl,
    /// Reserved.
    pub rsvd13: [u8; 3],
}
assert_size!(Srr = 16);
assert_offset!(Srr: ox_id = 4, rx_id = 6, offset = 8, r_ctl = 12);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn layouts() {
        assert_eq!(XferRdy::new(0x1000, 0x2000).to_bytes(), [0, 0, 0x10, 0, 0, 0, 0x20, 0, 0, 0, 0, 0]);
        let srr: &Srr = parse(&[0x14, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0x10, 0, 7, 0, 0, 0]).unwrap();
        assert_eq!((srr.ox_id.get(), srr.rx_id.get(), srr.offset.get()), (0x0102, 0x0304, 0x1000));
        assert_eq!((srr.command, srr.r_ctl), (Command::SRR, RCtl::COMMAND_STATUS));
    }
}
