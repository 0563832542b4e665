//! The chip: registers, reset, mailbox, flash, firmware. Everything up to firmware that runs and takes mailbox commands; nothing of
//! Fibre Channel.
//!
//! Nothing here waits: each part is polled with the time and says when it wants to be polled again.

mod family;
mod fault;
mod firmware;
mod flash;
mod identity;
mod image;
mod mailbox;
mod registers;
mod reset;
mod running;
mod scratch;
mod search;
mod start;

pub(crate) use family::Family;
pub use fault::Fault;
pub(crate) use firmware::FirmwareFile;
pub(crate) use mailbox::{Mailbox, PATIENCE, QUEUE_PATIENCE, Signal, Words};
pub(crate) use registers::Bar0;
pub(crate) use running::Running;
pub(crate) use scratch::Scratch;
pub(crate) use start::{Known, Start, serious};

use dma::Arena;
use pci::{Device, Registers};
use std::sync::Arc;

/// Configuration space: command register, with memory accesses and bus mastering.
const COMMAND: u16 = 0x04;
const MEMORY_AND_MASTER: u16 = 0x0006;
const INTERRUPT_PIN: u16 = 0x3d;
const SUBSYSTEM: u16 = 0x2c;
/// Subsystems whose RISC shares a semaphore with others, which a reset would have to take.
const SEMAPHORE_BOARDS: [[u8; 4]; 2] = [[0x77, 0x10, 0x75, 0x01], [0x77, 0x10, 0x40, 0x02]];

/// A chip that this driver owns.
pub(crate) struct Chip {
    /// How the operator knows it.
    pub address: String,
    pub device: Box<dyn Device>,
    pub bar0: Bar0,
    /// BAR4: pointers of queues.
    pub pointers: Arc<dyn Registers>,
    pub family: Family,
    /// Which port of the adapter this function is; 0 is the first.
    pub port: u8,
    pub mailbox: Mailbox,
    pub scratch: Scratch,
}

impl Chip {
    /// Takes a function that is one of ours. Touches configuration space only.
    pub fn new(mut device: Box<dyn Device>, arena: &Arc<Arena>) -> Result<Self, crate::Error> {
        let address = device.address();
        let mut ids = [0; 4];
        device.read_config(0, &mut ids)?;
        let family = Family::of(ids).ok_or_else(|| crate::Error::NotOurs { address: address.clone(), ids })?;
        let mut board = [0; 4];
        device.read_config(SUBSYSTEM, &mut board)?;
        if SEMAPHORE_BOARDS.contains(&board) {
            return Err(crate::Error::Settings(format!(
                "{address}: boards with subsystem {:02x}{:02x} need a reset that this driver does not know",
                board[3], board[2]
            )));
        }
        let mut pin = [0];
        device.read_config(INTERRUPT_PIN, &mut pin)?;
        let mut command = [0; 2];
        device.read_config(COMMAND, &mut command)?;
        let command = u16::from_le_bytes(command) | MEMORY_AND_MASTER;
        device.write_config(COMMAND, &command.to_le_bytes())?;
        device.map(arena)?;
        let bar0 = Bar0::new(device.bar(0)?);
        let pointers = device.bar(4)?;
        let port = pin[0].wrapping_sub(1);
        let (mailbox, scratch) = (Mailbox::new(), Scratch::new(arena)?);
        Ok(Self { address, device, bar0, pointers, family, port, mailbox, scratch })
    }
}

impl Drop for Chip {
    /// The chip reaches no memory any more from here on: its queues are about to be given back.
    fn drop(&mut self) {
        self.bar0.disable_interrupts();
        reset::silence(&self.bar0);
    }
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
