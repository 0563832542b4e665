//! RRQ and REC: services about one exchange. FC-LS-4 4.3.15 (RRQ) and 4.3.16 (REC).

use super::{Command, LsAcc};
use crate::fc::PortId;
use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// RRQ and REC: 12 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ExchangeId {
    /// [`Command::RRQ`] or [`Command::REC`].
    pub command: Command,
    /// Reserved.
    pub rsvd1: [u8; 4],
    /// Address of the originator of the exchange.
    pub originator: [u8; 3],
    /// Its exchange identifier.
    pub ox_id: U16,
    /// The responder's, FFFFh when the originator has not seen it.
    pub rx_id: U16,
}
assert_size!(ExchangeId = 12);
assert_offset!(ExchangeId: originator = 5, ox_id = 8, rx_id = 10);

impl ExchangeId {
    /// Names the exchange for `command` (RRQ or REC).
    pub const fn new(command: Command, originator: PortId, ox_id: u16, rx_id: u16) -> Self {
        let (ox_id, rx_id) = (U16::new(ox_id), U16::new(rx_id));
        Self { command, rsvd1: [0; 4], originator: originator.to_bytes(), ox_id, rx_id }
    }

    /// Address of the originator of the exchange.
    pub const fn originator(&self) -> PortId {
        PortId::from_bytes(self.originator)
    }

    /// The originator's exchange identifier.
    pub const fn ox_id(&self) -> u16 {
        self.ox_id.get()
    }

    /// The responder's exchange identifier.
    pub const fn rx_id(&self) -> u16 {
        self.rx_id.get()
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 12] {
        transmute!(self)
    }
}

bitfield! {
    /// E_STAT of a REC accept. FC-FS-5, exchange status block.
    pub struct RecStatus(u32) {
        flags {
            /// The port that answers is the responder of the exchange.
            owner_is_responder, with_owner_is_responder = 31;
            /// The port that answers holds the sequence initiative.
            initiative_here, with_initiative_here = 30;
            /// The exchange is complete.
            complete, with_complete = 29;
            /// It ended abnormally.
            abnormal, with_abnormal = 28;
            /// It failed by an error.
            error, with_error = 27;
            /// It waits for recovery (RRQ).
            recovery_qualifier, with_recovery_qualifier = 26;
        }
        fields {}
    }
}

/// Accept of REC: 24 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RecAcc {
    /// LS_ACC.
    pub head: LsAcc,
    /// The originator's exchange identifier.
    pub ox_id: U16,
    /// The responder's exchange identifier.
    pub rx_id: U16,
    /// Reserved.
    pub rsvd8: u8,
    /// Address of the originator.
    pub originator: [u8; 3],
    /// Reserved.
    pub rsvd12: u8,
    /// Address of the responder.
    pub responder: [u8; 3],
    /// FCP: bytes received by the port that answers (write), or sent by it (read).
    pub transferred: U32,
    /// See [`RecStatus`].
    pub status: U32,
}
assert_size!(RecAcc = 24);
assert_offset!(RecAcc: ox_id = 4, rx_id = 6, originator = 9, responder = 13, transferred = 16, status = 20);

impl RecAcc {
    /// The accept of `request`, from the port `responder` that knows the exchange under `rx_id`.
    pub const fn new(request: &ExchangeId, rx_id: u16, responder: PortId, transferred: u32, status: RecStatus) -> Self {
        Self {
            head: LsAcc::PLAIN,
            ox_id: request.ox_id,
            rx_id: U16::new(rx_id),
            rsvd8: 0,
            originator: request.originator,
            rsvd12: 0,
            responder: responder.to_bytes(),
            transferred: U32::new(transferred),
            status: U32::new(status.0),
        }
    }

    /// The state of the exchange.
    pub const fn status(&self) -> RecStatus {
        RecStatus(self.status.get())
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 24] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fc::els::Request;

    #[test]
    fn rrq_and_rec() {
        let bytes = ExchangeId::new(Command::RRQ, PortId(0x010203), 0x1234, 0xffff).to_bytes();
        assert_eq!(bytes, [0x12, 0, 0, 0, 0, 1, 2, 3, 0x12, 0x34, 0xff, 0xff]);
        let Ok(Request::Rrq(id)) = Request::parse(&bytes) else { panic!("not an RRQ") };
        assert_eq!((id.originator(), id.ox_id(), id.rx_id()), (PortId(0x010203), 0x1234, 0xffff));
        let rec = ExchangeId::new(Command::REC, PortId(0x010203), 0x1234, 0xffff);
        assert!(matches!(Request::parse(&rec.to_bytes()), Ok(Request::Rec(_))));
    }

    #[test]
    fn rec_accept() {
        let rec = ExchangeId::new(Command::REC, PortId(0x010203), 0x1234, 0xffff);
        let status = RecStatus(0).with_initiative_here(true);
        let bytes = RecAcc::new(&rec, 0x5678, PortId(0x040506), 4096, status).to_bytes();
        let expected = [2, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0x10, 0, 0x40, 0, 0, 0];
        assert_eq!(bytes, expected);
    }
}
