//! Fibre Channel in user space: an N_Port on the soft fabric, and queues of commands over it.

mod association;
mod lane;
mod nvme;
mod poller;
mod port;

pub use association::Association;
pub use lane::{Lane, Response};
pub use nvme::FcQueue;
pub use port::FcPort;

use fc::Names;

/// Where the soft fabric of `qfc_tgt` and `qfc_fabric` listens, unless told otherwise.
pub const DEFAULT_FABRIC: &str = "unix:/var/tmp/qfc_fabric.sock";

/// How to get onto a fabric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcOptions {
    /// The link: `unix:PATH`.
    pub fabric: String,
    /// Names of this host's port; derived from the host identifier when absent.
    pub names: Option<Names>,
}

impl Default for FcOptions {
    fn default() -> Self {
        Self { fabric: DEFAULT_FABRIC.to_owned(), names: None }
    }
}

impl FcOptions {
    /// The names of the port: as given, or made of the host identifier (NAA 2h and 1h: chosen locally).
    pub fn names_of(&self, host: &crate::Identity) -> Names {
        self.names.unwrap_or_else(|| {
            let low = host.id.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
            let low = low & 0x00ff_ffff_ffff;
            // Locally administered address (IEEE 802, bit 1 of the first octet), so that it meets no adapter's.
            let address = low & !0x0300_0000_0000 | 0x0200_0000_0000;
            Names { node: wire::fc::Wwn(0x2000 << 48 | address), port: wire::fc::Wwn(0x2100 << 48 | address) }
        })
    }
}
