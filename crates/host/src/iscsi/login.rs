//! Logging in, waited for.

use super::stream::Stream;
use super::{IscsiOptions, broken};
use crate::{Error, Options, Result};
use iscsi::initiator::{Ask, Digest, Failure, Login, Outgoing, Session, Step};
use iscsi::login::Response;
use std::net::SocketAddr;
use wire::FromZeros;
use wire::be::{U16, U32};
use wire::iscsi::{Bhs, IMMEDIATE, LoginRequest, LoginResponse, Opcode, Pdu, U24};

/// Connects and logs in; `node` is empty for a discovery session.
pub fn login(portal: SocketAddr, node: &str, options: &Options) -> Result<(Stream, Session)> {
    let timeout = options.link.timeout;
    let mut stream = Stream::open(portal, timeout)?;
    let mut login = Login::new(ask(node, options));
    let mut request = login.start();
    loop {
        stream.queue(&pdu(&request), &request.text);
        let whole = stream.wait_next("a login request", timeout)?;
        let response = response(&whole.bhs, stream.data(whole.data.clone()))?;
        match login.response(&response) {
            Step::Send(next) => request = next,
            Step::Done(session) => {
                stream.agreed(&session.parameters);
                return Ok((stream, session));
            }
            Step::Failed(Failure::Violation(what)) => return Err(broken(what)),
            Step::Failed(failure) => return Err(Error::Login { node: node.to_owned(), failure }),
        }
    }
}

fn ask(node: &str, options: &Options) -> Ask {
    let IscsiOptions { proof, offer, .. } = &options.iscsi;
    let digest = |on| if on { Digest::Always } else { Digest::Never };
    Ask {
        initiator: options.iscsi.name(&options.host),
        target: (!node.is_empty()).then(|| node.to_owned()),
        isid: options.iscsi.next_isid(),
        tsih: 0,
        cid: 0,
        cmd_sn: 1,
        options: *offer,
        header_digest: digest(options.link.hdgst),
        data_digest: digest(options.link.ddgst),
        proof: proof.clone(),
        security_stage: true,
    }
}

fn pdu(request: &Outgoing) -> [u8; 48] {
    let pdu = LoginRequest {
        opcode: Opcode::LOGIN_REQUEST.0 | IMMEDIATE,
        flags: request.flags,
        data_segment_length: U24::new(request.text.len() as u32),
        isid: request.isid,
        tsih: U16::new(request.tsih),
        itt: U32::new(1),
        cid: U16::new(request.cid),
        cmd_sn: U32::new(request.cmd_sn),
        exp_stat_sn: U32::new(request.exp_stat_sn),
        ..LoginRequest::new_zeroed()
    };
    pdu.to_bytes()
}

fn response(bhs: &Bhs, text: &[u8]) -> Result<Response> {
    if bhs.opcode() != Opcode::LOGIN_RESPONSE {
        return Err(broken(format!("a {} during login", bhs.opcode())));
    }
    let pdu: &LoginResponse = bhs.of();
    Ok(Response {
        flags: pdu.flags,
        version_max: pdu.version_max,
        version_active: pdu.version_active,
        isid: pdu.isid,
        tsih: pdu.tsih.get(),
        itt: pdu.itt.get(),
        stat_sn: pdu.stat_sn.get(),
        exp_cmd_sn: pdu.exp_cmd_sn.get(),
        max_cmd_sn: pdu.max_cmd_sn.get(),
        status: pdu.status.get(),
        text: text.to_vec(),
    })
}
