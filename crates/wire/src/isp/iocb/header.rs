//! What all entries begin with, their types, and the words that mean something in any of them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// An entry of a queue.
pub type Entry = [u8; 64];

/// A layout of an [`Entry`].
pub trait Iocb {
    /// The type byte.
    const TYPE: EntryType;
}

open_enum! {
    /// What an entry is: its first byte.
    pub enum EntryType: u8 {
        /// Status: a command is over.
        STATUS = 0x03,
        /// Marker.
        MARKER = 0x04,
        /// ATIO type 7: a command for the target.
        ATIO_7 = 0x06,
        /// Continuation type 1: five more data segments.
        CONTINUATION = 0x0a,
        /// Immediate notify.
        IMMEDIATE_NOTIFY = 0x0d,
        /// Notify acknowledge.
        NOTIFY_ACK = 0x0e,
        /// Status continuation: sense, or payload of PUREX and PURLS.
        STATUS_CONTINUATION = 0x10,
        /// CTIO type 7: data or status of the target.
        CTIO_7 = 0x12,
        /// Task management.
        TASK_MANAGEMENT = 0x14,
        /// Command type 7.
        COMMAND_7 = 0x18,
        /// Exchange virtual fabrics parameters.
        EVFP = 0x26,
        /// CT pass-through.
        CT_PASS_THROUGH = 0x29,
        /// VP control.
        VP_CONTROL = 0x30,
        /// VP config.
        VP_CONFIG = 0x31,
        /// Report ID acquisition.
        REPORT_ID = 0x32,
        /// Abort.
        ABORT = 0x33,
        /// Mailbox command in a queue entry.
        MAILBOX = 0x39,
        /// Command type 6.
        COMMAND_6 = 0x48,
        /// Unsolicited ELS.
        PUREX = 0x51,
        /// Login or logout of a port.
        LOGIN_LOGOUT = 0x52,
        /// ELS pass-through.
        ELS_PASS_THROUGH = 0x53,
        /// ABTS received.
        ABTS_RECEIVED = 0x54,
        /// ABTS response.
        ABTS_RESPONSE = 0x55,
        /// NVMe LS received (PURLS).
        PT_LS4_RECEIVED = 0x56,
        /// Command type CRC_2 (T10 protection information).
        COMMAND_CRC_2 = 0x6a,
        /// Security association update.
        SA_UPDATE = 0x71,
        /// Bidirectional command.
        BIDIRECTIONAL = 0x75,
        /// CTIO CRC2 (T10 protection information).
        CTIO_CRC_2 = 0x7a,
        /// NVMe CTIO.
        CTIO_NVME = 0x82,
        /// NVMe command.
        COMMAND_NVME = 0x88,
        /// NVMe LS.
        PT_LS4 = 0x89,
    }
}

bitfield! {
    /// Why the adapter could not read an entry; such an entry comes back itself. Anything but 0 is an error.
    pub struct EntryStatus(u8) {
        flags {
            /// Busy: to be tried again.
            busy, with_busy = 1;
            /// Unknown type.
            invalid_type, with_invalid_type = 2;
            /// A parameter is not valid.
            invalid_parameter, with_invalid_parameter = 3;
            /// The count does not go with the contents.
            invalid_count, with_invalid_count = 4;
            /// A continuation is missing, or comes alone.
            invalid_order, with_invalid_order = 5;
            /// The adapter could not reach memory that the entry names.
            dma_error, with_dma_error = 6;
        }
        fields {}
    }
}

/// The first four bytes of every entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct EntryHeader {
    /// What it is.
    pub entry_type: EntryType,
    /// Number of entries: this one and its continuations.
    pub entry_count: u8,
    /// The host's.
    pub sys_define: u8,
    /// See [`EntryStatus`].
    pub entry_status: u8,
}
assert_size!(EntryHeader = 4);
assert_offset!(EntryHeader: entry_type = 0, entry_count = 1, sys_define = 2, entry_status = 3);

impl EntryHeader {
    /// The header of an entry without continuations.
    pub const fn new(entry_type: EntryType) -> Self {
        Self { entry_type, entry_count: 1, sys_define: 0, entry_status: 0 }
    }

    /// The header of any entry.
    pub const fn of(entry: &Entry) -> Self {
        Self { entry_type: EntryType(entry[0]), entry_count: entry[1], sys_define: entry[2], entry_status: entry[3] }
    }

    /// Errors.
    pub const fn status(self) -> EntryStatus {
        EntryStatus(self.entry_status)
    }
}

/// Handle of entries that need no completion: markers, and the target's CTIOs without context.
pub const SKIP_HANDLE: u32 = 0x0fff_ffff;
/// Handle of target entries without context.
pub const NULL_HANDLE: u32 = 0;
/// Set in the handles of CTIOs.
pub const CTIO_COMPLETION_MARK: u32 = 1 << 29;
/// Set in the handles of data CTIOs that a status CTIO follows.
pub const CTIO_INTERMEDIATE_MARK: u32 = 1 << 30;
/// The last word of an entry of the response or ATIO queue that the host has processed already.
pub const PROCESSED: u32 = 0xdead_dead;

/// The last word of an entry.
pub const fn signature(entry: &Entry) -> u32 {
    u32::from_le_bytes([entry[60], entry[61], entry[62], entry[63]])
}

/// Whether the host has processed the entry in this slot.
pub const fn is_processed(entry: &Entry) -> bool {
    signature(entry) == PROCESSED
}
