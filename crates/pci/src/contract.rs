//! What every way to a device must do, and a small model to try it with.
//!
//! [`check`] drives a [`Sample`] through whatever [`Device`] leads to it; [`check_gone`] when it leads nowhere any more. A failure is a panic.
use crate::{BARS, Bar, Bus, Device, Error, Model, Registers};
use dma::{Arena, Backing, Class, HUGE_PAGE, Options, Pool};
use ring::Tick;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Registers of BAR 0 of a [`Sample`], all of 32 bits.
pub mod register {
    /// Keeps what is written.
    pub const SCRATCH: u32 = 0x00;
    /// Where in the host's memory: low half.
    pub const ADDRESS: u32 = 0x10;
    /// How many bytes, up to [`super::BUFFER`].
    pub const LENGTH: u32 = 0x18;
    /// 1: read memory into the buffer; 2: write the buffer to memory; 0x100 + n: fire vector n.
    pub const COMMAND: u32 = 0x1C;
    /// 0: nothing yet; 1: done; 2: fault.
    pub const STATUS: u32 = 0x20;
    /// Sum of the bytes of the buffer.
    pub const SUM: u32 = 0x24;
}
use register::{ADDRESS, COMMAND, LENGTH, SCRATCH, STATUS, SUM};

/// Bytes of a sample's buffer.
pub const BUFFER: usize = 64 << 10;
/// Bytes of its BAR 0.
const BAR0: usize = 4096;
/// What it is: vendor and device.
pub const IDENTITY: u32 = 0x0BAD_1077;

/// A function that copies: BAR 0 has registers, BAR 2 is memory, four vectors.
pub struct Sample {
    config: [u8; 256],
    registers: Vec<u8>,
    memory: Vec<u8>,
    buffer: Vec<u8>,
    ordered: bool,
}

impl Default for Sample {
    fn default() -> Self {
        let mut config = [0; 256];
        config[..4].copy_from_slice(&IDENTITY.to_le_bytes());
        (config[0x10], config[0x18], config[0x3D]) = (0x0C, 0x0C, 1);
        Self { config, registers: vec![0; BAR0], memory: vec![0; 2 * BAR0], buffer: Vec::new(), ordered: false }
    }
}

impl Sample {
    fn register(&self, at: u32) -> u32 {
        let at = at as usize;
        u32::from_le_bytes([0, 1, 2, 3].map(|i| self.registers[at + i]))
    }

    fn set(&mut self, at: u32, value: u32) {
        self.registers[at as usize..][..4].copy_from_slice(&value.to_le_bytes());
    }

    fn copy(&mut self, bus: &mut dyn Bus) -> bool {
        let address = u64::from(self.register(ADDRESS)) | u64::from(self.register(ADDRESS + 4)) << 32;
        self.buffer.resize((self.register(LENGTH) as usize).min(BUFFER), 0);
        match self.register(COMMAND) {
            1 => bus.read(address, &mut self.buffer).is_ok(),
            2 => bus.write(address, &self.buffer).is_ok(),
            command => {
                bus.interrupt(command.wrapping_sub(0x100) as u16);
                true
            }
        }
    }

    fn bar(&mut self, bar: u8) -> Option<&mut Vec<u8>> {
        match bar {
            0 => Some(&mut self.registers),
            2 => Some(&mut self.memory),
            _ => None,
        }
    }
}

/// The part of `of` that an access means.
fn place(of: &mut [u8], offset: u64, len: usize) -> Option<&mut [u8]> {
    let at = usize::try_from(offset).ok()?;
    of.get_mut(at..at.checked_add(len)?)
}

impl Model for Sample {
    fn bars(&self) -> [Bar; BARS] {
        let bar = |size: usize| Bar { size: size as u64, wide: true };
        [bar(BAR0), Bar::default(), bar(2 * BAR0), Bar::default(), Bar::default(), Bar::default()]
    }

    fn vectors(&self) -> u16 {
        4
    }

    fn read_config(&mut self, offset: u16, into: &mut [u8]) {
        into.iter_mut()
            .zip(usize::from(offset)..)
            .for_each(|(byte, at)| *byte = self.config.get(at).copied().unwrap_or(0));
    }

    fn write_config(&mut self, offset: u16, from: &[u8]) {
        for (byte, at) in from.iter().zip(usize::from(offset)..) {
            match at {
                0x04 => self.config[at] = byte & 6,
                0x11..=0x17 | 0x19..=0x1F => self.config[at] = *byte,
                _ => {}
            }
        }
    }

    fn read(&mut self, bar: u8, offset: u64, into: &mut [u8]) {
        into.fill(0);
        let from = self.bar(bar).and_then(|all| place(all, offset, into.len()));
        from.into_iter().for_each(|from| into.copy_from_slice(from));
    }

    fn write(&mut self, bar: u8, offset: u64, from: &[u8]) {
        let to = self.bar(bar).and_then(|all| place(all, offset, from.len()));
        to.into_iter().for_each(|to| to.copy_from_slice(from));
        if (bar, offset) == (0, u64::from(COMMAND)) {
            self.ordered = true;
            self.set(STATUS, 0);
        }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn poll(&mut self, bus: &mut dyn Bus, _: Tick) -> usize {
        if !std::mem::take(&mut self.ordered) {
            return 0;
        }
        let status = if self.copy(bus) { 1 } else { 2 };
        let sum = self.buffer.iter().map(|byte| u32::from(*byte)).sum();
        self.set(SUM, sum);
        self.set(STATUS, status);
        1
    }

    fn is_pending(&self) -> bool {
        self.ordered
    }

    fn deadline(&self) -> Option<Tick> {
        None
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// An arena for the checks.
///
/// # Panics
/// If there is no memory.
pub fn arena() -> Arc<Arena> {
    Arena::new(Options { backing: Backing::Ordinary, single_file: true, reserve: 0 }).expect("memory")
}

/// Drives a sample through `device`. `step` lets whoever hosts it work, and `arena` is the one that the device may be given.
///
/// # Panics
/// If the device does not do what it must.
pub fn check(device: &mut dyn Device, arena: &Arc<Arena>, mut step: impl FnMut()) {
    check_config(device);
    check_bars(device);
    check_memory(device, arena, &mut step);
    check_interrupts(device, &mut step);
    check_reset(device);
}

fn check_config(device: &mut dyn Device) {
    let mut bytes = [0; 4];
    device.read_config(0, &mut bytes).unwrap();
    assert_eq!(u32::from_le_bytes(bytes), IDENTITY);
    device.write_config(4, &[0x06, 0]).unwrap();
    device.write_config(0, &[1, 2]).unwrap();
    let mut bytes = [0; 6];
    device.read_config(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0x77, 0x10, 0xAD, 0x0B, 6, 0], "bits that cannot be written stay");
}

fn check_bars(device: &mut dyn Device) {
    let (registers, memory) = (device.bar(0).unwrap(), device.bar(2).unwrap());
    registers.write32(SCRATCH, 0x1122_3344);
    registers.write16(SCRATCH + 2, 0x5566);
    assert_eq!((registers.read32(SCRATCH), registers.read16(SCRATCH)), (0x5566_3344, 0x3344));
    memory.write32(0x1FFC, 7);
    assert_eq!((memory.read32(0x1FFC), registers.read32(0xFFC)), (7, 0), "each BAR is its own");
    for none in [1, 5, 6, 255] {
        assert!(matches!(device.bar(none), Err(Error::Unusable { .. })), "there is no BAR {none}");
    }
}

/// Orders something and waits for its end.
fn order(registers: &dyn Registers, address: u64, len: usize, command: u32, step: &mut impl FnMut()) -> u32 {
    registers.write32(ADDRESS, address as u32);
    registers.write32(ADDRESS + 4, (address >> 32) as u32);
    registers.write32(LENGTH, len as u32);
    registers.write32(COMMAND, command);
    for _ in 0..1_000_000 {
        step();
        match registers.read32(STATUS) {
            0 => {}
            status => return status,
        }
    }
    panic!("no answer to command {command}");
}

fn check_memory(device: &mut dyn Device, arena: &Arc<Arena>, step: &mut impl FnMut()) {
    let registers = device.bar(0).unwrap();
    let ring = arena.region(BUFFER).unwrap();
    assert_eq!(order(&*registers, ring.address(0), 8, 1, step), 2, "nothing is there before it is mapped");
    device.map(arena).unwrap();
    ring.write(1, &[1; 100]);
    assert_eq!(order(&*registers, ring.address(0), 1000, 1, step), 1);
    assert_eq!(registers.read32(SUM), 100);
    let mut pool = Pool::new(arena, &[Class { size: HUGE_PAGE as u32, count: 2 }]).unwrap();
    let mut data = pool.take(HUGE_PAGE as u32).unwrap();
    data.bytes_mut().fill(9);
    assert_eq!(order(&*registers, data.address() + 4096, 1000, 2, step), 1, "memory that the arena grew by");
    assert_eq!((data.bytes()[4096], data.bytes()[4097], data.bytes()[4096 + 101], data.bytes()[5096]), (0, 1, 0, 9));
    pool.give(data);
    for nowhere in [0, 0x1000, u64::MAX - 3] {
        assert_eq!(order(&*registers, nowhere, 8, 1, step), 2, "{nowhere:#x}");
        assert_eq!(order(&*registers, nowhere, 8, 2, step), 2, "{nowhere:#x}");
    }
    check_neighbours(&*registers, arena, step);
}

/// A range over two parts of the arena, if it has neighbours by now.
fn check_neighbours(registers: &dyn Registers, arena: &Arc<Arena>, step: &mut impl FnMut()) {
    let more: Vec<_> = (0..4).map(|_| arena.region(2 * HUGE_PAGE).unwrap()).collect();
    let parts = arena.parts().unwrap();
    let border =
        parts.iter().map(|part| part.address).find(|at| parts.iter().any(|part| part.address + part.len == *at));
    let Some(border) = border else { return };
    assert_eq!(order(registers, border - 50, 100, 1, step), 1, "over two parts");
    assert_eq!(order(registers, border - 50, 100, 2, step), 1, "over two parts");
    drop(more);
}

fn is_signalled(fd: &std::os::fd::OwnedFd) -> bool {
    os::EventFd::foreign(fd.try_clone().unwrap()).unwrap().drain()
}

fn check_interrupts(device: &mut dyn Device, step: &mut impl FnMut()) {
    let registers = device.bar(0).unwrap();
    assert!(matches!(device.interrupts(5), Err(Error::Unusable { .. })), "it has four");
    let events = device.interrupts(4).unwrap();
    assert_eq!((events.len(), events.iter().any(is_signalled)), (4, false));
    for vector in [2, 3, 9] {
        assert_eq!(order(&*registers, 0, 0, 0x100 + vector, step), 1);
    }
    let signalled: Vec<bool> = events.iter().map(is_signalled).collect();
    assert_eq!(signalled, [false, false, true, true]);
}

fn check_reset(device: &mut dyn Device) {
    let registers = device.bar(0).unwrap();
    registers.write32(SCRATCH, 5);
    device.reset().unwrap();
    assert_eq!(registers.read32(SCRATCH), 0);
}

/// The device has gone while its driver had a BAR of it.
///
/// # Panics
/// If that is not told.
pub fn check_gone(device: &mut dyn Device, registers: &dyn Registers) {
    registers.write32(SCRATCH, 1);
    assert_eq!((registers.read32(SCRATCH), registers.read16(SCRATCH)), (u32::MAX, u16::MAX));
    let gone = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Gone { .. })), "{result:?}");
    gone(device.read_config(0, &mut [0; 2]));
    gone(device.write_config(4, &[0]));
    gone(device.reset());
    gone(device.bar(0).map(drop));
    gone(device.interrupts(1).map(drop));
}
