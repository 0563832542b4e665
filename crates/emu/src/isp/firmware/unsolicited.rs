//! ELS that peers and the fabric send and that the firmware answers alone: all of them without target mode, the rest of them with it.
//! FC-LS-5, clause 4.

use super::core::Core;
use super::logins::State;
use super::ports::Stage;
use super::target::Came;
use wire::IntoBytes;
use wire::be::U32;
use wire::fc::ct::{self, CtHeader};
use wire::fc::els::{
    Adisc, Command, ExchangeId, LinkErrors, Login, LsAcc, Page, PageResponse, Pages, RecAcc, Reject, Request, RlsAcc,
    Rscn, RtvAcc, write_pages,
};
use wire::fc::{E_D_TOV_MS, FCtl, FrameHeader, PortId, R_A_TOV_MS, RCtl, Type, UNASSIGNED};
use wire::isp::iocb::{Purex, handles, unsolicited_group};
use wire::isp::mailbox::PortUpdate;

/// Most pages of a request that are looked at.
const PAGES: usize = 8;

/// Entries of the longest PUREX group.
const GROUP: usize = 70;

impl Core {
    /// An ELS request that the target has not taken.
    pub fn els_came(&mut self, came: Came, payload: &[u8]) {
        // An address that is nobody's here is not answered: so it would be on a wire.
        let Some(vp) = self.vp_of(came.local) else { return self.fc2.discard(came.xid) };
        if self.passes_up(payload) && self.pass_up(vp, came, payload) {
            return;
        }
        let request = match Request::parse(payload) {
            Ok(request) => request,
            Err(reject) => return self.reject(came.xid, reject),
        };
        match request {
            Request::Plogi(login) => self.plogi_came(vp, came, login),
            Request::Logo(_) => self.logo_came(vp, came),
            Request::Rscn(rscn) => self.rscn_came(vp, came, rscn),
            Request::Echo(bytes) => self.accept(came.xid, &[&LsAcc::PLAIN.to_bytes()[..], bytes].concat()),
            Request::Test => self.fc2.discard(came.xid),
            Request::Rtv => self.accept(came.xid, &RtvAcc::new(R_A_TOV_MS, E_D_TOV_MS).to_bytes()),
            Request::Rls(_) => self.link_errors(came),
            Request::Flogi(_) | Request::Fdisc(_) | Request::Scr(_) => self.reject(came.xid, Reject::UNSUPPORTED),
            of_peer => self.els_of_peer(vp, came, of_peer),
        }
    }

    /// What only a port may ask that is logged in.
    fn els_of_peer(&mut self, vp: u8, came: Came, request: Request<'_>) {
        let Some(login) = self.logins.at(vp, came.remote).filter(|login| login.is_up()).copied() else {
            return self.reject(came.xid, Reject::LOGIN_REQUIRED);
        };
        match request {
            Request::Prli(pages) => self.prli_came(vp, came, login.handle, pages),
            Request::Prlo(pages) | Request::Tprlo(pages) => self.prlo_came(vp, came, login.handle, pages),
            Request::Adisc(adisc) if adisc.port_name() == login.names.port => self.adisc_came(vp, came),
            Request::Adisc(_) => self.reject(came.xid, Reject::LOGIN_REQUIRED),
            Request::Pdisc(theirs) if theirs.port_name() == login.names.port => self.pdisc_came(vp, came),
            Request::Pdisc(_) => self.reject(came.xid, Reject::LOGIN_REQUIRED),
            Request::Rec(rec) => self.rec_came(came, rec),
            Request::Rrq(rrq) => self.rrq_came(came, rrq),
            _ => self.reject(came.xid, Reject::UNSUPPORTED),
        }
    }

    fn plogi_came(&mut self, vp: u8, came: Came, login: &Login) {
        match self.plogi_begin(vp, came, login) {
            Err(reject) => self.reject(came.xid, reject),
            Ok(handle) => {
                self.plogi_accept(vp, handle, came, login);
                self.port_update(vp, handle, PortUpdate::PLOGI_COMPLETE);
            }
        }
    }

    fn prli_came(&mut self, vp: u8, came: Came, handle: u16, pages: Pages<'_>) {
        let answers = self.prli_answers(pages);
        if self.prli_accept(vp, handle, came.xid, &answers) {
            self.port_update(vp, handle, PortUpdate::PRLI_COMPLETE);
        }
    }

    /// Process logout: the port stays logged in otherwise.
    fn prlo_came(&mut self, vp: u8, came: Came, handle: u16, pages: Pages<'_>) {
        let answers: Vec<Page> = pages.take(PAGES).map(|page| page.respond(PageResponse::EXECUTED, 0)).collect();
        let mut payload = [0; 4 + 20 * PAGES];
        let len = write_pages(&mut payload, Command::LS_ACC, &answers).unwrap_or(0);
        self.accept(came.xid, &payload[..len]);
        for fc4 in answers.iter().filter_map(|page| super::inbound::fc4_of(page.type_)) {
            if let Some(login) = self.logins.get_mut(vp, handle).filter(|login| login.speaks(fc4)) {
                login.states[fc4 as usize] = State::Plogi;
            }
            self.fc2.end_between(came.local, came.remote, Some(fc4));
        }
        self.port_update(vp, handle, PortUpdate::LOGGED_OUT);
    }

    /// A peer, the name server or the fabric logs us out.
    fn logo_came(&mut self, vp: u8, came: Came) {
        self.accept(came.xid, &LsAcc::PLAIN.to_bytes());
        if came.remote == PortId::FABRIC {
            return self.fabric_logo(vp);
        }
        let Some(handle) = self.logins.at(vp, came.remote).map(|login| login.handle) else { return };
        self.drop_login(vp, handle);
        self.port_update(vp, handle, PortUpdate::LOGGED_OUT);
    }

    /// The fabric wants the port to log in anew.
    fn fabric_logo(&mut self, vp: u8) {
        let again = Stage::Due(self.now + super::link_state::PAUSE);
        if vp == 0 {
            self.fabric_lost();
            self.ports[0].down(again);
            return;
        }
        self.drop_logins(vp);
        self.ports[usize::from(vp)].down(again);
        self.port_update(vp, wire::isp::mailbox::ALL_HANDLES, PortUpdate::LOGGED_OUT);
    }

    /// Changes in the fabric. Before the host knows of the link they say nothing to it: it looks at all ports then.
    fn rscn_came(&mut self, vp: u8, came: Came, rscn: Rscn<'_>) {
        self.accept(came.xid, &LsAcc::PLAIN.to_bytes());
        if self.link.told {
            rscn.pages().iter().for_each(|page| self.rscn_event(vp, page));
        }
    }

    fn link_errors(&mut self, came: Came) {
        let link_failures = U32::new(self.link.failures);
        let errors = LinkErrors { link_failures, ..LinkErrors::default() };
        self.accept(came.xid, &RlsAcc::new(errors).to_bytes());
    }

    fn adisc_came(&mut self, vp: u8, came: Came) {
        let Some(port) = self.port(vp) else { return };
        let accept = Adisc::new(Command::LS_ACC, port.names.port, port.names.node, port.id).to_bytes();
        self.accept(came.xid, &accept);
    }

    fn pdisc_came(&mut self, vp: u8, came: Came) {
        let Some(names) = self.port(vp).map(|port| port.names) else { return };
        let accept = Login::n_port(Command::LS_ACC, names.port, names.node, self.receive_size());
        self.accept(came.xid, &accept.to_bytes());
    }

    fn rec_came(&mut self, came: Came, rec: &ExchangeId) {
        match self.fc2.rec(came.local, came.remote, rec.originator(), rec.ox_id(), rec.rx_id()) {
            Some(found) => {
                let accept = RecAcc::new(rec, found.rx_id, found.responder, found.fc4_value, found.status);
                self.accept(came.xid, &accept.to_bytes());
            }
            None => self.reject(came.xid, Reject::INVALID_XID),
        }
    }

    fn rrq_came(&mut self, came: Came, rrq: &ExchangeId) {
        if self.fc2.rrq(came.local, came.remote, rrq.originator(), rrq.ox_id(), rrq.rx_id()) {
            self.accept(came.xid, &LsAcc::PLAIN.to_bytes());
        } else {
            self.reject(came.xid, Reject::INVALID_XID);
        }
    }

    /// A request that is neither ELS nor NVMe LS: CT requests and FCP link services (SRR) are rejected, the rest is dropped.
    pub fn unknown_came(&mut self, came: Came, r_ctl: RCtl, payload: &[u8]) {
        match (r_ctl, wire::parse::<CtHeader>(payload)) {
            (RCtl::FC4_LS_REQUEST, _) => self.reject(came.xid, Reject::UNSUPPORTED),
            (RCtl::UNSOLICITED_CONTROL, Some(header)) => {
                let reject = header.reject(ct::Reject::UNSUPPORTED);
                self.accept(came.xid, reject.as_bytes());
            }
            _ => self.fc2.discard(came.xid),
        }
    }

    /// Whether the host wants to answer an ELS itself.
    fn passes_up(&self, payload: &[u8]) -> bool {
        let Some(code) = payload.first().copied().map(usize::from) else { return false };
        self.options.purex && self.link.told && self.purex_map[code / 8] >> (code % 8) & 1 != 0
    }

    /// Passes an ELS to the host (PUREX), who answers it by an ELS pass-through. `false`: it is too long for that.
    fn pass_up(&mut self, vp: u8, came: Came, payload: &[u8]) -> bool {
        let handle = self.logins.at(vp, came.remote).map_or(handles::NONE, |login| login.handle);
        let frame = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, came.remote, came.local)
            .with_f_ctl(FCtl::REQUEST)
            .with_exchange(came.ox_id, UNASSIGNED);
        let mut purex = Purex { vp_index: vp, frame: (&frame).into(), ..Purex::new() };
        purex.nport_handle.set(handle);
        let mut group = [[0; 64]; GROUP];
        let Some(count) = unsolicited_group(purex.entry(), payload, &mut group) else { return false };
        let address = self.addresses.give(came.xid);
        Purex::of_mut(&mut group[0]).exchange_address.set(address);
        self.notify(group[..count].to_vec());
        true
    }
}
