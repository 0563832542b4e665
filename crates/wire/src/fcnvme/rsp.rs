//! NVMe_RSP, NVMe_ERSP, and when the longer one is due; NVMe_SR. FC-NVMe-2 clause 8.

use crate::nvme::{Cqe, FABRICS_OPCODE, FUSE_NONE, Sqe};
use crate::parse;
use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// NVMe_RSP: the command succeeded, dwords 0 and 1 of its completion are zero, all of its data was transferred.
pub const RSP: [u8; 12] = [0; 12];
/// Length of an NVMe_ERSP.
pub const ERSP_BYTES: usize = 32;

open_enum! {
    /// First byte of an NVMe_ERSP: the outcome of the transport.
    pub enum ErspResult: u8 {
        /// The completion counts.
        SUCCESS = 0,
        /// A field of the NVMe_CMND is not valid.
        INVALID_FIELD = 1,
        /// The connection's parameters are not valid.
        ILLEGAL_CONNECTION = 3,
    }
}

/// NVMe_ERSP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Ersp {
    /// Outcome of the transport.
    pub result: ErspResult,
    /// Reserved.
    pub rsvd1: u8,
    /// Length in words: 8.
    pub iu_words: U16,
    /// Response sequence number: one more for each NVMe_ERSP of the connection.
    pub rsn: U32,
    /// Bytes transferred.
    pub transferred: U32,
    /// Reserved.
    pub rsvd12: [u8; 4],
    /// The completion.
    pub cqe: Cqe,
}
assert_size!(Ersp = ERSP_BYTES);
assert_offset!(Ersp: iu_words = 2, rsn = 4, transferred = 8, cqe = 16);

impl Ersp {
    /// The extended response with a completion.
    pub const fn new(rsn: u32, transferred: u32, cqe: Cqe) -> Self {
        Self {
            result: ErspResult::SUCCESS,
            rsvd1: 0,
            iu_words: U16::new(ERSP_BYTES as u16 / 4),
            rsn: U32::new(rsn),
            transferred: U32::new(transferred),
            rsvd12: [0; 4],
            cqe,
        }
    }

    /// Reads a response that is longer than [`RSP`]; `None` when it is too short or its length field is not 8 words.
    pub fn parse(payload: &[u8]) -> Option<&Self> {
        let ersp: &Self = parse(payload)?;
        (usize::from(ersp.iu_words.get()) * 4 == ERSP_BYTES).then_some(ersp)
    }

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; ERSP_BYTES] {
        transmute!(self)
    }
}

/// A command that is done, seen by the side that chooses between RSP and ERSP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion<'a> {
    /// The command.
    pub sqe: &'a Sqe,
    /// Its completion.
    pub cqe: &'a Cqe,
    /// Bytes transferred.
    pub transferred: u32,
    /// Data length of the NVMe_CMND.
    pub data_length: u32,
    /// Which of the connection's responses this is, counted from 1.
    pub response: u32,
    /// ERSP_RATIO of the connection. 0 counts as 1.
    pub ersp_ratio: u16,
    /// Entries of the submission queue.
    pub sq_entries: u32,
    /// Entries in use: commands of the connection that were received and not answered, this one not counted.
    pub sq_used: u32,
}

/// Whether an NVMe_ERSP has to be sent: for every ERSP_RATIO-th response; when the completion has anything that the host
/// cannot fill in by itself (status, dword 0, dword 1); when less was transferred than asked for; for fused commands; when
/// the submission queue is 90% full. And for Fabrics commands, which the standard leaves open: hosts expect it.
pub fn ersp_due(done: &Completion<'_>) -> bool {
    let ratio = u32::from(done.ersp_ratio.max(1));
    // One entry of a queue is always free (head = tail means empty).
    let usable = u64::from(done.sq_entries.saturating_sub(1));
    done.response.is_multiple_of(ratio)
        || done.cqe.status.get() & !1 != 0
        || done.cqe.value() != 0
        || done.transferred != done.data_length
        || done.sqe.fuse() != FUSE_NONE
        || done.sqe.opcode == FABRICS_OPCODE
        || u64::from(done.sq_used) * 10 >= usable * 9
}

/// NVMe_SR (opcode 1) and NVMe_SR_RSP (opcode 2): 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SequenceRetransmission {
    /// 28h.
    pub fc_id: u8,
    /// 1 request, 2 response.
    pub opcode: u8,
    /// Reserved.
    pub rsvd2: u8,
    /// Request: R_CTL of the unit that is to be sent again. Response: 0 accepted, 3 logical error, 4 invalid qualifier, 9
    /// unable.
    pub r_ctl_or_status: u8,
    /// Reserved.
    pub rsvd4: [u8; 4],
}
assert_size!(SequenceRetransmission = 8);

impl SequenceRetransmission {
    /// The response that declines: no sequence level error recovery here.
    pub const UNABLE: Self = Self { fc_id: 0x28, opcode: 2, rsvd2: 0, r_ctl_or_status: 9, rsvd4: [0; 4] };

    /// The bytes to send.
    pub fn to_bytes(self) -> [u8; 8] {
        transmute!(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::U16 as LeU16;
    use crate::nvme::{NvmOpcode, Status};

    #[test]
    fn ersp_bytes() {
        let cqe = Cqe::new(0x1234, Status::INVALID_FIELD).with_sqhd(7);
        let ersp = Ersp::new(3, 512, cqe);
        let bytes = ersp.to_bytes();
        assert_eq!(&bytes[..16], &[0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 2, 0, 0, 0, 0, 0]);
        assert_eq!(&bytes[16..], cqe.as_bytes());
        assert_eq!(Ersp::parse(&bytes), Some(&ersp));
        assert_eq!(Ersp::parse(&bytes[..31]), None);
        let mut wrong = bytes;
        wrong[3] = 9;
        assert_eq!(Ersp::parse(&wrong), None);
    }

    #[test]
    fn when_due() {
        let sqe = Sqe::new(NvmOpcode::READ.0, 1);
        let cqe = Cqe::new(1, Status::SUCCESS);
        let plain = Completion {
            sqe: &sqe,
            cqe: &cqe,
            transferred: 4096,
            data_length: 4096,
            response: 1,
            ersp_ratio: 8,
            sq_entries: 32,
            sq_used: 0,
        };
        assert!(!ersp_due(&plain));
        // The queue identifier, head and command identifier are known to the host.
        let known = cqe.with_sqhd(5);
        assert!(!ersp_due(&Completion { cqe: &known, ..plain }));
        assert!(!ersp_due(&Completion { response: 7, ..plain }) && ersp_due(&Completion { response: 8, ..plain }));
        assert!(ersp_due(&Completion { response: 16, ..plain }) && ersp_due(&Completion { ersp_ratio: 0, ..plain }));
        for other in [Cqe::new(1, Status::INVALID_FIELD), cqe.with_dw0(1), cqe.with_value(1 << 32)] {
            assert!(ersp_due(&Completion { cqe: &other, ..plain }));
        }
        let mut phase = cqe;
        phase.status = LeU16::new(1);
        assert!(!ersp_due(&Completion { cqe: &phase, ..plain }));
        assert!(ersp_due(&Completion { transferred: 4095, ..plain }));
        assert!(!ersp_due(&Completion { sq_used: 27, ..plain }) && ersp_due(&Completion { sq_used: 28, ..plain }));
        let fabrics = Sqe::new(FABRICS_OPCODE, 0);
        assert!(ersp_due(&Completion { sqe: &fabrics, ..plain }));
        let mut fused = sqe;
        fused.flags |= 1;
        assert!(ersp_due(&Completion { sqe: &fused, ..plain }));
    }

    #[test]
    fn retransmission_declined() {
        assert_eq!(SequenceRetransmission::UNABLE.to_bytes(), [0x28, 2, 0, 9, 0, 0, 0, 0]);
    }
}
