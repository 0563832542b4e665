//! Reactor masks, as far as a file needs them: is it one, and how many cores does it name?

use std::collections::BTreeSet;

/// Most cores a mask can name.
const CORES: u32 = 1024;

/// Number of cores in a hexadecimal mask (`0xF`, `F`) or a list in brackets (`[0-3,8]`); `None` if
/// the text is neither or names no core.
pub(crate) fn count(mask: &str) -> Option<u32> {
    let count = match mask.strip_prefix('[') {
        Some(list) => list_count(list.strip_suffix(']')?)?,
        None if is_hex(mask) => digits(mask).chars().filter_map(|c| c.to_digit(16)).map(u32::count_ones).sum(),
        None => return None,
    };
    (count > 0).then_some(count)
}

/// Is it a hexadecimal number, with or without `0x`, of a length that makes sense?
pub(crate) fn is_hex(text: &str) -> bool {
    let digits = digits(text);
    !digits.is_empty() && digits.len() <= (CORES / 4) as usize && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn digits(text: &str) -> &str {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text)
}

fn list_count(list: &str) -> Option<u32> {
    let mut cores = BTreeSet::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: u32 = first.trim().parse().ok()?;
        let last: u32 = last.trim().parse().ok()?;
        if first > last || last >= CORES {
            return None;
        }
        cores.extend(first..=last);
    }
    u32::try_from(cores.len()).ok()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn masks_and_lists() {
        for (text, cores) in [("0x1", 1), ("F", 4), ("0XfF", 8), ("[0-3]", 4), ("[0,2-3,3]", 3), ("[7]", 1)] {
            assert_eq!(count(text), Some(cores), "{text}");
        }
        for text in ["", "0x", "0x0", "g", "0-3", "[0-3", "[]", "[3-0]", "[0-99999]", "[a]", "-1"] {
            assert_eq!(count(text), None, "{text}");
        }
    }
}
