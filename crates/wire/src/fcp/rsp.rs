//! FCP_RSP: status, residual, sense, outcome of a task management function. FCP-4 9.5.

use crate::parse;
use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

bitfield! {
    /// Byte 10 of an FCP_RSP.
    pub struct RspFlags(u8) {
        flags {
            /// The bidirectional read residual is there.
            bidirectional, with_bidirectional = 7;
            /// Bidirectional read: less than expected.
            read_under, with_read_under = 6;
            /// Bidirectional read: more than there was room for.
            read_over, with_read_over = 5;
            /// The target wants an FCP_CONF.
            confirm, with_confirm = 4;
            /// FCP_RESID is what was not transferred.
            under, with_under = 3;
            /// FCP_RESID is what FCP_DL had no room for.
            over, with_over = 2;
            /// FCP_SNS_LEN is valid.
            sense, with_sense = 1;
            /// FCP_RSP_LEN is valid.
            info, with_info = 0;
        }
        fields {}
    }
}

open_enum! {
    /// RSP_CODE: outcome of a task management function, or what is wrong with the command.
    pub enum RspCode: u8 {
        /// Function complete.
        COMPLETE = 0x00,
        /// FCP_DATA length differs from the burst length.
        DATA_LENGTH = 0x01,
        /// FCP_CMND fields are not valid.
        INVALID_FIELDS = 0x02,
        /// FCP_DATA offset differs from the requested one.
        DATA_OFFSET = 0x03,
        /// Function rejected (not supported).
        REJECTED = 0x04,
        /// Function failed.
        FAILED = 0x05,
        /// Function succeeded (query functions: there is such a task).
        SUCCEEDED = 0x08,
        /// No such logical unit.
        INCORRECT_LUN = 0x09,
    }
}

/// How the amount transferred differs from FCP_DL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Residual {
    /// Not at all.
    #[default]
    None,
    /// This many bytes less.
    Under(u32),
    /// The command would have transferred this many bytes more.
    Over(u32),
}

/// The first 24 bytes of an FCP_RSP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RspHead {
    /// Reserved.
    pub rsvd0: [u8; 8],
    /// Status qualifier (retry delay).
    pub qualifier: U16,
    /// See [`RspFlags`].
    pub flags: u8,
    /// SCSI status.
    pub status: u8,
    /// FCP_RESID.
    pub residual: U32,
    /// FCP_SNS_LEN.
    pub sense_length: U32,
    /// FCP_RSP_LEN: 0, 4 or 8.
    pub info_length: U32,
}
assert_size!(RspHead = 24);
assert_offset!(RspHead: qualifier = 8, flags = 10, status = 11, residual = 12, sense_length = 16, info_length = 20);

impl RspHead {
    /// The response to a command that did what it was asked for: status GOOD, nothing else.
    pub const GOOD: [u8; 24] = [0; 24];

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

/// A whole FCP_RSP, in host values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rsp<'a> {
    /// SCSI status.
    pub status: u8,
    /// Status qualifier: with BUSY or TASK SET FULL, how long to wait.
    pub qualifier: u16,
    /// The target wants an FCP_CONF.
    pub confirm: bool,
    /// Against FCP_DL.
    pub residual: Residual,
    /// Against FCP_BIDIRECTIONAL_READ_DL; `None` when the command was not bidirectional.
    pub read_residual: Option<Residual>,
    /// RSP_CODE, when there is FCP_RSP_INFO.
    pub code: Option<RspCode>,
    /// Sense data.
    pub sense: &'a [u8],
}

impl<'a> Rsp<'a> {
    /// The response to a task management function: 8 bytes of FCP_RSP_INFO.
    pub const fn task_management(code: RspCode) -> Self {
        let (residual, read_residual) = (Residual::None, None);
        Self { status: 0, qualifier: 0, confirm: false, residual, read_residual, code: Some(code), sense: &[] }
    }

    /// Reads an FCP_RSP payload; `None` when it is shorter than its own lengths say, or has FCP_RSP_INFO of a length that
    /// is none (FCP_RSP_LEN 0, 4 or 8). The short form of 12 bytes, which early targets send, is taken when no flag needs
    /// the rest (FCP-4 9.5.13 note).
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut whole = [0; 24];
        let length = payload.len().min(24);
        whole[..length].copy_from_slice(&payload[..length]);
        let head: &RspHead = parse(&whole)?;
        let flags = RspFlags(head.flags);
        let needs_lengths = flags.0 & !RspFlags(0).with_confirm(true).0 != 0;
        if length < 12 || needs_lengths && length < 24 {
            return None;
        }
        let rest = payload.get(24..).unwrap_or(&[]);
        let info_length = if flags.info() { usize::try_from(head.info_length.get()).ok()? } else { 0 };
        let sense_length = if flags.sense() { usize::try_from(head.sense_length.get()).ok()? } else { 0 };
        let (info, rest) = rest.split_at_checked(info_length)?;
        let (sense, rest) = rest.split_at_checked(sense_length)?;
        let code = match info_length {
            0 => None,
            4 | 8 => Some(RspCode(info[3])),
            _ => return None,
        };
        let read_residual = match flags.bidirectional() {
            true => Some(residual(flags.read_under(), flags.read_over(), parse::<U32>(rest)?.get())),
            false => None,
        };
        Some(Self {
            status: head.status,
            qualifier: head.qualifier.get(),
            confirm: flags.confirm(),
            residual: residual(flags.under(), flags.over(), head.residual.get()),
            read_residual,
            code,
            sense,
        })
    }

    /// Writes the payload into `out` and answers with its length; `None` when there is no room.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let info_length = if self.code.is_some() { 8 } else { 0 };
        let sense_end = 24 + info_length + self.sense.len();
        let length = sense_end + if self.read_residual.is_some() { 4 } else { 0 };
        let out = out.get_mut(..length)?;
        out[..24].copy_from_slice(&self.head(info_length)?.to_bytes());
        if let Some(code) = self.code {
            out[24..32].copy_from_slice(&[0, 0, 0, code.0, 0, 0, 0, 0]);
        }
        out[24 + info_length..sense_end].copy_from_slice(self.sense);
        if let Some(residual) = self.read_residual {
            out[sense_end..].copy_from_slice(&amount(residual).to_be_bytes());
        }
        Some(length)
    }

    fn head(&self, info_length: usize) -> Option<RspHead> {
        let read = self.read_residual.unwrap_or_default();
        let flags = RspFlags(0)
            .with_bidirectional(self.read_residual.is_some())
            .with_read_under(matches!(read, Residual::Under(_)))
            .with_read_over(matches!(read, Residual::Over(_)))
            .with_confirm(self.confirm)
            .with_under(matches!(self.residual, Residual::Under(_)))
            .with_over(matches!(self.residual, Residual::Over(_)))
            .with_sense(!self.sense.is_empty())
            .with_info(self.code.is_some());
        Some(RspHead {
            rsvd0: [0; 8],
            qualifier: U16::new(self.qualifier),
            flags: flags.0,
            status: self.status,
            residual: U32::new(amount(self.residual)),
            sense_length: U32::new(u32::try_from(self.sense.len()).ok()?),
            info_length: U32::new(u32::try_from(info_length).ok()?),
        })
    }
}

const fn residual(under: bool, over: bool, amount: u32) -> Residual {
    match (under, over) {
        (true, _) => Residual::Under(amount),
        (false, true) => Residual::Over(amount),
        (false, false) => Residual::None,
    }
}

const fn amount(residual: Residual) -> u32 {
    match residual {
        Residual::None => 0,
        Residual::Under(bytes) | Residual::Over(bytes) => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(rsp: Rsp<'_>, expected: &[u8]) {
        let mut out = [0xee; 96];
        let length = rsp.write(&mut out).unwrap();
        assert_eq!(&out[..length], expected);
        assert_eq!(Rsp::parse(expected), Some(rsp));
        assert_eq!(rsp.write(&mut out[..length - 1]), None);
    }

    #[test]
    fn good() {
        same(Rsp::default(), &RspHead::GOOD);
        assert_eq!(Rsp::parse(&[0; 12]), Some(Rsp::default()));
        assert_eq!(Rsp::parse(&[0; 11]), None);
    }

    #[test]
    fn check_condition() {
        let mut sense = [0; 18];
        (sense[0], sense[2], sense[7], sense[12]) = (0x70, 5, 10, 0x20);
        let rsp = Rsp { status: 2, residual: Residual::Under(512), sense: &sense, ..Rsp::default() };
        let mut expected = [0; 42];
        expected[..24].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 2, 0, 0, 2, 0, 0, 0, 0, 18, 0, 0, 0, 0]);
        expected[24..].copy_from_slice(&sense);
        same(rsp, &expected);
        assert_eq!(Rsp::parse(&expected[..41]), None);
        assert_eq!(Rsp::parse(&expected[..23]), None);
    }

    #[test]
    fn task_management() {
        let mut expected = [0; 32];
        (expected[10], expected[23], expected[27]) = (1, 8, 9);
        same(Rsp::task_management(RspCode::INCORRECT_LUN), &expected);
        let mut short = expected;
        short[23] = 4;
        assert_eq!(Rsp::parse(&short[..28]), Some(Rsp::task_management(RspCode::INCORRECT_LUN)));
        short[23] = 5;
        assert_eq!(Rsp::parse(&short), None);
        short[20] = 0xff;
        assert_eq!(Rsp::parse(&short), None);
    }

    #[test]
    fn busy_and_bidirectional() {
        let rsp = Rsp {
            status: 8,
            qualifier: 0x0123,
            confirm: true,
            residual: Residual::Over(1),
            read_residual: Some(Residual::Under(2)),
            ..Rsp::default()
        };
        let mut expected = [0; 28];
        expected[8..16].copy_from_slice(&[1, 0x23, 0xd4, 8, 0, 0, 0, 1]);
        expected[27] = 2;
        same(rsp, &expected);
        assert_eq!(Rsp::parse(&expected[..24]), None);
    }
}
