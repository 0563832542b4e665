//! What keeps commands from a logical unit, whoever holds reservations: its port group is not active, its medium is out, it is
//! being sanitized. Looked at for each command; the common case is one comparison.

use super::fail::Fail;
use super::units::Unit;
use crate::shared::{AccessState, Selected};
use wire::scsi::{Asc, Command, Key, Sense};

/// Whether a command may be planned.
#[inline]
pub(crate) fn check(unit: &Unit, modes: Selected, access: AccessState, command: &Command) -> Result<(), Fail> {
    if access == AccessState::ActiveOptimized && !modes.has(Selected::GATES) {
        return Ok(());
    }
    check_closed(unit, modes, access, command)
}

#[cold]
fn check_closed(unit: &Unit, modes: Selected, access: AccessState, command: &Command) -> Result<(), Fail> {
    access_check(access, command)?;
    if modes.has(Selected::SANITIZING) && !sanitizing_serves(command) {
        return Err(Fail::Check(sanitizing(unit)));
    }
    if modes.has(Selected::SANITIZE_FAILED)
        && !sanitizing_serves(command)
        && !matches!(command, Command::Sanitize { .. })
    {
        return Err(Fail::check(Key::MEDIUM_ERROR, Asc::SANITIZE_COMMAND_FAILED));
    }
    if modes.has(Selected::OUT) && needs_medium(command) {
        return Err(Fail::check(Key::NOT_READY, Asc::MEDIUM_NOT_PRESENT));
    }
    Ok(())
}

/// LOGICAL UNIT NOT READY, SANITIZE IN PROGRESS, with how far it is.
pub(crate) fn sanitizing(unit: &Unit) -> Sense {
    let progress = Some(unit.view.shared.sanitize.progress());
    Sense { progress, ..Sense::new(Key::NOT_READY, Asc::SANITIZE_IN_PROGRESS) }
}

/// Commands that a group serves that is not active (SPC-4 5.15.2.4.4 to 5.15.2.4.7). READ CAPACITY beyond those of the standard:
/// hosts size a disk by whichever path they find first.
fn access_check(access: AccessState, command: &Command) -> Result<(), Fail> {
    let always = matches!(
        command,
        Command::Inquiry { .. }
            | Command::ReportLuns { .. }
            | Command::RequestSense { .. }
            | Command::ReportTargetPortGroups { .. }
    );
    let standby = matches!(
        command,
        Command::SetTargetPortGroups { .. }
            | Command::LogSelect { .. }
            | Command::LogSense { .. }
            | Command::ModeSelect { .. }
            | Command::ModeSense { .. }
            | Command::PersistentReserveIn { .. }
            | Command::PersistentReserveOut { .. }
            | Command::ReceiveDiagnostic { .. }
            | Command::SendDiagnostic { .. }
            | Command::ReadCapacity10
            | Command::ReadCapacity16 { .. }
            | Command::ReportOpcodes { .. }
            | Command::ReportFunctions { .. }
    );
    let (serves, asc) = match access {
        AccessState::ActiveOptimized | AccessState::ActiveNonOptimized => return Ok(()),
        AccessState::Standby => (always || standby, Asc::TARGET_PORT_IN_STANDBY_STATE),
        AccessState::Unavailable => {
            let serves = always || matches!(command, Command::SetTargetPortGroups { .. });
            (serves, Asc::TARGET_PORT_IN_UNAVAILABLE_STATE)
        }
        AccessState::Transitioning => (always, Asc::ASYMMETRIC_ACCESS_STATE_TRANSITION),
    };
    if serves { Ok(()) } else { Err(Fail::check(Key::NOT_READY, asc)) }
}

/// Commands that a unit serves that is being sanitized (SBC-3 4.10.2), or whose sanitizing failed.
fn sanitizing_serves(command: &Command) -> bool {
    matches!(
        command,
        Command::Inquiry { .. }
            | Command::ReportLuns { .. }
            | Command::RequestSense { .. }
            | Command::LogSense { .. }
            | Command::ModeSense { .. }
            | Command::ReportTargetPortGroups { .. }
            | Command::ReportOpcodes { .. }
            | Command::ReportFunctions { .. }
            | Command::ReportTimestamp { .. }
            | Command::PersistentReserveIn { .. }
    )
}

/// Commands that want the medium, or to know whether it is there.
fn needs_medium(command: &Command) -> bool {
    matches!(
        command,
        Command::TestUnitReady
            | Command::ReadCapacity10
            | Command::ReadCapacity16 { .. }
            | Command::Read(_)
            | Command::Write(_)
            | Command::Verify { .. }
            | Command::SynchronizeCache { .. }
            | Command::WriteSame { .. }
            | Command::Unmap { .. }
            | Command::ReadDefectData { .. }
            | Command::WriteVerify { .. }
            | Command::WriteAtomic { .. }
            | Command::OrWrite(_)
            | Command::CompareAndWrite(_)
            | Command::PreFetch { .. }
            | Command::GetLbaStatus { .. }
            | Command::Sanitize { .. }
            | Command::ExtendedCopy { .. }
            | Command::PopulateToken { .. }
            | Command::WriteUsingToken { .. }
    )
}
