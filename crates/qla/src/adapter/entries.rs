//! Entries of the response and the ATIO queue: completions of our IOCBs, and what comes unasked.

use super::logins::Old;
use super::notify::Ack;
use super::{Adapter, ENTRIES};
use crate::intake::Verdict;
use crate::lane::{ToLane, lane_of};
use crate::ring::Group;
use wire::fc::PortId;
use wire::isp::iocb::{
    AbtsReceived, AbtsResponse, CtPassThrough, Entry, EntryHeader, EntryType, ImmediateNotify, LoginLogout, NotifyAck,
    ReportId, SKIP_HANDLE,
};

/// What an IOCB of ours is for.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Acknowledges a notify.
    Ack(Ack),
    /// Ends, without a frame, a login that a new one makes obsolete; then the new one is acknowledged.
    Relogin { ack: Ack, olds: Vec<Old> },
    /// Ends a login.
    Logout,
    /// PLOGI with the peer of a link without a fabric.
    Plogi { id: PortId },
    /// Asks the name server.
    Ct,
    /// Answers ABTS.
    Abts { abts: AbtsReceived, accept: bool, again: bool },
    /// A link service of NVMe, in this buffer.
    Ls { buffer: usize },
    /// Ends the exchange of a link service request.
    LsEnd,
    /// A virtual port goes.
    VpControl { vp: u8 },
}

impl What {
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Ack(_) => "the acknowledgement of a login service",
            Self::Relogin { .. } | Self::Logout => "a logout",
            Self::Plogi { .. } => "a login",
            Self::Ct => "a request to the name server",
            Self::Abts { .. } => "the answer to an abort",
            Self::Ls { .. } | Self::LsEnd => "an NVMe link service",
            Self::VpControl { .. } => "the end of a virtual port",
        }
    }
}

fn handle_of(entry: &Entry) -> u32 {
    u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]])
}

impl Adapter {
    /// Sends an IOCB of the control path; `seconds`: what the firmware itself is given for it.
    pub(super) fn send(&mut self, what: What, seconds: u64, build: impl FnOnce(u32) -> Entry) {
        let until = self.now + self.settings.timing.iocb + seconds * 1_000_000_000;
        match self.pending.insert(what, until) {
            Some(handle) => self.base.send(&build(handle)),
            // As many under way as never are: the firmware does not complete them.
            None => self.noted(crate::Fault::LostIocb { what: "a row of requests" }),
        }
    }

    /// Takes in the response queue; how much that was.
    pub(super) fn responses(&mut self) -> usize {
        for work in 0..ENTRIES {
            let Some(entry) = self.base.response.next() else { return work };
            self.response(&entry);
        }
        ENTRIES
    }

    fn response(&mut self, entry: &Entry) {
        let (header, handle) = (EntryHeader::of(entry), handle_of(entry));
        if is_unasked(header.entry_type) {
            return self.unasked(&Group::of(&[*entry]));
        }
        if let Some(lane) = lane_of(handle) {
            return self.lanes.push(lane.into(), ToLane::Completion(*entry));
        }
        if handle == SKIP_HANDLE {
            return;
        }
        if header.status().0 != 0 {
            return self.bad_entry(entry, header, handle);
        }
        let Some(what) = self.pending.remove(handle) else {
            self.counters.strays += 1;
            return;
        };
        self.completed(what, entry);
    }

    /// The firmware could not read an entry of ours. Busy: it comes back as it was, and goes again.
    fn bad_entry(&mut self, entry: &Entry, header: EntryHeader, handle: u32) {
        if header.status().busy() && header.status().0.count_ones() == 1 {
            let mut again = *entry;
            again[3] = 0;
            return self.base.send(&again);
        }
        self.counters.bad_entries += 1;
        let Some(what) = self.pending.remove(handle) else { return };
        log::error!("{}: the firmware refuses {}: {:?}", self.chip.address, what.describe(), header.status());
        self.refused(what);
    }

    fn completed(&mut self, what: What, entry: &Entry) {
        match what {
            What::Ack(ack) => self.acknowledged(&ack, NotifyAck::of(entry).status.get()),
            What::Relogin { ack, olds } => self.relogin(ack, olds),
            What::Logout => {}
            What::Plogi { id } => self.plogi_done(id, LoginLogout::of(entry)),
            What::Ct => self.ct_done(CtPassThrough::of(entry).comp_status()),
            What::Abts { abts, accept, again } => self.abts_answered(&abts, accept, again, AbtsResponse::of(entry)),
            What::Ls { buffer } => self.ls_done(buffer),
            What::LsEnd => {}
            What::VpControl { vp } => self.vp_gone(vp),
        }
    }

    /// An IOCB was not carried out.
    fn refused(&mut self, what: What) {
        match what {
            What::Ack(ack) => self.acknowledged(&ack, 0),
            What::Relogin { ack, olds } => self.relogin(ack, olds),
            What::Ct => self.ct_failed("the firmware refuses the request"),
            What::Ls { buffer } => self.ls_done(buffer),
            What::VpControl { vp } => self.vp_gone(vp),
            What::Logout | What::Plogi { .. } | What::Abts { .. } | What::LsEnd => {}
        }
    }

    /// Takes in the ATIO queue; how much that was.
    pub(super) fn atios(&mut self) -> usize {
        let mut group = std::mem::take(&mut self.group);
        let mut work = 0;
        while work < ENTRIES && self.base.atio.next(&mut group) {
            work += 1;
            if EntryHeader::of(group.first()).entry_type == EntryType::ATIO_7 {
                self.command(&group);
            } else {
                // What was completed before it came is taken in before it.
                self.responses();
                self.unasked(&group);
            }
        }
        self.group = group;
        self.intake.send_waiting(&mut self.base.request);
        work
    }

    fn command(&mut self, group: &Group) {
        let verdict = self.intake.command(group, &mut self.lanes.ends, &mut self.base.request);
        let Verdict::NoSession { peer, local } = verdict else { return };
        // The completion that makes the session may lie in the other queue.
        if self.responses() > 0 {
            let verdict = self.intake.command(group, &mut self.lanes.ends, &mut self.base.request);
            if !matches!(verdict, Verdict::NoSession { .. }) {
                return;
            }
        }
        self.command_without_session(group, local, peer);
    }

    /// What comes unasked, but commands.
    fn unasked(&mut self, group: &Group) {
        let entry = group.first();
        match EntryHeader::of(entry).entry_type {
            EntryType::IMMEDIATE_NOTIFY => self.notify(ImmediateNotify::of(entry)),
            EntryType::ABTS_RECEIVED => self.abts(AbtsReceived::of(entry)),
            EntryType::PT_LS4_RECEIVED => self.ls_request(group),
            EntryType::REPORT_ID => self.report_id(ReportId::of(entry)),
            EntryType::ATIO_7 => self.command(group),
            _ => self.counters.strays += 1,
        }
    }
}

/// Entries that are no completions, whichever queue they come by.
fn is_unasked(entry_type: EntryType) -> bool {
    matches!(
        entry_type,
        EntryType::IMMEDIATE_NOTIFY | EntryType::ABTS_RECEIVED | EntryType::PT_LS4_RECEIVED | EntryType::REPORT_ID
    )
}
