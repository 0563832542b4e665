//! Status (SAM-5 5.3), sense keys and additional sense codes (SPC-4 4.5, annex D).

open_enum! {
    /// SCSI status (SAM-5 5.3.1).
    pub enum Status: u8 {
        /// Done.
        GOOD = 0x00,
        /// Sense data says why not.
        CHECK_CONDITION = 0x02,
        /// PRE-FETCH: all of it fits into the cache.
        CONDITION_MET = 0x04,
        /// A later try may do.
        BUSY = 0x08,
        /// Another initiator holds a reservation.
        RESERVATION_CONFLICT = 0x18,
        /// The task set has no room.
        TASK_SET_FULL = 0x28,
        /// An ACA condition is there.
        ACA_ACTIVE = 0x30,
        /// Ended by another I_T nexus, with TAS set.
        TASK_ABORTED = 0x40,
    }
}

open_enum! {
    /// Sense key (SPC-4 4.5.6).
    pub enum Key: u8 {
        /// Nothing to say.
        NO_SENSE = 0x0,
        /// Done, with some recovery.
        RECOVERED_ERROR = 0x1,
        /// The logical unit cannot be used now.
        NOT_READY = 0x2,
        /// The medium is at fault.
        MEDIUM_ERROR = 0x3,
        /// The hardware is at fault.
        HARDWARE_ERROR = 0x4,
        /// The command is at fault.
        ILLEGAL_REQUEST = 0x5,
        /// Something happened that the initiator should know.
        UNIT_ATTENTION = 0x6,
        /// Written to a protected medium.
        DATA_PROTECT = 0x7,
        /// Blank medium met.
        BLANK_CHECK = 0x8,
        /// The vendor's.
        VENDOR_SPECIFIC = 0x9,
        /// A copy failed.
        COPY_ABORTED = 0xa,
        /// The device server gave up the command.
        ABORTED_COMMAND = 0xb,
        /// Data is left over.
        VOLUME_OVERFLOW = 0xd,
        /// The data differs from the medium.
        MISCOMPARE = 0xe,
        /// Says that a command is done, in a later command.
        COMPLETED = 0xf,
    }
}

open_enum! {
    /// Additional sense code and qualifier: code in the upper byte (SPC-4 annex D.2).
    pub enum Asc: u16 {
        /// Nothing more to say.
        NONE = 0x0000,
        /// Another copy of that list identifier is on its way.
        OPERATION_IN_PROGRESS = 0x0016,
        /// SANITIZE goes on.
        SANITIZE_IN_PROGRESS_STATUS = 0x001e,
        /// Not ready, and it will not become so by itself.
        LOGICAL_UNIT_NOT_READY_CAUSE_NOT_REPORTABLE = 0x0400,
        /// START STOP UNIT stopped it.
        LOGICAL_UNIT_NOT_READY_INITIALIZING_COMMAND_REQUIRED = 0x0402,
        /// Somebody has to do something by hand.
        LOGICAL_UNIT_NOT_READY_MANUAL_INTERVENTION_REQUIRED = 0x0403,
        /// Asymmetric access is on its way to another state.
        ASYMMETRIC_ACCESS_STATE_TRANSITION = 0x040a,
        /// The target port group is in the standby state.
        TARGET_PORT_IN_STANDBY_STATE = 0x040b,
        /// The target port group is in the unavailable state.
        TARGET_PORT_IN_UNAVAILABLE_STATE = 0x040c,
        /// SANITIZE goes on.
        SANITIZE_IN_PROGRESS = 0x041b,
        /// A warning of a failure to come.
        WARNING = 0x0b00,
        /// A write failed.
        WRITE_ERROR = 0x0c00,
        /// Data from the initiator was damaged or missing.
        NOT_ENOUGH_UNSOLICITED_DATA = 0x0c0d,
        /// The logical unit does not answer as it should.
        LOGICAL_UNIT_COMMUNICATION_FAILURE = 0x0800,
        /// A copy: the source or destination failed.
        THIRD_PARTY_DEVICE_FAILURE = 0x0d01,
        /// A copy: the source or destination cannot be reached.
        COPY_TARGET_DEVICE_NOT_REACHABLE = 0x0d02,
        /// A copy: the source or destination is of another type.
        INCORRECT_COPY_TARGET_DEVICE_TYPE = 0x0d03,
        /// A copy names a source or destination that its list does not have.
        UNREACHABLE_COPY_TARGET = 0x0804,
        /// Bytes in the command information unit are wrong.
        INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT = 0x0e03,
        /// Protection information: the guard is wrong.
        GUARD_CHECK_FAILED = 0x1001,
        /// Protection information: the application tag is wrong.
        APPLICATION_TAG_CHECK_FAILED = 0x1002,
        /// Protection information: the reference tag is wrong.
        REFERENCE_TAG_CHECK_FAILED = 0x1003,
        /// The medium could not be read.
        UNRECOVERED_READ_ERROR = 0x1100,
        /// The parameter list ends too early.
        PARAMETER_LIST_LENGTH_ERROR = 0x1a00,
        /// VERIFY or COMPARE AND WRITE found a difference.
        MISCOMPARE_DURING_VERIFY_OPERATION = 0x1d00,
        /// No such command.
        INVALID_COMMAND_OPERATION_CODE = 0x2000,
        /// Access to this logical unit is denied.
        ACCESS_DENIED_INVALID_LU_IDENTIFIER = 0x2009,
        /// Beyond the last block.
        LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE = 0x2100,
        /// A token cannot be used.
        INVALID_TOKEN_OPERATION_CAUSE_NOT_REPORTABLE = 0x2300,
        /// No such kind of token is taken.
        INVALID_TOKEN_OPERATION_UNSUPPORTED_TOKEN_TYPE = 0x2301,
        /// No such token.
        INVALID_TOKEN_OPERATION_TOKEN_UNKNOWN = 0x2304,
        /// The token does not say what it said when it was made.
        INVALID_TOKEN_OPERATION_TOKEN_CORRUPT = 0x2305,
        /// What the token stands for was written over.
        INVALID_TOKEN_OPERATION_TOKEN_REVOKED = 0x2306,
        /// The token was not used for too long.
        INVALID_TOKEN_OPERATION_TOKEN_EXPIRED = 0x2307,
        /// The token was deleted by who used it.
        INVALID_TOKEN_OPERATION_TOKEN_DELETED = 0x2309,
        /// The token is not as long as it must be.
        INVALID_TOKEN_OPERATION_INVALID_TOKEN_LENGTH = 0x230a,
        /// A field of the CDB is wrong.
        INVALID_FIELD_IN_CDB = 0x2400,
        /// No such logical unit here.
        LOGICAL_UNIT_NOT_SUPPORTED = 0x2500,
        /// A field of the parameter list is wrong.
        INVALID_FIELD_IN_PARAMETER_LIST = 0x2600,
        /// The release is for a reservation of another type or scope.
        INVALID_RELEASE_OF_PERSISTENT_RESERVATION = 0x2604,
        /// A copy: too many sources and destinations.
        TOO_MANY_TARGET_DESCRIPTORS = 0x2606,
        /// A copy: no such kind of source or destination.
        UNSUPPORTED_TARGET_DESCRIPTOR_TYPE_CODE = 0x2607,
        /// A copy: too many segments.
        TOO_MANY_SEGMENT_DESCRIPTORS = 0x2608,
        /// A copy: no such kind of segment.
        UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE_CODE = 0x2609,
        /// A copy: no whole number of blocks.
        UNEXPECTED_INEXACT_SEGMENT = 0x260a,
        /// A copy: data in the list is not taken.
        INLINE_DATA_LENGTH_EXCEEDED = 0x260b,
        /// A copy: the source or destination cannot do that.
        INVALID_OPERATION_FOR_COPY_SOURCE_OR_DESTINATION = 0x260c,
        /// A copy: the count is not a multiple of what it must be.
        COPY_SEGMENT_GRANULARITY_VIOLATION = 0x260d,
        /// The medium takes no writes.
        WRITE_PROTECTED = 0x2700,
        /// No space is left below a thin device.
        SPACE_ALLOCATION_FAILED_WRITE_PROTECT = 0x2707,
        /// Software write protect (SWP) is set.
        LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED = 0x2702,
        /// The medium was put in.
        NOT_READY_TO_READY_CHANGE_MEDIUM_MAY_HAVE_CHANGED = 0x2800,
        /// Power came on, or a reset.
        POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED = 0x2900,
        /// Power came on.
        POWER_ON_OCCURRED = 0x2901,
        /// A logical unit or target reset.
        BUS_DEVICE_RESET_FUNCTION_OCCURRED = 0x2903,
        /// The I_T nexus was lost.
        I_T_NEXUS_LOSS_OCCURRED = 0x2907,
        /// Mode parameters are others.
        MODE_PARAMETERS_CHANGED = 0x2a01,
        /// Log parameters are others.
        LOG_PARAMETERS_CHANGED = 0x2a02,
        /// Another nexus took the persistent reservation away.
        RESERVATIONS_PREEMPTED = 0x2a03,
        /// The persistent reservation is gone.
        RESERVATIONS_RELEASED = 0x2a04,
        /// Another nexus took the registration away.
        REGISTRATIONS_PREEMPTED = 0x2a05,
        /// Asymmetric access is another.
        ASYMMETRIC_ACCESS_STATE_CHANGED = 0x2a06,
        /// The size is another.
        CAPACITY_DATA_HAS_CHANGED = 0x2a09,
        /// The clock was set.
        TIMESTAMP_CHANGED = 0x2a10,
        /// Another initiator ended commands.
        COMMANDS_CLEARED_BY_ANOTHER_INITIATOR = 0x2f00,
        /// The last SANITIZE failed.
        SANITIZE_COMMAND_FAILED = 0x3103,
        /// Space below a thin device runs low.
        THIN_PROVISIONING_SOFT_THRESHOLD_REACHED = 0x3807,
        /// Saved values are not kept.
        SAVING_PARAMETERS_NOT_SUPPORTED = 0x3900,
        /// The medium is out.
        MEDIUM_NOT_PRESENT = 0x3a00,
        /// An initiator prevents that.
        MEDIUM_REMOVAL_PREVENTED = 0x5302,
        /// INQUIRY data is other.
        INQUIRY_DATA_HAS_CHANGED = 0x3f03,
        /// Identifying information is other.
        DEVICE_IDENTIFIER_CHANGED = 0x3f05,
        /// LUNs came or went.
        REPORTED_LUNS_DATA_HAS_CHANGED = 0x3f0e,
        /// Something inside is broken.
        INTERNAL_TARGET_FAILURE = 0x4400,
        /// Two commands with one task tag.
        OVERLAPPED_COMMANDS_ATTEMPTED = 0x4e00,
        /// A transfer was cut.
        DATA_PHASE_ERROR = 0x4b00,
        /// Too little of something.
        SYSTEM_RESOURCE_FAILURE = 0x5500,
        /// No room to register, or to keep registrations through power loss.
        INSUFFICIENT_REGISTRATION_RESOURCES = 0x5504,
        /// A test of informational exceptions, or a failure to come.
        FAILURE_PREDICTION_THRESHOLD_EXCEEDED_FALSE = 0x5dff,
        /// The target port group cannot be put into that state.
        SET_TARGET_PORT_GROUPS_COMMAND_FAILED = 0x670a,
    }
}

/// Bytes of fixed format sense data as sent here (SPC-4 4.5.3).
pub const SENSE_FIXED_BYTES: usize = 18;

/// Bytes of the longest descriptor format sense data as sent here: with information and field pointer (SPC-4 4.5.2).
pub const SENSE_DESCRIPTOR_BYTES: usize = 28;

/// Where a request is wrong (SPC-4 4.5.2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// In the CDB, not in the parameter list.
    pub in_cdb: bool,
    /// Which byte.
    pub byte: u16,
    /// The highest bit of the field, if it is not the whole byte.
    pub bit: Option<u8>,
}

/// What sense data says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sense {
    /// SENSE KEY.
    pub key: Key,
    /// ADDITIONAL SENSE CODE and qualifier.
    pub asc: Asc,
    /// INFORMATION.
    pub information: Option<u64>,
    /// Sense key specific: field pointer.
    pub field: Option<Field>,
    /// Of COPY ABORTED: the number of the segment descriptor, in the third and fourth byte of COMMAND-SPECIFIC INFORMATION
    /// (SPC-4 5.16.7.4). The field pointer is then one into that descriptor (SD). INFORMATION is not sent along with it.
    pub segment: Option<u16>,
    /// Sense key specific: PROGRESS INDICATION, in 65,536ths; only without a field pointer.
    pub progress: Option<u16>,
}

impl Sense {
    /// Sense data of a key and a code.
    pub const fn new(key: Key, asc: Asc) -> Self {
        Self { key, asc, information: None, field: None, segment: None, progress: None }
    }

    /// Fixed format (SPC-4 4.5.3). Information beyond 32 bits does not fit, and is then left out.
    pub fn to_fixed(self) -> [u8; SENSE_FIXED_BYTES] {
        let mut bytes = [0; SENSE_FIXED_BYTES];
        (bytes[0], bytes[2], bytes[7]) = (0x70, self.key.0, SENSE_FIXED_BYTES as u8 - 8);
        if let Some(information) = self.information.and_then(|information| u32::try_from(information).ok()) {
            bytes[0] |= 0x80;
            bytes[3..7].copy_from_slice(&information.to_be_bytes());
        }
        if let Some(segment) = self.segment {
            bytes[10..12].copy_from_slice(&segment.to_be_bytes());
        }
        bytes[12..14].copy_from_slice(&self.asc.0.to_be_bytes());
        if let Some(specific) = self.specific() {
            bytes[15..].copy_from_slice(&specific);
        }
        bytes
    }

    /// Descriptor format (SPC-4 4.5.2): the bytes, and how many of them.
    pub fn to_descriptors(self) -> ([u8; SENSE_DESCRIPTOR_BYTES], usize) {
        let mut bytes = [0; SENSE_DESCRIPTOR_BYTES];
        (bytes[0], bytes[1]) = (0x72, self.key.0);
        bytes[2..4].copy_from_slice(&self.asc.0.to_be_bytes());
        let mut at = 8;
        if let Some(segment) = self.segment {
            (bytes[at], bytes[at + 1]) = (0x01, 0x0a);
            bytes[at + 6..at + 8].copy_from_slice(&segment.to_be_bytes());
            at += 12;
        } else if let Some(information) = self.information {
            (bytes[at + 1], bytes[at + 2]) = (0x0a, 0x80);
            bytes[at + 4..at + 12].copy_from_slice(&information.to_be_bytes());
            at += 12;
        }
        if let Some(specific) = self.specific() {
            (bytes[at], bytes[at + 1]) = (0x02, 0x06);
            bytes[at + 4..at + 7].copy_from_slice(&specific);
            at += 8;
        }
        bytes[7] = at as u8 - 8;
        (bytes, at)
    }

    /// SENSE KEY SPECIFIC, with SKSV.
    fn specific(self) -> Option<[u8; 3]> {
        let progress = |progress: u16| [0x80, (progress >> 8) as u8, progress as u8];
        let field = self.field.map(|field| field.to_bytes(self.segment.is_some()));
        field.or(self.progress.map(progress))
    }
}

impl Field {
    /// SKSV, C/D (of a segment: SD), BPV, BIT POINTER, FIELD POINTER.
    fn to_bytes(self, in_segment: bool) -> [u8; 3] {
        let cdb = if in_segment {
            0x20
        } else if self.in_cdb {
            0x40
        } else {
            0
        };
        let bit = self.bit.map_or(0, |bit| 0x08 | bit & 7);
        let [high, low] = self.byte.to_be_bytes();
        [0x80 | cdb | bit, high, low]
    }
}
