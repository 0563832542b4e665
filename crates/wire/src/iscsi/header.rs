//! The basic header segment, and where the parts of a PDU are. RFC 7143 11.2.

use crate::be::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a basic header segment.
pub const BHS_BYTES: usize = 48;
/// Bytes of a digest (CRC32C; the wire has its least significant byte first).
pub const DIGEST_BYTES: u32 = 4;
/// The well-known TCP port.
pub const PORT: u16 = 3260;
/// A task tag or transfer tag that names nothing.
pub const RESERVED_TAG: u32 = 0xffff_ffff;
/// Byte 0: deliver at once (RFC 7143 11.2.1.1).
pub const IMMEDIATE: u8 = 0x40;
/// Byte 1: the F bit.
pub const FINAL: u8 = 0x80;

open_enum! {
    /// What a PDU is: bits 5:0 of byte 0 (RFC 7143 11.2.1.2).
    pub enum Opcode: u8 {
        /// NOP-Out.
        NOP_OUT = 0x00,
        /// SCSI Command.
        SCSI_COMMAND = 0x01,
        /// SCSI Task Management Function Request.
        TASK_REQUEST = 0x02,
        /// Login Request.
        LOGIN_REQUEST = 0x03,
        /// Text Request.
        TEXT_REQUEST = 0x04,
        /// SCSI Data-Out.
        DATA_OUT = 0x05,
        /// Logout Request.
        LOGOUT_REQUEST = 0x06,
        /// SNACK Request.
        SNACK = 0x10,
        /// NOP-In.
        NOP_IN = 0x20,
        /// SCSI Response.
        SCSI_RESPONSE = 0x21,
        /// SCSI Task Management Function Response.
        TASK_RESPONSE = 0x22,
        /// Login Response.
        LOGIN_RESPONSE = 0x23,
        /// Text Response.
        TEXT_RESPONSE = 0x24,
        /// SCSI Data-In.
        DATA_IN = 0x25,
        /// Logout Response.
        LOGOUT_RESPONSE = 0x26,
        /// Ready To Transfer.
        R2T = 0x31,
        /// Asynchronous Message.
        ASYNC_MESSAGE = 0x32,
        /// Reject.
        REJECT = 0x3f,
    }
}

impl Opcode {
    /// Whether an initiator sends it (RFC 7143 11.2.1.2).
    pub const fn is_of_initiator(self) -> bool {
        self.0 & 0x20 == 0
    }

    /// Whether a request of this kind has a CmdSN (RFC 7143 4.2.2.1): Data-Out and SNACK have none.
    pub const fn is_numbered(self) -> bool {
        matches!(
            self,
            Self::NOP_OUT
                | Self::SCSI_COMMAND
                | Self::TASK_REQUEST
                | Self::LOGIN_REQUEST
                | Self::TEXT_REQUEST
                | Self::LOGOUT_REQUEST
        )
    }
}

/// A big-endian number of three bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct U24(pub [u8; 3]);

impl U24 {
    /// The low 24 bits of `value`.
    pub const fn new(value: u32) -> Self {
        let [_, a, b, c] = value.to_be_bytes();
        Self([a, b, c])
    }

    /// The number.
    pub const fn get(self) -> u32 {
        u32::from_be_bytes([0, self.0[0], self.0[1], self.0[2]])
    }
}

/// What all basic header segments have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Bhs {
    /// Bit 6 immediate, bits 5:0 opcode.
    pub opcode: u8,
    /// Bit 7 is F in most kinds.
    pub flags: u8,
    /// Of the kind.
    pub specific2: [u8; 2],
    /// Words of 4 bytes of additional header segments.
    pub total_ahs_length: u8,
    /// Bytes of data segment, padding not counted.
    pub data_segment_length: U24,
    /// Logical unit number, or of the kind.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Of the kind.
    pub specific20: [u8; 28],
}
assert_size!(Bhs = 48);
assert_offset!(Bhs: total_ahs_length = 4, data_segment_length = 5, lun = 8, itt = 16, specific20 = 20);

/// A basic header segment of one kind: 48 bytes.
pub trait Pdu: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy {
    /// Its opcode.
    const OPCODE: Opcode;

    /// The bytes to send.
    fn to_bytes(&self) -> [u8; BHS_BYTES] {
        let mut bytes = [0; BHS_BYTES];
        bytes.copy_from_slice(self.as_bytes());
        bytes
    }
}

/// Where the parts of a PDU are, from its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// Bytes of additional header segments.
    pub ahs: u32,
    /// Bytes of data segment.
    pub data: u32,
}

impl Layout {
    /// Bytes of header: basic and additional segments.
    pub const fn header(&self) -> usize {
        BHS_BYTES + self.ahs as usize
    }

    /// Bytes of padding behind the data segment.
    pub const fn padding(&self) -> usize {
        padding(self.data)
    }
}

/// Bytes that fill `len` up to a multiple of 4.
pub const fn padding(len: u32) -> usize {
    (len.wrapping_neg() & 3) as usize
}

/// Serial number arithmetic (RFC 1982, RFC 7143 4.2.2.1): whether `a` comes before `b`.
pub const fn sn_less(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl Bhs {
    /// What it is.
    pub const fn opcode(&self) -> Opcode {
        Opcode(self.opcode & 0x3f)
    }

    /// Whether it is for immediate delivery.
    pub const fn is_immediate(&self) -> bool {
        self.opcode & IMMEDIATE != 0
    }

    /// The F bit.
    pub const fn is_final(&self) -> bool {
        self.flags & FINAL != 0
    }

    /// Where the parts of its PDU are.
    pub const fn layout(&self) -> Layout {
        Layout { ahs: self.total_ahs_length as u32 * 4, data: self.data_segment_length.get() }
    }

    /// The same bytes as a header of one kind.
    ///
    /// # Panics
    /// Never: each kind is 48 bytes.
    pub fn of<T: Pdu>(&self) -> &T {
        T::ref_from_bytes(self.as_bytes()).expect("each kind of header has 48 bytes")
    }

    /// CmdSN of a request that has one ([`Opcode::is_numbered`]).
    pub fn cmd_sn(&self) -> u32 {
        let [.., a, b, c, d] = *self.specific20.first_chunk::<8>().expect("28 bytes");
        u32::from_be_bytes([a, b, c, d])
    }

    /// ExpStatSN of any PDU of an initiator.
    pub fn exp_stat_sn(&self) -> u32 {
        let [.., a, b, c, d] = *self.specific20.first_chunk::<12>().expect("28 bytes");
        u32::from_be_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_byte_numbers() {
        assert_eq!(U24::new(0x12_3456).0, [0x12, 0x34, 0x56]);
        assert_eq!(U24::new(0xff12_3456).get(), 0x12_3456);
    }

    #[test]
    fn padding_fills_words() {
        assert_eq!([0, 1, 2, 3, 4, 5].map(padding), [0, 3, 2, 1, 0, 3]);
    }

    #[test]
    fn serial_numbers_wrap() {
        assert!(sn_less(u32::MAX, 0) && sn_less(5, 6) && !sn_less(6, 6) && !sn_less(0, u32::MAX));
    }

    #[test]
    fn the_common_part() {
        let mut bytes = [0; BHS_BYTES];
        bytes[0] = 0x41;
        bytes[1] = 0x80;
        bytes[4..8].copy_from_slice(&[2, 0, 1, 1]);
        bytes[24..28].copy_from_slice(&7_u32.to_be_bytes());
        bytes[28..32].copy_from_slice(&9_u32.to_be_bytes());
        let bhs: &Bhs = crate::parse(&bytes).unwrap();
        assert_eq!((bhs.opcode(), bhs.is_immediate(), bhs.is_final()), (Opcode::SCSI_COMMAND, true, true));
        assert_eq!(bhs.layout(), Layout { ahs: 8, data: 257 });
        assert_eq!((bhs.layout().header(), bhs.layout().padding()), (56, 3));
        assert_eq!((bhs.cmd_sn(), bhs.exp_stat_sn()), (7, 9));
        assert!(Opcode::REJECT.name() == Some("REJECT") && !Opcode::REJECT.is_of_initiator());
    }
}
