//! Logins that the owner of an initiator asked for: where the port is, PLOGI unless it is logged in, PRLI.

use super::link::no_answer;
use super::prli::initiator_page;
use super::{NPort, Stage, back_off};
use crate::fc2::{Failure, Payload};
use crate::node::{Core, NodeEvent, Peer, PortKey, Role, What};
use crate::{Fc4, Topology};
use ring::Tick;
use wire::fc::ct::{CtReply, Explanation, PortIdObject, Request, reply};
use wire::fc::els::{Command, Page, PageResponse, Pages, Reason, Refusal, Reject, accepted, write_pages};
use wire::fc::{PortId, ct};

/// How often a step of a login is tried.
const TRIES: u32 = 4;

/// How far a login is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginStep {
    /// Not begun, or to begin again.
    Begin,
    /// The name server is asked.
    Lookup,
    /// Waits for PLOGI with this port.
    Plogi(PortId),
    /// PRLI with this port.
    Prli(PortId),
}

/// A login that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    pub id: u32,
    pub peer: Peer,
    pub fc4: Fc4,
    pub step: LoginStep,
    pub attempts: u32,
    /// When to do the step; none while an answer is awaited.
    pub retry_at: Option<Tick>,
}

impl NPort {
    fn login(&mut self, id: u32) -> Option<&mut Login> {
        self.logins.iter_mut().find(|login| login.id == id)
    }
}

impl Core {
    /// Does the steps that are due.
    pub(super) fn logins_due(&mut self, key: PortKey) {
        let now = self.now;
        let Some(port) = self.port_mut(key) else { return };
        let due = port.logins.iter_mut().filter(|login| login.retry_at.is_some_and(|at| at <= now));
        let due: Vec<Login> = due
            .map(|login| {
                login.retry_at = None;
                *login
            })
            .collect();
        for login in due {
            match login.step {
                LoginStep::Prli(remote) => self.send_prli(key, login, remote),
                _ => self.begin_login(key, login),
            }
        }
    }

    fn begin_login(&mut self, key: PortKey, login: Login) {
        let Some(port) = self.port(key) else { return };
        if port.stage != Stage::Online {
            return self.login_failed(key, login.id, "the port is not online");
        }
        let known = match login.peer {
            Peer::Id(id) => Some(id),
            Peer::Name(name) if port.topology == Some(Topology::Fabric) => return self.look_up(key, login, name),
            Peer::Name(name) => port.address_of(name),
        };
        match known {
            Some(remote) => self.connect(key, login.id, remote),
            None => self.search_neighbours(key, login),
        }
    }

    fn look_up(&mut self, key: PortKey, login: Login, name: wire::fc::Wwn) {
        let question = super::directory::bytes_of(&Request::ByName(ct::Command::GID_PN, name));
        self.set_step(key, login.id, LoginStep::Lookup);
        if !self.directory(key, &question, What::Lookup { login: login.id }) {
            self.login_again(key, login.id, "no exchange is free");
        }
    }

    /// The name server's answer to where a name is.
    pub(super) fn looked_up(&mut self, key: PortKey, id: u32, result: Result<&Payload, Failure>) {
        match result.map(|payload| reply(payload.bytes())) {
            Ok(CtReply::Accept { body, .. }) => match wire::parse::<PortIdObject>(body) {
                Some(object) => self.connect(key, id, object.id()),
                None => self.login_again(key, id, "the name server's answer is too short"),
            },
            Ok(CtReply::Reject(reject)) if reject.explanation == Explanation::PORT_NAME => {
                self.login_failed(key, id, "the name server knows no port of that name");
            }
            Ok(CtReply::Reject(reject)) => self.login_again(key, id, &format!("name server: {reject}")),
            Ok(CtReply::Malformed) => self.login_again(key, id, "the name server's answer is no CT"),
            Err(failure) => self.login_again(key, id, &no_answer("name server", failure)),
        }
    }

    /// Without a name server: logs in with all neighbours to learn their names, and looks again in a while.
    fn search_neighbours(&mut self, key: PortKey, login: Login) {
        let Some(port) = self.port(key) else { return };
        let unknown = port.neighbours.iter().filter(|id| !port.peers.contains_key(id));
        let unknown: Vec<PortId> = unknown.copied().collect();
        unknown.into_iter().for_each(|id| self.dial(key, id));
        self.set_step(key, login.id, LoginStep::Begin);
        self.login_again(key, login.id, "no neighbour has that port name");
    }

    /// The port is at this address: PRLI if it is logged in, else PLOGI first.
    fn connect(&mut self, key: PortKey, id: u32, remote: PortId) {
        let Some(port) = self.port(key) else { return };
        if port.peers.contains_key(&remote) {
            return self.start_prli(key, id, remote);
        }
        self.set_step(key, id, LoginStep::Plogi(remote));
        self.dial(key, remote);
    }

    fn set_step(&mut self, key: PortKey, id: u32, step: LoginStep) {
        if let Some(login) = self.port_mut(key).and_then(|port| port.login(id)) {
            login.step = step;
        }
    }

    fn start_prli(&mut self, key: PortKey, id: u32, remote: PortId) {
        let Some(login) = self.port_mut(key).and_then(|port| port.login(id)) else { return };
        login.step = LoginStep::Prli(remote);
        let login = *login;
        self.send_prli(key, login, remote);
    }

    fn send_prli(&mut self, key: PortKey, login: Login, remote: PortId) {
        let mut payload = [0; 32];
        let len = write_pages(&mut payload, Command::PRLI, &[initiator_page(login.fc4)]).expect("a page fits");
        if !self.els(key, remote, &payload[..len], What::Prli { login: login.id, remote }) {
            self.login_again(key, login.id, "no exchange is free");
        }
    }

    pub(super) fn prli_answered(&mut self, key: PortKey, id: u32, remote: PortId, result: Result<&Payload, Failure>) {
        let Some(login) = self.port_mut(key).and_then(|port| port.login(id)).copied() else { return };
        if login.step != LoginStep::Prli(remote) {
            return;
        }
        let page = |bytes| Pages::parse(bytes)?.find(|page| page.type_ == super::directory::type_of(login.fc4));
        match result.map(|payload| accepted(payload.bytes()).map(page)) {
            // The port went away, for us, while its answer was on the way: from the beginning.
            Ok(Ok(Some(_))) if !self.port(key).is_some_and(|port| port.peers.contains_key(&remote)) => {
                self.set_step(key, id, LoginStep::Begin);
                self.login_again(key, id, "the port was logged out meanwhile");
            }
            Ok(Ok(Some(page))) => self.prli_accepted(key, login, remote, &page),
            Ok(Err(Refusal::Rejected(Reject::LOGIN_REQUIRED))) if login.attempts < TRIES => {
                // It has forgotten us: from the beginning.
                self.peer_gone(key, remote);
                if let Some(login) = self.port_mut(key).and_then(|port| port.login(id)) {
                    login.attempts += 1;
                }
                self.connect(key, id, remote);
            }
            Ok(Err(Refusal::Rejected(reject))) if reject.reason == Reason::LOGICAL_BUSY => {
                self.login_again(key, id, &format!("PRLI: {reject}"));
            }
            Ok(Err(Refusal::Rejected(reject))) => self.login_failed(key, id, &format!("PRLI: {reject}")),
            Ok(_) => self.login_failed(key, id, "PRLI is answered without a page of the protocol"),
            Err(failure) => self.login_again(key, id, &no_answer("PRLI", failure)),
        }
    }

    fn prli_accepted(&mut self, key: PortKey, login: Login, remote: PortId, page: &Page) {
        let target = match login.fc4 {
            Fc4::Fcp => page.fcp_params().target(),
            Fc4::Nvme => page.nvme_params().target(),
        };
        match page.response() {
            PageResponse::EXECUTED | PageResponse::CONDITIONAL if target => {
                if let Some(port) = self.port_mut(key) {
                    port.logins.retain(|other| other.id != login.id);
                }
                self.session_up(key, remote, login.fc4, Role::Ours, page.params);
            }
            PageResponse::EXECUTED | PageResponse::CONDITIONAL => {
                self.login_failed(key, login.id, "the port is no target");
            }
            PageResponse::NOT_INITIALIZED | PageResponse::NO_RESOURCES => {
                self.login_again(key, login.id, &format!("PRLI: {}", page.response()));
            }
            other => self.login_failed(key, login.id, &format!("PRLI: {other}")),
        }
    }

    fn login_again(&mut self, key: PortKey, id: u32, reason: &str) {
        let (now, timing) = (self.now, self.timing);
        let Some(login) = self.port_mut(key).and_then(|port| port.login(id)) else { return };
        login.attempts += 1;
        login.retry_at = Some(now + back_off(timing.retry, timing.retry_limit, login.attempts));
        if login.attempts >= TRIES {
            self.login_failed(key, id, reason);
        }
    }

    fn login_failed(&mut self, key: PortKey, id: u32, reason: &str) {
        let Some(port) = self.port_mut(key) else { return };
        let Some(place) = port.logins.iter().position(|login| login.id == id) else { return };
        let Login { peer, fc4, .. } = port.logins.remove(place);
        log::info!("{}: no {fc4:?} login with {peer:?}: {reason}", port.names);
        self.tell(NodeEvent::LoginFailed { port: key, peer, fc4, reason: reason.to_owned() });
    }

    /// All that are under way fail.
    pub(super) fn fail_logins(&mut self, key: PortKey, reason: &str) {
        let Some(port) = self.port(key) else { return };
        let ids: Vec<u32> = port.logins.iter().map(|login| login.id).collect();
        ids.into_iter().for_each(|id| self.login_failed(key, id, reason));
    }

    fn waiting_for(&self, key: PortKey, remote: PortId) -> Vec<u32> {
        let Some(port) = self.port(key) else { return Vec::new() };
        let waiting = port.logins.iter().filter(|login| login.step == LoginStep::Plogi(remote));
        waiting.map(|login| login.id).collect()
    }

    /// PLOGI with a port is done: who waited for it goes on.
    pub(super) fn logins_connected(&mut self, key: PortKey, remote: PortId) {
        let waiting = self.waiting_for(key, remote);
        waiting.into_iter().for_each(|id| self.start_prli(key, id, remote));
    }

    /// It failed: so does who waited for it.
    pub(super) fn logins_disconnected(&mut self, key: PortKey, remote: PortId, reason: &str) {
        let waiting = self.waiting_for(key, remote);
        waiting.into_iter().for_each(|id| self.login_failed(key, id, reason));
    }
}
