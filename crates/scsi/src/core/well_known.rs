//! The REPORT LUNS well known logical unit (SPC-4 8.2): INQUIRY, REPORT LUNS, REQUEST SENSE and TEST UNIT READY, and no more.

use super::fail::Fail;
use super::inquiry::{Asked, port_designators};
use crate::Task;
use wire::IntoBytes;
use wire::be::U16;
use wire::scsi::inquiry::{PERIPHERAL_WELL_KNOWN, Standard, VpdHeader, VpdPage};
use wire::scsi::{REPORT_LUNS_LUN, Sense};

/// Whether a command is for it.
pub(crate) fn is_meant(task: &Task) -> bool {
    task.lun == REPORT_LUNS_LUN
}

/// Its standard INQUIRY data.
pub(crate) fn standard() -> Vec<u8> {
    Standard::new(PERIPHERAL_WELL_KNOWN).as_bytes().to_vec()
}

/// A VPD page of it: which there are, and what it has names of: the port and the device.
pub(crate) fn vpd(page: u8, asked: Asked<'_>) -> Result<Vec<u8>, Fail> {
    let body = match VpdPage(page) {
        VpdPage::SUPPORTED => vec![VpdPage::SUPPORTED.0, VpdPage::IDENTIFICATION.0],
        VpdPage::IDENTIFICATION => {
            let mut body = Vec::new();
            port_designators(&mut body, asked.origin);
            body
        }
        _ => return Err(Fail::in_cdb(2)),
    };
    let header = VpdHeader { peripheral: PERIPHERAL_WELL_KNOWN, page, length: U16::new(body.len() as u16) };
    Ok([header.as_bytes(), &body].concat())
}

/// What REQUEST SENSE says of it.
pub(crate) const SENSE: Sense = Sense::new(wire::scsi::Key::NO_SENSE, wire::scsi::Asc::NONE);
