//! How the keys of a logical request are handed out, and what hears them once it is known who logs in and where to.

use super::pdu::{Request, Stage};
use super::refusal::{self, Refusal};
use crate::chap::verifier::Verifier;
use crate::keys::{self, Key, Kind};
use crate::negotiation::Negotiation;
use crate::text::{Pair, Writer};
use crate::{AuthPolicy, Directory};

/// What was decided when it was known who logs in and where to.
#[derive(Debug)]
pub struct Course {
    pub verifier: Verifier,
    pub negotiation: Negotiation,
    pub policy: AuthPolicy,
}

impl Course {
    /// The keys of a logical request that are not about identity.
    pub fn hear(
        &mut self,
        stage: Stage,
        mut keys: Sorted<'_>,
        directory: &dyn Directory,
        out: &mut Writer,
    ) -> Result<(), Refusal> {
        if stage == Stage::Security {
            return Ok(self.verifier.receive(&keys.security, directory, out)?);
        }
        if !self.verifier.is_done() {
            return Err(refusal::evaded(self.policy.chap));
        }
        self.negotiation.receive(&mut keys.operational, out)?;
        self.negotiation.declare(out);
        Ok(())
    }
}

/// The keys of a logical request by what they are about.
#[derive(Default)]
pub struct Sorted<'a> {
    pub identity: Vec<(keys::Identity, &'a str)>,
    pub security: Vec<(&'a str, &'a str)>,
    pub operational: Vec<(&'static Key, &'a str)>,
}

/// Sorts keys; what nobody knows is answered here.
pub fn sort<'a>(pairs: Vec<Pair<'a>>, stage: Stage, out: &mut Writer) -> Result<Sorted<'a>, Refusal> {
    let mut sorted = Sorted::default();
    for Pair { key, value } in pairs {
        match keys::kind(key) {
            Kind::Identity(identity) => sorted.identity.push((identity, value)),
            Kind::Security if stage == Stage::Security => sorted.security.push((key, value)),
            Kind::Operational(known) if stage == Stage::Operational => sorted.operational.push((known, value)),
            Kind::Security => return Err(Refusal::protocol("a security key outside the security stage")),
            Kind::Operational(_) | Kind::Obsolete(_) if stage == Stage::Security => {
                return Err(Refusal::protocol("an operational key in the security stage"));
            }
            Kind::Operational(_) => {}
            Kind::SendTargets => return Err(Refusal::protocol("SendTargets during login")),
            Kind::Targets => return Err(Refusal::protocol("a key that only a target sends")),
            Kind::Obsolete(answer) => out.pair(key, answer),
            Kind::Unknown if value == "NotUnderstood" => {}
            Kind::Unknown => out.pair(key, "NotUnderstood"),
        }
    }
    Ok(sorted)
}

/// T, C, CSG and NSG of a request against each other.
pub fn transition(request: &Request<'_>, stage: Stage) -> Result<(), Refusal> {
    if !request.is_transit() {
        return Ok(());
    }
    if request.is_continued() {
        return Err(Refusal::protocol("T and C in one request"));
    }
    match request.next() {
        Some(next) if next > stage => Ok(()),
        _ => Err(Refusal::protocol("NSG is not a stage after CSG")),
    }
}
