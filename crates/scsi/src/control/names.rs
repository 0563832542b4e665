//! What texts may be names.

use crate::control::Error;
use crate::identity::MOST_SERIAL;

/// Characters of a target node's name.
pub const MOST_NAME: usize = 223;
/// Characters of an alias.
pub const MOST_ALIAS: usize = 255;

/// A name of a target node: printable, no blanks at its ends, not empty.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > MOST_NAME || name.chars().any(char::is_control) || name.trim() != name {
        return Err(Error::Refused(format!("name: '{name}' is not 1 to {MOST_NAME} printable characters")));
    }
    Ok(())
}

/// An alias: printable.
pub(super) fn check_alias(alias: &str) -> Result<(), Error> {
    if alias.len() > MOST_ALIAS || alias.chars().any(char::is_control) {
        return Err(Error::Refused(format!("alias_name: not at most {MOST_ALIAS} printable characters")));
    }
    Ok(())
}

/// A unit serial number: ASCII that can be printed, no blanks at its ends (SPC-4 4.4.1 pads with them).
pub(super) fn check_serial(serial: &str) -> Result<(), Error> {
    let printable = serial.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if serial.is_empty() || serial.len() > MOST_SERIAL || !printable || serial.trim() != serial {
        let text = format!("serial_number: '{serial}' is not 1 to {MOST_SERIAL} printable ASCII characters");
        return Err(Error::Refused(text));
    }
    Ok(())
}

/// Vendor or product of INQUIRY: printable ASCII.
pub(super) fn check_inquiry(what: &str, text: &str, most: usize) -> Result<(), Error> {
    let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if text.is_empty() || text.len() > most || !printable || text.trim() != text {
        return Err(Error::Refused(format!("{what}: '{text}' is not 1 to {most} printable ASCII characters")));
    }
    Ok(())
}
