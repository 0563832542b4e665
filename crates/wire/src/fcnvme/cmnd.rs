//! NVMe_CMND: 96 bytes. FC-NVMe-2 clause 8 (NVMe_CMND IU).

use crate::fabrics::FcType;
use crate::fcp::Direction;
use crate::nvme::{Sqe, Transfer};
use zerocopy::byteorder::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// Length of an NVMe_CMND.
pub const CMND_BYTES: usize = 96;
const FORMAT: u8 = 0xfd;
const FC_ID: u8 = 0x28;
const WRITE: u8 = 1;
const READ: u8 = 2;

/// Byte 6: what queue the command is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Category {
    /// Nothing said (FC-NVMe-1).
    None,
    /// Admin queue.
    Admin,
    /// I/O queue of a command set (CC.CSS).
    Io(u8),
}

/// NVMe_CMND.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CmndIu {
    /// FDh: no FCP_CMND, whose first byte is part of a LUN, begins so.
    pub format_id: u8,
    /// 28h.
    pub fc_id: u8,
    /// Length in words: 24.
    pub iu_words: U16,
    /// Reserved.
    pub rsvd4: [u8; 2],
    /// See [`CmndIu::category`].
    pub category: u8,
    /// Bit 0 write, bit 1 read, bit 2 first burst of protection information.
    pub flags: u8,
    /// Connection identifier.
    pub connection_id: U64,
    /// Command sequence number.
    pub csn: U32,
    /// Bytes to transfer.
    pub data_length: U32,
    /// The command.
    pub sqe: Sqe,
    /// DPS, for protection information.
    pub dps: u8,
    /// LBADS, for protection information.
    pub lbads: u8,
    /// Metadata bytes of a block, for protection information.
    pub ms: U16,
    /// Reserved.
    pub rsvd92: [u8; 4],
}
assert_size!(CmndIu = CMND_BYTES);
assert_offset!(CmndIu: iu_words = 2, category = 6, flags = 7, connection_id = 8, csn = 16, data_length = 20, sqe = 24);
assert_offset!(CmndIu: dps = 88, lbads = 89, ms = 90);

/// Why an NVMe_CMND cannot be carried out. There is no reply for these: the exchange is aborted, the association ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CmndFault {
    /// Not 96 bytes.
    Length(usize),
    /// FDh 28h or the length in words is not there.
    Format,
    /// Read and write at once, or not the direction that the opcode says.
    Direction,
    /// A length without a direction.
    DataWithoutDirection,
}

impl core::fmt::Display for CmndFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length(bytes) => write!(f, "NVMe_CMND of {bytes} bytes instead of 96"),
            Self::Format => f.write_str("no NVMe_CMND: format, FC_ID or length field"),
            Self::Direction => f.write_str("read and write flags do not fit the opcode"),
            Self::DataWithoutDirection => f.write_str("data length without read or write flag"),
        }
    }
}

impl core::error::Error for CmndFault {}

impl CmndIu {
    /// A command on a connection. `admin` says which category byte it gets.
    pub fn new(connection_id: u64, csn: u32, direction: Direction, data_length: u32, sqe: Sqe, admin: bool) -> Self {
        let flags = match direction {
            Direction::None => 0,
            Direction::Write => WRITE,
            Direction::Read => READ,
            Direction::Bidirectional => READ | WRITE,
        };
        Self {
            format_id: FORMAT,
            fc_id: FC_ID,
            iu_words: U16::new(CMND_BYTES as u16 / 4),
            category: if admin { 1 } else { 8 },
            flags,
            connection_id: U64::new(connection_id),
            csn: U32::new(csn),
            data_length: U32::new(data_length),
            sqe,
            ..Self::new_zeroed()
        }
    }

    /// Whether a command frame's payload begins as an NVMe_CMND does (FCP and NVMe commands have the same R_CTL and TYPE).
    pub fn is_nvme(payload: &[u8]) -> bool {
        payload.starts_with(&[FORMAT, FC_ID])
    }

    /// Reads and checks a command frame's payload.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(payload: &[u8]) -> Result<&Self, CmndFault> {
        let iu = Self::ref_from_bytes(payload).map_err(|_| CmndFault::Length(payload.len()))?;
        if iu.format_id != FORMAT || iu.fc_id != FC_ID || usize::from(iu.iu_words.get()) * 4 != CMND_BYTES {
            return Err(CmndFault::Format);
        }
        let transfer = FcType::of(&iu.sqe).map_or(iu.sqe.transfer(), |fctype| Transfer::of(fctype.0));
        match (iu.direction(), transfer) {
            (Direction::None, _) if iu.data_length.get() != 0 => Err(CmndFault::DataWithoutDirection),
            (Direction::None, _)
            | (Direction::Write, Transfer::HostToController)
            | (Direction::Read, Transfer::ControllerToHost) => Ok(iu),
            _ => Err(CmndFault::Direction),
        }
    }

    /// Which way the data goes.
    pub const fn direction(&self) -> Direction {
        match self.flags & (READ | WRITE) {
            0 => Direction::None,
            WRITE => Direction::Write,
            READ => Direction::Read,
            _ => Direction::Bidirectional,
        }
    }

    /// What queue the command is for, as far as the sender says.
    pub const fn category(&self) -> Category {
        match self.category & 0xf {
            0 => Category::None,
            1 => Category::Admin,
            css => Category::Io(css & 7),
        }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; CMND_BYTES] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nvme::NvmOpcode;

    #[test]
    fn read() {
        let sqe = Sqe::new(NvmOpcode::READ.0, 1);
        let iu = CmndIu::new(0x1122_3344_5566_7788, 9, Direction::Read, 4096, sqe, false);
        let bytes = iu.to_bytes();
        let head =
            [0xfd, 0x28, 0, 24, 0, 0, 8, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 9, 0, 0, 0x10, 0];
        assert_eq!(&bytes[..24], &head);
        assert_eq!(&bytes[24..32], &[2, 0x40, 0, 0, 1, 0, 0, 0]);
        assert_eq!(CmndIu::parse(&bytes), Ok(&iu));
        assert_eq!(iu.category(), Category::Io(0));
        assert!(CmndIu::is_nvme(&bytes) && !CmndIu::is_nvme(&[0; 96]) && !CmndIu::is_nvme(&[]));
    }

    #[test]
    fn faults() {
        let iu = CmndIu::new(1, 1, Direction::Write, 512, Sqe::new(NvmOpcode::WRITE.0, 1), false);
        assert!(CmndIu::parse(&iu.to_bytes()).is_ok());
        assert_eq!(CmndIu::parse(&iu.to_bytes()[..95]), Err(CmndFault::Length(95)));
        assert_eq!(CmndIu::parse(&[0; 97]), Err(CmndFault::Length(97)));
        for (at, value) in [(0, 0xfc), (1, 8), (2, 1), (3, 25)] {
            let mut bytes = iu.to_bytes();
            bytes[at] = value;
            assert_eq!(CmndIu::parse(&bytes), Err(CmndFault::Format));
        }
        for (flags, fault) in
            [(0, CmndFault::DataWithoutDirection), (2, CmndFault::Direction), (3, CmndFault::Direction)]
        {
            let mut bytes = iu.to_bytes();
            bytes[7] = flags;
            assert_eq!(CmndIu::parse(&bytes), Err(fault));
        }
    }

    #[test]
    fn connect_is_a_write() {
        let mut sqe = Sqe::new(crate::nvme::FABRICS_OPCODE, 0);
        sqe.nsid = crate::U32::new(FcType::CONNECT.0.into());
        let iu = CmndIu::new(1, 1, Direction::Write, 1024, sqe, true);
        assert_eq!(CmndIu::parse(&iu.to_bytes()).unwrap().category(), Category::Admin);
        let iu = CmndIu::new(1, 1, Direction::Read, 1024, sqe, true);
        assert_eq!(CmndIu::parse(&iu.to_bytes()), Err(CmndFault::Direction));
    }
}
