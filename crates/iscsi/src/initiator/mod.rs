//! A login from the initiator's side, with the same negotiation as the target's.
//!
//! ```text
//! let mut login = initiator::Login::new(ask);
//! send(login.start());
//! each login response:   match login.response(&response)
//!   Step::Send(request)     send it
//!   Step::Done(agreement)   full feature phase
//!   Step::Failed(why)       close
//! ```
//!
//! - Limits: offers every key that means something in its session; does not follow a redirection.

use crate::chap::prover::Prover;
use crate::keys::{self, Key, Kind};
use crate::limits;
use crate::login::{CONTINUE, Response, Stage, TRANSIT, flags};
use crate::negotiation::Negotiation;
use crate::terms::Terms;
use crate::text::{self, Collector, Pair, Parts, Writer};

mod types;

pub use crate::terms::Digest;
pub use types::{Ask, Failure, Outgoing, Session, Step};

use types::meaning;

/// One login.
#[derive(Debug)]
pub struct Login {
    ask: Ask,
    stage: Stage,
    prover: Prover,
    negotiation: Negotiation,
    collector: Collector,
    parts: Parts,
    offered: bool,
    rounds: u32,
    exp_stat_sn: Option<u32>,
    alias: Option<String>,
    portal_group: Option<u16>,
}

impl Login {
    /// Nothing was sent yet.
    pub fn new(ask: Ask) -> Login {
        let Ask { options, header_digest, data_digest, .. } = ask;
        let terms = Terms { options, header_digest, data_digest };
        let security = ask.security_stage || ask.proof.is_some();
        Login {
            stage: if security { Stage::Security } else { Stage::Operational },
            prover: Prover::new(ask.proof.clone()),
            negotiation: Negotiation::new(terms, ask.target.is_none(), ask.tsih == 0),
            collector: Collector::default(),
            parts: Parts::default(),
            offered: false,
            rounds: 0,
            exp_stat_sn: None,
            alias: None,
            portal_group: None,
            ask,
        }
    }

    /// The first request.
    pub fn start(&mut self) -> Outgoing {
        let mut out = Writer::default();
        out.pair("InitiatorName", &self.ask.initiator);
        // Normal is the default, and SPDK's target insists on being told.
        out.pair("SessionType", if self.ask.target.is_some() { "Normal" } else { "Discovery" });
        if let Some(target) = &self.ask.target {
            out.pair("TargetName", target);
        }
        if self.stage == Stage::Security {
            self.prover.offer(&mut out);
        }
        self.go_on(out)
    }

    /// A login response came.
    pub fn response(&mut self, response: &Response) -> Step {
        match self.round(response) {
            Ok(step) => step,
            Err(failure) => Step::Failed(failure),
        }
    }

    fn round(&mut self, response: &Response) -> Result<Step, Failure> {
        self.check(response)?;
        let more = response.flags & CONTINUE != 0;
        if self.parts.is_more() {
            return Ok(Step::Send(self.send()));
        }
        let whole = self.collector.add(&response.text, more).map_err(|why| violation(why.to_string()))?;
        let Some(whole) = whole else { return Ok(Step::Send(self.empty())) };
        let mut out = Writer::default();
        self.text(&whole, &mut out)?;
        if response.flags & TRANSIT != 0 && self.moved(response)? == Stage::FullFeature {
            return self.done(response);
        }
        Ok(Step::Send(self.go_on(out)))
    }

    fn check(&mut self, response: &Response) -> Result<(), Failure> {
        if response.status != 0 {
            return Err(Failure::Refused(response.status, meaning(response.status)));
        }
        self.rounds += 1;
        if self.rounds > limits::ROUNDS {
            return Err(violation("the target does not come to an end with the login"));
        }
        if self.exp_stat_sn.is_some_and(|expected| expected != response.stat_sn) {
            return Err(violation(format!("StatSN {} where {:?} was due", response.stat_sn, self.exp_stat_sn)));
        }
        self.exp_stat_sn = Some(response.stat_sn.wrapping_add(1));
        if Stage::of(response.flags >> 2) != Some(self.stage) || response.isid != self.ask.isid {
            return Err(violation("CSG or ISID of the response are not those of the request"));
        }
        Ok(())
    }

    /// The target let us go on: where to.
    fn moved(&mut self, response: &Response) -> Result<Stage, Failure> {
        let next = Stage::of(response.flags).filter(|&next| next == self.next());
        let next = next.ok_or_else(|| violation("NSG of the response is not what was asked for"))?;
        if self.stage == Stage::Security && !self.prover.is_done() {
            return Err(violation("the target goes on without having proved itself"));
        }
        self.stage = next;
        Ok(next)
    }

    fn text(&mut self, text: &[u8], out: &mut Writer) -> Result<(), Failure> {
        let pairs = text::pairs(text).map_err(|why| violation(why.to_string()))?;
        let (mut security, mut operational) = (Vec::new(), Vec::new());
        for Pair { key, value } in pairs {
            match keys::kind(key) {
                Kind::Security => security.push((key, value)),
                Kind::Operational(known) => operational.push((known, value)),
                _ => self.declared(key, value, out),
            }
        }
        if self.stage == Stage::Security {
            self.prover.receive(&security, out).map_err(violation)?;
        }
        self.operational(&mut operational, out)
    }

    fn operational(&mut self, keys: &mut [(&'static Key, &str)], out: &mut Writer) -> Result<(), Failure> {
        if self.stage == Stage::Security && !keys.is_empty() {
            return Err(violation("an operational key in the security stage"));
        }
        self.negotiation.receive(keys, out).map_err(|fault| violation(fault.to_string()))
    }

    fn declared(&mut self, key: &str, value: &str, out: &mut Writer) {
        match key {
            "TargetAlias" => self.alias = Some(value.to_owned()),
            "TargetPortalGroupTag" => self.portal_group = value.parse().ok(),
            "TargetAddress" => {}
            _ if value == "NotUnderstood" => {}
            _ => out.pair(key, "NotUnderstood"),
        }
    }

    /// The next request: what `out` has, and what the stage begins with.
    fn go_on(&mut self, mut out: Writer) -> Outgoing {
        if self.stage == Stage::Operational && !std::mem::replace(&mut self.offered, true) {
            self.negotiation.offer_all(&mut out);
            self.negotiation.declare(&mut out);
        }
        self.parts = Parts::new(out.finish());
        self.send()
    }

    fn send(&mut self) -> Outgoing {
        let (text, more) = self.parts.next(limits::LOGIN_SEGMENT);
        let ready = self.stage != Stage::Security || self.prover.may_leave();
        let next = (ready && !more).then(|| self.next());
        self.outgoing(flags(self.stage, next, more), text)
    }

    /// Asks for the next part of the target's text.
    fn empty(&self) -> Outgoing {
        let ready = self.stage != Stage::Security || self.prover.may_leave();
        self.outgoing(flags(self.stage, ready.then(|| self.next()), false), Vec::new())
    }

    fn outgoing(&self, flags: u8, text: Vec<u8>) -> Outgoing {
        let &Ask { isid, tsih, cid, cmd_sn, .. } = &self.ask;
        Outgoing { flags, isid, tsih, cid, cmd_sn, exp_stat_sn: self.exp_stat_sn.unwrap_or(0), text }
    }

    fn next(&self) -> Stage {
        if self.stage == Stage::Security { Stage::Operational } else { Stage::FullFeature }
    }

    fn done(&mut self, response: &Response) -> Result<Step, Failure> {
        if response.tsih == 0 {
            return Err(violation("the last response has no TSIH"));
        }
        if !self.negotiation.defaults_suit() {
            return Err(violation("the target did not agree to what is needed"));
        }
        Ok(Step::Done(Session {
            tsih: response.tsih,
            parameters: *self.negotiation.parameters(),
            alias: self.alias.take(),
            portal_group: self.portal_group,
            cmd_sn: response.exp_cmd_sn,
            max_cmd_sn: response.max_cmd_sn,
            exp_stat_sn: response.stat_sn.wrapping_add(1),
        }))
    }
}

fn violation(why: impl Into<String>) -> Failure {
    Failure::Violation(why.into())
}
