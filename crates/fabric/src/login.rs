//! The F_Port controller: FLOGI, FDISC, LOGO. FC-LS-5, clause 6.

use crate::directory::Object;
use crate::n_ports::NPort;
use crate::notices::Registration;
use crate::request::Asker;
use crate::services::Answer;
use crate::switch::Switch;
use ring::Tick;
use wire::fc::els::{Explanation, Login, Logo, LsAcc, Reason, Reject};
use wire::fc::{PortId, Type, Wwn};

/// Buffers that the switch says that it has for a port: what a ring takes before its owner has looked.
const BB_CREDIT: u16 = 64;

impl Switch {
    /// A fabric login: all that was logged in on this port before is not any more.
    pub(crate) fn flogi(&mut self, asker: &Asker, login: &Login, now: Tick) -> Answer {
        if asker.id != PortId::NONE && self.n_ports.place_of(asker.id).is_none() {
            return self.refuse(asker, login, Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_S_ID));
        }
        if let Err(reject) = self.check(asker, login) {
            return self.refuse(asker, login, reject);
        }
        for place in self.n_ports.on(asker.f_port) {
            self.log_out(place, now);
        }
        self.admit(asker, login, None, now)
    }

    /// A further port name on a port that is logged in (NPIV).
    pub(crate) fn fdisc(&mut self, asker: &Asker, login: &Login, now: Tick) -> Answer {
        let base = self.n_ports.iter().find(|(_, port)| port.f_port == asker.f_port && !port.is_virtual);
        let Some(base) = base.map(|(_, port)| port.id) else {
            return self.refuse(asker, login, Reject::LOGIN_REQUIRED);
        };
        if let Err(reject) = self.check(asker, login) {
            return self.refuse(asker, login, reject);
        }
        // The same virtual port again: it lost its login and says so this way.
        match self.n_ports.named(login.port_name()).map(|(place, port)| (place, port.is_virtual)) {
            Some((place, true)) => self.log_out(place, now),
            Some((_, false)) => return self.refuse(asker, login, TAKEN),
            None => {}
        }
        self.admit(asker, login, Some(base), now)
    }

    /// What a login must say, and that nobody else has its name.
    fn check(&self, asker: &Asker, login: &Login) -> Result<(), Reject> {
        if login.port_name() == Wwn::NONE {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_PORT_NAME));
        }
        if login.common.features().f_port() {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_COMMON_PARAMS));
        }
        if login.class3().is_none() {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::OPTIONS));
        }
        if login.receive_size().is_none() {
            return Err(Reject::new(Reason::LOGICAL_ERROR, Explanation::RECEIVE_SIZE));
        }
        match self.n_ports.named(login.port_name()) {
            Some((_, port)) if port.f_port != asker.f_port => Err(TAKEN),
            _ => Ok(()),
        }
    }

    fn admit(&mut self, asker: &Asker, login: &Login, beside: Option<PortId>, now: Tick) -> Answer {
        let (name, node, f_port) = (login.port_name(), login.node_name(), asker.f_port);
        let max_payload = login.receive_size().unwrap_or(256);
        let make = |id| NPort {
            id,
            name,
            node,
            f_port,
            max_payload,
            is_virtual: beside.is_some(),
            object: Object::default(),
            registration: Registration::default(),
        };
        let Some(place) = self.n_ports.add(name, beside, make) else {
            return self.refuse(asker, login, Reject::new(Reason::UNABLE, Explanation::INSUFFICIENT_RESOURCES));
        };
        self.logged_in(place, now);
        let id = self.n_ports.get(place).map_or(PortId::NONE, |port| port.id);
        log::info!(target: "fabric", "{}: {name} logged in at F_Port {f_port} as {id}", self.config.name);
        let (port_name, fabric_name) = (self.f_port_name(f_port), self.config.wwn);
        let Some(port) = self.port_mut(f_port) else { return Answer::Silence };
        port.counters.logins += 1;
        let accept = Login::fabric_accept(port_name, fabric_name, port.link.max_payload(), true).with_credit(BB_CREDIT);
        self.reply(asker, id, Type::ELS, &accept.to_bytes(), now);
        Answer::Silence
    }

    /// Says no, and in the log why and who is in the way.
    fn refuse(&mut self, asker: &Asker, login: &Login, reject: Reject) -> Answer {
        let (name, f_port) = (login.port_name(), asker.f_port);
        let holder = self.n_ports.named(name).filter(|_| reject == TAKEN).map(|(_, port)| (port.f_port, port.id));
        let link =
            |switch: &mut Self, number| switch.port_mut(number).map_or(String::new(), |port| port.link.describe());
        let here = link(self, f_port);
        let why = match holder {
            Some((number, id)) => {
                format!("the port name is in use at F_Port {number} ({}) with address {id}", link(self, number))
            }
            None => reject.to_string(),
        };
        log::warn!(target: "fabric", "{}: login of {name} at F_Port {f_port} ({here}) refused: {why}", self.config.name);
        if let Some(port) = self.port_mut(f_port) {
            port.counters.logins_refused += 1;
        }
        Answer::Reject(reject)
    }

    /// A port logs out with the fabric.
    pub(crate) fn logo(&mut self, asker: &Asker, logo: &Logo, now: Tick) -> Answer {
        let Some((place, _)) = self.n_ports.route(asker.id).filter(|(_, port)| port.name == logo.port_name()) else {
            return Answer::Reject(Reject::new(Reason::LOGICAL_ERROR, Explanation::INVALID_PORT_NAME));
        };
        self.reply(asker, asker.id, Type::ELS, &LsAcc::PLAIN.to_bytes(), now);
        self.log_out(place, now);
        Answer::Silence
    }
}

/// Somebody else has that port name.
const TAKEN: Reject = Reject::new(Reason::UNABLE, Explanation::INVALID_PORT_NAME);
