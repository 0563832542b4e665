//! The host's memory: one stretch of bytes; what is outside of it, or poisoned, is a fault.

use pci::{Bus, Fault};
use std::ops::Range;

pub const BASE: u64 = 0x7_0000_0000;
const SIZE: usize = 8 << 20;

pub struct Memory {
    bytes: Vec<u8>,
    pub poisoned: Vec<Range<u64>>,
}

impl Memory {
    pub fn new() -> Self {
        Self { bytes: vec![0; SIZE], poisoned: Vec::new() }
    }

    fn place(&self, address: u64, len: usize) -> Result<Range<usize>, Fault> {
        let fault = Fault { address, len };
        let start = address.checked_sub(BASE).ok_or(fault)? as usize;
        let end = start.checked_add(len).filter(|end| *end <= SIZE).ok_or(fault)?;
        let hit = |bad: &Range<u64>| bad.start < address + len as u64 && address < bad.end;
        if self.poisoned.iter().any(hit) { Err(fault) } else { Ok(start..end) }
    }

    pub fn put(&mut self, at: u64, bytes: &[u8]) -> u64 {
        self.write(BASE + at, bytes).expect("it is there");
        BASE + at
    }

    pub fn get(&mut self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read(BASE + at, &mut bytes).expect("it is there");
        bytes
    }
}

impl Bus for Memory {
    fn read(&mut self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        into.copy_from_slice(&self.bytes[self.place(address, into.len())?]);
        Ok(())
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let place = self.place(address, from.len())?;
        self.bytes[place].copy_from_slice(from);
        Ok(())
    }

    fn interrupt(&mut self, _vector: u16) {}
}
