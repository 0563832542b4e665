//! Feature Identifiers Supported and Effects (12h). NVMe Base 2.0c 5.16.1.19 (figures 259 and 260).

use crate::nvme::FeatureId;
use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The log page: a dword for each feature identifier, 1,024 bytes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct FeatureEffects {
    /// By feature identifier; 0 for a feature that is not supported.
    pub fid: [U32; 256],
}
assert_size!(FeatureEffects = 1024);

impl FeatureEffects {
    /// FSUPP: the feature is supported.
    pub const SUPPORTED: u32 = 1 << 0;
    /// FSP: the feature is of one namespace.
    pub const SCOPE_NAMESPACE: u32 = 1 << 20;
    /// FSP: the feature is of one controller.
    pub const SCOPE_CONTROLLER: u32 = 1 << 21;

    /// No feature is supported.
    pub const fn none() -> Self {
        Self { fid: [U32::new(0); 256] }
    }

    /// With a feature supported, in a scope.
    #[must_use]
    pub const fn with(mut self, fid: FeatureId, scope: u32) -> Self {
        self.fid[fid.0 as usize] = U32::new(Self::SUPPORTED | scope);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        let page = FeatureEffects::none()
            .with(FeatureId::POWER_MANAGEMENT, 0)
            .with(FeatureId::HOST_ID, FeatureEffects::SCOPE_CONTROLLER);
        let b = page.as_bytes();
        assert_eq!((&b[8..12], &b[516..520]), (&[1, 0, 0, 0][..], &[1, 0, 0x20, 0][..]));
        assert_eq!(b.iter().filter(|&&x| x != 0).count(), 3);
    }
}
