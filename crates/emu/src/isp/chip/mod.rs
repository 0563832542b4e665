//! The chip: everything that the host touches. Registers, mailboxes, flash, queues.
//!
//! - Owns: configuration space, registers, flash, the RISC's memory, the queues' pointers, host_status and what waits for it.
//! - In: accesses of the host ([`pci::Model`]), [`Output`](super::firmware::Output)s of the firmware. Out: IOCBs and mailbox commands for the firmware; entries,
//!   pointers and interrupts for the host.
//! - Limits: an access changes state only; all else is done by `poll`, which has the host's memory.
//! - Not done: INTx (host_status tells a host that polls or has INTx made for it), ZIO delays (a poll is what bundles interrupts), the
//!   part's own commands of the flash, the RISC's I/O space (it keeps what is written), MPI.
//!
//! A host that has not enabled bus mastering is not reached: commands with addresses fail, no interrupt is sent.

mod access;
mod behind;
mod config;
mod counters;
mod faults;
mod flash;
mod host;
mod identity;
mod mailbox;
mod outputs;
mod queues;
mod ram;
mod registers;
mod reset;
#[cfg(test)]
mod tests;
mod turn;

pub use counters::Counters;
pub use faults::Faults;
pub use flash::synthetic_firmware;
pub use identity::{Board, Family, Identity, Preference};

pub use behind::Behind;
pub use mailbox::Resources;

use config::ConfigSpace;
use flash::Flash;
use host::HostInterface;
use mailbox::Execute;
use outputs::Held;
use queues::Queues;
use ram::Ram;
use registers::Registers;
use ring::Tick;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use wire::isp::mailbox::Mailboxes;
use wire::isp::regs::BAR2_BYTES;

/// How far the function has been brought up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The ROM answers mailbox commands.
    Rom,
    /// The firmware runs.
    Running,
    /// It was initialized: queues and link work.
    Started,
    /// It failed: only memory can be read until the next reset.
    Dead,
}

/// A mailbox command that was not carried out yet.
struct Pending {
    mailboxes: Mailboxes,
    /// When it will be, once that is known.
    due: Option<Tick>,
}

/// The chip, with some firmware behind it.
pub struct Chip<F: Behind> {
    identity: Identity,
    resources: Resources,
    config: ConfigSpace,
    registers: Registers,
    host: HostInterface,
    flash: Flash,
    ram: Ram,
    /// BAR2: the MSI-X table is kept for the host to read back; who hosts the model delivers messages.
    table: Vec<u8>,
    queues: Queues,
    firmware: F,
    stage: Stage,
    /// The host holds the RISC in reset, or paused it.
    held: bool,
    paused: bool,
    /// DMA is shut down.
    shut: bool,
    /// The firmware has to be told of a reset before anything else.
    stop: bool,
    command: Option<Pending>,
    execute: Option<Execute>,
    /// Completions of IOCBs by mailbox that nobody waits for any more.
    stale: u32,
    /// Words 1 to 3 of mailbox command 38h.
    options: [u16; 3],
    outputs: VecDeque<Held>,
    faults: Faults,
    counters: Counters,
}

impl<F: Behind> Chip<F> {
    /// A function as after power on.
    pub fn new(identity: Identity, resources: Resources, firmware: F) -> Self {
        Self {
            config: ConfigSpace::new(&identity),
            registers: Registers::new(),
            host: HostInterface::new(),
            flash: Flash::new(&identity),
            ram: Ram::default(),
            table: vec![0; BAR2_BYTES as usize],
            queues: Queues::new(),
            firmware,
            stage: Stage::Rom,
            held: false,
            paused: false,
            shut: false,
            stop: false,
            command: None,
            execute: None,
            stale: 0,
            options: [0; 3],
            outputs: VecDeque::new(),
            faults: Faults::default(),
            counters: Counters::default(),
            identity,
            resources,
        }
    }

    /// How far it has been brought up.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What it is to do wrong.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        Counters { events_dropped: self.host.dropped(), ..self.counters }
    }

    /// Which adapter it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The firmware behind it.
    pub fn firmware(&self) -> &F {
        &self.firmware
    }

    /// What wakes its core, besides the host.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.firmware.fd()
    }

    /// The firmware behind it.
    pub fn firmware_mut(&mut self) -> &mut F {
        &mut self.firmware
    }
}
