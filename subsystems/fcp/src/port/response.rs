//! A reply as FCP_RSP (FCP-4 9.5).

use fc::{FcpResponse, SENSE_BYTES};
use scsi::{Reply, ServiceResponse};
use wire::fcp::RspCode;
use wire::scsi::Status;

const _: () = assert!(SENSE_BYTES >= scsi::SENSE_BYTES, "all sense data has room in a response");

const NOTHING: FcpResponse = FcpResponse {
    status: 0,
    qualifier: 0,
    residual: fc::Residual::None,
    code: None,
    sense: [0; SENSE_BYTES],
    sense_len: 0,
};

/// The response that says what `reply` says.
#[inline]
pub fn response(reply: &Reply) -> FcpResponse {
    let mut response = FcpResponse {
        status: reply.status.0,
        residual: residual(reply.residual),
        code: reply.response.map(|response| code(response).0),
        sense_len: reply.sense().len() as u8,
        ..NOTHING
    };
    response.sense[..reply.sense().len()].copy_from_slice(reply.sense());
    response
}

/// The response to what is no command: RSP_CODE alone.
pub fn invalid(code: RspCode) -> FcpResponse {
    FcpResponse { code: Some(code.0), ..NOTHING }
}

/// The response to a command that finds no place.
pub fn status(status: Status) -> FcpResponse {
    FcpResponse { status: status.0, ..NOTHING }
}

#[inline]
fn residual(residual: scsi::Residual) -> fc::Residual {
    match residual {
        scsi::Residual::None => fc::Residual::None,
        scsi::Residual::Under(bytes) => fc::Residual::Under(bytes),
        scsi::Residual::Over(bytes) => fc::Residual::Over(bytes),
    }
}

fn code(response: ServiceResponse) -> RspCode {
    match response {
        ServiceResponse::Complete => RspCode::COMPLETE,
        ServiceResponse::Succeeded => RspCode::SUCCEEDED,
        ServiceResponse::Rejected => RspCode::REJECTED,
        ServiceResponse::IncorrectLun => RspCode::INCORRECT_LUN,
        ServiceResponse::Failed => RspCode::FAILED,
    }
}
