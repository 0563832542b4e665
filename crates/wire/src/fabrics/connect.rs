//! Connect command, its data and its answers. NVMe Base 2.0c 6.3; NVMe-oF 1.1a 3.3.

use super::{FcType, Nqn};
use crate::nvme::{FABRICS_OPCODE, SglDescriptor, Sqe};
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned, transmute, transmute_ref};

/// Connect: 64 bytes, a view of the SQE.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Connect {
    /// 7Fh.
    pub opcode: u8,
    /// Flags as in [`Sqe`].
    pub flags: u8,
    /// Command identifier.
    pub cid: U16,
    /// [`FcType::CONNECT`].
    pub fctype: FcType,
    /// Reserved.
    pub rsvd5: [u8; 19],
    /// Where the 1,024 bytes of [`ConnectData`] are.
    pub sgl1: SglDescriptor,
    /// Record format: 0.
    pub recfmt: U16,
    /// Queue to create: 0 is the admin queue, which makes a controller.
    pub qid: U16,
    /// Submission queue size, zero-based; see [`Connect::queue_size`].
    pub sqsize: U16,
    /// Connect attributes, see [`cattr`].
    pub cattr: u8,
    /// Reserved.
    pub rsvd47: u8,
    /// Keep Alive Timeout in milliseconds, 0 for none; admin queue only.
    pub kato: U32,
    /// Reserved.
    pub rsvd52: [u8; 12],
}
assert_size!(Connect = 64);
assert_offset!(Connect: fctype = 4, sgl1 = 24, recfmt = 40, qid = 42, sqsize = 44, cattr = 46, kato = 48);

/// Bits of CATTR.
pub mod cattr {
    /// Priority class of the queue (bits 1:0), for weighted round robin.
    pub const PRIORITY: u8 = 3;
    /// The host asks to disable submission queue flow control: SQHD is then not kept.
    pub const DISABLE_SQ_FLOW_CONTROL: u8 = 1 << 2;
    /// Individual I/O queues may be deleted with Disconnect.
    pub const INDIVIDUAL_QUEUE_DELETION: u8 = 1 << 3;
}

impl Connect {
    /// The command as a Connect.
    pub fn of(sqe: &Sqe) -> &Self {
        transmute_ref!(sqe)
    }

    /// Entries of the queue: SQSIZE + 1.
    pub const fn queue_size(&self) -> u32 {
        self.sqsize.get() as u32 + 1
    }

    /// A Connect command without CID; `entries` is the queue's size itself, `kato_ms` counts for queue 0 only. Its data go
    /// in the capsule.
    pub fn new(qid: u16, entries: u16, kato_ms: u32) -> Self {
        let mut c = Self::new_zeroed();
        c.opcode = FABRICS_OPCODE;
        c.flags = crate::nvme::PSDT_SGL << 6;
        c.fctype = FcType::CONNECT;
        c.sgl1 = SglDescriptor::in_capsule(0, core::mem::size_of::<ConnectData>() as u32);
        c.qid = U16::new(qid);
        c.sqsize = U16::new(entries.saturating_sub(1));
        c.kato = U32::new(if qid == 0 { kato_ms } else { 0 });
        c
    }

    /// The same bytes as a plain SQE.
    pub fn into_sqe(self) -> Sqe {
        transmute!(self)
    }
}

/// Data of Connect: 1,024 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ConnectData {
    /// Host identifier (128 bits); all zero is not allowed.
    pub hostid: [u8; 16],
    /// Controller wanted: FFFFh for any (dynamic), FFFEh for any (static), or the one of the admin queue.
    pub cntlid: U16,
    /// Reserved.
    pub rsvd18: [u8; 238],
    /// NVM subsystem NQN.
    pub subnqn: Nqn,
    /// Host NQN.
    pub hostnqn: Nqn,
    /// Reserved.
    pub rsvd768: [u8; 256],
}
assert_size!(ConnectData = 1024);
assert_offset!(ConnectData: cntlid = 16, subnqn = 256, hostnqn = 512);

impl ConnectData {
    /// Data with reserved bytes zero.
    pub fn new(hostid: [u8; 16], cntlid: u16, subnqn: Nqn, hostnqn: Nqn) -> Self {
        let cntlid = U16::new(cntlid);
        Self { hostid, cntlid, rsvd18: [0; 238], subnqn, hostnqn, rsvd768: [0; 256] }
    }
}

/// Which part of a Connect an invalid parameter is in (IATTR bit 0).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Where {
    /// Offset from the start of the SQE.
    Sqe,
    /// Offset from the start of the data.
    Data,
}

/// Offsets of parameters in the SQE, for [`connect_invalid`].
pub mod sqe_offset {
    /// RECFMT.
    pub const RECFMT: u16 = 40;
    /// QID.
    pub const QID: u16 = 42;
    /// SQSIZE.
    pub const SQSIZE: u16 = 44;
    /// CATTR.
    pub const CATTR: u16 = 46;
    /// KATO.
    pub const KATO: u16 = 48;
}

/// Offsets of parameters in the data, for [`connect_invalid`].
pub mod data_offset {
    /// HOSTID.
    pub const HOSTID: u16 = 0;
    /// CNTLID.
    pub const CNTLID: u16 = 16;
    /// SUBNQN.
    pub const SUBNQN: u16 = 256;
    /// HOSTNQN.
    pub const HOSTNQN: u16 = 512;
}

/// Authentication Transaction Required, for [`connect_accepted`].
pub const AUTHREQ_ATR: u16 = 1 << 1;
/// Authentication and Secure Channel Required, for [`connect_accepted`].
pub const AUTHREQ_ASCR: u16 = 1 << 2;

/// Dword 0 of a successful Connect: controller identifier, and what authentication the host must do first (0 for none).
pub const fn connect_accepted(cntlid: u16, authreq: u16) -> u32 {
    cntlid as u32 | (authreq as u32) << 16
}

/// Dword 0 of a Connect that failed with [`crate::nvme::Status::CONNECT_INVALID_PARAMETERS`]: IPO in bits 15:0, IATTR in
/// 23:16.
pub const fn connect_invalid(place: Where, offset: u16) -> u32 {
    let iattr = matches!(place, Where::Data) as u32;
    offset as u32 | iattr << 16
}

/// Takes [`connect_invalid`] apart.
pub const fn parse_connect_invalid(dw0: u32) -> (Where, u16) {
    (if dw0 & 1 << 16 != 0 { Where::Data } else { Where::Sqe }, dw0 as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nvme::Sgl;

    /// The admin Connect that the Linux nvme-tcp host sends: queue of 32 entries, KATO 5 s.
    fn linux_admin_connect() -> [u8; 64] {
        let mut b = [0u8; 64];
        b[0] = 0x7f;
        b[1] = 0x40; // SGL, metadata pointer unused
        b[4] = 0x01;
        b[32..36].copy_from_slice(&1024u32.to_le_bytes());
        b[39] = 0x01; // data block, offset subtype: in the capsule
        b[44] = 31;
        b[48..52].copy_from_slice(&5000u32.to_le_bytes());
        b
    }

    #[test]
    fn connect_of_a_linux_host() {
        let bytes = linux_admin_connect();
        let sqe: &Sqe = crate::parse(&bytes).unwrap();
        assert_eq!(FcType::of(sqe), Some(FcType::CONNECT));
        let c = Connect::of(sqe);
        assert_eq!((c.recfmt.get(), c.qid.get(), c.queue_size(), c.kato.get(), c.cattr), (0, 0, 32, 5000, 0));
        assert_eq!(c.sgl1.parse(), Sgl::InCapsule { offset: 0, length: 1024 });
        assert_eq!(sqe.dptr, c.sgl1);
        assert_eq!(Connect::new(0, 32, 5000).as_bytes(), &bytes);
        assert_eq!(Connect::new(0, 32, 5000).into_sqe(), *sqe);
    }

    #[test]
    fn io_connect_has_no_keep_alive() {
        let c = Connect::new(3, 128, 5000);
        assert_eq!((c.qid.get(), c.sqsize.get(), c.kato.get()), (3, 127, 0));
    }

    #[test]
    fn data_bytes() {
        let sub = Nqn::new("nqn.2016-06.io.spdk:cnode1").unwrap();
        let host = Nqn::new("nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff").unwrap();
        let d = ConnectData::new([7; 16], 0xffff, sub, host);
        let b = d.as_bytes();
        assert_eq!(&b[..18], &[7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0xff, 0xff]);
        assert_eq!(&b[256..284], b"nqn.2016-06.io.spdk:cnode1\0\0");
        assert_eq!(&b[512..516], b"nqn.");
        assert!(b[768..].iter().all(|&x| x == 0));
        let back: &ConnectData = crate::parse(b).unwrap();
        assert_eq!(back.subnqn.text(), Ok("nqn.2016-06.io.spdk:cnode1"));
        assert!(crate::parse::<ConnectData>(&b[..1023]).is_none());
    }

    #[test]
    fn answers() {
        assert_eq!(connect_accepted(0x0102, 0), 0x0000_0102);
        assert_eq!(connect_accepted(1, AUTHREQ_ATR), 0x0002_0001);
        assert_eq!(connect_invalid(Where::Data, data_offset::HOSTNQN), 0x0001_0200);
        assert_eq!(connect_invalid(Where::Sqe, sqe_offset::SQSIZE), 44);
        assert_eq!(parse_connect_invalid(0x0001_0100), (Where::Data, data_offset::SUBNQN));
        assert_eq!(parse_connect_invalid(42), (Where::Sqe, sqe_offset::QID));
    }

    #[test]
    fn offsets_are_those_of_the_layouts() {
        use core::mem::offset_of;
        assert_eq!(offset_of!(Connect, qid), usize::from(sqe_offset::QID));
        assert_eq!(offset_of!(Connect, kato), usize::from(sqe_offset::KATO));
        assert_eq!(offset_of!(Connect, cattr), usize::from(sqe_offset::CATTR));
        assert_eq!(offset_of!(Connect, recfmt), usize::from(sqe_offset::RECFMT));
        assert_eq!(offset_of!(Connect, sqsize), usize::from(sqe_offset::SQSIZE));
        assert_eq!(offset_of!(ConnectData, hostid), usize::from(data_offset::HOSTID));
        assert_eq!(offset_of!(ConnectData, cntlid), usize::from(data_offset::CNTLID));
        assert_eq!(offset_of!(ConnectData, subnqn), usize::from(data_offset::SUBNQN));
        assert_eq!(offset_of!(ConnectData, hostnqn), usize::from(data_offset::HOSTNQN));
    }
}
