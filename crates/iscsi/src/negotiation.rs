//! The negotiation of operational keys, for either role (RFC 7143 section 6.2): offers are answered, answers checked.
//!
//! What was not offered stays at the standard's default. A target that cannot live with a default makes the offer itself
//! ([`Negotiation::insist`]). A key that was settled is not offered again in the same login.

use crate::keys::{Id, Key, OPERATIONAL, Rule, Set};
use crate::terms::{self, Terms, Value};
use crate::text::{self, Writer};
use crate::{Parameters, limits};

/// What ends a login with status 0200h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Offered again after it was settled.
    #[error("{0} was sent twice")]
    Again(&'static str),
    /// A declaration that no answer could refuse.
    #[error("{0} has a value that it cannot have")]
    Value(&'static str),
    /// An answer that does not follow from the offer.
    #[error("the answer to {0} does not follow from what was offered")]
    Answer(&'static str),
    /// Only for the leading connection.
    #[error("{0} may be sent on the first connection of a session only")]
    NotLeading(&'static str),
    /// The other side refused what is needed.
    #[error("{0} was refused, and is needed")]
    Needed(&'static str),
}

/// Values that are answers and never offers (section 6.2).
const CONSTANTS: [&str; 3] = ["NotUnderstood", "Irrelevant", "Reject"];

/// The negotiation of one login.
#[derive(Debug)]
pub struct Negotiation {
    /// A discovery session.
    discovery: bool,
    /// The session's first connection.
    leading: bool,
    terms: Terms,
    parameters: Parameters,
    /// Offered by us, not answered.
    open: Set,
    /// Answered, by either side.
    settled: Set,
    declared: bool,
}

impl Negotiation {
    /// Nothing was said yet.
    pub fn new(terms: Terms, discovery: bool, leading: bool) -> Negotiation {
        let (open, settled) = (Set::default(), Set::default());
        Negotiation { discovery, leading, terms, parameters: Parameters::default(), open, settled, declared: false }
    }

    /// What holds now.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The keys of one logical request or response; answers go to `out`.
    pub fn receive(&mut self, keys: &mut [(&'static Key, &str)], out: &mut Writer) -> Result<(), Fault> {
        keys.sort_by_key(|(key, _)| key.id as u8);
        keys.iter().try_for_each(|&(key, value)| self.one(key, value, out))
    }

    fn one(&mut self, key: &'static Key, value: &str, out: &mut Writer) -> Result<(), Fault> {
        if self.open.remove(key.id) {
            self.settled.insert(key.id);
            return self.answered(key, value);
        }
        if self.settled.has(key.id) {
            return Err(Fault::Again(key.name));
        }
        if key.leading && !self.leading {
            return Err(Fault::NotLeading(key.name));
        }
        self.settled.insert(key.id);
        match key.rule {
            Rule::Declared { least, greatest } => self.declaration(key, value, least, greatest),
            _ => {
                self.offered(key, value, out);
                Ok(())
            }
        }
    }

    fn declaration(&mut self, key: &Key, value: &str, least: u32, greatest: u32) -> Result<(), Fault> {
        let number = within(value, least, greatest).ok_or(Fault::Value(key.name))?;
        terms::put(&mut self.parameters, key.id, Value::Number(number));
        Ok(())
    }

    fn offered(&mut self, key: &'static Key, value: &str, out: &mut Writer) {
        if CONSTANTS.contains(&value) {
            // An answer to something that was not offered: nothing follows from it.
            return;
        }
        if !self.is_relevant(key) {
            return out.pair(key.name, "Irrelevant");
        }
        match self.outcome(key, value) {
            Some(outcome) => {
                terms::put(&mut self.parameters, key.id, outcome);
                out.pair(key.name, &outcome.to_string());
            }
            None => out.pair(key.name, "Reject"),
        }
    }

    /// What follows from an offer; nothing if it cannot be taken.
    fn outcome(&self, key: &Key, value: &str) -> Option<Value> {
        let wish = self.terms.wish(key.id, &self.parameters);
        match (key.rule, wish) {
            (Rule::List, _) => {
                let ours = self.terms.words(key.id);
                text::list(value).find_map(|word| ours.iter().find(|&&our| our == word)).map(|word| Value::Word(word))
            }
            (Rule::Or, Value::Flag(our)) => Some(Value::Flag(text::boolean(value)? | our)),
            (Rule::And, Value::Flag(our)) => Some(Value::Flag(text::boolean(value)? & our)),
            (Rule::Lower { least, greatest }, Value::Number(our)) => {
                Some(Value::Number(within(value, least, greatest)?.min(our)))
            }
            (Rule::Higher { least, greatest }, Value::Number(our)) => {
                Some(Value::Number(within(value, least, greatest)?.max(our)))
            }
            _ => None,
        }
    }

    /// An answer to our offer.
    fn answered(&mut self, key: &'static Key, value: &str) -> Result<(), Fault> {
        if CONSTANTS.contains(&value) {
            return Ok(());
        }
        let outcome = self.read(key, value).ok_or(Fault::Answer(key.name))?;
        if !self.follows(key, outcome) {
            return Err(Fault::Answer(key.name));
        }
        terms::put(&mut self.parameters, key.id, outcome);
        Ok(())
    }

    fn read(&self, key: &Key, value: &str) -> Option<Value> {
        match key.rule {
            Rule::List => self.terms.words(key.id).iter().find(|&&our| our == value).map(|word| Value::Word(word)),
            Rule::Or | Rule::And => text::boolean(value).map(Value::Flag),
            Rule::Declared { least, greatest } | Rule::Lower { least, greatest } | Rule::Higher { least, greatest } => {
                within(value, least, greatest).map(Value::Number)
            }
        }
    }

    /// Whether a value can be the outcome of what we want and some wish of the other side.
    fn follows(&self, key: &Key, outcome: Value) -> bool {
        match (key.rule, outcome, self.terms.wish(key.id, &self.parameters)) {
            (Rule::List, Value::Word(word), _) => self.terms.words(key.id).contains(&word),
            (Rule::Or, Value::Flag(outcome), Value::Flag(our)) => outcome >= our,
            (Rule::And, Value::Flag(outcome), Value::Flag(our)) => outcome <= our,
            (Rule::Lower { .. }, Value::Number(outcome), Value::Number(our)) => outcome <= our,
            (Rule::Higher { .. }, Value::Number(outcome), Value::Number(our)) => outcome >= our,
            _ => false,
        }
    }

    /// Whether a key means anything in this session (each key's "irrelevant when").
    fn is_relevant(&self, key: &Key) -> bool {
        let decided = self.settled.has(Id::InitialR2t) && self.settled.has(Id::ImmediateData);
        let burst = !decided || !self.parameters.initial_r2t || self.parameters.immediate_data;
        !(self.discovery && key.normal) && (key.id != Id::FirstBurstLength || burst)
    }

    /// Declares what is ours to declare, once. Before it our limit is the default, 8192.
    pub fn declare(&mut self, out: &mut Writer) {
        if !std::mem::replace(&mut self.declared, true) {
            let ours = self.terms.options.max_recv_data_segment_length;
            self.parameters.max_recv_data_segment_length = ours;
            out.pair(crate::keys::MRDSL, &ours.to_string());
        }
    }

    /// Offers every key that means something (an initiator's offers).
    pub fn offer_all(&mut self, out: &mut Writer) {
        for key in OPERATIONAL.iter().filter(|key| !matches!(key.rule, Rule::Declared { .. })) {
            if self.is_relevant(key) && (self.leading || !key.leading) {
                self.offer(key, out);
            }
        }
    }

    /// Offers the keys whose present value does not suit us; an error if the other side had its say about one.
    /// An answer that is still open keeps us from going on: whether none is.
    pub fn insist(&mut self, out: &mut Writer) -> Result<bool, Fault> {
        for key in &OPERATIONAL {
            if self.suits(key) || self.open.has(key.id) {
                continue;
            }
            if self.settled.has(key.id) || (key.leading && !self.leading) {
                return Err(Fault::Needed(key.name));
            }
            self.offer(key, out);
        }
        Ok(self.open.is_empty())
    }

    /// Whether what holds now is something that we can live with.
    pub fn suits(&self, key: &Key) -> bool {
        let declared = matches!(key.rule, Rule::Declared { .. });
        // Session-wide keys of a further connection are the first one's matter.
        let others = key.leading && !self.leading;
        declared || others || !self.is_relevant(key) || self.follows(key, terms::get(&self.parameters, key.id))
    }

    /// Whether the defaults suit us, so that the operational stage may be left out.
    pub fn defaults_suit(&self) -> bool {
        OPERATIONAL.iter().all(|key| self.suits(key))
    }

    fn offer(&mut self, key: &Key, out: &mut Writer) {
        self.open.insert(key.id);
        let words = || self.terms.words(key.id).join(",");
        let value = match key.rule {
            Rule::List => words(),
            _ => self.terms.wish(key.id, &self.parameters).to_string(),
        };
        out.pair(key.name, &value);
    }
}

/// A number within its range.
pub fn within(value: &str, least: u32, greatest: u32) -> Option<u32> {
    if value.len() > limits::VALUE {
        return None;
    }
    let number = u32::try_from(text::number(value)?).ok()?;
    (least..=greatest).contains(&number).then_some(number)
}
