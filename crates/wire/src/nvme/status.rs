//! Status field of a completion. NVMe Base 2.0c 3.3.3.2.1; NVM Command Set 1.0c 3; Fabrics command
//! values Base 2.0c 6; ZNS left out.

open_enum! {
    /// Status field of a completion queue entry without the phase tag, as a host-order number: Status Code in bits 7:0,
    /// Status Code Type in 10:8, Command Retry Delay in 12:11, More in 13, Do Not Retry in 14.
    ///
    /// Compare with [`Status::is`], which leaves the retry bits out. Values 180h.. of type 1 mean one thing for an NVM
    /// command and another for a Fabrics command; `Debug` prints the NVM name, [`Status::fabrics_name`] the other.
    pub enum Status: u16 {
        SUCCESS = 0x000,
        INVALID_OPCODE = 0x001,
        INVALID_FIELD = 0x002,
        COMMAND_ID_CONFLICT = 0x003,
        DATA_TRANSFER_ERROR = 0x004,
        ABORTED_POWER_LOSS = 0x005,
        INTERNAL_ERROR = 0x006,
        ABORTED_BY_REQUEST = 0x007,
        ABORTED_SQ_DELETION = 0x008,
        ABORTED_FAILED_FUSED = 0x009,
        ABORTED_MISSING_FUSED = 0x00a,
        INVALID_NAMESPACE_OR_FORMAT = 0x00b,
        COMMAND_SEQUENCE_ERROR = 0x00c,
        INVALID_SGL_SEGMENT_DESCRIPTOR = 0x00d,
        INVALID_NUMBER_OF_SGL_DESCRIPTORS = 0x00e,
        DATA_SGL_LENGTH_INVALID = 0x00f,
        METADATA_SGL_LENGTH_INVALID = 0x010,
        SGL_DESCRIPTOR_TYPE_INVALID = 0x011,
        INVALID_USE_OF_CMB = 0x012,
        PRP_OFFSET_INVALID = 0x013,
        ATOMIC_WRITE_UNIT_EXCEEDED = 0x014,
        OPERATION_DENIED = 0x015,
        SGL_OFFSET_INVALID = 0x016,
        HOST_ID_INCONSISTENT_FORMAT = 0x018,
        KEEP_ALIVE_EXPIRED = 0x019,
        KEEP_ALIVE_INVALID = 0x01a,
        ABORTED_PREEMPT_AND_ABORT = 0x01b,
        SANITIZE_FAILED = 0x01c,
        SANITIZE_IN_PROGRESS = 0x01d,
        SGL_DATA_BLOCK_GRANULARITY_INVALID = 0x01e,
        COMMAND_NOT_SUPPORTED_IN_CMB = 0x01f,
        NAMESPACE_WRITE_PROTECTED = 0x020,
        COMMAND_INTERRUPTED = 0x021,
        TRANSIENT_TRANSPORT_ERROR = 0x022,
        PROHIBITED_BY_LOCKDOWN = 0x023,
        ADMIN_COMMAND_MEDIA_NOT_READY = 0x024,
        INVALID_KEY_TAG = 0x025,
        HOST_DISPERSED_NS_NOT_ENABLED = 0x026,
        HOST_ID_NOT_INITIALIZED = 0x027,
        INCORRECT_KEY = 0x028,
        FDP_DISABLED = 0x029,
        INVALID_PLACEMENT_HANDLE_LIST = 0x02a,
        LBA_OUT_OF_RANGE = 0x080,
        CAPACITY_EXCEEDED = 0x081,
        NAMESPACE_NOT_READY = 0x082,
        RESERVATION_CONFLICT = 0x083,
        FORMAT_IN_PROGRESS = 0x084,

        COMPLETION_QUEUE_INVALID = 0x100,
        INVALID_QUEUE_ID = 0x101,
        INVALID_QUEUE_SIZE = 0x102,
        ABORT_LIMIT_EXCEEDED = 0x103,
        ASYNC_EVENT_LIMIT_EXCEEDED = 0x105,
        INVALID_FIRMWARE_SLOT = 0x106,
        INVALID_FIRMWARE_IMAGE = 0x107,
        INVALID_INTERRUPT_VECTOR = 0x108,
        INVALID_LOG_PAGE = 0x109,
        INVALID_FORMAT = 0x10a,
        FIRMWARE_REQUIRES_CONVENTIONAL_RESET = 0x10b,
        INVALID_QUEUE_DELETION = 0x10c,
        FEATURE_ID_NOT_SAVEABLE = 0x10d,
        FEATURE_NOT_CHANGEABLE = 0x10e,
        FEATURE_NOT_NAMESPACE_SPECIFIC = 0x10f,
        FIRMWARE_REQUIRES_SUBSYSTEM_RESET = 0x110,
        FIRMWARE_REQUIRES_RESET = 0x111,
        FIRMWARE_REQUIRES_MAX_TIME_VIOLATION = 0x112,
        FIRMWARE_ACTIVATION_PROHIBITED = 0x113,
        OVERLAPPING_RANGE = 0x114,
        NAMESPACE_INSUFFICIENT_CAPACITY = 0x115,
        NAMESPACE_ID_UNAVAILABLE = 0x116,
        NAMESPACE_ALREADY_ATTACHED = 0x118,
        NAMESPACE_IS_PRIVATE = 0x119,
        NAMESPACE_NOT_ATTACHED = 0x11a,
        THIN_PROVISIONING_NOT_SUPPORTED = 0x11b,
        CONTROLLER_LIST_INVALID = 0x11c,
        SELF_TEST_IN_PROGRESS = 0x11d,
        BOOT_PARTITION_WRITE_PROHIBITED = 0x11e,
        INVALID_CONTROLLER_ID = 0x11f,
        INVALID_SECONDARY_CONTROLLER_STATE = 0x120,
        INVALID_NUMBER_OF_CONTROLLER_RESOURCES = 0x121,
        INVALID_RESOURCE_ID = 0x122,
        SANITIZE_PROHIBITED_PMR = 0x123,
        ANA_GROUP_ID_INVALID = 0x124,
        ANA_ATTACH_FAILED = 0x125,
        INSUFFICIENT_CAPACITY = 0x126,
        NAMESPACE_ATTACHMENT_LIMIT_EXCEEDED = 0x127,
        LOCKDOWN_NOT_SUPPORTED = 0x128,
        IO_COMMAND_SET_NOT_SUPPORTED = 0x129,
        IO_COMMAND_SET_NOT_ENABLED = 0x12a,
        IO_COMMAND_SET_COMBINATION_REJECTED = 0x12b,
        INVALID_IO_COMMAND_SET = 0x12c,
        ID_UNAVAILABLE = 0x12d,
        CONFLICTING_ATTRIBUTES = 0x180,
        INVALID_PROTECTION_INFORMATION = 0x181,
        WRITE_TO_READ_ONLY_RANGE = 0x182,
        COMMAND_SIZE_LIMIT_EXCEEDED = 0x183,
        INCOMPATIBLE_NAMESPACE_OR_FORMAT = 0x185,
        FAST_COPY_NOT_POSSIBLE = 0x186,
        OVERLAPPING_IO_RANGE = 0x187,
        INSUFFICIENT_RESOURCES = 0x189,
        DISCOVERY_RESTART = 0x190,
        AUTH_REQUIRED = 0x191,

        WRITE_FAULT = 0x280,
        UNRECOVERED_READ_ERROR = 0x281,
        GUARD_CHECK_ERROR = 0x282,
        APPLICATION_TAG_CHECK_ERROR = 0x283,
        REFERENCE_TAG_CHECK_ERROR = 0x284,
        COMPARE_FAILURE = 0x285,
        ACCESS_DENIED = 0x286,
        DEALLOCATED_OR_UNWRITTEN = 0x287,
        STORAGE_TAG_CHECK_ERROR = 0x288,

        INTERNAL_PATH_ERROR = 0x300,
        ANA_PERSISTENT_LOSS = 0x301,
        ANA_INACCESSIBLE = 0x302,
        ANA_TRANSITION = 0x303,
        CONTROLLER_PATHING_ERROR = 0x360,
        HOST_PATHING_ERROR = 0x370,
        ABORTED_BY_HOST = 0x371,
    }
    aliases {
        /// Connect: the format is not supported.
        CONNECT_INCOMPATIBLE_FORMAT = 0x180,
        /// Connect: the controller is already connected to a host, or has no room.
        CONNECT_CONTROLLER_BUSY = 0x181,
        /// Connect: one parameter is wrong; dword 0 says which ([`crate::fabrics::connect_invalid`]).
        CONNECT_INVALID_PARAMETERS = 0x182,
        /// Connect: the subsystem is not (or no longer) here; look at the discovery log again.
        CONNECT_RESTART_DISCOVERY = 0x183,
        /// Connect: this host may not.
        CONNECT_INVALID_HOST = 0x184,
        /// Disconnect: the queue is not an I/O queue.
        DISCONNECT_INVALID_QUEUE_TYPE = 0x185,
    }
}

/// Status code types (Base 2.0c 3.3.3.2.1): bits 10:8 of [`Status`].
pub mod sct {
    /// Generic command status.
    pub const GENERIC: u8 = 0;
    /// Command specific status.
    pub const COMMAND_SPECIFIC: u8 = 1;
    /// Media and data integrity errors.
    pub const MEDIA: u8 = 2;
    /// Path related status.
    pub const PATH: u8 = 3;
    /// Vendor specific.
    pub const VENDOR: u8 = 7;
}

const CODE: u16 = 0x07ff;
const CRD_SHIFT: u32 = 11;
const MORE: u16 = 1 << 13;
const DNR: u16 = 1 << 14;

impl Status {
    /// From its two parts; only the low three bits of `sct` count.
    pub const fn new(sct: u8, sc: u8) -> Self {
        Self(((sct & 7) as u16) << 8 | sc as u16)
    }

    /// From the last word of a completion: phase tag in bit 0.
    pub const fn from_wire(raw: u16) -> Self {
        Self(raw >> 1)
    }

    /// The last word of a completion, phase tag clear (Fabrics: the phase tag is reserved).
    pub const fn to_wire(self) -> u16 {
        self.0 << 1
    }

    /// Type and code without the retry bits.
    pub const fn code(self) -> Self {
        Self(self.0 & CODE)
    }

    /// Same type and code, whatever the retry bits say.
    pub const fn is(self, other: Self) -> bool {
        self.code().0 == other.code().0
    }

    /// Type 0, code 0.
    pub const fn is_success(self) -> bool {
        self.code().0 == 0
    }

    /// Status Code Type, see [`sct`].
    pub const fn sct(self) -> u8 {
        (self.0 >> 8) as u8 & 7
    }

    /// Status Code.
    pub const fn sc(self) -> u8 {
        self.0 as u8
    }

    /// Do Not Retry: the same command would fail again.
    pub const fn dnr(self) -> bool {
        self.0 & DNR != 0
    }

    /// More: the error log has an entry about this.
    pub const fn more(self) -> bool {
        self.0 & MORE != 0
    }

    /// Command Retry Delay: index (1..3) into CRDT1..3 of Identify Controller, 0 for none.
    pub const fn crd(self) -> u8 {
        (self.0 >> CRD_SHIFT) as u8 & 3
    }

    /// With Do Not Retry set.
    #[must_use]
    pub const fn with_dnr(self) -> Self {
        Self(self.0 | DNR)
    }

    /// With More set.
    #[must_use]
    pub const fn with_more(self) -> Self {
        Self(self.0 | MORE)
    }

    /// With a retry delay index.
    #[must_use]
    pub const fn with_crd(self, crd: u8) -> Self {
        Self(self.0 & !(3 << CRD_SHIFT) | ((crd & 3) as u16) << CRD_SHIFT)
    }

    /// The name where the completion is that of a Fabrics command.
    pub const fn fabrics_name(self) -> Option<&'static str> {
        match self.code() {
            Self::CONNECT_INCOMPATIBLE_FORMAT => Some("CONNECT_INCOMPATIBLE_FORMAT"),
            Self::CONNECT_CONTROLLER_BUSY => Some("CONNECT_CONTROLLER_BUSY"),
            Self::CONNECT_INVALID_PARAMETERS => Some("CONNECT_INVALID_PARAMETERS"),
            Self::CONNECT_RESTART_DISCOVERY => Some("CONNECT_RESTART_DISCOVERY"),
            Self::CONNECT_INVALID_HOST => Some("CONNECT_INVALID_HOST"),
            Self::DISCONNECT_INVALID_QUEUE_TYPE => Some("DISCONNECT_INVALID_QUEUE_TYPE"),
            other => other.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn parts_and_bits() {
        let s = Status::new(sct::MEDIA, 0x85);
        assert_eq!(s, Status::COMPARE_FAILURE);
        assert_eq!((s.sct(), s.sc()), (2, 0x85));
        let all = s.with_dnr().with_more().with_crd(3);
        assert_eq!(all.0, 0x7a85);
        assert!(all.dnr() && all.more() && all.crd() == 3);
        assert_eq!((all.sct(), all.sc()), (2, 0x85));
        assert!(all.is(s) && all != s && all.code() == s);
        assert_eq!(all.with_crd(1).crd(), 1);
        assert!(!s.dnr() && !s.more() && s.crd() == 0);
        assert!(Status::SUCCESS.is_success() && !s.is_success());
    }

    #[test]
    fn wire_has_the_phase_tag_below() {
        assert_eq!(Status::INVALID_FIELD.with_dnr().to_wire(), 0x8004);
        assert_eq!(Status::from_wire(0x8005), Status::INVALID_FIELD.with_dnr());
        assert_eq!(Status::AUTH_REQUIRED.to_wire(), 0x0322);
    }

    #[test]
    fn names() {
        assert_eq!(format!("{:?}", Status::LBA_OUT_OF_RANGE), "LBA_OUT_OF_RANGE");
        assert_eq!(format!("{}", Status(0x7ff)), "Status(0x7ff)");
        assert_eq!(Status::CONNECT_INVALID_HOST.with_dnr().fabrics_name(), Some("CONNECT_INVALID_HOST"));
        assert_eq!(Status::DISCOVERY_RESTART.fabrics_name(), Some("DISCOVERY_RESTART"));
        assert_eq!(Status::CONNECT_INVALID_PARAMETERS.name(), Some("WRITE_TO_READ_ONLY_RANGE"));
    }
}
