//! Requests that the host builds: CT (29h), ELS (53h), NVMe LS (89h as originator).

use super::Entry;
use super::core::Core;
use super::data::{gather, refusal, room, scatter, segments};
use super::requests::{ELS, What};
use fc::Fc4;
use fc::fc2::{Failure, Payload};
use pci::Bus;
use ring::Tick;
use wire::fc::{PortId, RCtl, Type};
use wire::isp::iocb::{
    CompletionStatus, CtPassThrough, Dsd64, ElsOperation, ElsPassThrough, EntryHeader, EntryType, LsOperation, PtLs4,
};

const SECOND: Tick = 1_000_000_000;

/// When the host says nothing: twice R_A_TOV.
const PATIENCE: Tick = 20 * SECOND;

/// Most bytes of a request.
const MOST: u64 = 64 << 10;

/// R_CTL and type of the requests that are no ELS.
const CT: (RCtl, Type) = (RCtl::UNSOLICITED_CONTROL, Type::CT);
const LS: (RCtl, Type) = (RCtl::FC4_LS_REQUEST, Type::NVME);

/// A request of the host that is out.
pub(crate) struct Passed {
    entry: Entry,
    /// Where it came from.
    pub queue: u16,
    /// Where the reply goes.
    into: Vec<Dsd64>,
}

impl Passed {
    /// The host's handle: the same place in all of them.
    pub fn host_handle(&self) -> u32 {
        CtPassThrough::of(&self.entry).handle.get()
    }
}

fn timeout(seconds: u16) -> Tick {
    if seconds == 0 { PATIENCE } else { Tick::from(seconds) * SECOND }
}

/// Completion status of a request without a reply.
fn failed(failure: Failure) -> CompletionStatus {
    match failure {
        Failure::TimedOut => CompletionStatus::TIMEOUT,
        Failure::Aborted => CompletionStatus::ABORTED,
        Failure::LinkDown => CompletionStatus::PORT_LOGGED_OUT,
        Failure::Rejected => CompletionStatus::PORT_UNAVAILABLE,
        Failure::DataLost | Failure::Protocol => CompletionStatus::TRANSPORT,
    }
}

/// The entry as its completion. The status is at the same place in all of them; so is, but for NVMe, the count of bytes.
fn completed(entry: &Entry, status: CompletionStatus, bytes: usize) -> Entry {
    let mut done = CtPassThrough::of(entry).completed(status);
    (done.header.entry_count, done.header.entry_status) = (1, 0);
    if EntryHeader::of(entry).entry_type != EntryType::PT_LS4 {
        done.rsp_byte_count.set(bytes as u32);
    }
    *done.entry()
}

impl Core {
    /// CT to a service (or a port) that is logged in.
    pub fn ct(&mut self, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let iocb = *CtPassThrough::of(&entries[0]);
        let counts = (iocb.cmd_dsd_count.get(), iocb.rsp_dsd_count.get());
        let login = self.logins.get(iocb.vp_index, iocb.nport_handle.get());
        let remote = login.filter(|login| login.is_up()).map(|login| login.id);
        let order = (iocb.vp_index, remote, CT, timeout(iocb.timeout.get()));
        self.pass(bus, queue, entries, &iocb.dsds, counts, order);
    }

    /// An NVMe LS to a port that is logged in for NVMe.
    pub fn ls(&mut self, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let iocb = *PtLs4::of(&entries[0]);
        if iocb.operation() != LsOperation::ORIGINATE {
            return self.refuse(queue, &entries[0], refusal::PARAMETER);
        }
        let counts = (iocb.tx_dseg_count.get(), iocb.rx_dseg_count.get());
        let login = self.logins.get(iocb.vp_index, iocb.nport_handle.get());
        let remote = login.filter(|login| login.speaks(Fc4::Nvme)).map(|login| login.id);
        let order = (iocb.vp_index, remote, LS, timeout(iocb.timeout.get()));
        self.pass(bus, queue, entries, &iocb.dsds, counts, order);
    }

    fn pass(
        &mut self,
        bus: &mut dyn Bus,
        queue: u16,
        entries: &[Entry],
        first: &[Dsd64],
        (out, into): (u16, u16),
        order: (u8, Option<PortId>, (RCtl, Type), Tick),
    ) {
        let total = out.checked_add(into).filter(|_| out > 0).ok_or(refusal::PARAMETER);
        match total.and_then(|total| segments(first, entries, total)) {
            Err(status) => self.refuse(queue, &entries[0], status),
            Ok(mut all) => {
                let into = all.split_off(usize::from(out));
                self.send_passed(bus, Passed { entry: entries[0], queue, into }, &all, order);
            }
        }
    }

    /// Reads the request from the host's memory and sends it. The reply may go to the same memory.
    fn send_passed(
        &mut self,
        bus: &mut dyn Bus,
        passed: Passed,
        from: &[Dsd64],
        (vp, remote, kind, timeout): (u8, Option<PortId>, (RCtl, Type), Tick),
    ) {
        let (entry, queue) = (passed.entry, passed.queue);
        let local = self.port(vp).filter(|port| port.is_online()).map(|port| port.id);
        if !(1..=MOST).contains(&room(from)) {
            return self.refuse(queue, &entry, refusal::PARAMETER);
        }
        let Some((local, remote)) = local.zip(remote) else {
            return self.respond(queue, vec![completed(&entry, CompletionStatus::PORT_LOGGED_OUT, 0)]);
        };
        let mut payload = vec![0; room(from) as usize];
        if gather(bus, from, &mut payload).is_err() {
            self.counters.faults += 1;
            return self.respond(queue, vec![completed(&entry, CompletionStatus::DMA_ERROR, 0)]);
        }
        if !self.request((local, remote), kind, &payload, timeout, What::Passed(Box::new(passed))) {
            self.refuse(queue, &entry, refusal::BUSY);
        }
    }

    /// The reply to such a request, or why there is none.
    pub fn pass_answered(&mut self, bus: &mut dyn Bus, passed: &Passed, answer: Result<&Payload, Failure>) {
        let status = match answer {
            Err(failure) => (failed(failure), 0),
            Ok(payload) => self.deliver(bus, passed, payload.bytes()),
        };
        self.respond(passed.queue, vec![completed(&passed.entry, status.0, status.1)]);
    }

    fn deliver(&mut self, bus: &mut dyn Bus, passed: &Passed, reply: &[u8]) -> (CompletionStatus, usize) {
        let (room, len) = (room(&passed.into), reply.len() as u64);
        let is_ls = EntryHeader::of(&passed.entry).entry_type == EntryType::PT_LS4;
        if scatter(bus, &passed.into, reply).is_err() {
            self.counters.faults += 1;
            return (CompletionStatus::DMA_ERROR, 0);
        }
        let status = match len.cmp(&room) {
            std::cmp::Ordering::Greater => CompletionStatus::DATA_OVERRUN,
            // An initiator of NVMe takes nothing but 0; who asks for the length of other replies takes it from here.
            std::cmp::Ordering::Less if !is_ls => CompletionStatus::DATA_UNDERRUN,
            _ => CompletionStatus::COMPLETE,
        };
        (status, len.min(room) as usize)
    }

    /// ELS: a request of the host, or its answer to one that was passed up to it.
    pub fn els(&mut self, bus: &mut dyn Bus, queue: u16, entry: &Entry) {
        let iocb = *ElsPassThrough::of(entry);
        match iocb.operation() {
            ElsOperation::COMMAND => {
                let remote = Some(iocb.d_id.port_id()).filter(|id| *id != PortId::NONE);
                let into = if iocb.rx_dsd_count.get() > 0 { vec![iocb.rx] } else { Vec::new() };
                let order = (iocb.vp_index, remote, ELS, PATIENCE);
                self.send_passed(bus, Passed { entry: *entry, queue, into }, &[iocb.tx], order);
            }
            ElsOperation::ACCEPT | ElsOperation::REJECT | ElsOperation::TERMINATE => self.els_answer(bus, queue, &iocb),
            _ => self.refuse(queue, entry, refusal::PARAMETER),
        }
    }

    fn els_answer(&mut self, bus: &mut dyn Bus, queue: u16, iocb: &ElsPassThrough) {
        let len = u64::from(iocb.tx.length());
        let terminate = iocb.operation() == ElsOperation::TERMINATE;
        if !terminate && !(1..=MOST).contains(&len) {
            return self.refuse(queue, iocb.entry(), refusal::PARAMETER);
        }
        let Some(xid) = self.addresses.take(iocb.exchange_address.get()) else {
            return self.respond(queue, vec![completed(iocb.entry(), CompletionStatus::IOCB_ERROR, 0)]);
        };
        let mut payload = vec![0; len as usize];
        let status = if terminate {
            self.fc2.discard(xid);
            CompletionStatus::COMPLETE
        } else if gather(bus, &[iocb.tx], &mut payload).is_ok() {
            self.accept(xid, &payload);
            CompletionStatus::COMPLETE
        } else {
            self.fc2.discard(xid);
            CompletionStatus::DMA_ERROR
        };
        self.respond(queue, vec![completed(iocb.entry(), status, 0)]);
    }
}
