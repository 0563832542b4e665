//! Commands of the initiator: SCSI by command type 7 and type 6, NVMe.

use super::{Dsd64, LeId};
use crate::fcp::TaskAttribute;
use crate::{U16, U32, U64};

bitfield! {
    /// Which way the data of a SCSI command goes, and more; offset 24 of command types 7 and 6.
    pub struct TransferFlags(u16) {
        flags {
            /// To the target.
            write, with_write = 0;
            /// From the target.
            read, with_read = 1;
            /// The segment points to a list of segments.
            list, with_list = 2;
            /// Type 6: the list has protection information segments.
            dif, with_dif = 3;
            /// Type 7: abort task set.
            abort_task_set, with_abort_task_set = 9;
            /// Type 7: clear task set.
            clear_task_set, with_clear_task_set = 10;
            /// Type 7: logical unit reset.
            lun_reset, with_lun_reset = 12;
            /// Type 7: target reset.
            target_reset, with_target_reset = 13;
            /// Type 7: clear ACA.
            clear_aca, with_clear_aca = 14;
        }
        fields {}
    }
}

entry! {
    /// SCSI command with a CDB of up to 16 bytes.
    pub struct Command7: COMMAND_7 {
        /// The host's.
        handle: U32 = 4,
        /// To which port.
        nport_handle: U16 = 8,
        /// Seconds; 0: none.
        timeout: U16 = 10,
        /// Number of data segments.
        dseg_count: U16 = 12,
        /// Reserved.
        rsvd14: [u8; 2] = 14,
        /// FCP LUN, swapped.
        lun: [u8; 8] = 16,
        /// See [`TransferFlags`].
        flags: U16 = 24,
        /// See [`TaskAttribute`].
        attribute: u8 = 26,
        /// Command reference number.
        crn: u8 = 27,
        /// CDB, swapped.
        cdb: [u8; 16] = 28,
        /// FCP_DL.
        byte_count: U32 = 44,
        /// Address of the port.
        port_id: LeId = 48,
        /// Virtual port.
        vp_index: u8 = 51,
        /// First segment.
        dsd: [Dsd64; 1] = 52,
    }
}

impl Command7 {
    /// Which way the data goes.
    pub const fn flags(&self) -> TransferFlags {
        TransferFlags(self.flags.get())
    }

    /// Task attribute.
    pub const fn attribute(&self) -> TaskAttribute {
        TaskAttribute(self.attribute & 7)
    }
}

entry! {
    /// SCSI command with its FCP_CMND in memory.
    pub struct Command6: COMMAND_6 {
        /// The host's.
        handle: U32 = 4,
        /// To which port.
        nport_handle: U16 = 8,
        /// Seconds; 0: none.
        timeout: U16 = 10,
        /// Number of data segments.
        dseg_count: U16 = 12,
        /// Length of the response buffer.
        rsp_length: U16 = 14,
        /// FCP LUN, swapped.
        lun: [u8; 8] = 16,
        /// See [`TransferFlags`].
        flags: U16 = 24,
        /// Length of the FCP_CMND.
        cmnd_length: U16 = 26,
        /// Where the FCP_CMND is (as on the link).
        cmnd_address: U64 = 28,
        /// Response buffer.
        rsp_address: U64 = 36,
        /// FCP_DL.
        byte_count: U32 = 44,
        /// Address of the port.
        port_id: LeId = 48,
        /// Virtual port.
        vp_index: u8 = 51,
        /// The segment, or the list of them.
        dsd: [Dsd64; 1] = 52,
    }
}

impl Command6 {
    /// Which way the data goes.
    pub const fn flags(&self) -> TransferFlags {
        TransferFlags(self.flags.get())
    }
}

bitfield! {
    /// Control flags of an NVMe command.
    pub struct NvmeControl(u16) {
        flags {
            /// To the controller.
            write, with_write = 0;
            /// From the controller.
            read, with_read = 1;
            /// The segment points to a list of segments.
            list, with_list = 2;
            /// Protection information.
            dif, with_dif = 3;
            /// First burst.
            first_burst, with_first_burst = 11;
            /// Asynchronous event request: no timeout.
            async_event, with_async_event = 13;
        }
        fields {}
    }
}

entry! {
    /// NVMe command.
    pub struct CommandNvme: COMMAND_NVME {
        /// The host's.
        handle: U32 = 4,
        /// To which port.
        nport_handle: U16 = 8,
        /// Seconds; 0: none.
        timeout: U16 = 10,
        /// Number of data segments.
        dseg_count: U16 = 12,
        /// Length of the response buffer.
        rsp_length: U16 = 14,
        /// Reserved.
        rsvd16: [u8; 8] = 16,
        /// See [`NvmeControl`].
        control_flags: U16 = 24,
        /// Length of the NVMe_CMND: 96.
        cmnd_length: U16 = 26,
        /// Where the NVMe_CMND is (as on the link).
        cmnd_address: U64 = 28,
        /// Response buffer.
        rsp_address: U64 = 36,
        /// Bytes of data.
        byte_count: U32 = 44,
        /// Address of the port.
        port_id: LeId = 48,
        /// Virtual port.
        vp_index: u8 = 51,
        /// First segment.
        dsd: [Dsd64; 1] = 52,
    }
}

impl CommandNvme {
    /// Control flags.
    pub const fn control(&self) -> NvmeControl {
        NvmeControl(self.control_flags.get())
    }
}
