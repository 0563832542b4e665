//! The place of reservations. They belong to the volume, so that SCSI and NVMe hosts share one table of registrants; there is
//! none yet, and nobody is kept out.

use super::fail::Fail;
use super::units::Unit;
use crate::Origin;
use wire::scsi::Command;

/// Whether a nexus may do this to a logical unit now (SPC-4 5.13.1, table 66; SBC-3 4.17). Called once for each command,
/// before it is planned.
#[inline]
pub(crate) fn check(_unit: &Unit, _origin: &Origin, _command: &Command) -> Result<(), Fail> {
    Ok(())
}
