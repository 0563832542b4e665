//! Why an adapter cannot be taken.

/// An adapter cannot be had. Each sentence says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The PCI function cannot be used.
    #[error(transparent)]
    Pci(#[from] pci::Error),
    /// There is no memory for its queues.
    #[error(transparent)]
    Memory(#[from] dma::Error),
    /// It is something else.
    #[error("{address}: no adapter of the QLE26xx or QLE27xx families (vendor and device {:02x}{:02x}:{:02x}{:02x})", ids[1], ids[0], ids[3], ids[2])]
    NotOurs {
        /// Which function.
        address: String,
        /// Vendor and device, as configuration space has them.
        ids: [u8; 4],
    },
    /// The settings cannot be met.
    #[error("{0}")]
    Settings(String),
    /// There is no firmware file, and it must be there.
    #[error("{0}")]
    Firmware(String),
}
