//! Asynchronous events: dword 0 of an Asynchronous Event Request completion. NVMe Base 2.0c 5.2.1,
//! and Asynchronous Event Configuration (5.27.1.8).

use super::LogId;

open_enum! {
    /// Event types: bits 2:0.
    pub enum EventType: u8 {
        ERROR = 0x0,
        SMART = 0x1,
        NOTICE = 0x2,
        IMMEDIATE = 0x3,
        ONE_SHOT = 0x4,
        IO_COMMAND_SET = 0x6,
        VENDOR = 0x7,
    }
}

/// An event: type, information and the log page whose reading clears it. `to_dw0` words the completion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Type.
    pub kind: EventType,
    /// Information: bits 15:8; its meaning depends on the type.
    pub info: u8,
    /// Log page identifier: bits 23:16.
    pub log: LogId,
}

impl Event {
    /// A submission queue doorbell was wrong (PCIe).
    pub const INVALID_DOORBELL: Self = Self::new(EventType::ERROR, 0x00, LogId::ERROR);
    /// Persistent internal error.
    pub const PERSISTENT_INTERNAL_ERROR: Self = Self::new(EventType::ERROR, 0x03, LogId::ERROR);
    /// Transient internal error.
    pub const TRANSIENT_INTERNAL_ERROR: Self = Self::new(EventType::ERROR, 0x04, LogId::ERROR);
    /// The subsystem's reliability is degraded.
    pub const RELIABILITY: Self = Self::new(EventType::SMART, 0x00, LogId::SMART);
    /// Temperature threshold.
    pub const TEMPERATURE: Self = Self::new(EventType::SMART, 0x01, LogId::SMART);
    /// Spare below threshold.
    pub const SPARE: Self = Self::new(EventType::SMART, 0x02, LogId::SMART);
    /// Namespace attribute changed: something was added, removed or resized.
    pub const NAMESPACE_CHANGED: Self = Self::new(EventType::NOTICE, 0x00, LogId::CHANGED_NAMESPACES);
    /// Firmware activation starting.
    pub const FIRMWARE_ACTIVATION: Self = Self::new(EventType::NOTICE, 0x01, LogId::FIRMWARE_SLOT);
    /// Telemetry log changed.
    pub const TELEMETRY: Self = Self::new(EventType::NOTICE, 0x02, LogId::TELEMETRY_CONTROLLER);
    /// Asymmetric namespace access changed.
    pub const ANA_CHANGED: Self = Self::new(EventType::NOTICE, 0x03, LogId::ANA);
    /// The discovery log changed.
    pub const DISCOVERY_CHANGED: Self = Self::new(EventType::NOTICE, 0xf0, LogId::DISCOVERY);
    /// The reservation notification log has an entry.
    pub const RESERVATION_LOG: Self = Self::new(EventType::IO_COMMAND_SET, 0x00, LogId::RESERVATION_NOTIFICATION);

    /// From its parts.
    pub const fn new(kind: EventType, info: u8, log: LogId) -> Self {
        Self { kind, info, log }
    }

    /// Dword 0 of the completion.
    pub const fn to_dw0(self) -> u32 {
        (self.kind.0 & 7) as u32 | (self.info as u32) << 8 | (self.log.0 as u32) << 16
    }

    /// From dword 0 of a completion.
    pub const fn from_dw0(dw0: u32) -> Self {
        Self { kind: EventType((dw0 & 7) as u8), info: (dw0 >> 8) as u8, log: LogId((dw0 >> 16) as u8) }
    }
}

bitfield! {
    /// Asynchronous Event Configuration: dword 11 of the feature, and OAES of Identify Controller, which has the same
    /// bits from 8 up.
    pub struct EventConfig(u32) {
        flags {
            /// Namespace attribute notices.
            namespace, with_namespace = 8;
            /// Firmware activation notices.
            firmware, with_firmware = 9;
            /// Telemetry log notices.
            telemetry, with_telemetry = 10;
            /// Asymmetric namespace access change notices.
            ana, with_ana = 11;
            /// Predictable latency event aggregate log change notices.
            predictable_latency, with_predictable_latency = 12;
            /// LBA status information notices.
            lba_status, with_lba_status = 13;
            /// Endurance group event aggregate log change notices.
            endurance_group, with_endurance_group = 14;
            /// Normal NVM subsystem shutdown notices.
            shutdown, with_shutdown = 15;
            /// Discovery log page change notification.
            discovery, with_discovery = 31;
        }
        fields {
            /// SMART critical warnings that make an event; same bits as the log's critical warning.
            smart, with_smart: u8 = 0, 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dword_zero() {
        assert_eq!(Event::NAMESPACE_CHANGED.to_dw0(), 0x0004_0002);
        assert_eq!(Event::DISCOVERY_CHANGED.to_dw0(), 0x0070_f002);
        assert_eq!(Event::ANA_CHANGED.to_dw0(), 0x000c_0302);
        assert_eq!(Event::RESERVATION_LOG.to_dw0(), 0x0080_0006);
        assert_eq!(Event::from_dw0(0x0070_f002), Event::DISCOVERY_CHANGED);
        assert_eq!(Event::from_dw0(0xffff_ffff).kind, EventType::VENDOR);
    }

    #[test]
    fn config_bits() {
        // Linux asks for namespace attribute, firmware activation, ANA and discovery notices where OAES offers them.
        let config = EventConfig(0x8000_0b00);
        assert!(config.namespace() && config.firmware() && config.ana() && config.discovery());
        assert!(!config.telemetry() && !config.shutdown());
        assert_eq!(EventConfig::default().with_smart(0xff).with_namespace(true).0, 0x1ff);
    }
}
