//! The parts of FCP IUs that entries carry swapped.

use crate::fcp::{Residual, RspFlags};
use crate::isp::swap_words;

/// A LUN in the order of entries, of one as on the link; and back, as the swap is its own inverse.
pub fn swapped_lun(mut lun: [u8; 8]) -> [u8; 8] {
    swap_words(&mut lun);
    lun
}

/// The LUN as on the link, of one in an entry.
pub fn lun_of(swapped: &[u8; 8]) -> [u8; 8] {
    swapped_lun(*swapped)
}

/// A CDB of up to 16 bytes (more are cut off) in the order of entries.
pub fn swapped_cdb(cdb: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    let length = cdb.len().min(16);
    out[..length].copy_from_slice(&cdb[..length]);
    swap_words(&mut out);
    out
}

/// The CDB as on the link, of one in an entry.
pub fn cdb_of(swapped: &[u8; 16]) -> [u8; 16] {
    swapped_cdb(swapped)
}

bitfield! {
    /// SCSI status word of Status and CTIO entries: the status byte, and flags as in byte 10 of FCP_RSP.
    pub struct FcpStatus(u16) {
        flags {
            /// Response info is valid.
            info, with_info = 8;
            /// Sense is valid.
            sense, with_sense = 9;
            /// The residual is an overrun.
            over, with_over = 10;
            /// The residual is an underrun.
            under, with_under = 11;
            /// The target wants an FCP_CONF.
            confirm, with_confirm = 12;
        }
        fields {
            /// Status byte.
            status, with_status: u8 = 0, 8;
        }
    }
}

impl FcpStatus {
    /// Status byte and residual, nothing else.
    pub const fn new(status: u8, residual: Residual) -> Self {
        Self(status as u16)
            .with_under(matches!(residual, Residual::Under(_)))
            .with_over(matches!(residual, Residual::Over(_)))
    }

    /// The flags as in byte 10 of FCP_RSP.
    pub const fn flags(self) -> RspFlags {
        RspFlags((self.0 >> 8) as u8)
    }

    /// The residual, of the number beside this word.
    pub const fn residual(self, bytes: u32) -> Residual {
        match (self.under(), self.over()) {
            (true, _) => Residual::Under(bytes),
            (false, true) => Residual::Over(bytes),
            (false, false) => Residual::None,
        }
    }
}
