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
    /// One key.
    pub fn take(&mut self, key: Identity, value: &str) -> Result<(), Refusal> {
        if value.len() > limits::VALUE {
            return Err(Refusal::protocol("a name or alias of more than 255 bytes"));
        }
        let named = matches!(key, Identity::InitiatorName | Identity::TargetName | Identity::SessionType);
        if self.closed && named {
            return Err(Refusal::protocol("a name or the session type after the first request"));
        }
        let again = match key {
            Identity::InitiatorName => self.initiator.replace(named_node(value)?).is_some(),
            Identity::TargetName => self.target.replace(named_node(value)?).is_some(),
            Identity::SessionType => self.discovery.replace(is_discovery(value)?).is_some(),
            Identity::InitiatorAlias => self.alias.replace(value.to_owned()).is_some(),
            Identity::NodeArchitecture => std::mem::replace(&mut self.architecture, true),
        };
        if again { Err(Refusal::protocol("an identity key twice")) } else { Ok(()) }
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
