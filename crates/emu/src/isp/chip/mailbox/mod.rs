//! Mailbox commands: which are whose, and when they are answered.

mod boot;
mod inform;
mod memory;
mod queue;
mod sfp;
mod start;

use super::{Behind, Chip, Stage};
use crate::isp::Entry;
use crate::isp::firmware::{EXECUTE, Mailbox};
use pci::{Bus, Fault};
use ring::Tick;
use wire::isp::mailbox::{A64, Command, FirmwareState, LOOP_NOT_READY, Mailboxes, Status};
use wire::isp::regs::MAILBOXES;

/// What the firmware has, as mailbox command 42h tells.
#[derive(Clone, Copy, Debug)]
pub struct Resources {
    /// Exchanges.
    pub exchanges: u16,
    /// Virtual ports.
    pub vports: u16,
}

/// An IOCB by mailbox (54h) whose completion is not there yet.
pub struct Execute {
    address: u64,
}

/// An answer under construction.
#[derive(Clone, Copy)]
pub struct Reply(Mailboxes);

impl Reply {
    /// Done; all further mailboxes are 0.
    fn ok() -> Self {
        Self::status(Status::COMPLETE)
    }

    fn status(status: Status) -> Self {
        let mut mailboxes = [0; MAILBOXES];
        mailboxes[0] = status.0;
        Self(mailboxes)
    }

    /// Not done, with a detail in mb1.
    fn error(status: Status, detail: u16) -> Self {
        Self::status(status).with(1, detail)
    }

    fn with(mut self, n: usize, value: u16) -> Self {
        self.0[n] = value;
        self
    }

    /// Done, unless something was wrong.
    fn of(done: Result<Self, Self>) -> Self {
        done.unwrap_or_else(|error| error)
    }
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Self {
        log::debug!("isp: mailbox command: {fault}");
        Self::status(Status::HOST_INTERFACE_ERROR)
    }
}

impl<F: Behind> Chip<F> {
    /// Carries out the command that waits, if it is time.
    pub(super) fn mailbox_turn(&mut self, bus: &mut dyn Bus, now: Tick) -> usize {
        let delay = self.faults.mailbox_delay;
        let Some(pending) = &mut self.command else { return 0 };
        let due = *pending.due.get_or_insert(now.saturating_add(delay));
        if due > now {
            return 0;
        }
        let mailboxes = pending.mailboxes;
        self.command = None;
        if self.faults.stick_mailbox.is_some_and(|stuck| stuck.0 == mailboxes[0]) {
            self.faults.stick_mailbox = None;
            return 1;
        }
        self.counters.mailbox_commands += 1;
        if let Some(answer) = self.carry_out(&mailboxes, bus, now) {
            self.answer(&mailboxes, answer);
        }
        1
    }

    fn answer(&mut self, mailboxes: &Mailboxes, answer: Reply) {
        log::debug!(
            "isp: {} {:04x?}: {} {:04x?}",
            Command(mailboxes[0]),
            &mailboxes[1..16],
            Status(answer.0[0]),
            &answer.0[1..12]
        );
        let rom = self.stage == Stage::Rom;
        self.host.complete(&answer.0, rom);
    }

    /// `None`: the answer comes later.
    fn carry_out(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Option<Reply> {
        let command = Command(mailboxes[0]);
        if let Some((_, status, detail)) = self.faults.fail_mailbox.take_if(|fail| fail.0 == command) {
            return Some(Reply::error(status, detail));
        }
        if let Some(reply) = self.always(command, mailboxes, bus) {
            return Some(reply);
        }
        match self.stage {
            Stage::Rom => Some(Reply::status(Status::INVALID_COMMAND)),
            Stage::Dead => Some(Reply::status(Status::COMMAND_ERROR)),
            Stage::Running | Stage::Started if command == Command::EXECUTE_IOCB_A64 => {
                self.execute_iocb(mailboxes, bus, now)
            }
            Stage::Running | Stage::Started => Some(self.by_firmware(command, mailboxes, bus, now)),
        }
    }

    /// Commands of the ROM, which the firmware has too.
    fn always(&mut self, command: Command, mailboxes: &Mailboxes, bus: &mut dyn Bus) -> Option<Reply> {
        Some(match command {
            Command::NOP | Command::SOFT_RESET => Reply::ok(),
            Command::REGISTER_TEST => Reply::ok_with_tail(mailboxes),
            Command::VERIFY_CHECKSUM => self.verify_checksum(mailboxes),
            Command::EXECUTE_FIRMWARE => self.execute_firmware(mailboxes),
            Command::STOP_FIRMWARE => {
                self.firmware_stopped();
                Reply::ok()
            }
            Command::LOAD_RAM => Reply::of(self.load_ram(mailboxes, bus)),
            Command::DUMP_RAM => Reply::of(self.dump_ram(mailboxes, bus)),
            Command::MPI_RAM => Reply::of(self.mpi_ram(mailboxes, bus)),
            Command::WRITE_RAM_WORD => self.write_ram_word(mailboxes),
            Command::READ_RAM_WORD => self.read_ram_word(mailboxes),
            Command::FLASH_ACCESS => self.flash_access(mailboxes),
            // There is no LED and no serdes; their registers read as zeroes.
            Command::WRITE_REMOTE_REGISTER | Command::READ_REMOTE_REGISTER => Reply::ok(),
            Command::WRITE_SERDES | Command::READ_SERDES | Command::RESTART_MPI => Reply::ok(),
            _ => return None,
        })
    }

    /// Commands of the firmware that are about the adapter; all others are asked of [`Behind`] first.
    fn by_firmware(&mut self, command: Command, m: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Reply {
        match command {
            Command::GET_VERSION => self.version(),
            Command::GET_RESOURCE_COUNTS => self.resource_counts(),
            Command::GENERATE_SYSTEM_ERROR => {
                // It comes after the answer.
                self.faults.system_error = true;
                Reply::ok()
            }
            Command::SET_FIRMWARE_OPTIONS => self.set_options(m),
            Command::GET_FIRMWARE_OPTIONS => self.get_options(),
            Command::MEMORY_OFFLOAD => self.memory_offload(m),
            Command::MID_INIT_FIRMWARE | Command::INIT_FIRMWARE => Reply::of(self.initialize(m, bus, now)),
            Command::INIT_QUEUE => Reply::of(self.init_queue(m)),
            Command::READ_SFP => Reply::of(self.read_sfp(m, bus)),
            Command::SET_RNID => self.set_rnid(m, bus, now),
            Command::GET_RNID => Reply::of(self.get_rnid(m, bus)),
            Command::ECHO | Command::LOOPBACK => Reply::of(self.echo(m, bus)),
            _ => self.about_the_fabric(command, m, bus, now),
        }
    }

    fn about_the_fabric(&mut self, command: Command, m: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Reply {
        if self.stage == Stage::Started
            && let Mailbox::Done(answer) = self.firmware.mailbox(m, bus, now)
        {
            return Reply(answer);
        }
        match command {
            Command::GET_FIRMWARE_STATE => Reply::ok().with(1, FirmwareState::CONFIG_WAIT.0),
            Command::GET_ADAPTER_ID => Reply::error(Status::COMMAND_ERROR, LOOP_NOT_READY),
            Command::GET_RETRY_COUNT => Reply::ok().with(1, 8).with(3, 200),
            Command::DATA_RATE => Reply::ok().with(1, self.identity.board.speed().0),
            Command::ZIO_THRESHOLD => Reply::ok().with(2, m[2]),
            Command::GET_LINK_STATISTICS => Reply::of(self.no_statistics(m, bus)),
            Command::TRACE_CONTROL | Command::SERDES_PARAMETERS | Command::WRITE_SFP | Command::SET_LED => Reply::ok(),
            Command::SELF_TEST | Command::RESET_LINK_STATISTICS | Command::SET_VENDOR_ID => Reply::ok(),
            Command::PORT_PARAMETERS | Command::SEND_CHANGE_REQUEST | Command::LINK_INITIALIZATION => Reply::ok(),
            Command::D_PORT | Command::GET_VP_DATABASE | Command::GET_VP_ENTRY | Command::SEND_RNID => refused(),
            Command::SEND_RNFT | Command::INITIATE_LIP | Command::AL_PA_MAP | Command::LIP_RESET => refused(),
            Command::GET_LINK_STATUS | Command::GET_PORT_NAME | Command::GET_PORT_DATABASE => refused(),
            Command::GET_NAME_LIST | Command::GET_ID_LIST | Command::PORT_LOGOUT => refused(),
            Command::PORT_RESET | Command::SET_PORT_CONFIG | Command::GET_PORT_CONFIG => refused(),
            _ => Reply::status(Status::INVALID_COMMAND),
        }
    }

    /// 54h: the IOCB at the address; its completion goes there.
    fn execute_iocb(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Option<Reply> {
        if self.stage != Stage::Started {
            return Some(refused());
        }
        let address = A64::get(mailboxes);
        let mut entry: Entry = [0; 64];
        if let Err(fault) = bus.read(address, &mut entry) {
            return Some(fault.into());
        }
        // The host does not wait for the one before any more: it has timed out there.
        self.stale += u32::from(self.execute.replace(Execute { address }).is_some());
        self.firmware.request(EXECUTE, &[entry], bus, now);
        None
    }

    /// The completion of an IOCB by mailbox.
    pub(super) fn executed(&mut self, entries: &[Entry], bus: &mut dyn Bus) {
        if self.stale > 0 {
            self.stale -= 1;
            return;
        }
        let (Some(execute), Some(entry)) = (self.execute.take(), entries.first()) else { return };
        let answer = match bus.write(execute.address, entry) {
            Ok(()) => Reply::ok(),
            Err(fault) => fault.into(),
        };
        let mut mailboxes = [0; MAILBOXES];
        mailboxes[0] = Command::EXECUTE_IOCB_A64.0;
        self.answer(&mailboxes, answer);
    }
}

fn refused() -> Reply {
    Reply::error(Status::COMMAND_ERROR, 0)
}
