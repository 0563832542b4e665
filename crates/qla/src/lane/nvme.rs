//! CTIO type 82h: what is done with an exchange of FC-NVMe. All of it rests on [`assumptions`](crate::assumptions).

use super::ctio::{self, Buffer, Built, TIMEOUT};
use super::exchange::{Exchange, intermediate};
use crate::assumptions;
use fc::Response;
use wire::fcnvme::{Ersp, ErspResult, RSP};
use wire::isp::iocb::{CtioFlags, CtioNvme, Dsd64, LeId};

#[inline]
fn head(exchange: &Exchange, handle: u32, flags: CtioFlags) -> CtioNvme {
    let mut ctio = CtioNvme::new();
    ctio.handle.set(handle);
    ctio.nport_handle.set(exchange.handle);
    ctio.timeout.set(TIMEOUT);
    ctio.vp_index = exchange.vp;
    ctio.initiator_id = LeId::new(exchange.peer);
    ctio.exchange_address.set(exchange.address);
    ctio.flags.set(flags.with_attribute(exchange.attribute).0);
    ctio.ox_id.set(exchange.ox_id);
    ctio
}

#[inline]
fn data(exchange: &Exchange, handle: u32, flags: CtioFlags) -> CtioNvme {
    let mut ctio = head(exchange, handle, flags);
    ctio.relative_offset.set(exchange.offset);
    segment(&mut ctio, exchange.data.address(), exchange.data.len());
    ctio
}

#[inline]
fn segment(ctio: &mut CtioNvme, address: u64, length: u32) {
    ctio.dseg_count.set(1);
    ctio.transfer_length.set(length);
    ctio.dsd = [Dsd64::new(address, length)];
}

/// Has the host send data.
#[inline]
pub(super) fn receive(exchange: &Exchange, handle: u32) -> Built {
    Built::Nvme(data(exchange, handle, CtioFlags(0).with_data_out(true)))
}

/// Sends data, and the response behind them.
#[inline]
pub(super) fn transmit(exchange: &Exchange, handle: u32, response: Option<&Response>, buffer: Buffer<'_>) -> Built {
    let flags = CtioFlags(0).with_data_in(true);
    let Some(response) = response else { return Built::Nvme(data(exchange, handle, flags)) };
    if exchange.data.is_empty() {
        return Built::Nvme(status(exchange, handle, response, buffer));
    }
    if *response == Response::Nvme && assumptions::rsp_goes_with_data() {
        return Built::Nvme(data(exchange, handle, flags.with_send_status(true)));
    }
    let first = data(exchange, intermediate(handle), flags.with_no_completion(true));
    Built::NvmePair([first, status(exchange, handle, response, buffer)])
}

/// Ends the exchange without a response.
pub(super) fn terminate(exchange: &Exchange, handle: u32) -> Built {
    if assumptions::nvme_ends_by_ctio_7() {
        return ctio::terminate(exchange, handle);
    }
    Built::Nvme(head(exchange, handle, CtioFlags(0).with_terminate(true)))
}

/// The response: RSP has no bytes to give, ERSP is in the entry or, when the entry cannot say it, in memory.
#[inline]
fn status(exchange: &Exchange, handle: u32, response: &Response, buffer: Buffer<'_>) -> CtioNvme {
    let flags = CtioFlags(0).with_send_status(true);
    match response {
        Response::NvmeExtended { result, rsn, transferred, cqe } if assumptions::ersp_fits_in_ctio(*result) => {
            head(exchange, handle, flags).with_ersp(*cqe, *transferred, *rsn)
        }
        Response::NvmeExtended { result, rsn, transferred, cqe } => {
            let cqe = wire::read(cqe).expect("16 bytes");
            let ersp = Ersp { result: ErspResult(*result), ..Ersp::new(*rsn, *transferred, cqe) }.to_bytes();
            let mut ctio = head(exchange, handle, flags.with_mode_2(true));
            segment(&mut ctio, buffer.put(&ersp), ersp.len() as u32);
            ctio
        }
        // A response of the other protocol cannot come; the shortest one is as good as any.
        Response::Nvme | Response::Fcp(_) => {
            let ctio = head(exchange, handle, flags);
            debug_assert!(RSP.iter().all(|byte| *byte == 0));
            ctio
        }
    }
}
