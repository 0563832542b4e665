//! SMART / Health Information (02h; Base 2.0c 5.16.1.3) and Firmware Slot Information (03h; 5.16.1.4).

use zerocopy::byteorder::little_endian::{U16, U32, U128};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// SMART / Health Information: 512 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Smart {
    /// Critical warning, see [`critical`].
    pub critical_warning: u8,
    /// Composite temperature in kelvin.
    pub temperature: U16,
    /// Available spare in percent.
    pub avail_spare: u8,
    /// Threshold of the spare in percent.
    pub spare_threshold: u8,
    /// Percentage of life used; may exceed 100.
    pub percentage_used: u8,
    /// Endurance group critical warning summary.
    pub endurance_group_warning: u8,
    /// Reserved.
    pub rsvd7: [u8; 25],
    /// Data units read: thousands of 512 bytes, rounded up.
    pub data_units_read: U128,
    /// Data units written, likewise.
    pub data_units_written: U128,
    /// Read (and Compare, Verify) commands completed.
    pub host_reads: U128,
    /// Write commands completed.
    pub host_writes: U128,
    /// Minutes that the controller was busy.
    pub busy_minutes: U128,
    /// Power cycles.
    pub power_cycles: U128,
    /// Power-on hours.
    pub power_on_hours: U128,
    /// Unsafe shutdowns.
    pub unsafe_shutdowns: U128,
    /// Media and data integrity errors.
    pub media_errors: U128,
    /// Error information log entries over the controller's life.
    pub error_log_entries: U128,
    /// Minutes above the warning temperature.
    pub warning_temp_minutes: U32,
    /// Minutes above the critical temperature.
    pub critical_temp_minutes: U32,
    /// Temperature sensors 1 to 8 in kelvin; 0 for none.
    pub temp_sensor: [U16; 8],
    /// Thermal management transitions 1 and 2.
    pub thermal_transitions: [U32; 2],
    /// Seconds in thermal management 1 and 2.
    pub thermal_seconds: [U32; 2],
    /// Reserved.
    pub rsvd232: [u8; 280],
}
assert_size!(Smart = 512);
assert_offset!(Smart: temperature = 1, avail_spare = 3, data_units_read = 32, host_reads = 64, busy_minutes = 96,
    power_on_hours = 128, media_errors = 160, error_log_entries = 176, warning_temp_minutes = 192, temp_sensor = 200,
    thermal_transitions = 216);

impl Smart {
    /// Data units for a number of bytes: 1 for each started 1,000 * 512.
    pub const fn data_units(bytes: u64) -> u128 {
        bytes.div_ceil(512_000) as u128
    }
}

/// Bits of the critical warning.
pub mod critical {
    /// Spare below threshold.
    pub const SPARE: u8 = 1 << 0;
    /// Temperature out of range.
    pub const TEMPERATURE: u8 = 1 << 1;
    /// Reliability degraded.
    pub const RELIABILITY: u8 = 1 << 2;
    /// Media is read only.
    pub const READ_ONLY: u8 = 1 << 3;
    /// Volatile memory backup failed.
    pub const BACKUP: u8 = 1 << 4;
}

/// Firmware Slot Information: 512 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FirmwareSlots {
    /// Active slot in bits 2:0, slot of the next reset in 6:4.
    pub afi: u8,
    /// Reserved.
    pub rsvd1: [u8; 7],
    /// Revisions of slots 1 to 7; [`crate::padded`], zeroes for none.
    pub frs: [[u8; 8]; 7],
    /// Reserved.
    pub rsvd64: [u8; 448],
}
assert_size!(FirmwareSlots = 512);

impl FirmwareSlots {
    /// One slot, active.
    pub const fn one(revision: [u8; 8]) -> Self {
        let mut frs = [[0; 8]; 7];
        frs[0] = revision;
        Self { afi: 1, rsvd1: [0; 7], frs, rsvd64: [0; 448] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    #[test]
    fn smart_bytes() {
        let mut s = Smart::new_zeroed();
        s.critical_warning = critical::READ_ONLY;
        s.temperature = U16::new(310);
        s.avail_spare = 100;
        s.data_units_written = U128::new(Smart::data_units(512_001));
        s.error_log_entries = U128::new(0x0102);
        let b = s.as_bytes();
        assert_eq!(&b[..4], &[8, 0x36, 0x01, 100]);
        assert_eq!(b[48], 2);
        assert_eq!(&b[176..178], &[2, 1]);
    }

    #[test]
    fn units_round_up() {
        assert_eq!(Smart::data_units(0), 0);
        assert_eq!(Smart::data_units(1), 1);
        assert_eq!(Smart::data_units(512_000), 1);
        assert_eq!(Smart::data_units(u64::MAX), 36_028_797_018_964);
    }

    #[test]
    fn firmware_slot_bytes() {
        let f = FirmwareSlots::one(crate::padded("0.1.0"));
        assert_eq!(&f.as_bytes()[..17], b"\x01\0\0\0\0\0\0\x000.1.0   \0");
    }
}
