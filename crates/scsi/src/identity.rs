//! Under which names hosts know a logical unit (SPC-4 7.8.6).

use uuid::Uuid;

/// Under which names hosts know a logical unit. What is derived comes from [`bdev::identity`], the same source as the
/// volume's NVMe identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The volume's UUID.
    pub uuid: Uuid,
    /// NAA identifier, format 3h.
    pub naa: [u8; 8],
    /// EUI-64: the volume's NVMe one.
    pub eui64: [u8; 8],
    /// T10 vendor identification, at most 8 ASCII characters.
    pub vendor: String,
    /// Product identification, at most 16 ASCII characters.
    pub product: String,
    /// Product revision level, at most 4 ASCII characters.
    pub revision: String,
    /// Unit serial number (VPD page 80h), at most [`MOST_SERIAL`] ASCII characters.
    pub serial: String,
    /// The medium can be taken out (RMB): START STOP UNIT ejects and loads it.
    pub removable: bool,
}

/// Characters of a serial number.
pub const MOST_SERIAL: usize = 64;
/// Vendor identification unless configured.
pub const DEFAULT_VENDOR: &str = "QFC";
/// Product identification unless configured.
pub const DEFAULT_PRODUCT: &str = "qfc disk";

impl Identity {
    /// The identity of a volume, nothing configured: the serial number is the UUID without its dashes.
    pub fn of(uuid: Uuid) -> Self {
        Self {
            uuid,
            naa: bdev::identity::naa(uuid),
            eui64: bdev::identity::eui64(uuid),
            vendor: DEFAULT_VENDOR.into(),
            product: DEFAULT_PRODUCT.into(),
            revision: revision(),
            serial: uuid.simple().to_string(),
            removable: false,
        }
    }
}

/// The version of this program, as far as four characters take it.
fn revision() -> String {
    env!("CARGO_PKG_VERSION").chars().take(4).collect::<String>().trim_end_matches('.').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_depends_on_nothing_but_the_uuid() {
        let uuid = Uuid::parse_str("0fa1b6a2-2f3c-4d7e-9a53-2f2e9a1d3c4b").unwrap();
        let identity = Identity::of(uuid);
        assert_eq!(identity, Identity::of(uuid));
        assert_eq!(identity.serial, "0fa1b6a22f3c4d7e9a532f2e9a1d3c4b");
        assert_eq!(identity.eui64, [0x3e, 0x2a, 0xc6, 0xa5, 0x5c, 0xfb, 0x56, 0x22]);
        assert!(identity.revision.len() <= 4 && identity.vendor.len() <= 8 && identity.product.len() <= 16);
    }
}
