//! A function of an ISP27xx or ISP2031: the chip (what the host touches) and its firmware (what talks Fibre Channel).
//!
//! The two meet in [`firmware`]'s calls and in its [`Output`](firmware::Output). [`Isp`] is both.

mod chip;
pub mod firmware;

pub use chip::{Board, Counters, Family, Faults, Identity, Preference, Stage, synthetic_firmware};
pub use firmware::Entry;

use chip::{Chip, Resources};
use fc::Link;
use firmware::{Firmware, Settings};
use pci::{BARS, Bar, Bus, Model};
use ring::Tick;
use std::os::fd::BorrowedFd;

/// A function of an adapter at a link.
pub struct Isp<L: Link> {
    chip: Chip<Firmware<L>>,
}

impl<L: Link> Isp<L> {
    /// A function as after power on: the link is dark until a host has started the firmware. Names and speed are those of the
    /// identity, whatever the settings say.
    pub fn new(identity: Identity, settings: Settings, link: L) -> Self {
        let resources = Resources { exchanges: settings.limits.exchanges, vports: u16::from(settings.vports) };
        let settings = Settings { names: identity.names, speed: identity.board.speed().0, ..settings };
        Self { chip: Chip::new(identity, resources, Firmware::new(settings, link)) }
    }

    /// How far a host has brought it up.
    pub fn stage(&self) -> Stage {
        self.chip.stage()
    }

    /// Which adapter it is.
    pub fn identity(&self) -> &Identity {
        self.chip.identity()
    }

    /// What it is to do wrong, for tests of drivers.
    pub fn faults_mut(&mut self) -> &mut Faults {
        self.chip.faults_mut()
    }

    /// What the chip has counted.
    pub fn counters(&self) -> Counters {
        self.chip.counters()
    }

    /// The firmware.
    pub fn firmware(&self) -> &Firmware<L> {
        self.chip.firmware()
    }

    /// The firmware: its cable may be pulled.
    pub fn firmware_mut(&mut self) -> &mut Firmware<L> {
        self.chip.firmware_mut()
    }
}

impl<L: Link> Model for Isp<L> {
    fn bars(&self) -> [Bar; BARS] {
        self.chip.bars()
    }

    fn vectors(&self) -> u16 {
        self.chip.identity().vectors
    }

    fn read_config(&mut self, offset: u16, into: &mut [u8]) {
        self.chip.read_config(offset, into);
    }

    fn write_config(&mut self, offset: u16, from: &[u8]) {
        self.chip.write_config(offset, from);
    }

    fn read(&mut self, bar: u8, offset: u64, into: &mut [u8]) {
        self.chip.read(bar, offset, into);
    }

    fn write(&mut self, bar: u8, offset: u64, from: &[u8]) {
        self.chip.write(bar, offset, from);
    }

    fn reset(&mut self) {
        self.chip.function_reset();
    }

    fn poll(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        self.chip.poll(bus, now)
    }

    fn is_pending(&self) -> bool {
        self.chip.is_pending()
    }

    fn deadline(&self) -> Option<Tick> {
        self.chip.deadline()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.chip.fd()
    }
}
