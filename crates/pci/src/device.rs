//! A function that we drive.

use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Why a device cannot be had or used. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or not for us; the sentence says what would mend it.
    #[error("{address}: {reason}")]
    Unusable {
        /// Which device.
        address: String,
        /// Why, and the remedy.
        reason: String,
    },
    /// It was there and is no more: surprise removal, a server that ended.
    #[error("{address}: the device is gone: {reason}")]
    Gone {
        /// Which device.
        address: String,
        /// What was seen.
        reason: String,
    },
}

/// One BAR of a device. Accesses reach the device in the order in which they are made. From a device that is gone all ones are
/// read, as on a bus.
pub trait Registers: Send + Sync {
    /// Reads 16 bits at a byte offset.
    fn read16(&self, offset: u32) -> u16;
    /// Writes 16 bits.
    fn write16(&self, offset: u32, value: u16);
    /// Reads 32 bits.
    fn read32(&self, offset: u32) -> u32;
    /// Writes 32 bits.
    fn write32(&self, offset: u32, value: u32);
}

/// A PCI function that a driver owns. Used on one thread; what [`bar`](Self::bar) gives may be used on all.
pub trait Device: Send {
    /// How the operator knows it: `0000:3b:00.0`, `vfio-user:/run/hba.sock`, `virtual`.
    fn address(&self) -> String;
    /// Reads from configuration space.
    ///
    /// # Errors
    /// The device is gone.
    fn read_config(&mut self, offset: u16, into: &mut [u8]) -> Result<(), Error>;
    /// Writes to configuration space.
    ///
    /// # Errors
    /// The device is gone, or that place is not ours to write.
    fn write_config(&mut self, offset: u16, from: &[u8]) -> Result<(), Error>;
    /// A memory BAR.
    ///
    /// # Errors
    /// There is none, or it cannot be mapped.
    fn bar(&mut self, index: u8) -> Result<Arc<dyn Registers>, Error>;
    /// Resets the function (function level reset).
    ///
    /// # Errors
    /// It cannot be reset, or is gone.
    fn reset(&mut self) -> Result<(), Error>;
    /// Lets the device reach all memory of the arena, now and what it grows by later. **A device sees memory where the process sees it**:
    /// the address of a [`dma::Data`] or of a ring is what goes into a descriptor.
    ///
    /// # Errors
    /// The IOMMU cannot; the sentence says why.
    fn map(&mut self, arena: &Arc<dma::Arena>) -> Result<(), Error>;
    /// Enables `count` MSI-X vectors; each descriptor becomes readable (eventfd) when its vector fires. Only needed to wake cores that
    /// sleep.
    ///
    /// # Errors
    /// It has fewer, or the kernel refuses.
    fn interrupts(&mut self, count: u16) -> Result<Vec<OwnedFd>, Error>;
}
