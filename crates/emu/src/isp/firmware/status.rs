//! Status entries: what the response of a target, or its absence, means for the host.

use super::Entry;
use super::commands::{Flow, Kind, Order};
use fc::fc2::{Failure, Payload};
use wire::fc::RCtl;
use wire::fcnvme::{ERSP_BYTES, Ersp, ErspResult};
use wire::fcp::{Residual, Rsp, RspCode};
use wire::isp::iocb::{CompletionStatus, FcpStatus, StateFlags, Status, sense_group};

/// Entries of the longest group: 252 bytes of sense, 8 of response information.
const GROUP: usize = 8;

/// Completion status of a command without a response.
pub(crate) fn of_failure(failure: Failure) -> CompletionStatus {
    match failure {
        Failure::TimedOut => CompletionStatus::TIMEOUT,
        Failure::Aborted => CompletionStatus::ABORTED,
        Failure::LinkDown => CompletionStatus::PORT_LOGGED_OUT,
        Failure::Rejected => CompletionStatus::PORT_UNAVAILABLE,
        Failure::DataLost => CompletionStatus::DATA_REASSEMBLY_ERROR,
        Failure::Protocol => CompletionStatus::TRANSPORT,
    }
}

fn status(order: &Order, status: CompletionStatus, moved: u32) -> Status {
    let mut entry = Status::new();
    entry.handle.set(order.handle);
    entry.comp_status.set(status.0);
    entry.residual.set(order.count.saturating_sub(moved));
    entry
}

/// The Status of a command that came to nothing.
pub(crate) fn failed(order: &Order, completion: CompletionStatus, moved: u32) -> Entry {
    *status(order, completion, moved).entry()
}

/// The response, if it is one for the kind of command.
enum Response<'a> {
    Fcp(Rsp<'a>),
    /// All went well, without more words.
    Nvme,
    Ersp(&'a Ersp),
}

fn response<'a>(order: &Order, payload: &'a Payload) -> Option<Response<'a>> {
    match (order.kind, payload) {
        (Kind::Nvme, Payload::Frame(frame)) if frame.header().r_ctl == RCtl::EXTENDED_COMMAND_STATUS => {
            wire::parse(payload.bytes()).map(Response::Ersp)
        }
        (Kind::Nvme, _) => Some(Response::Nvme),
        _ => Rsp::parse(payload.bytes()).map(Response::Fcp),
    }
}

/// Whether the data that came are all bytes from the first on, so that none of those in between is missing. The engine has checked
/// that for what the response vouches for.
pub(crate) fn is_contiguous(order: &Order, payload: &Payload, moved: u32) -> bool {
    moved == order.count
        || match response(order, payload) {
            Some(Response::Fcp(rsp)) => {
                let executed = rsp.code.is_none_or(|code| code == RspCode::COMPLETE);
                executed
                    && matches!(rsp.residual, Residual::Under(left) if order.count.checked_sub(left) == Some(moved))
            }
            Some(Response::Nvme) => true,
            Some(Response::Ersp(ersp)) => ersp.result == ErspResult::SUCCESS && ersp.cqe.status().is_success(),
            None => false,
        }
}

/// The Status of a command with a response, and its continuations.
pub(crate) fn answered(order: &Order, payload: &Payload, moved: u32) -> Vec<Entry> {
    let mut entry = status(order, CompletionStatus::COMPLETE, moved);
    if let Payload::Frame(frame) = payload {
        entry.ox_id.set(frame.header().ox_id());
    }
    let transferred = StateFlags(0).with_data_transferred(order.flow != Flow::None || order.kind == Kind::Nvme);
    entry.state_flags.set(transferred.0);
    match response(order, payload) {
        None => vec![failed(order, CompletionStatus::TRANSPORT, moved)],
        Some(Response::Fcp(rsp)) => fcp(order, entry, &rsp),
        Some(Response::Nvme) => vec![*entry.entry()],
        Some(Response::Ersp(ersp)) => {
            entry.state_flags.set(transferred.with_ersp(true).0);
            entry.response_length.set(ERSP_BYTES as u16);
            vec![*entry.with_ersp(ersp.to_bytes()).entry()]
        }
    }
}

fn fcp(order: &Order, mut entry: Status, rsp: &Rsp<'_>) -> Vec<Entry> {
    let completion = match rsp.residual {
        Residual::Under(_) => CompletionStatus::DATA_UNDERRUN,
        Residual::Over(_) => CompletionStatus::DATA_OVERRUN,
        Residual::None => CompletionStatus::COMPLETE,
    };
    let left = match rsp.residual {
        Residual::None => 0,
        Residual::Under(left) | Residual::Over(left) => left,
    };
    entry.comp_status.set(completion.0);
    entry.scsi_status.set(FcpStatus::new(rsp.status, rsp.residual).with_confirm(rsp.confirm).0);
    entry.fcp_residual.set(left);
    entry.qualifier.set(rsp.qualifier);
    // Without data there is nothing that could have been left: tools look at this field, too.
    if order.flow == Flow::None && rsp.residual == Residual::None {
        entry.residual.set(0);
    }
    let info = rsp.code.map(|code| [0, 0, 0, code.0, 0, 0, 0, 0]);
    let mut group = [[0; 64]; GROUP];
    let info = info.as_ref().map_or(&[][..], |info| &info[..]);
    let count = sense_group(entry, info, rsp.sense, &mut group);
    group[..count].to_vec()
}

/// Whether a Status says that a task management function was executed.
pub(crate) fn is_function_complete(entry: &Entry) -> bool {
    let status = Status::of(entry);
    let mut info = [0; 8];
    let (len, _) = status.info_and_sense(&[], &mut info);
    let code = if len < 4 { RspCode::COMPLETE } else { RspCode(info[3]) };
    let good = status.comp_status() == CompletionStatus::COMPLETE && status.scsi_status().status() == 0;
    good && matches!(code, RspCode::COMPLETE | RspCode::SUCCEEDED)
}
