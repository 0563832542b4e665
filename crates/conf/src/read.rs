//! Typed reading of a section's keys: texts, numbers and booleans, with a warning and a default
//! for each that cannot be read.

use std::ops::RangeInclusive;

use crate::diag::{Log, show};
use crate::group::Block;
use crate::parse::Item;

impl Block {
    /// First item with this key.
    pub(crate) fn item(&self, key: &str) -> Option<&Item> {
        self.items.iter().find(|i| i.key.eq_ignore_ascii_case(key))
    }

    /// All items with this key.
    pub(crate) fn items<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(move |i| i.key.eq_ignore_ascii_case(key))
    }

    /// First value of the first item with this key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.item(key)?.value(0)
    }

    /// A boolean; `None` if the key is absent or cannot be read (`default` is for the warning).
    pub(crate) fn flag(&self, key: &str, default: bool, log: &mut Log) -> Option<bool> {
        let item = self.item(key)?;
        let text = item.value(0)?;
        let flag = boolean(text);
        if flag.is_none() {
            let message =
                format!("[{}] {key}: {} is not Yes or No; {} is used", self.name, show(text), yes_no(default));
            log.warn(item.line, message, "write Yes or No");
        }
        flag
    }

    /// A decimal number; `None` if the key is absent or cannot be read (`default` is for the
    /// warning: what is used instead).
    pub(crate) fn number(&self, key: &str, range: RangeInclusive<u64>, default: &str, log: &mut Log) -> Option<u64> {
        let item = self.item(key)?;
        self.value_number(item, 0, range, default, log)
    }

    /// The number at `index` of `item`, as [`Block::number`].
    pub(crate) fn value_number(
        &self,
        item: &Item,
        index: usize,
        range: RangeInclusive<u64>,
        default: &str,
        log: &mut Log,
    ) -> Option<u64> {
        let text = item.value(index)?;
        let number = decimal(text).filter(|n| range.contains(n));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            let message = format!(
                "[{}] {}: {} is not a number from {least} to {most}; {default}",
                self.name,
                item.key,
                show(text)
            );
            log.warn(item.line, message, "write a decimal number without unit");
        }
        number
    }

    /// One warning that this whole section does nothing here.
    pub(crate) fn no_meaning(&self, log: &mut Log) {
        log.warn(self.line, format!("[{}] has no meaning here yet; it is ignored", self.name), "remove the section");
    }
}

/// Yes, Y, True, 1, On and No, N, False, 0, Off in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(text));
    if is(&["Yes", "Y", "True", "1", "On"]) {
        Some(true)
    } else if is(&["No", "N", "False", "0", "Off"]) {
        Some(false)
    } else {
        None
    }
}

fn yes_no(flag: bool) -> &'static str {
    if flag { "Yes" } else { "No" }
}

/// Only digits: no sign, no `0x`, no unit, as in the original.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Decimal, `0x` hexadecimal or `0` octal, as the original reads a namespace ID.
pub(crate) fn any_base(text: &str) -> Option<u64> {
    let digits = |text: &str, base| {
        text.bytes().all(|b| b.is_ascii_alphanumeric()).then(|| u64::from_str_radix(text, base).ok())?
    };
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => digits(hex, 16),
        None if text.len() > 1 && text.starts_with('0') => digits(&text[1..], 8),
        None => digits(text, 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, flag) in [("yes", true), ("Y", true), ("TRUE", true), ("1", true), ("on", true)] {
            assert_eq!(boolean(text), Some(flag));
        }
        for (text, flag) in [("no", false), ("n", false), ("False", false), ("0", false), ("OFF", false)] {
            assert_eq!(boolean(text), Some(flag));
        }
        assert_eq!((boolean("enable"), boolean("")), (None, None));
    }

    #[test]
    fn numbers() {
        assert_eq!(decimal("12"), Some(12));
        for text in ["", "-1", "+1", "0x10", "1k", " 1", "99999999999999999999"] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(
            (any_base("0x1f"), any_base("017"), any_base("0"), any_base("9")),
            (Some(31), Some(15), Some(0), Some(9))
        );
        assert_eq!((any_base("0x"), any_base("-1"), any_base("+1"), any_base("08")), (None, None, None, None));
    }
}
