//! CTIO type 7: what is done with an exchange of FCP.

use super::exchange::{Exchange, intermediate};
use crate::ring::Entry;
use dma::Region;
use fc::{FcpResponse, Residual, SENSE_BYTES};
use wire::fc::PortId;
use wire::fcp::{self, Rsp, RspCode};
use wire::isp::iocb::{
    CTIO_INLINE_BYTES, Ctio7, CtioFlags, CtioNvme, CtioStatus, Dsd64, EntryType, FcpStatus, LeId, NPORT_UNRECOGNISED,
};
use wire::zerocopy;

/// Seconds after which the adapter gives up a CTIO.
pub(crate) const TIMEOUT: u16 = 10;

/// Bytes of the longest response in memory: FCP_RSP with response info and sense.
pub(super) const RESPONSE_BYTES: usize = 24 + 8 + SENSE_BYTES;

/// SCSI status GOOD.
const GOOD: u8 = 0;

/// Bytes of memory that each place has for a response; more than [`RESPONSE_BYTES`].
pub(super) const BUFFER_BYTES: usize = 128;

/// Where the response of a place lies when it does not fit into a CTIO.
#[derive(Clone, Copy)]
pub(super) struct Buffer<'a> {
    pub region: &'a Region,
    pub place: usize,
}

impl Buffer<'_> {
    /// Puts a response there and says where that is.
    pub fn put(self, response: &[u8]) -> u64 {
        assert!(response.len() <= BUFFER_BYTES, "no response is longer than its buffer");
        let at = self.place * BUFFER_BYTES;
        self.region.write(at, response);
        self.region.address(at)
    }
}

/// What an order is at the adapter. It is copied once, into the ring: it was just written in small pieces, and to read it in large ones
/// makes the processor wait for them.
pub(super) enum Built {
    Fcp(Ctio7),
    /// Data, and the response behind them.
    FcpPair([Ctio7; 2]),
    Nvme(CtioNvme),
    NvmePair([CtioNvme; 2]),
}

impl Built {
    #[inline]
    pub fn entries(&self) -> &[Entry] {
        match self {
            Self::Fcp(ctio) => std::slice::from_ref(ctio.entry()),
            Self::Nvme(ctio) => std::slice::from_ref(ctio.entry()),
            Self::FcpPair(pair) => zerocopy::transmute_ref!(pair) as &[Entry; 2],
            Self::NvmePair(pair) => zerocopy::transmute_ref!(pair) as &[Entry; 2],
        }
    }
}

/// The parts of a CTIO that are always the same for an exchange.
#[inline]
fn head(exchange: &Exchange, handle: u32, flags: CtioFlags) -> Ctio7 {
    let mut ctio = Ctio7::new();
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

/// Moves the data of the exchange's order.
#[inline]
fn data(exchange: &Exchange, handle: u32, flags: CtioFlags) -> Ctio7 {
    let mut ctio = head(exchange, handle, flags);
    ctio.dseg_count.set(1);
    ctio.relative_offset.set(exchange.offset);
    ctio.transfer_length.set(exchange.data.len());
    ctio.dsd = [Dsd64::new(exchange.data.address(), exchange.data.len())];
    ctio
}

/// Has the initiator send data.
#[inline]
pub(super) fn receive(exchange: &Exchange, handle: u32) -> Built {
    Built::Fcp(data(exchange, handle, CtioFlags(0).with_data_out(true)))
}

/// Sends data, and the response behind them: with status GOOD by one CTIO, else by two, of which the first has no completion.
#[inline]
pub(super) fn transmit(exchange: &Exchange, handle: u32, response: Option<&FcpResponse>, buffer: Buffer<'_>) -> Built {
    let flags = CtioFlags(0).with_data_in(true);
    let Some(response) = response else { return Built::Fcp(data(exchange, handle, flags)) };
    if exchange.data.is_empty() {
        return Built::Fcp(status(exchange, handle, response, buffer));
    }
    if is_good(response) {
        let mut ctio = data(exchange, handle, flags.with_send_status(true));
        set_status(&mut ctio, response);
        return Built::Fcp(ctio);
    }
    let first = data(exchange, intermediate(handle), flags.with_no_completion(true));
    Built::FcpPair([first, status(exchange, handle, response, buffer)])
}

/// Status and residual.
#[inline]
fn set_status(ctio: &mut Ctio7, response: &FcpResponse) {
    let (residual, bytes) = match response.residual {
        Residual::None => (fcp::Residual::None, 0),
        Residual::Under(bytes) => (fcp::Residual::Under(bytes), bytes),
        Residual::Over(bytes) => (fcp::Residual::Over(bytes), bytes),
    };
    ctio.scsi_status.set(FcpStatus::new(response.status, residual).0);
    ctio.residual.set(bytes);
}

/// Nothing but status GOOD and perhaps a residual.
#[inline]
fn is_good(response: &FcpResponse) -> bool {
    response.status == GOOD && response.code.is_none() && response.sense_len == 0 && response.qualifier == 0
}

#[inline]
fn sense(response: &FcpResponse) -> &[u8] {
    &response.sense[..usize::from(response.sense_len).min(SENSE_BYTES)]
}

/// The response: in the entry if it fits, else from memory.
#[inline]
fn status(exchange: &Exchange, handle: u32, response: &FcpResponse, buffer: Buffer<'_>) -> Ctio7 {
    let info = [0, 0, 0, response.code.unwrap_or_default(), 0, 0, 0, 0];
    let info: &[u8] = if response.code.is_some() { &info } else { &[] };
    let sense = sense(response);
    // Response info and sense together would be read as neither.
    let fits = sense.len() <= CTIO_INLINE_BYTES && (info.is_empty() || sense.is_empty());
    if !fits || response.qualifier != 0 {
        return indirect(exchange, handle, response, buffer);
    }
    let mut ctio = head(exchange, handle, CtioFlags(0).with_send_status(true).with_mode_1(true));
    set_status(&mut ctio, response);
    if info.is_empty() && sense.is_empty() { ctio } else { ctio.with_inline(info, sense) }
}

/// Mode 2: FCP_RSP as it is on the link.
#[cold]
fn indirect(exchange: &Exchange, handle: u32, response: &FcpResponse, buffer: Buffer<'_>) -> Ctio7 {
    let mut bytes = [0; RESPONSE_BYTES];
    let residual = match response.residual {
        Residual::None => fcp::Residual::None,
        Residual::Under(bytes) => fcp::Residual::Under(bytes),
        Residual::Over(bytes) => fcp::Residual::Over(bytes),
    };
    let (status, qualifier, code) = (response.status, response.qualifier, response.code.map(RspCode));
    let rsp = Rsp { status, qualifier, residual, code, sense: sense(response), ..Rsp::default() };
    let length = rsp.write(&mut bytes).expect("the longest response has room");
    let mut ctio = head(exchange, handle, CtioFlags(0).with_send_status(true).with_mode_2(true));
    set_status(&mut ctio, response);
    ctio.dseg_count.set(1);
    ctio.transfer_length.set(length as u32);
    ctio.dsd = [Dsd64::new(buffer.put(&bytes[..length]), length as u32)];
    ctio
}

/// Ends the exchange without a response. It is of either protocol.
pub(super) fn terminate(exchange: &Exchange, handle: u32) -> Built {
    let flags = CtioFlags(0).with_mode_1(true).with_terminate(true);
    let mut ctio = head(exchange, handle, flags);
    ctio.nport_handle.set(NPORT_UNRECOGNISED);
    Built::Fcp(ctio)
}

/// What answers a command for which there is no exchange of a lane. Nobody waits for the completion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    /// [`NPORT_UNRECOGNISED`] without a session.
    pub handle: u16,
    pub vp: u8,
    pub peer: PortId,
    pub exchange: u32,
    pub ox_id: u16,
    pub attribute: u8,
}

impl Refused {
    fn head(self, flags: CtioFlags) -> Ctio7 {
        let mut ctio = Ctio7::new();
        ctio.handle.set(super::exchange::NO_COMPLETION);
        ctio.nport_handle.set(self.handle);
        ctio.timeout.set(TIMEOUT);
        ctio.vp_index = self.vp;
        ctio.initiator_id = LeId::new(self.peer);
        ctio.exchange_address.set(self.exchange);
        ctio.flags.set(flags.with_attribute(self.attribute).0);
        ctio.ox_id.set(self.ox_id);
        ctio
    }

    /// BUSY or TASK SET FULL; `expected` bytes (FCP_DL) were not moved.
    pub fn status(self, status: u8, expected: u32) -> Entry {
        let flags = CtioFlags(0).with_mode_1(true).with_send_status(true).with_no_completion(true);
        let mut ctio = self.head(flags);
        let residual = if expected == 0 { Residual::None } else { Residual::Under(expected) };
        let nothing = FcpResponse { status, qualifier: 0, residual, code: None, sense: [0; SENSE_BYTES], sense_len: 0 };
        set_status(&mut ctio, &nothing);
        *ctio.entry()
    }

    /// Ends the exchange without a response.
    pub fn terminate(self) -> Entry {
        let flags = CtioFlags(0).with_mode_1(true).with_terminate(true).with_no_completion(true);
        let mut ctio = self.head(flags);
        ctio.nport_handle.set(NPORT_UNRECOGNISED);
        *ctio.entry()
    }
}

/// A completion, or the request itself with what was wrong with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completion {
    pub handle: u32,
    /// `None`: the adapter did not understand the request.
    pub status: Option<CtioStatus>,
    /// The adapter has ended the exchange.
    pub terminated: bool,
    pub residual: u32,
}

impl Completion {
    /// Of an entry of the response queue; `None`: it is none of ours. The fields that count are at the same places for both
    /// protocols.
    #[inline]
    pub fn of(entry: &Entry) -> Option<Self> {
        use wire::isp::iocb::{Ctio7Completion, EntryHeader};
        let header = EntryHeader::of(entry);
        if !matches!(header.entry_type, EntryType::CTIO_7 | EntryType::CTIO_NVME) {
            return None;
        }
        let completion = Ctio7Completion::of(entry);
        let sound = header.entry_status == 0;
        Some(Self {
            handle: completion.handle.get(),
            status: sound.then(|| completion.status()),
            terminated: sound && completion.flags().terminate(),
            residual: completion.residual.get(),
        })
    }

    #[inline]
    pub fn is_success(&self) -> bool {
        self.status == Some(CtioStatus::SUCCESS)
    }
}
