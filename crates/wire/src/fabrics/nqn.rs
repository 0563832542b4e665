//! NVMe Qualified Names. NVMe Base 2.0c 4.5.

use crate::limits::{NQN_FIELD_BYTES, NQN_MAX_BYTES};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// NQN of the discovery subsystem that every host knows.
pub const DISCOVERY_NQN: &str = "nqn.2014-08.org.nvmexpress.discovery";
/// What a UUID-based NQN begins with.
pub const UUID_PREFIX: &str = "nqn.2014-08.org.nvmexpress:uuid:";

/// What is wrong with an NQN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NqnError {
    /// No bytes before the NUL.
    Empty,
    /// More than 223 bytes, or no NUL in the field.
    TooLong,
    /// Not UTF-8, or a NUL inside.
    NotText,
    /// Does not begin with `nqn.` and a date `yyyy-mm.`.
    NoDate,
    /// The reverse domain name is missing or not one.
    BadDomain,
    /// No `:` and name after the domain.
    NoName,
    /// `nqn.2014-08.org.nvmexpress:uuid:` is not followed by a UUID.
    BadUuid,
}

impl core::fmt::Display for NqnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::TooLong => "is longer than 223 bytes",
            Self::NotText => "is not UTF-8 text",
            Self::NoDate => "does not begin with nqn.yyyy-mm.",
            Self::BadDomain => "has no valid reverse domain name after the date",
            Self::NoName => "has no colon and name after the domain",
            Self::BadUuid => "has no valid UUID after uuid:",
        })
    }
}

impl core::error::Error for NqnError {}

/// A 256-byte field that holds an NQN.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(transparent)]
pub struct Nqn(pub [u8; NQN_FIELD_BYTES]);
assert_size!(Nqn = 256);

impl Nqn {
    /// The field for a text of 1 to 223 bytes without NUL. Its form is not looked at ([`validate_nqn`] does).
    ///
    /// # Errors
    /// Empty, too long, or a NUL inside.
    pub fn new(text: &str) -> Result<Self, NqnError> {
        if text.is_empty() {
            return Err(NqnError::Empty);
        }
        if text.len() > NQN_MAX_BYTES {
            return Err(NqnError::TooLong);
        }
        crate::terminated(text).map(Self).ok_or(NqnError::NotText)
    }

    /// The text that a peer put there: up to the first NUL, at most 223 bytes. Its form is not looked at; hosts connect
    /// with NQNs of any form.
    ///
    /// # Errors
    /// Empty, not terminated or too long, not UTF-8.
    pub fn text(&self) -> Result<&str, NqnError> {
        let end = self.0.iter().position(|&b| b == 0).ok_or(NqnError::TooLong)?;
        match end {
            0 => Err(NqnError::Empty),
            1..=NQN_MAX_BYTES => core::str::from_utf8(&self.0[..end]).map_err(|_| NqnError::NotText),
            _ => Err(NqnError::TooLong),
        }
    }
}

impl core::fmt::Debug for Nqn {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.text() {
            Ok(text) => write!(f, "{text:?}"),
            Err(e) => write!(f, "Nqn({e:?})"),
        }
    }
}

/// Checks the form of an NQN: `nqn.yyyy-mm.reverse-domain:name`, `nqn.2014-08.org.nvmexpress:uuid:<uuid>`, or the
/// well-known discovery NQN. Domain labels are those of RFC 1123: letters, digits and inner hyphens, 1 to 63 of them.
///
/// # Errors
/// The first thing that is wrong.
pub fn validate_nqn(nqn: &str) -> Result<(), NqnError> {
    match nqn.len() {
        0 => return Err(NqnError::Empty),
        1..=NQN_MAX_BYTES => {}
        _ => return Err(NqnError::TooLong),
    }
    if nqn.contains('\0') {
        return Err(NqnError::NotText);
    }
    if nqn == DISCOVERY_NQN {
        return Ok(());
    }
    if let Some(uuid) = nqn.strip_prefix(UUID_PREFIX) {
        return if is_uuid(uuid) { Ok(()) } else { Err(NqnError::BadUuid) };
    }
    let rest = nqn.strip_prefix("nqn.").and_then(after_date).ok_or(NqnError::NoDate)?;
    let (domain, name) = match rest.split_once(':') {
        Some((domain, name)) => (domain, Some(name)),
        None => (rest, None),
    };
    if !domain.split('.').all(is_label) {
        return Err(NqnError::BadDomain);
    }
    match name {
        Some(name) if !name.is_empty() => Ok(()),
        _ => Err(NqnError::NoName),
    }
}

/// What follows `yyyy-mm.`.
fn after_date(text: &str) -> Option<&str> {
    let b = text.as_bytes().get(..8)?;
    let digits = [0, 1, 2, 3, 5, 6].iter().all(|&i| b[i].is_ascii_digit());
    if !digits || b[4] != b'-' || b[7] != b'.' {
        return None;
    }
    let month = (b[5] - b'0') * 10 + (b[6] - b'0');
    if (1..=12).contains(&month) { text.get(8..) } else { None }
}

fn is_label(label: &str) -> bool {
    let b = label.as_bytes();
    let inner = b.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-');
    inner && (1..=63).contains(&b.len()) && b[0] != b'-' && b[b.len() - 1] != b'-'
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, c)| match i {
            8 | 13 | 18 | 23 => c == b'-',
            _ => c.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    #[test]
    fn good_names() {
        for nqn in [
            DISCOVERY_NQN,
            "nqn.2016-06.io.spdk:cnode1",
            "nqn.2014-08.com.example:nvme:nvm-subsystem-sn-d78432",
            "nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-AABBCCDDEEFF",
            "nqn.1988-11.com.3par:x",
            "nqn.2020-01.a:\u{e9}",
        ] {
            assert_eq!(validate_nqn(nqn), Ok(()), "{nqn}");
        }
        let longest = std::format!("nqn.2016-06.io.spdk:{}", "x".repeat(203));
        assert_eq!((longest.len(), validate_nqn(&longest)), (223, Ok(())));
    }

    #[test]
    fn bad_names() {
        for (nqn, why) in [
            ("", NqnError::Empty),
            ("iqn.2016-06.io.spdk:x", NqnError::NoDate),
            ("nqn.2016-13.io.spdk:x", NqnError::NoDate),
            ("nqn.2016-00.io.spdk:x", NqnError::NoDate),
            ("nqn.216-06.io.spdk:x", NqnError::NoDate),
            ("nqn.2016-06", NqnError::NoDate),
            ("nqn.2016-0\u{e9}", NqnError::NoDate),
            ("nqn.2016-06.:x", NqnError::BadDomain),
            ("nqn.2016-06.io..spdk:x", NqnError::BadDomain),
            ("nqn.2016-06.io.-spdk:x", NqnError::BadDomain),
            ("nqn.2016-06.io.spdk-:x", NqnError::BadDomain),
            ("nqn.2016-06.io.sp_dk:x", NqnError::BadDomain),
            ("nqn.2016-06.io.spdk", NqnError::NoName),
            ("nqn.2016-06.io.spdk:", NqnError::NoName),
            ("nqn.2016-06.io.spdk:a\0b", NqnError::NotText),
            ("nqn.2014-08.org.nvmexpress:uuid:", NqnError::BadUuid),
            ("nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeefg", NqnError::BadUuid),
        ] {
            assert_eq!(validate_nqn(nqn), Err(why), "{nqn}");
        }
        let long = std::format!("nqn.2016-06.io.spdk:{}", "x".repeat(204));
        assert_eq!(validate_nqn(&long), Err(NqnError::TooLong));
        let label = std::format!("nqn.2016-06.{}:x", "y".repeat(64));
        assert_eq!(validate_nqn(&label), Err(NqnError::BadDomain));
    }

    #[test]
    fn field() {
        let f = Nqn::new("nqn.2016-06.io.spdk:cnode1").unwrap();
        assert_eq!(f.text(), Ok("nqn.2016-06.io.spdk:cnode1"));
        assert_eq!(std::format!("{f:?}"), "\"nqn.2016-06.io.spdk:cnode1\"");
        assert_eq!(Nqn::new(""), Err(NqnError::Empty));
        assert_eq!(Nqn::new(&"x".repeat(224)), Err(NqnError::TooLong));
        assert_eq!(Nqn::new("a\0"), Err(NqnError::NotText));
        assert_eq!(Nqn([0; 256]).text(), Err(NqnError::Empty));
        assert_eq!(Nqn([b'x'; 256]).text(), Err(NqnError::TooLong));
        let mut f = Nqn::new("x").unwrap();
        f.0[..224].fill(b'x');
        assert_eq!(f.text(), Err(NqnError::TooLong));
        f.0[223] = 0;
        assert_eq!(f.text(), Ok(String::from_utf8([b'x'; 223].to_vec()).unwrap().as_str()));
        f.0[0] = 0xff;
        assert_eq!(f.text(), Err(NqnError::NotText));
    }
}
