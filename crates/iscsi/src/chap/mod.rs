//! CHAP (RFC 7143 section 12.1.3, RFC 1994), one-way and mutual, from both sides.
//!
//! - [`verifier`]: the target's side. [`prover`]: the initiator's.
//! - Limits: one attempt a login; challenges of 1 to 1,024 bytes are answered, ours have [`crate::limits::CHALLENGE`].
//! - Nothing here prints a secret, and nobody is told whether it was the name or the response that was wrong.

pub mod prover;
pub mod verifier;

use md5::Digest;
use std::fmt;
use subtle::ConstantTimeEq;

/// A hash of CHAP: MD5 of RFC 1994 and what the registry of PPP authentication algorithms has beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 5.
    Md5,
    /// 6.
    Sha1,
    /// 7.
    Sha256,
    /// 8.
    Sha3,
}

impl Algorithm {
    /// All, the strongest first.
    pub const ALL: [Algorithm; 4] = [Algorithm::Sha3, Algorithm::Sha256, Algorithm::Sha1, Algorithm::Md5];

    /// Its number in CHAP_A.
    pub const fn number(self) -> u64 {
        match self {
            Algorithm::Md5 => 5,
            Algorithm::Sha1 => 6,
            Algorithm::Sha256 => 7,
            Algorithm::Sha3 => 8,
        }
    }

    /// The one with this number.
    pub fn of(number: u64) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.number() == number)
    }

    /// The response to a challenge: the hash of identifier, secret and challenge.
    pub fn response(self, id: u8, secret: &[u8], challenge: &[u8]) -> Vec<u8> {
        match self {
            Algorithm::Md5 => hash::<md5::Md5>(id, secret, challenge),
            Algorithm::Sha1 => hash::<sha1::Sha1>(id, secret, challenge),
            Algorithm::Sha256 => hash::<sha2::Sha256>(id, secret, challenge),
            Algorithm::Sha3 => hash::<sha3::Sha3_256>(id, secret, challenge),
        }
    }
}

fn hash<D: Digest>(id: u8, secret: &[u8], challenge: &[u8]) -> Vec<u8> {
    D::new().chain_update([id]).chain_update(secret).chain_update(challenge).finalize().to_vec()
}

/// Whether two responses are the same, in a time that does not tell where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// What we ask of the other side.
#[derive(Clone, PartialEq, Eq)]
struct Challenge {
    id: u8,
    bytes: [u8; crate::limits::CHALLENGE],
}

impl Challenge {
    /// A new one, from the system's randomness.
    fn new() -> Option<Challenge> {
        let mut random = [0; crate::limits::CHALLENGE + 1];
        getrandom::fill(&mut random).ok()?;
        let [id, bytes @ ..] = random;
        Some(Challenge { id, bytes })
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge {}", self.id)
    }
}

/// The keys of CHAP in one logical request or response.
#[derive(Default)]
struct Keys<'a> {
    method: Option<&'a str>,
    algorithm: Option<&'a str>,
    id: Option<&'a str>,
    challenge: Option<&'a str>,
    name: Option<&'a str>,
    response: Option<&'a str>,
}

impl<'a> Keys<'a> {
    /// Sorts pairs; nothing if a key is there twice.
    fn sort(pairs: &[(&str, &'a str)]) -> Option<Keys<'a>> {
        let mut keys = Keys::default();
        for &(key, value) in pairs {
            let place = keys.place(key)?;
            if place.replace(value).is_some() {
                return None;
            }
        }
        Some(keys)
    }

    fn place(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        match key {
            "AuthMethod" => Some(&mut self.method),
            "CHAP_A" => Some(&mut self.algorithm),
            "CHAP_I" => Some(&mut self.id),
            "CHAP_C" => Some(&mut self.challenge),
            "CHAP_N" => Some(&mut self.name),
            "CHAP_R" => Some(&mut self.response),
            _ => None,
        }
    }

    /// Whether none of CHAP's own keys is there.
    fn has_no_chap(&self) -> bool {
        let chap = [self.algorithm, self.id, self.challenge, self.name, self.response];
        chap.iter().all(Option::is_none)
    }
}

/// An identifier: a number below 256.
fn identifier(value: &str) -> Option<u8> {
    u8::try_from(crate::text::number(value)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::to_hexadecimal;

    /// Made with Python's hashlib over `07 | "secret of 16 b.." | 00 01 .. 0f`.
    #[test]
    fn responses_are_the_hashes_that_others_compute() {
        let challenge: Vec<u8> = (0..16).collect();
        let expected = [
            (Algorithm::Md5, "b94e168bb81db7d299067bfa0bba635b"),
            (Algorithm::Sha1, "2bc430bd31773c46a5846cc8dd00a075fc08f71e"),
            (Algorithm::Sha256, "a5cb48741d229b90f9069020ecd99524e96d0401a82190434019b8553a9fbf5e"),
            (Algorithm::Sha3, "c0398c286774210f3a62469098bde0ad89d3ddfd971066db7ac545d8c357627e"),
        ];
        for (algorithm, hash) in expected {
            let response = algorithm.response(7, b"secret of 16 b..", &challenge);
            assert_eq!(to_hexadecimal(&response), format!("0x{hash}"), "{algorithm:?}");
        }
    }

    #[test]
    fn comparison_looks_at_every_byte_and_the_length() {
        assert!(same(b"abc", b"abc") && !same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"", b"a"));
    }

    #[test]
    fn numbers_and_algorithms_are_one_to_one() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::of(algorithm.number()), Some(algorithm));
        }
        assert_eq!(Algorithm::of(4), None);
    }
}
