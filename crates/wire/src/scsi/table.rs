//! The one table of commands: which there are, how long, which of their bits mean something, and who reads them. The device
//! server takes from it what it serves and what it says of that (REPORT SUPPORTED OPERATION CODES, SPC-4 6.34).

use super::cdb::{self, CDB_BYTES, CdbError, Command};

/// A command.
#[derive(Debug)]
pub struct Row {
    /// OPERATION CODE.
    pub opcode: u8,
    /// SERVICE ACTION, for operation codes that have several commands.
    pub action: Option<u16>,
    /// The standard's name.
    pub name: &'static str,
    /// Bytes of the CDB.
    pub len: u8,
    /// CDB USAGE DATA: the operation code, then a one for each bit that is evaluated.
    pub usage: [u8; CDB_BYTES],
    pub(super) read: fn(&[u8; CDB_BYTES]) -> Command,
}

impl Row {
    /// CDB usage data of the CDB's length.
    pub fn usage(&self) -> &[u8] {
        &self.usage[..usize::from(self.len)]
    }
}

type Read = fn(&[u8; CDB_BYTES]) -> Command;

/// A command whose evaluated bits behind byte 0 are `bits`, the control byte included.
const fn row<const N: usize>(opcode: u8, name: &'static str, bits: [u8; N], read: Read) -> Row {
    let mut usage = [0; CDB_BYTES];
    usage[0] = opcode;
    let mut at = 0;
    while at < N {
        usage[at + 1] = bits[at];
        at += 1;
    }
    Row { opcode, action: None, name, len: N as u8 + 1, usage, read }
}

/// A command with a service action, which byte 1 of `bits` must spare.
const fn action<const N: usize>(opcode: u8, action: u8, name: &'static str, bits: [u8; N], read: Read) -> Row {
    let mut row = row(opcode, name, bits, read);
    row.action = Some(action as u16);
    row.usage[1] |= action;
    row
}

/// The control byte: NACA is evaluated.
const C: u8 = 0x04;
const F: u8 = 0xff;

/// All commands, by rising operation code.
pub static TABLE: [Row; 29] = [
    row(0x00, "TEST UNIT READY", [0, 0, 0, 0, C], cdb::test_unit_ready),
    row(0x03, "REQUEST SENSE", [0x01, 0, 0, F, C], cdb::request_sense),
    row(0x08, "READ(6)", [0x1f, F, F, F, C], cdb::read6),
    row(0x0a, "WRITE(6)", [0x1f, F, F, F, C], cdb::write6),
    row(0x12, "INQUIRY", [0x01, F, F, F, C], cdb::inquiry),
    row(0x1a, "MODE SENSE(6)", [0x08, F, F, F, C], cdb::mode_sense6),
    row(0x1b, "START STOP UNIT", [0x01, 0, 0, 0xf7, C], cdb::start_stop),
    row(0x1e, "PREVENT ALLOW MEDIUM REMOVAL", [0, 0, 0, 0x03, C], cdb::prevent_allow),
    row(0x25, "READ CAPACITY(10)", [0, 0, 0, 0, 0, 0, 0, 0, C], cdb::read_capacity10),
    row(0x28, "READ(10)", [0xf8, F, F, F, F, 0, F, F, C], cdb::read10),
    row(0x2a, "WRITE(10)", [0xf8, F, F, F, F, 0, F, F, C], cdb::write10),
    row(0x2f, "VERIFY(10)", [0xf6, F, F, F, F, 0, F, F, C], cdb::verify10),
    row(0x35, "SYNCHRONIZE CACHE(10)", [0x02, F, F, F, F, 0, F, F, C], cdb::synchronize_cache10),
    row(0x41, "WRITE SAME(10)", [0xf8, F, F, F, F, 0, F, F, C], cdb::write_same10),
    row(0x42, "UNMAP", [0x01, 0, 0, 0, 0, 0, F, F, C], cdb::unmap),
    row(0x5a, "MODE SENSE(10)", [0x18, F, F, 0, 0, 0, F, F, C], cdb::mode_sense10),
    row(0x88, "READ(16)", [0xf8, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::read16),
    row(0x8a, "WRITE(16)", [0xf8, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::write16),
    row(0x8f, "VERIFY(16)", [0xf6, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::verify16),
    row(0x91, "SYNCHRONIZE CACHE(16)", [0x02, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::synchronize_cache16),
    row(0x93, "WRITE SAME(16)", [0xf9, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::write_same16),
    action(0x9e, 0x10, "READ CAPACITY(16)", [0, 0, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::read_capacity16),
    row(0xa0, "REPORT LUNS", [0, F, 0, 0, 0, F, F, F, F, 0, C], cdb::report_luns),
    action(
        0xa3,
        0x0a,
        "REPORT TARGET PORT GROUPS",
        [0xe0, 0, 0, 0, 0, F, F, F, F, 0, C],
        cdb::report_target_port_groups,
    ),
    action(0xa3, 0x0c, "REPORT SUPPORTED OPERATION CODES", [0, 0x87, F, F, F, F, F, F, F, 0, C], cdb::report_opcodes),
    action(
        0xa3,
        0x0d,
        "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS",
        [0, 0x80, 0, 0, 0, F, F, F, F, 0, C],
        cdb::report_functions,
    ),
    row(0xa8, "READ(12)", [0xf8, F, F, F, F, F, F, F, F, 0, C], cdb::read12),
    row(0xaa, "WRITE(12)", [0xf8, F, F, F, F, F, F, F, F, 0, C], cdb::write12),
    row(0xaf, "VERIFY(12)", [0xf6, F, F, F, F, F, F, F, F, 0, C], cdb::verify12),
];

/// Place of an operation code's first row, or [`NONE`].
static PLACES: [u8; 256] = places();
const NONE: u8 = 0xff;

const fn places() -> [u8; 256] {
    let mut places = [NONE; 256];
    let mut row = TABLE.len();
    while row > 0 {
        row -= 1;
        places[TABLE[row].opcode as usize] = row as u8;
    }
    places
}

/// The rows of an operation code: none, one, or one for each service action.
pub fn rows(opcode: u8) -> &'static [Row] {
    let first = PLACES[usize::from(opcode)];
    let rows = TABLE.get(usize::from(first)..).unwrap_or(&[]);
    let count = rows.iter().take_while(|row| row.opcode == opcode).count();
    &rows[..count]
}

/// The row of a CDB.
#[inline]
pub(super) fn find(cdb: &[u8]) -> Result<&'static Row, CdbError> {
    let opcode = *cdb.first().ok_or(CdbError::Short)?;
    let row = TABLE.get(usize::from(PLACES[usize::from(opcode)])).ok_or(CdbError::Opcode)?;
    if row.action.is_none() {
        return Ok(row);
    }
    let action = u16::from(*cdb.get(1).ok_or(CdbError::Short)? & 0x1f);
    rows(opcode).iter().find(|row| row.action == Some(action)).ok_or(CdbError::ServiceAction)
}
