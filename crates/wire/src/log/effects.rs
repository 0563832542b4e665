//! Commands Supported and Effects (05h; NVMe Base 2.0c 5.16.1.6), Supported Log Pages (00h; 5.16.1.1).

use crate::nvme::LogId;
use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

bitfield! {
    /// Effect of one command: a dword. `Effect::default()` is a command that is not supported.
    pub struct Effect(u32) {
        flags {
            /// CSUPP: the command is supported.
            supported, with_supported = 0;
            /// LBCC: it changes logical block content.
            changes_content, with_changes_content = 1;
            /// NCC: it changes namespace capabilities.
            changes_namespace, with_changes_namespace = 2;
            /// NIC: it changes the inventory of namespaces.
            changes_inventory, with_changes_inventory = 3;
            /// CCC: it changes controller capabilities.
            changes_controller, with_changes_controller = 4;
            /// USS: it takes a UUID index.
            uuid_select, with_uuid_select = 19;
        }
        fields {
            /// CSE: 0 any order, 1 alone on the namespace, 2 alone on all namespaces.
            submission, with_submission: u8 = 16, 3;
            /// CSP: scope bits (namespace, controller, NVM set, endurance group, domain, subsystem).
            scope, with_scope: u16 = 20, 12;
        }
    }
}

impl Effect {
    /// CSP: one namespace.
    pub const SCOPE_NAMESPACE: u16 = 1 << 0;
    /// CSP: one controller.
    pub const SCOPE_CONTROLLER: u16 = 1 << 1;
    /// Supported, without effects.
    pub const SUPPORTED: Self = Self(1);
    /// Supported, changes logical block content.
    pub const WRITES: Self = Self(3);
}

/// The log page: 4,096 bytes.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Effects {
    /// Admin commands by opcode.
    pub admin: [U32; 256],
    /// I/O commands by opcode.
    pub io: [U32; 256],
    /// Reserved.
    pub rsvd2048: [u8; 2048],
}
assert_size!(Effects = 4096);

impl Effects {
    /// No command is supported.
    pub const fn none() -> Self {
        Self { admin: [U32::new(0); 256], io: [U32::new(0); 256], rsvd2048: [0; 2048] }
    }

    /// With the effect of an admin command set.
    #[must_use]
    pub const fn with_admin(mut self, opcode: u8, effect: Effect) -> Self {
        self.admin[opcode as usize] = U32::new(effect.0);
        self
    }

    /// With the effect of an I/O command set.
    #[must_use]
    pub const fn with_io(mut self, opcode: u8, effect: Effect) -> Self {
        self.io[opcode as usize] = U32::new(effect.0);
        self
    }
}

/// Supported Log Pages: 1,024 bytes, one dword a page.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SupportedLogs {
    /// By log page identifier: bit 0 supported, bit 1 index offsets supported.
    pub lid: [U32; 256],
}
assert_size!(SupportedLogs = 1024);

impl SupportedLogs {
    /// The page for this set of supported pages.
    pub fn new(supported: &[LogId]) -> Self {
        let mut lid = [U32::new(0); 256];
        for log in supported {
            lid[usize::from(log.0)] = U32::new(1);
        }
        Self { lid }
    }

    /// Whether a page is supported.
    pub const fn has(&self, log: LogId) -> bool {
        self.lid[log.0 as usize].get() & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        let e = Effects::none().with_admin(0x06, Effect::SUPPORTED).with_io(0x01, Effect::WRITES);
        let b = e.as_bytes();
        assert_eq!(&b[24..28], &[1, 0, 0, 0]);
        assert_eq!(&b[1028..1032], &[3, 0, 0, 0]);
        assert_eq!(b.iter().filter(|&&x| x != 0).count(), 2);
    }

    #[test]
    fn bits() {
        let e = Effect::SUPPORTED.with_submission(2).with_scope(Effect::SCOPE_NAMESPACE).with_changes_inventory(true);
        assert_eq!(e.0, 0x0012_0009);
        assert!(e.supported() && !e.changes_content() && e.submission() == 2);
        assert_eq!(Effect::WRITES, Effect::default().with_supported(true).with_changes_content(true));
    }

    #[test]
    fn supported_logs() {
        let s = SupportedLogs::new(&[LogId::SMART, LogId::DISCOVERY]);
        assert!(s.has(LogId::SMART) && s.has(LogId::DISCOVERY) && !s.has(LogId::ERROR));
        assert_eq!(&s.as_bytes()[4..12], &[0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(s.as_bytes()[0x70 * 4], 1);
    }
}
