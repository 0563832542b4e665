//! The target's side: chooses the method, challenges, verifies, and proves itself if it is asked to.

use super::{Algorithm, Challenge, Keys, identifier, same};
use crate::text::{self, Writer};
use crate::{AuthPolicy, Chap, Credentials, Directory, limits};

/// Why authentication ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// Login status 0201h. The reason is for our log and not for the initiator.
    #[error("authentication: {0}")]
    Authentication(&'static str),
    /// Login status 0200h.
    #[error("authentication: {0}")]
    Protocol(&'static str),
    /// Login status 0302h.
    #[error("the system gives no random bytes")]
    Random,
}

/// Where the exchange is.
#[derive(Debug)]
enum State {
    /// No method was offered yet.
    Open,
    /// AuthMethod=None was agreed on.
    None,
    /// AuthMethod=CHAP was agreed on; the initiator's algorithms come.
    Chap,
    /// The challenge is out.
    Challenged(Algorithm, Challenge),
    /// The initiator is who it says.
    Passed(String),
}

/// The authentication of one login.
#[derive(Debug)]
pub struct Verifier {
    policy: AuthPolicy,
    state: State,
}

impl Verifier {
    /// What is to be proved.
    pub fn new(policy: AuthPolicy) -> Verifier {
        Verifier { policy, state: State::Open }
    }

    /// Whether the login may go on to the next stage.
    pub fn is_done(&self) -> bool {
        match self.state {
            State::Open => self.policy.chap != Chap::Required,
            State::None | State::Passed(_) => true,
            State::Chap | State::Challenged(..) => false,
        }
    }

    /// Whether the initiator asks to leave the stage without having begun what it must do.
    pub fn is_evaded(&self) -> bool {
        matches!(self.state, State::Open) && !self.is_done()
    }

    /// Who the initiator is, if it proved that.
    pub fn user(&self) -> Option<&str> {
        match &self.state {
            State::Passed(user) => Some(user),
            _ => None,
        }
    }

    /// The security keys of one logical request.
    pub fn receive(
        &mut self,
        pairs: &[(&str, &str)],
        directory: &dyn Directory,
        out: &mut Writer,
    ) -> Result<(), Failed> {
        let keys = Keys::sort(pairs).ok_or(Failed::Protocol("a key twice"))?;
        if let Some(methods) = keys.method {
            self.method(methods, out)?;
        }
        if keys.has_no_chap() {
            return Ok(());
        }
        match std::mem::replace(&mut self.state, State::Open) {
            State::Chap => self.challenge(&keys, out),
            State::Challenged(algorithm, challenge) => self.verify(&keys, algorithm, &challenge, directory, out),
            _ => Err(Failed::Protocol("keys of CHAP that nothing asked for")),
        }
    }

    /// The first of the initiator's methods that the policy lets through.
    fn method(&mut self, methods: &str, out: &mut Writer) -> Result<(), Failed> {
        if !matches!(self.state, State::Open) {
            return Err(Failed::Protocol("AuthMethod was settled already"));
        }
        let chosen = text::list(methods).find_map(|method| self.state_of(method).map(|state| (method, state)));
        let (method, state) = chosen.ok_or(Failed::Authentication("no method that the policy allows was offered"))?;
        out.pair("AuthMethod", method);
        self.state = state;
        Ok(())
    }

    fn state_of(&self, method: &str) -> Option<State> {
        match method {
            "None" => (self.policy.chap != Chap::Required).then_some(State::None),
            "CHAP" => (self.policy.chap != Chap::Never && self.policy.group.is_some()).then_some(State::Chap),
            _ => None,
        }
    }

    fn challenge(&mut self, keys: &Keys<'_>, out: &mut Writer) -> Result<(), Failed> {
        let offered = keys.algorithm.ok_or(Failed::Protocol("CHAP_A must come first"))?;
        let known = text::list(offered).find_map(|number| Algorithm::of(text::number(number)?));
        let algorithm = known.ok_or(Failed::Authentication("no algorithm of CHAP that is known"))?;
        let challenge = Challenge::new().ok_or(Failed::Random)?;
        out.pair("CHAP_A", &algorithm.number().to_string());
        out.pair("CHAP_I", &challenge.id.to_string());
        out.pair("CHAP_C", &text::to_hexadecimal(&challenge.bytes));
        self.state = State::Challenged(algorithm, challenge);
        Ok(())
    }

    fn verify(
        &mut self,
        keys: &Keys<'_>,
        algorithm: Algorithm,
        asked: &Challenge,
        directory: &dyn Directory,
        out: &mut Writer,
    ) -> Result<(), Failed> {
        let (Some(user), Some(response)) = (keys.name, keys.response.and_then(text::binary)) else {
            return Err(Failed::Authentication("CHAP_N or CHAP_R is missing or malformed"));
        };
        let credentials = self.credentials(user, directory);
        let secret = credentials.as_ref().map_or(&[][..], |credentials| credentials.secret.bytes());
        let expected = algorithm.response(asked.id, secret, &asked.bytes);
        // Both are looked at in any case: time must not tell which was wrong.
        let right = same(&expected, &response) & !secret.is_empty();
        let credentials = credentials.filter(|_| right).ok_or(Failed::Authentication("wrong name or response"))?;
        self.prove(keys, algorithm, asked, &credentials, out)?;
        self.state = State::Passed(user.to_owned());
        Ok(())
    }

    fn credentials(&self, user: &str, directory: &dyn Directory) -> Option<Credentials> {
        let fits = !user.is_empty() && user.len() <= limits::VALUE;
        directory.credentials(self.policy.group?, user).filter(|_| fits)
    }

    /// The other way round, if the initiator asks or the policy wants it.
    fn prove(
        &self,
        keys: &Keys<'_>,
        algorithm: Algorithm,
        asked: &Challenge,
        credentials: &Credentials,
        out: &mut Writer,
    ) -> Result<(), Failed> {
        let (id, challenge) = match (keys.id, keys.challenge) {
            (None, None) if self.policy.mutual => {
                return Err(Failed::Authentication(
                    "the policy wants mutual CHAP, and the initiator did not ask for it",
                ));
            }
            (None, None) => return Ok(()),
            (id, challenge) => (id.and_then(identifier), challenge.and_then(text::binary)),
        };
        let (Some(id), Some(challenge)) = (id, challenge) else {
            return Err(Failed::Authentication("CHAP_I or CHAP_C is missing or malformed"));
        };
        if *challenge == asked.bytes[..] {
            return Err(Failed::Authentication("our own challenge was sent back to us"));
        }
        let Some((name, secret)) = &credentials.mutual else {
            return Err(Failed::Authentication("mutual CHAP was asked for, and there is no secret for it"));
        };
        if same(secret.bytes(), credentials.secret.bytes()) {
            return Err(Failed::Authentication("the secrets of both directions are the same (RFC 7143 section 9.2.1)"));
        }
        out.pair("CHAP_N", name);
        out.pair("CHAP_R", &text::to_hexadecimal(&algorithm.response(id, secret.bytes(), &challenge)));
        Ok(())
    }
}
