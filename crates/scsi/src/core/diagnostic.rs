//! SEND DIAGNOSTIC, RECEIVE DIAGNOSTIC RESULTS (SPC-4 6.42, 6.32) and READ DEFECT DATA (SBC-3 5.17, 5.18).
//!
//! There is one diagnostic page, which lists itself; the default self-test finds the device open and is good. Other self-tests
//! are refused. A volume has no list of defects: it is told as empty, in whichever format.

use super::fail::Fail;
use wire::scsi::Asc;

/// Diagnostic page 00h: which there are.
const SUPPORTED: u8 = 0x00;

/// Judges the CDB of SEND DIAGNOSTIC.
pub(crate) fn judge_send(code: u8, self_test: bool, length: u16) -> Result<(), Fail> {
    // A self-test goes without a list, and the default one without a code.
    match (self_test, code, length) {
        (true, 0, 0) | (false, 0, _) => Ok(()),
        (true, 0, _) => Err(Fail::in_cdb(3)),
        _ => Err(Fail::in_cdb(1)),
    }
}

/// Judges the list of SEND DIAGNOSTIC: it may ask for the supported pages.
pub(crate) fn send(list: &[u8]) -> Result<(), Fail> {
    let [page, _, high, low, ..] = *list else { return Err(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR)) };
    match (page, high, low, list.len()) {
        (SUPPORTED, 0, 0, 4) => Ok(()),
        (SUPPORTED, 0, 0, _) => Err(Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR)),
        (SUPPORTED, ..) => Err(Fail::in_list(2)),
        _ => Err(Fail::in_list(0)),
    }
}

/// The data of RECEIVE DIAGNOSTIC RESULTS. Without a page code: of the only page that SEND DIAGNOSTIC can have asked for.
pub(crate) fn receive(valid: bool, page: u8) -> Result<Vec<u8>, Fail> {
    if valid && page != SUPPORTED {
        return Err(Fail::in_cdb(2));
    }
    Ok(vec![SUPPORTED, 0, 0, 1, SUPPORTED])
}

/// The data of READ DEFECT DATA: both lists are there if asked for, and empty.
pub(crate) fn defects(long: bool, primary: bool, grown: bool, format: u8) -> Result<Vec<u8>, Fail> {
    // Short block, long block, bytes from index, physical sector; the others are reserved or the vendor's.
    if !matches!(format, 0b000 | 0b011 | 0b100 | 0b101) {
        return Err(Fail::in_cdb(if long { 1 } else { 2 }));
    }
    let flags = u8::from(primary) << 4 | u8::from(grown) << 3 | format;
    let mut data = vec![0; if long { 8 } else { 4 }];
    data[1] = flags;
    Ok(data)
}
