//! Responses: how ours look, and what those of targets say of the data.

use super::exchange::{Exchange, Flow};
use crate::{Fc4, FcpResponse, Residual, Response};
use wire::fc::RCtl;

const FCP_RSP_BYTES: usize = 24;
const RSP_INFO_BYTES: usize = 8;
const ERSP_BYTES: usize = 32;
const RSP_BYTES: usize = 12;

const RSP_LEN_VALID: u8 = 1;
const SNS_LEN_VALID: u8 = 1 << 1;
const RESID_OVER: u8 = 1 << 2;
const RESID_UNDER: u8 = 1 << 3;

const GOOD: u8 = 0;
const BUSY: u8 = 8;

/// Writes a response; says its R_CTL and length.
pub(super) fn encode(response: &Response, room: &mut [u8]) -> (RCtl, usize) {
    match response {
        Response::Fcp(response) => (RCtl::COMMAND_STATUS, encode_fcp(response, room)),
        Response::Nvme => {
            room[..RSP_BYTES].fill(0);
            (RCtl::COMMAND_STATUS, RSP_BYTES)
        }
        Response::NvmeExtended { result, rsn, transferred, cqe } => {
            room[..16].fill(0);
            room[0] = *result;
            room[3] = (ERSP_BYTES / 4) as u8;
            room[4..8].copy_from_slice(&rsn.to_be_bytes());
            room[8..12].copy_from_slice(&transferred.to_be_bytes());
            room[16..ERSP_BYTES].copy_from_slice(cqe);
            (RCtl::EXTENDED_COMMAND_STATUS, ERSP_BYTES)
        }
    }
}

/// Writes FCP_RSP (FCP-4, 9.5).
fn encode_fcp(response: &FcpResponse, room: &mut [u8]) -> usize {
    let sense = &response.sense[..usize::from(response.sense_len)];
    let info = if response.code.is_some() { RSP_INFO_BYTES } else { 0 };
    let len = FCP_RSP_BYTES + info + sense.len();
    room[..FCP_RSP_BYTES + info].fill(0);
    room[8..10].copy_from_slice(&response.qualifier.to_be_bytes());
    let (residual_flag, residual) = match response.residual {
        Residual::None => (0, 0),
        Residual::Under(count) => (RESID_UNDER, count),
        Residual::Over(count) => (RESID_OVER, count),
    };
    let sense_flag = if sense.is_empty() { 0 } else { SNS_LEN_VALID };
    room[10] = residual_flag | sense_flag | if info > 0 { RSP_LEN_VALID } else { 0 };
    room[11] = response.status;
    room[12..16].copy_from_slice(&residual.to_be_bytes());
    room[16..20].copy_from_slice(&(sense.len() as u32).to_be_bytes());
    room[20..24].copy_from_slice(&(info as u32).to_be_bytes());
    if let Some(code) = response.code {
        room[FCP_RSP_BYTES + 3] = code;
    }
    room[FCP_RSP_BYTES + info..len].copy_from_slice(sense);
    len
}

/// Writes the FCP_RSP of a target that has no room for a command.
pub(super) fn busy(room: &mut [u8]) -> usize {
    room[..FCP_RSP_BYTES].fill(0);
    room[11] = BUSY;
    FCP_RSP_BYTES
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
        (Some(Fc4::Nvme), RCtl::COMMAND_STATUS) if payload.len() == RSP_BYTES => Some(Claim::Moved(len)),
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

fn word(payload: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(payload.get(at..at + 4)?.try_into().ok()?))
}

fn fcp_claim(payload: &[u8], len: u32) -> Option<Claim> {
    let (flags, status) = (*payload.get(10)?, *payload.get(11)?);
    let residual = word(payload, 12)?;
    let (sense, info) = (word(payload, 16)?, word(payload, 20)?);
    let info = if flags & RSP_LEN_VALID != 0 { info } else { 0 };
    let sense = if flags & SNS_LEN_VALID != 0 { sense } else { 0 };
    let fits = FCP_RSP_BYTES as u64 + u64::from(info) + u64::from(sense) <= payload.len() as u64;
    if !fits || (info > 0 && info != 4 && info != RSP_INFO_BYTES as u32) {
        return None;
    }
    let refused = info > 0 && payload[FCP_RSP_BYTES + 3] != 0;
    if flags & RESID_UNDER != 0 && !refused {
        return len.checked_sub(residual).map(Claim::Moved);
    }
    Some(if status == GOOD && !refused { Claim::Moved(len) } else { Claim::Nothing })
}

fn nvme_claim(payload: &[u8], len: u32) -> Option<Claim> {
    let transferred = word(payload, 8)?;
    let status = u16::from_le_bytes(payload.get(30..ERSP_BYTES)?.try_into().ok()?) >> 1;
    if payload[0] != 0 || status != 0 {
        return Some(Claim::Nothing);
    }
    (transferred <= len).then_some(Claim::Moved(transferred))
}
