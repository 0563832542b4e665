//! Sets of cores as users write them: `0x3`, `3`, `[0-3,5]`, `0-3,5`... and as SPDK prints them.

/// The highest core number that is understood, plus one.
const CORES: usize = 1024;

/// The cores of a hexadecimal mask (`0x5` or `5`) or of a list in brackets (`[0,2]`, `[0-3,5]`), ascending.
///
/// # Errors
/// What is wrong with the text.
pub fn parse(text: &str) -> Result<Vec<usize>, String> {
    let text = text.trim();
    let cores = match text.strip_prefix('[') {
        Some(list) => parse_list(list.strip_suffix(']').ok_or("a core list ends with ']'")?)?,
        None => parse_mask(text.trim_start_matches("0x").trim_start_matches("0X"))?,
    };
    if cores.is_empty() { Err("it names no core".to_owned()) } else { Ok(cores) }
}

fn parse_mask(digits: &str) -> Result<Vec<usize>, String> {
    if digits.is_empty() || digits.len() > CORES / 4 {
        return Err("a mask is hexadecimal digits, e.g. 0x3; a list stands in brackets, e.g. [0-3,5]".to_owned());
    }
    let mut cores = Vec::new();
    for (n, digit) in digits.chars().rev().enumerate() {
        let digit = digit.to_digit(16).ok_or_else(|| format!("{digit:?} is no hexadecimal digit"))?;
        cores.extend((0..4).filter(|bit| digit >> bit & 1 == 1).map(|bit| n * 4 + bit));
    }
    Ok(cores)
}

fn parse_list(list: &str) -> Result<Vec<usize>, String> {
    let mut cores = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(format!("{part} runs backwards"));
        }
        cores.extend(first..=last);
    }
    cores.sort_unstable();
    cores.dedup();
    Ok(cores)
}

fn number(text: &str) -> Result<usize, String> {
    let number: usize = text.trim().parse().map_err(|_| format!("{text:?} is no core number"))?;
    if number < CORES { Ok(number) } else { Err(format!("core {number} is beyond {}", CORES - 1)) }
}

/// The mask as SPDK prints it: hexadecimal without `0x`.
pub fn format(cores: impl IntoIterator<Item = usize>) -> String {
    let mut digits: Vec<u8> = vec![0];
    for core in cores {
        if digits.len() <= core / 4 {
            digits.resize(core / 4 + 1, 0);
        }
        digits[core / 4] |= 1 << (core % 4);
    }
    digits.iter().rev().map(|digit| char::from_digit(u32::from(*digit), 16).expect("four bits")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_lists() {
        for (text, cores) in [
            ("0x5", vec![0, 2]),
            ("F", vec![0, 1, 2, 3]),
            ("0X100", vec![8]),
            ("[0-3,5]", vec![0, 1, 2, 3, 5]),
            ("[7, 2,2-3]", vec![2, 3, 7]),
            ("0x00000000000000000000000000000001", vec![0]),
        ] {
            assert_eq!(parse(text), Ok(cores), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "0x", "0x0", "[", "[]", "[3-1]", "[1024]", "xyz", "[0-]", "1,2", "[a]", "[-1]"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn printing_is_the_inverse() {
        assert_eq!((format([0, 1]), format([9]), format([])), ("3".into(), "200".into(), "0".into()));
        for text in ["1", "ff", "8000000000000001"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }
}
