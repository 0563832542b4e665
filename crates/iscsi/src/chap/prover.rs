//! The initiator's side: proves who it is, and has the target prove itself if it was given the target's secret.

use super::{Algorithm, Challenge, Keys, identifier, same};
use crate::Secret;
use crate::text::{self, Writer};

/// What an initiator proves itself with.
#[derive(Debug, Clone)]
pub struct Proof {
    /// CHAP_N.
    pub user: String,
    /// Its secret.
    pub secret: Secret,
    /// The target's name (any, if empty) and secret: then it must prove itself too.
    pub mutual: Option<(String, Secret)>,
    /// What is offered in CHAP_A, the preferred first.
    pub algorithms: Vec<Algorithm>,
}

/// Where the exchange is.
#[derive(Debug)]
enum State {
    /// AuthMethod was offered.
    Offered,
    /// CHAP_A was offered.
    Algorithms,
    /// The response is out; with mutual CHAP the target's is expected.
    Responded(Option<(Algorithm, Challenge)>),
    Done,
}

/// The authentication of one login.
#[derive(Debug)]
pub struct Prover {
    proof: Option<Proof>,
    state: State,
}

impl Prover {
    /// Without a proof only AuthMethod=None is offered, with one only CHAP.
    pub fn new(proof: Option<Proof>) -> Prover {
        Prover { proof, state: State::Offered }
    }

    /// What is offered in the first request.
    pub fn offer(&self, out: &mut Writer) {
        out.pair("AuthMethod", if self.proof.is_some() { "CHAP" } else { "None" });
    }

    /// Whether our side has nothing more to say: then the request may ask for the next stage.
    pub fn may_leave(&self) -> bool {
        matches!(self.state, State::Done | State::Responded(_)) || self.proof.is_none()
    }

    /// Whether the target has said what it had to.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done | State::Responded(None)) || self.proof.is_none()
    }

    /// The security keys of one logical response; what we say to them goes to `out`.
    pub fn receive(&mut self, pairs: &[(&str, &str)], out: &mut Writer) -> Result<(), &'static str> {
        let keys = Keys::sort(pairs).ok_or("the target sent a key twice")?;
        let Some(proof) = &self.proof else {
            return if keys.has_no_chap() && keys.method.is_none_or(|method| method == "None") {
                Ok(())
            } else {
                Err("the target wants authentication, and there is nothing to prove it with")
            };
        };
        match &self.state {
            State::Offered if keys.method == Some("CHAP") && keys.has_no_chap() => {
                let numbers: Vec<_> = proof.algorithms.iter().map(|algorithm| algorithm.number().to_string()).collect();
                out.pair("CHAP_A", &numbers.join(","));
                self.state = State::Algorithms;
            }
            State::Algorithms => self.state = respond(proof, &keys, out)?,
            State::Responded(Some((algorithm, challenge))) if !keys.has_no_chap() => {
                verify(proof, &keys, *algorithm, challenge)?;
                self.state = State::Done;
            }
            _ if pairs.is_empty() => {}
            _ => return Err("the target's authentication keys do not follow from what was sent"),
        }
        Ok(())
    }
}

fn respond(proof: &Proof, keys: &Keys<'_>, out: &mut Writer) -> Result<State, &'static str> {
    let algorithm = keys.algorithm.and_then(text::number).and_then(Algorithm::of);
    let algorithm = algorithm.filter(|algorithm| proof.algorithms.contains(algorithm));
    let algorithm = algorithm.ok_or("the target chose an algorithm that was not offered")?;
    let (id, challenge) = (keys.id.and_then(identifier), keys.challenge.and_then(text::binary));
    let (Some(id), Some(challenge)) = (id, challenge) else { return Err("the target's challenge is malformed") };
    let response = algorithm.response(id, proof.secret.bytes(), &challenge);
    out.pair("CHAP_N", &proof.user);
    out.pair("CHAP_R", &text::to_hexadecimal(&response));
    if proof.mutual.is_none() {
        return Ok(State::Responded(None));
    }
    let own = Challenge::new().ok_or("the system gives no random bytes")?;
    out.pair("CHAP_I", &own.id.to_string());
    out.pair("CHAP_C", &text::to_hexadecimal(&own.bytes));
    Ok(State::Responded(Some((algorithm, own))))
}

fn verify(proof: &Proof, keys: &Keys<'_>, algorithm: Algorithm, challenge: &Challenge) -> Result<(), &'static str> {
    let Some((name, secret)) = &proof.mutual else { return Ok(()) };
    let expected = algorithm.response(challenge.id, secret.bytes(), &challenge.bytes);
    let response = keys.response.and_then(text::binary);
    let named = keys.name.is_some_and(|theirs| name.is_empty() || theirs == name);
    let right = response.is_some_and(|response| same(&expected, &response));
    if named & right { Ok(()) } else { Err("the target could not prove itself") }
}
