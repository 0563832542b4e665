//! From any state of the chip to running firmware: reset, what the flash says, image, load, execute. A second start leaves the flash
//! alone: adapter and image are known by then.

use super::firmware::FirmwareFile;
use super::flash::{FlashRead, Need, load_ram, loaded};
use super::identity::Identity;
use super::image::Image;
use super::mailbox::{PATIENCE, Signal, Words};
use super::reset::Reset;
use super::scratch::SCRATCH_BYTES;
use super::search::{Found, What};
use super::{Chip, Fault, Running};
use ring::Tick;
use std::sync::Arc;
use wire::isp::mailbox::{Command, Event, Execute};

/// How often firmware that loaded is started.
const EXECUTIONS: u32 = 3;
/// What the register test writes to mailboxes 1 to 7.
const PATTERNS: [u16; 7] = [0xaaaa, 0x5555, 0xaa55, 0x55aa, 0xa5a5, 0x5a5a, 0x2525];

/// What is learned once.
#[derive(Clone)]
pub(crate) struct Known {
    pub identity: Identity,
    pub image: Arc<Image>,
}

/// Where a start is.
pub(super) enum Step {
    Reset(Reset),
    Read(What, FlashRead),
    /// The next source of firmware.
    Firmware,
    RegisterTest,
    Load {
        segment: usize,
        at: usize,
    },
    Verify,
    Execute {
        tries: u32,
    },
    Version,
    Resources(Box<Running>),
}

/// A start under way.
pub(crate) struct Start {
    pub(super) step: Step,
    pub(super) found: Found,
    pub(super) known: Option<Known>,
    pub(super) file: FirmwareFile,
    nvme: bool,
    /// A command of this step is under way.
    waiting: bool,
    next_turn: Tick,
}

impl Start {
    /// Begins with a reset. `known`: what an earlier start found.
    pub fn new(chip: &mut Chip, file: FirmwareFile, nvme: bool, known: Option<Known>) -> Self {
        chip.mailbox.forget();
        let step = Step::Reset(Reset::new());
        Self { step, found: Found::default(), known, file, nvme, waiting: false, next_turn: 0 }
    }

    /// What was learned.
    pub fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// Whether the chip has stopped to reach memory.
    pub fn is_quiet(&self) -> bool {
        if let Step::Reset(reset) = &self.step { reset.is_quiet() } else { true }
    }

    /// Whether the chip is out of reset: from here on it is told of memory again.
    pub fn is_reset(&self) -> bool {
        !matches!(self.step, Step::Reset(_))
    }

    /// What it does, for people.
    pub fn describe(&self) -> &'static str {
        match &self.step {
            Step::Reset(_) => "reset",
            Step::Read(What::Head(_) | What::Image, _) | Step::Firmware => "reading firmware",
            Step::Read(..) => "reading flash",
            Step::RegisterTest => "register test",
            Step::Load { .. } => "loading firmware",
            Step::Verify | Step::Execute { .. } => "starting firmware",
            Step::Version | Step::Resources(_) => "asking firmware",
        }
    }

    /// When to poll again.
    pub fn deadline(&self, chip: &Chip) -> Tick {
        match &self.step {
            Step::Reset(reset) => reset.deadline(),
            _ if self.waiting => chip.mailbox.deadline(),
            _ => self.next_turn,
        }
    }

    /// Goes on; `hold` keeps it from leaving the reset. Says when it is over.
    pub fn poll(&mut self, chip: &mut Chip, hold: bool, now: Tick) -> Option<Result<Box<Running>, Fault>> {
        self.turn(chip, hold, now).transpose()
    }

    fn turn(&mut self, chip: &mut Chip, hold: bool, now: Tick) -> Result<Option<Box<Running>>, Fault> {
        while self.is_reset() {
            let Some(signal) = chip.mailbox.poll(&chip.bar0, now) else { break };
            match signal {
                Signal::Reply(words) => {
                    self.waiting = false;
                    if let Some(running) = self.replied(chip, words)? {
                        return Ok(Some(running));
                    }
                }
                Signal::Event(words) => serious(&words)?,
                Signal::Silent(command) => return Err(Fault::MailboxTimeout(command)),
                Signal::Paused => return Err(Fault::Paused),
                Signal::Gone => return Err(Fault::Gone),
            }
        }
        while !self.waiting && self.go_on(chip, hold, now)? {}
        self.next_turn = now + 50_000;
        Ok(None)
    }

    /// One step; whether another can follow at once.
    fn go_on(&mut self, chip: &mut Chip, hold: bool, now: Tick) -> Result<bool, Fault> {
        let words = match &mut self.step {
            Step::Reset(reset) => {
                let over = reset.poll(&chip.bar0, &mut *chip.device, now).transpose()?.is_some();
                if over && !hold {
                    chip.mailbox.forget();
                    self.after_reset();
                }
                return Ok(over && !hold);
            }
            Step::Read(what, read) => match read.need(&chip.bar0, &chip.scratch, now) {
                Need::Time => return Ok(false),
                Need::Command(words) => words,
                Need::Nothing => {
                    let what = *what;
                    let Step::Read(_, read) = std::mem::replace(&mut self.step, Step::Firmware) else { unreachable!() };
                    self.read_done(chip, what, read.into_bytes())?;
                    return Ok(true);
                }
            },
            Step::Firmware => {
                self.next_source()?;
                return Ok(true);
            }
            _ => self.command(chip),
        };
        chip.mailbox.send(&chip.bar0, &words, PATIENCE, now);
        self.waiting = true;
        Ok(false)
    }

    fn image(&self) -> &Image {
        &self.known.as_ref().expect("there is an image once it is loaded").image
    }

    /// The command of a step that has one.
    fn command(&self, chip: &Chip) -> Words {
        match &self.step {
            Step::RegisterTest => {
                PATTERNS.iter().zip(1..).fold(Words::new(Command::REGISTER_TEST), |words, (p, n)| words.with(n, *p))
            }
            Step::Load { segment, at } => {
                let image = self.image();
                let bytes = image.fragment(*segment, *at, SCRATCH_BYTES);
                chip.scratch.write(0, &bytes);
                let to = image.segments[*segment].address.wrapping_add((*at / 4) as u32);
                load_ram(to, chip.scratch.address(), bytes.len() / 4)
            }
            Step::Verify => Words::new(Command::VERIFY_CHECKSUM).with_pair(1, 2, self.image().start()),
            Step::Execute { .. } => {
                let options = Execute(0).with_nvme(self.nvme && chip.family.has_nvme());
                Words::new(Command::EXECUTE_FIRMWARE).with_pair(1, 2, self.image().start()).with(4, options.0)
            }
            Step::Version => Words::new(Command::GET_VERSION),
            _ => Words::new(Command::GET_RESOURCE_COUNTS),
        }
    }

    fn replied(&mut self, chip: &mut Chip, words: Words) -> Result<Option<Box<Running>>, Fault> {
        match &mut self.step {
            Step::Read(_, read) => read.replied(&words, &chip.scratch),
            Step::RegisterTest => {
                let words = words.done(Command::REGISTER_TEST)?;
                if words.0[1..8] != PATTERNS {
                    return Err(Fault::RegisterTest);
                }
                self.step = Step::Load { segment: 0, at: 0 };
            }
            Step::Load { .. } => {
                loaded(words)?;
                self.fragment_loaded();
            }
            Step::Verify => {
                words.done(Command::VERIFY_CHECKSUM)?;
                self.step = Step::Execute { tries: 0 };
            }
            Step::Execute { tries } => match words.done(Command::EXECUTE_FIRMWARE) {
                Err(fault) if *tries + 1 >= EXECUTIONS => return Err(fault),
                Err(_) => *tries += 1,
                Ok(_) => self.step = Step::Version,
            },
            Step::Version => self.step = Step::Resources(Box::new(Running::new(&words.done(Command::GET_VERSION)?))),
            Step::Resources(running) => {
                running.count(&words.done(Command::GET_RESOURCE_COUNTS)?);
                return Ok(Some(running.clone()));
            }
            Step::Reset(_) | Step::Firmware => {}
        }
        Ok(None)
    }

    fn fragment_loaded(&mut self) {
        let Step::Load { segment, at } = self.step else { return };
        let (length, segments) = (self.image().segments[segment].range.len(), self.image().segments.len());
        let at = at + SCRATCH_BYTES;
        self.step = if at < length {
            Step::Load { segment, at }
        } else if segment + 1 < segments {
            Step::Load { segment: segment + 1, at: 0 }
        } else {
            Step::Verify
        };
    }
}

/// Events that mean that the firmware is lost. All others are for who waits for them.
pub(crate) fn serious(words: &[u16; 8]) -> Result<(), Fault> {
    let what = Event(words[0]);
    match what {
        Event::SYSTEM_ERROR
        | Event::REQUEST_TRANSFER_ERROR
        | Event::RESPONSE_TRANSFER_ERROR
        | Event::LOOP_INIT_ERROR => Err(Fault::System { what, details: [words[1], words[2], words[3]] }),
        _ => Ok(()),
    }
}
