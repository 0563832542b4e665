//! Sizes and times as people write them.

/// Bytes: `4096`, `4k`, `128K`, `1M`, `2g` (powers of 1024; a trailing `b` or `ib` is taken).
///
/// # Errors
/// What is wrong, in words.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = lower[digits.len()..].trim_start();
    let shift = match unit {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(format!("unknown unit {unit:?}: use k, m, g or t, as in 4k")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text:?} is not a size such as 4096, 4k or 1M"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("{text} is too large"))
}

/// Seconds: `10`, `1.5`, `500ms`, `10s`, `2m`, `1h`.
///
/// # Errors
/// What is wrong, in words.
pub fn parse_seconds(text: &str) -> Result<std::time::Duration, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("unknown unit {unit:?}: use ms, s, m or h")),
    };
    let number: f64 = digits.parse().map_err(|_| format!("{text:?} is not a time such as 10, 1.5 or 500ms"))?;
    std::time::Duration::try_from_secs_f64(number * factor).map_err(|e| format!("{text}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("4k"), Ok(4096));
        assert_eq!(parse_bytes("128KiB"), Ok(131_072));
        assert_eq!(parse_bytes("512"), Ok(512));
        assert_eq!(parse_bytes("1G"), Ok(1 << 30));
        for bad in ["", "k", "4q", "-1", "99999999999t", "4.5k"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(parse_seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_seconds("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_seconds("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "x", "1d", "-1"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
