//! Capsules and data PDUs. NVMe/TCP 1.0c 3.6.2.6 (CapsuleCmd) to 3.6.2.10 (R2T).

use super::framing::Framing;
use super::header::CommonHeader;
use super::kind::{PduType, flags};
use crate::nvme::{Cqe, Sqe};
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// CapsuleCmd header: 72 bytes. In-capsule data may follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CapsuleCmd {
    /// Common header: HLEN 72.
    pub ch: CommonHeader,
    /// The command.
    pub sqe: Sqe,
}
assert_size!(CapsuleCmd = 72);

/// CapsuleResp: 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CapsuleResp {
    /// Common header: HLEN 24.
    pub ch: CommonHeader,
    /// The completion.
    pub cqe: Cqe,
}
assert_size!(CapsuleResp = 24);

/// H2CData header: 24 bytes, data follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct H2CData {
    /// Common header: HLEN 24; LAST_PDU for the last of an R2T.
    pub ch: CommonHeader,
    /// Identifier of the command.
    pub cccid: U16,
    /// Transfer tag of the R2T.
    pub ttag: U16,
    /// Offset of this data in the command's data.
    pub datao: U32,
    /// Length of this data.
    pub datal: U32,
    /// Reserved.
    pub rsvd: U32,
}
assert_size!(H2CData = 24);
assert_offset!(H2CData: cccid = 8, ttag = 10, datao = 12, datal = 16);

/// C2HData header: 24 bytes, data follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct C2HData {
    /// Common header: HLEN 24; LAST_PDU and SUCCESS.
    pub ch: CommonHeader,
    /// Identifier of the command.
    pub cccid: U16,
    /// Reserved.
    pub rsvd10: U16,
    /// Offset of this data in the command's data.
    pub datao: U32,
    /// Length of this data.
    pub datal: U32,
    /// Reserved.
    pub rsvd20: U32,
}
assert_size!(C2HData = 24);
assert_offset!(C2HData: cccid = 8, datao = 12, datal = 16);

/// R2T: 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct R2T {
    /// Common header: HLEN 24.
    pub ch: CommonHeader,
    /// Identifier of the command.
    pub cccid: U16,
    /// Transfer tag, the controller's own.
    pub ttag: U16,
    /// Offset in the command's data.
    pub r2to: U32,
    /// Bytes that the host may send.
    pub r2tl: U32,
    /// Reserved.
    pub rsvd: U32,
}
assert_size!(R2T = 24);
assert_offset!(R2T: cccid = 8, ttag = 10, r2to = 12, r2tl = 16);

impl CapsuleCmd {
    /// A command with `in_capsule` bytes of data to follow. `framing` is that of PDUs to the controller.
    pub const fn new(framing: &Framing, sqe: Sqe, in_capsule: u32) -> Self {
        Self { ch: framing.header(PduType::CAPSULE_CMD, 72, in_capsule, 0), sqe }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 72] {
        transmute!(self)
    }
}

impl CapsuleResp {
    /// A completion. `framing` is that of PDUs to the host; only its header digest matters.
    pub const fn new(framing: &Framing, cqe: Cqe) -> Self {
        Self { ch: framing.header(PduType::CAPSULE_RESP, 24, 0, 0), cqe }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

impl C2HData {
    /// Header for `datal` bytes (more than 0). SUCCESS stands for a response capsule with status 0, dword 0 and 1 zero and
    /// needs LAST_PDU; `last` false and `success` true is our own mistake.
    ///
    /// # Panics
    /// On `success` without `last`.
    pub const fn new(framing: &Framing, cccid: u16, datao: u32, datal: u32, last: bool, success: bool) -> Self {
        assert!(last || !success, "SUCCESS is for the last PDU only");
        let extra = if last { flags::LAST_PDU } else { 0 } | if success { flags::SUCCESS } else { 0 };
        Self {
            ch: framing.header(PduType::C2H_DATA, 24, datal, extra),
            cccid: U16::new(cccid),
            rsvd10: U16::new(0),
            datao: U32::new(datao),
            datal: U32::new(datal),
            rsvd20: U32::new(0),
        }
    }

    /// LAST_PDU: no further data for this command.
    pub const fn last(&self) -> bool {
        self.ch.flags & flags::LAST_PDU != 0
    }

    /// SUCCESS: the command is complete, no response capsule follows.
    pub const fn success(&self) -> bool {
        self.ch.flags & flags::SUCCESS != 0
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

impl H2CData {
    /// Header for `datal` bytes (more than 0). `framing` is that of PDUs to the controller.
    pub const fn new(framing: &Framing, cccid: u16, ttag: u16, datao: u32, datal: u32, last: bool) -> Self {
        let extra = if last { flags::LAST_PDU } else { 0 };
        Self {
            ch: framing.header(PduType::H2C_DATA, 24, datal, extra),
            cccid: U16::new(cccid),
            ttag: U16::new(ttag),
            datao: U32::new(datao),
            datal: U32::new(datal),
            rsvd: U32::new(0),
        }
    }

    /// LAST_PDU: no further data for this R2T.
    pub const fn last(&self) -> bool {
        self.ch.flags & flags::LAST_PDU != 0
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

impl R2T {
    /// Asks for `r2tl` bytes from `r2to` on. `framing` is that of PDUs to the host; only its header digest matters.
    pub const fn new(framing: &Framing, cccid: u16, ttag: u16, r2to: u32, r2tl: u32) -> Self {
        Self {
            ch: framing.header(PduType::R2T, 24, 0, 0),
            cccid: U16::new(cccid),
            ttag: U16::new(ttag),
            r2to: U32::new(r2to),
            r2tl: U32::new(r2tl),
            rsvd: U32::new(0),
        }
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nvme::Status;

    const BOTH: Framing = Framing { hdgst: true, ddgst: true, pda: 0, max_data: u32::MAX };

    #[test]
    fn response_capsule() {
        let cqe = Cqe::new(0x1234, Status::SUCCESS).with_sqhd(9);
        let b = CapsuleResp::new(&Framing::PLAIN, cqe).to_bytes();
        assert_eq!(b, [5, 0, 24, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0x34, 0x12, 0, 0]);
        let b = CapsuleResp::new(&BOTH, cqe).to_bytes();
        assert_eq!(&b[..8], &[5, 1, 24, 0, 28, 0, 0, 0]);
    }

    #[test]
    fn read_data_with_success() {
        let d = C2HData::new(&Framing::PLAIN, 3, 0, 4096, true, true);
        assert_eq!(&d.to_bytes()[..12], &[7, 0x0c, 24, 24, 0x18, 0x10, 0, 0, 3, 0, 0, 0]);
        assert_eq!(&d.to_bytes()[12..], &[0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
        assert!(d.last() && d.success());
        let d = C2HData::new(&BOTH, 3, 4096, 4096, false, false);
        assert_eq!(&d.to_bytes()[..8], &[7, 0x03, 24, 28, 0x20, 0x10, 0, 0]);
        assert!(!d.last() && !d.success());
    }

    #[test]
    #[should_panic(expected = "last PDU only")]
    fn success_needs_last() {
        let _ = C2HData::new(&Framing::PLAIN, 0, 0, 512, false, true);
    }

    #[test]
    fn r2t_and_its_data() {
        let r = R2T::new(&BOTH, 0x11, 0x22, 0x3000, 0x1000).to_bytes();
        let expected = [9, 1, 24, 0, 28, 0, 0, 0, 0x11, 0, 0x22, 0, 0, 0x30, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0];
        assert_eq!(r, expected);
        let d = H2CData::new(&Framing::PLAIN, 0x11, 0x22, 0x3000, 0x1000, true);
        assert_eq!(&d.to_bytes()[..12], &[6, 4, 24, 24, 0x18, 0x10, 0, 0, 0x11, 0, 0x22, 0]);
        assert!(d.last());
    }

    #[test]
    fn command_capsule() {
        let c = CapsuleCmd::new(&Framing::PLAIN, Sqe::new(1, 1), 4096).to_bytes();
        assert_eq!(&c[..16], &[4, 0, 72, 72, 0x48, 0x10, 0, 0, 1, 0x40, 0, 0, 1, 0, 0, 0]);
        let c = CapsuleCmd::new(&BOTH, Sqe::new(2, 1), 0).to_bytes();
        assert_eq!(&c[..8], &[4, 1, 72, 0, 76, 0, 0, 0]);
    }
}
