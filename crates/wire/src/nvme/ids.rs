//! Identifiers of features, log pages, identify data and command sets. NVMe Base 2.0c
//! 5.27.1, 5.16.1, 5.17; Base 2.1.

open_enum! {
    /// Feature identifiers (Base 2.0c 5.27.1; NVM 1.0c 4.1.3).
    pub enum FeatureId: u8 {
        ARBITRATION = 0x01,
        POWER_MANAGEMENT = 0x02,
        LBA_RANGE_TYPE = 0x03,
        TEMPERATURE_THRESHOLD = 0x04,
        ERROR_RECOVERY = 0x05,
        VOLATILE_WRITE_CACHE = 0x06,
        NUMBER_OF_QUEUES = 0x07,
        INTERRUPT_COALESCING = 0x08,
        INTERRUPT_VECTOR_CONFIG = 0x09,
        WRITE_ATOMICITY_NORMAL = 0x0a,
        ASYNC_EVENT_CONFIG = 0x0b,
        AUTONOMOUS_POWER_STATE_TRANSITION = 0x0c,
        HOST_MEMORY_BUFFER = 0x0d,
        TIMESTAMP = 0x0e,
        KEEP_ALIVE_TIMER = 0x0f,
        HOST_CONTROLLED_THERMAL = 0x10,
        NON_OPERATIONAL_POWER_STATE = 0x11,
        READ_RECOVERY_LEVEL = 0x12,
        PREDICTABLE_LATENCY_CONFIG = 0x13,
        PREDICTABLE_LATENCY_WINDOW = 0x14,
        LBA_STATUS_INTERVAL = 0x15,
        HOST_BEHAVIOR_SUPPORT = 0x16,
        SANITIZE_CONFIG = 0x17,
        ENDURANCE_GROUP_EVENT_CONFIG = 0x18,
        IO_COMMAND_SET_PROFILE = 0x19,
        SPINUP_CONTROL = 0x1a,
        POWER_LOSS_SIGNALING = 0x1b,
        PERFORMANCE_CHARACTERISTICS = 0x1c,
        FLEXIBLE_DATA_PLACEMENT = 0x1d,
        FDP_EVENTS = 0x1e,
        NAMESPACE_ADMIN_LABEL = 0x1f,
        KEY_VALUE_CONFIG = 0x20,
        CONTROLLER_DATA_QUEUE = 0x21,
        EMBEDDED_MANAGEMENT_CONTROLLER_ADDRESS = 0x78,
        HOST_MANAGEMENT_AGENT_ADDRESS = 0x79,
        ENHANCED_CONTROLLER_METADATA = 0x7d,
        CONTROLLER_METADATA = 0x7e,
        NAMESPACE_METADATA = 0x7f,
        SOFTWARE_PROGRESS_MARKER = 0x80,
        HOST_ID = 0x81,
        RESERVATION_NOTIFICATION_MASK = 0x82,
        RESERVATION_PERSISTENCE = 0x83,
        NAMESPACE_WRITE_PROTECTION = 0x84,
        BOOT_PARTITION_WRITE_PROTECTION = 0x85,
    }
}

open_enum! {
    /// Log page identifiers (Base 2.0c 5.16.1).
    pub enum LogId: u8 {
        SUPPORTED_LOG_PAGES = 0x00,
        ERROR = 0x01,
        SMART = 0x02,
        FIRMWARE_SLOT = 0x03,
        CHANGED_NAMESPACES = 0x04,
        COMMANDS_SUPPORTED_AND_EFFECTS = 0x05,
        DEVICE_SELF_TEST = 0x06,
        TELEMETRY_HOST = 0x07,
        TELEMETRY_CONTROLLER = 0x08,
        ENDURANCE_GROUP = 0x09,
        PREDICTABLE_LATENCY_NVM_SET = 0x0a,
        PREDICTABLE_LATENCY_EVENTS = 0x0b,
        ANA = 0x0c,
        PERSISTENT_EVENT = 0x0d,
        LBA_STATUS = 0x0e,
        ENDURANCE_GROUP_EVENTS = 0x0f,
        MEDIA_UNIT_STATUS = 0x10,
        SUPPORTED_CAPACITY_CONFIGURATIONS = 0x11,
        FEATURE_IDS_SUPPORTED_AND_EFFECTS = 0x12,
        NVME_MI_COMMANDS_SUPPORTED_AND_EFFECTS = 0x13,
        COMMAND_AND_FEATURE_LOCKDOWN = 0x14,
        BOOT_PARTITION = 0x15,
        ROTATIONAL_MEDIA = 0x16,
        DISPERSED_NAMESPACE_SUBSYSTEMS = 0x17,
        MANAGEMENT_ADDRESSES = 0x18,
        PHY_RX_EYE_OPENING = 0x19,
        REACHABILITY_GROUPS = 0x1a,
        REACHABILITY_ASSOCIATIONS = 0x1b,
        CHANGED_ALLOCATED_NAMESPACES = 0x1c,
        FDP_CONFIGURATIONS = 0x20,
        FDP_RECLAIM_UNIT_HANDLE_USAGE = 0x21,
        FDP_STATISTICS = 0x22,
        FDP_EVENTS = 0x23,
        DISCOVERY = 0x70,
        HOST_DISCOVERY = 0x71,
        AVE_DISCOVERY = 0x72,
        PULL_MODEL_DDC_REQUEST = 0x73,
        RESERVATION_NOTIFICATION = 0x80,
        SANITIZE_STATUS = 0x81,
        CHANGED_ZONES = 0xbf,
    }
}

open_enum! {
    /// Controller or Namespace Structure: what an Identify command asks for (Base 2.0c 5.17).
    pub enum Cns: u8 {
        /// Namespace, NVM Command Set.
        NAMESPACE = 0x00,
        CONTROLLER = 0x01,
        ACTIVE_NAMESPACES = 0x02,
        NAMESPACE_DESCRIPTORS = 0x03,
        NVM_SET_LIST = 0x04,
        /// Namespace, I/O command set specific (CSI).
        NAMESPACE_CSI = 0x05,
        /// Controller, I/O command set specific (CSI).
        CONTROLLER_CSI = 0x06,
        /// Active namespaces of one I/O command set (CSI).
        ACTIVE_NAMESPACES_CSI = 0x07,
        /// Namespace, independent of the I/O command set.
        NAMESPACE_INDEPENDENT = 0x08,
        /// Namespace capabilities of a user data format.
        NAMESPACE_FORMAT = 0x09,
        NAMESPACE_FORMAT_CSI = 0x0a,
        ALLOCATED_NAMESPACES = 0x10,
        ALLOCATED_NAMESPACE = 0x11,
        NAMESPACE_CONTROLLERS = 0x12,
        SUBSYSTEM_CONTROLLERS = 0x13,
        PRIMARY_CONTROLLER_CAPABILITIES = 0x14,
        SECONDARY_CONTROLLERS = 0x15,
        NAMESPACE_GRANULARITIES = 0x16,
        UUID_LIST = 0x17,
        DOMAIN_LIST = 0x18,
        ENDURANCE_GROUP_LIST = 0x19,
        ALLOCATED_NAMESPACES_CSI = 0x1a,
        ALLOCATED_NAMESPACE_CSI = 0x1b,
        IO_COMMAND_SETS = 0x1c,
        UNDERLYING_NAMESPACES = 0x1d,
        PORTS = 0x1e,
        ALLOCATED_NAMESPACE_INDEPENDENT = 0x1f,
        CONTROLLER_STATE_FORMATS = 0x20,
    }
}

open_enum! {
    /// Command Set Identifier (Base 2.0c 5.17).
    pub enum Csi: u8 {
        NVM = 0x00,
        KEY_VALUE = 0x01,
        ZONED = 0x02,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn names() {
        assert_eq!(format!("{:?}", FeatureId(0x0f)), "KEEP_ALIVE_TIMER");
        assert_eq!(format!("{:?}", LogId(0x70)), "DISCOVERY");
        assert_eq!(format!("{:?}", Cns(0x1c)), "IO_COMMAND_SETS");
        assert_eq!(format!("{:?}", Csi(0x02)), "ZONED");
        assert_eq!(format!("{:?}", LogId(0xca)), "LogId(0xca)");
    }
}
