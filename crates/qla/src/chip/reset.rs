//! Reset of the chip, from wherever it is to a ROM that takes commands. Each step waits by time or by a register, never on the core.

use super::{Bar0, Fault};
use pci::Device;
use ring::Tick;
use wire::isp::regs::{CtrlStatus, HccrCommand};

const US: Tick = 1_000;
const MS: Tick = 1_000_000;

/// For DMA to end; then it is cut off.
const DMA: Tick = 300 * MS;
/// Nothing may touch the chip for so long after the soft reset.
const SETTLE: Tick = 100 * US;
/// For the old firmware to be gone from mailbox 0.
const DRAIN: Tick = 50 * MS;
/// For the soft reset bit to clear.
const SOFT: Tick = 10 * MS;
/// Between the RISC's release and the first look at it.
const RISC: Tick = 10 * MS;
/// For the ROM to be ready.
const ROM: Tick = 300 * MS;
/// Between two looks at a register.
const LOOK: Tick = 50 * US;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Interrupts off, DMA told to stop.
    Begin,
    /// Until DMA has stopped.
    Dma,
    /// After the soft reset: until the chip may be touched.
    Settle,
    /// Until the old firmware is gone.
    Drain,
    /// Until the soft reset is done.
    Soft,
    /// After the RISC was let go: until it may be looked at.
    Risc,
    /// Until the ROM is ready.
    Rom,
    Done,
}

/// A reset under way.
#[derive(Debug)]
pub(crate) struct Reset {
    step: Step,
    /// When the step is given up, or over.
    until: Tick,
    next_look: Tick,
}

impl Reset {
    pub fn new() -> Self {
        Self { step: Step::Begin, until: 0, next_look: 0 }
    }

    /// From here on the chip makes no DMA any more: memory that it was told of may be used again.
    pub fn is_quiet(&self) -> bool {
        !matches!(self.step, Step::Begin | Step::Dma)
    }

    pub fn deadline(&self) -> Tick {
        self.next_look
    }

    fn enter(&mut self, step: Step, wait: Tick, now: Tick) {
        (self.step, self.until) = (step, now + wait);
    }

    /// Goes on; says when it is over.
    pub fn poll(&mut self, bar0: &Bar0, device: &mut dyn Device, now: Tick) -> Option<Result<(), Fault>> {
        if now < self.next_look {
            return None;
        }
        loop {
            let before = self.step;
            if let Err(fault) = self.step(bar0, device, now) {
                return Some(Err(fault));
            }
            if self.step == Step::Done {
                return Some(Ok(()));
            }
            if self.step == before {
                self.next_look = if self.waits_for_time() { self.until } else { now + LOOK };
                return None;
            }
        }
    }

    fn waits_for_time(&self) -> bool {
        matches!(self.step, Step::Settle | Step::Risc)
    }

    fn step(&mut self, bar0: &Bar0, device: &mut dyn Device, now: Tick) -> Result<(), Fault> {
        let late = now >= self.until;
        match self.step {
            Step::Begin => self.begin(bar0, now)?,
            Step::Dma if late || !bar0.ctrl_status().dma_active() => {
                silence(bar0);
                self.enter(Step::Settle, SETTLE, now);
            }
            Step::Settle if late => {
                flush(device)?;
                self.enter(Step::Drain, DRAIN, now);
            }
            // Old firmware that does not go is left to the soft reset.
            Step::Drain if late || bar0.mailbox(0) == 0 => self.enter(Step::Soft, SOFT, now),
            Step::Soft if late || !bar0.ctrl_status().soft_reset() => {
                bar0.hccr_flushed(HccrCommand::SET_RISC_RESET);
                bar0.hccr_flushed(HccrCommand::RELEASE_RISC_PAUSE);
                bar0.hccr_flushed(HccrCommand::CLEAR_RISC_RESET);
                self.enter(Step::Risc, RISC, now);
            }
            Step::Risc if late => self.enter(Step::Rom, ROM, now),
            Step::Rom => self.rom(bar0, late)?,
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, bar0: &Bar0, now: Tick) -> Result<(), Fault> {
        bar0.host_status().ok_or(Fault::Gone)?;
        bar0.disable_interrupts();
        bar0.set_ctrl_status(stop_dma());
        self.enter(Step::Dma, DMA, now);
        Ok(())
    }

    fn rom(&mut self, bar0: &Bar0, late: bool) -> Result<(), Fault> {
        bar0.host_status().ok_or(Fault::Gone)?;
        match bar0.mailbox(0) {
            0 => self.step = Step::Done,
            mailbox0 if late => return Err(Fault::RomSilent { mailbox0 }),
            _ => {}
        }
        Ok(())
    }
}

/// Cuts the chip off at once.
pub(super) fn silence(bar0: &Bar0) {
    bar0.set_ctrl_status(stop_dma().with_soft_reset(true));
}

/// No DMA; bursts of 4,096 bytes once there is some again.
fn stop_dma() -> CtrlStatus {
    CtrlStatus(0).with_dma_shutdown(true).with_burst(3)
}

/// A configuration access pushes out what was written, without touching the block that is in reset.
fn flush(device: &mut dyn Device) -> Result<(), Fault> {
    let mut command = [0; 2];
    device.read_config(4, &mut command).map_err(|_| Fault::Gone)
}
