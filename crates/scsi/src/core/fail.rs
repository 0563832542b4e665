//! Why a command fails, and the one place where replies are worded: status, sense data, residual.

use crate::{Reply, Residual, SENSE_BYTES};
use wire::scsi::{Asc, Field, Key, SENSE_DESCRIPTOR_BYTES, SENSE_FIXED_BYTES, Sense, Status};

/// Why a command fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fail {
    /// CHECK CONDITION with this.
    Check(Sense),
    /// A status that says all.
    Status(Status),
    /// The initiator sends fewer bytes than the command takes, and the last block is not whole: INVALID FIELD IN COMMAND
    /// INFORMATION UNIT. The residual says how many are missing, although nothing moves: that is what the field's suites expect.
    Length {
        /// Bytes that the CDB asks for.
        wanted: u32,
    },
}

impl Fail {
    pub const fn check(key: Key, asc: Asc) -> Self {
        Self::Check(Sense::new(key, asc))
    }

    pub const fn illegal(asc: Asc) -> Self {
        Self::check(Key::ILLEGAL_REQUEST, asc)
    }

    /// INVALID FIELD IN CDB, with the byte that is wrong.
    pub const fn in_cdb(byte: u16) -> Self {
        Self::field(Asc::INVALID_FIELD_IN_CDB, true, byte)
    }

    /// INVALID FIELD IN PARAMETER LIST, with the byte that is wrong.
    pub const fn in_list(byte: u16) -> Self {
        Self::field(Asc::INVALID_FIELD_IN_PARAMETER_LIST, false, byte)
    }

    pub const NO_UNIT: Self = Self::illegal(Asc::LOGICAL_UNIT_NOT_SUPPORTED);
    pub const OUT_OF_RANGE: Self = Self::illegal(Asc::LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE);
    pub const NO_COMMAND: Self = Self::illegal(Asc::INVALID_COMMAND_OPERATION_CODE);

    const fn field(asc: Asc, in_cdb: bool, byte: u16) -> Self {
        let field = Some(Field { in_cdb, byte, bit: None });
        Self::Check(Sense { field, ..Sense::new(Key::ILLEGAL_REQUEST, asc) })
    }
}

/// The data of a command: what it asks for, what the initiator is ready for, and what moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Bytes that the CDB asks for.
    pub wanted: u32,
    /// Bytes that the initiator expects.
    pub expected: u32,
    /// Bytes that move when all goes well.
    pub moves: u32,
    /// Sense data is in descriptor format (D_SENSE).
    pub descriptors: bool,
}

impl Transfer {
    const LENGTH: Fail = Fail::illegal(Asc::INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);

    /// The one place where residuals are worked out: `moved` bytes did move.
    #[inline]
    fn residual(&self, moved: u32) -> Residual {
        if self.wanted > self.expected {
            Residual::Over(self.wanted - self.expected)
        } else if moved < self.expected {
            Residual::Under(self.expected - moved)
        } else {
            Residual::None
        }
    }

    /// GOOD, with the data that goes along with it.
    #[inline]
    pub fn good(&self, moved: u32) -> Reply {
        Reply { transferred: moved, residual: self.residual(moved), ..Reply::new(Status::GOOD) }
    }

    /// A failure. No data goes along with it; what the initiator sent before counts as moved.
    #[cold]
    pub fn failed(&self, fail: Fail, moved: u32) -> Reply {
        let transfer = Self { wanted: self.wanted.min(self.expected), ..*self };
        let residual = transfer.residual(moved);
        match fail {
            Fail::Status(status) => Reply { residual, ..Reply::new(status) },
            Fail::Length { wanted } => {
                let reply = self.failed(Self::LENGTH, moved);
                Reply { residual: Residual::Over(wanted.saturating_sub(self.expected)), ..reply }
            }
            Fail::Check(sense) => {
                let mut reply = Reply { residual, ..Reply::new(Status::CHECK_CONDITION) };
                if self.descriptors {
                    let (bytes, len) = sense.to_descriptors();
                    reply.sense[..len].copy_from_slice(&bytes[..len]);
                    reply.sense_len = len as u8;
                } else {
                    reply.sense[..SENSE_FIXED_BYTES].copy_from_slice(&sense.to_fixed());
                    reply.sense_len = SENSE_FIXED_BYTES as u8;
                }
                reply
            }
        }
    }
}

const _: () = assert!(SENSE_FIXED_BYTES <= SENSE_BYTES && SENSE_DESCRIPTOR_BYTES <= SENSE_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residuals_to_the_byte() {
        let of = |wanted, expected, moved| {
            Transfer { wanted, expected, moves: moved, descriptors: false }.good(moved).residual
        };
        assert_eq!(of(512, 512, 512), Residual::None);
        assert_eq!(of(0, 0, 0), Residual::None);
        assert_eq!(of(512, 513, 512), Residual::Under(1));
        assert_eq!(of(512, 511, 511), Residual::Over(1));
        assert_eq!(of(512, 0, 0), Residual::Over(512));
        assert_eq!(of(0, 512, 0), Residual::Under(512));
        assert_eq!(of(512, 512, 36), Residual::Under(476));
    }

    #[test]
    fn a_failure_moves_nothing_back_and_is_not_over() {
        let transfer = Transfer { wanted: 1024, expected: 512, moves: 512, descriptors: false };
        let reply = transfer.failed(Fail::in_cdb(2), 0);
        assert_eq!((reply.status, reply.residual), (Status::CHECK_CONDITION, Residual::Under(512)));
        assert_eq!(reply.sense(), [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xc0, 0, 2]);
        let reply = Transfer { descriptors: true, ..transfer }.failed(Fail::in_cdb(2), 0);
        assert_eq!(reply.sense(), [0x72, 5, 0x24, 0, 0, 0, 0, 8, 2, 6, 0, 0, 0xc0, 0, 2, 0]);
        let reply = transfer.failed(Fail::Status(Status::BUSY), 512);
        assert_eq!((reply.status, reply.residual, reply.sense().len()), (Status::BUSY, Residual::None, 0));
    }
}
