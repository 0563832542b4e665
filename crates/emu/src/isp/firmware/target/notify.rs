//! Logins of peers that the host decides on: each waits for its notify acknowledge.

use super::super::Entry;
use super::super::core::Core;
use super::super::inbound::fc4_of;
use super::super::logins::State;
use super::{Came, Target, assumptions};
use fc::Fc4;
use std::collections::HashMap;
use wire::fc::els::{Adisc, Command, Login, LsAcc, Page, PageResponse, Pages, Reject, Request, write_pages};
use wire::isp::iocb::{CtioStatus, ImmediateNotify, NOTIFY_ACK_SUCCESS, NotifyAck, NotifyStatus};

/// Most pages of a process logout.
const PAGES: usize = 8;

/// What a peer wants.
enum Wish {
    Plogi(Box<Login>),
    /// Pages and their answers.
    Prli(Vec<(Page, Page)>),
    Logo,
    /// PRLO or TPRLO with these pages.
    Prlo(Vec<Page>),
    Adisc,
    Pdisc,
}

/// An ELS that waits for the host.
struct Notice {
    came: Came,
    vp: u8,
    handle: u16,
    /// Of which link up it is.
    ups: u32,
    wish: Wish,
}

/// All of them.
#[derive(Default)]
pub(super) struct Notices {
    /// By exchange address.
    waiting: HashMap<u32, Notice>,
    /// Those that came before the host was told of the link, and of which link up they are.
    early: Vec<(u32, Came, Vec<u8>)>,
}

impl Target {
    /// `false`: the firmware answers it alone.
    pub(super) fn els_came(&mut self, core: &mut Core, came: Came, payload: &[u8]) -> bool {
        let (Some(vp), Ok(request)) = (core.vp_of(came.local), Request::parse(payload)) else { return false };
        if came.remote.is_well_known() || came.remote.is_domain_controller() {
            return false;
        }
        if !core.link.told {
            self.notices.early.push((core.link.ups, came, payload.to_vec()));
            return true;
        }
        if let Request::Plogi(login) = request {
            self.plogi(core, vp, came, login);
            return true;
        }
        let Some(login) = core.logins.at(vp, came.remote).filter(|login| login.is_up()) else { return false };
        let (handle, name) = (login.handle, login.names.port);
        let (command, wish) = match request {
            Request::Prli(pages) if core.options.prli_control => return self.prli(core, vp, came, handle, pages),
            Request::Logo(_) => (Command::LOGO, Wish::Logo),
            Request::Prlo(pages) => (Command::PRLO, Wish::Prlo(pages.take(PAGES).collect())),
            Request::Tprlo(pages) => (Command::TPRLO, Wish::Prlo(pages.take(PAGES).collect())),
            Request::Adisc(adisc) if adisc.port_name() == name => (Command::ADISC, Wish::Adisc),
            Request::Pdisc(pdisc) if pdisc.port_name() == name => (Command::PDISC, Wish::Pdisc),
            _ => return false,
        };
        match &wish {
            Wish::Logo => self.suspend(core, vp, came, handle),
            Wish::Prlo(pages) => pages.iter().filter_map(|page| fc4_of(page.type_)).for_each(|fc4| {
                self.process_over(core, vp, came, handle, fc4);
            }),
            _ => {}
        }
        self.tell(core, ImmediateNotify::new(), command, Notice { came, vp, handle, ups: core.link.ups, wish });
        true
    }

    fn plogi(&mut self, core: &mut Core, vp: u8, came: Came, login: &Login) {
        let handle = match core.plogi_begin(vp, came, login) {
            Ok(handle) => handle,
            Err(reject) => return core.reject(came.xid, reject),
        };
        self.suspend(core, vp, came, handle);
        let notify = ImmediateNotify {
            node_name: login.node_name().to_bytes(),
            port_name: login.port_name().to_bytes(),
            ..ImmediateNotify::new()
        };
        let wish = Wish::Plogi(Box::new(*login));
        self.tell(core, notify, Command::PLOGI, Notice { came, vp, handle, ups: core.link.ups, wish });
    }

    fn prli(&mut self, core: &mut Core, vp: u8, came: Came, handle: u16, pages: Pages<'_>) -> bool {
        let answers = core.prli_answers(pages);
        let executed = answers.iter().find(|(_, answer)| answer.response() == PageResponse::EXECUTED);
        let Some((page, _)) = executed else { return false };
        let notify = assumptions::notify_of_prli(ImmediateNotify::new(), page);
        let wish = Wish::Prli(answers);
        self.tell(core, notify, Command::PRLI, Notice { came, vp, handle, ups: core.link.ups, wish });
        true
    }

    /// What there is with a peer stops: it logs out, or in anew. Its handle stays until the host has acknowledged that.
    fn suspend(&mut self, core: &mut Core, vp: u8, came: Came, handle: u16) {
        let Some(login) = core.logins.get_mut(vp, handle).filter(|login| login.is_up()) else { return };
        login.set_states(State::Held);
        core.fc2.end_between(came.local, came.remote, None);
        self.end_commands(core, vp, handle, None, None);
    }

    /// A process login is over.
    fn process_over(&mut self, core: &mut Core, vp: u8, came: Came, handle: u16, fc4: Fc4) {
        let Some(login) = core.logins.get_mut(vp, handle).filter(|login| login.speaks(fc4)) else { return };
        login.states[fc4 as usize] = State::Plogi;
        core.fc2.end_between(came.local, came.remote, Some(fc4));
        self.end_commands(core, vp, handle, None, Some(fc4));
    }

    /// Notifies the host; what it says is done by [`acknowledged`](Self::acknowledged).
    fn tell(&mut self, core: &mut Core, mut notify: ImmediateNotify, command: Command, notice: Notice) {
        let address = core.addresses.give(notice.came.xid);
        notify.status.set(NotifyStatus::ELS.0);
        notify.status_subcode = command;
        notify.nport_handle.set(notice.handle);
        notify.exchange_address.set(address);
        notify.vp_index = notice.vp;
        notify.port_id = notice.came.remote.into();
        notify.ox_id.set(notice.came.ox_id);
        if let Some(login) = core.logins.get(notice.vp, notice.handle).filter(|_| command != Command::PLOGI) {
            notify.port_name = login.names.port.to_bytes();
        }
        self.notices.waiting.insert(address, notice);
        core.atio(vec![*notify.entry()]);
    }

    /// The host acknowledges a notify.
    pub(super) fn acknowledged(&mut self, core: &mut Core, queue: u16, entry: &Entry) {
        let ack = NotifyAck::of(entry);
        let address = ack.exchange_address.get();
        let notice = self.notices.waiting.remove(&address);
        let mut done = *ack;
        done.header.entry_count = 1;
        done.status.set(if notice.is_some() { NOTIFY_ACK_SUCCESS } else { CtioStatus::INVALID_RX_ID.0 });
        if let Some(notice) = notice {
            core.addresses.take(address);
            // With the link its exchange went.
            if notice.ups == core.link.ups && core.link.up {
                self.decided(core, notice, ack.flags().terminate());
            }
        }
        core.respond(queue, vec![*done.entry()]);
    }

    fn decided(&mut self, core: &mut Core, notice: Notice, refused: bool) {
        let Notice { came, vp, handle, wish, .. } = notice;
        if refused {
            core.reject(came.xid, assumptions::refused_by_host());
            if matches!(wish, Wish::Plogi(_) | Wish::Logo) {
                logged_out(core, vp, handle, came);
            }
            return;
        }
        match wish {
            // The host may have freed the handle meanwhile (implicit logout of what was before): it is taken again.
            Wish::Plogi(login) => core.plogi_accept(vp, handle, came, &login),
            Wish::Prli(answers) => self.prli_accepted(core, vp, handle, came, &answers),
            Wish::Logo => {
                core.accept(came.xid, &LsAcc::PLAIN.to_bytes());
                logged_out(core, vp, handle, came);
            }
            Wish::Prlo(pages) => {
                let pages: Vec<Page> = pages.iter().map(|page| page.respond(PageResponse::EXECUTED, 0)).collect();
                let mut payload = [0; 4 + 20 * PAGES];
                let length = write_pages(&mut payload, Command::LS_ACC, &pages).unwrap_or(0);
                core.accept(came.xid, &payload[..length]);
            }
            Wish::Adisc => {
                let Some(port) = core.port(vp) else { return };
                let accept = Adisc::new(Command::LS_ACC, port.names.port, port.names.node, port.id).to_bytes();
                core.accept(came.xid, &accept);
            }
            Wish::Pdisc => {
                let Some(names) = core.port(vp).map(|port| port.names) else { return };
                let accept = Login::n_port(Command::LS_ACC, names.port, names.node, core.receive_size());
                core.accept(came.xid, &accept.to_bytes());
            }
        }
    }

    fn prli_accepted(&mut self, core: &mut Core, vp: u8, handle: u16, came: Came, answers: &[(Page, Page)]) {
        let there = core.logins.get(vp, handle).is_some_and(|login| login.is_up() && login.id == came.remote);
        if !there {
            return core.reject(came.xid, Reject::LOGIN_REQUIRED);
        }
        for (page, _) in answers {
            if let Some(fc4) = fc4_of(page.type_).filter(|_| page.flags.establish_pair()) {
                self.process_over(core, vp, came, handle, fc4);
            }
        }
        core.prli_accept(vp, handle, came.xid, answers);
    }

    /// What came before the host was told of the link.
    pub(super) fn early_els(&mut self, core: &mut Core) -> usize {
        if !core.link.told || self.notices.early.is_empty() {
            return 0;
        }
        let early = std::mem::take(&mut self.notices.early);
        let count = early.len();
        let ups = core.link.ups;
        for (_, came, payload) in early.into_iter().filter(|early| early.0 == ups) {
            if !self.els_came(core, came, &payload) {
                core.els_came(came, &payload);
            }
        }
        count
    }
}

/// A peer's logout is acknowledged. Unless it has logged in again meanwhile, its handle is free.
fn logged_out(core: &mut Core, vp: u8, handle: u16, came: Came) {
    let same = core.logins.get(vp, handle).is_some_and(|login| login.id == came.remote && !login.is_up());
    if same {
        core.drop_login(vp, handle);
    }
}
