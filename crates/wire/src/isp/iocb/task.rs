//! Marker, task management, abort.

use super::{CompletionStatus, LeId};
use crate::{U16, U32};

open_enum! {
    /// For what a marker is.
    pub enum MarkerModifier: u8 {
        /// One logical unit.
        LUN = 0,
        /// One port.
        PORT = 1,
        /// All.
        ALL = 2,
    }
}

entry! {
    /// Marker: commands may go on after a reset. Comes back, with its handle, unless that is [`SKIP_HANDLE`](super::SKIP_HANDLE).
    pub struct Marker: MARKER {
        /// The host's.
        handle: U32 = 4,
        /// Port.
        nport_handle: U16 = 8,
        /// For what.
        modifier: MarkerModifier = 10,
        /// Reserved.
        rsvd11: [u8; 2] = 11,
        /// Virtual port.
        vp_index: u8 = 13,
        /// Reserved.
        rsvd14: [u8; 2] = 14,
        /// FCP LUN, swapped.
        lun: [u8; 8] = 16,
        /// Reserved.
        rsvd24: [u8; 40] = 24,
    }
}

bitfield! {
    /// Control flags of task management.
    pub struct TaskControl(u32) {
        flags {
            /// Clear ACA.
            clear_aca, with_clear_aca = 0;
            /// Target reset.
            target_reset, with_target_reset = 1;
            /// Clear task set.
            clear_task_set, with_clear_task_set = 2;
            /// Abort task set.
            abort_task_set, with_abort_task_set = 3;
            /// Logical unit reset.
            lun_reset, with_lun_reset = 4;
            /// No frame: only the firmware is told.
            firmware_only, with_firmware_only = 31;
        }
        fields {}
    }
}

entry! {
    /// Task management function. Completes with a [`Status`](super::Status).
    pub struct TaskManagement: TASK_MANAGEMENT {
        /// The host's.
        handle: U32 = 4,
        /// Port.
        nport_handle: U16 = 8,
        /// Reserved.
        rsvd10: [u8; 2] = 10,
        /// Delay.
        delay: U16 = 12,
        /// Timeout.
        timeout: U16 = 14,
        /// FCP LUN, swapped.
        lun: [u8; 8] = 16,
        /// See [`TaskControl`].
        control_flags: U32 = 24,
        /// Reserved.
        rsvd28: [u8; 20] = 28,
        /// Address of the port.
        port_id: LeId = 48,
        /// Virtual port.
        vp_index: u8 = 51,
        /// Reserved.
        rsvd52: [u8; 12] = 52,
    }
}

impl TaskManagement {
    /// Which function.
    pub const fn control(&self) -> TaskControl {
        TaskControl(self.control_flags.get())
    }
}

bitfield! {
    /// Options of an abort.
    pub struct AbortOptions(u16) {
        flags {
            /// Send no ABTS.
            no_abts, with_no_abts = 0;
            /// Send no RRQ.
            no_rrq, with_no_rrq = 1;
            /// No logout when the ABTS is not answered.
            no_logout, with_no_logout = 2;
            /// The retry count is valid.
            retry_count, with_retry_count = 3;
            /// The response timeout is valid.
            response_timeout, with_response_timeout = 4;
        }
        fields {}
    }
}

entry! {
    /// Abort of a command of ours.
    pub struct Abort: ABORT {
        /// The host's.
        handle: U32 = 4,
        /// Port; in the completion the completion status.
        nport_handle: U16 = 8,
        /// See [`AbortOptions`].
        options: U16 = 10,
        /// Handle of the command.
        handle_to_abort: U32 = 12,
        /// Request queue that the command went by.
        request_queue: U16 = 16,
        /// Reserved.
        rsvd18: [u8; 30] = 18,
        /// Address of the port.
        port_id: LeId = 48,
        /// Virtual port.
        vp_index: u8 = 51,
        /// Reserved.
        rsvd52: [u8; 4] = 52,
        /// Times that ABTS is sent. In the completion: BA_RJT vendor byte, then explanation.
        retry_count: U16 = 56,
        /// Response timeout. In the completion the low byte is the BA_RJT reason.
        response_timeout: U16 = 58,
        /// Reserved.
        rsvd60: [u8; 4] = 60,
    }
}

impl Abort {
    /// Options.
    pub const fn options(&self) -> AbortOptions {
        AbortOptions(self.options.get())
    }

    /// Completion status, of a completion.
    pub const fn comp_status(&self) -> CompletionStatus {
        CompletionStatus(self.nport_handle.get())
    }

    /// The completion of this request.
    #[must_use]
    pub const fn completed(mut self, status: CompletionStatus) -> Self {
        self.nport_handle = U16::new(status.0);
        self
    }
}
