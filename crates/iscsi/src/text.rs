//! Text of login and text requests: `key=value` pairs, each ended by a zero byte (RFC 7143 section 6.1).
//!
//! - [`Collector`] puts the parts of one logical request together (C bit); [`pairs`] takes it apart.
//! - [`Writer`] makes a text; [`Parts`] cuts a long one into data segments.
//! - [`number`], [`binary`], [`list`]: values. Ranges (`min~max`) occurred only in keys that are obsolete: not read.

use crate::limits;
use zeroize::Zeroizing;

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// More than [`limits::TEXT`] or [`limits::PAIRS`].
    #[error("a text that is too long")]
    TooLong,
    /// The last pair is not ended.
    #[error("a text whose last pair is not ended by a zero byte")]
    Unended,
    /// Something that is not `key=value`.
    #[error("a text with a pair that is not key=value")]
    NotAPair,
    /// A key that is too long or has characters that no key has.
    #[error("a text with a key that cannot be one")]
    Key,
    /// A value that is too long or is not text.
    #[error("a text with a value that is too long or not UTF-8")]
    Value,
}

/// One pair.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The key.
    pub key: &'a str,
    /// The value, possibly empty.
    pub value: &'a str,
}

impl std::fmt::Debug for Pair<'_> {
    /// The key only: a value may be a response of CHAP.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=..", self.key)
    }
}

/// Takes a whole text apart.
pub fn pairs(text: &[u8]) -> Result<Vec<Pair<'_>>, Malformed> {
    if text.last().is_some_and(|&last| last != 0) {
        return Err(Malformed::Unended);
    }
    let mut all = Vec::new();
    for piece in text.split(|&byte| byte == 0).filter(|piece| !piece.is_empty()) {
        if all.len() == limits::PAIRS {
            return Err(Malformed::TooLong);
        }
        all.push(pair(piece)?);
    }
    Ok(all)
}

fn pair(piece: &[u8]) -> Result<Pair<'_>, Malformed> {
    let at = piece.iter().position(|&byte| byte == b'=').ok_or(Malformed::NotAPair)?;
    let (key, value) = (&piece[..at], &piece[at + 1..]);
    if !is_key(key) {
        return Err(Malformed::Key);
    }
    let value = std::str::from_utf8(value).map_err(|_| Malformed::Value)?;
    if value.len() > limits::ENCODED {
        return Err(Malformed::Value);
    }
    // A key is ASCII.
    Ok(Pair { key: std::str::from_utf8(key).map_err(|_| Malformed::Key)?, value })
}

/// Letters, digits, `.-+@_`, and `#` as in `X#`, beginning with a letter. The standard wants a capital one, and then gives
/// `iSCSIProtocolLevel` its name.
fn is_key(key: &[u8]) -> bool {
    let rest = |&byte: &u8| byte.is_ascii_alphanumeric() || b".-+@_#".contains(&byte);
    key.len() <= limits::KEY && key.first().is_some_and(u8::is_ascii_alphabetic) && key.iter().all(rest)
}

/// A number: decimal, or hexadecimal after `0x` (section 6.1: below 2^64).
pub fn number(value: &str) -> Option<u64> {
    if let Some(digits) = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        let hexadecimal = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return hexadecimal.then(|| u64::from_str_radix(digits, 16).ok()).flatten();
    }
    let decimal = !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit());
    decimal.then(|| value.parse().ok()).flatten()
}

/// `Yes` or `No`.
pub fn boolean(value: &str) -> Option<bool> {
    match value {
        "Yes" => Some(true),
        "No" => Some(false),
        _ => None,
    }
}

/// A binary value: hexadecimal after `0x` (an odd number of digits has a zero before it), base64 after `0b`.
pub fn binary(value: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (kind, digits) = (value.get(..2)?, value.get(2..)?);
    let bytes = match kind {
        "0x" | "0X" => hexadecimal(digits)?,
        "0b" | "0B" => base64::Engine::decode(&base64::engine::general_purpose::STANDARD, digits).ok()?,
        _ => return None,
    };
    let bytes = Zeroizing::new(bytes);
    (!bytes.is_empty() && bytes.len() <= limits::BINARY).then_some(bytes)
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (odd, even) = digits.as_bytes().split_at(digits.len() % 2);
    let first = odd.iter().map(|&low| digit(low));
    let rest = even.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    first.chain(rest).collect()
}

/// A binary value as we write it.
pub fn to_hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
    "0x".chars().chain(digits).collect()
}

/// The values of a list.
pub fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',')
}

/// Puts the parts of one logical request together.
#[derive(Debug, Default)]
pub struct Collector {
    text: Zeroizing<Vec<u8>>,
}

impl Collector {
    /// Adds a part. `more` is its C bit: with it there is nothing yet, without it the whole text is given.
    pub fn add(&mut self, part: &[u8], more: bool) -> Result<Option<Zeroizing<Vec<u8>>>, Malformed> {
        if self.text.len() + part.len() > limits::TEXT {
            self.text = Zeroizing::default();
            return Err(Malformed::TooLong);
        }
        self.text.extend_from_slice(part);
        Ok((!more).then(|| std::mem::take(&mut self.text)))
    }

    /// Whether parts wait for more.
    pub fn is_waiting(&self) -> bool {
        !self.text.is_empty()
    }
}

/// Makes a text.
#[derive(Default, Clone)]
pub struct Writer {
    text: Vec<u8>,
}

impl Writer {
    /// Adds a pair.
    pub fn pair(&mut self, key: &str, value: &str) {
        for piece in [key, "=", value, "\0"] {
            self.text.extend_from_slice(piece.as_bytes());
        }
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text.
    pub fn finish(self) -> Vec<u8> {
        self.text
    }
}

/// A text that goes out in parts.
#[derive(Default)]
pub struct Parts {
    text: Vec<u8>,
    sent: usize,
}

impl Parts {
    /// What there is to send.
    pub fn new(text: Vec<u8>) -> Parts {
        Parts { text, sent: 0 }
    }

    /// The next part, of at most `limit` bytes, and whether more follow.
    pub fn next(&mut self, limit: usize) -> (Vec<u8>, bool) {
        let rest = &self.text[self.sent..];
        let part = rest[..rest.len().min(limit)].to_vec();
        self.sent += part.len();
        (part, self.is_more())
    }

    /// Whether something has not been sent.
    pub fn is_more(&self) -> bool {
        self.sent < self.text.len()
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", self.sent, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_as_it_was_made() {
        let mut writer = Writer::default();
        writer.pair("InitiatorName", "iqn.a=b");
        writer.pair("X#NodeArchitecture", "");
        let text = writer.finish();
        let found: Vec<_> = pairs(&text).unwrap().iter().map(|pair| (pair.key, pair.value)).collect();
        assert_eq!(found, [("InitiatorName", "iqn.a=b"), ("X#NodeArchitecture", "")]);
        assert!(pairs(b"").unwrap().is_empty() && pairs(b"\0\0").unwrap().is_empty());
    }

    #[test]
    fn malformed_texts_are_named() {
        let long_key = format!("K{}=1\0", "k".repeat(63));
        let long_value = format!("K={}\0", "v".repeat(limits::ENCODED + 1));
        let many = "K=1\0".repeat(limits::PAIRS + 1);
        let cases: [(&[u8], Malformed); 9] = [
            (b"Key=1", Malformed::Unended),
            (b"Key\0", Malformed::NotAPair),
            (b"=1\0", Malformed::Key),
            (b"1Key=1\0", Malformed::Key),
            (b"Ke y=1\0", Malformed::Key),
            (b"Key=\xff\0", Malformed::Value),
            (long_key.as_bytes(), Malformed::Key),
            (long_value.as_bytes(), Malformed::Value),
            (many.as_bytes(), Malformed::TooLong),
        ];
        for (text, why) in cases {
            assert_eq!(pairs(text), Err(why), "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn numbers() {
        let good = [("0", 0), ("8192", 8192), ("0x10", 16), ("0XfF", 255), ("18446744073709551615", u64::MAX)];
        for (text, value) in good {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", "-1", "+1", "1 ", "0x", "0xg", "0x+1", "1.5", "18446744073709551616", "Yes", "1~2"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn binary_values() {
        assert_eq!(**binary("0x0aFF").unwrap(), [0x0a, 0xff]);
        assert_eq!(**binary("0xabc").unwrap(), [0x0a, 0xbc]);
        assert_eq!(**binary("0bAQID").unwrap(), [1, 2, 3]);
        let longest = to_hexadecimal(&[7; limits::BINARY]);
        assert_eq!(binary(&longest).unwrap().len(), limits::BINARY);
        for text in ["", "0", "0x", "0b", "12", "0xzz", "0b!", &format!("{longest}00"), "0\u{e4}x"] {
            assert!(binary(text).is_none(), "{text}");
        }
    }

    #[test]
    fn parts_come_together_again_and_not_for_ever() {
        let mut parts = Parts::new(b"A=1\0B=2\0".to_vec());
        let mut collector = Collector::default();
        let whole = loop {
            let (part, more) = parts.next(3);
            if let Some(whole) = collector.add(&part, more).unwrap() {
                break whole;
            }
            assert!(collector.is_waiting());
        };
        assert_eq!(**whole, *b"A=1\0B=2\0");
        let full = vec![b'a'; limits::TEXT];
        assert_eq!(collector.add(&full, true), Ok(None));
        assert_eq!(collector.add(b"a", false), Err(Malformed::TooLong));
        assert!(!collector.is_waiting());
    }
}
