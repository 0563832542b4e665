//! The one table of commands: which there are, how long, which of their bits mean something, and who reads them. The device
//! server takes from it what it serves and what it says of that (REPORT SUPPORTED OPERATION CODES, SPC-4 6.34).

use super::cdb;
use super::command::{CDB_BYTES, CdbError, Command};

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
pub static TABLE: [Row; 80] = [
    row(0x00, "TEST UNIT READY", [0, 0, 0, 0, C], cdb::test_unit_ready),
    row(0x03, "REQUEST SENSE", [0x01, 0, 0, F, C], cdb::request_sense),
    row(0x08, "READ(6)", [0x1f, F, F, F, C], cdb::read6),
    row(0x0a, "WRITE(6)", [0x1f, F, F, F, C], cdb::write6),
    row(0x12, "INQUIRY", [0x01, F, F, F, C], cdb::inquiry),
    row(0x15, "MODE SELECT(6)", [0x11, 0, 0, F, C], cdb::mode_select6),
    row(0x16, "RESERVE(6)", [0x11, 0, F, F, C], cdb::reserve6),
    row(0x17, "RELEASE(6)", [0x11, 0, F, F, C], cdb::release6),
    row(0x1a, "MODE SENSE(6)", [0x08, F, F, F, C], cdb::mode_sense6),
    row(0x1b, "START STOP UNIT", [0x01, 0, 0, 0xf7, C], cdb::start_stop),
    row(0x1c, "RECEIVE DIAGNOSTIC RESULTS", [0x01, F, F, F, C], cdb::receive_diagnostic),
    row(0x1d, "SEND DIAGNOSTIC", [0xf7, 0, F, F, C], cdb::send_diagnostic),
    row(0x1e, "PREVENT ALLOW MEDIUM REMOVAL", [0, 0, 0, 0x03, C], cdb::prevent_allow),
    row(0x25, "READ CAPACITY(10)", [0, 0, 0, 0, 0, 0, 0, 0, C], cdb::read_capacity10),
    row(0x28, "READ(10)", [0xf8, F, F, F, F, 0, F, F, C], cdb::read10),
    row(0x2a, "WRITE(10)", [0xf8, F, F, F, F, 0, F, F, C], cdb::write10),
    row(0x2e, "WRITE AND VERIFY(10)", [0xf6, F, F, F, F, 0, F, F, C], cdb::write_verify10),
    row(0x2f, "VERIFY(10)", [0xf6, F, F, F, F, 0, F, F, C], cdb::verify10),
    row(0x34, "PRE-FETCH(10)", [0x02, F, F, F, F, 0, F, F, C], cdb::pre_fetch10),
    row(0x35, "SYNCHRONIZE CACHE(10)", [0x02, F, F, F, F, 0, F, F, C], cdb::synchronize_cache10),
    row(0x37, "READ DEFECT DATA(10)", [0, 0x1f, 0, 0, 0, 0, F, F, C], cdb::read_defect_data10),
    row(0x41, "WRITE SAME(10)", [0xf8, F, F, F, F, 0, F, F, C], cdb::write_same10),
    row(0x42, "UNMAP", [0x01, 0, 0, 0, 0, 0, F, F, C], cdb::unmap),
    action(0x48, 0x01, "SANITIZE OVERWRITE", [0xe0, 0, 0, 0, 0, 0, F, F, C], cdb::sanitize),
    action(0x48, 0x02, "SANITIZE BLOCK ERASE", [0xe0, 0, 0, 0, 0, 0, F, F, C], cdb::sanitize),
    action(0x48, 0x03, "SANITIZE CRYPTOGRAPHIC ERASE", [0xe0, 0, 0, 0, 0, 0, F, F, C], cdb::sanitize),
    action(0x48, 0x1f, "SANITIZE EXIT FAILURE MODE", [0xe0, 0, 0, 0, 0, 0, F, F, C], cdb::sanitize),
    row(0x4c, "LOG SELECT", [0x03, F, F, 0, 0, 0, F, F, C], cdb::log_select),
    row(0x4d, "LOG SENSE", [0x01, F, F, 0, F, F, F, F, C], cdb::log_sense),
    row(0x55, "MODE SELECT(10)", [0x11, 0, 0, 0, 0, 0, F, F, C], cdb::mode_select10),
    row(0x56, "RESERVE(10)", [0x13, 0, 0, 0, 0, 0, F, F, C], cdb::reserve10),
    row(0x57, "RELEASE(10)", [0x13, 0, 0, 0, 0, 0, F, F, C], cdb::release10),
    row(0x5a, "MODE SENSE(10)", [0x18, F, F, 0, 0, 0, F, F, C], cdb::mode_sense10),
    action(0x5e, 0x00, "PERSISTENT RESERVE IN, READ KEYS", [0, 0, 0, 0, 0, 0, F, F, C], cdb::persistent_reserve_in),
    action(
        0x5e,
        0x01,
        "PERSISTENT RESERVE IN, READ RESERVATION",
        [0, 0, 0, 0, 0, 0, F, F, C],
        cdb::persistent_reserve_in,
    ),
    action(
        0x5e,
        0x02,
        "PERSISTENT RESERVE IN, REPORT CAPABILITIES",
        [0, 0, 0, 0, 0, 0, F, F, C],
        cdb::persistent_reserve_in,
    ),
    action(
        0x5e,
        0x03,
        "PERSISTENT RESERVE IN, READ FULL STATUS",
        [0, 0, 0, 0, 0, 0, F, F, C],
        cdb::persistent_reserve_in,
    ),
    action(0x5f, 0x00, "PERSISTENT RESERVE OUT, REGISTER", [0, F, 0, 0, F, F, F, F, C], cdb::persistent_reserve_out),
    action(0x5f, 0x01, "PERSISTENT RESERVE OUT, RESERVE", [0, F, 0, 0, F, F, F, F, C], cdb::persistent_reserve_out),
    action(0x5f, 0x02, "PERSISTENT RESERVE OUT, RELEASE", [0, F, 0, 0, F, F, F, F, C], cdb::persistent_reserve_out),
    action(0x5f, 0x03, "PERSISTENT RESERVE OUT, CLEAR", [0, F, 0, 0, F, F, F, F, C], cdb::persistent_reserve_out),
    action(0x5f, 0x04, "PERSISTENT RESERVE OUT, PREEMPT", [0, F, 0, 0, F, F, F, F, C], cdb::persistent_reserve_out),
    action(
        0x5f,
        0x05,
        "PERSISTENT RESERVE OUT, PREEMPT AND ABORT",
        [0, F, 0, 0, F, F, F, F, C],
        cdb::persistent_reserve_out,
    ),
    action(
        0x5f,
        0x06,
        "PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY",
        [0, F, 0, 0, F, F, F, F, C],
        cdb::persistent_reserve_out,
    ),
    action(
        0x5f,
        0x07,
        "PERSISTENT RESERVE OUT, REGISTER AND MOVE",
        [0, F, 0, 0, F, F, F, F, C],
        cdb::persistent_reserve_out,
    ),
    action(0x83, 0x00, "EXTENDED COPY(LID1)", [0, 0, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::extended_copy1),
    action(0x83, 0x01, "EXTENDED COPY(LID4)", [0, 0, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::extended_copy4),
    action(0x83, 0x10, "POPULATE TOKEN", [0, 0, 0, 0, 0, F, F, F, F, F, F, F, F, 0, C], cdb::populate_token),
    action(0x83, 0x11, "WRITE USING TOKEN", [0, 0, 0, 0, 0, F, F, F, F, F, F, F, F, 0, C], cdb::write_using_token),
    action(0x83, 0x1c, "COPY OPERATION ABORT", [0, F, F, F, F, 0, 0, 0, 0, 0, 0, 0, 0, 0, C], cdb::copy_abort),
    action(0x84, 0x00, "RECEIVE COPY STATUS(LID1)", [0, F, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::receive_copy1),
    action(
        0x84,
        0x03,
        "RECEIVE COPY OPERATING PARAMETERS",
        [0, F, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C],
        cdb::receive_copy1,
    ),
    action(
        0x84,
        0x04,
        "RECEIVE COPY FAILURE DETAILS(LID1)",
        [0, F, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C],
        cdb::receive_copy1,
    ),
    action(0x84, 0x05, "RECEIVE COPY STATUS(LID4)", [0, F, F, F, F, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::receive_copy4),
    action(
        0x84,
        0x07,
        "RECEIVE ROD TOKEN INFORMATION",
        [0, F, F, F, F, 0, 0, 0, 0, F, F, F, F, 0, C],
        cdb::receive_copy4,
    ),
    action(0x84, 0x08, "REPORT ALL ROD TOKENS", [0, 0, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::report_rod_tokens),
    row(0x88, "READ(16)", [0xf8, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::read16),
    row(0x89, "COMPARE AND WRITE", [0xf8, F, F, F, F, F, F, F, F, 0, 0, 0, F, 0, C], cdb::compare_and_write),
    row(0x8a, "WRITE(16)", [0xf8, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::write16),
    row(0x8b, "ORWRITE(16)", [0xf8, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::or_write16),
    row(0x8e, "WRITE AND VERIFY(16)", [0xf6, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::write_verify16),
    row(0x8f, "VERIFY(16)", [0xf6, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::verify16),
    row(0x90, "PRE-FETCH(16)", [0x02, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::pre_fetch16),
    row(0x91, "SYNCHRONIZE CACHE(16)", [0x02, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::synchronize_cache16),
    row(0x93, "WRITE SAME(16)", [0xf9, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::write_same16),
    row(0x9c, "WRITE ATOMIC(16)", [0xf8, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::write_atomic16),
    action(0x9e, 0x10, "READ CAPACITY(16)", [0, 0, 0, 0, 0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::read_capacity16),
    action(0x9e, 0x12, "GET LBA STATUS", [0, F, F, F, F, F, F, F, F, F, F, F, F, 0, C], cdb::get_lba_status),
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
    action(0xa3, 0x0f, "REPORT TIMESTAMP", [0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::report_timestamp),
    action(0xa4, 0x0a, "SET TARGET PORT GROUPS", [0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::set_target_port_groups),
    action(0xa4, 0x0f, "SET TIMESTAMP", [0, 0, 0, 0, 0, F, F, F, F, 0, C], cdb::set_timestamp),
    row(0xa8, "READ(12)", [0xf8, F, F, F, F, F, F, F, F, 0, C], cdb::read12),
    row(0xaa, "WRITE(12)", [0xf8, F, F, F, F, F, F, F, F, 0, C], cdb::write12),
    row(0xae, "WRITE AND VERIFY(12)", [0xf6, F, F, F, F, F, F, F, F, 0, C], cdb::write_verify12),
    row(0xaf, "VERIFY(12)", [0xf6, F, F, F, F, F, F, F, F, 0, C], cdb::verify12),
    row(0xb7, "READ DEFECT DATA(12)", [0x1f, F, F, F, F, F, F, F, F, 0, C], cdb::read_defect_data12),
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
