//! The machine behind [`Login`]: what is checked of a request, how its keys are handed out, when a stage is left.

use super::course::{Course, sort};
use super::identity::Declared;
use super::pdu::{Request, Response, Stage, flags};
use super::refusal::{self, Refusal};
use super::{Admission, Agreement, Peer, SessionKind, Step};
use crate::chap::verifier::Verifier;
use crate::directory::{Directory, Options, TargetInfo, Visitor};
use crate::negotiation::Negotiation;
use crate::terms::{Digest, Terms};
use crate::text::{self, Collector, Parts, Writer};
use crate::{Parameters, Status, limits};

/// What may happen to a login next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next request.
    Waiting,
    /// The port's word about the session.
    Admitting,
    /// Nothing.
    Over,
}

/// One login, until it is in the full feature phase or refused.
#[derive(Debug)]
pub struct Login {
    agreement: Agreement,
    options: Options,
    stat_sn: u32,
    state: State,
    /// The present stage; none before the first request.
    stage: Option<Stage>,
    rounds: u32,
    /// ITT of the last request.
    itt: u32,
    declared: Declared,
    course: Option<Course>,
    collector: Collector,
    parts: Parts,
    /// The text that goes with the last response.
    held: Vec<u8>,
    /// All that the stage is for is done.
    ready: bool,
    why: Option<Refusal>,
}

impl Login {
    /// A connection was accepted. `stat_sn` is the StatSN of the first response, any number.
    pub fn new(peer: Peer, options: Options, stat_sn: u32) -> Login {
        let agreement = Agreement {
            initiator: String::new(),
            initiator_alias: None,
            kind: SessionKind::Discovery,
            isid: [0; 6],
            tsih: 0,
            cid: 0,
            cmd_sn: 0,
            peer,
            user: None,
            parameters: Parameters::default(),
        };
        Login {
            agreement,
            options,
            stat_sn,
            state: State::Waiting,
            stage: None,
            rounds: 0,
            itt: 0,
            declared: Declared::default(),
            course: None,
            collector: Collector::default(),
            parts: Parts::default(),
            held: Vec::new(),
            ready: false,
            why: None,
        }
    }

    /// A login request came.
    pub fn request(&mut self, request: &Request<'_>, directory: &dyn Directory) -> Step {
        if self.state != State::Waiting {
            return Step::Close("a login request when none was due");
        }
        self.itt = request.itt;
        match self.round(request, directory) {
            Ok(step) => step,
            Err(refusal) => Step::Refuse(self.refuse(refusal)),
        }
    }

    /// Another opcode than a login request came: the answer (status 020Bh) before the connection is closed, or nothing if
    /// there was no login request yet that it could belong to.
    pub fn other_request(&mut self) -> Option<Response> {
        self.stage?;
        Some(self.refuse(Refusal::new(Status::InvalidDuringLogin, "another request than a login request")))
    }

    /// What was agreed so far; complete once [`Step::Admit`] was given.
    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// The session is there: the last response. The full feature phase begins when it has been sent; the next response's
    /// StatSN is [`Login::next_stat_sn`].
    pub fn admitted(&mut self, admission: Admission) -> Response {
        self.state = State::Over;
        let text = std::mem::take(&mut self.held);
        let stage = self.stage.unwrap_or(Stage::Operational);
        let mut response = self.response(flags(stage, Some(Stage::FullFeature), false), Status::Success, text);
        response.tsih = admission.tsih;
        response.exp_cmd_sn = admission.exp_cmd_sn;
        response.max_cmd_sn = admission.max_cmd_sn;
        response
    }

    /// The session cannot be had ([`Status::SessionDoesNotExist`], [`Status::TooManyConnections`], [`Status::OutOfResources`],
    /// ...): the response to send before the connection is closed.
    pub fn refused(&mut self, status: Status) -> Response {
        self.refuse(Refusal::new(status, "the session was not admitted"))
    }

    /// StatSN of the next response on this connection.
    pub fn next_stat_sn(&self) -> u32 {
        self.stat_sn
    }

    /// Why it was refused, in words for a log; never a secret.
    pub fn why(&self) -> Option<&str> {
        self.why.as_ref().map(|refusal| &*refusal.why)
    }

    fn refuse(&mut self, refusal: Refusal) -> Response {
        self.state = State::Over;
        let status = refusal.status;
        self.why = Some(refusal);
        self.response(0, status, Vec::new())
    }

    fn response(&mut self, flags: u8, status: Status, text: Vec<u8>) -> Response {
        let stat_sn = self.stat_sn;
        self.stat_sn = stat_sn.wrapping_add(1);
        let Agreement { isid, tsih, cmd_sn, .. } = self.agreement;
        let max_cmd_sn = cmd_sn.wrapping_add(u32::from(self.options.queue_depth)).wrapping_sub(1);
        let (version_max, version_active, itt) = (0, 0, self.itt);
        let (exp_cmd_sn, status) = (cmd_sn, status.code());
        Response { flags, version_max, version_active, isid, tsih, itt, stat_sn, exp_cmd_sn, max_cmd_sn, status, text }
    }

    fn round(&mut self, request: &Request<'_>, directory: &dyn Directory) -> Result<Step, Refusal> {
        let stage = self.check(request)?;
        if self.parts.is_more() {
            if !request.text.is_empty() || request.is_continued() {
                return Err(Refusal::protocol("text from the initiator before the target had finished its own"));
            }
            return Ok(self.reply(stage, request));
        }
        let Some(whole) = self.collector.add(request.text, request.is_continued())? else {
            return Ok(Step::Send(self.response(flags(stage, None, false), Status::Success, Vec::new())));
        };
        let mut out = Writer::default();
        self.text(stage, &whole, directory, &mut out)?;
        self.ready = match request.next().filter(|_| request.is_transit()) {
            Some(next) => self.may_leave(stage, next, &mut out)?,
            None => false,
        };
        self.parts = Parts::new(out.finish());
        Ok(self.reply(stage, request))
    }

    /// The fields of a request; the stage that it is in.
    fn check(&mut self, request: &Request<'_>) -> Result<Stage, Refusal> {
        self.rounds += 1;
        if self.rounds > limits::ROUNDS {
            return Err(Refusal::protocol("too many login requests"));
        }
        if self.stage.is_none() {
            self.first(request)?;
        }
        let Agreement { isid, tsih, cid, .. } = self.agreement;
        if (request.isid, request.tsih, request.cid) != (isid, tsih, cid) {
            return Err(Refusal::protocol("ISID, TSIH or CID changed within the login"));
        }
        if !request.immediate {
            return Err(Refusal::protocol("a login request without the I bit"));
        }
        let stage = self.stage.filter(|&stage| request.current() == Some(stage));
        let stage = stage.ok_or(Refusal::protocol("CSG is not the stage that the login is in"))?;
        super::course::transition(request, stage)?;
        Ok(stage)
    }

    fn first(&mut self, request: &Request<'_>) -> Result<(), Refusal> {
        (self.agreement.isid, self.agreement.tsih) = (request.isid, request.tsih);
        (self.agreement.cid, self.agreement.cmd_sn) = (request.cid, request.cmd_sn);
        if request.version_min > 0 {
            self.stage = Some(Stage::Security);
            return Err(Refusal::new(Status::UnsupportedVersion, "Version-Min above 0"));
        }
        self.stage = Some(request.current().unwrap_or(Stage::FullFeature));
        if self.stage == Some(Stage::FullFeature) {
            return Err(Refusal::protocol("a CSG that is not a stage of login"));
        }
        Ok(())
    }

    /// One logical request.
    fn text(&mut self, stage: Stage, text: &[u8], directory: &dyn Directory, out: &mut Writer) -> Result<(), Refusal> {
        let sorted = sort(text::pairs(text)?, stage, out)?;
        for &(key, value) in &sorted.identity {
            self.declared.take(key, value)?;
        }
        if self.course.is_none() {
            self.course = Some(self.identify(directory, out)?);
        }
        self.agreement.initiator_alias.clone_from(&self.declared.alias);
        let Some(course) = &mut self.course else { return Ok(()) };
        course.hear(stage, sorted, directory, out)?;
        self.agreement.user = course.verifier.user().map(str::to_owned);
        self.agreement.parameters = *course.negotiation.parameters();
        Ok(())
    }

    /// It is known who logs in and where to.
    fn identify(&mut self, directory: &dyn Directory, out: &mut Writer) -> Result<Course, Refusal> {
        self.declared.close()?;
        let leading = self.agreement.tsih == 0;
        self.agreement.initiator = self.declared.initiator.clone().unwrap_or_default();
        let target = self.declared.target.clone().filter(|_| self.declared.discovery != Some(true));
        let Some(target) = target else {
            let policy = directory.discovery(&self.agreement.peer.portal);
            let negotiation = Negotiation::new(self.terms(&TargetInfo::default()), true, leading);
            return Ok(Course { verifier: Verifier::new(policy), negotiation, policy });
        };
        let info = directory.target(&target, &self.visitor())?;
        self.agreement.kind = SessionKind::Normal { target };
        if let Some(alias) = &info.alias {
            out.pair("TargetAlias", alias);
        }
        out.pair("TargetPortalGroupTag", &self.agreement.peer.portal.group.to_string());
        let negotiation = Negotiation::new(self.terms(&info), false, leading);
        Ok(Course { verifier: Verifier::new(info.auth), negotiation, policy: info.auth })
    }

    fn visitor(&self) -> Visitor<'_> {
        let Peer { address, portal } = self.agreement.peer;
        Visitor { initiator: &self.agreement.initiator, address, portal }
    }

    fn terms(&self, info: &TargetInfo) -> Terms {
        let digest = |insisted| if insisted { Digest::Always } else { Digest::RatherNone };
        Terms {
            options: self.options,
            header_digest: digest(info.header_digest),
            data_digest: digest(info.data_digest),
        }
    }

    /// The initiator wants to go on to `next`: whether we do.
    fn may_leave(&mut self, stage: Stage, next: Stage, out: &mut Writer) -> Result<bool, Refusal> {
        let Some(course) = &mut self.course else { return Ok(false) };
        if stage == Stage::Operational {
            return Ok(course.negotiation.insist(out)?);
        }
        if course.verifier.is_evaded() {
            return Err(refusal::evaded(course.policy.chap));
        }
        let suits = next == Stage::Operational || course.negotiation.defaults_suit();
        if course.verifier.is_done() && !suits {
            return Err(Refusal::protocol("the operational stage was left out, and the defaults do not do here"));
        }
        Ok(course.verifier.is_done())
    }

    /// The next part of the text, with the transition if all has been said.
    fn reply(&mut self, stage: Stage, request: &Request<'_>) -> Step {
        let (part, more) = self.parts.next(limits::LOGIN_SEGMENT);
        let next = request.next().filter(|_| request.is_transit() && self.ready && !more);
        if next == Some(Stage::FullFeature) {
            (self.held, self.state) = (part, State::Admitting);
            return Step::Admit;
        }
        self.stage = next.or(self.stage);
        Step::Send(self.response(flags(stage, next, more), Status::Success, part))
    }
}
