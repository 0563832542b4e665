//! Which names and texts may stand in Identify data (NVMe Base 2.0, 4.5: NQN; 5.17.2.1: SN, MN).

use crate::control::Error;
use uuid::Uuid;

/// The NQN of the well-known discovery subsystem.
pub const DISCOVERY_NQN: &str = "nqn.2014-08.org.nvmexpress.discovery";

const UUID_FORM: &str = "nqn.2014-08.org.nvmexpress:uuid:";
const LONGEST: usize = 223;
const SHORTEST: usize = 11;

/// Whether `nqn` is a qualified name: `nqn.yyyy-mm.reverse.domain:text`, or the form with a UUID.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_nqn(nqn: &str) -> Result<(), Error> {
    let wrong = |why: &str| Err(Error::refused(format!("NQN \"{}\": {why}", nqn.escape_debug())));
    if nqn.len() < SHORTEST || nqn.len() > LONGEST {
        return wrong("it has from 11 to 223 bytes");
    }
    if nqn.contains('\0') {
        return wrong("it has no NUL in it");
    }
    if nqn == DISCOVERY_NQN {
        return Ok(());
    }
    if let Some(uuid) = nqn.strip_prefix(UUID_FORM) {
        let good = uuid.len() == 36 && Uuid::try_parse(uuid).is_ok();
        return if good { Ok(()) } else { wrong("after uuid: a UUID must stand") };
    }
    let Some(rest) = nqn.strip_prefix("nqn.") else { return wrong("it must begin with \"nqn.\"") };
    let Some(rest) = after_date(rest) else { return wrong("after \"nqn.\" a date yyyy-mm and a dot must stand") };
    match rest.split_once(':') {
        Some((domain, text)) if !text.is_empty() => {
            let good = domain.split('.').all(is_label);
            if good { Ok(()) } else { wrong("its domain name is not one") }
        }
        _ => wrong("after the domain a ':' and a name must stand"),
    }
}

fn after_date(text: &str) -> Option<&str> {
    let (date, rest) = (text.get(..8)?.as_bytes(), &text[8..]);
    let digits = |range: std::ops::Range<usize>| date[range].iter().all(u8::is_ascii_digit);
    (digits(0..4) && date[4] == b'-' && digits(5..7) && date[7] == b'.').then_some(rest)
}

/// A label of a domain name: begins with a letter, ends with a letter or digit, at most 63 bytes.
fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(inner)
}

/// Whether a serial or model number has at most `most` printable ASCII characters.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_text(what: &str, text: &str, most: usize) -> Result<(), Error> {
    let good = text.len() <= most && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if good { Ok(()) } else { Err(Error::refused(format!("{what}: at most {most} printable ASCII characters"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_use_are_good() {
        for nqn in [
            DISCOVERY_NQN,
            "nqn.2016-06.io.spdk:cnode1",
            "nqn.2016-06.io.spdk-x9:cnode:1",
            "nqn.2014-08.org.nvmexpress:uuid:0fa1b6a2-2f3c-4d7e-9a53-2f2e9a1d3c4b",
            "nqn.1988-11.com.dell:powerstore:00:ä",
        ] {
            assert_eq!(check_nqn(nqn), Ok(()), "{nqn}");
        }
    }

    #[test]
    fn others_are_not() {
        let long = format!("nqn.2016-06.io.spdk:{}", "x".repeat(204));
        assert_eq!(long.len(), 224);
        for nqn in [
            "",
            "nqn.2016-06",
            "iqn.2016-06.io.spdk:disk1",
            "nqn.2016-6.io.spdk:c",
            "nqn.2016-06.io.spdk",
            "nqn.2016-06.io.spdk:",
            "nqn.2016-06..spdk:c",
            "nqn.2016-06.io.9spdk:c",
            "nqn.2016-06.io.spdk-:c",
            "nqn.2016-06.io.sp_dk:c",
            "nqn.2016-06é.io:c",
            "nqn.2014-08.org.nvmexpress:uuid:0fa1b6a2-2f3c-4d7e-9a53-2f2e9a1d3c4",
            "nqn.2014-08.org.nvmexpress:uuid:0fa1b6a22f3c4d7e9a532f2e9a1d3c4bxxxx",
            "nqn.2016-06.io.spdk:a\0b",
            &long,
        ] {
            assert!(check_nqn(nqn).is_err(), "{nqn}");
        }
        assert_eq!(check_nqn(&long[..223]), Ok(()));
    }

    #[test]
    fn texts_are_printable_and_short() {
        assert!(check_text("SN", "SPDK00000000000001", 20).is_ok());
        assert!(check_text("SN", &"1".repeat(21), 20).is_err());
        assert!(check_text("SN", "tab\t", 20).is_err() && check_text("SN", "ä", 20).is_err());
    }
}
