//! Starts against a chip of a few lines: registers, mailboxes, flash. The model of `emu` is what the adapter is tested with.

use super::image::tests::tiny;
use super::*;
use dma::{Arena, Options};
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use wire::isp::flash::{FLT_ADDRESS, FltHeader, FltRegion, Nvram, Region, sum16};
use wire::isp::mailbox::{A64, Command, pair};
use wire::isp::regs::{self, CtrlStatus, FLASH_WINDOW};
use wire::{FromZeros, IntoBytes, U16};

const MS: u64 = 1_000_000;

struct State {
    window: dma::Window,
    ctrl: u32,
    status: u32,
    incoming: [u16; 32],
    outgoing: [u16; 32],
    flash: Vec<u8>,
    flash_address: u32,
    /// Commands that it got.
    commands: Vec<u16>,
    /// Commands that it does not answer, and those that it refuses.
    silent: Vec<Command>,
    refused: Vec<Command>,
    gone: bool,
    paused: bool,
    /// The soft reset was written so often.
    resets: u32,
    loaded: usize,
}

#[derive(Clone)]
struct Fake(Arc<Mutex<State>>);

impl State {
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
            _ => {}
        }
        self.status = u32::from(self.outgoing[0]) << 16 | 0x8010;
    }
}

impl pci::Registers for Fake {
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
    fn bar(&mut self, _: u8) -> Result<Arc<dyn Registers>, pci::Error> {
        Ok(Arc::new(self.clone()))
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

struct Rig {
    chip: Chip,
    fake: Fake,
    now: u64,
}

fn rig() -> Rig {
    let arena = Arena::new(Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
    let state = State {
        window: Arena::window(&arena),
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
    };
    let fake = Fake(Arc::new(Mutex::new(state)));
    let chip = Chip::new(Box::new(fake.clone()), &arena).unwrap();
    Rig { chip, fake, now: 0 }
}

fn no_file() -> FirmwareFile {
    FirmwareFile::read(std::path::Path::new("/nonexistent/ql2700_fw.bin"), false)
}

impl Rig {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.fake.0.lock().unwrap()
    }

    fn start(&mut self, start: &mut Start) -> Result<Box<Running>, Fault> {
        let end = self.now + 100_000 * MS;
        while self.now < end {
            if let Some(result) = start.poll(&mut self.chip, false, self.now) {
                return result;
            }
            self.now = start.deadline(&self.chip).max(self.now + 1000);
        }
        panic!("no end: {}", start.describe());
    }

    fn run(&mut self) -> (Start, Result<Box<Running>, Fault>) {
        let mut start = Start::new(&mut self.chip, no_file(), true, None);
        let result = self.start(&mut start);
        (start, result)
    }
}

#[test]
fn from_reset_to_running_firmware_and_again() {
    let mut rig = rig();
    let (start, result) = rig.run();
    let running = result.unwrap();
    assert_eq!((running.version_text().as_str(), running.has_nvme(), running.exchanges), ("9.8.0", true, 2048));
    let known = start.known().unwrap().clone();
    assert_eq!(known.identity.names.port.0, 0x2100_0024_ff01_0203);
    let before = {
        let state = rig.state();
        assert_eq!((state.loaded, state.resets), (128, 1));
        state.commands.len()
    };
    let mut again = Start::new(&mut rig.chip, no_file(), true, Some(known));
    rig.start(&mut again).unwrap();
    let state = rig.state();
    let second = &state.commands[before..];
    assert_eq!(second, [0x06, 0x0b, 0x0b, 0x07, 0x02, 0x08, 0x42]);
    assert_eq!(state.loaded, 256);
}

#[test]
fn a_rom_that_does_not_read_flash_is_read_by_registers() {
    let mut rig = rig();
    rig.state().refused.push(Command::DUMP_RAM);
    let (start, result) = rig.run();
    result.unwrap();
    assert_eq!(start.known().unwrap().identity.names.port.0, 0x2100_0024_ff01_0203);
}

#[test]
fn no_image_anywhere_is_said_with_the_file() {
    let mut rig = rig();
    rig.state().flash[0x10_0000..0x10_0080].fill(0xff);
    let (_, result) = rig.run();
    let Err(Fault::NoFirmware(said)) = result else { panic!("{result:?}") };
    assert!(said.contains("filestat error /nonexistent/ql2700_fw.bin"), "{said}");
}

#[test]
fn each_command_may_be_silent_or_refused() {
    for command in [0x06, 0x0b, 0x07, 0x02, 0x08, 0x42].map(Command) {
        let mut silent = rig();
        silent.state().silent.push(command);
        assert_eq!(silent.run().1, Err(Fault::MailboxTimeout(command)));
        let mut refused = rig();
        refused.state().refused.push(command);
        assert!(matches!(refused.run().1, Err(Fault::Refused { command: said, .. }) if said == command));
    }
}

#[test]
fn a_chip_that_goes_away_or_dies_at_any_moment_is_noticed() {
    for turn in 0..200 {
        for gone in [true, false] {
            let mut rig = rig();
            let mut start = Start::new(&mut rig.chip, no_file(), true, None);
            let mut result = None;
            for _ in 0..turn {
                rig.now = start.deadline(&rig.chip).max(rig.now + 1000);
                result = start.poll(&mut rig.chip, false, rig.now);
                if result.is_some() {
                    break;
                }
            }
            if result.is_some() {
                return;
            }
            rig.state().gone = gone;
            rig.state().paused = !gone;
            let resetting = !start.is_reset();
            let end = rig.start(&mut start);
            match end {
                Err(Fault::Gone) if gone => {}
                Err(Fault::Paused) if !gone => {}
                // What the reset takes away.
                Ok(_) if resetting && !gone => {}
                other => panic!("turn {turn}, gone {gone}: {other:?}"),
            }
        }
    }
    panic!("it never came up");
}

#[test]
fn events_and_stray_completions_do_not_disturb() {
    let mut rig = rig();
    let mut mailbox = Mailbox::new();
    rig.state().status = 0x4000_8010;
    assert_eq!(mailbox.poll(&rig.chip.bar0, 0), None);
    assert_eq!(mailbox.oddities.spurious_replies, 1);
    assert_eq!(rig.state().status, 0, "acknowledged all the same");
    rig.state().outgoing[1] = 6;
    rig.state().status = 0x8011_8012;
    rig.now = 2 * MS;
    assert_eq!(mailbox.poll(&rig.chip.bar0, rig.now), Some(Signal::Event([0x8011, 6, 0, 0, 0, 0, 0, 0])));
    rig.state().status = 0x0000_80aa;
    assert_eq!(mailbox.poll(&rig.chip.bar0, 4 * MS), None);
    assert_eq!(mailbox.oddities.unknown_causes, 1);
}
