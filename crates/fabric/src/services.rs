//! What the switch itself answers: link services to its well-known addresses, and who of them does what.

use crate::directory::View;
use crate::request::{self, Asker};
use crate::switch::Switch;
use fc::Frame;
use ring::Tick;
use wire::fc::bls::BaAcc;
use wire::fc::ct::{CT_HEADER_BYTES, CtHeader, Reject as CtReject};
use wire::fc::els::{
    Adisc, Command, EventQualifier, Explanation, LinkErrors, Login, LsAcc, LsRjt, Reason, Reject, Request, RlsAcc,
    Rscn, RtvAcc, ScrFunction,
};
use wire::fc::{E_D_TOV_MS, FCtl, FrameHeader, MAX_PAYLOAD, PortId, R_A_TOV_MS, RCtl, Type, Wwn};

/// What an ELS is answered with.
pub(crate) enum Answer {
    Accept(Vec<u8>),
    Reject(Reject),
    /// TEST, and what has been answered already.
    Silence,
}

impl Answer {
    fn plain() -> Self {
        Self::Accept(LsAcc::PLAIN.to_bytes().into())
    }
}

impl Switch {
    /// Serves a frame to one of the switch's addresses. `false`: it makes no sense.
    pub(crate) fn serve_frame(&mut self, asker: Asker, frame: &Frame, now: Tick) -> bool {
        let header = frame.header();
        match (header.r_ctl, header.type_) {
            (RCtl::ELS_REQUEST, Type::ELS) => {
                if let Some(payload) = self.parts.take(asker, frame, now) {
                    self.counters.requests += 1;
                    self.serve_els(&asker, &payload, now);
                }
            }
            (RCtl::UNSOLICITED_CONTROL, Type::CT) => {
                if let Some(payload) = self.parts.take(asker, frame, now) {
                    self.counters.requests += 1;
                    return self.serve_ct(&asker, &payload, now);
                }
            }
            (RCtl::ELS_REPLY, Type::ELS) if asker.service == PortId::FABRIC_CONTROLLER => {
                if let Some(place) = self.n_ports.place_of(asker.id) {
                    self.notices.answered(&mut self.n_ports, place, asker.ox_id, now);
                }
            }
            (RCtl::ABTS, _) => self.accept_abort(&asker, header, now),
            // Answers to what we never asked, and basic accepts.
            (
                RCtl::ELS_REPLY | RCtl::SOLICITED_CONTROL | RCtl::BA_ACC | RCtl::BA_RJT | RCtl::P_RJT | RCtl::P_BSY,
                _,
            ) => {}
            _ => return false,
        }
        true
    }

    /// Nothing is kept of an exchange here, so there is nothing to recover.
    fn accept_abort(&mut self, asker: &Asker, header: &FrameHeader, now: Tick) {
        let reply = FrameHeader::new(RCtl::BA_ACC, Type::BLS, asker.service, asker.id)
            .with_exchange(header.ox_id(), header.rx_id())
            .with_sequence(header.seq_id, 0)
            .with_f_ctl(FCtl::REPLY);
        let payload = BaAcc::nothing_to_recover(header.ox_id(), header.rx_id()).to_bytes();
        let frame = request::frame(&mut self.frames, &reply, &payload);
        self.emit(asker.f_port, frame, now);
    }

    /// Sends an answer to `to`.
    pub(crate) fn reply(&mut self, asker: &Asker, to: PortId, type_: Type, payload: &[u8], now: Tick) {
        let link = self.port_mut(asker.f_port).map_or(MAX_PAYLOAD as u16, |port| port.link.max_payload());
        let size = self.n_ports.route(to).map_or(256, |(_, port)| port.max_payload).min(link);
        for frame in request::answer(&mut self.frames, asker, to, type_, size, payload) {
            self.emit(asker.f_port, frame, now);
        }
    }

    fn serve_els(&mut self, asker: &Asker, payload: &[u8], now: Tick) {
        let request = Request::parse(payload);
        let answer = match (asker.service, request) {
            (_, Err(reject)) => Answer::Reject(reject),
            (PortId::FABRIC, Ok(request)) => self.serve_f_port(asker, &request, now),
            (PortId::FABRIC_CONTROLLER, Ok(Request::Scr(function))) => self.register(asker, function),
            (PortId::FABRIC_CONTROLLER, Ok(Request::Rscn(rscn))) => self.pass_on(asker, rscn, now),
            (PortId::FABRIC_CONTROLLER | PortId::DIRECTORY | PortId::MANAGEMENT, Ok(request)) => {
                self.serve_any(asker, &request)
            }
            _ => Answer::Reject(Reject::UNSUPPORTED),
        };
        match answer {
            Answer::Accept(body) => self.reply(asker, asker.id, Type::ELS, &body, now),
            Answer::Reject(reject) => self.reject(asker, reject, now),
            Answer::Silence => {}
        }
    }

    fn reject(&mut self, asker: &Asker, reject: Reject, now: Tick) {
        self.counters.rejected += 1;
        self.reply(asker, asker.id, Type::ELS, &LsRjt::new(reject).to_bytes(), now);
    }

    fn serve_f_port(&mut self, asker: &Asker, request: &Request<'_>, now: Tick) -> Answer {
        match request {
            Request::Flogi(login) => self.flogi(asker, login, now),
            Request::Fdisc(login) => self.fdisc(asker, login, now),
            // Without an address only a login makes sense.
            _ if asker.id == PortId::NONE => Answer::Reject(Reject::LOGIN_REQUIRED),
            Request::Logo(logo) => self.logo(asker, logo, now),
            Request::Plogi(_) => Answer::Reject(Reject::UNSUPPORTED),
            request => self.serve_any(asker, request),
        }
    }

    /// What each of the services does for a port that is logged in with the fabric.
    fn serve_any(&mut self, asker: &Asker, request: &Request<'_>) -> Answer {
        let (name, node) = (self.service_name(asker.service), self.config.wwn);
        match request {
            Request::Plogi(_) | Request::Pdisc(_) => {
                Answer::Accept(Login::n_port(Command::LS_ACC, name, node, MAX_PAYLOAD as u16).to_bytes().into())
            }
            Request::Logo(_) | Request::Rrq(_) => Answer::plain(),
            Request::Adisc(_) => {
                Answer::Accept(Adisc::new(Command::LS_ACC, name, node, asker.service).to_bytes().into())
            }
            Request::Rtv => Answer::Accept(RtvAcc::new(R_A_TOV_MS, E_D_TOV_MS).to_bytes().into()),
            Request::Rls(_) => Answer::Accept(RlsAcc::new(self.link_errors(asker.f_port)).to_bytes().into()),
            Request::Echo(data) => Answer::Accept([&LsAcc::PLAIN.to_bytes()[..], data].concat()),
            Request::Rec(_) => Answer::Reject(Reject::INVALID_XID),
            Request::Test => Answer::Silence,
            _ => Answer::Reject(Reject::UNSUPPORTED),
        }
    }

    fn link_errors(&mut self, number: u16) -> LinkErrors {
        let downs = self.port_mut(number).map_or(0, |port| port.counters.link_downs);
        LinkErrors { link_failures: (downs.min(u64::from(u32::MAX)) as u32).into(), ..LinkErrors::default() }
    }

    /// The port name of one of the switch's own addresses: as an F_Port's, with a number that no F_Port has.
    fn service_name(&self, service: PortId) -> Wwn {
        self.f_port_name(0xe00 | (service.0 & 0xff) as u16)
    }

    fn register(&mut self, asker: &Asker, function: ScrFunction) -> Answer {
        match self.n_ports.place_of(asker.id).and_then(|place| self.n_ports.get_mut(place)) {
            None => Answer::Reject(Reject::LOGIN_REQUIRED),
            Some(port) => match port.registration.register(function) {
                true => Answer::plain(),
                false => Answer::Reject(Reject::new(Reason::UNABLE, Explanation::NONE)),
            },
        }
    }

    /// An N_Port says that something about itself changed: those that see it hear of it. What it says of others is not passed on.
    fn pass_on(&mut self, asker: &Asker, rscn: Rscn<'_>, now: Tick) -> Answer {
        let own = rscn.pages().iter().any(|page| page.affects(asker.id));
        if let Some(place) = self.n_ports.place_of(asker.id).filter(|_| own) {
            self.notices.changed(&mut self.n_ports, &self.reach, place, EventQualifier::NONE, now);
        }
        Answer::plain()
    }

    /// Sends the RSCNs that are due.
    pub(crate) fn notify(&mut self, now: Tick) -> usize {
        let due = self.notices.due(&mut self.n_ports, now);
        for notice in &due {
            let header = FrameHeader::new(RCtl::ELS_REQUEST, Type::ELS, PortId::FABRIC_CONTROLLER, notice.to)
                .with_exchange(notice.ox_id, wire::fc::UNASSIGNED)
                .with_f_ctl(FCtl::REQUEST);
            let frame = request::frame(&mut self.frames, &header, &notice.payload);
            self.emit(notice.f_port, frame, now);
        }
        due.len()
    }

    fn serve_ct(&mut self, asker: &Asker, payload: &[u8], now: Tick) -> bool {
        let Some(header) = wire::parse::<CtHeader>(payload) else { return false };
        let Some(place) = self.n_ports.place_of(asker.id) else { return false };
        let (reply, changed) = match asker.service {
            PortId::DIRECTORY => {
                let (base, ports) = (self.config.wwn, &mut self.n_ports);
                let f_port_name = |number| crate::switch::f_port_name(base, number);
                let mut view = View { ports, reach: &self.reach, place, f_port_name: &f_port_name };
                view.answer(header, &payload[CT_HEADER_BYTES..])
            }
            // FDMI, the configuration server and the rest: each says that it is not here.
            _ => (header.reject(CtReject::UNSUPPORTED).to_bytes().into(), None),
        };
        if wire::parse::<CtHeader>(&reply).is_some_and(|reply| reply.command() == wire::fc::ct::Command::REJECT) {
            self.counters.rejected += 1;
        }
        self.reply(asker, asker.id, Type::CT, &reply, now);
        if let Some(place) = changed {
            self.notices.changed(&mut self.n_ports, &self.reach, place, EventQualifier::NAME_SERVER, now);
        }
        true
    }
}
