//! REPORT SUPPORTED OPERATION CODES and TASK MANAGEMENT FUNCTIONS (SPC-4 6.34, 6.35), from the one table of commands.

use super::atomic;
use super::fail::Fail;
use super::sanitize;
use super::units::Unit;
use wire::IntoBytes;
use wire::be::{U16, U32};
use wire::scsi::report::{OpcodeDescriptor, Timeouts};
use wire::scsi::{Row, TABLE, rows};

/// Operation code of UNMAP.
const UNMAP: u8 = 0x42;
/// Operation code of WRITE ATOMIC (16).
const WRITE_ATOMIC: u8 = 0x9c;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub timeouts: bool,
    pub options: u8,
    pub opcode: u8,
    pub action: u16,
}

/// Whether a logical unit serves a command of the table.
pub(crate) fn is_served(unit: &Unit, row: &Row) -> bool {
    match row.opcode {
        UNMAP => unit.features.unmap,
        WRITE_ATOMIC => atomic::most_atomic(unit, u32::MAX) > 0,
        sanitize::OPCODE => sanitize::is_served(unit, row.action.unwrap_or(0)),
        _ => true,
    }
}

/// The parameter data.
pub(crate) fn report(unit: &Unit, question: Question) -> Result<Vec<u8>, Fail> {
    let rows = rows(question.opcode);
    let has_actions = rows.first().is_some_and(|row| row.action.is_some());
    let find = |action: Option<u16>| rows.iter().find(|row| row.action == action && is_served(unit, row));
    let of_action = find(Some(question.action));
    match question.options {
        0 => Ok(all(unit, question.timeouts)),
        1 if has_actions => Err(Fail::in_cdb(2)),
        1 => Ok(one(find(None), question.timeouts)),
        2 if !rows.is_empty() && !has_actions => Err(Fail::in_cdb(2)),
        2 => Ok(one(of_action, question.timeouts)),
        3 if has_actions => Ok(one(of_action, question.timeouts)),
        3 => Ok(one(find(None).filter(|_| question.action == 0), question.timeouts)),
        _ => Err(Fail::in_cdb(2)),
    }
}

fn all(unit: &Unit, timeouts: bool) -> Vec<u8> {
    let mut data = vec![0; 4];
    for row in TABLE.iter().filter(|row| is_served(unit, row)) {
        let flags = if row.action.is_some() { OpcodeDescriptor::SERVACTV } else { 0 }
            | if timeouts { OpcodeDescriptor::CTDP } else { 0 };
        let (action, len) = (U16::new(row.action.unwrap_or(0)), U16::new(row.len.into()));
        let descriptor = OpcodeDescriptor { opcode: row.opcode, reserved: 0, action, reserved4: 0, flags, len };
        data.extend(descriptor.as_bytes());
        if timeouts {
            data.extend(no_timeouts().as_bytes());
        }
    }
    let length = U32::new(data.len() as u32 - 4);
    data[..4].copy_from_slice(length.as_bytes());
    data
}

fn one(row: Option<&Row>, timeouts: bool) -> Vec<u8> {
    // SUPPORT: 001b no, 011b as the standard has it.
    let Some(row) = row else { return vec![0, 1, 0, 0] };
    let mut data = vec![0, if timeouts { 0x83 } else { 0x03 }, 0, row.len];
    data.extend(row.usage());
    if timeouts {
        data.extend(no_timeouts().as_bytes());
    }
    data
}

/// Nothing is said of times.
fn no_timeouts() -> Timeouts {
    let zero = U32::new(0);
    Timeouts { length: U16::new(10), reserved: 0, specific: 0, nominal: zero, recommended: zero }
}

/// ATS, ATSS, CTSS, LURS, QTS, TRS: all of that byte but CACAS and WAKES.
const FUNCTIONS_0: u8 = 0x80 | 0x40 | 0x10 | 0x08 | 0x04 | 0x02;
/// QTSS, ITNRS: all of that byte but QAES.
const FUNCTIONS_1: u8 = 0x02 | 0x01;

/// The task management functions.
pub(crate) fn functions(extended: bool) -> Vec<u8> {
    let mut data = vec![0; if extended { 16 } else { 4 }];
    (data[0], data[1]) = (FUNCTIONS_0, FUNCTIONS_1);
    data[3] = data.len() as u8 - 4;
    data
}
