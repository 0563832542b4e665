//! Resets, and the end of the firmware.

use super::registers::Registers;
use super::{Behind, Chip, Stage};
use ring::Tick;
use wire::isp::mailbox::Event;
use wire::isp::regs::{BAR2_BYTES, CTRL_STATUS};

/// Where the firmware says that it has failed.
const ERROR_PLACE: [u16; 2] = [0x0bad, 0xc0de];

impl<F: Behind> Chip<F> {
    /// Resets the function: as after power on. What is in the flash stays.
    pub fn function_reset(&mut self) {
        self.chip_reset();
        self.config.reset();
        self.registers = Registers::new();
        self.shut = false;
        self.held = false;
        self.table = vec![0; BAR2_BYTES as usize];
    }

    /// Soft reset, or reset of the RISC: mailboxes, events, queues and firmware are gone; no DMA follows. The firmware hears of it at the
    /// next poll, before anything else.
    pub(super) fn chip_reset(&mut self) {
        let control = self.registers.control().with_dma_shutdown(false);
        self.registers.write(CTRL_STATUS, control.0);
        self.shut = false;
        self.pause(false);
        self.host.reset();
        self.flash.reset();
        self.ram.clear();
        self.queues.reset();
        self.command = None;
        self.execute = None;
        self.stale = 0;
        self.options = [0; 3];
        self.outputs.clear();
        self.stage = Stage::Rom;
        self.stop = true;
        self.counters.resets += 1;
    }

    /// Tells the firmware of a reset, if there was one.
    pub(super) fn stop_firmware(&mut self, now: Tick) {
        if !std::mem::take(&mut self.stop) {
            return;
        }
        self.firmware.stop(now);
        // What it still had belongs to before the reset.
        while self.firmware.output().is_some() {}
    }

    /// The host stops the firmware (mailbox command 14h): nothing comes any more.
    pub(super) fn firmware_stopped(&mut self) {
        self.queues.drop_all();
        self.execute = None;
        self.outputs.clear();
        self.stage = Stage::Rom;
        self.stop = true;
    }

    /// The firmware fails. A place of 0 would mean that the adapter cannot be used any more: drivers give it up then.
    pub(super) fn system_error(&mut self) {
        if matches!(self.stage, Stage::Running | Stage::Started) {
            log::debug!("isp: system error");
            self.tell_event([Event::SYSTEM_ERROR.0, ERROR_PLACE[0], ERROR_PLACE[1], 0, 0, 0, 0, 0]);
            self.stage = Stage::Dead;
            self.outputs.clear();
        }
    }

    /// The host's memory failed.
    pub(super) fn dma_fault(&mut self, event: Event, fault: pci::Fault) {
        log::debug!("isp: {event}: {fault}");
        self.counters.dma_faults += 1;
        self.tell_event([event.0, fault.address as u16, (fault.address >> 16) as u16, 0, 0, 0, 0, 0]);
    }

    pub(super) fn tell_event(&mut self, mailboxes: [u16; 8]) {
        log::trace!("isp: event {mailboxes:04x?}");
        self.counters.events += 1;
        self.host.event(mailboxes);
    }
}
