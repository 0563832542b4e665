//! Accesses of the host to BARs and configuration space: they change state, `poll` does the rest.

use super::identity::Family;
use super::{Behind, Chip, Pending};
use pci::{BARS, Bar};
use wire::isp::regs::{
    BAR0_BYTES, BAR2_BYTES, BAR4_BYTES, CTRL_STATUS, CtrlStatus, FLASH_ADDRESS, FLASH_DATA, HCCR, HOST_STATUS,
    HccrCommand, HccrStatus, ICTRL, ICTRL_ENABLE, ISTATUS, ISTATUS_PENDING, MAILBOX, MAILBOXES,
};

/// Behind the last mailbox.
const MAILBOX_END: u64 = MAILBOX + 2 * MAILBOXES as u64;

impl<F: Behind> Chip<F> {
    /// Sizes of the BARs.
    pub fn bars(&self) -> [Bar; BARS] {
        let wide = |size| Bar { size, wide: true };
        let none = Bar::default();
        [wide(BAR0_BYTES), none, wide(BAR2_BYTES), none, wide(BAR4_BYTES), none]
    }

    /// Reads configuration space.
    pub fn read_config(&self, offset: u16, into: &mut [u8]) {
        self.config.read(offset, into);
    }

    /// Writes configuration space.
    pub fn write_config(&mut self, offset: u16, from: &[u8]) {
        if self.config.write(offset, from) {
            self.function_reset();
        }
    }

    /// Reads a BAR: no read has a side effect.
    pub fn read(&self, bar: u8, offset: u64, into: &mut [u8]) {
        if bar == 2 {
            return self.read_table(offset, into);
        }
        for (n, byte) in (0..).zip(into) {
            let at = offset.saturating_add(n);
            let word = match bar {
                0 => self.read_register(at & !3),
                4 => self.queues.read(at & !3),
                _ => 0,
            };
            *byte = word.to_le_bytes()[(at % 4) as usize];
        }
    }

    /// Writes a BAR: aligned words, and halves of them for mailboxes.
    pub fn write(&mut self, bar: u8, offset: u64, from: &[u8]) {
        match (bar, offset % 4, from.len() % 4) {
            (2, ..) => self.write_table(offset, from),
            (0 | 4, 0, 0) => {
                for (n, word) in (0..).zip(from.as_chunks::<4>().0) {
                    self.write_word(bar, offset.saturating_add(4 * n), u32::from_le_bytes(*word));
                }
            }
            (0, 0 | 2, 0 | 2) => {
                for (n, half) in (0..).zip(from.as_chunks::<2>().0) {
                    self.write_half(offset.saturating_add(2 * n), u16::from_le_bytes(*half));
                }
            }
            _ => {}
        }
    }

    fn write_word(&mut self, bar: u8, offset: u64, value: u32) {
        if bar == 4 {
            return self.queues.write(offset, value);
        }
        match offset {
            MAILBOX..MAILBOX_END => {
                self.write_half(offset, value as u16);
                self.write_half(offset + 2, (value >> 16) as u16);
            }
            _ => self.write_register(offset, value),
        }
    }

    fn write_half(&mut self, offset: u64, value: u16) {
        if (MAILBOX..MAILBOX_END).contains(&offset) {
            self.host.set_incoming(((offset - MAILBOX) / 2) as usize, value);
        }
    }

    fn read_register(&self, offset: u64) -> u32 {
        match offset {
            FLASH_ADDRESS => self.flash.address(),
            FLASH_DATA => self.flash.data(),
            CTRL_STATUS => self.registers.control().with_function(self.identity.port & 1 != 0).0,
            ISTATUS if self.host.status().pending() => ISTATUS_PENDING,
            ISTATUS => 0,
            HOST_STATUS => self.host.status().0,
            HCCR => HccrStatus(0).with_risc_reset(self.held).with_host_interrupt(self.command.is_some()).0,
            MAILBOX..MAILBOX_END => {
                let n = ((offset - MAILBOX) / 2) as usize;
                u32::from(self.host.outgoing(n)) | u32::from(self.host.outgoing(n + 1)) << 16
            }
            _ => self.registers.read(offset),
        }
    }

    fn write_register(&mut self, offset: u64, value: u32) {
        match offset {
            FLASH_ADDRESS => self.flash.set_address(value, self.registers.control().flash_enable()),
            FLASH_DATA => self.flash.set_data(value),
            CTRL_STATUS => self.write_control(CtrlStatus(value)),
            HCCR => self.hccr(HccrCommand(value & 0xf000_0000)),
            ISTATUS | HOST_STATUS => {}
            ICTRL => {
                self.registers.write(offset, value);
                self.host.enable(value & ICTRL_ENABLE != 0);
            }
            _ => self.registers.write(offset, value),
        }
    }

    fn write_control(&mut self, value: CtrlStatus) {
        self.registers.write(CTRL_STATUS, value.0);
        self.shut = value.dma_shutdown();
        if value.soft_reset() {
            self.chip_reset();
        }
    }

    fn hccr(&mut self, command: HccrCommand) {
        match command {
            HccrCommand::SET_RISC_RESET => {
                self.chip_reset();
                self.held = true;
            }
            HccrCommand::CLEAR_RISC_RESET => self.held = false,
            HccrCommand::SET_RISC_PAUSE => self.pause(true),
            HccrCommand::RELEASE_RISC_PAUSE => self.pause(false),
            HccrCommand::SET_HOST_INTERRUPT => {
                self.command = Some(Pending { mailboxes: *self.host.incoming(), due: None });
            }
            HccrCommand::CLEAR_HOST_INTERRUPT => self.command = None,
            HccrCommand::CLEAR_RISC_INTERRUPT => self.host.acknowledge(),
            _ => {}
        }
    }

    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.host.set_paused(paused);
    }

    fn read_table(&self, offset: u64, into: &mut [u8]) {
        for (n, byte) in (0..).zip(into) {
            *byte = usize::try_from(offset.saturating_add(n)).ok().and_then(|at| self.table.get(at)).map_or(0, |b| *b);
        }
    }

    /// Entries of the MSI-X table can be written, pending bits cannot.
    fn write_table(&mut self, offset: u64, from: &[u8]) {
        let end = usize::from(self.identity.vectors) * 16;
        for (n, byte) in (0..).zip(from) {
            let at = usize::try_from(offset.saturating_add(n)).unwrap_or(usize::MAX);
            if at < end
                && let Some(to) = self.table.get_mut(at)
            {
                *to = *byte;
            }
        }
    }

    /// Whether pointers are also written behind the queues.
    pub(super) fn has_shadows(&self) -> bool {
        self.identity.board.family() == Family::Isp27xx
    }
}
