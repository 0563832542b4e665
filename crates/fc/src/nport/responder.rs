//! Extended link services as the one who is asked: who may ask what, and the short ones. FC-LS-5, 4.

use super::Stage;
use super::plogi::size_of;
use crate::Xid;
use crate::node::{Core, PortKey};
use wire::IntoBytes;
use wire::be::U32;
use wire::fc::ct::{self, CtHeader};
use wire::fc::els::{Adisc, Command, ExchangeId, LinkErrors, LsAcc, LsRjt, RecAcc, Reject, Request, RlsAcc, RtvAcc};
use wire::fc::{E_D_TOV_MS, PortId, R_A_TOV_MS, RCtl};

impl Core {
    /// An ELS request came.
    pub fn els_came(&mut self, xid: Xid, (local, remote): (PortId, PortId), payload: &[u8]) {
        let request = match Request::parse(payload) {
            Ok(request) => request,
            Err(reject) => return self.reject(xid, reject),
        };
        if let Request::Flogi(login) = request {
            return self.flogi_came(xid, remote, login);
        }
        if let Request::Plogi(login) = request
            && self.addressed_by_plogi(xid, (local, remote), login)
        {
            return;
        }
        // An address that is nobody's here is not answered: so it would be on a wire.
        let Some(key) = self.port_at(local).filter(|key| self.takes_logins(*key)) else {
            return self.fc2.discard(xid);
        };
        match request {
            Request::Plogi(login) => self.plogi_came(xid, key, remote, login),
            Request::Logo(_) => self.logo_came(xid, key, remote),
            Request::Rscn(rscn) => self.rscn_came(xid, key, rscn),
            Request::Echo(bytes) => self.echo(xid, bytes),
            Request::Test => self.fc2.discard(xid),
            Request::Rtv => self.answer_els(xid, &RtvAcc::new(R_A_TOV_MS, E_D_TOV_MS).to_bytes()),
            Request::Rls(_) => self.link_errors(xid),
            Request::Fdisc(_) | Request::Scr(_) => self.reject(xid, Reject::UNSUPPORTED),
            of_peer => self.els_of_peer(xid, key, remote, of_peer),
        }
    }

    /// What only a port may ask that is logged in.
    fn els_of_peer(&mut self, xid: Xid, key: PortKey, remote: PortId, request: Request<'_>) {
        if self.port(key).is_none_or(|port| !port.peers.contains_key(&remote)) {
            return self.reject(xid, Reject::LOGIN_REQUIRED);
        }
        match request {
            Request::Prli(pages) => self.prli_came(xid, key, remote, pages),
            Request::Prlo(pages) => self.prlo_came(xid, key, remote, pages),
            Request::Tprlo(pages) => self.tprlo_came(xid, key, remote, pages),
            Request::Pdisc(login) => self.pdisc_came(xid, key, remote, login),
            Request::Adisc(adisc) => self.adisc_came(xid, key, remote, adisc),
            Request::Rec(rec) => self.rec_came(xid, key, remote, rec),
            Request::Rrq(rrq) => self.rrq_came(xid, key, remote, rrq),
            _ => self.reject(xid, Reject::UNSUPPORTED),
        }
    }

    fn port_at(&self, id: PortId) -> Option<PortKey> {
        let mut ports = self.ports.iter().flatten();
        ports.find(|port| port.is_addressed() && port.id == id).map(|port| port.key)
    }

    /// Answers an ELS request with a payload of one frame.
    pub(super) fn answer_els(&mut self, xid: Xid, payload: &[u8]) {
        self.fc2.answer(xid, size_of(self.link.max_payload), payload);
    }

    /// Answers with LS_RJT.
    pub(super) fn reject(&mut self, xid: Xid, reject: Reject) {
        self.answer_els(xid, &LsRjt::new(reject).to_bytes());
    }

    fn echo(&mut self, xid: Xid, bytes: &[u8]) {
        let mut payload = LsAcc::PLAIN.to_bytes().to_vec();
        payload.extend_from_slice(bytes);
        self.answer_els(xid, &payload);
    }

    /// RLS: a link in software knows of failures only.
    fn link_errors(&mut self, xid: Xid) {
        let link_failures = U32::new(self.link.failures.min(u64::from(u32::MAX)) as u32);
        let errors = LinkErrors { link_failures, ..Default::default() };
        self.answer_els(xid, &RlsAcc::new(errors).to_bytes());
    }

    /// ADISC: who we are. A sender with other names than it logged in with has to log in anew.
    fn adisc_came(&mut self, xid: Xid, key: PortKey, remote: PortId, adisc: &Adisc) {
        let Some(port) = self.port(key) else { return self.fc2.discard(xid) };
        let (names, id) = (port.names, port.id);
        let theirs = port.peers.get(&remote).map(|peer| peer.names);
        let same = theirs.is_some_and(|own| own.port == adisc.port_name() && own.node == adisc.node_name());
        if !same {
            self.peer_gone(key, remote);
            return self.reject(xid, Reject::LOGIN_REQUIRED);
        }
        self.answer_els(xid, &Adisc::new(Command::LS_ACC, names.port, names.node, id).to_bytes());
    }

    fn rec_came(&mut self, xid: Xid, key: PortKey, remote: PortId, rec: &ExchangeId) {
        let Some(local) = self.port(key).map(|port| port.id) else { return self.fc2.discard(xid) };
        match self.fc2.rec(local, remote, rec.originator(), rec.ox_id(), rec.rx_id()) {
            Some(found) => {
                let status = found.status;
                let accept = RecAcc::new(rec, found.rx_id, found.responder, found.fc4_value, status);
                self.answer_els(xid, &accept.to_bytes());
            }
            None => self.reject(xid, Reject::INVALID_XID),
        }
    }

    fn rrq_came(&mut self, xid: Xid, key: PortKey, remote: PortId, rrq: &ExchangeId) {
        let Some(local) = self.port(key).map(|port| port.id) else { return self.fc2.discard(xid) };
        if self.fc2.rrq(local, remote, rrq.originator(), rrq.ox_id(), rrq.rx_id()) {
            self.answer_els(xid, &LsAcc::PLAIN.to_bytes());
        } else {
            self.reject(xid, Reject::INVALID_XID);
        }
    }

    /// A request that is neither ELS nor NVMe LS: CT requests and FCP link services (SRR) are rejected, the rest is dropped.
    pub fn unknown_came(&mut self, xid: Xid, r_ctl: RCtl, payload: &[u8]) {
        match (r_ctl, wire::parse::<CtHeader>(payload)) {
            (RCtl::FC4_LS_REQUEST, _) => self.reject(xid, Reject::UNSUPPORTED),
            (RCtl::UNSOLICITED_CONTROL, Some(header)) => {
                let reject = header.reject(ct::Reject::UNSUPPORTED);
                self.answer_els(xid, reject.as_bytes());
            }
            _ => self.fc2.discard(xid),
        }
    }

    /// Whether the stage is one in which the fabric may tell of changes.
    pub(super) fn is_online(&self, key: PortKey) -> bool {
        self.port(key).is_some_and(|port| port.stage == Stage::Online)
    }
}
