//! ABTS of peers: to the host, and its response back.
//!
//! ABTS of exchanges that are not open are answered by the exchange engine; the host does not hear of them.

use super::super::Entry;
use super::super::core::Core;
use super::Target;
use super::table::{Name, Table};
use fc::Xid;
use wire::fc::bls;
use wire::fc::{FCtl, FrameHeader, RCtl, Type, UNASSIGNED};
use wire::isp::iocb::{AbtsReceived, AbtsResponse, CompletionStatus, CtioStatus};

/// Start of frame, class 3, in bits 7:4.
const SOF: u8 = 3 << 4;

impl Target {
    /// The engine says that a command is aborted. If its login is gone, that is told elsewhere, for all of its commands.
    pub(super) fn abort_came(&mut self, core: &mut Core, xid: Xid, name: Name) {
        let Some(command) = self.table.get(name) else {
            let _ = core.fc2.terminate(xid);
            return;
        };
        if command.is_lost(core) {
            return;
        }
        command.aborted = true;
        command.drop_orders(core, usize::from(command.active), CtioStatus::ABORTED, false);
        if Table::is_unaddressed(name) {
            self.table.remove(core, name);
            let _ = core.fc2.terminate(xid);
            return;
        }
        let (came, vp, handle) = (command.came, command.vp, command.handle);
        let own = core.addresses.give(xid);
        self.aborts.insert(own, name);
        let found = core.fc2.rec(came.local, came.remote, came.remote, came.ox_id, UNASSIGNED);
        let f_ctl = FCtl::default().with_end_sequence(true).with_transfer_initiative(true);
        let frame = FrameHeader::new(RCtl::ABTS, Type::BLS, came.remote, came.local)
            .with_f_ctl(f_ctl)
            .with_exchange(came.ox_id, found.map_or(UNASSIGNED, |found| found.rx_id));
        let mut abts = AbtsReceived { vp_index: vp, sof: SOF, frame: (&frame).into(), ..AbtsReceived::new() };
        abts.nport_handle.set(handle);
        abts.exchange_address.set(own);
        abts.exchange_to_abort.set(name as u32);
        core.notify(vec![*abts.entry()]);
    }

    /// The host answers an ABTS.
    pub(super) fn abts_answered(&mut self, core: &mut Core, queue: u16, entry: &Entry) {
        let response = AbtsResponse::of(entry);
        let own = response.exchange_address.get();
        let mut done = *response;
        done.header.entry_count = 1;
        let Some(name) = self.aborts.get(&own).copied() else {
            done.comp_status.set(CompletionStatus::IOCB_ERROR.0);
            return core.respond(queue, vec![*done.entry()]);
        };
        if !self.answer_abts(core, name, response) {
            return core.respond(queue, vec![*response.not_terminated().entry()]);
        }
        self.aborts.remove(&own);
        core.addresses.take(own);
        done.comp_status.set(CompletionStatus::COMPLETE.0);
        core.respond(queue, vec![*done.entry()]);
    }

    /// `false`: BA_ACC must not go out, because the exchange is open still.
    fn answer_abts(&mut self, core: &mut Core, name: Name, response: &AbtsResponse) -> bool {
        // It ended with what was under way when the ABTS came, or with its login.
        let Some(command) = self.table.get(name) else { return true };
        let xid = command.came.xid;
        let ended = command.ended || response.control().terminate();
        if let Some(reject) = response.ba_rjt() {
            core.fc2.refuse_abort(xid, bls::Reason(reject.reason), bls::Explanation(reject.explanation));
            command.aborted = false;
        } else if !ended {
            return false;
        }
        if ended {
            self.table.remove(core, name);
            let _ = core.fc2.terminate(xid);
        }
        true
    }
}
