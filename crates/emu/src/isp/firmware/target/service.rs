//! NVMe link services of peers: to the host (PURLS), and its answer back (PT_LS4).

use super::super::Entry;
use super::super::core::Core;
use super::super::data::{gather, refusal, room, segments};
use super::{Came, Target, assumptions};
use fc::Fc4;
use pci::Bus;
use wire::fc::{FCtl, FrameHeader, RCtl, Type, UNASSIGNED};
use wire::isp::iocb::{CompletionStatus, LsOperation, PtLs4, PtLs4Received, unsolicited_group};

/// Entries of the longest group: a payload of 12 bits' length.
const GROUP: usize = 70;

/// Most bytes of an answer.
const ANSWER: u32 = 64 << 10;

/// A request that waits for the host.
pub(super) struct Service {
    came: Came,
    vp: u8,
    handle: u16,
}

impl Service {
    /// Whether it came by a login.
    pub fn is_of(&self, vp: u8, handle: u16) -> bool {
        (self.vp, self.handle) == (vp, handle)
    }
}

impl Target {
    /// A request goes to the host if its sender is logged in for NVMe.
    pub(super) fn service_came(&mut self, core: &mut Core, came: Came, payload: &[u8]) {
        let vp = core.vp_of(came.local).filter(|_| core.options.target);
        let login = vp.and_then(|vp| core.logins.at(vp, came.remote)).filter(|login| login.speaks(Fc4::Nvme));
        let Some((vp, handle)) = login.map(|login| (login.vp, login.handle)) else {
            return core.fc2.discard(came.xid);
        };
        let frame = FrameHeader::new(RCtl::FC4_LS_REQUEST, Type::NVME, came.remote, came.local)
            .with_f_ctl(FCtl::REQUEST)
            .with_exchange(came.ox_id, UNASSIGNED);
        let mut received = PtLs4Received { vp_index: vp, frame: (&frame).into(), ..PtLs4Received::new() };
        received.nport_handle.set(handle);
        let address = core.addresses.give(came.xid);
        received.exchange_address.set(address);
        let mut group = [[0; 64]; GROUP];
        let Some(count) = unsolicited_group(received.entry(), payload, &mut group) else {
            core.addresses.take(address);
            return core.fc2.discard(came.xid);
        };
        self.services.insert(address, Service { came, vp, handle });
        let entries = group[..count].to_vec();
        if assumptions::services_go_to_atio() { core.atio(entries) } else { core.notify(entries) }
    }

    /// The host answers a request, or drops it.
    pub(super) fn service_answered(&mut self, core: &mut Core, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let request = PtLs4::of(&entries[0]);
        let address = request.exchange_address.get();
        let Some(service) = self.services.get(&address) else {
            return complete(core, queue, request, CompletionStatus::PORT_LOGGED_OUT);
        };
        let xid = service.came.xid;
        match request.operation() {
            LsOperation::TERMINATE => core.fc2.discard(xid),
            LsOperation::RESPOND => match answer(bus, entries) {
                Ok(payload) => {
                    let largest = core.logins.get(service.vp, service.handle).map_or(256, |login| login.max_payload);
                    core.fc2.answer(xid, largest, &payload);
                }
                Err(Wrong::Entry(status)) => return core.refuse(queue, &entries[0], status),
                Err(Wrong::Memory) => return complete(core, queue, request, CompletionStatus::DMA_ERROR),
            },
            _ => return core.refuse(queue, &entries[0], refusal::PARAMETER),
        }
        self.services.remove(&address);
        core.addresses.take(address);
        complete(core, queue, request, CompletionStatus::COMPLETE);
    }
}

/// What is wrong with an answer.
enum Wrong {
    /// The entry; its status.
    Entry(u8),
    /// What it points to.
    Memory,
}

/// The payload of an answer.
fn answer(bus: &mut dyn Bus, entries: &[Entry]) -> Result<Vec<u8>, Wrong> {
    let request = PtLs4::of(&entries[0]);
    let segments = segments(&request.dsds, entries, request.tx_dseg_count.get()).map_err(Wrong::Entry)?;
    let length = request.tx_byte_count.get();
    if length == 0 || length > ANSWER || u64::from(length) > room(&segments) {
        return Err(Wrong::Entry(refusal::PARAMETER));
    }
    let mut payload = vec![0; length as usize];
    gather(bus, &segments, &mut payload).map_err(|_| Wrong::Memory)?;
    Ok(payload)
}

fn complete(core: &mut Core, queue: u16, request: &PtLs4, status: CompletionStatus) {
    let mut done = request.completed(status);
    done.header.entry_count = 1;
    core.respond(queue, vec![*done.entry()]);
}
