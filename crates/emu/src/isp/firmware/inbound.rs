//! Logins that peers begin: what both the firmware alone (initiator mode) and the target, by order of its host, do with them.

use super::core::Core;
use super::logins::{Login as Entry, State};
use super::target::Came;
use fc::{Fc4, Names, Xid};
use wire::fc::els::{
    Command, Explanation, FcpParams, Login, LsRjt, NvmeParams, Page, PageResponse, Pages, Reason, Reject, write_pages,
};
use wire::fc::{Type, Wwn};

/// Most pages of a request that are looked at; there are two protocols.
const PAGES: usize = 8;

/// The protocol of a page.
pub(crate) fn fc4_of(type_: Type) -> Option<Fc4> {
    match type_ {
        Type::FCP => Some(Fc4::Fcp),
        Type::NVME => Some(Fc4::Nvme),
        _ => None,
    }
}

impl Core {
    /// Answers an ELS with a payload of one frame. A stale exchange is ignored.
    pub fn accept(&mut self, xid: Xid, payload: &[u8]) {
        let size = self.receive_size();
        self.fc2.answer(xid, size, payload);
    }

    /// Answers with LS_RJT.
    pub fn reject(&mut self, xid: Xid, reject: Reject) {
        self.accept(xid, &LsRjt::new(reject).to_bytes());
    }

    /// A peer wants to log in: whether it may, and by which handle it is known from now on. What there is with it already stays
    /// until [`plogi_accept`](Self::plogi_accept).
    ///
    /// # Errors
    /// What to reject it with.
    pub fn plogi_begin(&mut self, vp: u8, came: Came, login: &Login) -> Result<u16, Reject> {
        let bad_name = Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_PORT_NAME);
        if login.port_name() == Wwn::NONE || came.remote.is_well_known() || came.remote == came.local {
            return Err(bad_name);
        }
        if self.ports.iter().any(|port| port.is_online() && port.names.port == login.port_name()) {
            return Err(bad_name);
        }
        if login.receive_size().is_none() {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::RECEIVE_SIZE));
        }
        if let Some(known) = self.logins.at(vp, came.remote) {
            return self.crossing(vp, known, login).map_or(Ok(known.handle), Err);
        }
        let none = Reject::new(Reason::UNABLE, Explanation::INSUFFICIENT_RESOURCES);
        let handle = self.logins.free_handle().ok_or(none)?;
        self.logins.hold(vp, handle, came.remote);
        Ok(handle)
    }

    /// Both sides sent a PLOGI: that of the larger port name counts (FC-LS-5, 6.5.2.3).
    fn crossing(&self, vp: u8, known: &Entry, login: &Login) -> Option<Reject> {
        let ours = self.port(vp)?.names.port;
        let crossed = known.states[0] == State::PlogiPending && ours > login.port_name();
        crossed.then_some(Reject::new(Reason::IN_PROGRESS, Explanation::IN_PROGRESS))
    }

    /// Accepts a PLOGI under the handle that it got: what there was with the peer before is over, at other addresses, too.
    /// If the handle belongs to somebody else meanwhile, the peer is told to try again.
    pub fn plogi_accept(&mut self, vp: u8, handle: u16, came: Came, login: &Login) {
        let Some(names) = self.port(vp).map(|port| port.names) else { return self.fc2.discard(came.xid) };
        if self.logins.holder(vp, handle).is_some_and(|holder| (holder.vp, holder.id) != (vp, came.remote)) {
            return self.reject(came.xid, Reject::new(Reason::LOGICAL_BUSY, Explanation::NONE));
        }
        self.logged_in(vp, handle, came.remote, login);
        let accept = Login::n_port(Command::LS_ACC, names.port, names.node, self.receive_size());
        self.accept(came.xid, &accept.to_bytes());
    }

    /// A PLOGI succeeded, whoever sent it. Ends what there was with that port, here and at other addresses.
    pub fn logged_in(&mut self, vp: u8, handle: u16, id: wire::fc::PortId, login: &Login) -> &mut Entry {
        if let Some(old) = self.logins.get(vp, handle).copied() {
            let was_up = old.is_up();
            if was_up {
                self.login_over(old);
            }
        }
        let name = login.port_name();
        while let Some(other) =
            self.logins.named(vp, name).filter(|other| other.handle != handle).map(|other| other.handle)
        {
            self.drop_login(vp, other);
        }
        let limit = self.receive_size();
        let entry = self.logins.hold(vp, handle, id);
        entry.names = Names { node: login.node_name(), port: name };
        entry.max_payload = login.receive_size().unwrap_or(limit).min(limit);
        entry.set_states(State::Plogi);
        entry
    }

    /// What the pages of a PRLI are answered with: what we are for each protocol, or that we are nothing.
    pub fn prli_answers(&self, pages: Pages<'_>) -> Vec<(Page, Page)> {
        pages.take(PAGES).map(|page| (page, self.prli_answer(&page))).collect()
    }

    fn prli_answer(&self, page: &Page) -> Page {
        let (target, initiator) = (self.options.target, self.options.initiator);
        let mut answer = *page;
        // No first burst, and none of the process associators.
        answer.word4 = page.word4.map(|_| 0);
        let params = match fc4_of(page.type_) {
            None => return answer.respond(PageResponse::INVALID_PAGE, 0),
            Some(Fc4::Fcp) => {
                FcpParams(0).with_target(target).with_initiator(initiator).with_read_xfer_rdy_disabled(true).0
            }
            Some(Fc4::Nvme) => NvmeParams(0).with_target(target).with_discovery(target).with_initiator(initiator).0,
        };
        answer.respond(PageResponse::EXECUTED, params)
    }

    /// Answers a PRLI and makes the login one for the protocols of its pages. `false`: all of them were refused.
    pub fn prli_accept(&mut self, vp: u8, handle: u16, xid: Xid, answers: &[(Page, Page)]) -> bool {
        let executed = |(_, answer): &(Page, Page)| answer.response() == PageResponse::EXECUTED;
        if !answers.iter().any(executed) {
            self.reject(xid, Reject::new(Reason::UNABLE, Explanation::UNSUPPORTED));
            return false;
        }
        let pages: Vec<Page> = answers.iter().map(|(_, answer)| *answer).collect();
        let mut payload = [0; 4 + 20 * PAGES];
        let len = write_pages(&mut payload, Command::LS_ACC, &pages).unwrap_or(0);
        self.accept(xid, &payload[..len]);
        for (page, _) in answers.iter().filter(|both| executed(both) && both.0.flags.establish_pair()) {
            self.image_pair(vp, handle, page);
        }
        true
    }

    /// A peer said by PRLI (or its accept) what it is for a protocol.
    pub fn image_pair(&mut self, vp: u8, handle: u16, page: &Page) {
        let (Some(fc4), Some(login)) = (fc4_of(page.type_), self.logins.get_mut(vp, handle)) else { return };
        login.states[fc4 as usize] = State::Prli;
        login.params[fc4 as usize] = page.params;
        if fc4 == Fc4::Nvme {
            login.first_burst = page.word4.unwrap_or(0) as u16;
        }
    }
}
