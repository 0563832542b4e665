//! What a CTIO says, and what is wrong with it.

use super::super::Entry;
use super::super::core::Core;
use super::super::data::{gather, listed, refusal, room, segments};
use super::table::{Name, Order, Table, Work, completion};
use super::{Target, assumptions};
use fc::{Fc4, FcpResponse, Residual, Response, SENSE_BYTES};
use pci::Bus;
use wire::fcnvme::Ersp;
use wire::fcp::{Residual as WireResidual, Rsp};
use wire::isp::iocb::{
    Ctio7, CtioFlags, CtioMode, CtioNvme, CtioStatus, Dsd64, EntryHeader, EntryStatus, EntryType, FcpStatus,
    NO_EXCHANGE, Transfer,
};

/// Most bytes of a response IU in the host's memory.
const RESPONSE_BYTES: usize = 512;

/// A DMA error: memory is not there.
pub(super) const FAULT: u8 = EntryStatus(0).with_dma_error(true).0;

impl Target {
    /// A CTIO of type 7 or NVMe.
    pub(super) fn ctio(&mut self, core: &mut Core, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let entry = entries[0];
        let Some(name) = self.command_of(&entry) else { return unknown(core, queue, &entry) };
        let work = match EntryHeader::of(&entry).entry_type {
            EntryType::CTIO_NVME => nvme(bus, entries),
            _ => scsi(bus, entries),
        };
        match work.and_then(|(work, segments)| self.fits(name, &entry, &work).map(|()| (work, segments))) {
            Err(status) => core.refuse(queue, &entry, status),
            Ok((work, segments)) => {
                let deadline = core.now + assumptions::data_timeout(Ctio7::of(&entry).timeout.get());
                self.order(core, bus, name, Order { queue, entry, work, segments, done: 0, deadline });
            }
        }
    }

    /// The command of a CTIO: by its exchange address; one that got none, by its initiator and that one's identifier.
    fn command_of(&self, entry: &Entry) -> Option<Name> {
        let ctio = Ctio7::of(entry);
        match ctio.exchange_address.get() {
            NO_EXCHANGE => {
                let nvme = EntryHeader::of(entry).entry_type == EntryType::CTIO_NVME;
                let ox_id = if nvme { CtioNvme::of(entry).ox_id.get() } else { ctio.ox_id.get() };
                self.unaddressed(ctio.initiator_id.port_id(), ox_id)
            }
            address => Some(Name::from(address)).filter(|name| self.table.contains(*name)),
        }
    }

    /// An exchange is ended by any kind of CTIO, and served by its own; one without address can only be ended.
    fn fits(&mut self, name: Name, entry: &Entry, work: &Work) -> Result<(), u8> {
        let kind = match EntryHeader::of(entry).entry_type {
            EntryType::CTIO_NVME => Fc4::Nvme,
            _ => Fc4::Fcp,
        };
        let same = self.table.get(name).is_some_and(|command| command.fc4 == kind);
        let ends = match work {
            Work::Terminate => return Ok(()),
            Work::Send(transfer, response) => transfer.length == 0 && response.is_some(),
            Work::Receive(_) => false,
        };
        (same && (ends || !Table::is_unaddressed(name))).then_some(()).ok_or(refusal::PARAMETER)
    }
}

/// There is no such exchange (any more).
fn unknown(core: &mut Core, queue: u16, entry: &Entry) {
    if !Ctio7::of(entry).flags().no_completion() {
        core.respond(queue, vec![completion(entry, CtioStatus::INVALID_RX_ID, true, 0)]);
    }
}

/// What is to be done, and where its data are.
type Parsed = Result<(Work, Vec<Dsd64>), u8>;

fn scsi(bus: &mut dyn Bus, entries: &[Entry]) -> Parsed {
    let ctio = Ctio7::of(&entries[0]);
    let flags = ctio.flags();
    if flags.terminate() {
        return Ok((Work::Terminate, Vec::new()));
    }
    match flags.mode().ok_or(refusal::PARAMETER)? {
        CtioMode::Data => {
            let response = fcp_response(ctio.scsi_status(), ctio.residual.get(), None, &[]);
            data(bus, entries, flags, ctio.transfer(), (&ctio.dsd, ctio.dseg_count.get()), response)
        }
        CtioMode::Inline => {
            only_status(flags)?;
            let (bytes, status) = (ctio.inline(), ctio.scsi_status());
            let (info, sense) = inline_lengths(ctio, status).ok_or(refusal::PARAMETER)?;
            let code = if info >= 4 { Some(bytes[3]) } else { None };
            let response = fcp_response(status, ctio.residual.get(), code, &bytes[info..info + sense]);
            Ok((answer(response), Vec::new()))
        }
        CtioMode::Indirect => {
            only_status(flags)?;
            let iu = response_iu(bus, entries, ctio.transfer_length.get(), (&ctio.dsd, ctio.dseg_count.get()))?;
            let rsp = Rsp::parse(&iu).ok_or(refusal::PARAMETER)?;
            Ok((answer(of_rsp(&rsp)), Vec::new()))
        }
    }
}

fn nvme(bus: &mut dyn Bus, entries: &[Entry]) -> Parsed {
    let ctio = CtioNvme::of(&entries[0]);
    let (flags, dsds) = (ctio.flags(), (&ctio.dsd, ctio.dseg_count.get()));
    if flags.terminate() {
        return Ok((Work::Terminate, Vec::new()));
    }
    match flags.mode().ok_or(refusal::PARAMETER)? {
        CtioMode::Data => data(bus, entries, flags, ctio.transfer(), dsds, Response::Nvme),
        CtioMode::Inline if flags.data_in() && flags.send_status() => {
            let segments = all_segments(bus, entries, flags, dsds)?;
            let length = assumptions::extended_data_length(&ctio.ersp(), room(&segments));
            let response = assumptions::extended_response(&ctio.ersp());
            Ok((Work::Send(Transfer { offset: 0, length }, Some(response)), segments))
        }
        CtioMode::Inline => {
            only_status(flags)?;
            Ok((answer(assumptions::extended_response(&ctio.ersp())), Vec::new()))
        }
        CtioMode::Indirect => {
            only_status(flags)?;
            let iu = response_iu(bus, entries, ctio.transfer_length.get(), dsds)?;
            if iu.len() == assumptions::RSP_BYTES {
                return Ok((answer(Response::Nvme), Vec::new()));
            }
            let ersp = Ersp::parse(&iu).ok_or(refusal::PARAMETER)?;
            let (result, rsn, transferred) = (ersp.result.0, ersp.rsn.get(), ersp.transferred.get());
            let cqe = iu[16..32].try_into().map_err(|_| refusal::PARAMETER)?;
            Ok((answer(Response::NvmeExtended { result, rsn, transferred, cqe }), Vec::new()))
        }
    }
}

/// A response without data.
fn answer(response: Response) -> Work {
    Work::Send(Transfer { offset: 0, length: 0 }, Some(response))
}

/// Status is all that it is about.
fn only_status(flags: CtioFlags) -> Result<(), u8> {
    let only = flags.send_status() && !flags.data_in() && !flags.data_out();
    only.then_some(()).ok_or(refusal::PARAMETER)
}

/// Mode 0: data, status, or both.
fn data(
    bus: &mut dyn Bus,
    entries: &[Entry],
    flags: CtioFlags,
    transfer: Transfer,
    dsds: (&[Dsd64; 1], u16),
    response: Response,
) -> Parsed {
    let response = flags.send_status().then_some(response);
    let work = match (flags.data_in(), flags.data_out()) {
        (true, false) => Work::Send(transfer, response),
        (false, true) if response.is_none() => Work::Receive(transfer),
        (false, false) if response.is_some() => {
            return Ok((Work::Send(Transfer { offset: 0, length: 0 }, response), Vec::new()));
        }
        _ => return Err(refusal::PARAMETER),
    };
    let segments = all_segments(bus, entries, flags, dsds)?;
    let sound = u64::from(transfer.length) <= room(&segments) && transfer.offset.checked_add(transfer.length).is_some();
    sound.then_some((work, segments)).ok_or(refusal::PARAMETER)
}

/// The segments of an IOCB, in it or in a list in memory.
fn all_segments(
    bus: &mut dyn Bus,
    entries: &[Entry],
    flags: CtioFlags,
    dsds: (&[Dsd64; 1], u16),
) -> Result<Vec<Dsd64>, u8> {
    if flags.list() { listed(bus, dsds.0[0]).map_err(|_| FAULT) } else { segments(dsds.0, entries, dsds.1) }
}

/// A response IU in the host's memory.
fn response_iu(bus: &mut dyn Bus, entries: &[Entry], length: u32, dsds: (&[Dsd64; 1], u16)) -> Result<Vec<u8>, u8> {
    let segments = segments(dsds.0, entries, dsds.1)?;
    let length = length as usize;
    if length > RESPONSE_BYTES || length as u64 > room(&segments) {
        return Err(refusal::PARAMETER);
    }
    let mut iu = vec![0; length];
    gather(bus, &segments, &mut iu).map_err(|_| FAULT)?;
    Ok(iu)
}

/// Bytes of response info and of sense of mode 1; `None`: more than there is room for.
fn inline_lengths(ctio: &Ctio7, status: FcpStatus) -> Option<(usize, usize)> {
    let info = if status.info() { usize::from(ctio.status_mode_1().response_length.get()) } else { 0 };
    let sense = if status.sense() { usize::from(ctio.sense_length.get()) } else { 0 };
    (info + sense <= wire::isp::iocb::CTIO_INLINE_BYTES).then_some((info, sense))
}

fn fcp_response(status: FcpStatus, residual: u32, code: Option<u8>, sense: &[u8]) -> Response {
    let residual = status.residual(residual);
    of_parts(status.status(), 0, residual, code, sense)
}

fn of_rsp(rsp: &Rsp<'_>) -> Response {
    of_parts(rsp.status, rsp.qualifier, rsp.residual, rsp.code.map(|code| code.0), rsp.sense)
}

fn of_parts(status: u8, qualifier: u16, residual: WireResidual, code: Option<u8>, sense: &[u8]) -> Response {
    let sense_len = sense.len().min(SENSE_BYTES);
    let mut bytes = [0; SENSE_BYTES];
    bytes[..sense_len].copy_from_slice(&sense[..sense_len]);
    let residual = match residual {
        WireResidual::None => Residual::None,
        WireResidual::Under(count) => Residual::Under(count),
        WireResidual::Over(count) => Residual::Over(count),
    };
    Response::Fcp(FcpResponse { status, qualifier, residual, code, sense: bytes, sense_len: sense_len as u8 })
}
