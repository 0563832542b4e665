//! The shorter or the longer response (FC-NVMe-2, NVMe_RSP and NVMe_ERSP).

use crate::connection::{Command, Connection};
use fc::Response;
use nvmf::Completion;
use wire::fcnvme::{self, ErspResult, ersp_due};
use wire::nvme::{Cqe, Sqe};
use wire::zerocopy::transmute;

/// The response to a command that is done, all of whose data was moved.
#[inline]
pub(crate) fn of(connection: &mut Connection, command: &Command, reply: Completion) -> Response {
    connection.responses = connection.responses.wrapping_add(1);
    connection.unanswered -= 1;
    let cqe: Cqe = transmute!(reply);
    let sqe = Sqe { flags: command.flags, ..Sqe::new(command.opcode, 0) };
    let due = ersp_due(&fcnvme::Completion {
        sqe: &sqe,
        cqe: &cqe,
        transferred: command.moved,
        data_length: command.data_length,
        response: connection.responses,
        ersp_ratio: connection.asked.ersp_ratio,
        sq_entries: connection.asked.entries,
        sq_used: connection.unanswered,
    });
    if due { extended(connection, ErspResult::SUCCESS, command.moved, reply) } else { Response::Nvme }
}

/// The longer response, with the next number of the connection.
pub(crate) fn extended(connection: &mut Connection, result: ErspResult, transferred: u32, cqe: Completion) -> Response {
    let rsn = connection.rsn;
    connection.rsn = rsn.wrapping_add(1);
    Response::NvmeExtended { result: result.0, rsn, transferred, cqe }
}
