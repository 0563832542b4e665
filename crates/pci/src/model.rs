//! A function that we are.

use ring::Tick;
use std::os::fd::BorrowedFd;

/// How many BARs a function has at most.
pub const BARS: usize = 6;

/// A memory BAR of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bar {
    /// Bytes, a power of two; 0: there is no such BAR.
    pub size: u64,
    /// It takes two BAR registers.
    pub wide: bool,
}

/// The memory is not there, or not to be touched in that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory for {len} bytes at {address:#x}")]
pub struct Fault {
    /// Where.
    pub address: u64,
    /// How much.
    pub len: usize,
}

/// What a function reaches as bus master. A range may go over several mappings of the host's memory.
pub trait Bus {
    /// Reads the host's memory.
    ///
    /// # Errors
    /// Some of it is not there; then `into` is not to be believed.
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault>;
    /// Writes the host's memory. What was written by one call is there before what is written by the next.
    ///
    /// # Errors
    /// Some of it is not there; then nobody knows how much was written.
    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Fault>;
    /// Sends the MSI-X message of a vector. Without that vector, or with it masked, nothing happens.
    fn interrupt(&mut self, vector: u16);
}

/// A PCI function as a value: registers, memory and time come from outside. Who hosts it calls [`poll`](Self::poll) after accesses,
/// and often; an access itself only changes the model's state, so that it needs no bus.
pub trait Model: Send {
    /// Its memory BARs.
    fn bars(&self) -> [Bar; BARS];
    /// How many MSI-X vectors it has.
    fn vectors(&self) -> u16;
    /// Reads configuration space (256 or 4,096 bytes; beyond it zeroes). BAR registers hold what was written, masked by the size.
    fn read_config(&mut self, offset: u16, into: &mut [u8]);
    /// Writes configuration space; bits that cannot be written stay.
    fn write_config(&mut self, offset: u16, from: &[u8]);
    /// Reads a BAR. Any offset and length may come; what is not a register reads as zeroes.
    fn read(&mut self, bar: u8, offset: u64, into: &mut [u8]);
    /// Writes a BAR; what is not a register is ignored.
    fn write(&mut self, bar: u8, offset: u64, from: &[u8]);
    /// Resets the function: all state is as after power on, no DMA follows.
    fn reset(&mut self);
    /// Does what there is to do, a bounded amount; returns how many things were done.
    fn poll(&mut self, bus: &mut dyn Bus, now: Tick) -> usize;
    /// Whether there is something to do at once.
    fn is_pending(&self) -> bool;
    /// When it must be polled although nobody accesses it.
    fn deadline(&self) -> Option<Tick>;
    /// A descriptor that wakes its core, if something behind it (a link) has one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}
