//! BAR0: the registers of the chip, by name.

use pci::Registers;
use std::sync::Arc;
use wire::isp::regs::{
    CTRL_STATUS, CtrlStatus, FLASH_ADDRESS, FLASH_DATA, HCCR, HOST_STATUS, HccrCommand, HostStatus, ICTRL, MAILBOXES,
    mailbox,
};

/// What a read of a chip gives that is not there.
const ALL_ONES: u32 = u32::MAX;

/// The register block.
#[derive(Clone)]
pub(crate) struct Bar0(Arc<dyn Registers>);

impl Bar0 {
    pub fn new(registers: Arc<dyn Registers>) -> Self {
        Self(registers)
    }

    pub fn registers(&self) -> Arc<dyn Registers> {
        self.0.clone()
    }

    fn read(&self, at: u64) -> u32 {
        self.0.read32(at as u32)
    }

    fn write(&self, at: u64, value: u32) {
        self.0.write32(at as u32, value);
    }

    pub fn ctrl_status(&self) -> CtrlStatus {
        CtrlStatus(self.read(CTRL_STATUS))
    }

    pub fn set_ctrl_status(&self, value: CtrlStatus) {
        self.write(CTRL_STATUS, value.0);
    }

    /// `None` when the chip is gone.
    pub fn host_status(&self) -> Option<HostStatus> {
        Some(self.read(HOST_STATUS)).filter(|raw| *raw != ALL_ONES).map(HostStatus)
    }

    pub fn hccr(&self, command: HccrCommand) {
        self.write(HCCR, command.0);
    }

    /// A command to the RISC, pushed through to it.
    pub fn hccr_flushed(&self, command: HccrCommand) {
        self.hccr(command);
        self.read(HCCR);
    }

    /// No interrupts, ever: this driver polls.
    pub fn disable_interrupts(&self) {
        self.write(ICTRL, 0);
        self.read(ICTRL);
    }

    pub fn mailbox(&self, n: usize) -> u16 {
        self.0.read16(mailbox(n) as u32)
    }

    pub fn mailboxes(&self) -> [u16; MAILBOXES] {
        std::array::from_fn(|n| self.mailbox(n))
    }

    /// Writes all mailboxes, as a command has them.
    pub fn set_mailboxes(&self, words: &[u16; MAILBOXES]) {
        words.iter().enumerate().for_each(|(n, word)| self.0.write16(mailbox(n) as u32, *word));
    }

    pub fn flash_address(&self) -> u32 {
        self.read(FLASH_ADDRESS)
    }

    pub fn set_flash_address(&self, address: u32) {
        self.write(FLASH_ADDRESS, address);
    }

    pub fn flash_data(&self) -> u32 {
        self.read(FLASH_DATA)
    }
}
