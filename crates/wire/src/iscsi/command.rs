//! SCSI Command, SCSI Response, Data-Out, Data-In and R2T. RFC 7143 11.3, 11.4, 11.7, 11.8.

use super::header::{Opcode, Pdu, U24};
use crate::be::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Byte 1 of a SCSI Command.
pub mod command_flags {
    /// No unsolicited Data-Out follows.
    pub const FINAL: u8 = 0x80;
    /// Expects data.
    pub const READ: u8 = 0x40;
    /// Has data.
    pub const WRITE: u8 = 0x20;
    /// Task attribute.
    pub const ATTRIBUTE: u8 = 0x07;
}

/// Byte 1 of a Data-In.
pub mod data_flags {
    /// The last of a sequence.
    pub const FINAL: u8 = 0x80;
    /// Wants a DataACK.
    pub const ACKNOWLEDGE: u8 = 0x40;
    /// The residual count is of an overflow.
    pub const OVERFLOW: u8 = 0x04;
    /// The residual count is of an underflow.
    pub const UNDERFLOW: u8 = 0x02;
    /// Has the command's status.
    pub const STATUS: u8 = 0x01;
}

/// Byte 1 of a SCSI Response.
pub mod residual_flags {
    /// Bidirectional read residual overflow.
    pub const READ_OVERFLOW: u8 = 0x10;
    /// Bidirectional read residual underflow.
    pub const READ_UNDERFLOW: u8 = 0x08;
    /// Residual overflow.
    pub const OVERFLOW: u8 = 0x04;
    /// Residual underflow.
    pub const UNDERFLOW: u8 = 0x02;
}

open_enum! {
    /// Task attribute (RFC 7143 11.3.1).
    pub enum TaskAttribute: u8 {
        /// Untagged.
        UNTAGGED = 0,
        /// Simple.
        SIMPLE = 1,
        /// Ordered.
        ORDERED = 2,
        /// Head of queue.
        HEAD_OF_QUEUE = 3,
        /// ACA.
        ACA = 4,
    }
}

open_enum! {
    /// Service response of a SCSI Response (RFC 7143 11.4.3).
    pub enum Response: u8 {
        /// Command completed at target: the status means something.
        COMPLETED = 0,
        /// Target failure.
        TARGET_FAILURE = 1,
    }
}

/// SCSI Command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ScsiCommand {
    /// 01h, perhaps immediate.
    pub opcode: u8,
    /// See [`command_flags`].
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// Words of additional header.
    pub total_ahs_length: u8,
    /// Bytes of immediate data.
    pub data_segment_length: U24,
    /// Logical unit number.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Expected data transfer length; of a bidirectional command that of the write.
    pub expected_length: U32,
    /// Command number.
    pub cmd_sn: U32,
    /// Next status number that is expected.
    pub exp_stat_sn: U32,
    /// The CDB, or its first 16 bytes.
    pub cdb: [u8; 16],
}
assert_size!(ScsiCommand = 48);
assert_offset!(ScsiCommand: lun = 8, itt = 16, expected_length = 20, cmd_sn = 24, exp_stat_sn = 28, cdb = 32);

/// SCSI Response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ScsiResponse {
    /// 21h.
    pub opcode: u8,
    /// 80h and [`residual_flags`].
    pub flags: u8,
    /// Service response.
    pub response: Response,
    /// SCSI status.
    pub status: u8,
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of sense length field, sense data and response data.
    pub data_segment_length: U24,
    /// Reserved.
    pub rsvd8: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// SNACK tag, or 0.
    pub snack_tag: U32,
    /// Status number.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// How many Data-In and R2T PDUs there were.
    pub exp_data_sn: U32,
    /// Bidirectional read residual count.
    pub read_residual: U32,
    /// Residual count.
    pub residual: U32,
}
assert_size!(ScsiResponse = 48);
assert_offset!(ScsiResponse: response = 2, status = 3, itt = 16, stat_sn = 24, max_cmd_sn = 32, exp_data_sn = 36, residual = 44);

/// SCSI Data-Out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct DataOut {
    /// 05h.
    pub opcode: u8,
    /// F: the last of a sequence.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of data.
    pub data_segment_length: U24,
    /// As in the R2T.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Transfer tag of the R2T, or reserved: unsolicited.
    pub ttt: U32,
    /// Reserved.
    pub rsvd24: [u8; 4],
    /// Next status number that is expected.
    pub exp_stat_sn: U32,
    /// Reserved.
    pub rsvd32: [u8; 4],
    /// Number within the sequence.
    pub data_sn: U32,
    /// Where it belongs in the command's data.
    pub offset: U32,
    /// Reserved.
    pub rsvd44: [u8; 4],
}
assert_size!(DataOut = 48);
assert_offset!(DataOut: itt = 16, ttt = 20, exp_stat_sn = 28, data_sn = 36, offset = 40);

/// SCSI Data-In.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct DataIn {
    /// 25h.
    pub opcode: u8,
    /// See [`data_flags`].
    pub flags: u8,
    /// Reserved.
    pub rsvd2: u8,
    /// SCSI status, with S.
    pub status: u8,
    /// 0.
    pub total_ahs_length: u8,
    /// Bytes of data.
    pub data_segment_length: U24,
    /// With A.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// With A; otherwise reserved.
    pub ttt: U32,
    /// Status number, with S.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// Number within the command.
    pub data_sn: U32,
    /// Where it belongs in the command's data.
    pub offset: U32,
    /// Residual count, with S.
    pub residual: U32,
}
assert_size!(DataIn = 48);
assert_offset!(DataIn: status = 3, itt = 16, ttt = 20, stat_sn = 24, data_sn = 36, offset = 40, residual = 44);

/// Ready To Transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct R2t {
    /// 31h.
    pub opcode: u8,
    /// 80h.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// 0.
    pub data_segment_length: U24,
    /// Logical unit number.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Transfer tag.
    pub ttt: U32,
    /// The next status number; not advanced.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// Number within the command.
    pub r2t_sn: U32,
    /// Where the data begins in the command's data.
    pub offset: U32,
    /// How much is wanted.
    pub desired_length: U32,
}
assert_size!(R2t = 48);
assert_offset!(R2t: lun = 8, itt = 16, ttt = 20, stat_sn = 24, r2t_sn = 36, offset = 40, desired_length = 44);

impl Pdu for ScsiCommand {
    const OPCODE: Opcode = Opcode::SCSI_COMMAND;
}
impl Pdu for ScsiResponse {
    const OPCODE: Opcode = Opcode::SCSI_RESPONSE;
}
impl Pdu for DataOut {
    const OPCODE: Opcode = Opcode::DATA_OUT;
}
impl Pdu for DataIn {
    const OPCODE: Opcode = Opcode::DATA_IN;
}
impl Pdu for R2t {
    const OPCODE: Opcode = Opcode::R2T;
}

impl ScsiCommand {
    /// Whether data goes to the initiator.
    pub const fn reads(&self) -> bool {
        self.flags & command_flags::READ != 0
    }

    /// Whether data comes from the initiator.
    pub const fn writes(&self) -> bool {
        self.flags & command_flags::WRITE != 0
    }

    /// Task attribute.
    pub const fn attribute(&self) -> TaskAttribute {
        TaskAttribute(self.flags & command_flags::ATTRIBUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iscsi::{Bhs, RESERVED_TAG};

    #[test]
    fn a_command_in_place() {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&[1, 0xc1, 0, 0, 0, 0, 0, 0]);
        bytes[16..20].copy_from_slice(&[0, 0, 0, 5]);
        bytes[20..24].copy_from_slice(&[0, 0, 2, 0]);
        bytes[32] = 0x28;
        let bhs: &Bhs = crate::parse(&bytes).unwrap();
        let command: &ScsiCommand = bhs.of();
        assert!(command.reads() && !command.writes());
        assert_eq!((command.attribute(), command.expected_length.get()), (TaskAttribute::SIMPLE, 512));
        assert_eq!((command.itt.get(), command.cdb[0]), (5, 0x28));
    }

    #[test]
    fn data_in_with_status() {
        let pdu = DataIn {
            opcode: DataIn::OPCODE.0,
            flags: data_flags::FINAL | data_flags::STATUS | data_flags::UNDERFLOW,
            rsvd2: 0,
            status: 0,
            total_ahs_length: 0,
            data_segment_length: U24::new(512),
            lun: [0; 8],
            itt: U32::new(1),
            ttt: U32::new(RESERVED_TAG),
            stat_sn: U32::new(2),
            exp_cmd_sn: U32::new(3),
            max_cmd_sn: U32::new(4),
            data_sn: U32::new(5),
            offset: U32::new(6),
            residual: U32::new(7),
        };
        let bytes = pdu.to_bytes();
        assert_eq!(&bytes[..8], &[0x25, 0x83, 0, 0, 0, 0, 2, 0]);
        let expected =
            [0, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7];
        assert_eq!(&bytes[16..], &expected);
    }
}
