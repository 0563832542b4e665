//! iSCSI names (RFC 7143 section 4.2.7): what may be one, and the form in which they are compared.

use crate::limits;

/// The name in lower case, if it can be one: `iqn.`, `eui.` or `naa.`, at most 223 bytes, no blanks, no punctuation but `.-:`.
///
/// Characters beyond ASCII are allowed and compared as they are: the preparation of RFC 3722 is not done.
pub fn normalise(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let fits = name.len() <= limits::NAME && name.chars().all(is_name);
    (fits && is_typed(&name)).then_some(name)
}

/// Underscores are not in the standard's list; names with them are in the field.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".-:_".contains(c) || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
}

fn is_typed(name: &str) -> bool {
    let Some((kind, rest)) = name.split_once('.') else { return false };
    let hexadecimal = |lengths: &[usize]| lengths.contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_hexdigit());
    match kind {
        "iqn" => !rest.is_empty(),
        "eui" => hexadecimal(&[16]),
        "naa" => hexadecimal(&[16, 32]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(normalise("IQN.1991-05.com.Microsoft:Host").as_deref(), Some("iqn.1991-05.com.microsoft:host"));
        for name in ["eui.02004567A425678D", "naa.52004567BA64678D", "iqn.2016-06.io.spdk:disk_1", "iqn.x:\u{e4}"] {
            assert!(normalise(name).is_some(), "{name}");
        }
        let long = format!("iqn.{}", "a".repeat(220));
        for name in ["", "iqn.", "disk1", "eui.1", "naa.x2004567BA64678D", "iqn.a b", "iqn.a,b", "iqn.a\n", &long] {
            assert!(normalise(name).is_none(), "{name}");
        }
    }
}
