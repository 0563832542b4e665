//! Shows that the way to a device works on a machine: takes an NVMe controller by VFIO and lets it identify itself. What is on its
//! namespaces is not touched. `scripts/setup.sh bind ADDRESS`, then `cargo run -p pci --example vfio_nvme -- ADDRESS`.

use dma::{Arena, Backing, HUGE_PAGE, Options};
use os::EventFd;
use pci::{Device, Registers, Vfio};
use std::error::Error;
use std::time::{Duration, Instant};

const CONFIGURATION: u32 = 0x14;
const STATUS: u32 = 0x1C;
const ADMIN_QUEUES: u32 = 0x24;
const DOORBELLS: u32 = 0x1000;

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: vfio_nvme ADDRESS")?;
    let mut device = Vfio::open(&address)?;
    println!("{:?}", device.about());
    let refused = device.interrupts(60_000).unwrap_err();
    println!("{refused}");
    device.reset()?;
    let events = device.interrupts(1)?;
    let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: true, reserve: HUGE_PAGE })?;
    device.map(&arena)?;
    let registers = device.bar(0)?;
    println!("version {:#x}, beyond the end {:#x}", registers.read32(8), registers.read32(1 << 30));
    // Memory of a later part of the arena.
    let memory = arena.region(4 * HUGE_PAGE)?;
    start(&*registers, &memory)?;
    memory.write(0, &identify(memory.address(8192)));
    registers.write32(DOORBELLS, 1);
    wait("the completion", || memory.load16(4096 + 14) & 1 == 1)?;
    println!("status {:#x}", memory.load16(4096 + 14) >> 1);
    let mut text = [0; 60];
    memory.read(8192 + 4, &mut text);
    println!("serial and model: {}", String::from_utf8_lossy(&text));
    let event = EventFd::foreign(events.into_iter().next().ok_or("no vector")?)?;
    wait("the interrupt", || event.drain())?;
    println!("interrupted");
    Ok(())
}

/// Disables the controller, gives it admin queues of 32 entries, and enables it.
fn start(registers: &dyn Registers, memory: &dma::Region) -> Result<(), Box<dyn Error>> {
    registers.write32(CONFIGURATION, 0);
    wait("the controller to stop", || registers.read32(STATUS) & 1 == 0)?;
    registers.write32(ADMIN_QUEUES, 31 | 31 << 16);
    for (at, address) in [(0x28, memory.address(0)), (0x30, memory.address(4096))] {
        registers.write32(at, address as u32);
        registers.write32(at + 4, (address >> 32) as u32);
    }
    registers.write32(CONFIGURATION, 1 | 6 << 16 | 4 << 20);
    wait("the controller to start", || registers.read32(STATUS) & 1 == 1)
}

/// The command Identify Controller.
fn identify(to: u64) -> [u8; 64] {
    let mut command = [0; 64];
    command[..4].copy_from_slice(&(6u32 | 1 << 16).to_le_bytes());
    command[24..32].copy_from_slice(&to.to_le_bytes());
    command[40] = 1;
    command
}

fn wait(for_what: &str, done: impl Fn() -> bool) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("waited in vain for {for_what}").into());
        }
    }
    Ok(())
}
