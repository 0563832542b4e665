//! Commands that tell what the adapter is like, and diagnostics.

use super::super::{Behind, Chip};
use super::{Reply, sfp};
use crate::isp::firmware::Mailbox;
use pci::Bus;
use ring::Tick;
use wire::fc::els::{Command as Els, Login};
use wire::isp::database::LinkStatistics;
use wire::isp::mailbox::{A64, Mailboxes, Rnid, SfpOptions, Status};
use wire::{FromZeros, IntoBytes};

/// Degrees Celsius of the chip.
const TEMPERATURE: u16 = 45;
/// Words of the service parameters that command 5Ah tells: a PLOGI without its command word, and one more.
const TEMPLATE_WORDS: usize = 29;
/// Most bytes of an echo.
const ECHO_BYTES: u32 = 256;

impl<F: Behind> Chip<F> {
    /// 31h: the memory of the transceiver, at its two addresses.
    pub(super) fn read_sfp(&self, m: &Mailboxes, bus: &mut dyn Bus) -> Result<Reply, Reply> {
        let memory = match m[1] & 0xff {
            0xa0 => sfp::base(self.identity.board.gigabits(), &self.identity.serial),
            0xa2 => sfp::diagnostics(),
            _ => return Err(Reply::status(Status::PARAMETER_ERROR)),
        };
        let (at, options) = (usize::from(m[9]), SfpOptions(m[10]));
        if options.byte() {
            let byte = memory.get(at).ok_or(Reply::status(Status::PARAMETER_ERROR))?;
            return Ok(Reply::ok().with(1, u16::from(*byte)));
        }
        let bytes = memory.get(at..at + usize::from(m[8])).ok_or(Reply::status(Status::PARAMETER_ERROR))?;
        bus.write(A64::get(m), bytes)?;
        Ok(Reply::ok())
    }

    /// 59h: which ELS are passed up is the firmware's, also before it is initialized; the rest is read, and that is all.
    pub(super) fn set_rnid(&mut self, m: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Reply {
        if let Mailbox::Done(answer) = self.firmware.mailbox(m, bus, now) {
            return Reply(answer);
        }
        let mut words = vec![0; usize::from(m[1] & 0xff) * 4];
        bus.read(A64::get(m), &mut words).map_or_else(Reply::from, |()| Reply::ok())
    }

    /// 5Ah.
    pub(super) fn get_rnid(&self, m: &Mailboxes, bus: &mut dyn Bus) -> Result<Reply, Reply> {
        match Rnid((m[1] >> 8) as u8) {
            Rnid::TEMPERATURE => Ok(Reply::ok().with(1, TEMPERATURE)),
            Rnid::LOGIN_TEMPLATE => {
                let template = self.login_template();
                let bytes = template.len().min(usize::from(m[8]) * 4);
                bus.write(A64::get(m), &template[..bytes])?;
                Ok(Reply::ok())
            }
            _ => Err(Reply::error(Status::COMMAND_ERROR, 0)),
        }
    }

    /// Service parameters as words of the host.
    fn login_template(&self) -> [u8; TEMPLATE_WORDS * 4] {
        let names = self.identity.names;
        let login = Login::n_port(Els::PLOGI, names.port, names.node, 2048).to_bytes();
        let mut template = [0; TEMPLATE_WORDS * 4];
        template[..login.len() - 4].copy_from_slice(&login[4..]);
        wire::isp::swap_words(&mut template);
        template
    }

    /// 44h, 45h: what is sent comes back.
    pub(super) fn echo(&self, m: &Mailboxes, bus: &mut dyn Bus) -> Result<Reply, Reply> {
        let (from, to) = (A64::at(m, [15, 14, 21, 20]), A64::at(m, [17, 16, 7, 6]));
        let bytes = u32::from(m[10]) | u32::from(m[11]) << 16;
        if m[0] == wire::isp::mailbox::Command::ECHO.0 && bytes > ECHO_BYTES || bytes > 1 << 20 {
            return Err(Reply::status(Status::PARAMETER_ERROR));
        }
        let mut frame = vec![0; bytes as usize];
        bus.read(from, &mut frame)?;
        bus.write(to, &frame)?;
        Ok(Reply::ok())
    }

    /// 6Dh before the port is started.
    pub(super) fn no_statistics(&self, m: &Mailboxes, bus: &mut dyn Bus) -> Result<Reply, Reply> {
        let statistics = LinkStatistics::new_zeroed();
        let bytes = statistics.as_bytes().len().min(usize::from(m[8]) * 4);
        bus.write(A64::get(m), &statistics.as_bytes()[..bytes])?;
        Ok(Reply::ok())
    }
}
