//! NVMe CTIO. Known only from a series of patches for a target that was never merged; no shipped driver sends it.

use super::{CtioFlags, CtioStatus, Dsd64, Entry, LeId, Transfer};
use crate::isp::swap_words;
use crate::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

entry! {
    /// NVMe CTIO. The fields from 28 on are those of mode 0; [`ersp`](Self::ersp) gives those of mode 1; mode 2 uses `transfer_length` and
    /// `dsd` for the response.
    pub struct CtioNvme: CTIO_NVME {
        /// The host's.
        handle: U32 = 4,
        /// Port.
        nport_handle: U16 = 8,
        /// Seconds.
        timeout: U16 = 10,
        /// Number of data segments.
        dseg_count: U16 = 12,
        /// Virtual port.
        vp_index: u8 = 14,
        /// Additional flags.
        add_flags: u8 = 15,
        /// Initiator.
        initiator_id: LeId = 16,
        /// Reserved.
        rsvd19: u8 = 19,
        /// The exchange.
        exchange_address: U32 = 20,
        /// Originator's exchange.
        ox_id: U16 = 24,
        /// See [`CtioFlags`].
        flags: U16 = 26,
        /// Reserved.
        rsvd28: [u8; 8] = 28,
        /// Mode 0: where in the command's data.
        relative_offset: U32 = 36,
        /// Reserved.
        rsvd40: [u8; 4] = 40,
        /// Mode 0: bytes of data.
        transfer_length: U32 = 44,
        /// Reserved.
        rsvd48: [u8; 4] = 48,
        /// First segment.
        dsd: [Dsd64; 1] = 52,
    }
}

/// Offset 28 on of an NVMe CTIO of mode 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ErspWords {
    /// The completion, swapped.
    pub cqe: [u8; 16],
    /// Bytes transferred.
    pub transferred: U32,
    /// Response sequence number.
    pub rsn: U32,
}
assert_size!(ErspWords = 24);
assert_offset!(ErspWords: cqe = 0, transferred = 16, rsn = 20);

impl ErspWords {
    /// The completion in memory order.
    pub fn cqe(&self) -> [u8; 16] {
        let mut cqe = self.cqe;
        swap_words(&mut cqe);
        cqe
    }
}

impl CtioNvme {
    /// Flags.
    pub const fn flags(&self) -> CtioFlags {
        CtioFlags(self.flags.get())
    }

    /// What is moved, in mode 0.
    pub const fn transfer(&self) -> Transfer {
        Transfer { offset: self.relative_offset.get(), length: self.transfer_length.get() }
    }

    /// The ERSP, in mode 1.
    pub fn ersp(&self) -> ErspWords {
        let mut bytes = [0; 24];
        bytes.copy_from_slice(&self.entry()[28..52]);
        transmute!(bytes)
    }

    /// This entry in mode 1 with an ERSP: a completion in memory order, bytes transferred, response sequence number.
    #[must_use]
    pub fn with_ersp(mut self, mut cqe: [u8; 16], transferred: u32, rsn: u32) -> Self {
        swap_words(&mut cqe);
        self.flags.set(self.flags().with_mode_1(true).0);
        let words = ErspWords { cqe, transferred: U32::new(transferred), rsn: U32::new(rsn) };
        let entry: &mut Entry = zerocopy::transmute_mut!(&mut self);
        entry[28..52].copy_from_slice(words.as_bytes());
        self
    }

    /// The completion of this request.
    pub fn completed(&self, status: CtioStatus) -> CtioNvmeCompletion {
        CtioNvmeCompletion {
            handle: self.handle,
            status: U16::new(status.0),
            timeout: self.timeout,
            dseg_count: self.dseg_count,
            vp_index: self.vp_index,
            exchange_address: self.exchange_address,
            ox_id: self.ox_id,
            flags: self.flags,
            ..CtioNvmeCompletion::new()
        }
    }
}

entry! {
    /// Completion of an NVMe CTIO.
    pub struct CtioNvmeCompletion: CTIO_NVME {
        /// As in the request.
        handle: U32 = 4,
        /// See [`CtioStatus`].
        status: U16 = 8,
        /// As in the request.
        timeout: U16 = 10,
        /// As in the request.
        dseg_count: U16 = 12,
        /// As in the request.
        vp_index: u8 = 14,
        /// Reserved.
        rsvd15: [u8; 5] = 15,
        /// The exchange.
        exchange_address: U32 = 20,
        /// Originator's exchange.
        ox_id: U16 = 24,
        /// As in the request; [`CtioFlags::terminate`] set: the firmware has ended the exchange.
        flags: U16 = 26,
        /// Bytes that were not moved.
        residual: U32 = 28,
        /// Reserved.
        rsvd32: [u8; 32] = 32,
    }
}

impl CtioNvmeCompletion {
    /// Status without the bits above it.
    pub const fn status(&self) -> CtioStatus {
        CtioStatus(self.status.get() & 0xff)
    }

    /// Flags.
    pub const fn flags(&self) -> CtioFlags {
        CtioFlags(self.flags.get())
    }
}
