//! Responses: how ours look, and what those of targets say of the data.

use super::exchange::{Exchange, Flow};
use crate::{Fc4, FcpResponse, Residual, Response};
use wire::IntoBytes;
use wire::fc::RCtl;
use wire::fcnvme::{ERSP_BYTES, Ersp, ErspResult, RSP};
use wire::fcp::{Residual as WireResidual, Rsp, RspCode, RspHead};
use wire::scsi::Status;

/// Writes a response; says its R_CTL and length.
pub(super) fn encode(response: &Response, room: &mut [u8]) -> (RCtl, usize) {
    match response {
        Response::Fcp(response) => (RCtl::COMMAND_STATUS, encode_fcp(response, room)),
        Response::Nvme => {
            room[..RSP.len()].copy_from_slice(&RSP);
            (RCtl::COMMAND_STATUS, RSP.len())
        }
        Response::NvmeExtended { result, rsn, transferred, cqe } => {
            let cqe = wire::read(cqe).expect("16 bytes");
            let ersp = Ersp { result: ErspResult(*result), ..Ersp::new(*rsn, *transferred, cqe) };
            room[..ERSP_BYTES].copy_from_slice(ersp.as_bytes());
            (RCtl::EXTENDED_COMMAND_STATUS, ERSP_BYTES)
        }
    }
}

fn encode_fcp(response: &FcpResponse, room: &mut [u8]) -> usize {
    let rsp = Rsp {
        status: response.status,
        qualifier: response.qualifier,
        residual: match response.residual {
            Residual::None => WireResidual::None,
            Residual::Under(count) => WireResidual::Under(count),
            Residual::Over(count) => WireResidual::Over(count),
        },
        code: response.code.map(RspCode),
        sense: &response.sense[..usize::from(response.sense_len)],
        ..Rsp::default()
    };
    rsp.write(room).expect("a frame has room for a response")
}

/// Writes the FCP_RSP of a target that has no room for a command.
pub(super) fn busy(room: &mut [u8]) -> usize {
    let rsp = Rsp { status: Status::BUSY.0, ..Rsp::default() };
    rsp.write(room).expect("a frame has room for a response")
}

/// What a response means for the command that it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be believed.
    Final,
    /// Data that it speaks of have not come: perhaps they are late.
    Early,
    /// It contradicts itself, or what was moved.
    Wrong,
}

/// Judges a response to `exchange`.
pub(super) fn judge(exchange: &Exchange, r_ctl: RCtl, payload: &[u8]) -> Verdict {
    let len = exchange.data.len();
    let claim = match (exchange.fc4, r_ctl) {
        (Some(Fc4::Fcp), RCtl::COMMAND_STATUS) => fcp_claim(payload, len),
        (Some(Fc4::Nvme), RCtl::COMMAND_STATUS) if payload.len() == RSP.len() => Some(Claim::Moved(len)),
        (Some(Fc4::Nvme), RCtl::EXTENDED_COMMAND_STATUS) => nvme_claim(payload, len),
        _ => None,
    };
    match claim {
        None => Verdict::Wrong,
        Some(Claim::Nothing) => Verdict::Final,
        Some(Claim::Moved(count)) => compare(exchange, count),
    }
}

fn compare(exchange: &Exchange, count: u32) -> Verdict {
    let extents = &exchange.extents;
    match exchange.flow {
        Flow::None => Verdict::Final,
        Flow::In if extents.covered() > count => Verdict::Wrong,
        Flow::In if extents.covers(0, count) => Verdict::Final,
        Flow::In => Verdict::Early,
        // What we have not sent will not be sent any more.
        Flow::Out if extents.covers(0, count) => Verdict::Final,
        Flow::Out => Verdict::Wrong,
    }
}

/// What a response says of the data.
enum Claim {
    /// So many bytes were moved, from the first on.
    Moved(u32),
    /// Nothing that we rely on: the command failed.
    Nothing,
}

fn fcp_claim(payload: &[u8], len: u32) -> Option<Claim> {
    let rsp = Rsp::parse(payload).filter(|_| payload.len() >= size_of::<RspHead>())?;
    let refused = rsp.code.is_some_and(|code| code != RspCode::COMPLETE);
    match rsp.residual {
        WireResidual::Under(left) if !refused => len.checked_sub(left).map(Claim::Moved),
        _ => Some(if rsp.status == Status::GOOD.0 && !refused { Claim::Moved(len) } else { Claim::Nothing }),
    }
}

fn nvme_claim(payload: &[u8], len: u32) -> Option<Claim> {
    let ersp: &Ersp = wire::parse(payload)?;
    if ersp.result != ErspResult::SUCCESS || !ersp.cqe.status().is_success() {
        return Some(Claim::Nothing);
    }
    let transferred = ersp.transferred.get();
    (transferred <= len).then_some(Claim::Moved(transferred))
}
