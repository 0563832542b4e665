//! Which commands conflict with which reservations: the tables of the standards, as one.

use super::super::fail::Fail;
use crate::shared::Allowed;
use wire::scsi::{Command, Status};

/// What a command is to a reservation (SPC-4 table 66, SBC-3 table 13; SPC-2 table 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It asks about the device, and nothing keeps it out.
    Ask,
    /// Persistent reservations let it in; RESERVE of another nexus does not.
    Look,
    /// It depends on the medium, or reads it.
    Read,
    /// It changes the medium, or the logical unit for others.
    Write,
    /// PERSISTENT RESERVE IN and OUT, which judge for themselves.
    Persistent,
    /// RESERVE and RELEASE, which judge for themselves.
    Reserve,
}

impl Class {
    /// The class of a command.
    pub fn of(command: &Command) -> Self {
        match *command {
            Command::Inquiry { .. }
            | Command::ReportLuns { .. }
            | Command::RequestSense { .. }
            | Command::LogSense { .. }
            | Command::ReadCapacity10
            | Command::ReadCapacity16 { .. }
            | Command::ReportTargetPortGroups { .. }
            | Command::ReportOpcodes { .. }
            | Command::ReportFunctions { .. }
            | Command::ReportTimestamp { .. } => Self::Ask,
            Command::PreventAllow { prevent: 0 } => Self::Ask,
            Command::StartStopUnit { start: true, power: 0, .. } => Self::Ask,
            Command::TestUnitReady | Command::ModeSense { .. } | Command::ReceiveCopy { .. } => Self::Look,
            Command::Read(_)
            | Command::Verify { .. }
            | Command::PreFetch { .. }
            | Command::GetLbaStatus { .. }
            | Command::ReadDefectData { .. }
            | Command::ReceiveDiagnostic { .. }
            | Command::PopulateToken { .. } => Self::Read,
            Command::Write(_)
            | Command::WriteVerify { .. }
            | Command::WriteAtomic { .. }
            | Command::WriteSame { .. }
            | Command::Unmap { .. }
            | Command::OrWrite(_)
            | Command::CompareAndWrite(_)
            | Command::SynchronizeCache { .. }
            | Command::Sanitize { .. }
            | Command::ExtendedCopy { .. }
            | Command::WriteUsingToken { .. }
            | Command::CopyAbort { .. }
            | Command::ModeSelect { .. }
            | Command::LogSelect { .. }
            | Command::SendDiagnostic { .. }
            | Command::SetTargetPortGroups { .. }
            | Command::SetTimestamp { .. }
            | Command::StartStopUnit { .. }
            | Command::PreventAllow { .. } => Self::Write,
            Command::PersistentReserveIn { .. } | Command::PersistentReserveOut { .. } => Self::Persistent,
            Command::Reserve(_) | Command::Release(_) => Self::Reserve,
        }
    }

    /// Whether it is let in.
    #[cold]
    pub fn judge(self, access: Allowed) -> Result<(), Fail> {
        let is_let_in = match access {
            Allowed::All => true,
            Allowed::Read => self != Self::Write,
            Allowed::Ask => !matches!(self, Self::Read | Self::Write),
            Allowed::Reserved => self != Self::Persistent,
            Allowed::ReservedByOther => matches!(self, Self::Ask | Self::Reserve),
            Allowed::Unknown if self == Self::Ask => true,
            Allowed::Unknown => return Err(Allowed::unknown()),
        };
        if is_let_in { Ok(()) } else { Err(Fail::Status(Status::RESERVATION_CONFLICT)) }
    }
}
