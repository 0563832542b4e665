//! Task management. RFC 7143 11.5, 11.6; RFC 7144 for the functions from 9 on.

use super::header::{Opcode, Pdu, U24};
use crate::be::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Task management function: bits 6:0 of byte 1.
    pub enum TaskFunction: u8 {
        /// Abort one task.
        ABORT_TASK = 1,
        /// Abort all tasks of the session on the logical unit.
        ABORT_TASK_SET = 2,
        /// Clear an ACA condition.
        CLEAR_ACA = 3,
        /// Abort all tasks of the task set.
        CLEAR_TASK_SET = 4,
        /// Reset the logical unit.
        LOGICAL_UNIT_RESET = 5,
        /// Reset all logical units.
        TARGET_WARM_RESET = 6,
        /// Reset all logical units, and end all sessions.
        TARGET_COLD_RESET = 7,
        /// Move a task to this connection.
        TASK_REASSIGN = 8,
        /// Whether a task is there.
        QUERY_TASK = 9,
        /// Whether any task is there.
        QUERY_TASK_SET = 10,
        /// As if the session was lost.
        I_T_NEXUS_RESET = 11,
        /// Whether there is an asynchronous event.
        QUERY_ASYNC_EVENT = 12,
    }
}

open_enum! {
    /// How a function ended (RFC 7143 11.6.1).
    pub enum TaskResult: u8 {
        /// Function complete.
        COMPLETE = 0,
        /// Task does not exist.
        NO_TASK = 1,
        /// LUN does not exist.
        NO_LUN = 2,
        /// Task still allegiant.
        STILL_ALLEGIANT = 3,
        /// Task allegiance reassignment not supported.
        NO_REASSIGN = 4,
        /// Task management function not supported.
        NOT_SUPPORTED = 5,
        /// Function authorization failed.
        NOT_AUTHORIZED = 6,
        /// Function succeeded (RFC 7144).
        SUCCEEDED = 7,
        /// Function rejected.
        REJECTED = 255,
    }
}

/// SCSI Task Management Function Request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TaskRequest {
    /// 02h, perhaps immediate.
    pub opcode: u8,
    /// 80h and the function.
    pub flags: u8,
    /// Reserved.
    pub rsvd2: [u8; 2],
    /// 0.
    pub total_ahs_length: u8,
    /// 0.
    pub data_segment_length: U24,
    /// Logical unit number.
    pub lun: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Which task, for a function of one task.
    pub referenced_tag: U32,
    /// Command number.
    pub cmd_sn: U32,
    /// Next status number that is expected.
    pub exp_stat_sn: U32,
    /// CmdSN of the task.
    pub ref_cmd_sn: U32,
    /// For a reassignment.
    pub exp_data_sn: U32,
    /// Reserved.
    pub rsvd40: [u8; 8],
}
assert_size!(TaskRequest = 48);
assert_offset!(TaskRequest: itt = 16, referenced_tag = 20, cmd_sn = 24, ref_cmd_sn = 32, exp_data_sn = 36);

impl TaskRequest {
    /// What is asked for.
    pub const fn function(&self) -> TaskFunction {
        TaskFunction(self.flags & 0x7f)
    }
}

/// SCSI Task Management Function Response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TaskResponse {
    /// 22h.
    pub opcode: u8,
    /// 80h.
    pub flags: u8,
    /// How it ended.
    pub response: TaskResult,
    /// Reserved.
    pub rsvd3: u8,
    /// 0.
    pub total_ahs_length: u8,
    /// 0.
    pub data_segment_length: U24,
    /// Reserved.
    pub rsvd8: [u8; 8],
    /// Initiator task tag.
    pub itt: U32,
    /// Reserved.
    pub rsvd20: [u8; 4],
    /// Status number.
    pub stat_sn: U32,
    /// Next command number that is expected.
    pub exp_cmd_sn: U32,
    /// Last command number that is allowed.
    pub max_cmd_sn: U32,
    /// Reserved.
    pub rsvd36: [u8; 12],
}
assert_size!(TaskResponse = 48);
assert_offset!(TaskResponse: response = 2, itt = 16, stat_sn = 24, exp_cmd_sn = 28, max_cmd_sn = 32);

impl Pdu for TaskRequest {
    const OPCODE: Opcode = Opcode::TASK_REQUEST;
}
impl Pdu for TaskResponse {
    const OPCODE: Opcode = Opcode::TASK_RESPONSE;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iscsi::Bhs;

    #[test]
    fn a_request_in_place() {
        let mut bytes = [0; 48];
        bytes[..2].copy_from_slice(&[0x42, 0x81]);
        bytes[20..24].copy_from_slice(&[0, 0, 0, 9]);
        bytes[32..36].copy_from_slice(&[0, 0, 0, 8]);
        let bhs: &Bhs = crate::parse(&bytes).unwrap();
        let request: &TaskRequest = bhs.of();
        assert_eq!(request.function(), TaskFunction::ABORT_TASK);
        assert_eq!((request.referenced_tag.get(), request.ref_cmd_sn.get(), bhs.is_immediate()), (9, 8, true));
    }
}
