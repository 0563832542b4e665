//! Opcodes. NVMe Base 2.0c 5 (Admin) and 7, NVM Command Set 1.0c 3, with what Base 2.1 added.

open_enum! {
    /// Admin command opcodes.
    pub enum AdminOpcode: u8 {
        DELETE_IO_SQ = 0x00,
        CREATE_IO_SQ = 0x01,
        GET_LOG_PAGE = 0x02,
        DELETE_IO_CQ = 0x04,
        CREATE_IO_CQ = 0x05,
        IDENTIFY = 0x06,
        ABORT = 0x08,
        SET_FEATURES = 0x09,
        GET_FEATURES = 0x0a,
        ASYNC_EVENT_REQUEST = 0x0c,
        NAMESPACE_MANAGEMENT = 0x0d,
        FIRMWARE_COMMIT = 0x10,
        FIRMWARE_IMAGE_DOWNLOAD = 0x11,
        DEVICE_SELF_TEST = 0x14,
        NAMESPACE_ATTACHMENT = 0x15,
        KEEP_ALIVE = 0x18,
        DIRECTIVE_SEND = 0x19,
        DIRECTIVE_RECEIVE = 0x1a,
        VIRTUALIZATION_MANAGEMENT = 0x1c,
        NVME_MI_SEND = 0x1d,
        NVME_MI_RECEIVE = 0x1e,
        CAPACITY_MANAGEMENT = 0x20,
        DISCOVERY_INFORMATION_MANAGEMENT = 0x21,
        FABRIC_ZONING_RECEIVE = 0x22,
        LOCKDOWN = 0x24,
        FABRIC_ZONING_LOOKUP = 0x25,
        CLEAR_EXPORTED_NVM_RESOURCE = 0x28,
        FABRIC_ZONING_SEND = 0x29,
        CREATE_EXPORTED_NVM_SUBSYSTEM = 0x2a,
        MANAGE_EXPORTED_NVM_SUBSYSTEM = 0x2d,
        MANAGE_EXPORTED_NAMESPACE = 0x31,
        MANAGE_EXPORTED_PORT = 0x35,
        SEND_DISCOVERY_LOG_PAGE = 0x39,
        TRACK_SEND = 0x3d,
        TRACK_RECEIVE = 0x3e,
        MIGRATION_SEND = 0x41,
        MIGRATION_RECEIVE = 0x42,
        CONTROLLER_DATA_QUEUE = 0x45,
        DOORBELL_BUFFER_CONFIG = 0x7c,
        FABRICS = 0x7f,
        FORMAT_NVM = 0x80,
        SECURITY_SEND = 0x81,
        SECURITY_RECEIVE = 0x82,
        SANITIZE = 0x84,
        LOAD_PROGRAM = 0x85,
        GET_LBA_STATUS = 0x86,
        PROGRAM_ACTIVATION_MANAGEMENT = 0x88,
        MEMORY_RANGE_SET_MANAGEMENT = 0x89,
    }
}

open_enum! {
    /// I/O command opcodes of the NVM Command Set (and those that all I/O command sets share).
    pub enum NvmOpcode: u8 {
        FLUSH = 0x00,
        WRITE = 0x01,
        READ = 0x02,
        WRITE_UNCORRECTABLE = 0x04,
        COMPARE = 0x05,
        WRITE_ZEROES = 0x08,
        DATASET_MANAGEMENT = 0x09,
        VERIFY = 0x0c,
        RESERVATION_REGISTER = 0x0d,
        RESERVATION_REPORT = 0x0e,
        RESERVATION_ACQUIRE = 0x11,
        IO_MANAGEMENT_RECEIVE = 0x12,
        RESERVATION_RELEASE = 0x15,
        CANCEL = 0x18,
        COPY = 0x19,
        IO_MANAGEMENT_SEND = 0x1d,
        FABRICS = 0x7f,
    }
}

/// Opcode of every Fabrics command, on the admin queue and on I/O queues; FCTYPE says which it is.
pub const FABRICS_OPCODE: u8 = 0x7f;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::nvme::Transfer;
    use std::format;

    #[test]
    fn names_and_unknowns() {
        assert_eq!(format!("{:?}", AdminOpcode(0x18)), "KEEP_ALIVE");
        assert_eq!(format!("{:?}", AdminOpcode(0xc0)), "AdminOpcode(0xc0)");
        assert_eq!(format!("{}", NvmOpcode(0x08)), "WRITE_ZEROES");
        assert_eq!(NvmOpcode::from(0x55).name(), None);
    }

    #[test]
    fn directions_are_in_the_opcodes() {
        assert_eq!(Transfer::of(AdminOpcode::IDENTIFY.0), Transfer::ControllerToHost);
        assert_eq!(Transfer::of(AdminOpcode::SET_FEATURES.0), Transfer::HostToController);
        assert_eq!(Transfer::of(NvmOpcode::READ.0), Transfer::ControllerToHost);
        assert_eq!(Transfer::of(NvmOpcode::COMPARE.0), Transfer::HostToController);
        assert_eq!(Transfer::of(NvmOpcode::WRITE_ZEROES.0), Transfer::None);
        assert_eq!(Transfer::of(NvmOpcode::DATASET_MANAGEMENT.0), Transfer::HostToController);
    }
}
