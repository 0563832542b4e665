//! What a device says of itself.

use serde::Serialize;
use uuid::Uuid;

/// What a device can do beyond reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Features {
    /// Takes writes.
    pub write: bool,
    /// Gives space back.
    pub unmap: bool,
    /// Blocks given back read as zeroes until they are written.
    pub unmap_zeroes: bool,
    /// Writes zeroes without data.
    pub write_zeroes: bool,
    /// Has a volatile cache, so that a flush means something.
    pub volatile_cache: bool,
}

/// What a device says of itself. It does not change but for `blocks` (a resize) and is a plain copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Its name in the registry.
    pub name: String,
    /// What it is, e.g. `Malloc disk`.
    pub product: &'static str,
    /// Its identity: the same on every port and protocol, unchanged by a rename or a restart.
    pub uuid: Uuid,
    /// Bytes of a block: a power of two from 512 to 65,536.
    pub block_size: u32,
    /// Bytes that the medium prefers to write at once, a multiple of `block_size`.
    pub physical_block_size: u32,
    /// How many blocks it has.
    pub blocks: u64,
    /// What it can do.
    pub features: Features,
}

/// Whether devices may have blocks of that many bytes: a power of two from 512 to 65,536.
pub const fn is_block_size(bytes: u64) -> bool {
    bytes.is_power_of_two() && bytes >= 512 && bytes <= 65_536
}

impl Info {
    /// The identity as an NVMe NGUID, and as the source of other identifiers.
    pub fn nguid(&self) -> [u8; 16] {
        *self.uuid.as_bytes()
    }
}
