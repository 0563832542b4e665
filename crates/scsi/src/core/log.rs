//! LOG SENSE and LOG SELECT (SPC-4 6.7, 6.8, 7.3): the lists of pages, and Informational Exceptions.
//!
//! Not done, since a device here does not know it: how full a thin volume is (page 0Ch, and with it the soft threshold's unit
//! attention), temperature, and error counters by kind. Nothing is saved, and no parameter can be set.

use super::fail::Fail;
use super::units::Unit;
use crate::shared::Selected;
use wire::scsi::Asc;

/// Log pages: page and subpage code.
const PAGES: [(u8, u8); 3] = [(SUPPORTED, 0), (SUPPORTED, ALL_SUBPAGES), (EXCEPTIONS, 0)];
const SUPPORTED: u8 = 0x00;
const EXCEPTIONS: u8 = 0x2f;
const ALL_SUBPAGES: u8 = 0xff;
/// SPF: a subpage.
const SPF: u8 = 0x40;
/// FORMAT AND LINKING 11b: a binary list.
const BINARY_LIST: u8 = 0x03;
/// No temperature is known.
const NO_TEMPERATURE: u8 = 0xff;

/// The data of LOG SENSE. What PC asks for is the same for the parameters that there are.
pub(crate) fn sense(unit: &Unit, save: bool, page: u8, subpage: u8, pointer: u16) -> Result<Vec<u8>, Fail> {
    if save {
        return Err(Fail::in_cdb(1));
    }
    if pointer > 0 && PAGES.contains(&(page, subpage)) {
        // The highest parameter code of each is 0.
        return Err(Fail::in_cdb(5));
    }
    let body = match (page, subpage) {
        (SUPPORTED, 0) => PAGES.iter().filter(|(_, subpage)| *subpage == 0).map(|(page, _)| *page).collect(),
        (SUPPORTED, ALL_SUBPAGES) => PAGES.iter().flat_map(|(page, subpage)| [*page, *subpage]).collect(),
        (EXCEPTIONS, 0) => exceptions(unit),
        _ if PAGES.iter().any(|(known, _)| *known == page) => return Err(Fail::in_cdb(3)),
        _ => return Err(Fail::in_cdb(2)),
    };
    let code = if subpage == 0 { page } else { page | SPF };
    let [high, low] = (body.len() as u16).to_be_bytes();
    Ok([vec![code, subpage, high, low], body].concat())
}

/// Parameter 0000h: what would be reported, the temperature, and, as programs expect behind it, the highest allowed one.
fn exceptions(unit: &Unit) -> Vec<u8> {
    let modes = unit.modes();
    let asc = if modes.has(Selected::TEST) { Asc::FAILURE_PREDICTION_THRESHOLD_EXCEEDED_FALSE } else { Asc::NONE };
    let [asc, ascq] = asc.0.to_be_bytes();
    vec![0, 0, BINARY_LIST, 4, asc, ascq, NO_TEMPERATURE, NO_TEMPERATURE]
}

/// Judges LOG SELECT: parameters can be put back to their defaults (PCR), which they always are.
pub(crate) fn judge_select(save: bool, control: u8, page: u8, subpage: u8, length: u16) -> Result<(), Fail> {
    if save {
        return Err(Fail::in_cdb(1));
    }
    let is_there = (page, subpage) == (0, 0) || PAGES.contains(&(page, subpage));
    if control > 3 || !is_there {
        return Err(Fail::in_cdb(2));
    }
    if length > 0 { Err(Fail::in_cdb(7)) } else { Ok(()) }
}
