//! PRLO and TPRLO as the one who is asked. FC-LS-5, 4.2.20 and 4.2.21.

use super::prli::fc4_of;
use crate::Xid;
use crate::node::{Core, PortKey, Role};
use wire::fc::PortId;
use wire::fc::els::{Command, Page, PageResponse, Pages, ThirdPartyPage, write_pages};

/// Most pages of a request that are looked at.
const PAGES: usize = 8;

impl Core {
    /// A peer logs out of a protocol, or of all that the pages name.
    pub(super) fn prlo_came(&mut self, xid: Xid, key: PortKey, remote: PortId, pages: Pages<'_>) {
        let answers: Vec<Page> = pages.take(PAGES).map(|page| self.prlo_page(key, remote, &page)).collect();
        self.answer_pages(xid, &answers);
    }

    fn prlo_page(&mut self, key: PortKey, remote: PortId, page: &Page) -> Page {
        let Some(fc4) = fc4_of(page.type_) else { return page.respond(PageResponse::INVALID_PAGE, 0) };
        let found = [Role::Served, Role::Ours].map(|role| self.sessions.find(key, remote, fc4, role).is_some());
        self.end_sessions(|session| session.port == key && session.info.peer_id == remote && session.info.fc4 == fc4);
        let logged_in = found.contains(&true);
        page.respond(if logged_in { PageResponse::EXECUTED } else { PageResponse::UNKNOWN_ASSOCIATOR }, 0)
    }

    /// A peer has others logged out: one port, or all (global).
    pub(super) fn tprlo_came(&mut self, xid: Xid, key: PortKey, remote: PortId, pages: Pages<'_>) {
        let answers: Vec<Page> = pages.take(PAGES).map(|page| self.tprlo_page(key, remote, &page)).collect();
        self.answer_pages(xid, &answers);
    }

    fn tprlo_page(&mut self, key: PortKey, remote: PortId, page: &Page) -> Page {
        let third = ThirdPartyPage::of(page);
        let whose = third.port_id().unwrap_or(remote);
        let Some(fc4) = fc4_of(page.type_) else { return page.respond(PageResponse::INVALID_PAGE, 0) };
        log::info!(
            "{remote} has {} logged out for {fc4:?}",
            if third.global() { "all".to_owned() } else { whose.to_string() }
        );
        self.end_sessions(|session| {
            let meant = third.global() || session.info.peer_id == whose;
            session.port == key && session.info.fc4 == fc4 && meant
        });
        page.respond(PageResponse::EXECUTED, page.params)
    }

    fn answer_pages(&mut self, xid: Xid, answers: &[Page]) {
        let mut payload = [0; 4 + 20 * PAGES];
        let len = write_pages(&mut payload, Command::LS_ACC, answers).expect("that many pages fit");
        self.answer_els(xid, &payload[..len]);
    }
}
