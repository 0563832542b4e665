//! Who logs in and where to: the identity keys of a login (RFC 7143 sections 13.4 to 13.8, 13.21).

use super::refusal::Refusal;
use crate::keys::Identity;
use crate::{Status, limits, name};

/// What was declared so far.
#[derive(Debug, Default)]
pub struct Declared {
    /// InitiatorName, normalised.
    pub initiator: Option<String>,
    /// InitiatorAlias.
    pub alias: Option<String>,
    /// TargetName, normalised.
    pub target: Option<String>,
    /// SessionType: whether it is a discovery session.
    pub discovery: Option<bool>,
    architecture: bool,
    /// The first logical request is over: names and type cannot come any more.
    closed: bool,
}

impl Declared {
    /// One key. libiscsi repeats names, alias and type in the operational stage: the same value again says nothing new.
    pub fn take(&mut self, key: Identity, value: &str) -> Result<(), Refusal> {
        if value.len() > limits::VALUE {
            return Err(Refusal::protocol("a name or alias of more than 255 bytes"));
        }
        let closed = self.closed;
        let fits = match key {
            Identity::InitiatorName => keep(&mut self.initiator, named_node(value)?, closed),
            Identity::TargetName => keep(&mut self.target, named_node(value)?, closed),
            Identity::SessionType => keep(&mut self.discovery, is_discovery(value)?, closed),
            Identity::InitiatorAlias => keep(&mut self.alias, value.to_owned(), false),
            Identity::NodeArchitecture => !std::mem::replace(&mut self.architecture, true),
        };
        if fits { Ok(()) } else { Err(Refusal::protocol("an identity key twice, or after the first request")) }
    }

    /// The first logical request is over: what must be there?
    pub fn close(&mut self) -> Result<(), Refusal> {
        self.closed = true;
        if self.initiator.is_none() {
            return Err(Refusal::new(Status::MissingParameter, "no InitiatorName"));
        }
        if self.discovery != Some(true) && self.target.is_none() {
            return Err(Refusal::new(Status::MissingParameter, "no TargetName, and not a discovery session"));
        }
        Ok(())
    }
}

/// Puts a value where there is none yet; whether that may be. Once names are `closed` only the same value may come.
fn keep<T: PartialEq>(place: &mut Option<T>, value: T, closed: bool) -> bool {
    match place {
        Some(there) => *there == value,
        None if closed => false,
        None => {
            *place = Some(value);
            true
        }
    }
}

fn named_node(value: &str) -> Result<String, Refusal> {
    name::normalise(value).ok_or(Refusal::protocol("a name that is not iqn., eui. or naa. with what may follow"))
}

fn is_discovery(value: &str) -> Result<bool, Refusal> {
    match value {
        "Discovery" => Ok(true),
        "Normal" => Ok(false),
        _ => Err(Refusal::new(Status::SessionTypeNotSupported, "a session type that is neither Normal nor Discovery")),
    }
}
