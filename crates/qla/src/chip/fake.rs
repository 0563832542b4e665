//! A chip of a few lines, for unit tests: registers, mailboxes, flash, and queues that the test itself fills and reads. The model of `emu` is
//! what the whole adapter is tested with.

use super::image::tests::tiny;
use dma::Arena;
use pci::{Device, Registers};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};
use wire::isp::flash::{FLT_ADDRESS, FltHeader, FltRegion, Nvram, Region, sum16};
use wire::isp::icb::Icb;
use wire::isp::iocb::Entry;
use wire::isp::mailbox::{A64, Command, pair};
use wire::isp::regs::{self, CtrlStatus, FLASH_WINDOW};
use wire::{FromBytes, FromZeros, IntoBytes, U16};

/// The chip.
pub(crate) struct State {
    pub window: dma::Window,
    pub ctrl: u32,
    pub status: u32,
    pub incoming: [u16; 32],
    pub outgoing: [u16; 32],
    pub flash: Vec<u8>,
    pub flash_address: u32,
    /// Commands that it got.
    pub commands: Vec<u16>,
    /// Commands that it does not answer, and those that it refuses.
    pub silent: Vec<Command>,
    pub refused: Vec<Command>,
    pub gone: bool,
    pub paused: bool,
    /// The soft reset was written so often.
    pub resets: u32,
    pub loaded: usize,
    /// The control block it was started with.
    pub icb: Option<Icb>,
    /// Our in-pointer of the request queue, what was taken of it, what was put into the others.
    request_in: u32,
    taken: u32,
    responses: u32,
    atios: u32,
}

/// The chip, as a device and as its BARs.
#[derive(Clone)]
pub(crate) struct Fake(pub Arc<Mutex<State>>, bool);

impl Fake {
    /// A chip after power on, whose flash has an image.
    pub fn new(arena: &Arc<Arena>) -> Self {
        let state = State {
            window: Arena::window(arena),
            ctrl: 0,
            status: 0,
            incoming: [0; 32],
            outgoing: [0; 32],
            flash: flash(),
            flash_address: 0,
            commands: Vec::new(),
            silent: Vec::new(),
            refused: Vec::new(),
            gone: false,
            paused: false,
            resets: 0,
            loaded: 0,
            icb: None,
            request_in: 0,
            taken: 0,
            responses: 0,
            atios: 0,
        };
        Self(Arc::new(Mutex::new(state)), false)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// What was put into the request queue since the last time; all is taken.
    pub fn requests(&mut self) -> Vec<Entry> {
        let icb = self.icb.expect("it was started");
        let length = u32::from(icb.request_length.get());
        let mut entries = Vec::new();
        while self.taken != self.request_in {
            let mut entry = [0; 64];
            assert!(self.window.read(icb.request_address.get() + 64 * u64::from(self.taken), &mut entry));
            entries.push(entry);
            self.taken = (self.taken + 1) % length;
        }
        let shadow = icb.request_address.get() + 64 * u64::from(length);
        assert!(self.window.write(shadow, &(self.taken as u16).to_le_bytes()));
        entries
    }

    /// Puts an entry into the response queue.
    pub fn respond(&mut self, entry: &Entry) {
        let icb = self.icb.expect("it was started");
        let length = u32::from(icb.response_length.get());
        let at = icb.response_address.get();
        assert!(self.window.write(at + 64 * u64::from(self.responses), entry));
        self.responses = (self.responses + 1) % length;
        assert!(self.window.write(at + 64 * u64::from(length), &(self.responses as u16).to_le_bytes()));
    }

    /// Puts an entry into the ATIO queue.
    pub fn atio(&mut self, entry: &Entry) {
        let icb = self.icb.expect("it was started");
        assert!(self.window.write(icb.atio_address.get() + 64 * u64::from(self.atios), entry));
        self.atios = (self.atios + 1) % u32::from(icb.atio_length.get());
    }

    /// Shows an event.
    pub fn event(&mut self, words: [u16; 8]) {
        assert_eq!(self.status, 0, "one at a time");
        self.outgoing[..8].copy_from_slice(&words);
        self.status = u32::from(words[0]) << 16 | 0x8012;
    }

    fn command(&mut self) {
        let command = Command(self.incoming[0]);
        self.commands.push(command.0);
        if self.silent.contains(&command) {
            return;
        }
        self.outgoing = self.incoming;
        self.outgoing[0] = if self.refused.contains(&command) { 0x4005 } else { 0x4000 };
        let count = pair(&self.incoming, 4, 5) as usize * 4;
        match command {
            _ if self.refused.contains(&command) => {}
            Command::DUMP_RAM => {
                let at = (pair(&self.incoming, 8, 1) - FLASH_WINDOW) as usize * 4;
                let bytes = self.flash[at..at + count].to_vec();
                assert!(self.window.write(A64::get(&self.incoming), &bytes));
            }
            Command::LOAD_RAM => {
                let mut bytes = vec![0; count];
                assert!(self.window.read(A64::get(&self.incoming), &mut bytes));
                self.loaded += count;
            }
            Command::GET_VERSION => (self.outgoing[1], self.outgoing[2], self.outgoing[15]) = (9, 8, 0x4400),
            Command::GET_RESOURCE_COUNTS => self.outgoing[3] = 2048,
            Command::INIT_FIRMWARE => {
                let mut bytes = [0; size_of::<Icb>()];
                assert!(self.window.read(A64::get(&self.incoming), &mut bytes));
                self.icb = Icb::read_from_bytes(&bytes).ok();
                (self.request_in, self.taken, self.responses, self.atios) = (0, 0, 0, 0);
            }
            _ => {}
        }
        self.status = u32::from(self.outgoing[0]) << 16 | 0x8010;
    }
}

impl Registers for Fake {
    fn read16(&self, offset: u32) -> u16 {
        let state = self.0.lock().unwrap();
        if state.gone { u16::MAX } else { state.outgoing[(offset as usize - 0x80) / 2] }
    }
    fn write16(&self, offset: u32, value: u16) {
        self.0.lock().unwrap().incoming[(offset as usize - 0x80) / 2] = value;
    }
    fn read32(&self, offset: u32) -> u32 {
        let mut state = self.0.lock().unwrap();
        let at = (state.flash_address & 0x7fff_ffff).wrapping_sub(FLASH_WINDOW) as usize * 4;
        match u64::from(offset) {
            _ if state.gone => u32::MAX,
            _ if self.1 => 0,
            regs::CTRL_STATUS => std::mem::replace(&mut state.ctrl, 0),
            regs::HOST_STATUS if state.paused => 0x100,
            regs::HOST_STATUS => state.status,
            regs::FLASH_ADDRESS => state.flash_address | regs::FLASH_FLAG,
            regs::FLASH_DATA => u32::from_le_bytes(state.flash[at..at + 4].try_into().unwrap()),
            _ => 0,
        }
    }
    fn write32(&self, offset: u32, value: u32) {
        let mut state = self.0.lock().unwrap();
        match u64::from(offset) {
            regs::QUEUE_REQUEST_IN if self.1 => state.request_in = value,
            _ if self.1 => {}
            regs::CTRL_STATUS => {
                state.ctrl = value & 1;
                if CtrlStatus(value).soft_reset() {
                    state.resets += 1;
                    (state.outgoing, state.status, state.paused) = ([0; 32], 0, false);
                }
            }
            regs::FLASH_ADDRESS => state.flash_address = value,
            regs::HCCR if value == regs::HccrCommand::SET_HOST_INTERRUPT.0 => state.command(),
            regs::HCCR if value == regs::HccrCommand::CLEAR_RISC_INTERRUPT.0 => state.status = 0,
            _ => {}
        }
    }
}

impl Device for Fake {
    fn address(&self) -> String {
        "fake".to_owned()
    }
    fn read_config(&mut self, offset: u16, into: &mut [u8]) -> Result<(), pci::Error> {
        let mut config = [0; 64];
        config[..4].copy_from_slice(&[0x77, 0x10, 0x61, 0x22]);
        config[0x3d] = 1;
        into.copy_from_slice(&config[offset.into()..][..into.len()]);
        Ok(())
    }
    fn write_config(&mut self, _: u16, _: &[u8]) -> Result<(), pci::Error> {
        Ok(())
    }
    fn bar(&mut self, index: u8) -> Result<Arc<dyn Registers>, pci::Error> {
        Ok(Arc::new(Self(self.0.clone(), index == 4)))
    }
    fn reset(&mut self) -> Result<(), pci::Error> {
        Ok(())
    }
    fn map(&mut self, _: &Arc<Arena>) -> Result<(), pci::Error> {
        Ok(())
    }
    fn interrupts(&mut self, _: u16) -> Result<Vec<OwnedFd>, pci::Error> {
        Ok(Vec::new())
    }
}

/// A flash with layout, NVRAM and an image.
fn flash() -> Vec<u8> {
    let mut flash = vec![0xff; 0x41_0000];
    let list = [FltRegion::of(Region::FIRMWARE, 0x10_0000, 0x8_0000), FltRegion::of(Region::NVRAM_0, 0x40_0200, 512)];
    let mut head = FltHeader { version: U16::new(1), length: U16::new(32), ..FltHeader::new_zeroed() };
    let sum = sum16(&[head.as_bytes(), list.as_bytes()].concat());
    head.checksum = U16::new(sum.wrapping_neg());
    let mut put = |at: u32, bytes: &[u8]| flash[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    put(FLT_ADDRESS, &[head.as_bytes(), list.as_bytes()].concat());
    let mut nvram = Nvram::defaults();
    nvram.port_name = [0x21, 0, 0, 0x24, 0xff, 1, 2, 3];
    nvram.seal();
    put(0x40_0200, nvram.as_bytes());
    put(0x10_0000, &tiny());
    flash
}
