//! Status: a command of the initiator, or a task management function, is over.

use super::fcp::FcpStatus;
use super::{Entry, Iocb};
use crate::isp::swap_words;
use crate::{U16, U32};

open_enum! {
    /// Completion status (CS) of Status, login, CT, ELS, LS and abort entries.
    pub enum CompletionStatus: u16 {
        /// Complete.
        COMPLETE = 0x00,
        /// Incomplete.
        INCOMPLETE = 0x01,
        /// Memory could not be reached.
        DMA_ERROR = 0x02,
        /// Transport error.
        TRANSPORT = 0x03,
        /// Reset.
        RESET = 0x04,
        /// Aborted by the host.
        ABORTED = 0x05,
        /// Timeout.
        TIMEOUT = 0x06,
        /// More data than asked for.
        DATA_OVERRUN = 0x07,
        /// T10 protection information differs.
        DIF_ERROR = 0x0c,
        /// Data could not be put together.
        DATA_REASSEMBLY_ERROR = 0x11,
        /// The target sent ABTS.
        ABTS_BY_TARGET = 0x13,
        /// Less data than asked for.
        DATA_UNDERRUN = 0x15,
        /// TASK SET FULL.
        QUEUE_FULL = 0x1c,
        /// The port is not there.
        PORT_UNAVAILABLE = 0x28,
        /// The port is logged out.
        PORT_LOGGED_OUT = 0x29,
        /// The port's configuration changed.
        PORT_CONFIG_CHANGED = 0x2a,
        /// The port is busy.
        PORT_BUSY = 0x2b,
        /// The firmware has no resources.
        RESOURCES = 0x2c,
        /// Task management overrun.
        TASK_MANAGEMENT_OVERRUN = 0x30,
        /// The entry failed; subcodes say why.
        IOCB_ERROR = 0x31,
        /// Aborted by the target.
        ABORTED_BY_TARGET = 0x47,
        /// The ELS or LS was rejected.
        REJECTED = 0x4e,
    }
}

bitfield! {
    /// State flags of a Status entry.
    pub struct StateFlags(u16) {
        flags {
            /// The response IU is in the response buffer.
            response_by_dma, with_response_by_dma = 0;
            /// Bidirectional.
            bidirectional, with_bidirectional = 1;
            /// Unsupported device.
            unsupported_device, with_unsupported_device = 4;
            /// The entry has an NVMe ERSP.
            ersp, with_ersp = 6;
            /// Data moved.
            data_transferred, with_data_transferred = 11;
        }
        fields {}
    }
}

/// The SCSI status word is the same in Status and CTIO entries.
pub type ScsiStatusFlags = FcpStatus;

entry! {
    /// Status of a command: SCSI, NVMe, task management.
    pub struct Status: STATUS {
        /// Of the command.
        handle: U32 = 4,
        /// See [`CompletionStatus`].
        comp_status: U16 = 8,
        /// Exchange identifier.
        ox_id: U16 = 10,
        /// Bytes not transferred, as the firmware counted.
        residual: U32 = 12,
        /// NVMe: length of the response IU.
        response_length: U16 = 16,
        /// See [`StateFlags`].
        state_flags: U16 = 18,
        /// Status qualifier (retry delay).
        qualifier: U16 = 20,
        /// See [`FcpStatus`].
        scsi_status: U16 = 22,
        /// Residual of FCP_RSP.
        fcp_residual: U32 = 24,
        /// Bytes of sense.
        sense_length: U32 = 28,
        /// Bytes of response info.
        info_length: U32 = 32,
        /// Response info, then sense, swapped. (Of NVMe the ERSP begins four bytes earlier: [`Status::ersp`].)
        data: [u8; 28] = 36,
    }
}

impl Status {
    /// Completion status.
    pub const fn comp_status(&self) -> CompletionStatus {
        CompletionStatus(self.comp_status.get())
    }

    /// State flags.
    pub const fn state_flags(&self) -> StateFlags {
        StateFlags(self.state_flags.get())
    }

    /// SCSI status word.
    pub const fn scsi_status(&self) -> FcpStatus {
        FcpStatus(self.scsi_status.get())
    }

    /// The NVMe ERSP in this entry, as on the link.
    pub fn ersp(&self) -> [u8; 32] {
        let mut ersp = [0; 32];
        ersp.copy_from_slice(&self.entry()[32..]);
        swap_words(&mut ersp);
        ersp
    }

    /// Puts an NVMe ERSP, as on the link, into this entry.
    #[must_use]
    pub fn with_ersp(mut self, mut ersp: [u8; 32]) -> Self {
        swap_words(&mut ersp);
        let entry: &mut Entry = zerocopy::transmute_mut!(&mut self);
        entry[32..].copy_from_slice(&ersp);
        self
    }
}

entry! {
    /// What does not fit into a Status, PUREX or PURLS entry.
    pub struct StatusContinuation: STATUS_CONTINUATION {
        /// Further bytes, swapped.
        data: [u8; 60] = 4,
    }
}

/// Entries that `info` and `sense` need: a Status and its continuations.
const fn entries(bytes: usize) -> usize {
    1 + bytes.saturating_sub(28).div_ceil(60)
}

/// Puts response info and sense (as on the link) into a Status entry and as many continuations as they need, and tells how many
/// entries of `out` were written. What finds no room in `out` is cut off. Lengths and valid bits are set here.
pub fn sense_group(mut status: Status, info: &[u8], sense: &[u8], out: &mut [Entry]) -> usize {
    let count = entries(info.len() + sense.len()).min(out.len()).min(255);
    let mut bytes = info.iter().chain(sense).copied();
    status.header.entry_count = count as u8;
    status.info_length.set(info.len() as u32);
    status.sense_length.set(sense.len() as u32);
    let word = status.scsi_status().with_info(!info.is_empty()).with_sense(!sense.is_empty());
    status.scsi_status.set(word.0);
    fill(&mut status.data, &mut bytes);
    let Some((first, rest)) = out.get_mut(..count).and_then(<[Entry]>::split_first_mut) else { return 0 };
    *first = *status.entry();
    for entry in rest {
        let mut continuation = StatusContinuation::new();
        fill(&mut continuation.data, &mut bytes);
        *entry = *continuation.entry();
    }
    count
}

/// The next bytes, swapped; zeroes behind the last.
pub(super) fn fill(to: &mut [u8], bytes: &mut impl Iterator<Item = u8>) {
    to.iter_mut().for_each(|byte| *byte = bytes.next().unwrap_or(0));
    swap_words(to);
}

impl Status {
    /// Reads response info and sense, as on the link, out of a Status entry and its continuations into `out`; tells the lengths of
    /// both, cut to what is there and to the room of `out`.
    pub fn info_and_sense(&self, continuations: &[Entry], out: &mut [u8]) -> (usize, usize) {
        let word = self.scsi_status();
        let info = if word.info() { self.info_length.get() as usize } else { 0 };
        let sense = if word.sense() { self.sense_length.get() as usize } else { 0 };
        let mut at = 0;
        let continuations = continuations.iter().filter(|entry| entry[0] == StatusContinuation::TYPE.0);
        for part in core::iter::once(&self.data[..]).chain(continuations.map(|entry| &entry[4..])) {
            for word in part.chunks_exact(4) {
                for byte in word.iter().rev() {
                    if at < out.len() {
                        out[at] = *byte;
                        at += 1;
                    }
                }
            }
        }
        let info = info.min(at);
        (info, sense.min(at - info))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sense_goes_out_and_in() {
        let sense: [u8; 96] = core::array::from_fn(|at| at as u8);
        let info = [0, 0, 0, 5, 0, 0, 0, 0];
        let mut status = Status::new();
        status.scsi_status.set(2);
        let mut group = [[0xee; 64]; 4];
        assert_eq!(sense_group(status, &[], &sense, &mut group), 3);
        assert_eq!((group[0][1], &group[1][..5]), (3, &[0x10, 1, 0, 0, 31][..]));
        assert_eq!((Status::of(&group[0]).scsi_status.get(), &group[0][36..40]), (0x0202, &[3, 2, 1, 0][..]));
        assert_eq!(group[3], [0xee; 64]);
        let mut out = [0; 200];
        assert_eq!(Status::of(&group[0]).info_and_sense(&group[1..3], &mut out), (0, 96));
        assert_eq!(out[..96], sense);
        // A continuation is missing: what is there counts.
        assert_eq!(Status::of(&group[0]).info_and_sense(&group[1..2], &mut out), (0, 88));
        assert_eq!(sense_group(status, &info, &sense[..18], &mut group), 1);
        let mut out = [0; 28];
        assert_eq!(Status::of(&group[0]).info_and_sense(&[], &mut out), (8, 18));
        assert_eq!((&out[..8], &out[8..26]), (&info[..], &sense[..18]));
        assert_eq!(Status::of(&group[0]).info_and_sense(&[], &mut out[..12]), (8, 4));
        assert_eq!(sense_group(status, &info, &sense, &mut group[..1]), 1);
        assert_eq!(sense_group(status, &info, &sense, &mut []), 0);
    }
}
