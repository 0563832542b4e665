//! Process login as the one who is asked, and what both sides say of themselves. FC-LS-5 (PRLI), FCP-4 6.3, FC-NVMe-2.

use crate::node::{Core, NodeEvent, Notice, PortKey, Role, Session};
use crate::{Fc4, SessionId, SessionInfo, Xid};
use wire::fc::els::{
    Command, Explanation, FcpParams, NvmeParams, Page, PageResponse, Pages, Reason, Reject, write_pages,
};
use wire::fc::{PortId, Type};

/// Most pages of a request that are looked at; there are two protocols.
const PAGES: usize = 8;

/// What our initiator says of itself.
pub(super) fn initiator_page(fc4: Fc4) -> Page {
    match fc4 {
        Fc4::Fcp => Page::fcp(FcpParams(0).with_initiator(true).with_read_xfer_rdy_disabled(true)),
        Fc4::Nvme => Page::nvme(NvmeParams(0).with_initiator(true), 0),
    }
}

pub(super) fn fc4_of(type_: Type) -> Option<Fc4> {
    match type_ {
        Type::FCP => Some(Fc4::Fcp),
        Type::NVME => Some(Fc4::Nvme),
        _ => None,
    }
}

/// The peer says that it sends commands.
fn is_initiator(page: &Page) -> bool {
    match page.type_ {
        Type::NVME => page.nvme_params().initiator(),
        _ => page.fcp_params().initiator(),
    }
}

impl Core {
    pub(super) fn prli_came(&mut self, xid: Xid, key: PortKey, remote: PortId, pages: Pages<'_>) {
        if self.port(key).is_none_or(|port| !port.peers.contains_key(&remote)) {
            return self.reject(xid, Reject::LOGIN_REQUIRED);
        }
        let asked: Vec<Page> = pages.take(PAGES).collect();
        let answers: Vec<Page> = asked.iter().map(|page| self.answer_page(key, page)).collect();
        if answers.iter().all(|page| page.response() != PageResponse::EXECUTED) {
            return self.reject(xid, Reject::new(Reason::UNABLE, Explanation::UNSUPPORTED));
        }
        let mut payload = [0; 4 + 20 * PAGES];
        let len = write_pages(&mut payload, Command::LS_ACC, &answers).expect("that many pages fit");
        self.answer_els(xid, &payload[..len]);
        for (page, answer) in asked.iter().zip(&answers) {
            let established = answer.response() == PageResponse::EXECUTED && page.flags.establish_pair();
            if let Some(fc4) = fc4_of(page.type_).filter(|_| established) {
                self.image_pair(key, remote, fc4, page);
            }
        }
    }

    /// A page's answer: what we are for that protocol, or that we are nothing.
    fn answer_page(&self, key: PortKey, page: &Page) -> Page {
        let Some(fc4) = fc4_of(page.type_) else { return page.respond(PageResponse::INVALID_PAGE, 0) };
        let offer = self.port(key).and_then(|port| port.offer(fc4));
        let initiator = self.initiator && self.serves.contains(&fc4);
        if offer.is_none() && !initiator {
            return page.respond(PageResponse::INVALID_PAGE, 0);
        }
        let target = offer.is_some();
        let params = match fc4 {
            Fc4::Fcp => {
                let params = FcpParams(0).with_target(target).with_initiator(initiator);
                params.with_read_xfer_rdy_disabled(true).with_rec(target).0
            }
            Fc4::Nvme => {
                let discovery = offer.is_some_and(|offer| offer.service.discovery);
                NvmeParams(0).with_target(target).with_initiator(initiator).with_discovery(discovery).0
            }
        };
        // No first burst, and none of the process associators.
        let mut answer = *page;
        answer.word4 = page.word4.map(|_| 0);
        answer.respond(PageResponse::EXECUTED, params)
    }

    /// The peer made an image pair: if it sends commands and we serve, there is a session, in place of an older one.
    fn image_pair(&mut self, key: PortKey, remote: PortId, fc4: Fc4, page: &Page) {
        if is_initiator(page) && self.offers(key, fc4) {
            self.session_up(key, remote, fc4, Role::Served, page.params);
        } else if let Some(old) = self.sessions.find(key, remote, fc4, Role::Served) {
            let old = old.info.id;
            self.end_session(old);
        }
    }

    /// A session is there.
    pub(super) fn session_up(&mut self, key: PortKey, remote: PortId, fc4: Fc4, role: Role, parameters: u32) {
        if let Some(old) = self.sessions.find(key, remote, fc4, role).map(|session| session.info.id) {
            self.end_session(old);
        }
        let id = self.sessions.next_id();
        let Some(port) = self.port_mut(key) else { return };
        let Some(peer) = port.peers.get(&remote).copied() else { return };
        port.changed = true;
        let (local, local_id) = (port.names, port.id);
        let info = SessionInfo { id, fc4, local, local_id, peer: peer.names, peer_id: remote, parameters };
        log::info!("{} ({remote}) logged in {} {local} for {fc4:?}", peer.names, preposition(role));
        let lanes = if role == Role::Served { self.lanes_for(key, fc4) } else { Vec::new() };
        let lane = lanes.first().copied().unwrap_or(0);
        self.sessions.insert(Session { info, port: key, role, lane, max_payload: peer.max_payload });
        match role {
            Role::Served => self.notices.push_back(Notice::Up { lanes, info }),
            Role::Ours => self.tell(NodeEvent::SessionUp { port: key, info }),
        }
    }

    /// The lanes that hear of a new session: one of FCP's in turn, all of NVMe's.
    fn lanes_for(&mut self, key: PortKey, fc4: Fc4) -> Vec<usize> {
        let Some(offer) = self.port_mut(key).and_then(|port| port.offers[fc4 as usize].as_mut()) else {
            return Vec::new();
        };
        match fc4 {
            Fc4::Nvme => offer.lanes.clone(),
            Fc4::Fcp => {
                let lane = offer.lanes[offer.next_lane % offer.lanes.len()];
                offer.next_lane = (offer.next_lane + 1) % offer.lanes.len();
                vec![lane]
            }
        }
    }

    /// A session is over on our side: its exchanges are aborted, and when all of that is told, its end is.
    pub fn end_session(&mut self, id: SessionId) {
        let Some(session) = self.sessions.remove(id) else { return };
        let Session { info, port: key, role, lane, .. } = session;
        self.drop_services(id);
        self.fc2.end_between(info.local_id, info.peer_id, Some(info.fc4));
        log::info!(
            "{} ({}) logged out {} {} for {:?}",
            info.peer,
            info.peer_id,
            preposition(role),
            info.local,
            info.fc4
        );
        if let Some(port) = self.port_mut(key) {
            port.changed = true;
        }
        match role {
            Role::Served => {
                let all = self.port(key).and_then(|port| port.offer(info.fc4)).map(|offer| offer.lanes.clone());
                let lanes = if info.fc4 == Fc4::Fcp { vec![lane] } else { all.unwrap_or_default() };
                self.notices.push_back(Notice::Down { lanes, session: id });
            }
            Role::Ours => self.tell(NodeEvent::SessionDown { port: key, session: id }),
        }
    }
}

/// Whose login it was.
const fn preposition(role: Role) -> &'static str {
    match role {
        Role::Served => "on",
        Role::Ours => "by",
    }
}
