//! PCI configuration space: the bytes, and which of their bits a host may change.

use super::identity::{Family, Identity};
use wire::isp::regs;

const BYTES: usize = 4096;
const POWER: usize = 0x44;
const EXPRESS: usize = 0x4c;
const DEVICE_CONTROL: usize = EXPRESS + 8;
const MSIX: usize = regs::MSIX_CAPABILITY as usize;
/// High byte of the device control register: bit 7 starts a function level reset.
const FLR: u8 = 0x80;

/// Configuration space of a function.
pub struct ConfigSpace {
    bytes: Box<[u8; BYTES]>,
    fresh: Box<[u8; BYTES]>,
}

impl ConfigSpace {
    /// As after power on.
    pub fn new(identity: &Identity) -> Self {
        let mut space = Box::new([0; BYTES]);
        header(&mut space, identity);
        power(&mut space);
        express(&mut space);
        msix(&mut space, identity.vectors);
        Self { bytes: space.clone(), fresh: space }
    }

    /// As after power on, again.
    pub fn reset(&mut self) {
        self.bytes.copy_from_slice(&self.fresh[..]);
    }

    /// Reads; beyond the end there are zeroes.
    pub fn read(&self, offset: u16, into: &mut [u8]) {
        for (at, byte) in (usize::from(offset)..).zip(into) {
            *byte = self.bytes.get(at).copied().unwrap_or(0);
        }
    }

    /// Writes what can be written. True: the host wants a function level reset.
    pub fn write(&mut self, offset: u16, from: &[u8]) -> bool {
        let mut reset = false;
        for (at, new) in (usize::from(offset)..BYTES).zip(from) {
            reset |= at == DEVICE_CONTROL + 1 && new & FLR != 0;
            let mask = writable(at);
            self.bytes[at] = self.bytes[at] & !mask | new & mask;
        }
        reset
    }

    /// Whether the function may use the bus.
    pub fn is_master(&self) -> bool {
        self.bytes[4] & 4 != 0
    }
}

/// Bits of a byte that a write changes.
fn writable(at: usize) -> u8 {
    match at {
        0x04 => 0x46,
        0x05 => 0x05,
        0x0c | 0x0d | 0x3c => 0xff,
        // The type bits of a BAR stay, and as many address bits as its size takes: 4 KiB, 8 KiB, 1 MiB.
        0x11 => 0xf0,
        0x19 => 0xe0,
        0x22 => 0xf0,
        0x12..=0x17 | 0x1a..=0x1f | 0x23..=0x27 => 0xff,
        _ if at == POWER + 4 => 0x03,
        _ if at == DEVICE_CONTROL => 0xff,
        _ if at == DEVICE_CONTROL + 1 => !FLR,
        _ if at == EXPRESS + 0x10 => 0xc3,
        _ if at == MSIX + 3 => 0xc0,
        _ => 0,
    }
}

fn put16(space: &mut [u8; BYTES], at: usize, value: u16) {
    space[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

fn put32(space: &mut [u8; BYTES], at: usize, value: u32) {
    space[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn header(space: &mut [u8; BYTES], identity: &Identity) {
    put16(space, 0x00, regs::VENDOR);
    put16(space, 0x02, identity.board.device());
    put16(space, 0x06, 0x0010); // there is a list of capabilities
    // Drivers wait after every acknowledge of an ISP2031 of revision 1.
    let revision = if identity.board.family() == Family::Isp2031 { 2 } else { 1 };
    put32(space, 0x08, regs::CLASS << 8 | revision);
    space[0x0e] = if identity.multifunction { 0x80 } else { 0 };
    for bar in [0x10, 0x18, 0x20] {
        put32(space, bar, 0x0000_000c); // memory, 64 bits, prefetchable
    }
    put16(space, 0x2c, regs::VENDOR);
    put16(space, 0x2e, identity.board.subsystem());
    space[0x34] = POWER as u8;
    space[0x3d] = identity.port + 1;
}

fn power(space: &mut [u8; BYTES]) {
    space[POWER] = 0x01;
    space[POWER + 1] = EXPRESS as u8;
    put16(space, POWER + 2, 0x0003); // version 3
    put16(space, POWER + 4, 0x0008); // keeps its state from D3hot to D0
}

fn express(space: &mut [u8; BYTES]) {
    space[EXPRESS] = 0x10;
    space[EXPRESS + 1] = MSIX as u8;
    put16(space, EXPRESS + 2, 0x0002); // endpoint, version 2
    put32(space, EXPRESS + 4, 0x1000_8fe4); // payload to 2,048 bytes, function level reset
    put16(space, EXPRESS + 8, 0x2810);
    put32(space, EXPRESS + 0x0c, 0x0000_0083); // 8 lanes of 8 GT/s
    put16(space, EXPRESS + 0x12, 0x0083);
    put32(space, EXPRESS + 0x2c, 0x0000_000e); // 2.5, 5 and 8 GT/s
    put16(space, EXPRESS + 0x30, 0x0003);
}

fn msix(space: &mut [u8; BYTES], vectors: u16) {
    space[MSIX] = 0x11;
    put16(space, MSIX + 2, vectors.clamp(1, 2048) - 1);
    put32(space, MSIX + 4, 2); // table: start of BAR2
    put32(space, MSIX + 8, regs::MSIX_PENDING as u32 | 2);
}
