//! NVRAM of a port: names and options.

use super::{NVRAM_BYTES, sum32};
use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Settings of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Nvram {
    /// "ISP ".
    pub signature: [u8; 4],
    /// At least 1.
    pub version: U16,
    /// 0.
    pub reserved_6: U16,
    /// Version of the control block; what follows goes there.
    pub icb_version: U16,
    /// 0.
    pub reserved_10: U16,
    /// Receive data field size.
    pub frame_payload: U16,
    /// Most commands at a time.
    pub execution_throttle: U16,
    /// Count of exchanges.
    pub exchange_count: U16,
    /// 0.
    pub reserved_18: U16,
    /// Port name.
    pub port_name: [u8; 8],
    /// Node name.
    pub node_name: [u8; 8],
    /// How often a login is tried.
    pub login_retries: U16,
    /// 0.
    pub reserved_38: U16,
    /// How long a response interrupt may wait, in 100 us.
    pub interrupt_delay: U16,
    /// How long a login may last, in s.
    pub login_timeout: U16,
    /// See [`Options1`](crate::isp::icb::Options1).
    pub options_1: U32,
    /// See [`Options2`](crate::isp::icb::Options2).
    pub options_2: U32,
    /// See [`Options3`](crate::isp::icb::Options3).
    pub options_3: U32,
    /// 0.
    pub reserved_56: [u8; 8],
    /// MAC address of a converged adapter.
    pub mac: [u8; 6],
    /// 0.
    pub reserved_70: [u8; 58],
    /// Extended control block, unless its first 2 bytes are 0.
    pub extended_icb: [u8; 64],
    /// Lowest speed: 2 to 5, else none.
    pub min_speed: u8,
    /// 0.
    pub reserved_193: [u8; 63],
    /// See [`HostOptions`].
    pub host: U32,
    /// Port name with [`HostOptions::alternate_names`].
    pub alternate_port_name: [u8; 8],
    /// Node name with [`HostOptions::alternate_names`].
    pub alternate_node_name: [u8; 8],
    /// Targets to boot from.
    pub boot: [u8; 48],
    /// Parameters of EFI.
    pub efi: U32,
    /// How long a scan waits for the loop, in s.
    pub reset_delay: u8,
    /// 0.
    pub reserved_329: [u8; 7],
    /// Most logical units of a target.
    pub max_luns: U16,
    /// 0.
    pub reserved_338: U16,
    /// How long a port may be gone, in s.
    pub port_down_retry: U16,
    /// How long the link may be down, in s; 0: default.
    pub link_down_timeout: U16,
    /// 0.
    pub reserved_344: [u8; 62],
    /// See [`Features`].
    pub features: U16,
    /// 0.
    pub reserved_408: [u8; 72],
    /// Model, ASCII, padded by zeroes.
    pub model: [u8; 16],
    /// 0.
    pub reserved_496: [u8; 8],
    /// PCI subsystem vendor.
    pub subsystem_vendor: U16,
    /// PCI subsystem.
    pub subsystem_device: U16,
    /// Makes [`sum32`] over all of it 0.
    pub checksum: U32,
}
assert_size!(Nvram = NVRAM_BYTES);
assert_offset!(Nvram: version = 4, icb_version = 8, frame_payload = 12, execution_throttle = 14, exchange_count = 16, port_name = 20);
assert_offset!(Nvram: node_name = 28, login_retries = 36, interrupt_delay = 40, login_timeout = 42, options_1 = 44, options_2 = 48);
assert_offset!(Nvram: options_3 = 52, mac = 64, extended_icb = 128, min_speed = 192, host = 256, alternate_port_name = 260);
assert_offset!(Nvram: alternate_node_name = 268, boot = 276, efi = 324, reset_delay = 328, max_luns = 336, port_down_retry = 340);
assert_offset!(Nvram: link_down_timeout = 342, features = 406, model = 480, subsystem_vendor = 504, subsystem_device = 506, checksum = 508);
/// [`Nvram::signature`].
pub const NVRAM_SIGNATURE: [u8; 4] = *b"ISP ";

impl Nvram {
    /// Whether signature, version and checksum are right.
    pub fn is_valid(&self) -> bool {
        self.signature == NVRAM_SIGNATURE && self.version.get() >= 1 && sum32(self.as_bytes()) == 0
    }

    /// Puts the checksum right.
    pub fn seal(&mut self) {
        self.checksum = U32::new(0);
        self.checksum = U32::new(sum32(self.as_bytes()).wrapping_neg());
    }

    /// What adapters leave the factory with, but for names and model. The checksum is still to be made.
    pub fn defaults() -> Self {
        Self {
            signature: NVRAM_SIGNATURE,
            version: U16::new(1),
            icb_version: U16::new(1),
            frame_payload: U16::new(2048),
            execution_throttle: U16::new(u16::MAX),
            login_retries: U16::new(8),
            options_1: U32::new(0x6006),
            options_2: U32::new(0x1020),
            options_3: U32::new(0x4000),
            host: U32::new(HostOptions(0).with_lip_full_login(true).with_target_reset(true).0),
            reset_delay: 5,
            max_luns: U16::new(128),
            port_down_retry: U16::new(30),
            ..Self::new_zeroed()
        }
    }
}

bitfield! {
    /// [`Nvram::host`].
    pub struct HostOptions(u32) {
        flags {
            /// No serdes: drivers do not take such a port.
            disable_serdes, with_disable_serdes = 5;
            /// Full login after LIP.
            lip_full_login, with_lip_full_login = 10;
            /// Target reset.
            target_reset, with_target_reset = 11;
            /// The alternative names are to be used.
            alternate_names, with_alternate_names = 15;
        }
        fields {}
    }
}

bitfield! {
    /// [`Nvram::features`].
    pub struct Features(u16) {
        flags {
            /// Long range.
            long_range, with_long_range = 0;
            /// A port with both is an FCP target rather than an NVMe subsystem.
            fcp_preferred, with_fcp_preferred = 6;
            /// No congestion management.
            scm_disable, with_scm_disable = 7;
        }
        fields {
            /// Distance of the long range.
            distance, with_distance: u8 = 2, 4;
        }
    }
}
