//! Starts against a chip of a few lines.

use super::fake::{Fake, State};
use super::*;
use dma::{Arena, Options};
use wire::isp::mailbox::Command;

const MS: u64 = 1_000_000;

struct Rig {
    chip: Chip,
    fake: Fake,
    now: u64,
}

fn rig() -> Rig {
    let arena = Arena::new(Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 }).unwrap();
    let fake = Fake::new(&arena);
    let chip = Chip::new(Box::new(fake.clone()), &arena).unwrap();
    Rig { chip, fake, now: 0 }
}

fn no_file() -> FirmwareFile {
    FirmwareFile::read(std::path::Path::new("/nonexistent/ql2700_fw.bin"), false)
}

impl Rig {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.fake.state()
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
