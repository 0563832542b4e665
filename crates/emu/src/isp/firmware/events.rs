//! What goes to the host without being asked for, and in which form.

use super::core::Core;
use super::{Entry, Output};
use fc::Names;
use wire::fc::PortId;
use wire::fc::els::{Reject, RscnPage};
use wire::isp::iocb::{ReportId, ReportIdStatus, Topology};
use wire::isp::mailbox::{ALL_HANDLES, Event, PortUpdate};

/// RIDA of a port that the fabric gave an address to (or not), with the names of the F_Port and of the fabric.
const FORMAT_FABRIC: u8 = 1;

impl Core {
    /// An entry for the response queue of a request queue.
    pub fn respond(&mut self, queue: u16, entries: Vec<Entry>) {
        self.outputs.push_back(Output::Response { queue, entries });
    }

    /// An entry for the ATIO queue.
    pub fn atio(&mut self, entries: Vec<Entry>) {
        self.outputs.push_back(Output::Atio { entries });
    }

    /// An entry that nobody asked for (RIDA, ABTS received, PUREX): to the base response queue, or to the ATIO queue if the host
    /// wants them there.
    pub fn notify(&mut self, entries: Vec<Entry>) {
        if self.options.move_to_atio { self.atio(entries) } else { self.respond(0, entries) }
    }

    /// Returns an IOCB with an entry status ([`super::data::refusal`]).
    pub fn refuse(&mut self, queue: u16, entry: &Entry, status: u8) {
        self.counters.refused += 1;
        let mut entry = *entry;
        (entry[1], entry[3]) = (1, status);
        self.respond(queue, vec![entry]);
    }

    /// An asynchronous event, with mailboxes 1 to 3.
    pub fn event(&mut self, event: Event, [one, two, three]: [u16; 3]) {
        self.outputs.push_back(Output::Event([event.0, one, two, three, 0, 0, 0, 0]));
    }

    /// A login of a virtual port (0: the physical one) changed, by no order of the host.
    pub fn port_update(&mut self, vp: u8, handle: u16, state: PortUpdate) {
        self.event(Event::PORT_UPDATE, [handle, state.0, u16::from(vp)]);
    }

    /// Logins of a port may begin. For the physical one this is about all ports.
    pub fn ports_update(&mut self, vp: u8) {
        let of = if vp == 0 { 0xff } else { u16::from(vp) };
        self.event(Event::PORT_UPDATE, [ALL_HANDLES, PortUpdate::PRLI_COMPLETE.0, of]);
    }

    /// A page of an RSCN.
    pub fn rscn_event(&mut self, vp: u8, page: &RscnPage) {
        let [domain, area, port] = page.port_id().to_bytes();
        let one = u16::from(page.format().0) << 8 | u16::from(domain);
        self.event(Event::RSCN, [one, u16::from(area) << 8 | u16::from(port), u16::from(vp)]);
    }

    /// A port has its address. `fabric`: names of the F_Port and of the fabric.
    pub fn report_id(&mut self, vp: u8, id: PortId, fabric: Names) {
        let report = ReportId {
            vp_acquired: 1,
            vp_setup: 1,
            vp_index: vp,
            port_id: id.into(),
            format: FORMAT_FABRIC,
            flags: Topology::F.0,
            port_name: fabric.port.to_bytes(),
            node_name: fabric.node.to_bytes(),
            ..ReportId::new()
        };
        self.notify(vec![*report.entry()]);
    }

    /// A virtual port has no address: the fabric's LS_RJT.
    pub fn report_no_id(&mut self, vp: u8, reject: Reject) {
        let report = ReportId {
            vp_setup: 1,
            vp_index: vp,
            status: ReportIdStatus::FAILED,
            format: FORMAT_FABRIC,
            vp_subcode: ReportIdStatus::FAILED.0,
            flags: Topology::F.0,
            ls_rjt_explanation: reject.explanation.0,
            ls_rjt_reason: reject.reason.0,
            ..ReportId::new()
        };
        self.notify(vec![*report.entry()]);
    }
}
