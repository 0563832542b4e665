//! BAR0 but mailboxes and flash: what is just kept, and the window into the RISC's I/O space.

use std::collections::BTreeMap;
use wire::isp::regs::{CTRL_STATUS, CtrlStatus, IOBASE_ADDRESS, IOBASE_WINDOW, REGISTERS};

/// Most windows of the RISC's I/O space whose contents are kept.
const WINDOWS: usize = 64;
const WORDS: usize = (REGISTERS / 4) as usize;

/// Registers that remember what was written.
pub struct Registers {
    words: [u32; WORDS],
    windows: BTreeMap<u32, [u32; 16]>,
}

impl Registers {
    /// All 0.
    pub fn new() -> Self {
        Self { words: [0; WORDS], windows: BTreeMap::new() }
    }

    /// A register.
    pub fn read(&self, offset: u64) -> u32 {
        match offset {
            IOBASE_WINDOW..REGISTERS => self.windows.get(&self.window()).map_or(0, |w| w[slot(offset)]),
            _ => self.words.get((offset / 4) as usize).copied().unwrap_or(0),
        }
    }

    /// Writes a register.
    pub fn write(&mut self, offset: u64, value: u32) {
        match offset {
            CTRL_STATUS => self.words[(CTRL_STATUS / 4) as usize] = kept(CtrlStatus(value)).0,
            IOBASE_WINDOW..REGISTERS => self.write_window(offset, value),
            0..REGISTERS => self.words[(offset / 4) as usize] = value,
            _ => {}
        }
    }

    /// Register ctrl_status.
    pub fn control(&self) -> CtrlStatus {
        CtrlStatus(self.words[(CTRL_STATUS / 4) as usize])
    }

    fn window(&self) -> u32 {
        self.words[(IOBASE_ADDRESS / 4) as usize]
    }

    fn write_window(&mut self, offset: u64, value: u32) {
        let window = self.window();
        if self.windows.len() < WINDOWS || self.windows.contains_key(&window) {
            self.windows.entry(window).or_default()[slot(offset)] = value;
        }
    }
}

/// A reset is done at once, and there never is DMA when the host looks.
fn kept(written: CtrlStatus) -> CtrlStatus {
    written.with_soft_reset(false).with_dma_active(false).with_flash_error(false)
}

fn slot(offset: u64) -> usize {
    (offset % 64 / 4) as usize
}
